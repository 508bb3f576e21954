// Many guesses from one address, at many accounts at once.
import { check, send } from './client.mjs';

const many = Number(process.env.GUESSES ?? 1000);
let next = 0;
const said = {};
async function guess() {
	while (next < many) {
		const i = next++;
		const r = await send('POST', '/api/login', { body: JSON.stringify({
			login: ['duty1', 'view1', 'sys1', `ghost${i}`][i % 4],
			password: `Guess-number-${i}` }) });
		const key = `${r.status} ${r.json().error?.message}`;

		said[key] = (said[key] ?? 0) + 1;
	}
}
await Promise.all(Array.from({ length: 8 }, guess));
console.log(`# ${JSON.stringify(said)}`);
check(Object.keys(said).every((k) => k.startsWith('403 ')),
	`${many} guesses are all refused`, JSON.stringify(said));
