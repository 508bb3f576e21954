// node setup.mjs TOOLS CITY-URL COUNTY-URL SHOTS YIZHAN FOLDER SSHD-PORT
// The story of ui_setup.sh in a browser.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { line, start } from './browser.mjs';

const [, , tools, city, county, shots, yizhan, folder, port] = process.argv;
const { browser, strangers, complaints, see, open, text, tabTo, check } =
	await start(tools, shots);
const run = (who, ...args) => execFileSync(yizhan, ['-C', `${folder}/${who}`,
	...args], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
const keys = () => fs.writeFileSync(`${folder}/sshd/keys`,
    run('city', 'keys', '--authorized'));
const code = (who) => run(who, 'setup-code').split('\n')[0];
const SCREENS = [['desk', {}], ['night', { colorScheme: 'dark' }],
	['english', { lang: 'en' }], ['phone', { viewport: { width: 390,
		height: 844 }, isMobile: true, hasTouch: true }]];
const NAMES = { system: '王五', security: '赵六', audit: '孙七' };

// A step as it looks on every screen; the code is typed on each again.
async function everywhere(name, base, who, there) {
	for (const [screen, options] of SCREENS)
		await see(`${name}: whole and within everybody's reach, ${screen}`,
		    async () => {
			const p = await open(base, options);

			await p.goto(base + '/');
			await p.waitForSelector('#s-code');
			if (there) {
				await p.fill('#s-code', code(who));
				await p.keyboard.press('Enter');
				await there(p);
			}
			await check(p, `${screen}-${name}`);
			await p.context().close();
		});
}

const focus = (page) => page.evaluate(() =>
	document.activeElement.textContent);

// The last two signs of each line, as they stand on the sheet.
const signs = (page) => page.$$eval('.keysheet .check',
    (all) => all.map((e) => e.textContent).join(' '));

async function fillAccounts(page) {
	await page.waitForSelector('#s-system-name');
	for (const [role, name] of Object.entries(NAMES)) {
		await page.fill(`#s-${role}-name`, name);
		await page.fill(`#s-${role}-password`, `Night-watch-${role}-1`);
		await page.fill(`#s-${role}-again`, `Night-watch-${role}-1`);
	}
}

async function logIn(page, role) {
	await page.waitForSelector('#login:focus', { timeout: 60000 });
	await page.fill('#login', role.slice(0, 3) + '1');
	await page.fill('#password', `Night-watch-${role}-1`);
	await page.keyboard.press('Enter');
	await page.waitForSelector('nav a[aria-current]');
}

// --- the first of a tree ---------------------------------------------------------
await everywhere('code', city, 'city', null);
const page = await open(city);

await see('a machine without a station says so', async () => {
	await page.goto(city + '/records');
	await page.waitForSelector('#s-code');
	return /本机还不是站/.test(await text(page, 'main'));
});
await see('a wrong code is refused in a sentence', async () => {
	await page.fill('#s-code', '0000-0000-0000-0000');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[role=alert]');
	return /这不是本机的设置码/.test(await text(page, '[role=alert]'));
});
await see('the right one, typed without its dashes, lets in', async () => {
	await page.fill('#s-code', code('city').replaceAll('-', ''));
	await page.keyboard.press('Enter');
	await page.waitForSelector('.choice');
	return (await focus(page)).startsWith('本机要做哪个站');
});
await everywhere('station', city, 'city', async (p) => {
	await p.waitForSelector('.choice');
	await p.locator('.choice input').nth(1).check();
	await p.waitForSelector('#s-person');
});
await see('by keyboard alone the first station is founded', async () => {
	await tabTo(page, () => document.activeElement.type === 'radio');
	await page.keyboard.press('ArrowDown');
	if (!await page.locator('#s-person').count())
		await page.keyboard.press('Space');
	await tabTo(page, () => document.activeElement.id === 's-code');
	await page.keyboard.type('520300');
	await page.waitForFunction(() =>
		document.querySelector('#s-name').value === '遵义市');
	await tabTo(page, () => document.activeElement.id === 's-person');
	await page.keyboard.type('王五');
	await page.keyboard.press('Enter');
	await page.waitForSelector('.keysheet');
	return (await focus(page)).startsWith('保存恢复密钥');
});
await everywhere('paper', city, 'city', (p) => p.waitForSelector('.keysheet'));
await see('the recovery key prints on a sheet of its own', async () => {
	await page.emulateMedia({ media: 'print' });
	await page.screenshot({ path: `${shots}/print-paper.png`, fullPage: true });
	const shown = await page.evaluate(() =>
		[...document.querySelectorAll('.setup > *')].filter((e) =>
			getComputedStyle(e).display !== 'none').map((e) => e.className));

	await page.emulateMedia({ media: 'screen' });
	return shown.join() === 'keysheet';
});
await see('who has not looked at it does not go on', async () => {
	await page.fill('#s-check', '00 00 00 00');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[role=alert]');
	return /各行末尾/.test(await text(page, '[role=alert]'));
});
await see('who has does', async () => {
	await page.fill('#s-check', await signs(page));
	await page.keyboard.press('Enter');
	await fillAccounts(page);
});
await see('a password typed differently is found', async () => {
	await page.fill('#s-audit-again', 'Night-watch-other-1');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[role=alert]');
	await check(page, 'desk-accounts');
	await page.screenshot({ path: `${shots}/desk-accounts-all.png`,
		fullPage: true });
	await page.fill('#s-audit-again', 'Night-watch-audit-1');
	return /两次输入不一致/.test(await text(page, '[role=alert]'));
});
await see('the server\'s refusal is shown, and all that was typed is kept',
    async () => {
	await page.fill('#s-audit-login', 'sys1');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => /sys1/.test(
	    document.querySelector('[role=alert]')?.innerText ?? ''));
	const kept = await page.inputValue('#s-security-name');

	await page.fill('#s-audit-login', 'aud1');
	return kept === '赵六';
});
await see('the station is set up, and leads to its login', async () => {
	await page.keyboard.press('Enter');
	await page.waitForSelector('a.button', { timeout: 60000 });
	await check(page, 'desk-done');
	await page.click('a.button');
	await logIn(page, 'system');
	await page.waitForFunction(() => /遵义市/.test(
	    document.querySelector('.home').innerText));
});
await see('the set-up page is gone', async () => {
	const status = await page.evaluate(async () =>
		(await fetch('/api/setup')).status);

	return status === 404;
});
await see('each of the three has one power', async () => {
	const mine = (p) => p.$$eval('.body > nav a',
	    (all) => all.map((a) => a.getAttribute('href')));
	const of = {};

	of.system = await mine(page);
	for (const role of ['security', 'audit']) {
		const p = await open(city);

		await p.goto(city + '/');
		await logIn(p, role);
		of[role] = await mine(p);
		await p.context().close();
	}
	return of.system.includes('/users') && of.security.includes('/users') &&
	    !of.audit.includes('/users') && of.audit.includes('/audit') &&
	    !of.system.includes('/audit') && !of.security.includes('/audit');
});

