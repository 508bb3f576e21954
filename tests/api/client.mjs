// An HTTP client that sends what it is told, and one line per check:
// "ok WHAT" or "not ok WHAT: DETAIL", which console_api.sh counts.
import http from 'node:http';

export const base = new URL(process.env.URL_OF_DESK);
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

export function check(good, what, detail = '') {
	console.log(good ? `ok ${what}` : `not ok ${what}: ${detail}`);
}
// {status, headers, text}; json() parses.  A stream is cut after its head.
export function send(method, path, { headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const q = http.request({ host: base.hostname, port: base.port,
			method, path, agent, headers: { ...headers,
				...(body === undefined ? {} :
					{ 'Content-Length': Buffer.byteLength(body) }) } },
		(r) => {
			const chunks = [];
			const done = () => resolve({ status: r.statusCode,
				headers: r.headers,
				text: Buffer.concat(chunks).toString(),
				json() { return JSON.parse(this.text); } });

			if ((r.headers['content-type'] ?? '').startsWith('text/event-stream')) {
				r.destroy();
				done();
				return;
			}
			r.on('data', (c) => chunks.push(c));
			r.on('end', done);
			r.on('error', reject);
		});
		q.on('error', reject);
		q.setTimeout(60000, () => q.destroy(new Error('no answer for a minute')));
		if (body !== undefined)
			q.write(body);
		q.end();
	});
}

// Headers of somebody who has logged in.
export async function login(who, password) {
	const r = await send('POST', '/api/login', { body:
		JSON.stringify({ login: who, password }) });

	if (r.status !== 200)
		throw new Error(`${who} cannot log in: ${r.text}`);
	return { Cookie: r.headers['set-cookie'][0].split(';')[0],
		'X-Yizhan-Token': r.json().csrf };
}

export const roles = { system: 'sys1', security: 'sec1', audit: 'aud1',
	officer: 'duty1', editor: 'edit1', viewer: 'view1', none: 'new1' };
export const password = 'Night-watch-1';

// Every operation of the description: {method, path, op}.
export function operations(doc) {
	return Object.entries(doc.paths).flatMap(([path, item]) =>
		Object.entries(item).map(([method, op]) =>
			({ method: method.toUpperCase(), path, op })));
}
