// node pages.mjs TOOLS COUNTY-URL CITY-URL SHOTS YIZHAN COUNTY-HOME CITY-HOME
//	DEPOT-ID DOOR PORT HOST-KEY
// The second story of ui.sh, with the line to the city cut: what each page is
// there to show, held against what the commands say of the same station.  At
// the end DOOR opens the city's door again, and a station joins.
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { line, start } from './browser.mjs';

const [, , tools, county, city, shots, yizhan, home, cityHome, depot, door,
	port, hostKey] = process.argv;
const { browser, strangers, complaints, see, open, text, settled, turn, check } =
    await start(tools, shots);
const PASSWORD = 'Night-watch-1';
const tests = path.dirname(path.dirname(new URL(import.meta.url).pathname));
const build = path.dirname(yizhan);

async function logIn(page, base, who = 'duty1') {
	await page.goto(base + '/');
	await page.fill('#login', who);
	await page.fill('#password', PASSWORD);
	await page.keyboard.press('Enter');
	await page.waitForSelector('nav a[aria-current]');
}
// 3: done, but there is something to look at.
function at(where, ...args) {
	const { status, stdout, stderr } = spawnSync(yizhan, ['-C', where, ...args]);

	if (status !== 0 && status !== 3)
		throw new Error(`${args.join(' ')}: ${stderr}`);
	return stdout.toString();
}
const rowsOf = (...args) => at(home, ...args, '--json').trim().split('\n')
    .filter(Boolean).map((l) => JSON.parse(l));
const sql = (db, statement) => execFileSync(build + '/tests/sql',
    [db, statement]);
const same = (got, want) => {
	if (JSON.stringify(got) !== JSON.stringify(want))
		throw new Error(`${JSON.stringify(got)} and not ${
			JSON.stringify(want)}`);
};
const has = (all, ...wanted) => wanted.forEach((w) => {
	if (!(w instanceof RegExp ? w.test(all) : all.includes(w)))
		throw new Error(`no ${w} in: ${all.slice(0, 400)}`);
});
// What a selector finds, as texts.
const texts = (p, selector) => p.locator(selector).allInnerTexts();
const title = (p, want) => p.waitForFunction((t) =>
	document.querySelector('h1')?.innerText === t, want);

const page = await open(county);

await logIn(page, county);
await settled(page);

// --- the duty page --------------------------------------------------------------
await see('who is on duty stands there, as what, with a telephone', async () => {
	const all = await text(page, 'section[aria-labelledby=h-duty]');

	for (const r of rowsOf('list', 'duty_shift'))
		has(all, r.values?.phone ?? r.phone);
	has(all, '王建国', '李秀英', '0851-28221101', '0851-28221102')
});
await see('what is ready is counted by category, as the register has it',
    async () => {
	const real = rowsOf('list', 'resource', '--limit', '100000')
	    .filter((r) => r.exercise !== true);
	const want = {};

	for (const r of real) {
		const row = want[r.rkind] ??= { ready: 0, busy: 0, all: 0 };

		row.all++;
		if (r.status in row)
			row[r.status]++;
	}
	await page.waitForSelector('table.ready tbody tr');
	const got = await page.evaluate(() => Object.fromEntries(
		[...document.querySelectorAll('table.ready tbody tr')].map((tr) => [
			new URL(tr.querySelector('a').href).searchParams.get('rkind'),
			[...tr.querySelectorAll('td.n')].map((td) =>
				Number(td.innerText.replace(/,/g, '')))])));

	same(got, Object.fromEntries(Object.keys(got).map((k) => [k,
		[want[k].ready, want[k].busy, want[k].all]])));
	same(Object.keys(got).sort(), Object.keys(want).sort());
});
await see('what is stuck is a list: the conflicts, and the line that is cut',
    async () => {
	await page.waitForFunction(() => /遵义市/.test(document.querySelector(
	    'section[aria-labelledby=h-stuck] tbody')?.innerText ?? ''),
	null, { timeout: 150000 });
	const all = await text(page, 'section[aria-labelledby=h-stuck] tbody');
	const n = new Set(rowsOf('conflicts').map((c) => c.id + c.register)).size;

	has(all, `${n} 个字段两边都改过`, /遵义市: 最后联系 .*前/);
});
await see('every figure says how old it is', async () => {
	const without = await page.evaluate(() => [
		...document.querySelectorAll('.figure, section h2 small')]
	    .filter((e) => !/^h-stuck$/.test(e.id) &&
		!/截至/.test(e.querySelector('.asof')?.innerText ?? ''))
	    .map((e) => e.closest('section')?.innerText.slice(0, 60) ??
		e.innerText));

	same(without, []);
	same(await page.locator('.figure').count(), 6);
	has((await texts(page, '.figure')).join(), /演练 1 .*截至/s);
});
await see('a leak with gaps says how many it has', async () =>
	has(await text(page, '.inc:has-text("深溪镇山体滑坡")'), /缺 2 项/));

