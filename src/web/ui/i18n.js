// Messages: English in the code, Chinese in zh.js.  Chinese unless chosen
// otherwise on this machine.
import zh from './zh.js';

const KEY = 'yizhan.lang';

function chosen() {
	try {
		return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh-CN';
	} catch {
		return 'zh-CN';
	}
}

export let lang = chosen();
document.documentElement.lang = lang;

export function setLang(to) {
	lang = to;
	document.documentElement.lang = to;
	try {
		localStorage.setItem(KEY, to);
	} catch { /* kept for this page only */ }
}

// _('{n} waiting', {n: 3})
export function _(text, values) {
	let s = lang === 'en' ? text : zh[text] ?? text;

	// "Open|of an incident": what stands behind | only tells two apart.
	if (s === text)
		s = s.replace(/\|[^|]*$/, '');
	return values ? s.replace(/\{(\w+)\}/g, (m, k) => values[k] ?? m) : s;
}

const UNITS = { deg: '°', m2: 'm²', m3: 'm³', km2: 'km²', 'm3/s': 'm³/s' };

// "person" as people read it; dimensionless is nothing.
export function unit(name) {
	if (!name || name === '1' || name[0] === '{')
		return '';
	return UNITS[name] ?? _(name + '|unit');
}

// Marks a text that _() is given later.
export const N_ = (text) => text;

// The label of a kind, a field or a code.
export function label(thing) {
	if (!thing)
		return '';
	return (lang === 'en' ? thing.label_en : thing.label_zh) ||
	    thing.label_zh || thing.label_en || thing.name || thing.code || '';
}
