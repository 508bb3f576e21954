// Two thousand sockets that never come to the point: a third drips a head, a
// third drips a body, a third says nothing.  Meanwhile a person works.
import net from 'node:net';
import { base, check, login, password, send } from './client.mjs';

const many = Number(process.env.SLOW ?? 2000);
const head = `POST /api/login HTTP/1.1\r\nHost: ${base.host}\r\n`;
const sockets = [];
let opened = 0, failed = 0, stop = false;

function slow(i) {
	const s = net.connect(Number(base.port), base.hostname, () => {
		opened++;
		if (i % 3 === 1)
			s.write(`${head}Content-Length: 100000\r\n\r\n{`);
		else if (i % 3 === 2)
			s.write(head);
	});
	s.on('error', () => { failed++; });
	sockets.push(s);
	// A browser would have said it all at once.
	const drip = setInterval(() => {
		if (stop || s.destroyed)
			clearInterval(drip);
		else if (i % 3 === 1)
			s.write('x');
		else if (i % 3 === 2)
			s.write('X-A: b\r\n');
	}, 1000);
}
const officer = await login('duty1', password);
for (let i = 0; i < many; i++)
	slow(i);
// Others' sockets are all there, or have been there.
for (let n = 0; opened + failed < many && n < 600; n++)
	await new Promise((go) => setTimeout(go, 100));
check(opened >= many * 0.9, `${many} slow sockets were opened`, `${opened}, ${failed} failed`);
const bad = [];
let worst = 0;
const until = Date.now() + Number(process.env.SLOW_MS ?? 12000);
let asked = 0;
while (Date.now() < until) {
	const began = Date.now();
	try {
		const r = await send('GET', '/api/records/resource?_limit=5',
			{ headers: { ...officer, Connection: 'close' } });
		if (r.status !== 200)
			bad.push(r.status + r.text);
	} catch (e) {
		bad.push(String(e));
	}
	asked++;
	worst = Math.max(worst, Date.now() - began);
	await new Promise((go) => setTimeout(go, 50));
}
console.log(`# ${asked} requests beside them, the slowest took ${worst} ms`);
check(bad.length === 0, 'the desk serves its people all the while',
	`${bad.length} of ${asked}: ${bad.slice(0, 3).join('; ')}`);
const again = await login('view1', password);
check(again.Cookie !== undefined, 'who comes new can log in');
const left = sockets.filter((s) => !s.destroyed).length;
check(left <= 192, 'of the slow ones no more are left than there is room for', left);
stop = true;
for (const s of sockets)
	s.destroy();