// --- figures of a city whose county was cut off ------------------------------------
const above = await open(city);

await see('of a county cut off for three days, a city\'s figures are so old',
    async () => {
	const AGO = 3 * 86400000;

	sql(cityHome + '/local.db', `UPDATE peer SET last_complete =
		last_complete - ${AGO} WHERE code = '520302'`);
	const day = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Shanghai' })
	    .format(Date.now() - AGO);

	await logIn(above, city);
	await above.waitForSelector('.figure .asof');
	await settled(above);
	await above.waitForFunction(() => document.querySelectorAll(
	    '.figure .asof').length === 5);
	for (const name of ['在办事件', '可用救援队伍'])
		has(await text(above, `.figure:has-text("${name}") .asof`), day,
		    '红花岗区');
	for (const id of ['h-inc', 'h-ready', 'h-duty', 'h-near'])
		has(await text(above, `section[aria-labelledby=${id}] h2 .asof`),
		    day, '红花岗区');
	// What is of this station itself is of now.
	for (const name of ['待裁定', '失联邻站'])
		if ((await text(above, `.figure:has-text("${name}") .asof`))
		    .includes(day))
			throw new Error(`${name} is old`);
	await check(above, 'desk-city-old');
});

// --- records --------------------------------------------------------------------------
const team = rowsOf('list', 'resource', 'rkind=R01').find((r) =>
	/南关街道救援队/.test(r.name));

