// What members and admins do, as a person does it: with scripts and without, in English and in German.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { registerDesktop } from './desktop.js';
import { linkIn, mailTo } from './mail.js';
import { WAYS, emptyPortal, organisation, person } from './world.js';

for (const { way, ...options } of WAYS) {
  test(`${way}: a member sets two-step up, and from then on a code opens the session`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.go('/files');
    bo.expectAt('/sign-in');
    await bo.signIn('not the password of Bo');
    assert.ok(await bo.said('alert'));
    await bo.signIn();
    bo.expectAt('/files');
    const key = await bo.scan();
    assert.match(key.trim(), /^([A-Z2-7]{4}\s){7}[A-Z2-7]{4}$/, 'in groups of four');
    await bo.enterCode(bo.authenticator.wrong());
    assert.ok(await bo.said('alert'));
    await bo.setUp();
    assert.equal(bo.recoveryCodes.length, 10);
    await bo.go('/account');
    assert.doesNotMatch(await bo.main.innerText(), new RegExp(bo.recoveryCodes[0]));
    await bo.signOut();
    await bo.go('/account');
    await bo.signIn();
    bo.expectAt('/code');
    await bo.enterCode(bo.authenticator.wrong());
    assert.ok(await bo.said('alert'));
    await bo.enterCode();
    bo.expectAt('/account');
    bo.expectNoFaults();
    await bo.close();
  });

  test(`${way}: a recovery code lets a member without the phone set up a new one`, async () => {
    const { members } = await organisation('Flows', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    await bo.setUp();
    const [used] = bo.recoveryCodes;
    await bo.signOut();
    await bo.signIn();
    await bo.main.locator('a[href^="/recovery"]').click();
    await bo.field('recoveryCode').fill(used);
    await bo.goOn();
    bo.expectAt('/set-up');
    await bo.go('/files');
    bo.expectAt('/set-up');
    await bo.setUp();
    assert.ok(!bo.recoveryCodes.includes(used));
    await bo.go('/account');
    bo.expectAt('/account');
    bo.expectNoFaults();
    await bo.close();
  });

  test(`${way}: the recovery codes can be taken along as a text file`, async () => {
    const { members } = await organisation('Flows', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    await bo.scan();
    await bo.enterCode();
    const shown = await bo.readCodes();
    const download = bo.page.waitForEvent('download');
    await bo.main.locator('form[action$="/download"] button:not([type=button])').click();
    const text = readFileSync(await (await download).path(), 'utf8');
    assert.deepEqual(text.match(/[0-9A-Z]{2}(-[0-9A-Z]{4}){4}/g), shown);
    bo.expectNoFaults();
    await bo.close();
  });

  test(`${way}: a file is downloaded as it is`, async () => {
    const { members } = await organisation('Flows', { bo: 'member' });
    const bo = await person(members.bo, options);
    await bo.signIn();
    const download = bo.page.waitForEvent('download');
    await bo.follow('plans.txt');
    assert.equal((await download).suggestedFilename(), 'plans.txt');
    assert.equal(readFileSync(await (await download).path(), 'utf8'), 'what is protected');
    bo.expectNoFaults();
    await bo.close();
  });

  test(`${way}: a file is added, downloaded as it was, and deleted after a question`, async () => {
    const { members } = await organisation('Flows', { bo: 'member', cy: 'member' });
    const [bo, cy] = [await person(members.bo, options), await person(members.cy, options)];
    await bo.signIn();
    const content = Buffer.from([0, 1, 2, 253, 254, 255, 13, 10]);
    await bo.main.locator('input[type=file]').setInputFiles({ name: 'Entwurf Nº 2.bin', mimeType: 'text/html', buffer: content });
    await bo.goOn();
    assert.ok(await bo.said());
    await cy.signIn();
    const download = cy.page.waitForEvent('download');
    await cy.follow('Entwurf Nº 2.bin');
    assert.equal((await download).suggestedFilename(), 'Entwurf Nº 2.bin');
    assert.deepEqual(readFileSync(await (await download).path()), content);
    assert.equal(await cy.main.locator('a[href$="/delete"]').count(), 0, 'only who added it, and admins');
    await bo.main.locator('a[href$="/delete"]').click();
    await bo.main.locator('button.danger').click();
    bo.expectAt('/files');
    assert.equal(await bo.page.getByText('Entwurf Nº 2.bin').count(), 0);
    for (const one of [bo, cy]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: language and appearance are the reader’s choice, before sign-in and in the account`, async () => {
    const { members } = await organisation('Flows', { bo: 'member' });
    const bo = await person(members.bo, { ...options, language: 'en' });
    const look = () => bo.page.evaluate(() => [document.documentElement.lang, getComputedStyle(document.body).backgroundColor]);
    await bo.go('/sign-in');
    const [before, light] = await look();
    assert.equal(before, 'en');
    await bo.press('Deutsch');
    bo.expectAt('/sign-in');
    assert.equal((await look())[0], 'de');
    await bo.press('English');
    await bo.press('Dark');
    assert.notEqual((await look())[1], light);
    await bo.signIn();
    await bo.go('/account');
    await bo.field('Language').selectOption('de');
    await bo.field(/Time zone/).selectOption('Europe/Berlin');
    await bo.main.locator('form[action="/account/preferences"] button:not([type=button])').click();
    const [after, dark] = await look();
    assert.equal(after, 'de');
    assert.notEqual(dark, light);
    // It is the member's, on every browser that the member signs in with.
    const elsewhere = await person(members.bo, { ...options, language: 'en' });
    await elsewhere.signIn();
    assert.equal(await elsewhere.page.evaluate(() => document.documentElement.lang), 'de');
    for (const one of [bo, elsewhere]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: the policy is switched on, and an open session meets the wizard and goes on where it wanted to`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    await bo.signIn();
    bo.expectAt('/files');
    await ada.signIn();
    await ada.setUp();
    await ada.require(true);
    await bo.follow('plans.txt');
    bo.expectAt('/set-up');
    await bo.go('/account');
    bo.expectAt('/set-up');
    await bo.setUp();
    bo.expectAt('/account');
    // Off needs a reason, says what it opens, and takes nobody's second step away.
    await ada.require(false);
    await ada.main.locator('textarea[name=reason]').fill('   ');
    await ada.main.locator('button.danger').click();
    assert.ok(await ada.said('alert'));
    await ada.main.locator('textarea[name=reason]').fill('Single sign-on with MFA takes over');
    await ada.main.locator('button.danger').click();
    await ada.codeIfAsked();
    assert.ok(await ada.said());
    await bo.signOut();
    await bo.signIn();
    bo.expectAt('/code');
    for (const one of [ada, bo]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: a desktop is approved by the comparison code that its member reads out`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    for (const one of [ada, bo]) {
      await one.signIn();
      await one.setUp();
    }
    const asked = await registerDesktop(bo, "Bo's desk");
    await ada.go('/admin/devices');
    assert.ok(!(await ada.html()).includes(asked.comparison_code), 'the portal never shows it');
    await ada.main.locator('input[name=comparison_code]').fill('0000 0000');
    await ada.goOn();
    assert.ok(await ada.said('alert'));
    await ada.main.locator('input[name=comparison_code]').fill(asked.comparison_code);
    await ada.goOn();
    assert.ok(await ada.said());
    assert.equal(await ada.main.locator('input[name=comparison_code]').count(), 0);
    for (const one of [ada, bo]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: b60 a reset needs the identity check, and leads the member to the wizard`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    for (const one of [ada, bo]) {
      await one.signIn();
      await one.setUp();
    }
    await ada.require(true);
    await ada.go(`/admin/users/${members.bo.id}`);
    await ada.main.locator('a[href$="/reset"]').click();
    await ada.main.locator('select[name=identity_check]').selectOption('video');
    await ada.main.locator('textarea[name=reference], input[name=reference]').fill('Ticket 4711, asked about her last project');
    await ada.main.locator('button.danger').click();
    await ada.codeIfAsked();
    await bo.go('/files');
    bo.expectAt('/sign-in');
    await bo.signIn();
    bo.expectAt('/set-up');
    await bo.setUp();
    bo.expectAt('/files');
    for (const one of [ada, bo]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: the announcement reaches who is not set up, by a real SMTP server`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const ada = await person(members.ada, options);
    await ada.signIn();
    await ada.setUp();
    await ada.go('/admin/policies/announce');
    assert.match(await ada.main.locator('.letter').innerText(), /Google Authenticator/);
    await ada.goOn();
    await ada.codeIfAsked();
    const mail = await mailTo(ada.portal, members.bo.email);
    assert.match(mail.text, /Google Authenticator/);
    assert.match(mail.html, /<p>/);
    assert.equal(mail.headers['auto-submitted'], 'auto-generated');
    await assert.rejects(mailTo(ada.portal, members.ada.email, (one) => one.subject === mail.subject, 500));
    ada.expectNoFaults();
    await ada.close();
  });

  test(`${way}: “this was not me” in a mail freezes the account, and an admin reinstates it`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    for (const one of [ada, bo]) {
      await one.signIn();
      await one.setUp();
    }
    const mail = await mailTo(bo.portal, members.bo.email);
    const secrets = [...bo.recoveryCodes, ...(await bo.context.cookies()).map((cookie) => cookie.value)];
    for (const secret of secrets) assert.ok(!mail.text.includes(secret) && !mail.html.includes(secret));
    const link = linkIn(mail, bo.portal, '/not-me/');
    // Whoever reads the mail need not be signed in.
    const reader = await person(members.bo, options);
    await reader.go(link);
    await bo.go('/account');
    bo.expectAt('/account');
    await reader.main.locator('button.danger').click();
    await bo.go('/account');
    assert.notEqual(bo.path === '/account' && bo.status === 200, true, 'the session has ended');
    await reader.go(link);
    assert.equal(await reader.main.locator('button.danger').count(), 0, 'it works once');
    await reader.signIn();
    assert.ok(await reader.said('alert'));
    await ada.go(`/admin/users/${members.bo.id}`);
    await ada.main.locator('form[action$="/reinstate"] button').click();
    await ada.codeIfAsked();
    await bo.signInFully();
    await bo.go('/account');
    bo.expectAt('/account');
    for (const one of [ada, bo, reader]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: b22 the first authenticator of a used account is confirmed by mail, or by an admin`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
    const [ada, bo, thief] = [await person(members.ada, options), await person(members.bo, options), await person(members.bo, options)];
    for (const one of [bo, thief]) await one.signIn();
    await bo.go('/files');
    bo.expectAt('/files');
    await ada.signIn();
    await ada.setUp();
    await confirmFirst(ada, 'mail');
    await bo.go('/set-up?next=%2Faccount');
    await bo.goOn();
    assert.ok(await bo.said());
    const link = linkIn(await mailTo(bo.portal, members.bo.email, (one) => one.text.includes('/confirm-set-up/')), bo.portal, '/confirm-set-up/');
    const reader = await person(members.bo, options);
    await reader.go(link);
    await lookAgain(bo);
    assert.equal(await bo.main.locator('input[name=app]').count(), 0, 'opening the link confirms nothing');
    await reader.goOn();
    await thief.go('/set-up');
    assert.equal(await thief.main.locator('input[name=app]').count(), 0, 'another sign-in is not confirmed with it');
    await lookAgain(bo);
    await bo.scan('/set-up?next=%2Faccount');
    await bo.enterCode();
    await bo.saveCodes();
    bo.expectAt('/account');

    await ada.go(`/admin/users/${members.bo.id}/reset`);
    await ada.codeIfAsked();
    await checkedInPerson(ada, 'button.danger');
    await confirmFirst(ada, 'admin');
    await bo.signIn();
    await bo.go('/set-up');
    await bo.goOn();
    await ada.go('/admin');
    await ada.main.locator('a[href="/admin/set-ups"]').click();
    await ada.main.locator(`a[href^="/admin/users/${members.bo.id}/set-ups/"]`).click();
    await ada.codeIfAsked();
    await checkedInPerson(ada, 'button.primary');
    await lookAgain(bo);
    await bo.setUp();
    await bo.go('/files');
    bo.expectAt('/files');
    for (const one of [ada, bo, thief, reader]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: b59 a reminder reaches those who do not comply, and nobody twice`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member', cy: 'member' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    for (const one of [ada, bo]) {
      await one.signIn();
      await one.setUp();
    }
    await ada.require(true);
    await ada.go('/admin/users?status=non-compliant');
    await ada.main.locator('a[href^="/admin/users/remind"]').click();
    await ada.goOn();
    await ada.codeIfAsked();
    assert.match(await ada.said(), /1/);
    const mail = await mailTo(ada.portal, members.cy.email);
    assert.doesNotMatch(mail.text, /sign-in|token=|[0-9]{6}/);
    await assert.rejects(mailTo(ada.portal, members.bo.email, (one) => one.subject === mail.subject, 500));
    // Those chosen in the list: who complies and who was reminded a moment ago are passed over, with the reason.
    await ada.go('/admin/users');
    for (const box of await ada.main.locator('td input[name=member]').all()) await box.check();
    await ada.main.locator('.bulk button').click();
    await ada.codeIfAsked();
    assert.match(await ada.said(), /^\W*(No reminder|Keine Erinnerung|Es wurde keine)/);
    assert.equal(await ada.main.locator('li', { hasText: ': ' }).count(), 3);
    for (const one of [ada, bo]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: an invited person comes from the mail through password and wizard to the files`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin' });
    const ada = await person(members.ada, options);
    await ada.signIn();
    await ada.setUp();
    await ada.require(true);
    await ada.go('/admin/users');
    await ada.main.locator('a[href="/admin/users/invite"]').click();
    const zoe = { name: 'Zoë Example', email: `zoe.${members.ada.email}` };
    await ada.main.locator('input[name=name]').fill(zoe.name);
    await ada.main.locator('input[name=email]').fill(zoe.email);
    await ada.main.locator('select[name=language]').selectOption('de');
    await ada.goOn();
    await ada.codeIfAsked();
    const mail = await mailTo(ada.portal, zoe.email);
    assert.match(mail.text, /Guten Tag|eingeladen/, 'in the language that was chosen');
    const link = linkIn(mail, ada.portal, '/invitation');
    const invited = await person(zoe, options);
    await invited.go(link);
    const password = 'a harbour needs 4 cranes';
    await invited.main.locator('input[name=password]').fill(password);
    await invited.main.locator('input[name=repeated]').fill(password);
    await invited.goOn();
    if (invited.path === '/sign-in') await invited.signIn(password);
    invited.expectAt('/set-up');
    await invited.setUp();
    invited.expectAt('/files');
    await invited.go(link);
    assert.equal(await invited.main.locator('input[name=password]').count(), 0, 'it works once');
    for (const one of [ada, invited]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: b58 the list is searched, filtered, sorted and taken along as CSV`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member', cy: 'member', di: 'auditor' });
    const [ada, bo] = [await person(members.ada, options), await person(members.bo, options)];
    for (const one of [ada, bo]) {
      await one.signIn();
      await one.setUp();
    }
    const names = () => ada.main.locator('td a[href^="/admin/users/"]').allInnerTexts();
    await ada.go('/admin/users');
    assert.deepEqual(await names(), ['Ada Example', 'Bo Example', 'Cy Example', 'Di Example']);
    await ada.main.locator('th[aria-sort] a').click();
    assert.deepEqual(await names(), ['Di Example', 'Cy Example', 'Bo Example', 'Ada Example']);
    await ada.go('/admin/users');
    await ada.main.locator('select[name=status]').selectOption('set-up');
    await ada.main.locator('form.filters button').click();
    assert.deepEqual(await names(), ['Ada Example', 'Bo Example']);
    await ada.main.locator('input[type=search]').fill('bo.');
    await ada.main.locator('form.filters button').click();
    assert.deepEqual(await names(), ['Bo Example']);
    const download = ada.page.waitForEvent('download');
    await ada.main.locator('a[href^="/admin/users.csv"]').click();
    const rows = readFileSync(await (await download).path(), 'utf8').trim().split(/\r?\n/);
    assert.equal(rows.length, 2, 'a header and what the filter leaves');
    assert.match(rows[1], /Bo Example/);
    await ada.go('/admin/users?q=nobody+has+this');
    await ada.main.locator('.empty a').click();
    assert.equal((await names()).length, 4);
    for (const one of [ada, bo]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: the audit log is filtered, and each event has an address of its own`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', bo: 'member', di: 'auditor' });
    const [ada, bo, di] = [await person(members.ada, options), await person(members.bo, options), await person(members.di, options)];
    for (const one of [ada, bo, di]) {
      await one.signIn();
      await one.setUp();
    }
    await di.go('/admin/audit');
    await di.main.locator('select[name=kind]').selectOption('two_step');
    await di.main.locator('input[name=actor]').fill(members.bo.email);
    await di.main.locator('form.filters button').click();
    const actions = await di.main.locator('td .mono.small').allInnerTexts();
    assert.deepEqual(actions, ['two_step.set_up', 'two_step.set_up_started']);
    await di.main.locator('td a[href^="/admin/audit/"]').first().click();
    assert.match(di.path, /^\/admin\/audit\/\w+$/);
    assert.match(await di.main.innerText(), /two_step\.set_up/);
    // An auditor reads the log, and nothing else of the console.
    await di.go('/admin/users');
    assert.equal(di.status, 403);
    for (const one of [ada, bo, di]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: two admins save at once, and the second sees what changed`, async () => {
    const { members } = await organisation('Flows', { ada: 'admin', eve: 'admin' });
    const [ada, eve] = [await person(members.ada, options), await person(members.eve, options)];
    for (const one of [ada, eve]) {
      await one.signIn();
      await one.setUp();
      await one.go('/admin/policies');
    }
    await ada.main.locator('input[name=idle_minutes]').fill('10');
    await ada.goOn();
    await eve.main.locator('input[name=session_hours]').fill('8');
    await eve.goOn();
    assert.match(await eve.main.locator('section[aria-labelledby=meanwhile]').innerText(), /Ada Example/);
    assert.equal(await eve.main.locator('input[name=session_hours]').inputValue(), '8', 'what was typed is kept');
    await eve.goOn();
    assert.ok(await eve.said());
    await ada.go('/admin/policies');
    assert.equal(await ada.main.locator('input[name=session_hours]').inputValue(), '8');
    for (const one of [ada, eve]) {
      one.expectNoFaults();
      await one.close();
    }
  });

  test(`${way}: the first run makes the first admin, who goes through the wizard into the console`, async () => {
    const { portal, visitor } = await emptyPortal(options);
    await visitor.go(portal.firstRunPath);
    const password = 'a harbour needs 4 cranes';
    const fields = { organisation: 'Harbour & Sons', name: 'Ada Example', email: 'ada@example.org', password, repeated: password };
    for (const [name, value] of Object.entries(fields)) await visitor.main.locator(`input[name=${name}]`).fill(value);
    await visitor.goOn();
    if (visitor.path === '/sign-in') {
      visitor.member = fields;
      await visitor.signIn(password);
    }
    await visitor.setUp();
    await visitor.go('/admin');
    visitor.expectAt('/admin');
    assert.equal(visitor.status, 200);
    await visitor.go(portal.firstRunPath);
    assert.equal(await visitor.main.locator('input[name=organisation]').count(), 0, 'it works once');
    visitor.expectNoFaults();
    await visitor.close();
    await portal.stop();
  });
}

test('with scripts, a waiting device appears by itself, and what is being typed stays', async () => {
  const { members } = await organisation('Flows', { ada: 'admin', bo: 'member' });
  const [ada, bo] = [await person(members.ada), await person(members.bo)];
  for (const one of [ada, bo]) {
    await one.signIn();
    await one.setUp();
  }
  await registerDesktop(bo, 'First desk');
  await ada.go('/admin/devices');
  await ada.main.locator('input[name=comparison_code]').fill('1234');
  await registerDesktop(bo, 'Second desk');
  await ada.main.getByText('Second desk').first().waitFor();
  const typed = await Promise.all((await ada.main.locator('input[name=comparison_code]').all()).map((field) => field.inputValue()));
  assert.ok(typed.includes('1234'), `${typed}`);
  for (const one of [ada, bo]) {
    one.expectNoFaults();
    await one.close();
  }
});

async function confirmFirst(admin, by) {
  await admin.go('/admin/policies');
  await admin.main.locator('select[name=first_factor]').selectOption(by);
  await admin.goOn();
  if (admin.path !== '/code') return;
  await admin.codeIfAsked();
  await confirmFirst(admin, by);
}

async function checkedInPerson(admin, button) {
  await admin.main.locator('select[name=identity_check]').selectOption('in_person');
  await admin.main.locator('textarea[name=reference]').fill('stood before me');
  await admin.main.locator(button).click();
}

/** Whoever waits for a confirmation looks whether it is given. */
async function lookAgain(member) {
  await member.main.locator('a.primary').click();
}
