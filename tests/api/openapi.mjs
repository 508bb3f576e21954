// The description is valid by a validator that is not ours, and true: every
// operation is called, and answers with the status and the members that it
// says, no more and no fewer.
import { createHash } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import { check, login, operations, password, roles, send } from './client.mjs';
import { foreign } from './described.mjs';

const who = {};
for (const [role, name] of Object.entries(roles))
	if (role !== 'none')
		who[role] = await login(name, password);
const doc = (await send('GET', '/api/openapi.json',
	{ headers: who.officer })).json();
const judged = await new Validator().validate(structuredClone(doc));
check(judged.valid, 'OpenAPI 3.1, by another\'s validator',
	JSON.stringify(judged.errors)?.slice(0, 2000));
check(doc.openapi.startsWith('3.1'), 'of version 3.1');

const ajv = new Ajv({ strict: false, allErrors: true });
const judge = (schema) => ajv.compile({ ...schema, components: doc.components });

// What a call wants: who, pieces, query, body; and whether it is one that
// may only be made last.
const shot = (await send('POST', '/api/blobs', { headers: who.officer,
	body: 'a few bytes' })).json().blob;
const team = { name: '描述之队', rkind: 'R01', level: '县级', persons: '7',
	lon: '106.9', lat: '27.7' };
const made = (await send('POST', '/api/records/resource.team',
	{ headers: who.officer, body: JSON.stringify({ set: team }) })).json().id;
const read = (id) => send('GET', `/api/records/resource/${id}`,
	{ headers: who.officer });
const token = (await send('POST', '/api/tokens', { headers: who.officer,
	body: '{"name":"试"}' })).json();
const change = (await send('GET', '/api/changesets?_limit=1',
	{ headers: who.officer })).json().changesets[0].id;
const held = (await send('GET', '/api/quarantine?_settled=no',
	{ headers: who.officer })).json().quarantine;