await see('a value has its unit', async () => {
	await turn(page, '/records/resource:team/' + team.id);
	await title(page, '南关街道救援队');
	has(await text(page, '.values div:has(dt:has-text("队伍人数"))'),
	    new RegExp(`${team.persons}\\s*人`));
});
await see('an emergency is saved with a title alone, and its gaps show',
    async () => {
	await turn(page, '/records/incident/new');
	await page.waitForSelector('#f-title');
	await page.fill('#f-title', '半夜的第一报');
	await page.keyboard.press('Control+Enter');
	await title(page, '半夜的第一报');
	await page.waitForSelector('.values .gap');
	const made = rowsOf('list', 'incident').find((r) =>
		r.title === '半夜的第一报');
	const { fields } = await page.evaluate(async () =>
		(await fetch('/api/kinds/incident')).json());
	const gaps = fields.filter((f) => f.required && !(f.name in made));

	if (gaps.length < 3)
		throw new Error(JSON.stringify(made));
	same(await page.locator('.values .gap').count(), gaps.filter((f) =>
		!['secrecy', 'exercise', 'town'].includes(f.name) &&
		f.type !== 'blob').length);
	await turn(page, '/');
	await page.waitForSelector('.inc:has-text("半夜的第一报") .gap');
});
await see('a list is filtered', async () => {
	await turn(page, '/records/resource:team');
	await page.waitForSelector('a[data-row]');
	await page.locator('.filters label:has-text("状态") select')
	    .selectOption('busy');
	const want = rowsOf('list', 'resource', 'rkind=R01', 'status=busy',
	    '--limit', '100').map((r) => r.name).sort();

	await page.waitForFunction((n) => document.querySelectorAll('a[data-row]')
	    .length === n, want.length);
	same((await texts(page, 'a[data-row]')).sort(), want);
	has((await texts(page, 'tbody tr')).join('\n'), /占用/);
});
const column = async (name) => {
	const heads = await texts(page, 'table.list thead th');
	const i = heads.findIndex((h) => h.includes(name));

	if (i < 0)
		throw new Error(`no ${name} in ${heads}`);
	return (await texts(page, `table.list tbody td:nth-child(${i + 1})`))
	    .map((t) => Number(t.replace(/,/g, '')));
};
await see('and sorted, upwards and downwards', async () => {
	await turn(page, '/records/resource:team');
	await page.waitForFunction(() => document.querySelectorAll('a[data-row]')
	    .length >= 8);
	const press = async (mark) => {
		await page.locator('button.sort:has-text("队伍人数")').click();
		await page.waitForSelector(`th[aria-sort=${mark}]`);
		await settled(page);
		await page.waitForTimeout(0);
	};
	const sorted = async (order) => {
		for (let i = 0; i < 100; i++) {
			const got = await column('队伍人数');

			if (JSON.stringify(got) === JSON.stringify([...got].sort(order)))
				return got;
			await page.waitForTimeout(100);
		}
		throw new Error((await column('队伍人数')).join());
	};

	await press('ascending');
	const up = await sorted((x, y) => x - y);

	await press('descending');
	same(await sorted((x, y) => y - x), [...up].reverse());
});
await see('and goes on where it ends', async () => {
	await page.evaluate(async () => {
		const { csrf } = await (await fetch('/api/me')).json();

		for (let n = 0; n < 53; n++)
			await fetch('/api/records/org', { method: 'POST', headers: {
				'X-Yizhan-Token': csrf, 'Content-Type': 'application/json' },
			body: JSON.stringify({ set: { name: `单位${n}`, otype: (await
				(await fetch('/api/kinds/org')).json()).fields.find((f) =>
				f.name === 'otype').codes[0].code } }) });
	});
	await turn(page, '/records/org');
	await page.waitForFunction(() => document.querySelectorAll('a[data-row]')
	    .length === 50);
	await page.locator('p.more button').click();
	await page.waitForFunction(() => document.querySelectorAll('a[data-row]')
	    .length > 50);
	const shown = await page.evaluate(() => [...document.querySelectorAll(
	    'a[data-row]')].map((a) => a.href));

	same(new Set(shown).size, rowsOf('list', 'org', '--limit', '1000').length);
	same(shown.length, new Set(shown).size);
});
await see('a record is dropped with a reason', async () => {
	await turn(page, '/records/resource:team/' + team.id);
	await title(page, '南关街道救援队');
	await page.locator('button:has-text("撤销……")').click();
	await page.waitForSelector('dialog #why');
	if (!await page.locator('dialog button:has-text("撤销记录")').isDisabled())
		throw new Error('it goes without a reason');
	await page.fill('#why', '重复登记');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => /已撤销/.test(document.querySelector(
	    '.head').innerText));
	same(JSON.parse(at(home, 'show', 'resource', team.id, '--json'))
	    .removed_reason, '重复登记');
	await page.waitForFunction(() => /重复登记/.test(document.querySelector(
	    '.history').innerText));
});
await see('a save that another was before is refused with both values',
    async () => {
	await turn(page, `/records/resource:depot/${depot}/edit`);
	await page.waitForSelector('#f-address');
	at(home, 'set', 'resource', depot, 'address=红军路 99 号', '--as', '值班员乙');
	await page.fill('#f-address', '红军路 12 号');
	await page.keyboard.press('Control+Enter');
	await page.waitForSelector('.why');
	const why = await text(page, '.why');

	has(why, '红军路 99 号', '红军路 12 号');
	same(JSON.parse(at(home, 'show', 'resource', depot, '--json')).address,
	    '红军路 99 号');
	await page.keyboard.press('Control+Enter');
	await page.waitForSelector('.values');
	same(JSON.parse(at(home, 'show', 'resource', depot, '--json')).address,
	    '红军路 12 号');
});

// --- conflicts ---------------------------------------------------------------------------
await see('of both values of a conflict the page says who and when', async () => {
	await turn(page, '/conflicts');
	await page.waitForSelector('.conflict .sides li');
	const want = rowsOf('conflicts').map((c) => [c.author, Date.parse(c.time)])
	    .sort();
	const got = await page.evaluate(() => [...document.querySelectorAll(
	    '.conflict .sides li')].map((li) => [li.querySelector('p b').innerText,
		Date.parse(li.querySelector('time').dateTime)]));

	same(got.sort(), want);
	has(await text(page, '.conflict .sides time'), /^(\d{4}-\d\d-\d\d )?\d\d:\d\d$/);
});

// --- the quarantine --------------------------------------------------------------------------
const heldOf = (kind) => rowsOf('quarantine').find((q) => q.kind === kind);
const changesetOf = (id) => page.evaluate(async (x) => (await (await fetch(
    '/api/changesets/' + x)).json()), id);

