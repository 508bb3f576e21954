// node console.mjs TOOLS COUNTY-URL CITY-URL SHOTS DEPOT-ID CUT-FIFO YIZHAN
//	COUNTY-HOME TAKEN-ID
// The story of ui.sh in a browser.
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { line, start } from './browser.mjs';

const [, , tools, county, city, shots, depot, cut, yizhan, home,
	taken] = process.argv;
const { browser, strangers, complaints, see, open, until, tabTo, text, settled,
	turn, check } = await start(tools, shots);
const PASSWORD = 'Night-watch-1';
const FIRST_MAX = 350 * 1024; // bytes of the first page, compressed

async function logIn(page, base, who = 'duty1') {
	await page.goto(base + '/');
	await page.fill('#login', who);
	await page.fill('#password', PASSWORD);
	await page.keyboard.press('Enter');
	await page.waitForSelector('nav a[aria-current]');
}

// --- the first page ----------------------------------------------------------
const page = await open(county);
let bytes = 0;
let chosen;

// Listened for from the start: the browser is told to ask us, and that takes
// its time.
page.on('filechooser', (c) => chosen?.(c));
const weighed = []; // what comes is weighed beside what goes on
const weigh = async (r) => {
	if (!r.url().includes('/api/') && r.status() === 200)
		bytes += gzipSync(await r.body()).length;
};

const scales = (r) => weighed.push(weigh(r));

page.on('response', scales);
await see('the login page is shown', async () => {
	const at = Date.now();

	await page.goto(county + '/');
	await page.waitForSelector('#login:focus');
	line('remark', `the first page is usable ${Date.now() - at} ms after it was asked for, with nothing cached, a second being wanted`);
	await check(page, 'desk-login');
});
await see('a wrong password is refused in a sentence', async () => {
	await page.fill('#login', 'duty1');
	await page.fill('#password', 'wrong-Password-1');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[role=alert]');
	return /密码/.test(await text(page, '[role=alert]'));
});
await see('the right one lets in, by keyboard', async () => {
	await page.fill('#password', PASSWORD);
	await page.keyboard.press('Enter');
	await page.waitForSelector('nav a[aria-current]');
	await settled(page);
	await page.waitForSelector('.leaflet-interactive');
});
page.off('response', scales);
await Promise.all(weighed);
await see(`the first page weighs ${Math.ceil(bytes / 1024)} KB, at most 350`,
    () => bytes > 20000 && bytes <= FIRST_MAX);
await see('the duty page shows the incident and who is stuck', async () => {
	const all = await text(page, 'main');

	return /南关街道居民楼燃气泄漏/.test(all) && /较大/.test(all) &&
	    /物资储备库/.test(all);
});
await see('the line at the top says that the city is in touch', async () => {
	await page.waitForFunction(() => /与遵义市联通/.test(
	    document.querySelector('.link')?.innerText ?? ''));
});

// --- by keyboard alone ---------------------------------------------------------
await see('two characters find the depot', async () => {
	await page.keyboard.press('/');
	await page.keyboard.type('南关');
	await page.keyboard.press('Enter');
	await page.waitForSelector('a[data-row]');
	return /南关街道物资储备库/.test(await text(page, 'main'));
});
await see('Tab and Enter open it', async () => {
	for (let i = 0; i < 40; i++) {
		const at = await page.evaluate(() =>
			document.activeElement.dataset.row !== undefined &&
			document.activeElement.innerText);

		if (at === '南关街道物资储备库')
			break;
		await page.keyboard.press(at ? 'ArrowDown' : 'Tab');
	}
	await page.keyboard.press('Enter');
	await page.waitForSelector('.values');
	await settled(page);
	return page.url().endsWith(depot);
});
await see('its form has the sub-kind\'s own fields', async () => {
	await page.keyboard.press('e');
	await page.waitForSelector('#f-name:focus');
	return await page.locator('#f-area').count() === 1 &&
	    await page.locator('#f-persons').count() === 0;
});
const other = await open(city);

await logIn(other, city);
await other.goto(`${city}/records/resource/${depot}`);
await other.waitForSelector('.values');
let began;

