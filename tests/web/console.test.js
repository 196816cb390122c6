// What admins do for members and with each other, in one house for each way: with scripts and without.

import assert from 'node:assert/strict';
import test from 'node:test';
import { registerDesktop } from './desktop.js';
import { until } from './portal.js';
import { WAYS, organisation, person } from './world.js';

const DAY_MS = 86_400_000;

for (const { way, ...options } of WAYS) {
  test(`${way}: in the console`, async (t) => {
    const { members } = await organisation('Console', { ada: 'admin', ines: 'admin', bo: 'member', cy: 'member', gone: 'member' });
    const at = async (who) => person(members[who], options);
    const [ada, ines, bo, cy] = [await at('ada'), await at('ines'), await at('bo'), await at('cy')];
    for (const one of [ada, ines, bo]) {
      await one.signIn();
      await one.setUp();
    }
    await ada.require(true);
    const profile = (who) => ada.go(`/admin/users/${members[who].id}`);
    const press = (form) => ada.main.locator(`form[action$="${form}"] button`).click();
    /** The rows of the list with this filter: name and all that stands beside it. */
    const listed = async (filter) => {
      await ada.go(`/admin/users?${filter}`);
      return ada.main.locator('tbody tr').allInnerTexts();
    };

    await t.test('an exception has an end and a reason, is the member’s status, and ends at once when it is taken back', async () => {
      await cy.signIn();
      cy.expectAt('/set-up');
      const day = new Date(Date.now() + 10 * DAY_MS).toISOString().slice(0, 10);
      await profile('cy');
      await ada.main.locator('#until').fill(day);
      await ada.main.locator('#exception-reason').fill('   ');
      await press('/exception');
      assert.ok(await ada.said('alert'));
      assert.equal(await ada.main.locator('#until').inputValue(), day, 'what was typed is kept');
      await ada.main.locator('#exception-reason').fill('On leave without a phone');
      await press('/exception');
      assert.ok(await ada.said());
      const shown = await ada.main.innerText();
      assert.match(shown, /◷ (Exception until|Ausnahme bis)/);
      assert.match(shown, /On leave without a phone/);
      const rows = await listed('status=exception');
      assert.equal(rows.length, 1);
      assert.match(rows[0], /Cy Example[^]*◷ (Exception until|Ausnahme bis)/);
      await cy.go('/files');
      cy.expectAt('/files');
      await ada.go('/admin/policies');
      assert.match(await ada.main.locator('#exceptions + table').innerText(), /Cy Example[^]*On leave without a phone/);
      await profile('cy');
      await press('/exception/end');
      assert.ok(await ada.said());
      await cy.go('/files');
      cy.expectAt('/set-up');
    });

    await t.test('several devices are denied at once, with one reason', async () => {
      await cy.setUp();
      for (const name of ['Attic', 'Cellar']) await registerDesktop(cy, name);
      await ada.go('/admin/devices');
      for (const box of await ada.main.locator('input[form=deny-many]').all()) await box.check();
      await ada.main.locator('#deny-many button').click();
      assert.match(await ada.main.innerText(), /Attic[^]*Cellar|Cellar[^]*Attic/);
      await ada.main.locator('textarea[name=reason]').fill('Nobody here asked for them');
      await ada.main.locator('button.danger').click();
      ada.expectAt('/admin/devices');
      assert.ok(await ada.said());
      assert.equal(await ada.main.locator('input[name=comparison_code]').count(), 0);
      const denied = await ada.main.locator('tbody tr', { hasText: /✕ (Denied|Abgelehnt)/ }).allInnerTexts();
      assert.equal(denied.length, 2);
      await cy.go('/account');
      assert.doesNotMatch(await cy.main.innerText(), /◷/, 'nothing waits any more');
    });

    await t.test('a suspended member is refused at the next request, and goes on as before once reinstated', async () => {
      await profile('bo');
      await press('/suspend');
      assert.ok(await ada.said());
      assert.match((await listed('status=suspended')).join(), /^[^]*Bo Example/);
      await bo.go('/files');
      assert.notEqual(bo.path === '/files' && bo.status === 200, true, 'the session is refused');
      await bo.go('/sign-in');
      await bo.signIn();
      assert.ok(await bo.said('alert'));
      await profile('bo');
      await press('/reinstate');
      await ada.codeIfAsked();
      assert.deepEqual(await listed('status=suspended'), []);
      await bo.signInFully();
      await bo.go('/account');
      bo.expectAt('/account');
      assert.equal(bo.status, 200);
    });

    await t.test('a mail that comes back is seen in the list, on the profile, among the mails and on the overview', async () => {
      await profile('gone');
      await press('/remind');
      assert.ok(await ada.said());
      const bounced = async () => {
        await ada.go('/admin/mail?state=bounced');
        return (await ada.main.locator('tbody tr').allInnerTexts())[0];
      };
      assert.match(await until('the mail comes back', bounced, 20_000), /Gone Example[^]*No such mailbox here/);
      const returned = /✕ (Mail was returned|E-Mail kam zurück)/;
      assert.match((await listed('q=gone'))[0], returned);
      await profile('gone');
      assert.match(await ada.main.innerText(), returned);
      await ada.go('/admin');
      await ada.main.locator('section[aria-labelledby=waits] a[href^="/admin/mail"]').click();
      ada.expectAt('/admin/mail');
      assert.match(await ada.main.locator('tbody').innerText(), /Gone Example/);
    });

    await t.test('what weakens the policy takes a second admin; who proposed it cannot confirm it', async () => {
      const approval = (admin) => admin.main.locator('#device_approval');
      await ada.go('/admin/policies');
      await ada.main.locator('input[name=two_person]').check();
      await ada.goOn();
      await ada.go('/admin/policies');
      await approval(ada).selectOption('none');
      await ada.main.locator('textarea[name=reason]').fill('A pilot with trusted desks');
      await ada.goOn();
      assert.ok(await ada.said());
      assert.notEqual(await approval(ada).inputValue(), 'none', 'nothing has changed yet');
      assert.match(await ada.main.locator('#proposals').innerText(), /A pilot with trusted desks/);
      assert.equal(await ada.main.locator('form[action$="/confirm"]').count(), 0);
      // Not even by a form that the page does not have.
      const withdraw = ada.main.locator('form[action$="/withdraw"]');
      await withdraw.evaluate((form) => form.setAttribute('action', form.getAttribute('action').replace('withdraw', 'confirm')));
      await ada.main.locator('form[action$="/confirm"] button').click();
      assert.equal(ada.status, 403);
      await ines.go('/admin');
      await ines.main.locator('section[aria-labelledby=waits] a[href^="/admin/policies"]').click();
      assert.notEqual(await approval(ines).inputValue(), 'none');
      await ines.main.locator('form[action$="/confirm"] button').click();
      assert.ok(await ines.said());
      assert.equal(await approval(ines).inputValue(), 'none');
      await ada.go('/admin/policies');
      assert.equal(await approval(ada).inputValue(), 'none');
      assert.equal(await ada.main.locator('#proposals').count(), 0);
    });

    for (const one of [ada, ines, bo, cy]) {
      one.expectNoFaults();
      await one.close();
    }
  });
}
