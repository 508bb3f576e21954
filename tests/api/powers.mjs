// Every operation by every role: who may is as tests/data/powers says, so
// that a change must be meant.  Who is nobody, who lacks the page's token,
// and whoever comes from elsewhere is refused by all that could change
// something; and every answer has the headers that a browser obeys.
import { readFileSync } from 'node:fs';
import { check, login, operations, password, roles, send } from './client.mjs';

const who = {};
for (const [role, name] of Object.entries(roles))
	who[role] = await login(name, password);
const token = (await send('POST', '/api/tokens', { headers: who.officer,
	body: '{"name":"矩阵"}' })).json().token;
const machine = { Authorization: `Bearer ${token}` };
const doc = (await send('GET', '/api/openapi.json',
	{ headers: who.officer })).json();
const all = operations(doc);

// Pieces that name nothing, so that whoever may does no harm.
const nothing = { kind: 'resource', login: 'ghost9', code: '999999',
	token: 'ffffffff', changeset: 'ffffffff', op: '0', id: '520302-00000000000000000000000000000000',
	blob: '0'.repeat(64) };
const url = (path) => path.replace(/\{(\w+)\}/g, (_, n) => nothing[n]);
const body = (o) => o.op.requestBody ? '{}' : undefined;

async function may(o, headers) {
	const r = await send(o.method, url(o.path), { headers, body: body(o) });
	const refused = r.status === 401 || (r.status === 403 &&
		/^(the role |this is for people)/.test(r.json().error?.message));
	return refused ? '-' : 'x';
}

const columns = [...Object.keys(roles), 'token', 'nobody'];
const lines = [`# METHOD PATH: ${columns.join(' ')}`];
for (const o of all) {
	const row = [];
	for (const role of Object.keys(roles)) {
		// Logging out must not end the others' turns.
		const as = o.path === '/api/logout'
			? await login(roles[role], password) : who[role];
		row.push(await may(o, as));
	}
	row.push(await may(o, machine), await may(o, {}));
	lines.push(`${o.method} ${o.path}: ${row.join(' ')}`);
}
const got = lines.join('\n') + '\n';
const want = readFileSync(process.env.POWERS, 'utf8');
if (process.env.POWERS_PRINT)
	console.error(got);
const differ = lines.filter((l) => !want.split('\n').includes(l)).concat(
	want.split('\n').filter((l) => l !== '' && !lines.includes(l))
		.map((l) => `(missing) ${l}`));
check(got === want, `${all.length} operations x ${columns.length}: who may is as meant`,
	differ.join(' | '));
// No account has two of the three powers, whatever the table says.
const three = ['users', 'rights', 'audit'];
for (const role of Object.keys(roles)) {
	const me = (await send('GET', '/api/me', { headers: who[role] })).json();
	check(me.user.powers.filter((p) => three.includes(p)).length <= 1,
		`${role} holds at most one of the three powers`);
}

// --- forged requests -----------------------------------------------------------
const changing = all.filter((o) => o.method !== 'GET');
// One of those who may, so that nothing but the forgery is refused.
function holder(o) {
	for (const [role, headers] of Object.entries(who))
		if (want.split('\n').some((l) => l.startsWith(`${o.method} ${o.path}: `) &&
			l.split(': ')[1].split(' ')[columns.indexOf(role)] === 'x'))
			return headers;
	return who.officer;
}
const forged = {
	'without the token': (h) => ({ Cookie: h.Cookie }),
	'with a wrong token': (h) => ({ ...h, 'X-Yizhan-Token': '0'.repeat(64) }),
	'with another session\'s token': (h) => ({ ...h, 'X-Yizhan-Token':
		(h === who.viewer ? who.none : who.viewer)['X-Yizhan-Token'] }),
	'from another origin': (h) => ({ ...h, Origin: 'https://evil.example' }),
	'from an origin that looks alike': (h) => ({ ...h,
		Origin: `http://${process.env.HOST_OF_DESK}.evil.example` }),
	'from a null origin': (h) => ({ ...h, Origin: 'null' }),
	'across sites': (h) => ({ ...h, 'Sec-Fetch-Site': 'cross-site' }),
	'from a neighbouring site': (h) => ({ ...h, 'Sec-Fetch-Site': 'same-site' }),
};
for (const [how, forge] of Object.entries(forged)) {
	const passed = [];
	for (const o of changing) {
		// Login has no session yet: only the origin can be foreign.
		if (o.path === '/api/login' && how.includes('token'))
			continue;
		const r = await send(o.method, url(o.path),
			{ headers: forge(holder(o)), body: body(o) });
		if (r.status !== 403)
			passed.push(`${o.method} ${o.path} ${r.status}`);
	}
	check(passed.length === 0,
		`all ${changing.length} changes ${how} are refused`, passed.join(' '));
}

// --- headers ---------------------------------------------------------------------
const safe = {
	'content-security-policy': /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';.*form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
	'x-content-type-options': /^nosniff$/,
	'referrer-policy': /^no-referrer$/,
	'cross-origin-opener-policy': /^same-origin$/,
	'cross-origin-resource-policy': /^same-origin$/,
};
const bare = [];
async function dressed(method, path, headers) {
	const r = await send(method, path, { headers,
		body: method === 'GET' ? undefined : '{}' });
	for (const [name, form] of Object.entries(safe))
		if (!form.test(r.headers[name] ?? ''))
			bare.push(`${method} ${path} ${r.status}: ${name}`);
	if (path.startsWith('/api/') && r.headers['cache-control'] !== 'no-store')
		bare.push(`${method} ${path} ${r.status}: cache-control`);
	if (r.status !== 304 && r.headers['content-type'] === undefined)
		bare.push(`${method} ${path} ${r.status}: content-type`);
}
for (const o of all) {
	await dressed(o.method, url(o.path), {});
	if (o.path !== '/api/logout')
		await dressed(o.method, url(o.path), holder(o));
}
for (const path of ['/', '/index.html', '/missing.js', '/.hidden', '/api/none',
	`/${'x'.repeat(3000)}`])
	await dressed('GET', path, who.viewer);
await dressed('PUT', '/api/me', who.viewer);
await dressed('POST', '/', who.viewer);
await dressed('GET', '/', { 'X-Long': 'x'.repeat(9000) });
check(bare.length === 0, 'every answer has the headers a browser obeys',
	bare.join(' | ').slice(0, 3000));
