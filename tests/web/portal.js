// The real portal as a process of its own: a fresh folder, fresh ports, a certificate made a moment ago. It ends with
// this program.

import { execFileSync, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PASSWORD = 'correct horse battery staple';

// Nothing that is started here outlives a test that hangs.
const MOST_SECONDS = '900';

const all = new Set();
// `timeout` hands SIGTERM on to the program; killed itself, it would leave the program behind.
process.on('exit', () => all.forEach((child) => child.kill('SIGTERM')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** A program that ends with this one. `where` is the file of what it says. */
function start(program, words, env, where) {
  const said = openSync(where, 'a');
  const child = spawn('timeout', ['--kill-after=2', MOST_SECONDS, program, ...words], {
    env, stdio: ['ignore', said, said],
  });
  all.add(child);
  child.on('exit', () => all.delete(child));
  return child;
}

export function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

export const pause = (ms) => new Promise((over) => setTimeout(over, ms));

/** Asks until there is an answer, for at most ten seconds. */
export async function until(what, ask, most = 10_000) {
  for (const begun = Date.now(); Date.now() - begun < most; await pause(50)) {
    const answer = await ask();
    if (answer) return answer;
  }
  throw new Error(`not within ${most / 1000} s: ${what}`);
}

export class Portal {
  programs = [];

  /** Makes the place, and starts an SMTP server that nobody here wrote and the portal. */
  static async start() {
    const portal = new Portal();
    portal.folder = mkdtempSync(join(tmpdir(), 'twinlock-web-'));
    [portal.port, portal.managementPort, portal.smtpPort] = await Promise.all([freePort(), freePort(), freePort()]);
    portal.url = `https://localhost:${portal.port}`;
    portal.makeCertificates();
    portal.serveMail();
    await portal.serve();
    return portal;
  }

  get mailFolder() {
    return join(this.folder, 'mail');
  }

  get rootPem() {
    return readFileSync(this.root);
  }

  get root() {
    return join(this.folder, 'root.pem');
  }

  /** What a browser is told to trust besides: this one key, and no other. */
  get keyHash() {
    const { publicKey } = new X509Certificate(readFileSync(join(this.folder, 'chain.pem')));
    return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  }

  /** Certificate and key for a second server of a test, such as an attacker's. */
  get tls() {
    return { cert: readFileSync(join(this.folder, 'chain.pem')), key: readFileSync(join(this.folder, 'leaf.key')) };
  }

  /** Runs `twinlock-portal …` to its end and returns what it printed. */
  run(words, input = '') {
    return execFileSync(process.env.WEB_PORTAL, words, { env: this.environment(), input, stdio: 'pipe' }).toString().trim();
  }

  organisation(name) {
    return this.run(['admin', 'create-organisation', '--name', name]);
  }

  /** Adds a member with `PASSWORD` and returns the id. */
  member(organisation, name, email, role = 'member') {
    return this.run(
      ['admin', 'add-member', '--organisation', organisation, `--name=${name}`, `--email=${email}`, '--role', role],
      PASSWORD,
    );
  }

  /** Adds a file that the operator has, and returns its id. */
  file(organisation, name, content) {
    const folder = join(this.folder, 'documents');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), content);
    return this.run(['admin', 'add-file', '--organisation', organisation, join(folder, name)]);
  }

  /** The path of the one-time link that `serve` prints while there is no admin. */
  get firstRunPath() {
    const link = this.log().match(/\/first-run\/[\w-]+/);
    if (!link) throw new Error(`no link for the first run:\n${this.log()}`);
    return link[0];
  }

  log() {
    return readFileSync(join(this.folder, 'portal.log'), 'utf8');
  }

  /** Asks everything to end, and takes the folder away. */
  async stop() {
    const running = this.programs.filter((child) => child.exitCode === null);
    const ended = running.map((child) => new Promise((over) => child.once('exit', over)));
    running.forEach((child) => child.kill('SIGTERM'));
    await Promise.race([Promise.all(ended), pause(5_000)]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async serve() {
    this.programs.push(start(process.env.WEB_PORTAL, ['serve'], this.environment(), join(this.folder, 'portal.log')));
    const ready = `http://127.0.0.1:${this.managementPort}/readyz`;
    await until('the portal is ready', () => fetch(ready).then((answer) => answer.ok, () => false)).catch((fault) => {
      throw new Error(`${fault.message}\n${this.log()}`);
    });
  }

  serveMail() {
    const words = ['-m', 'aiosmtpd', '-n', '-l', `127.0.0.1:${this.smtpPort}`, '-c', 'smtp.Post', this.mailFolder];
    const env = { ...process.env, PYTHONPATH: import.meta.dirname, PYTHONDONTWRITEBYTECODE: '1' };
    this.programs.push(start(process.env.WEB_PYTHON, words, env, join(this.folder, 'smtp.log')));
  }

  environment() {
    // What this machine's operator set for another portal is none of this one's business.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TWINLOCK_'));
    return {
      ...Object.fromEntries(own),
      TWINLOCK_DATA: join(this.folder, 'data'),
      TWINLOCK_KEY_FILE: join(this.folder, 'keys', 'twinlock.key'),
      TWINLOCK_LISTEN: `127.0.0.1:${this.port}`,
      TWINLOCK_MANAGEMENT_LISTEN: `127.0.0.1:${this.managementPort}`,
      TWINLOCK_PUBLIC_URL: this.url,
      TWINLOCK_TLS__CERTIFICATE: join(this.folder, 'chain.pem'),
      TWINLOCK_TLS__KEY: join(this.folder, 'leaf.key'),
      TWINLOCK_PROVIDER_ROOTS: this.root,
      // Everybody here comes from one address.
      TWINLOCK_SIGN_INS_A_MINUTE: '10000',
      TWINLOCK_REQUESTS_A_SECOND: '10000',
      TWINLOCK_MAIL__SERVER: '127.0.0.1',
      TWINLOCK_MAIL__PORT: String(this.smtpPort),
      TWINLOCK_MAIL__TLS: 'none',
      TWINLOCK_MAIL__FROM: 'Twinlock <portal@example.org>',
    };
  }

  makeCertificates() {
    mkdirSync(join(this.folder, 'keys'), { mode: 0o700 });
    const openssl = (...words) => execFileSync('openssl', words, { cwd: this.folder, stdio: 'pipe' });
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    const root = ['-subj', '/CN=Twinlock test root', '-addext', 'basicConstraints=critical,CA:TRUE'];
    openssl(...request, ...root, '-keyout', 'root.key', '-out', 'root.pem');
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', 'root.pem', '-CAkey', 'root.key'];
    openssl(...request, ...names, ...leaf, '-keyout', 'leaf.key', '-out', 'chain.pem');
  }
}
