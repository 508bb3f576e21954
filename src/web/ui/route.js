// Addresses of pages.  A kind's dots are written ":", since a path with a dot
// is a file to the server.
import { useEffect, useState } from './vendor/preact.js';

let guard = null; // () => false keeps the page
const watchers = new Set();

export const setGuard = (fn) => { guard = fn; };
export const mayLeave = () => !guard || guard();

export function go(path, replace) {
	if (!mayLeave())
		return;
	guard = null;
	if (replace)
		history.replaceState(null, '', path);
	else
		history.pushState(null, '', path);
	watchers.forEach((fn) => fn());
	if (!replace)
		scrollTo(0, 0);
}

export function useRoute() {
	const [, turn] = useState(0);

	useEffect(() => {
		const fn = () => turn((n) => n + 1);

		watchers.add(fn);
		addEventListener('popstate', fn);
		return () => {
			watchers.delete(fn);
			removeEventListener('popstate', fn);
		};
	}, []);
	return {
		path: location.pathname,
		parts: location.pathname.split('/').filter(Boolean)
		    .map(decodeURIComponent),
		query: Object.fromEntries(new URLSearchParams(location.search)),
	};
}

// Links of this site turn pages without a load.
export function catchLinks(e) {
	const a = e.target.closest?.('a[href^="/"]');

	if (!a || e.defaultPrevented || e.button || e.metaKey || e.ctrlKey ||
	    e.shiftKey || a.target || a.hasAttribute('download') ||
	    a.getAttribute('href').startsWith('/api/'))
		return;
	e.preventDefault();
	go(a.getAttribute('href'));
}

export const kindHref = (kind, rest = '') =>
	`/records/${kind.replaceAll('.', ':')}${rest}`;
export const recordHref = (kind, id, rest = '') => kindHref(kind, `/${id}${rest}`);
export const kindOfPath = (part) => part.replaceAll(':', '.');
