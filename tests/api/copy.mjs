// At a copy of a station, which has stopped: what it says of that is as
// described too.
import { check, login, operations, password, roles, send } from './client.mjs';
import { undescribed } from './described.mjs';

const who = await login(roles.officer, password);
const doc = (await send('GET', '/api/openapi.json', { headers: who })).json();
const seen = new Set();
const bad = [];

for (const { method, path } of operations(doc)) {
	if (method !== 'GET' || path.includes('{') || /events|openapi/.test(path))
		continue;
	const r = await send(method, path, { headers: who });

	if ((r.headers['content-type'] ?? '').startsWith('application/json'))
		bad.push(...undescribed(doc, method, path, r.status, r.json(), seen));
}
check(bad.length === 0, 'a station that has stopped says nothing undescribed',
    bad.join(' '));
check(seen.has('Stop'), 'and that it has stopped', [...seen].join(' '));