// --- one that joins it ------------------------------------------------------------------
const file = `${folder}/520302.invitation`;

run('city', 'invite', '520302', '--address', `127.0.0.1:${port}`, '--host-key',
    `${folder}/sshd/host.pub`, '-o', file);
keys();
const other = await open(county);
const toInvitation = async (p) => {
	await p.waitForSelector('.choice');
	await p.locator('.choice input').first().check();
	await p.setInputFiles('#s-file', file);
	await p.waitForSelector('.facts');
};

await see('what is no invitation is said to be none', async () => {
	await other.goto(county + '/');
	await other.fill('#s-code', code('county'));
	await other.keyboard.press('Enter');
	await other.waitForSelector('.choice');
	await other.locator('.choice input').first().check();
	await other.setInputFiles('#s-file', `${folder}/sshd/host.pub`);
	await other.waitForSelector('[role=alert]');
	return await other.locator('.facts').count() === 0;
});
await everywhere('join', county, 'county', toInvitation);
await see('an invitation says whose it is before anybody is asked', async () => {
	await toInvitation(other);
	return /红花岗区/.test(await text(other, '.facts'));
});
let fingerprint;

await see('the superior is asked, and is to be rung', async () => {
	await other.click('form button');
	await other.waitForSelector('.groups', { timeout: 60000 });
	fingerprint = (await text(other, '.groups')).trim().replace(/\s+/g, '-');
	return /^\d{5}(-\d{5}){7}$/.test(fingerprint);
});
await everywhere('ring', county, 'county', (p) => p.waitForSelector('.groups'));
await see('the county is set up', async () => {
	await other.fill('#s-check', await signs(other));
	await other.keyboard.press('Enter');
	await fillAccounts(other);
	await other.keyboard.press('Enter');
	await other.waitForSelector('a.button', { timeout: 60000 });
	await check(other, 'desk-done-joined');
	await other.click('a.button');
	await logIn(other, 'system');
});
await see('the line at the top says that it is not let in yet', async () => {
	await other.waitForFunction(() => /520300 尚未准予加入/.test(
	    document.querySelector('.link')?.innerText ?? ''));
	await other.click('.link a');
	await other.waitForSelector('.groups');
	await check(other, 'desk-waiting');
	return (await text(other, '.groups')).trim().replace(/\s+/g, '-') ===
	    fingerprint;
});
await see('what is heard there lets it in', async () => {
	const p = await open(city);

	await p.goto(city + '/');
	await logIn(p, 'security');
	await p.goto(city + '/stations');
	await p.fill('[name=fingerprint]', fingerprint);
	await p.keyboard.press('Enter');
	await p.waitForFunction(() => /红花岗区/.test(
	    document.querySelector('table.stations')?.innerText ?? ''));
	keys();
	await p.context().close();
});
await see('and in touch, with no other command', async () => {
	await other.waitForFunction(() => /与遵义市联通/.test(
	    document.querySelector('.link')?.innerText ?? ''), null,
	    { timeout: 120000 });
	await other.waitForFunction(() => /红花岗区/.test(
	    document.querySelector('.home').innerText));
	await check(other, 'desk-joined');
});

await see('nothing was asked of anybody outside', () => {
	if (strangers.size)
		throw new Error([...strangers].join(' '));
});
await see('the browser had nothing to complain of', () => {
	// 503: that nothing is set up yet.  400, 404 and 409: what was refused, or
	// is gone.  A server that is just starting lets nobody in.
	const bad = complaints.filter((c) =>
		!/40[049]|503|ERR_CONNECTION|ERR_EMPTY/.test(c));

	if (bad.length)
		throw new Error([...new Set(bad)].join('; '));
});
await browser.close();
line('# told');
