// All browser tests in one process, so that they share one portal and one browser.

import './pages.test.js';
