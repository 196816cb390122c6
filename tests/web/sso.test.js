// Sign-in by an identity provider that nobody here wrote, on another site: what it asserts counts, and nothing else.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { IdentityProvider } from './identity_provider.js';
import { WAYS, organisation, person, world } from './world.js';

let provider;
after(() => provider?.stop());

for (const { way, ...options } of WAYS) {
  test(`${way}: SSO with MFA reaches the files; without MFA it is a password and no more`, async () => {
    const { portal } = await world();
    const house = await organisation(`Signed, ${way}`, { ada: 'admin', bo: 'member', cy: 'member', di: 'member' });
    const { members } = house;
    provider ??= await IdentityProvider.start(portal);
    await provider.know({ bo: [members.bo, ['pwd', 'mfa']], cy: [members.cy, ['pwd']], di: [members.di, ['pwd']] });
    provider.serve(house);
    const ada = await person(members.ada, options);
    await ada.signIn();
    await ada.setUp();
    await ada.require(true);

    const visitors = [];
    /** Signs in at the provider, from the portal's sign-in page on the way to the files. */
    const comes = async (who) => {
      const one = await person(members[who], { ...options, provider: provider.issuer });
      visitors.push(one);
      await one.go('/files');
      await one.main.locator('a[href^="/sign-in/sso"]').click();
      // One organisation with a provider needs no name; the second time there are two.
      if (new URL(one.page.url()).origin === portal.url) {
        await one.main.locator('#organisation').fill(house.name);
        await one.goOn();
        await one.main.locator('a.primary').click();
      }
      await one.page.locator('input[name=login]').fill(who);
      await one.page.locator('button').click();
      return one;
    };
    const bo = await comes('bo');
    bo.expectAt('/files');
    assert.equal(bo.status, 200);
    const cy = await comes('cy');
    cy.expectAt('/set-up');
    await cy.setUp();
    cy.expectAt('/files');
    await cy.signOut();
    const again = await comes('cy');
    again.authenticator = cy.authenticator;
    again.expectAt('/code');
    await again.enterCode();
    again.expectAt('/files');
    await comes('di');
    await ada.go('/admin/users');
    const row = (name) => ada.main.locator('tbody tr', { hasText: name }).innerText();
    assert.match(await row('Bo Example'), /✓ SSO (with MFA|mit MFA)/);
    assert.match(await row('Di Example'), /✕ SSO (without MFA|ohne MFA)/);

    for (const one of [ada, ...visitors]) {
      one.expectNoFaults();
      await one.close();
    }
  });
}