const place = (h) => ({ changeset: h.changeset, op: String(h.op) });
let secret;
function code(at = Date.now()) { // of RFC 6238, by node's own HMAC
	return import('node:crypto').then(({ createHmac }) => {
		const bits = [...secret].map((c) =>
			'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c)
				.toString(2).padStart(5, '0')).join('');
		const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
		const step = Buffer.alloc(8);
		step.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
		const mac = createHmac('sha1', key).update(step).digest();
		const o = mac[19] & 15;
		return String((mac.readUInt32BE(o) & 0x7fffffff) % 1000000)
			.padStart(6, '0');
	});
}
const hostKey = process.env.HOST_KEY;
const calls = {
	'POST /api/login': { body: { login: 'view1', password } },
	'POST /api/logout': { as: await login('view1', password) },
	'POST /api/me/password': { as: who.editor,
		body: { password, new_password: 'Night-watch-2' } },
	'POST /api/me/totp': { as: who.viewer, body: { password },
		after: (r) => { secret = r.json().secret; } },
	'POST /api/me/totp/confirm': { as: who.viewer,
		body: async () => ({ code: await code() }) },
	'POST /api/me/totp/off': { as: who.viewer, body: async () =>
		({ password, code: await code(Date.now() + 30000) }) },
	'POST /api/tokens': { as: who.officer, body: { name: '又' } },
	'DELETE /api/tokens/{token}': { as: who.officer, pieces: { token: token.id } },
	'POST /api/stations/{code}/confirm': { as: who.security,
		pieces: { code: process.env.ASKED_CODE },
		body: { fingerprint: process.env.ASKED_FINGERPRINT }, last: true },
	'GET /api/invitations': { as: who.system },
	'POST /api/invitations': { as: who.system, body: { code: '520304',
		address: '127.0.0.1:22', host_key: hostKey } },
	'DELETE /api/invitations/{code}': { as: who.system,
		pieces: { code: '520304' } },
	'GET /api/kinds/{kind}': { pieces: { kind: 'resource.team' } },
	'GET /api/records/{kind}': { pieces: { kind: 'resource' } },
	'GET /api/records/{kind}/{id}': { pieces: { kind: 'resource', id: made } },
	'GET /api/records/{kind}/{id}/history': { pieces:
		{ kind: 'resource', id: made } },
	'POST /api/records/{kind}': { pieces: { kind: 'resource.team' },
		body: { set: team } },
	'PATCH /api/records/{kind}/{id}': { pieces: { kind: 'resource', id: made },
		headers: async () => ({ 'If-Match': (await read(made)).headers.etag }),
		body: { set: { persons: '8' }, add: { skills: ['water'] } } },
	'POST /api/blobs': { bytes: 'others' },
	'GET /api/blobs/{blob}': { pieces: { blob: shot } },
	'GET /api/find': { query: 'q=%E6%8F%8F%E8%BF%B0' },
	'GET /api/near': { query: 'lon=106.9&lat=27.7&km=5' },
	'GET /api/box': { query: 'west=106&south=27&east=107&north=28' },
	'GET /api/tally/{kind}': { pieces: { kind: 'resource' }, query: 'by=rkind' },
	'GET /api/changesets/{id}': { pieces: { id: change } },
	'GET /api/quarantine': { last: true }, // when something was settled
	'POST /api/quarantine/{changeset}/{op}/take': { pieces: place(held[0]),
		body: { etag: held[0].etag } },
	'POST /api/quarantine/{changeset}/{op}/keep': { pieces: place(held[1]),
		last: true },
	'GET /api/quarantine/{changeset}/{op}/alike': { pieces: place(held[1]),
		query: 'by=author' },
	'POST /api/quarantine/{changeset}/{op}/keep-alike': { last: true,
		pieces: place(held[1]), body: async () => ({ by: 'reason',
			etag: (await send('GET', `/api/quarantine/${held[1].changeset}/${
			    held[1].op}/alike?by=reason`, { headers: who.officer }))
			    .json().etag }) },
	'GET /api/users': { as: who.security },
	'POST /api/users': { as: who.system, body: { login: 'later1', name: '后来',
		password: 'Night-watch-3' } },
	'POST /api/users/{login}/password': { as: who.system,
		pieces: { login: 'later1' }, body: { password: 'Night-watch-4' } },
	'POST /api/users/{login}/role': { as: who.security,
		pieces: { login: 'later1' }, body: { role: 'viewer' } },
	'POST /api/users/{login}/unlock': { as: who.security,
		pieces: { login: 'later1' } },
	'POST /api/users/{login}/idle': { as: who.security,
		pieces: { login: 'later1' }, body: { minutes: 60 } },
	'DELETE /api/users/{login}/totp': { as: who.security,
		pieces: { login: 'later1' }, status: 404 },
	'GET /api/audit': { as: who.audit },
	'GET /api/audit/export': { as: who.audit },
	'POST /api/audit/prune': { as: who.audit, status: 403,
		body: { through: '1', sha256: '0' } },
	// At the very end.
	'DELETE /api/records/{kind}/{id}': { pieces: { kind: 'resource', id: made },
		query: 'why=over', last: true },
};

const met = new Set(); // objects of the description
async function call({ method, path, op }) {
	const name = `${method} ${path}`;
	const how = calls[name] ?? {};
	const pieces = how.pieces ?? {};
	const url = path.replace(/\{(\w+)\}/g, (_, n) =>
		encodeURIComponent(pieces[n] ?? 'MISSING'));
	const headers = { ...(how.as ?? who.officer), ...(await how.headers?.()) };
	const body = typeof how.body === 'function' ? await how.body() : how.body;
	const r = await send(method, how.query ? `${url}?${how.query}` : url,
		{ headers, body: how.bytes ?? (body && JSON.stringify(body)) });
	const says = op.responses[r.status] ?? op.responses.default;
	const want = how.status ?? Number(Object.keys(op.responses)[0]);

	check(r.status === want, `${name} answers ${want}`,
		`${r.status} ${r.text.slice(0, 300)}`);
	how.after?.(r);
	const [type, media] = Object.entries(says.content)[0];
	if (type === '*/*')
		return;
	check((r.headers['content-type'] ?? '').startsWith(type),
		`${name} is ${type}`, r.headers['content-type']);
	if (!media.schema)
		return;
	const beyond = foreign(doc, media.schema, r.json(), met);
	check(beyond.length === 0, `${name} has nothing undescribed`,
		beyond.join(' '));
	const good = judge(media.schema);
	check(good(r.json()), `${name} has the members it says`,
		JSON.stringify(good.errors)?.slice(0, 800) + r.text.slice(0, 400));
}

