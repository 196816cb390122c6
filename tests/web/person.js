// Acts like a person: reads what the page says, fills in fields by their labels, presses what it offers. In English and
// in German, with scripts and without.

import assert from 'node:assert/strict';
import { Authenticator } from './codes.js';
import { PASSWORD } from './portal.js';

/** Labels as the pages have them, in both languages. */
const LABEL = {
  email: /^(E-mail address|E-Mail-Adresse)$/,
  password: /^(Password|Passwort)$/,
  code: /^(Code|Code der Authenticator-App)$/,
  recoveryCode: /^(Recovery code|Wiederherstellungscode)$/,
  signOut: /^(Sign out|Abmelden)$/,
};

export class Person {
  /** Everything that no page may do: what the console complained about, and what left the origin. */
  faults = [];
  authenticator;
  recoveryCodes = [];
  #document;

  static async open(browser, portal, member, { scripts = true, language = 'en', provider, ...others } = {}) {
    const person = new Person();
    Object.assign(person, { portal, member, language, scripts });
    person.context = await browser.newContext({
      baseURL: portal.url,
      javaScriptEnabled: scripts,
      locale: language === 'de' ? 'de-DE' : 'en-GB',
      timezoneId: 'Europe/Berlin',
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...others,
    });
    person.context.setDefaultTimeout(10_000);
    person.context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (![portal.url, provider].includes(origin) && protocol !== 'data:') person.faults.push(`asks ${request.url()}`);
    });
    person.use(await person.context.newPage());
    return person;
  }

  /** From now on acts in this tab. */
  use(page) {
    this.page = page;
    page.on('pageerror', (fault) => this.faults.push(`script: ${fault.message}`));
    page.on('console', (message) => {
      // A page that says no has a status which says so, too; the console repeats it.
      const isOwnStatus = /^Failed to load resource: .* status of 4/.test(message.text()) && message.location().url === page.url();
      if (message.type() === 'error' && !isOwnStatus) this.faults.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('response', (response) => {
      if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) this.#document = response;
    });
  }

  get path() {
    return new URL(this.page.url()).pathname;
  }

  get main() {
    return this.page.getByRole('main');
  }

  /** The status of the page that is shown. */
  get status() {
    return this.#document.status();
  }

  get headers() {
    return this.#document.headers();
  }

  /** The page as it was served. */
  html() {
    return this.#document.text();
  }

  go(path) {
    return this.page.goto(path);
  }

  field(label) {
    return this.main.getByLabel(LABEL[label] ?? label, { exact: true });
  }

  /** Presses the page's one primary button. */
  async goOn() {
    await this.main.locator('button.primary').click();
  }

  async press(name, role = 'button') {
    await this.page.getByRole(role, { name }).click();
  }

  async follow(name) {
    await this.press(name, 'link');
  }

  /** What the page says with role `alert` or `status`. */
  said(role = 'status') {
    return this.main.getByRole(role).first().innerText();
  }

  expectAt(path) {
    assert.equal(this.path, path, `expected ${path}, is at ${this.page.url()}`);
  }

  /** Signs in with the password, from wherever the portal asks for it. */
  async signIn(password = PASSWORD) {
    if (this.path !== '/sign-in') await this.go('/sign-in');
    await this.field('email').fill(this.member.email);
    await this.field('password').fill(password);
    await this.goOn();
  }

  /** Signs in with password and code, if one is asked for. */
  async signInFully() {
    await this.signIn();
    if (this.path === '/code') await this.enterCode();
  }

  async enterCode(code) {
    await this.field('code').fill(code ?? (await this.authenticator.code()));
    await this.goOn();
  }

  /** Shows a fresh code, if a weighty act asked for one. */
  async codeIfAsked() {
    if (this.path === '/code') await this.enterCode();
  }

  async signOut() {
    await this.press(LABEL.signOut);
  }

  /** Admin → Settings → Policies → Security → Require Two-Step Authentication → Save. */
  async require(isRequired) {
    await this.go('/admin/policies');
    await this.main.locator('input[name=two_step]').setChecked(isRequired);
    await this.goOn();
    await this.codeIfAsked();
  }

  /** Opens the wizard, and reads the key that the authenticator app takes. Stays at the page that asks for a code. */
  async scan(start = '/set-up') {
    if (this.path !== start) await this.go(start);
    while ((await this.main.locator('input[name=code]').count()) === 0) await this.goOn();
    const details = this.main.locator('details').first();
    if (await details.count()) await details.locator('summary').click();
    const key = await this.main.locator('.key').innerText();
    this.authenticator = new Authenticator(key);
    return key;
  }

  /** Goes through the whole wizard, to the page that was first asked for. */
  async setUp(start = '/set-up') {
    await this.scan(start);
    await this.enterCode();
    await this.saveCodes();
  }

  /** Keeps the recovery codes, says so, and goes on. */
  async saveCodes() {
    this.recoveryCodes = await this.readCodes();
    const saved = this.main.locator('input[name=saved]');
    if (await saved.count()) await saved.check();
    await this.goOn();
    const onward = this.main.locator('a.primary');
    if (await onward.count()) await onward.click();
  }

  async readCodes() {
    const text = await this.main.locator('.codes').innerText();
    return text.match(/[0-9A-Z]{2}(-[0-9A-Z]{4}){4}/g) ?? [];
  }

  /** Fails if anything happened that no page may do. */
  expectNoFaults() {
    assert.deepEqual(this.faults, []);
  }

  async close() {
    await this.context.close();
  }
}