await see('a change is saved by Ctrl Enter', async () => {
	await page.keyboard.press('Control+A');
	await page.keyboard.type('南关街道中心储备库');
	await check(page, 'desk-edit');
	began = Date.now();
	await page.keyboard.press('Control+Enter');
	await page.waitForFunction(() => document.querySelector('h1')?.innerText ===
	    '南关街道中心储备库');
	return /已存本机/.test(await text(page, '.stands'));
});
await see('what was said of it is gone once something else fails', async () => {
	const told = () => page.locator('.teller span').count();

	await page.route('**/api/records/**', (r) => r.request().method() ===
	    'DELETE' ? r.fulfill({ status: 403, body: '{"error":"no"}',
		contentType: 'application/json' }) : r.continue());
	if (!await told())
		line('remark', 'the machine is so slow that it was gone before');
	await page.locator('button:has-text("撤销……")').click();
	await page.fill('dialog #why', '试试');
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog .note.bad');
	if (await told())
		throw new Error(await text(page, '.teller'));
	await page.unroute('**/api/records/**');
	await page.keyboard.press('Escape');
	await page.locator('dialog').waitFor({ state: 'detached' });
});
await see('the city\'s page shows it by itself', async () => {
	await other.waitForFunction(() => document.querySelector('h1')?.innerText ===
	    '南关街道中心储备库', null, { timeout: 30000 });
	line('remark', `seen at the city ${Date.now() - began} ms after the keys, two seconds being wanted`);
});
await see('the county is told when it has arrived there', async () => {
	await page.waitForFunction(() => /已达遵义市|已到达遵义市/.test(
	    document.querySelector('.stands')?.innerText ?? ''));
});
await see('the history tells who, with a verified signature', async () => {
	const all = await text(page, '.history');

	return /值班员甲/.test(all) && /签名已验/.test(all);
});

// --- a form that has become old ---------------------------------------------------
await see('what another wrote meanwhile is not overwritten unseen', async () => {
	await page.keyboard.press('e');
	await page.waitForSelector('#f-name:focus');
	await other.keyboard.press('e');
	await other.waitForSelector('#f-name:focus');
	await other.fill('#f-name', '市里改的名');
	await other.keyboard.press('Control+Enter');
	await other.waitForSelector('.values');
	// The county's own page is told by an event; its form stays.
	await until(page, async (id) => {
		const r = await fetch('/api/records/resource/' + id);

		return (await r.json()).title === '市里改的名';
	}, depot);
	await page.fill('#f-name', '县里改的名');
	await page.keyboard.press('Control+Enter');
	await page.waitForSelector('.why, .note.bad');
	if (!await page.locator('.why').count())
		throw new Error(await text(page, '.note.bad'));
	if (!/市里改的名/.test(await text(page, '.why')))
		throw new Error('the other value is not shown');
	if (await page.locator('.teller span').count())
		throw new Error('beside it stands: ' + await text(page, '.teller'));
	await check(page, 'desk-changed-meanwhile');
	await page.keyboard.press('Control+Enter');
	await page.waitForFunction(() => document.querySelector('h1')?.innerText ===
	    '县里改的名');
});

// --- attachments ----------------------------------------------------------------------
const photo = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUl' +
	'EQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');

await see('a photo is attached by keys and shown', async () => {
	await tabTo(page, () => document.activeElement.id === 'attach');
	const asked = new Promise((done) => { chosen = done; });

	await page.keyboard.press('Enter');
	await (await asked).setFiles({ name: 'photo.png',
		mimeType: 'image/png', buffer: photo });
	await page.waitForFunction(() =>
		document.querySelector('.blobs img')?.naturalWidth === 1);
	await check(page, 'desk-record');
});
await see('what is no picture is kept as a file', async () => {
	await page.setInputFiles('#attach', { name: 'x.html', mimeType: 'text/html',
		buffer: Buffer.from('<script>alert(1)</script>') });
	await page.waitForFunction(() =>
		document.querySelectorAll('.blobs li').length === 2 &&
		document.querySelector('.blobs .paper'));
});

