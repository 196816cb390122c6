// Attacks on people and pages, each tried for real and refused.

import assert from 'node:assert/strict';
import { request } from 'node:https';
import test, { after, before } from 'node:test';
import { attacker, postingPage } from './attacker.js';
import { registerDesktop } from './desktop.js';
import { PASSWORD } from './portal.js';
import { organisation, person, world } from './world.js';

let portal;
let evil;
/** A house with an admin and a member who are set up, both signed in. */
let house;
let ada;
let bo;

before(async () => {
  ({ portal } = await world());
  evil = await attacker(portal);
  house = await organisation('Attacked', { ada: 'admin', bo: 'member', cy: 'member' });
  [ada, bo] = [await person(house.members.ada), await person(house.members.bo)];
  for (const one of [ada, bo]) {
    await one.signIn();
    await one.setUp();
  }
});

after(async () => {
  await ada?.close();
  await bo?.close();
  await evil?.stop();
});

/** Asks the portal without a browser's manners. */
function ask(path, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((answered, failed) => {
    const asking = request(
      { host: '127.0.0.1', port: portal.port, servername: 'localhost', ca: portal.rootPem, path, method, headers: { host: `localhost:${portal.port}`, ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece) => { text += piece; });
        response.on('end', () => answered({ status: response.statusCode, headers: response.headers, text }));
      },
    );
    asking.on('error', failed).end(body);
  });
}

const sessionOf = async (one) => (await one.context.cookies()).find((cookie) => cookie.httpOnly);

test('CSRF: a form of another origin changes nothing, on another site or on our own', async () => {
  const forms = [
    [bo, '/account/two-step/off', {}],
    [bo, '/sign-out', {}],
    [bo, '/account/recovery-codes', {}],
    [ada, '/admin/policies', { version: '1', two_step: 'on', grace_days: '0', reason: 'mine' }],
    [ada, `/admin/users/${house.members.cy.id}/suspend`, {}],
    [ada, `/admin/users/${house.members.cy.id}/role`, { role: 'admin' }],
  ];
  for (const origin of [evil.elsewhere, evil.sameSite]) {
    for (const [victim, action, fields] of forms) {
      evil.pages.set('/form', postingPage(portal.url + action, fields));
      const tab = await victim.context.newPage();
      const answer = tab.waitForResponse((response) => response.url() === portal.url + action);
      await tab.goto(`${origin}/form`);
      assert.equal((await answer).status(), 403, `${origin} posts to ${action}`);
      await tab.close();
    }
  }
  await bo.go('/account');
  bo.expectAt('/account');
  assert.match(await bo.main.innerText(), /✓ 10 left/, 'still signed in, still set up, the same codes');
  await ada.go('/admin/audit');
  assert.doesNotMatch(await ada.main.locator('tbody').innerText(), /suspended|role.changed|policy/i);
});

test('CSRF: nobody is signed in to a stranger’s account, and a script of another origin reads nothing', async () => {
  const stranger = await person(house.members.cy);
  evil.pages.set('/form', postingPage(`${portal.url}/sign-in`, { name: house.members.cy.email, password: PASSWORD }));
  await stranger.page.goto(`${evil.elsewhere}/form`);
  await stranger.go('/files');
  stranger.expectAt('/sign-in');
  await stranger.close();
  for (const origin of [evil.elsewhere, evil.sameSite]) {
    const tab = await bo.context.newPage();
    await tab.goto(`${origin}/nothing`);
    const read = (url) => fetch(url, { credentials: 'include' }).then((answer) => answer.text(), (fault) => `refused: ${fault.name}`);
    assert.match(await tab.evaluate(read, `${portal.url}/files`), /^refused: TypeError/);
    const sent = (url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': 'text/plain' }, body: '{}' }).then(() => 'sent');
    assert.equal(await tab.evaluate(sent, `${portal.url}/sign-out`), 'sent');
    await tab.close();
  }
  await bo.go('/files');
  bo.expectAt('/files');
});

test('clickjacking: no page of ours is shown in a frame', async () => {
  const paths = ['/sign-in', '/files', '/account', '/account/two-step/off', '/nowhere'];
  for (const [index, path] of paths.entries()) {
    evil.pages.set(`/frame${index}`, `<!doctype html><iframe src="${portal.url}${path}" width="800" height="600"></iframe>`);
    for (const origin of [evil.elsewhere, evil.sameSite]) {
      const tab = await bo.context.newPage();
      const refused = tab.waitForEvent('requestfailed', (asking) => asking.url().startsWith(portal.url));
      await tab.goto(`${origin}/frame${index}`);
      assert.match((await refused).failure().errorText, /BLOCKED/, `${path} in a frame of ${origin}`);
      const frame = tab.frames().find((one) => one !== tab.mainFrame());
      assert.equal(await frame.locator('main').count(), 0, `${path} in a frame of ${origin}`);
      await tab.close();
    }
  }
  for (const path of [...paths, '/assets/style.css', '/v1/session', '/admin/users']) {
    const policy = (await ask(path)).headers['content-security-policy'];
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|nonce|\*/, path);
  }
});

