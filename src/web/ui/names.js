// Names of stations by their codes, as the roster has them.
import { html } from './vendor/preact.js';
import { get } from './api.js';

const names = new Map();

export function learnNames(stations) {
	for (const s of stations)
		if (s.name)
			names.set(s.code, s.name);
}

// Read once; what is not known is shown by its code.
export async function loadNames() {
	const { stations } = await get('stations');

	learnNames(stations);
	return names.size;
}

export const nameOf = (code) => names.get(code) ?? code;

// The name for people, the code for the telephone.
export const Site = ({ code, bare }) => names.has(code) ? html`<span
	class="site">${names.get(code)}${!bare && html` <small
		class="mono">${code}</small>`}</span>` :
	html`<span class="mono">${code}</span>`;
