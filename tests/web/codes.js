// An authenticator app that nobody here wrote: oathtool.

import { execFileSync } from 'node:child_process';
import { pause } from './portal.js';

const STEP_MS = 30_000;
const TYPING_MS = 8_000;

export class Authenticator {
  #key;
  #last = 0;

  /** Takes the key as the page shows it, in groups. */
  constructor(key) {
    this.#key = key.replaceAll(/\s/g, '');
  }

  /** A code that the portal has not seen; it takes one of the step before, of this step and of the next one. */
  async code() {
    const now = () => Math.floor(Date.now() / STEP_MS);
    // What is typed near the end of a step arrives in the next one.
    const oldest = Math.floor((Date.now() + TYPING_MS) / STEP_MS) - 1;
    const step = Math.max(this.#last + 1, oldest);
    while (step > now() + 1) await pause(200);
    this.#last = step;
    return this.at(step);
  }

  /** Six digits that are the code of no step which counts now. */
  wrong() {
    const step = Math.floor(Date.now() / STEP_MS);
    const right = [-2, -1, 0, 1, 2, 3].map((offset) => this.at(step + offset));
    return ['000000', '111111', '222222', '333333', '444444', '555555', '666666'].find((code) => !right.includes(code));
  }

  at(step) {
    const when = new Date(step * STEP_MS).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
    return execFileSync('oathtool', ['--totp', '--base32', `--now=${when}`, this.#key]).toString().trim();
  }
}
