// One portal and one browser for all tests; whoever asks first starts them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { Person } from './person.js';
import { Portal } from './portal.js';

export const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** With scripts in English, without them in German: each page is read both ways. */
export const WAYS = [
  { way: 'scripts on', scripts: true, language: 'en' },
  { way: 'scripts off', scripts: false, language: 'de' },
];

let begun;
let number = 0;

/** The world of all tests. */
export function world() {
  begun ??= begin();
  return begun;
}

after(async () => {
  const { browser, portal } = (await begun?.catch(() => undefined)) ?? {};
  await browser?.close();
  await portal?.stop();
});

async function begin() {
  const portal = await Portal.start();
  const launched = chromium.launch({
    executablePath: process.env.WEB_CHROMIUM,
    args: [
      `--ignore-certificate-errors-spki-list=${portal.keyHash}`,
      // Whatever a page may ask for, nothing beyond this machine is found.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      // As root it has no sandbox to start, and it opens nothing but our own pages.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
  // Without a browser there is nothing to wait for.
  launched.catch(() => portal.stop());
  return { portal, browser: await launched };
}

/** A portal of its own, in which nobody is yet. Whoever asks stops it. */
export async function emptyPortal(options = {}) {
  const { browser } = await world();
  const portal = await Portal.start();
  const visitor = await Person.open(browser, portal, undefined, { ignoreHTTPSErrors: true, ...options });
  return { portal, visitor };
}

/** An organisation of its own, with one file and these people: `{ ada: 'admin', bo: 'member' }`. */
export async function organisation(name, people) {
  const { portal } = await world();
  const id = portal.organisation(name);
  number += 1;
  portal.file(id, 'plans.txt', 'what is protected');
  const members = {};
  for (const [who, role] of Object.entries(people)) {
    const email = `${who}.${number}@example.org`;
    const full = `${who[0].toUpperCase()}${who.slice(1)} Example`;
    members[who] = { email, name: full, id: portal.member(id, full, email, role) };
  }
  return { id, name, members };
}

/** A person with a browser of their own. `options`: `scripts`, `language`, `provider` (its origin), and what Playwright knows. */
export async function person(member, options = {}) {
  const { portal, browser } = await world();
  return Person.open(browser, portal, member, options);
}