await see('what is held stands beside what counts, of both who and when',
    async () => {
	const q = heldOf('resource');
	const name = JSON.parse(at(home, 'show', 'resource', q.id, '--json')).name;
	const held = page.locator('article.held', { hasText: '汇川区接管' });

	await held.waitFor();
	const cells = await held.locator('table.held tbody td').allInnerTexts();

	has(cells[0], name, '管理员丁', '红花岗区');
	has(cells[1], '汇川区接管', '张三', '汇川区 ·');
	same(Date.parse(await held.locator('td:last-child time')
	    .getAttribute('datetime')), Date.parse((await changesetOf(q.changeset))
	    .time));
	has(await held.innerText(), '不生效的原因', '既不是属主');
});
await see('who may not write a record is told who can, and settles it for this desk',
    async () => {
	const held = page.locator('article.held', { hasText: '汇川区的类型' });

	// The vocabulary's own fields have names for people, too.
	same(await held.locator('th[scope=row]').allInnerTexts(), ['中文名称']);
	has(await held.innerText(), '遵义市', '命令行', '请打电话告知');
	same(await held.locator('button').allInnerTexts(), ['已阅',
	    '同一原因全部已阅……', '同一作者全部已阅……']);
	await held.locator('button').first().click();
	await held.waitFor({ state: 'detached' });
	await page.locator('details.done summary').click();
	has(await text(page, 'details.done'), '汇川区的类型', '保留现值', '值班员甲');
});
await see('many are settled together, once it is said how many', async () => {
	const held = page.locator('article.held', { hasText: '又一类型' });
	const dialog = page.locator('dialog');

	await held.locator('button', { hasText: '同一作者全部已阅' }).click();
	await dialog.locator('p', { hasText: '2 项' }).waitFor();
	has(await dialog.innerText(), '汇川区张三', '保留本站现值', '审计日志');
	await check(page, 'desk-alike');
	await page.keyboard.press('Escape');
	await dialog.waitFor({ state: 'detached' });
	same(await page.locator('article.held').count(), 2);
	await held.locator('button', { hasText: '同一原因全部已阅' }).click();
	has(await dialog.locator('.note').innerText(), '只有根站');
	await dialog.locator('button', { hasText: '1 项全部已阅' }).click();
	await held.waitFor({ state: 'detached' });
	same(await page.locator('article.held').count(), 1);
	has(await text(page, '.teller'), '已阅 1 项');
});
await see('one press takes a held value over, by keyboard, as a signed change',
    async () => {
	const q = heldOf('resource');

	await page.locator('article.held button', { hasText: '采用被隔离的值' })
	    .focus();
	await page.keyboard.press('Enter');
	await page.locator('article.held').waitFor({ state: 'detached' });
	same(JSON.parse(at(home, 'show', 'resource', q.id, '--json')).name,
	    '汇川区接管');
	const last = rowsOf('show', 'resource', q.id, '--history').pop();
	const cs = await changesetOf(last.changeset);

	same([cs.author, cs.subject, cs.verified], ['值班员甲', 'take resource ' +
		q.changeset.slice(0, 16), true]);
	has(await text(page, 'section[aria-labelledby=h-q]'), '没有待本站处理的');
	same(rowsOf('quarantine').length, 3);
	await check(page, 'quarantine-settled');
});

// --- stations ------------------------------------------------------------------------------
await see('first of all stations that are stuck, why, and what to do', async () => {
	await turn(page, '/stations');
	await page.waitForSelector('.stuck');
	const all = await text(page, 'main');

	has(await text(page, '.stuck'), '遵义市', /\d+ (分钟|小时|天)|不到一分钟|刚刚/,
	    /待传变更集 \d+ 个/, /请查网线/);
	if (all.indexOf('卡住') > all.indexOf('520300 ') && all.indexOf('520300 ') >= 0)
		throw new Error('it is not first');
});
await see('each station\'s last contact, backlog and clock stand in the tree',
    async () => {
	const of = await page.evaluate(async () => (await (await fetch(
	    '/api/stations')).json()).stations.find((s) => s.code === '520300'));
	const cell = async (name) => text(page, 'table.stations tr:has-text(' +
	    `"520300") td[data-label="${name}"]`);

	same(await cell('待传'), String(of.peer.waiting));
	if (!(of.peer.waiting > 0))
		throw new Error('nothing waits, with the line cut');
	has(await cell('最后联系'), /前/);
	has(await cell('时钟差'), /^−?-?\d+(\.\d)? (ms|s)$/);
	// Of one that only others bring, too, how old what is known of it is.
	has(await text(page, 'table.stations tr:has-text("520303") ' +
	    'td[data-label="已知至"]'), /前|刚刚/);
	same(await page.locator('table.stations tr:has-text("520300") ' +
	    'td[data-label="最后联系"] time').getAttribute('datetime'),
	of.peer.last_contact);
});

