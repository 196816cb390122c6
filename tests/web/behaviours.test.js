// What people notice (docs/behaviours.md), as far as it is seen in a browser: a test for entry 15 is named `b15 …`. Entries
// 22 and 58 to 60 have theirs among the journeys.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { linkIn, mailTo } from './mail.js';
import { Person } from './person.js';
import { WAYS, emptyPortal, organisation, person, world } from './world.js';

for (const { way, ...options } of WAYS) {
  test(`${way}: b15 a secret counts from its first right code on; beginning again voids the older QR code`, async () => {
    const { members } = await organisation('Behaviours', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    await bo.scan();
    const first = bo.authenticator;
    await bo.signOut();
    await bo.signIn();
    assert.notEqual(bo.path, '/code', 'a set-up that nobody finished asks for nothing');
    await bo.scan();
    await bo.enterCode(await first.code());
    assert.ok(await bo.said('alert'));
    await bo.enterCode();
    await bo.saveCodes();
    await bo.signOut();
    await bo.signIn();
    bo.expectAt('/code');
    await end(bo);
  });

  test(`${way}: b17 the old authenticator works until the new one is proven, and has another name`, async () => {
    const { members } = await organisation('Behaviours', { bo: 'member' });
    const [bo, elsewhere] = [await person(members.bo, options), await person(members.bo, options)];
    await bo.signIn();
    await bo.setUp();
    const old = bo.authenticator;
    await bo.scan('/account/two-step/renew');
    assert.match(await bo.main.locator('dl').innerText(), /@example\.org \(20\d\d-\d\d-\d\d/, 'the entry has a name of its own');
    elsewhere.authenticator = old;
    await elsewhere.signInFully();
    elsewhere.expectAt('/files');
    await elsewhere.signOut();
    await bo.enterCode();
    await bo.saveCodes();
    await elsewhere.signIn();
    await elsewhere.enterCode();
    assert.ok(await elsewhere.said('alert'), 'the old one is void');
    await elsewhere.enterCode(await bo.authenticator.code());
    elsewhere.expectAt('/files');
    await end(bo, elsewhere);
  });

  test(`${way}: b18 the QR code says what every app reads, and the key says the same`, async () => {
    const { members } = await organisation('Harbour & Söhne', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    const key = (await bo.scan()).replaceAll(/\s/g, '');
    const picture = bo.main.locator('figure.qr');
    assert.ok((await picture.getAttribute('aria-label')).length > 20, 'told in words, too');
    const uri = read(await picture.screenshot());
    const account = encodeURIComponent(members.bo.email);
    assert.ok(uri.startsWith(`otpauth://totp/Harbour%20%26%20S%C3%B6hne:${account}?`), uri);
    assert.deepEqual(Object.fromEntries(new URL(uri).searchParams), {
      secret: key, issuer: 'Harbour & Söhne', algorithm: 'SHA1', digits: '6', period: '30',
    });
    assert.equal(key.length, 32, '20 bytes, without padding');
    await end(bo);
  });

  test(`${way}: b19 the secret is shown once, and kept by no cache, no address and no log`, async () => {
    const { members } = await organisation('Behaviours', { ada: 'admin', bo: 'member' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    await bo.signIn();
    const key = await bo.scan();
    assert.match(bo.headers['cache-control'], /no-store/);
    await bo.enterCode();
    await bo.saveCodes();
    const told = key.replaceAll(/\s/g, '');
    for (let back = 0; back < 4; back += 1) {
      await bo.page.goBack({ timeout: 3_000 }).catch(() => undefined);
      const shown = (await bo.page.content().catch(() => '')).replaceAll(/\s/g, '');
      assert.ok(!shown.includes(told) && !bo.page.url().includes(told));
    }
    await ada.signIn();
    await ada.setUp();
    for (const page of [`/admin/users/${members.bo.id}`, `/admin/audit?target=${members.bo.id}`]) {
      await ada.go(page);
      assert.ok(!(await ada.html()).replaceAll(/\s/g, '').includes(told));
    }
    assert.ok(!ada.portal.log().includes(told));
    await end(ada);
    await bo.close();
  });

  test(`${way}: b20 a recovery code works once, is told by mail, and a new set voids the old one`, async () => {
    const { members } = await organisation('Behaviours', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    await bo.setUp();
    const [used, left] = bo.recoveryCodes;
    await bo.signOut();
    await bo.signIn();
    await recover(bo, used);
    bo.expectAt('/set-up');
    const mail = await mailTo(bo.portal, members.bo.email, (one) => /\b9 (are left|sind noch übrig)/.test(one.text));
    assert.ok(!mail.text.includes(used) && !mail.html.includes(used));
    await bo.setUp();
    await bo.go('/account');
    assert.ok(!(await bo.html()).includes(bo.recoveryCodes[0]), 'they are shown once');
    for (const code of [used, left]) {
      await bo.signOut();
      await bo.signIn();
      await recover(bo, code);
      assert.ok(await bo.said('alert'), 'used, or of the older set');
      await bo.go('/code');
      await bo.enterCode();
    }
    await end(bo);
  });

  test(`${way}: b21 of two tabs one secret wins, and the other tab is told`, async () => {
    const { members } = await organisation('Behaviours', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    await bo.scan();
    const [one, first] = [bo.page, bo.authenticator];
    bo.use(await bo.context.newPage());
    await bo.setUp();
    const second = bo.authenticator;
    bo.use(one);
    await bo.enterCode(await first.code());
    bo.expectAt('/account');
    assert.ok(await bo.said(), 'it is set up already, in another tab');
    await bo.signOut();
    await bo.signIn();
    await bo.enterCode(await first.code());
    assert.ok(await bo.said('alert'));
    await bo.enterCode(await second.code());
    assert.equal(bo.status, 200);
    await end(bo);
  });

  test(`${way}: b57 a status is a fact, with a mark and in words`, async () => {
    const people = { ada: 'admin', bo: 'member', cy: 'member', di: 'member', eve: 'member' };
    const { members } = await organisation('Behaviours', people);
    const [ada, bo, cy] = [await person(members.ada, options), await person(members.bo, options), await person(members.cy, options)];
    for (const one of [ada, bo]) {
      await one.signIn();
      await one.setUp();
    }
    await cy.signIn();
    await cy.scan();
    await reset(ada, members.bo);
    await ada.go(`/admin/users/${members.di.id}`);
    await ada.main.locator('input[name=until]').fill(new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10));
    await ada.main.locator('form[action$="/exception"] textarea').fill('on leave without a phone');
    await ada.main.locator('form[action$="/exception"] button').click();
    await ada.go('/admin/users');
    const said = await ada.main.locator('tbody .state').allInnerTexts();
    const statuses = new Set(said.map((one) => one.split('\n')[0].replace(/\d.*/, '').trim()));
    assert.equal(statuses.size, 5, `set up, setting up, reset, exception, not set up: ${[...statuses]}`);
    for (const status of statuses) assert.match(status, /^[^\p{L}\d\s]\s\p{L}{2}/u, 'a mark, then words');
    await end(ada, bo, cy);
  });

  test(`${way}: b61 a reset ends a wizard and a sign-in that are under way`, async () => {
    const { members } = await organisation('Behaviours', { ada: 'admin', bo: 'member', cy: 'member' });
    const [ada, bo, cy] = [await person(members.ada, options), await person(members.bo, options), await person(members.cy, options)];
    for (const one of [ada, cy]) {
      await one.signIn();
      await one.setUp();
    }
    await cy.signOut();
    await cy.signIn();
    cy.expectAt('/code');
    await bo.signIn();
    await bo.scan();
    for (const who of [members.bo, members.cy]) await reset(ada, who);
    for (const one of [bo, cy]) {
      await one.enterCode();
      one.expectAt('/sign-in');
    }
    await cy.signIn();
    assert.notEqual(cy.path, '/code', 'there is nothing left that it could ask for');
    await end(ada, bo, cy);
  });

  test(`${way}: b62 the only admin is let in again by the operator, and the log says so`, async () => {
    const { members } = await organisation('Behaviours', { ada: 'admin' });
    const ada = await person(members.ada, options);
    await ada.signIn();
    await ada.setUp();
    await ada.require(true);
    ada.portal.run(['rescue', 'reset-two-step', '--email', members.ada.email, '--reason', 'lost the phone, seen in person']);
    await ada.go('/admin');
    ada.expectAt('/sign-in');
    await ada.signIn();
    ada.expectAt('/set-up');
    await ada.setUp();
    await ada.go(`/admin/audit?target=${members.ada.id}&kind=two_step.reset`);
    assert.match(await ada.main.locator('tbody').innerText(), /lost the phone, seen in person/);
    await end(ada);
  });
}

test('b67 without a mail server the policy holds all the same, and no mail is lost', async () => {
  const { portal, visitor } = await emptyPortal();
  const { browser } = await world();
  await visitor.close();
  const id = portal.organisation('Behaviours');
  const member = (name, role) => {
    const email = `${name.toLowerCase()}@example.org`;
    return { name, email, id: portal.member(id, name, email, role) };
  };
  const open = (who) => Person.open(browser, portal, who, { ignoreHTTPSErrors: true });
  const [ada, bo] = [await open(member('Ada', 'admin')), await open(member('Bo', 'member'))];
  const smtp = portal.programs[0];
  const ended = new Promise((over) => smtp.once('exit', over));
  smtp.kill('SIGTERM');
  await ended;
  await ada.signIn();
  await ada.setUp();
  await bo.signIn();
  await ada.require(true);
  await bo.go('/files');
  bo.expectAt('/set-up');
  await ada.go(`/admin/users/${bo.member.id}`);
  await ada.main.locator('form[action$="/remind"] button').click();
  await ada.go('/admin/mail?state=waiting');
  assert.match(await ada.main.locator('tbody').innerText(), /Bo/);
  portal.serveMail();
  const mail = await mailTo(portal, bo.member.email, undefined, 60_000);
  assert.throws(() => linkIn(mail, portal, '/sign-in'), 'a reminder lets nobody in');
  await end(ada, bo);
  await portal.stop();
});

/** What a program that nobody here wrote reads in a picture of a QR code. */
function read(picture) {
  return execFileSync('zbarimg', ['--nodbus', '--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', '-'], { input: picture }).toString().trim();
}

async function recover(member, code) {
  await member.main.locator('a[href^="/recovery"]').click();
  await member.field('recoveryCode').fill(code);
  await member.goOn();
}

async function reset(admin, member) {
  await admin.go(`/admin/users/${member.id}/reset`);
  await admin.codeIfAsked();
  await admin.main.locator('select[name=identity_check]').selectOption('in_person');
  await admin.main.locator('textarea[name=reference]').fill('stood before me');
  await admin.main.locator('button.danger').click();
}

async function end(...people) {
  for (const one of people) {
    one.expectNoFaults();
    await one.close();
  }
}
