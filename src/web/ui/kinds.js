// The kinds of this station: read once, counts again when asked.
import { get } from './api.js';

let all = null;
const details = new Map();
const whole = new Map();

export async function kinds(fresh) {
	if (!all || fresh)
		all = (await get('kinds')).kinds;
	return all;
}

// A base kind is described with the fields of all its sub-kinds.
const own = (kind) => ({ ...kind, fields: kind.fields.filter((f) => !f.of ||
	!f.of.startsWith(kind.base + '.') || f.of === kind.name) });

export async function kindOf(name) {
	if (!details.has(name))
		details.set(name, own(await wholeKind(name)));
	return details.get(name);
}

// With the fields of all its sub-kinds: changesets speak of the base.
export async function wholeKind(name) {
	if (!whole.has(name))
		whole.set(name, await get('kinds/' + encodeURIComponent(name)));
	return whole.get(name);
}

export function forget() {
	all = null;
	details.clear();
	whole.clear();
}

// A record's own kind: the sub-kind that its chooser's code stands for.
export function ownKind(list, record) {
	const code = record.values?.rkind;

	return list.find((k) => k.base === record.kind && k.name !== k.base &&
	    k.when?.includes(code))?.name ?? record.kind;
}

export const streamMay = (user, kind) => user.powers.includes('write') ||
	(user.powers.includes('register') &&
	['resource', 'personal'].includes(kind.stream));

const FIRST = ['level', 'color', 'status', 'state', 'rkind', 'class', 'type'];
const LATE = ['secrecy', 'exercise', 'files', 'datum', 'given_lon',
	'given_lat', 'lon', 'lat', 'alt', 'remark', 'capacity_unit'];

// The columns that tell records of a kind apart.
export function columns(kind, n) {
	const rank = (f) => {
		if (FIRST.includes(f.name))
			return FIRST.indexOf(f.name);
		if (f.personal)
			return 900;
		if (LATE.includes(f.name) || f.elem !== 'one' || f.type === 'blob' ||
		    f.type === 'json')
			return 1000;
		return 20 + (f.required ? 0 : 20) + (f.name === 'address' ||
		    f.type === 'phone' || f.name === 'verified_at' ? -10 : 0);
	};

	const sub = kind.name !== kind.base;

	return kind.fields.map((f, i) => [rank(f) + i / 1000, f])
	    .filter(([r, f]) => r < 1000 && f.name !== kind.title &&
	    !(sub && f.name === 'rkind'))
	    .sort((a, b) => a[0] - b[0]).slice(0, n).map(([, f]) => f);
}
