// node console.mjs TOOLS COUNTY-URL CITY-URL SHOTS DEPOT-ID CUT-FIFO
// The story of ui.sh in a browser.  A line for each thing seen: "ok TAB
// WHAT" or "not TAB WHAT TAB DETAIL"; other lines are remarks.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';

const [, , tools, county, city, shots, depot, cut] = process.argv;
const require = createRequire(tools + '/');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const PASSWORD = 'Night-watch-1';
const DESK = { width: 1366, height: 768 };
const FIRST_MAX = 350 * 1024; // bytes of the first page, compressed

const line = (...parts) => console.log(parts.map((p) => String(p)
    .replace(/[\t\n]+/g, ' ')).join('\t'));

async function see(what, fn) {
	try {
		const said = await fn();

		if (said === false)
			throw new Error('it is not so');
		line('ok', what);
	} catch (e) {
		line('not', what, e.message.slice(0, 600));
	}
}

const browser = await chromium.launch({
	executablePath: '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
		'--disable-background-networking', '--disable-component-update',
		'--disable-sync'],
});
const strangers = new Set(); // requests to anybody else
const complaints = [];       // of the browser

async function open(base, options) {
	const context = await browser.newContext({ viewport: DESK,
		colorScheme: 'light', timezoneId: 'Asia/Shanghai', ...options });
	const page = await context.newPage();

	page.setDefaultTimeout(30000);
	page.on('request', (q) => {
		if (!q.url().startsWith(base) && !/^(data|blob):/.test(q.url()))
			strangers.add(q.url());
	});
	page.on('pageerror', (e) => complaints.push(e.message));
	page.on('console', (m) => {
		// That nobody is logged in yet is said as 401, and a changed form
		// as 412.
		if (m.type() === 'error' && !/40[13]|412/.test(m.text()))
			complaints.push(m.text());
	});
	return page;
}

async function logIn(page, base, who = 'duty1') {
	await page.goto(base + '/');
	await page.fill('#login', who);
	await page.fill('#password', PASSWORD);
	await page.keyboard.press('Enter');
	await page.waitForSelector('nav a[aria-current]');
}

const text = (page, selector) => page.locator(selector).first().innerText();
const settled = (page) => page.waitForFunction(() =>
	!/正在读取|Reading …/.test(document.querySelector('main')?.innerText ?? '正在读取'));

// Turn to a page as a link does.  A page that is loaded anew leaves a stream
// of events behind that the server drops at its next word only, and it lets
// in so many connections from one address.
const turn = (page, path) => page.evaluate((to) => new Promise((done) => {
	history.pushState(null, '', to);
	dispatchEvent(new PopStateEvent('popstate'));
	requestAnimationFrame(() => requestAnimationFrame(done));
}), path);

async function check(page, name, quick) {
	await settled(page);
	await page.screenshot({ path: `${shots}/${name}.png` });
	if (quick)
		return;
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => window.axe.run());
	const bad = violations.filter((v) => ['serious', 'critical'].includes(
	    v.impact));
	const wide = await page.evaluate(() =>
		document.documentElement.scrollWidth - innerWidth);

	if (bad.length)
		throw new Error(bad.map((v) => `${v.id}: ${v.nodes[0].html}`).join('; '));
	if (wide > 0)
		throw new Error(`${wide} pixels wider than the screen`);
}

// --- the first page ----------------------------------------------------------
const page = await open(county);
let bytes = 0;
const weigh = async (r) => {
	if (!r.url().includes('/api/') && r.status() === 200)
		bytes += gzipSync(await r.body()).length;
};

