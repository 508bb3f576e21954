// What stories in a browser are told with.  A line for each thing seen: "ok
// TAB WHAT" or "not TAB WHAT TAB DETAIL"; other lines are remarks.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const DESK = { width: 1366, height: 768 };

export const line = (...parts) => console.log(parts.map((p) => String(p)
    .replace(/[\t\n]+/g, ' ')).join('\t'));

// tools: where npm has put the driver; shots: where pictures go.
export async function start(tools, shots) {
	const require = createRequire(tools + '/');
	const { chromium } = require('playwright-core');
	const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

	async function see(what, fn) {
		try {
			const said = await fn();

			if (said === false)
				throw new Error('it is not so');
			line('ok', what);
		} catch (e) {
			line('not', what, e.message.slice(0, 600));
			// What stood on the screens then.
			for (const c of browser.contexts())
				for (const p of c.pages())
					await p.screenshot({ path: `${shots}/failed-${++failures}.png` })
					    .catch(() => {});
		}
	}
	let failures = 0;

	const browser = await chromium.launch({
		executablePath: '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update',
			'--disable-sync'],
	});
	const strangers = new Set(); // requests to anybody else
	const complaints = [];       // of the browser

	async function open(base, { lang, ...options } = {}) {
		const context = await browser.newContext({ viewport: DESK,
			colorScheme: 'light', timezoneId: 'Asia/Shanghai', ...options });

		if (lang)
			await context.addInitScript((l) => localStorage.setItem(
			    'yizhan.lang', l), lang);
		// Whatever a policy had to stop was near to running.
		await context.addInitScript(() => {
			window.stopped = [];
			addEventListener('securitypolicyviolation', (e) =>
				window.stopped.push(e.violatedDirective + ' ' + e.blockedURI));
		});
		const page = await context.newPage();

		page.on('dialog', (d) => {
			complaints.push('a dialog: ' + d.message());
			d.dismiss();
		});

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

	// waitForFunction() takes a promise for an answer.
	async function until(page, fn, arg) {
		for (let i = 0; i < 300; i++) {
			if (await page.evaluate(fn, arg))
				return;
			await page.waitForTimeout(100);
		}
		throw new Error(`it does not come to that: ${fn}`);
	}

	// Tab until what has the focus is meant: keys alone must reach it.
	async function tabTo(page, meant) {
		for (let i = 0; i < 200; i++) {
			await page.keyboard.press('Tab');
			if (await page.evaluate(meant))
				return;
		}
		throw new Error(`200 times Tab do not reach ${meant}`);
	}

	const text = (page, selector) => page.locator(selector).first().innerText();
	const settled = (page) => page.waitForFunction(() =>
		!/正在读取|Reading …/.test(document.querySelector('main')?.innerText ?? '正在读取')
		&& (!document.querySelector('.chart') || document.querySelector('.chart canvas')));

	// Turn to a page as a link does.  A page that is loaded anew leaves a stream
	// of events behind that the server drops at its next word only, and it lets
	// in so many connections from one address.
	const turn = (page, path) => page.evaluate((to) => new Promise((done) => {
		history.pushState(null, '', to);
		dispatchEvent(new PopStateEvent('popstate'));
		requestAnimationFrame(() => requestAnimationFrame(done));
	}), path);

	async function check(page, name, seen) {
		await settled(page);
		await page.screenshot({ path: `${shots}/${name}.png` });
		const wide = await page.evaluate(() =>
			document.documentElement.scrollWidth - innerWidth);

		if (wide > 0)
			throw new Error(`${wide} pixels wider than the screen`);
		if (seen)
			return;
		if (!await page.evaluate(() => !!window.axe))
			await page.evaluate(axe);
		const { violations } = await page.evaluate(() => window.axe.run({
			resultTypes: ['violations'] }));
		const bad = violations.filter((v) => ['serious', 'critical'].includes(
		    v.impact));

		if (bad.length)
			throw new Error(bad.map((v) => `${v.id}: ${v.nodes[0].html}`).join('; '));
	}
	return { browser, strangers, complaints, see, open, until, tabTo, text, settled,
		turn, check };
}
