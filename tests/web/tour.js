// Every page of the portal, in every state that looks different: `look(person, name)` is called at each.

import { registerDesktop } from './desktop.js';
import { organisation, person } from './world.js';

export async function tour(language, look) {
  const house = await organisation('Harbour & Sons', { ada: 'admin', eve: 'admin', bo: 'member', cy: 'member', di: 'auditor' });
  const at = async (who) => person(house.members[who], { language });

  const [ada, bo, eve] = [await at('ada'), await at('bo'), await at('eve')];
  await beforeSignIn(bo, look);
  await member(bo, look);
  await signedOut(bo, look);
  await ada.signIn();
  await ada.setUp('/set-up');
  await eve.signIn();
  await eve.setUp('/set-up');
  await admin(ada, bo, house, look);
  const cy = await at('cy');
  await required(ada, cy, look);
  for (const one of [ada, bo, cy, eve]) await one.close();
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
  await bo.go('/files');
  await look(bo, 'files');
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
  await bo.saveCodes();
  await bo.go('/account');
  await look(bo, 'account');
  await bo.go('/account/two-step/renew');
  await look(bo, 'renew');
  await bo.go('/account/two-step/off');
  await look(bo, 'turn-off');
  await bo.go('/account/recovery-codes');
  await look(bo, 'recovery-codes-new');
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

async function admin(ada, bo, house, look) {
  await ada.go('/admin/devices');
  await look(ada, 'devices-empty');
  await registerDesktop(bo, "Bo's desk");
  await ada.go('/admin/devices');
  await look(ada, 'devices');
  await ada.main.locator('input[name=comparison_code]').first().fill('0000 0000');
  await ada.goOn();
  await look(ada, 'devices-wrong-code');
  await ada.go('/admin/users');
  await look(ada, 'users');
  await ada.go(`/admin/users/${house.members.bo.id}`);
  await look(ada, 'member');
  await ada.go(`/admin/users/${house.members.ada.id}`);
  await look(ada, 'member-self');
  await ada.go(`/admin/users/${house.members.bo.id}/sessions`);
  await look(ada, 'member-sessions');
  await ada.go('/admin/audit');
  await look(ada, 'audit');
  await ada.go('/admin/policies');
  await look(ada, 'policies');
}

async function required(ada, cy, look) {
  await ada.go('/admin/policies');
  await ada.main.locator('input[name=two_step]').check();
  await ada.goOn();
  await ada.codeIfAsked();
  await look(ada, 'policies-saved');
  await cy.signIn();
  await look(cy, 'set-up-required');
}
