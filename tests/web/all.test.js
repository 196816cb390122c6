// All browser tests in one process, so that they share one portal and one browser.

import './flows.test.js';
import './behaviours.test.js';
import './console.test.js';
import './sso.test.js';
import './attacks.test.js';
import './pages.test.js';
