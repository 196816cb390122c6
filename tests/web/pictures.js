// Makes the pictures of docs/admin.md anew, and one of every page, in every look, into the folder `pictures`.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { tour } from './tour.js';

/** What the guide shows, by the name that the tour gives the page. */
const GUIDE = { 'set-up-scan': 'wizard', overview: 'overview', users: 'users', policies: 'policies', devices: 'devices' };
const IMAGES = process.env.WEB_IMAGES;
const ALL = join(import.meta.dirname, 'pictures');
const LOOKS = { light: 1280, dark: 1280, narrow: 320, 'narrow-dark': 320 };

rmSync(ALL, { recursive: true, force: true });
for (const folder of [ALL, IMAGES]) mkdirSync(folder, { recursive: true });

for (const language of ['en', 'de']) {
  test(`pictures in ${language}`, { timeout: 300_000 }, async () => {
    await tour(language, async ({ page }, name) => {
      for (const [look, width] of Object.entries(LOOKS)) {
        await page.emulateMedia({ colorScheme: look.includes('dark') ? 'dark' : 'light' });
        await page.setViewportSize({ width, height: 800 });
        await page.screenshot({ path: join(ALL, `${name}.${language}.${look}.png`), fullPage: true });
      }
      await page.emulateMedia({ colorScheme: null });
      await page.setViewportSize({ width: 1280, height: 800 });
      if (GUIDE[name] && language === 'en') await forTheGuide(page, join(IMAGES, `${GUIDE[name]}.png`));
    });
  });
}

async function forTheGuide(page, path) {
  // A warning of this machine's clock is no part of what the guide shows.
  await page.evaluate(() => {
    for (const warning of document.querySelectorAll('p[role=status]:has(.state.wait)')) warning.remove();
  });
  await page.screenshot({ path });
  // Smaller where the tool is there; without it as it is.
  spawnSync('pngquant', ['--force', '--skip-if-larger', '--strip', '--output', path, '64', path]);
}
