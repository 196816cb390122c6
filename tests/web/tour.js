// Every page of the portal, in every state that looks different: `look(person, name)` is called at each.

import { registerDesktop } from './desktop.js';
import { linkIn, mailTo } from './mail.js';
import { emptyPortal, organisation, person } from './world.js';

export async function tour(language, look) {
  const people = { ada: 'admin', eve: 'admin', bo: 'member', cy: 'member', di: 'auditor', fay: 'member', gil: 'member', hal: 'member' };
  const house = await organisation('Harbour & Sons', people);
  const at = async (who) => person(house.members[who], { language });

  await firstRun(language, look);
  const [ada, bo, eve, cy, hal] = [await at('ada'), await at('bo'), await at('eve'), await at('cy'), await at('hal')];
  await hal.signIn();
  await beforeSignIn(bo, look);
  await member(bo, look);
  await signedOut(bo, look);
  for (const admin of [ada, eve]) {
    await admin.signIn();
    await admin.setUp();
  }
  await devices(ada, bo, look);
  await users(ada, house.members, look);
  await required(ada, cy, look);
  await twoAdmins(ada, eve, look);
  await record(ada, look);
  await mails(ada, bo, look);
  await invited(ada, await at('gil'), look);
  await frozen(bo, await at('bo'), look);
  await confirmed(ada, hal, await at('hal'), look);
  for (const one of [ada, bo, cy, eve, hal]) await one.close();
}

async function firstRun(language, look) {
  const { portal, visitor } = await emptyPortal({ language });
  await visitor.go(portal.firstRunPath);
  await look(visitor, 'first-run');
  await visitor.go(`${portal.firstRunPath}x`);
  await look(visitor, 'first-run-over');
  await visitor.close();
  await portal.stop();
}

async function beforeSignIn(someone, look) {
  await someone.go('/sign-in');
  await look(someone, 'sign-in');
  await someone.signIn('a wrong password, twice as long');
  await look(someone, 'sign-in-refused');
  await someone.go('/sign-in/sso');
  await look(someone, 'sign-in-sso');
}