page.on('response', weigh);
await see('the login page is shown', async () => {
	await page.goto(county + '/');
	await page.waitForSelector('#login:focus');
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
page.off('response', weigh);
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
await see('the city\'s page shows it by itself', async () => {
	await other.waitForFunction(() => document.querySelector('h1')?.innerText ===
	    '南关街道中心储备库', null, { timeout: 30000 });
	line('remark', `seen at the city ${Date.now() - began} ms after the keys, two seconds being wanted`);
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
	await page.waitForFunction(async (id) => {
		const r = await fetch('/api/records/resource/' + id);

		return (await r.json()).title === '市里改的名';
	}, depot, { timeout: 30000, polling: 500 });
	await page.fill('#f-name', '县里改的名');
	await page.keyboard.press('Control+Enter');
	await page.waitForSelector('.why');
	if (!/市里改的名/.test(await text(page, '.why')))
		throw new Error('the other value is not shown');
	await check(page, 'desk-changed-meanwhile');
	await page.keyboard.press('Control+Enter');
	await page.waitForFunction(() => document.querySelector('h1')?.innerText ===
	    '县里改的名');
});

// --- attachments ----------------------------------------------------------------------
const photo = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUl' +
	'EQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');

await see('a photo is attached and shown', async () => {
	await page.setInputFiles('#attach', { name: 'photo.png',
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
	await page.locator('.conflict button', { hasText: '停用' }).focus();
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.querySelectorAll('.conflict')
	    .length === 2 && !/停用/.test(document.querySelector('main').innerText));
});

// --- nothing typed becomes a script -----------------------------------------------------
await see('markup in a name is text', async () => {
	const name = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

	await page.goto(county + '/records/resource:depot/new');
	await page.waitForSelector('#f-name:focus');
	await page.fill('#f-name', name);
	await page.selectOption('#f-level', 'county');
	await page.locator('input[name=f-status]').first().check();
	await page.locator('input[name=f-store_type]').first().check();
	await page.keyboard.press('Control+Enter');
	await page.waitForSelector('.values');
	await page.waitForFunction((n) => document.querySelector('h1')?.innerText ===
	    n, name);
	await page.goto(county + '/records/resource:depot?_map=1');
	await page.waitForSelector('a[data-row]');
	return await page.evaluate(() => window.hacked === undefined);
});

// --- every page, every screen, light and dark ---------------------------------------------
const changeset = await page.evaluate(async () =>
	(await (await fetch('/api/changesets?_limit=1')).json()).changesets[0].id);
const PAGES = { duty: '/', kinds: '/records', list: '/records/resource:depot',
	map: '/records/resource?_map=1', record: '/records/resource:depot/' + depot,
	edit: `/records/resource:depot/${depot}/edit`, new: '/records/incident/new',
	find: '/find?q=' + encodeURIComponent('街道'), conflicts: '/conflicts',
	stations: '/stations', ledger: '/changesets',
	changeset: '/changesets/' + changeset, nothing: '/nothing' };
const SCREENS = { desk: {}, night: { colorScheme: 'dark' },
	phone: { viewport: { width: 390, height: 844 }, isMobile: true,
		hasTouch: true },
	wall: { viewport: { width: 3840, height: 2160 }, colorScheme: 'dark' } };

for (const [screen, options] of Object.entries(SCREENS)) {
	const p = await open(county, options);

	await logIn(p, county);
	for (const [name, path] of Object.entries(PAGES)) {
		if (screen === 'wall' && !['duty', 'stations', 'list'].includes(name))
			continue;
		await see(`${screen}: ${name} is whole and within everybody's reach`,
		    async () => {
			await (screen === 'desk' ? p.goto(county + path) : turn(p, path));
			await p.waitForSelector('main h1').catch(async () => {
				throw new Error('no heading: ' + await text(p, 'body'));
			});
			if (name === 'duty' || name === 'map')
				await p.waitForSelector('.leaflet-interactive');
			// Light and dark differ in colours only, and the wall in size.
			await check(p, `${screen}-${name}`, screen === 'night' &&
			    !['duty', 'edit', 'conflicts'].includes(name));
		});
	}
	await p.context().close();
}
for (const [who, name, path] of [['sys1', 'users', '/users'],
	['sec1', 'rights', '/users'], ['aud1', 'audit', '/audit']])
	await see(`${name} opens to ${who}`, async () => {
		const p = await open(county);

		await logIn(p, county, who);
		await p.goto(county + path);
		await p.waitForSelector('table.list tbody tr');
		await check(p, 'desk-' + name);
		await p.context().close();
	});

// --- English --------------------------------------------------------------------------------
await see('the language is switched', async () => {
	await page.goto(county + '/');
	await page.getByRole('button', { name: 'English' }).click();
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
	await page.getByRole('button', { name: '中文' }).click();
	await page.waitForSelector('html[lang=zh-CN]');
});

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