test('open redirect: sign-in leads to no other site', async () => {
  const host = new URL(evil.elsewhere).host;
  const targets = [
    evil.elsewhere, `//${host}`, `///${host}`, `/\\${host}`, `\\\\${host}`, `/\t/${host}`, `\t//${host}`, `/%2f${host}`,
    `/%5c${host}`, `https:${host}`, `https:/${host}`, `javascript:location='${evil.elsewhere}'`, `/..//${host}`,
    `/.//${host}`, `@${host}`, `.${host}`, `/\r\nLocation: ${evil.elsewhere}`, `data:text/html,<script>location='${evil.elsewhere}'</script>`,
  ];
  evil.asked.length = 0;
  const cy = await person(house.members.cy);
  for (const target of targets) {
    await cy.go(`/sign-in?next=${encodeURIComponent(target)}`);
    await cy.signIn();
    assert.equal(new URL(cy.page.url()).origin, portal.url, target);
    await cy.go('/account');
    await cy.signOut();
  }
  await cy.close();
  // Every other page that leads on afterwards, asked as a program would.
  for (const page of ['/code', '/set-up', '/recovery', '/sign-in']) {
    for (const target of targets) {
      const answer = await ask(`${page}?next=${encodeURIComponent(target)}`, { headers: { cookie: await cookieHeader(bo) } });
      const location = answer.headers.location ?? '/';
      assert.ok(new URL(location, portal.url).origin === portal.url, `${page} with ${target}: ${location}`);
      assert.ok(!answer.text.match(new RegExp(`(href|action)="[^"]*${host}`)), `${page} with ${target}`);
    }
  }
  assert.deepEqual(evil.asked, []);
});

const cookieHeader = async (one) =>
  (await one.context.cookies(portal.url)).map(({ name, value }) => `${name}=${value}`).join('; ');

test('session fixation: what was planted before sign-in opens nothing after it', async () => {
  const cy = await person(house.members.cy);
  await cy.signIn();
  const name = (await sessionOf(cy)).name;
  assert.match(name, /^__Host-/, 'no neighbour can plant it');
  await cy.signOut();
  const planted = 'A'.repeat(43);
  for (const value of [planted, (await sessionOf(bo)).value]) {
    await cy.context.clearCookies();
    await cy.context.addCookies([{ name, value, url: portal.url, secure: true, httpOnly: true }]);
    await cy.go('/sign-in');
    if (cy.path === '/sign-in') await cy.signIn();
    const session = await sessionOf(cy);
    if (value === planted) assert.notEqual(session.value, value);
    assert.deepEqual([session.secure, session.httpOnly, session.path, session.domain], [true, true, '/', 'localhost']);
    assert.match(session.sameSite, /Lax|Strict/);
  }
  assert.match((await ask('/files', { headers: { cookie: `${name}=${planted}` } })).headers.location, /^\/sign-in/);
  await cy.close();
  // The second step makes a new name for the session: what was read before it is worth nothing.
  const half = await person(house.members.bo);
  half.authenticator = bo.authenticator;
  await half.signIn();
  half.expectAt('/code');
  const before = (await sessionOf(half)).value;
  await half.enterCode();
  assert.notEqual((await sessionOf(half)).value, before);
  assert.match((await ask('/files', { headers: { cookie: `${name}=${before}` } })).headers.location ?? '', /^\/(sign-in|code)/);
  // Signed out is signed out for whoever copied the cookie as well.
  const copied = (await sessionOf(half)).value;
  await half.go('/account');
  await half.signOut();
  assert.match((await ask('/files', { headers: { cookie: `${name}=${copied}` } })).headers.location, /^\/sign-in/);
  await half.close();
});

test('host header: another name is refused and never repeated', async () => {
  for (const host of ['evil.example', `evil.example:${portal.port}`, `localhost:${portal.port}.evil.example`, `localhost:${portal.port}@evil.example`, '']) {
    for (const path of ['/sign-in', '/files', '/nowhere', '/v1/session']) {
      const answer = await ask(path, { headers: { host } });
      assert.ok(answer.status >= 400, `${path} of ${host}: ${answer.status}`);
      assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), /evil\.example/);
    }
  }
  const forwarded = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example', 'x-original-url': '/admin', 'x-rewrite-url': '/admin' };
  for (const path of ['/sign-in', '/files']) {
    const answer = await ask(path, { headers: forwarded });
    assert.ok(answer.status < 400);
    assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), /evil\.example/);
  }
});