// --- conflicts ----------------------------------------------------------------------------
await see('both values of a conflict stand side by side', async () => {
	await page.keyboard.press('g');
	await page.keyboard.press('c');
	await page.waitForSelector('.conflict button');
	const all = await text(page, '.conflict:has-text("停用")');

	return /占用/.test(all) && /停用/.test(all) && /市调度员/.test(all) &&
	    /值班员甲/.test(all);
});
await see('one press decides', async () => {
	await tabTo(page, () => /停用/.test(document.activeElement.innerText) &&
		document.activeElement.matches('.conflict button'));
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.querySelectorAll('.conflict')
	    .length === 2 && !/停用/.test(document.querySelector('main').innerText));
});

// --- nothing typed becomes a script -----------------------------------------------------
const STRINGS = 1000;
const CRADLES = ['X', '"X', "'X", '">X', "'>X", '</p>X', '</textarea>X',
	'</title>X', '</script>X', '<!--X-->', '{{X}}', '${X}', '\\"X', '&lt;X',
	'＜X', ']]>X', '`X', '<b>X</b>', 'a=X', '*/X'];
const SCRIPTS = ['<script>hit()</script>', '<img src=x onerror=hit()>',
	'<svg onload=hit()>', '<iframe src=javascript:hit()>',
	'<a href=javascript:hit()>a</a>', '<body onload=hit()>',
	'<input autofocus onfocus=hit()>', '<details open ontoggle=hit()>',
	'<style>*{background:url(//x/y)}</style>', '<link rel=stylesheet href=//x/y>',
	'<meta http-equiv=refresh content=0>', '<object data=javascript:hit()>',
	'<math><mi xlink:href=javascript:hit()>', '<base href=//x/>',
	'<form action=javascript:hit()><button>b', '<video src=x onerror=hit()>',
	'javascript:hit()', 'data:text/html,<script>hit()</script>',
	'<marquee onstart=hit()>', '<template><script>hit()</script></template>',
	'<x onpointerrawupdate=hit()>', '<img src="x`onerror=hit()">',
	'<ScRiPt>hit()</sCrIpT>', '<img/src=x/onerror=hit()>',
	'constructor.constructor("hit()")()'];
const strings = [];

for (let n = 0; strings.length < STRINGS; n++)
	for (const cradle of CRADLES)
		for (const script of SCRIPTS)
			if (strings.length < STRINGS)
				strings.push(cradle.replace('X', () => script) + (n || ''));
const evil = [];

await see(`${STRINGS} script strings are saved in text fields`, async () => {
	const made = await page.evaluate(async (all) => {
		const { csrf } = await (await fetch('/api/me')).json();
		const kind = await (await fetch('/api/kinds/resource.depot')).json();
		const fields = kind.fields.filter((f) => f.type === 'text' &&
			f.elem === 'one' && !f.derived && !f.ancestor_only &&
			(f.max_len === 0 || f.max_len >= 120) && f.name !== 'name');
		const out = [];
		let at = 0;

		while (at < all.length) {
			const set = { name: all[at++], level: 'county', status: 'ready',
				store_type: 'own', rkind: 'R03' };

			for (const f of fields)
				if (at < all.length)
					set[f.name] = all[at++];
			const r = await fetch('/api/records/resource.depot', {
				method: 'POST', body: JSON.stringify({ set }), headers: {
					'X-Yizhan-Token': csrf, 'Content-Type': 'application/json' } });

			if (r.status !== 201)
				return { error: JSON.stringify(set) + await r.text() };
			const { id } = await r.json();

			delete set.level, delete set.status;
			delete set.store_type, delete set.rkind;
			out.push({ id, texts: Object.values(set) });
		}
		return { out };
	}, strings);

	if (made.error)
		throw new Error(made.error);
	evil.push(...made.out);
	line('remark', `${strings.length} strings in ${evil.length} records`);
});

