// Six hundred sockets of one address that ask for much and read nothing, and
// come again whenever they are cut.  Meanwhile a person looks at the desk, and
// another reads as much at leisure.
import fs from 'node:fs';
import net from 'node:net';
import { base, check, send } from './client.mjs';

const many = Number(process.env.READERS ?? 600);
const ask = `GET /big.js HTTP/1.1\r\nHost: ${base.host}\r\n\r\n`.repeat(30);
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const sockets = new Set();
let opened = 0, again = 0, stop = false;

// It never reads: that it was cut it learns by writing.
function reader(localAddress, over) {
	const s = net.connect({ host: base.hostname, port: Number(base.port),
		localAddress }, () => { opened++; s.write(ask); });
	const poke = setInterval(() => s.write('G'), 500);

	sockets.add(s);
	s.on('error', () => {});
	s.on('close', () => {
		clearInterval(poke);
		sockets.delete(s);
		if (!stop)
			over();
	});
}
// The desk's connections to that address, of those that it has accepted.
function held(address) {
	const hex = Buffer.from(address.split('.').reverse().map(Number))
		.toString('hex').toUpperCase();
	const port = Number(base.port).toString(16).toUpperCase().padStart(4, '0');

	return fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').filter((l) => {
		const [, local, remote, state, , , , , , inode] = l.trim().split(/\s+/);

		return local?.endsWith(`:${port}`) && state === '01' &&
			remote.startsWith(`${hex}:`) && inode !== '0';
	}).length;
}
let alone = false;
reader('127.0.0.8', () => { alone = true; });

// All thirty, with a rest after every piece.
const leisure = new Promise((done) => {
	let got = 0;
	const s = net.connect({ host: base.hostname, port: Number(base.port),
		localAddress: '127.0.0.7' }, () => s.write(
		ask.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n')));

	s.on('data', (piece) => {
		got += piece.length;
		s.pause();
		setTimeout(() => s.resume(), piece.length / 800);
	});
	s.on('error', () => {});
	s.on('close', () => done(got));
});

function greedy() {
	reader('127.0.0.9', () => { again++; setTimeout(greedy, 500); });
}
for (let i = 0; i < many; i++)
	greedy();
for (let n = 0; opened < many && n < 100; n++)
	await pause(100);
const bad = [];
let asked = 0, worst = 0;
const seen = []; // of that address, at each look
const until = Date.now() + Number(process.env.READERS_MS ?? 12000);
while (Date.now() < until) {
	const began = Date.now();

	try {
		const r = await send('GET', '/',
			{ headers: { Connection: 'close' } });
		if (r.status !== 200)
			bad.push(r.status + r.text);
	} catch (e) {
		bad.push(String(e));
	}
	asked++;
	seen.push(held('127.0.0.9'));
	worst = Math.max(worst, Date.now() - began);
	await pause(50);
}
seen.sort((a, b) => a - b);
const most = seen.at(-1), mostly = seen[seen.length >> 1];
const often = seen[Math.floor(seen.length * 0.9)];
console.log(`# ${asked} looks beside them, the slowest took ${worst} ms;`,
	`${again} came again, mostly ${mostly}, nine times of ten at most ${often}, at most ${most} were held`);
check(bad.length === 0, `${many} who read nothing shut nobody out`,
	`${bad.length} of ${asked}: ${bad.slice(0, 3).join('; ')}`);
check(again > 0, 'for they are cut', again);
// Of one address 64 are kept, and a few are being cut at any moment; where the
// machine is busy more of them wait to be taken, for a moment all that came at
// once, but for no longer half of all there is room for.
check(mostly > 0 && mostly <= 140,
	'and no more of one address are kept than there is room for', mostly);
check(often <= 256, 'nor, but for a moment, half of what there is room for',
	often);
check(most < 512, 'and at no moment all of it', most);
for (let n = 0; !alone && n < 600; n++)
	await pause(100);
check(alone, 'one alone who reads nothing is cut as well');
const got = await leisure;
check(got > 30 * 400000, 'who reads slowly gets all of it', got);
stop = true;
for (const s of sockets)
	s.destroy();