/** Becomes an element with `data-xss`, or runs, wherever it is not escaped. */
const PAYLOADS = [
  '<img src=x data-xss onerror=globalThis.xss=1>',
  '"><script data-xss>globalThis.xss=1</script>',
  "' autofocus data-xss onfocus=globalThis.xss=1 x='",
  '</title></textarea></caption><svg data-xss onload=globalThis.xss=1>',
  '{{7*7}}${7*7}<b data-xss>',
];

async function expectHarmless(one, where) {
  const found = await one.page.evaluate(() => [globalThis.xss, document.querySelectorAll('[data-xss]').length]);
  assert.deepEqual(found, [undefined, 0], where);
}

test('stored XSS: hostile names, file names, devices, reasons and user agents stay text', async () => {
  const hostile = portal.organisation(`House ${PAYLOADS[0]}`);
  const emails = PAYLOADS.map((_, index) => `xss.${index}@example.org`);
  const ids = PAYLOADS.map((payload, index) => portal.member(hostile, `Name ${payload}`, emails[index], index === 0 ? 'admin' : 'member'));
  for (const payload of PAYLOADS) portal.file(hostile, `${payload.replaceAll('/', '∕')}.txt`, 'harmless');
  // Our Content-Security-Policy is switched off here: that nothing runs has to be the escaping's doing.
  const open = (index) => person({ email: emails[index] }, { bypassCSP: true, userAgent: `Agent ${PAYLOADS[index]}` });
  const people = [];
  for (const index of PAYLOADS.keys()) {
    const one = await open(index);
    await one.signIn();
    await one.setUp();
    await registerDesktop(one, `Desk ${PAYLOADS[index]}`).catch(() => registerDesktop(one, `D ${PAYLOADS[index]}`.slice(0, 60)));
    people.push(one);
  }
  const [admin] = people;
  await admin.go(`/admin/users/${ids[1]}`);
  await admin.go('/admin/policies');
  const paths = ['/files', '/account', '/account/two-step/renew', '/admin/users', '/admin/devices', '/admin/audit', '/admin/policies', '/admin'];
  for (const path of [...paths, ...ids.flatMap((id) => [`/admin/users/${id}`, `/admin/users/${id}/sessions`])]) {
    await admin.go(path);
    await expectHarmless(admin, path);
  }
  await admin.go('/files');
  assert.match(await admin.main.innerText(), /<img src=x data-xss/, 'shown as it is');
  await admin.go('/account');
  assert.match(await admin.main.innerText(), /Agent <img src=x/, 'shown as it is');
  for (const one of people) {
    await one.go('/files');
    await expectHarmless(one, '/files');
    assert.deepEqual(one.faults.filter((fault) => !fault.includes('status of 404')), []);
    await one.close();
  }
});

test('reflected XSS: what stands in an address or a form is never markup', async () => {
  const admin = await person(house.members.ada, { bypassCSP: true });
  for (const payload of PAYLOADS) {
    const word = encodeURIComponent(payload);
    for (const path of [`/sign-in?next=/${word}`, `/sign-in?done=${word}`, `/sign-in/sso?organisation=${word}`, `/nowhere/${word}`, `/sign-in?${word}=1`, `/sign-in/sso/callback?error=${word}&error_description=${word}&state=${word}`]) {
      await admin.go(path);
      await expectHarmless(admin, path);
    }
    await admin.go('/sign-in');
    await admin.field('email').evaluate((field) => { field.type = 'text'; });
    await admin.field('email').fill(payload);
    await admin.field('password').fill(payload);
    await admin.goOn();
    await expectHarmless(admin, `sign-in as ${payload}`);
  }
  admin.authenticator = ada.authenticator;
  await admin.signInFully();
  for (const payload of PAYLOADS) {
    const word = encodeURIComponent(payload);
    const asked = ['q', 'status', 'search', 'sort', 'after', 'before', 'role', 'kind', 'actor', 'target', 'from', 'to', 'done', 'state'];
    const query = asked.map((name) => `${name}=${word}`).join('&');
    for (const path of ['/files', '/account', '/admin/users', '/admin/devices', '/admin/audit', '/admin/policies', '/admin', '/admin/mail']) {
      for (const search of [query, ...asked.map((name) => `${name}=${word}`)]) {
        const answer = await ask(`${path}?${search}`, { headers: { cookie: await cookieHeader(admin) } });
        assert.doesNotMatch(answer.text, /<[^>&]*\sdata-xss|<script data-xss|<b data-xss/, `${path}?${search}`);
      }
    }
    await admin.go(`/admin/policies`);
    await admin.main.locator('textarea[name=reason]').fill(payload);
    await admin.goOn();
    await admin.codeIfAsked();
    await expectHarmless(admin, `a reason ${payload}`);
  }
  await admin.close();
});

