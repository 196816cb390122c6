// All browser tests in one process, so that they share one portal and one browser.

import './flows.test.js';
import './attacks.test.js';
import './pages.test.js';
