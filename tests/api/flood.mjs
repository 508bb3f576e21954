// Strangers send long bodies and stay: nothing of them is kept.  Who may attach
// a file sends one as long.
import fs from 'node:fs';
import net from 'node:net';
import { base, check, send } from './client.mjs';

const many = 60, each = 4 << 20;
const resident = () => Number(/VmRSS:\s*(\d+)/.exec(
	fs.readFileSync(`/proc/${process.env.PID_OF_DESK}/status`, 'utf8'))[1]);
const before = resident();
const sockets = [];

// Resolved when all that it says has gone out, or the desk has cut it off.
function stranger(path) {
	return new Promise((done) => {
		const s = net.connect(Number(base.port), base.hostname, () => {
			s.write(`POST ${path} HTTP/1.1\r\nHost: ${base.host}\r\n`
				+ `Content-Length: ${16 << 20}\r\n\r\n`);
			s.write(Buffer.alloc(each, 'x'), done);
		});
		s.on('error', done);
		s.on('close', done);
		sockets.push(s);
	});
}
await Promise.all(Array.from({ length: many }, (_, i) =>
	stranger(['/api/blobs', '/api/login', '/nowhere'][i % 3])));
const grown = resident() - before;
console.log(`# ${many} strangers with ${each >> 20} MiB each: ${grown} KiB more`);
check(grown < 64 << 10, 'strangers do not fill the memory', `${grown} KiB`);
for (const s of sockets)
	s.destroy();
const body = Buffer.alloc(2 << 20, 'y');
const bearer = { Authorization: `Bearer ${process.env.TOKEN}` };
let r = await send('POST', '/api/blobs', { body });
check(r.status === 413, 'a long body of nobody is refused', r.status);
r = await send('POST', '/api/login', { body, headers: bearer });
check(r.status === 413, 'and one that is no file', r.status);
r = await send('POST', '/api/blobs', { body, headers: bearer });
check(r.status === 201, 'a file of who may attach one is taken', r.status + r.text);
