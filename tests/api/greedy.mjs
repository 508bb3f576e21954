// One account from eight addresses: as many streams as it can open, and as many
// files as it can begin to send.  Others' work goes on.
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { base, check, send } from './client.mjs';

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

// --- streams
const streams = [];
let live = 0;
function listen(i) {
	return new Promise((done) => {
		const q = http.get({ host: base.hostname, port: base.port,
			path: '/api/events', agent: false,
			localAddress: `127.0.0.${20 + i % 8}`,
			headers: bearer(process.env.VIEWER_TOKEN) }, (r) => {
			if (r.statusCode === 200) {
				live++;
				r.on('close', () => { live--; });
				r.on('error', () => {});
			}
			r.once('data', () => done(r.statusCode));
			// It may be the oldest already.
			r.once('close', () => done(r.statusCode));
		});
		q.on('error', () => done(0));
		streams.push(q);
	});
}
const said = new Set();
for (let i = 0; i < 512; i += 64)
	for (const s of await Promise.all(Array.from({ length: 64 },
		(_, k) => listen(i + k))))
		said.add(s);
check(said.size === 1 && said.has(200), 'each new stream is opened',
	[...said].join());
for (let n = 0; live > 8 && n < 100; n++)
	await pause(100);
check(live === 8, 'and the oldest of the account end', live);
let r = await send('GET', '/api/station', { headers: bearer(process.env.TOKEN) });
check(r.status === 200, 'another account is served', r.status + r.text);
for (const q of streams)
	q.destroy();

// --- long files: all but the end of each
const size = 16 << 20;
const resident = () => Number(/VmRSS:\s*(\d+)/.exec(
	fs.readFileSync(`/proc/${process.env.PID_OF_DESK}/status`, 'utf8'))[1]);
const before = resident();
const sockets = [];
function begin(token, n = size - 1) {
	return new Promise((done) => {
		const s = net.connect(Number(base.port), base.hostname, () => {
			s.write(`POST /api/blobs HTTP/1.1\r\nHost: ${base.host}\r\n`
				+ `Authorization: Bearer ${token}\r\n`
				+ `Content-Length: ${size}\r\n\r\n`);
			s.write(Buffer.alloc(n, 'x'), done);
		});
		s.on('error', done);
		sockets.push(s);
	});
}
await Promise.all(Array.from({ length: 30 }, () => begin(process.env.TOKEN)));
const grown = resident() - before;
console.log(`# 30 files of ${size >> 20} MiB begun: ${grown} KiB more`);
check(grown < 160 << 10, 'they do not fill the memory', `${grown} KiB`);
const body = Buffer.alloc(1 << 20, 'y');
r = await send('POST', '/api/blobs', { body, headers: bearer(process.env.TOKEN) });
check(r.status === 503 && Number(r.headers['retry-after']) > 0 &&
	r.json().error.code === 'busy' && !r.json().error.message.includes('\n'),
'who sends too many is told in a line, and when to come again', r.status + r.text);
const described = (await send('GET', '/api/openapi.json',
	{ headers: bearer(process.env.TOKEN) })).json();
check(described.paths['/api/blobs'].post.responses['503'] !== undefined,
	'as the description of the API says');
r = await send('POST', '/api/blobs',
	{ body, headers: bearer(process.env.OTHER_TOKEN) });
check(r.status === 201, 'another account sends its own', r.status + r.text);
for (const s of sockets)
	s.destroy();
for (let n = 0; n < 100; n++) {
	r = await send('POST', '/api/blobs',
		{ body, headers: bearer(process.env.TOKEN) });
	if (r.status !== 503)
		break;
	await pause(100);
}
check(r.status === 201, 'and he can again, once those have ended',
	r.status + r.text);
