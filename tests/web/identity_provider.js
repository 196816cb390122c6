// The npm package `oidc-provider` as a process of its own, on another site than the portal.

import { spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CLIENT = { client_id: 'twinlock-portal', client_secret: 'a client secret of one test' };

export class IdentityProvider {
  /** With the portal's own certificate, which the browser trusts already; `127.0.0.1` is another site than `localhost`. */
  static async start(portal) {
    const provider = new IdentityProvider();
    provider.portal = portal;
    const said = openSync(join(portal.folder, 'provider.log'), 'a');
    const child = spawn('node', ['provider.js'], { cwd: process.env.WEB_PROVIDER, stdio: ['pipe', 'pipe', said] });
    provider.child = child;
    provider.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const client = { ...CLIENT, redirect_uris: [`${portal.url}/sign-in/sso/callback`] };
    const { cert, key } = portal.tls;
    const settings = { host: '127.0.0.1', certificate: `${cert}`, key: `${key}`, clients: [client], users: {} };
    ({ issuer: provider.issuer } = await provider.#tell(settings));
    return provider;
  }

  /** From now on these people sign in by the name in the list: `{ bo: [member, methods] }`. */
  async know(people) {
    const users = Object.entries(people).map(([login, [{ email }, amr]]) => [login, { email, email_verified: true, amr }]);
    await this.#tell({ users: Object.fromEntries(users) });
  }

  /** The operator makes the provider known to the portal for this organisation. */
  serve(house) {
    const secret = join(this.portal.folder, 'client-secret');
    writeFileSync(secret, `${CLIENT.client_secret}\n`, { mode: 0o600 });
    const words = ['--issuer', this.issuer, '--client-id', CLIENT.client_id, '--client-secret-file', secret];
    this.portal.run(['admin', 'sso', 'set', house.id, ...words]);
  }

  /** It ends with its input. */
  stop() {
    this.child.stdin.end();
  }

  async #tell(said) {
    this.child.stdin.write(`${JSON.stringify(said)}\n`);
    const { value } = await this.lines.next();
    return JSON.parse(value);
  }
}
