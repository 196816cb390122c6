// A desktop: the real command with its key in a file, as a script would run it.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PASSWORD } from './portal.js';

/** Registers a desktop of this person, and returns what it shows: `{ device, comparison_code, state, … }`. */
export async function registerDesktop(person, name) {
  const folder = join(person.portal.folder, `desk-${Math.random().toString(36).slice(2)}`);
  mkdirSync(folder, { mode: 0o700 });
  const words = ['--json', '--insecure-file-store', join(folder, 'twinlock'), 'register', '--portal', person.portal.url];
  const more = ['--name', person.member.email, '--ca-file', person.portal.root, '--device-name', name];
  const given = ['--password-file', '-', '--code-file', '-'];
  const input = `${PASSWORD}\n${await person.authenticator.code()}\n`;
  const done = spawnSync(process.env.WEB_DESKTOP, [...words, ...more, ...given], { env: { HOME: folder }, input });
  if (done.status !== 4 && done.status !== 0) throw new Error(`twinlock register: ${done.status} ${done.stderr}`);
  return JSON.parse(done.stdout.toString());
}