// What no page of ours makes, and who ran what.
const alien = (p) => p.evaluate(() => [
	...[...document.querySelectorAll(`main script, main iframe, main object,
		main style, main link, main meta, main base, main math, main video,
		main marquee, main template, main x, main img:not([src^="/api/blobs/"])`)]
	    .map((e) => e.outerHTML.slice(0, 100)),
	...[...document.querySelectorAll('main *')].filter((e) =>
		[...e.attributes].some((a) => /^on/.test(a.name) ||
		/^(javascript|data:text)/i.test(a.value.trim()) && a.name === 'href'))
	    .map((e) => e.outerHTML.slice(0, 100)),
	...window.stopped, ...(window.wasHit ? ['hit() ran'] : [])]);

await see('each of them is shown as it is and runs nowhere', async () => {
	const p = await open(county);

	await p.addInitScript(() => { window.hit = () => { window.wasHit = true; }; });
	await logIn(p, county);
	const plain = (s) => s.replace(/\s+/g, ' ').trim();

	for (const { id, texts } of evil) {
		await turn(p, '/records/resource:depot/' + id);
		await p.waitForFunction((to) => document.querySelector('.crumb .mono')
		    ?.title === to && document.querySelector('.history li'), id);
		const shown = plain(await p.evaluate(() =>
			document.querySelector('main').textContent));

		for (const t of texts)
			if (!shown.includes(plain(t)))
				throw new Error(`not shown as typed: ${t}`);
		const found = await alien(p);

		if (found.length)
			throw new Error(`${found[0]} of ${texts.join(' ')}`);
	}
	for (const path of ['/records/resource:depot', '/find?q=hit',
		'/records/resource:depot?_map=1', '/changesets',
		`/records/resource:depot/${evil[0].id}/edit`]) {
		await turn(p, path);
		await settled(p);
		const found = await alien(p);

		if (found.length)
			throw new Error(`${path}: ${found[0]}`);
	}
	await p.context().close();
});
await see('nor do they in accounts and the audit log', async () => {
	const p = await open(county);
	const name = '"><img src=x onerror=hit()>';

	await p.goto(county + '/');
	await p.fill('#login', name);
	await p.fill('#password', PASSWORD);
	await p.keyboard.press('Enter');
	await p.waitForSelector('[role=alert]');
	await logIn(p, county, 'sys1');
	await turn(p, '/users');
	await p.waitForSelector('[data-key=n]');
	await p.keyboard.press('n');
	await p.fill('#a-login', 'new1');
	await p.fill('#a-name', name.replace(/[<>]/g, '＜'));
	await p.fill('#a-password', PASSWORD);
	await p.keyboard.press('Enter');
	await p.waitForFunction(() => /onerror=hit/.test(
	    document.querySelector('table.list').innerText));
	const one = await alien(p);

	await p.context().close();
	const q = await open(county);

	await logIn(q, county, 'aud1');
	await turn(q, '/audit');
	await q.waitForFunction(() => /onerror=hit/.test(
	    document.querySelector('table.list')?.innerText ?? ''));
	const two = await alien(q);

	await q.context().close();
	if (one.length || two.length)
		throw new Error([...one, ...two].join(' '));
});