// --- the ledger ------------------------------------------------------------------------------
const cs = JSON.parse(at(home, 'show', 'resource', depot, '--history', '--json')
    .trim().split('\n').pop()).changeset;

await see('from a changeset to its record and back', async () => {
	await turn(page, '/changesets');
	await page.locator(`a[href="/changesets/${cs}"]`).first().click();
	await page.waitForSelector('.op a');
	has(await text(page, '.stands'), '✓', '签名已验');
	await page.locator('.op a').first().click();
	await page.waitForSelector('.history li');
	if (!page.url().endsWith(depot))
		throw new Error(page.url());
	await page.locator(`.history a[href="/changesets/${cs}"]`).click();
	await page.waitForSelector('.op a');
	return page.url().endsWith(cs);
});
await see('what was forged on the disk has a cross, there and in the history',
    async () => {
	const forged = spawnSync('sh', ['-c', `. "${tests}/forge.sh"
		forge "${home}" resource ${cs} 冒名者`], { env: { ...process.env,
		build } });

	if (forged.status !== 0)
		throw new Error(forged.stderr.toString());
	await turn(page, '/records/resource:depot/' + depot);
	await page.waitForFunction(() => /冒名者/.test(document.querySelector(
	    '.history')?.innerText ?? ''));
	const list = await texts(page, '.history > li');

	for (const item of list)
		has(item, item.includes('冒名者') ? /✗ 签名未通过/ : /✓ 签名已验/);
	if (list.length < 2 || list.filter((i) => i.includes('✗')).length !== 1)
		throw new Error(list.join(' / '));
	await turn(page, '/changesets/' + cs);
	await page.waitForSelector('.stands');
	has(await text(page, '.stands'), /✗ 签名未通过/);
	await check(page, 'desk-forged');
});

// --- joining, in the browser -------------------------------------------------------------------
await see('a station is invited, asks, and is let in by another, in the browser',
    async () => {
	const next = path.dirname(home) + '/fresh';
	const sys = await open(city);
	const sec = await open(city);

	execFileSync('sh', [door]);
	// The machine's own sshd is not the one of this test.
	await sys.route('**/api/invitations', (r) => r.request().method() !==
	    'POST' ? r.continue() : r.continue({ postData: JSON.stringify({
		...JSON.parse(r.request().postData()), host_key: hostKey }) }));
	await logIn(sys, city, 'sys1');
	await turn(sys, '/stations');
	await sys.fill('input[name=code]', '520381');
	await sys.fill('input[name=address]', '127.0.0.1:' + port);
	await sys.locator('button:has-text("生成邀请")').click();
	const link = sys.locator('a[download]');

	await link.waitFor();
	fs.writeFileSync(next + '.invitation', decodeURIComponent((await
	    link.getAttribute('href')).replace(/^data:[^,]*,/, '')));
	execFileSync('sh', [door]);
	const fp = at(next, 'join', next + '.invitation').split('\n')[0];

	await logIn(sec, city, 'sec1');
	await turn(sec, '/stations');
	await sec.waitForSelector('input[name=fingerprint]');
	await sec.fill('input[name=fingerprint]', fp.replace(/\d{5}/, '00000'));
	await sec.keyboard.press('Enter');
	await sec.waitForSelector('[role=alert]');
	await sec.fill('input[name=fingerprint]', fp);
	await sec.keyboard.press('Enter');
	await sec.waitForSelector('table.stations td:has-text("520381")');
	has(at(cityHome, 'roster'), '520381');
	execFileSync('sh', [door]);
	at(next, 'sync');
});

await see('in all of this nothing was asked of anybody outside', () =>
	same([...strangers], []));
await see('nor had the browser anything to complain of', () =>
	same([...new Set(complaints)], []));
await browser.close();
line('# told');