async function member(bo, look) {
  await bo.signIn();
  await bo.go('/account');
  await look(bo, 'account-not-set-up');
  await bo.go('/set-up');
  await look(bo, 'set-up');
  await bo.scan();
  await look(bo, 'set-up-scan');
  await bo.enterCode(bo.authenticator.wrong());
  await look(bo, 'set-up-wrong-code');
  await bo.scan('/set-up?again');
  await bo.enterCode();
  await look(bo, 'recovery-codes');
  bo.recoveryCodes = await bo.readCodes();
  await bo.main.locator('input[name=saved]').check();
  await bo.goOn();
  await look(bo, 'set-up-done');
  await bo.go('/account');
  await look(bo, 'account');
  await bo.go('/account/two-step/renew');
  await look(bo, 'renew');
  await bo.go('/account/two-step/off');
  await look(bo, 'turn-off');
  await bo.go('/account/recovery-codes');
  await look(bo, 'recovery-codes-new');
  await bo.go('/files');
  await bo.main.locator('input[type=file]').setInputFiles({ name: 'Minutes of the harbour board.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(48_000) });
  await bo.goOn();
  await look(bo, 'files');
  await bo.main.locator('a[href$="/delete"]').click();
  await look(bo, 'file-delete');
  await bo.go('/admin/users');
  await look(bo, 'refused');
  await bo.go('/nowhere');
  await look(bo, 'not-found');
}

async function signedOut(bo, look) {
  await bo.go('/account');
  await bo.signOut();
  await bo.signIn();
  await look(bo, 'code');
  await bo.enterCode(bo.authenticator.wrong());
  await look(bo, 'code-wrong');
  await bo.go('/recovery');
  await look(bo, 'recovery');
  await bo.field('recoveryCode').fill('K1-0000-0000-0000-0000');
  await bo.goOn();
  await look(bo, 'recovery-wrong');
  await bo.go('/code');
  await bo.enterCode();
}

async function devices(ada, bo, look) {
  await ada.go('/admin/devices');
  await look(ada, 'devices-empty');
  await ada.go('/admin/devices?q=nobody+has+this');
  await look(ada, 'devices-no-match');
  const [first] = [await registerDesktop(bo, "Bo's desk"), await registerDesktop(bo, 'Workshop')];
  await ada.go('/admin/devices');
  await ada.main.locator('input[name=comparison_code]').last().fill('0000 0000');
  await ada.main.locator('button.primary').last().click();
  await look(ada, 'devices-wrong-code');
  await approve(ada, first);
  await ada.go('/admin/devices');
  await look(ada, 'devices');
  await ada.go(`/admin/devices/${first.device}`);
  await look(ada, 'device');
  await ada.go(`/admin/devices/${first.device}/revoke`);
  await look(ada, 'device-revoke');
  await bo.go(`/account/devices/${first.device}/revoke`);
  await look(bo, 'own-device-revoke');
  await ada.go('/admin/devices?state=pending');
  await ada.main.locator('a[href$="/deny"]').click();
  await look(ada, 'device-deny');
}

/** Types the code that the device shows. */
async function approve(admin, asked) {
  await admin.go(`/admin/devices/${asked.device}`);
  await admin.main.locator('input[name=comparison_code]').fill(asked.comparison_code);
  await admin.goOn();
  await admin.codeIfAsked();
}

async function users(ada, members, look) {
  await ada.go('/admin/users');
  await look(ada, 'users');
  await ada.go('/admin/users?status=set-up&role=member&q=bo');
  await look(ada, 'users-filtered');
  await ada.go('/admin/users?q=nobody+has+this');
  await look(ada, 'users-no-match');
  await ada.go('/admin/users?status=not-set-up');
  await ada.main.locator('a[href^="/admin/users/remind"]').click();
  await look(ada, 'remind');
  await ada.goOn();
  await look(ada, 'reminded');
  await ada.go(`/admin/users/${members.bo.id}`);
  await look(ada, 'member');
  await ada.go(`/admin/users/${members.bo.id}/reset`);
  await look(ada, 'member-reset');
  await ada.go(`/admin/users/${members.ada.id}`);
  await look(ada, 'member-self');
  await ada.go(`/admin/users/${members.bo.id}/sessions`);
  await look(ada, 'member-sessions');
}

async function required(ada, cy, look) {
  await ada.go('/admin/policies');
  await look(ada, 'policies');
  await ada.go('/admin/policies/announce');
  await look(ada, 'announce');
  await ada.goOn();
  await look(ada, 'announced');
  await ada.go('/admin/policies');
  await ada.main.locator('input[name=two_step]').check();
  await ada.goOn();
  await ada.codeIfAsked();
  await look(ada, 'policies-saved');
  await cy.signIn();
  await look(cy, 'set-up-required');
  await ada.go('/admin');
  await look(ada, 'overview');
}

async function twoAdmins(ada, eve, look) {
  await eve.go('/admin/policies');
  await ada.go('/admin/policies');
  await ada.main.locator('input[name=idle_minutes]').fill('10');
  await ada.main.locator('input[name=two_person]').check();
  await ada.goOn();
  await eve.main.locator('input[name=session_hours]').fill('8');
  await eve.goOn();
  await look(eve, 'policies-conflict');
  await ada.go('/admin/policies/off');
  await look(ada, 'policies-off');
  await ada.main.locator('textarea[name=reason]').fill('Single sign-on with MFA takes over');
  await ada.main.locator('button.danger').click();
  await eve.go('/admin/policies');
  await look(eve, 'policies-proposal');
}

async function record(ada, look) {
  await ada.go('/admin/audit');
  await look(ada, 'audit');
  await ada.go('/admin/audit?q=nobody+wrote+this');
  await look(ada, 'audit-no-match');
  await ada.go('/admin/audit?kind=policy');
  await look(ada, 'audit-filtered');
  await ada.main.locator('td a[href^="/admin/audit/"]').first().click();
  await look(ada, 'audit-entry');
}

async function mails(ada, bo, look) {
  await mailTo(bo.portal, bo.member.email);
  await ada.go('/admin/mail');
  await look(ada, 'mail');
  await ada.go('/admin/mail?state=failed');
  await look(ada, 'mail-no-match');
  await ada.go('/admin/mail');
  await ada.main.locator('td a[href^="/admin/mail/"]').first().click();
  await look(ada, 'mail-one');
}

async function invited(ada, guest, look) {
  await ada.go('/admin/users/invite');
  await look(ada, 'invite');
  const email = `zoe.${ada.member.email}`;
  await ada.main.locator('input[name=name]').fill('Zoë Example');
  await ada.main.locator('input[name=email]').fill(email);
  await ada.goOn();
  await ada.codeIfAsked();
  await look(ada, 'invited');
  await ada.go('/admin/users?q=zoe');
  await ada.main.locator('td a[href^="/admin/users/"]').first().click();
  await look(ada, 'member-invited');
  await guest.go(linkIn(await mailTo(guest.portal, email), guest.portal, '/invitation'));
  await look(guest, 'invitation');
  await guest.go('/invitation?token=nobody-made-this');
  await look(guest, 'invitation-void');
  await guest.close();
}

async function frozen(bo, reader, look) {
  const mail = await mailTo(bo.portal, bo.member.email, (one) => one.text.includes('/not-me/'));
  const link = linkIn(mail, bo.portal, '/not-me/');
  await reader.go(link);
  await look(reader, 'freeze');
  await reader.main.locator('button.danger').click();
  await look(reader, 'frozen');
  await reader.go(link);
  await look(reader, 'freeze-void');
  await reader.close();
}

/** The first authenticator of an account that was used before. */
async function confirmed(ada, hal, reader, look) {
  await ada.go('/admin/set-ups');
  await look(ada, 'set-ups-empty');
  await ada.go('/admin/policies');
  await ada.main.locator('select[name=first_factor]').selectOption('mail');
  await ada.goOn();
  await hal.go('/set-up');
  await look(hal, 'set-up-unconfirmed');
  await hal.goOn();
  await look(hal, 'set-up-asked');
  await ada.go('/admin/set-ups');
  await look(ada, 'set-ups');
  await ada.go(`/admin/users/${hal.member.id}`);
  await look(ada, 'member-set-up-asked');
  await ada.main.locator('a[href*="/set-ups/"]').click();
  await ada.codeIfAsked();
  await look(ada, 'set-up-allow');
  const link = linkIn(await mailTo(hal.portal, hal.member.email, (one) => one.text.includes('/confirm-set-up/')), hal.portal, '/confirm-set-up/');
  await reader.go(link);
  await look(reader, 'set-up-link');
  await reader.goOn();
  await look(reader, 'set-up-link-used');
  await reader.go('/confirm-set-up/nobody-made-this');
  await look(reader, 'set-up-link-void');
  await reader.close();
}