// --- the second factor ---------------------------------------------------------------------
// RFC 6238, as a telephone does it.
function codeOf(secret, at) {
	const bits = [...secret.replace(/ /g, '')].map((c) =>
		'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2)
		    .padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const time = Buffer.alloc(8);

	time.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
	const mac = createHmac('sha1', key).update(time).digest();
	const from = mac[19] & 15;

	return String((mac.readUInt32BE(from) & 0x7fffffff) % 1000000)
	    .padStart(6, '0');
}

await see('a second factor is set up, and wanted from then on', async () => {
	const p = await open(county);
	const own = 'Own-words-22';

	// Another has set the password: it is good for one login.
	await p.goto(county + '/');
	await p.fill('#login', 'new1');
	await p.fill('#password', PASSWORD);
	await p.keyboard.press('Enter');
	await p.waitForSelector('#new_password:focus');
	await check(p, 'desk-login-once');
	if (await p.locator('.note.bad').count())
		throw new Error('it is shown as an error');
	await p.keyboard.type(own);
	await p.keyboard.press('Enter');
	await p.waitForSelector('nav a[aria-current]');
	// Nobody has given a role yet: one's own account, and whom to ask.
	await p.waitForSelector('main .note');
	if (!/请找本站的安全管理员/.test(await text(p, 'main .note')))
		throw new Error(await text(p, 'main'));
	if (await p.locator('.body > nav a').count() !== 1 ||
	    await p.locator('#find').count())
		throw new Error('there are ways that nobody may go');
	await turn(p, '/self');
	await p.waitForSelector('#h-factor');
	await p.locator('section[aria-labelledby=h-factor] input').fill(own);
	await p.keyboard.press('Enter');
	await p.waitForFunction(() =>
		document.querySelector('.qr img')?.naturalWidth > 0);
	await check(p, 'desk-factor');
	const secret = await text(p, '.qr p');

	await p.fill('input[name=code]', codeOf(secret, Date.now()));
	await p.keyboard.press('Enter');
	await p.waitForSelector('section[aria-labelledby=h-factor] .note');
	const spare = (await text(p, 'section[aria-labelledby=h-factor] .note .mono'))
	    .trim().split(/\s+/)[0];

	await p.context().close();
	const q = await open(county);

	await q.goto(county + '/');
	await q.fill('#login', 'new1');
	await q.fill('#password', own);
	await q.keyboard.press('Enter');
	await q.waitForSelector('#code:focus');
	await check(q, 'desk-login-code');
	if (await q.locator('.note.bad').count())
		throw new Error('it is shown as an error');
	await q.keyboard.type(spare);
	await q.keyboard.press('Enter');
	await q.waitForSelector('nav a[aria-current]');
	await q.context().close();
});

// --- every page, every screen, light and dark ---------------------------------------------
// While others were busy on a slow machine, this one may have been idle for so
// long that it was shut.
await page.goto(county + '/');
await page.waitForSelector('#login, nav a[aria-current]');
if (await page.locator('#login').count())
	await logIn(page, county);
const changeset = await page.evaluate(async () =>
	(await (await fetch('/api/changesets?_limit=1')).json()).changesets[0].id);
const incident = await page.evaluate(async () =>
	(await (await fetch('/api/records/incident?_limit=1')).json())
	    .records[0].id);
const PAGES = { duty: '/', kinds: '/records', list: '/records/resource:depot',
	map: '/records/resource:team?_map=1', record: '/records/resource:depot/' + depot,
	incident: '/records/incident/' + incident,
	edit: `/records/resource:depot/${depot}/edit`, new: '/records/incident/new',
	find: '/find?q=' + encodeURIComponent('街道'), conflicts: '/conflicts',
	stations: '/stations', ledger: '/changesets',
	changeset: '/changesets/' + changeset, doctor: '/doctor',
	self: '/self',
	nothing: '/nothing' };
// Colours and order are those of another screen, that axe has seen.
const SEEN = ['wall', 'wall-light', 'phone-night'];
const DARK = { colorScheme: 'dark' };
const SCREENS = { desk: {}, night: DARK,
	phone: { viewport: { width: 390, height: 844 }, isMobile: true,
		hasTouch: true },
	wall: { viewport: { width: 3840, height: 2160 }, ...DARK },
	'wall-light': { viewport: { width: 3840, height: 2160 } },
	'phone-night': { viewport: { width: 390, height: 844 }, isMobile: true,
		hasTouch: true, ...DARK },
	english: { lang: 'en' }, 'english-night': { lang: 'en', ...DARK } };

await see('what a neighbour wrote into a record that is not its own stands apart',
    async () => {
	await turn(page, '/conflicts');
	await page.waitForSelector('#h-q');
	await settled(page);
	const all = await text(page, 'section[aria-labelledby=h-q]');

	if (!/520303 既不是属主 520302，也不是它的上级/.test(all) ||
	    !/只有根站 520300 可以定义类型和代码/.test(all) ||
	    !/张三 · 汇川区/.test(all))
		throw new Error(all);
});
await see('and has changed nothing', async () => {
	await turn(page, `/records/resource/${taken}`);
	await page.waitForSelector('.values');
	await settled(page);
	return await text(page, 'h1') === '深溪镇物资储备库';
});

// What a screen and a page must show besides.
const box = (p, selector) => p.locator(selector).first().evaluate((e) => {
	const { left, top, right, bottom } = e.getBoundingClientRect();

	return { left, top, right, bottom };
});
const MUST = {
	'desk-list': async (p) => {
		const area = p.locator('td[data-label="库房面积"]').first();

		if (/m²/.test(await area.innerText()))
			throw new Error('the unit stands in the head and in the row');
		await p.evaluate(() => scrollTo(0, document.body.scrollHeight));
		await p.waitForFunction(() => scrollY > 500);
		for (const link of ['first', 'last']) {
			const { top, bottom } = await box(p,
			    `.body > nav a:${link}-child`);

			if (top < 0 || bottom > 768)
				throw new Error(`the ${link} way is out of sight`);
		}
		// A window that is lower than they are is scrolled.
		await p.setViewportSize({ width: 1366, height: 300 });
		await p.locator('.body > nav a').last().focus();
		const { top, bottom } = await box(p, '.body > nav a:last-child');

		await p.setViewportSize({ width: 1366, height: 768 });
		if (top < 47 || bottom > 301)
			throw new Error(`the last way is at ${top} to ${bottom}`);
	},
	'desk-map': async (p) => {
		const shapes = await p.evaluate(() => [...document.querySelectorAll(
		    'path.point')].map((e) => [e.classList.contains('busy'),
			e.getAttribute('d').split('M').length]));

		if (!shapes.some(([busy]) => busy) || shapes.some(([busy, n]) =>
		    n !== (busy ? 3 : 2)))
			throw new Error('who is busy is no half disc: ' +
			    JSON.stringify(shapes));
	},
	'desk-record': async (p) => !await p.locator('a.tel').count(),
	'phone-record': async (p) => /^tel:\d+$/.test(await p.locator('a.tel')
	    .first().getAttribute('href')),
	'phone-list': async (p) => /150\.00\s*m²/.test((await p.locator(
	    'td[data-label="库房面积"]').allInnerTexts()).join()),
	'phone-duty': async (p) => {
		const sign = await box(p, 'nav a[href="/conflicts"] b');
		const count = await box(p, '.count');
		const glyph = (sign.left + sign.right) / 2 + 9;

		if (count.left < glyph)
			throw new Error('the count lies on the sign');
	},
	'phone-edit': async (p) => {
		const bar = await box(p, '.bottom');
		const nav = await box(p, '.body > nav');

		if (Math.abs(bar.bottom - nav.top) > 1)
			throw new Error(`between ${bar.bottom} and ${nav.top} the page shows`);
	},
	'wall-map': async (p) => (await box(p, '.kinds')).bottom >= 2160,
};

for (const [screen, options] of Object.entries(SCREENS)) {
	const p = await open(county, options);

	await logIn(p, county);
	for (const [name, path] of Object.entries(PAGES))
		await see(`${screen}: ${name} is whole and within everybody's reach`,
		    async () => {
			await turn(p, path);
			await p.waitForSelector('main h1').catch(async () => {
				throw new Error('no heading: ' + await text(p, 'body'));
			});
			if (name === 'duty' || name === 'map')
				await p.waitForSelector('.leaflet-interactive');
			await check(p, `${screen}-${name}`, SEEN.includes(screen));
			return MUST[`${screen}-${name}`]?.(p);
		});
	await p.context().close();
}
const ADMINS = [['sys1', 'users', '/users', 'table.list tbody tr'],
	['sec1', 'rights', '/users', 'table.list tbody tr'],
	['aud1', 'audit', '/audit', 'table.list tbody tr'],
	['sys1', 'joining', '/stations', '#h-join']];

for (const [who, name, path, there] of ADMINS)
	await see(`${name} opens to ${who}, light and dark, in both languages`,
	    async () => {
		for (const [tone, options] of [['desk', {}], ['night', DARK],
			['english', { lang: 'en' }],
			['english-night', { lang: 'en', ...DARK }],
			['phone', SCREENS.phone]]) {
			const p = await open(county, options);

			await logIn(p, county, who);
			await turn(p, path);
			await p.waitForSelector(there);
			await check(p, `${tone}-${name}`);
			await p.context().close();
		}
	});

// --- English --------------------------------------------------------------------------------
await see('the language is switched', async () => {
	await page.goto(county + '/');
	await tabTo(page, () => document.activeElement.innerText === 'English');
	await page.keyboard.press('Enter');
	await page.waitForSelector('html[lang=en]');
	await check(page, 'desk-english');
	const all = await text(page, 'main');

	if (!/Open incidents/.test(all) || !/Supply depot|supply depot/.test(all))
		throw new Error(all.slice(0, 300));
	await page.goto(county + '/records/resource:depot');
	await page.waitForSelector('a[data-row]');
	return /Address/.test(await text(page, 'main'));
});
await see('and back', async () => {
	await tabTo(page, () => document.activeElement.innerText === '中文');
	await page.keyboard.press('Enter');
	await page.waitForSelector('html[lang=zh-CN]');
});

// --- nobody there -----------------------------------------------------------------------------
const book = (sql) => execFileSync('sqlite3', ['-cmd', '.timeout 9000',
	home + '/local.db', sql]).toString().trim();
const MINE = "FROM login WHERE login = 'sec1' ORDER BY began DESC LIMIT 1";
let said = 0;
const news = () => execFileSync(yizhan, ['-C', home, 'set', 'resource', depot,
	`address=红军路${++said}号`, '--as', '值班员甲']);
const left = (ms) => book(`UPDATE login SET seen = ${Date.now() - 600000 + ms}
	WHERE token = (SELECT token ${MINE})`);
const idler = await open(county);

await logIn(idler, county, 'sec1');
await settled(idler);
await see('who moves at the desk stays in, though he asks for nothing',
    async () => {
	left(60000);
	await idler.keyboard.press('ArrowDown');
	for (let i = 0; i < 40; i++) {
		news();
		await idler.waitForTimeout(500);
		if (Date.now() - Number(book('SELECT seen ' + MINE)) < 60000)
			return true;
	}
	return false;
});
await see('a desk that nobody touches is shut, though news comes and comes',
    async () => {
	let asked = 0;
	const count = (q) => { asked += q.url().includes('/api/records') ? 1 : 0; };

	idler.on('request', count);
	left(4000);
	for (let i = 0; i < 60 && !await idler.locator('#login').count(); i++) {
		news();
		await idler.waitForTimeout(500);
	}
	await idler.waitForSelector('#login:focus');
	return asked > 0;
});
await idler.context().close();

// --- with the line cut ------------------------------------------------------------------------
await see('when the line is cut, the line at the top says so', async () => {
	await page.goto(county + '/');
	fs.writeFileSync(cut, 'cut\n');
	const at = Date.now();

	// A call that failed is tried again later and later: up to a minute.
	await page.waitForSelector('.link.off', { timeout: 150000 });
	line('remark', `said ${Date.now() - at} ms after the cut`);
	await check(page, 'desk-cut');
	return /断开/.test(await text(page, '.link'));
});
await see('work goes on, and is said to wait', async () => {
	await page.goto(`${county}/records/resource:depot/${depot}/edit`);
	await page.waitForSelector('#f-name:focus');
	await page.fill('#f-name', '断线时改的名');
	await page.keyboard.press('Control+Enter');
	await page.waitForFunction(() => document.querySelector('h1')?.innerText ===
	    '断线时改的名');
	const stands = await text(page, '.stands');

	return /已存本机/.test(stands) && /尚未到达遵义市/.test(stands);
});

await see('nothing was asked of anybody outside', () => {
	if (strangers.size)
		throw new Error([...strangers].join(' '));
});
await see('the browser had nothing to complain of', () => {
	if (complaints.length)
		throw new Error([...new Set(complaints)].join('; '));
});
await browser.close();
line('# told');