const all = operations(doc);
const names = all.map(({ method, path }) => `${method} ${path}`);
for (const name of Object.keys(calls))
	check(names.includes(name), `${name} is described`);
for (const o of all)
	if (!calls[`${o.method} ${o.path}`]?.last)
		await call(o);
// A record's values, by their kind.
const values = judge(doc.components.schemas['values.resource']);
check(values((await read(made)).json().values), 'values are as their kind says',
	JSON.stringify(values.errors));
// What is refused is described too.
const refused = judge(doc.components.schemas.Error);
const stale = await send('PATCH', `/api/records/resource/${made}`,
	{ headers: { ...who.officer, 'If-Match': '"y0000000000000000"' },
		body: '{"set":{"persons":"9"}}' });
check(stale.status === 412 && refused(stale.json()),
	'a stale change is refused as described', stale.text);
check(stale.json().fields.persons.now === '8', 'with what stands now', stale.text);
for (const [path, status] of [['/api/nothing', 404], ['/api/kinds/nothing', 400],
	['/api/records/resource/520302-00000000000000000000000000000000', 404]]) {
	const r = await send('GET', path, { headers: who.officer });
	check(r.status === status && refused(r.json()),
		`${path} is refused with ${status}, as described`, r.status + r.text);
}
// Every kind lists, sorts up and down, filters and pages.
const kinds = (await send('GET', '/api/kinds', { headers: who.officer })).json().kinds;
let bad = [];
for (const k of kinds) {
	const kind = (await send('GET', `/api/kinds/${k.name}`,
		{ headers: who.officer })).json();
	const by = kind.fields.find((f) => f.elem === 'one' && f.type !== 'json');
	const paths = [`/api/records/${k.name}?_limit=2`,
		`/api/records/${k.name}?owner=520302`];
	if (by)
		paths.push(`/api/records/${k.name}?_sort=${by.name}`,
			`/api/records/${k.name}?_sort=-${by.name}&_limit=1`,
			`/api/records/${k.name}?${by.name}=`);
	for (const p of paths) {
		const r = await send('GET', p, { headers: who.officer });
		if (r.status !== 200)
			bad.push(`${p}: ${r.text.slice(0, 200)}`);
	}
}
check(bad.length === 0, `all ${kinds.length} kinds list, sort and filter`,
	bad.join('; ').slice(0, 2000));
bad = [];
for (const k of kinds.filter((kind) => kind.name === kind.base)) {
	const by = '_sort=-id&'.slice(0, 0);
	const seen = [];
	let after = '';
	for (let n = 0; n < 400; n++) {
		const page = (await send('GET',
			`/api/records/${k.name}?${by}_limit=500${after}`,
			{ headers: who.officer })).json();
		seen.push(...page.records.map((r) => r.id));
		if (page.next === null)
			break;
		after = `&_after=${page.next}`;
	}
	if (seen.length !== k.count || new Set(seen).size !== seen.length)
		bad.push(`${k.name}: ${seen.length} of ${k.count}`);
}
check(bad.length === 0, 'pages of every kind hold each record once',
	bad.join('; '));
for (const o of all)
	if (calls[`${o.method} ${o.path}`]?.last)
		await call(o);
// Nothing is true of a list that is empty: the station has some of everything.
// (A stop is for copy.mjs.)
const unmet = Object.keys(doc.components.schemas).filter((n) => /^[A-Z]/.test(n) &&
	!met.has(n) && !/^(Error|ErrorBody|Stop)$/.test(n));
check(unmet.length === 0, 'and there was one of each object', unmet.join(' '));