test('path traversal: no address leads out of what is served', async () => {
  const cookie = await cookieHeader(bo);
  const away = ['../../../../../../etc/passwd', '..%2f..%2f..%2f..%2fetc%2fpasswd', '..\\..\\portal.db', '%2e%2e/%2e%2e/portal.db', '....//....//etc/passwd', '%00', '/etc/passwd', '%c0%ae%c0%ae/portal.db'];
  for (const folder of ['/files/', '/assets/', '/v1/files/', '/admin/', '/']) {
    for (const path of away) {
      const answer = await ask(folder + path, { headers: { cookie } });
      assert.ok(answer.status >= 300, `${folder}${path}: ${answer.status}`);
      assert.doesNotMatch(answer.text, /:0:0:|SQLite format/);
    }
  }
  // A file's name, however hostile, names a file in the folder that the person chose.
  assert.throws(() => portal.file(house.id, '..\\..\\evil.txt', 'harmless'));
  const name = '";filename=..%2f..%2fevil.txt';
  portal.file(house.id, name, 'harmless');
  await bo.go('/files');
  const download = bo.page.waitForEvent('download');
  await bo.page.getByRole('link', { name, exact: true }).click();
  assert.doesNotMatch((await download).suggestedFilename(), /[\\/]/);
});

test('uploads: hostile names are refused or stay names, and markup is never shown as a page', async () => {
  const upload = async (filename) => {
    const mark = 'twinlock-web-boundary';
    const body = `--${mark}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: text/html\r\n\r\n<script>globalThis.xss=1</script>\r\n--${mark}--\r\n`;
    const headers = { cookie: await cookieHeader(bo), origin: portal.url, 'sec-fetch-site': 'same-origin', 'content-type': `multipart/form-data; boundary=${mark}` };
    return ask('/files/upload', { method: 'POST', headers, body });
  };
  for (const name of ['../../evil.html', '..\\..\\evil.html', '/etc/passwd', '..', '.', '', 'a\u0000b', 'a\u202Egnp.exe', 'x'.repeat(300), 'a/b', 'con\u0007trol']) {
    const answer = await upload(name);
    assert.ok(answer.status >= 400 || /^\/files/.test(answer.headers.location), `${JSON.stringify(name)}: ${answer.status}`);
  }
  await upload('<img src=x data-xss onerror=globalThis.xss=1>.html');
  await bo.go('/files');
  await expectHarmless(bo, '/files');
  for (const shown of await bo.main.locator('td a[href^="/files/"]').allInnerTexts()) {
    assert.doesNotMatch(shown, /[\\/\u0000-\u001f\u202e]|^\.\.?$/, shown);
  }
  // Whatever it is called and whatever it holds, a browser keeps it instead of opening it.
  const hrefs = await bo.main.locator('td a[href^="/files/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  for (const href of hrefs.filter((one) => !one.endsWith('/delete'))) {
    const { headers } = await ask(href, { headers: { cookie: await cookieHeader(bo) } });
    assert.match(headers['content-disposition'], /^attachment/, href);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.doesNotMatch(headers['content-type'], /html|svg|xml/);
  }
});

test('CSV formulas: no cell of the export begins one', async () => {
  const calculated = portal.organisation('Calculated');
  const formulas = ['=HYPERLINK("https://evil.example","x")', '+1+1', '-2+3', '@SUM(A1)', '=cmd|\' /C calc\'!A0', '"=1+1', ',=1+1', '＝1+1'];
  formulas.forEach((name, index) => portal.member(calculated, name, `csv.${index}@example.org`));
  portal.member(calculated, 'Ada', '+csv@example.org', 'admin');
  const admin = await person({ email: '+csv@example.org' });
  await admin.signIn();
  await admin.setUp();
  const { text, headers } = await ask('/admin/users.csv', { headers: { cookie: await cookieHeader(admin) } });
  assert.match(headers['content-disposition'], /^attachment/);
  const cells = text.split(/\r?\n/).filter(Boolean).flatMap((line) => line.match(/("([^"]|"")*"|[^,]*)(,|$)/g).map((cell) => cell.replace(/,$/, '').replace(/^"|"$/g, '').replaceAll('""', '"')));
  for (const name of formulas) assert.ok(cells.some((cell) => cell.includes(name)), `${name} is there`);
  for (const cell of cells) assert.doesNotMatch(cell, /^[=+\-@\t\r]/, cell);
  await admin.close();
});
