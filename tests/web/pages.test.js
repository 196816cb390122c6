// Every page, in English and German, light and dark, wide, at 200 % and on 320 px: axe finds nothing, nothing has to be
// scrolled sideways, the console stays empty, no request leaves the origin, and the HTML that was served is valid.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { tour } from './tour.js';
import { AXE } from './world.js';

/** A window of 1280 px, the same at 200 %, and the narrowest phone. */
const WIDTHS = { wide: 1280, 'at 200 %': 640, narrow: 320 };
const SCHEMES = ['light', 'dark'];
const SERVED = join(import.meta.dirname, 'served');
const VNU = join(import.meta.dirname, 'node_modules/vnu-jar/build/dist/vnu.jar');

before(() => {
  rmSync(SERVED, { recursive: true, force: true });
  mkdirSync(SERVED);
});

for (const language of ['en', 'de']) {
  test(`pages in ${language}`, async (t) => {
    await tour(language, (person, name) => t.test(`${language} ${name}`, () => inspect(person, `${language}-${name}`)));
  });
}

test('every page that was served is valid', () => {
  const checked = () => execFileSync('java', ['-jar', VNU, '--errors-only', '--skip-non-html', SERVED], { stdio: 'pipe' });
  try {
    checked();
  } catch (fault) {
    assert.fail(fault.stderr.toString().replaceAll(`file:${SERVED}/`, ''));
  }
});

async function inspect(person, name) {
  const { page } = person;
  writeFileSync(join(SERVED, `${name}.html`), await person.html());
  const faults = new Map();
  await page.evaluate(AXE);
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    // What is not a colour is the same in the dark.
    const rules = colorScheme === 'dark' ? ['cat.color'] : undefined;
    for (const [size, width] of Object.entries(WIDTHS)) {
      await page.setViewportSize({ width, height: 800 });
      for (const fault of await page.evaluate(look, rules)) {
        faults.set(fault, [...(faults.get(fault) ?? []), `${colorScheme} ${size}`]);
      }
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 1280, height: 800 });
  const found = [...faults].map(([fault, where]) => `${where.join(', ')}: ${fault}`).concat(person.faults.splice(0));
  assert.ok(found.length === 0, `${person.path}\n${found.join('\n')}`);
}

/** Runs in the page. */
async function look(runOnly) {
  const wide = document.scrollingElement.scrollWidth;
  const faults = wide > innerWidth ? [`scrolls sideways: ${wide} px`] : [];
  const { violations } = await globalThis.axe.run({ resultTypes: ['violations'], ...(runOnly && { runOnly }) });
  for (const { id, nodes } of violations) {
    faults.push(`${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} (${node.failureSummary})`).join(' | ')}`);
  }
  return faults;
}
