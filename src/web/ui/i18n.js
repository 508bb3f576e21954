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

const COUNTED = ['person', 'household', 'bed', 'vehicle', 'hectare', 'room'];
const UNITS = { deg: '°', m2: 'm²', m3: 'm³', km2: 'km²', 'm3/s': 'm³/s' };

// "person" as people read it; dimensionless is nothing.
export function unit(name) {
	if (!name || name === '1' || name[0] === '{')
		return '';
	return UNITS[name] ?? (lang === 'en' && COUNTED.includes(name) ? name + 's' :
	    _(name + '|unit'));
}

// Marks a text that _() is given later.
export const N_ = (text) => text;

// The vocabulary describes itself, without labels: its fields are named here.
const OWN = { aliases: N_('Other names'), append_only: N_('Never changed'),
	code: N_('Code'), code_rule: N_('Rule of codes'),
	corrects_field: N_('Field that names the old one'),
	elem: N_('One or several'), extends: N_('Is a sort of'),
	extra: N_('Further columns'), field: N_('Name of the field'),
	geo: N_('Has a place'), key_column: N_('Column of the code'),
	kind: N_('Kind of records'), label_en: N_('Label in English'),
	label_zh: N_('Label in Chinese'), list: N_('List of codes'),
	max: N_('At most'), max_len: N_('Longest'),
	may_differ: N_('Stations may differ'), merge_group: N_('Merges with'),
	min: N_('At least'), name: N_('Name|thing'), note: N_('Note'),
	parent: N_('Code above'), personal: N_('Personal data'),
	required: N_('Required'), scale: N_('Decimal places'),
	search: N_('Is searched'), since: N_('Since release'),
	stream: N_('Stream'), target: N_('Points to'),
	title_field: N_('Field of the title'), type: N_('Type of values'),
	unit: N_('Unit'), values: N_('Allowed values'), when: N_('Chosen by'),
	writer: N_('Who may write') };

// The label of a kind, a field or a code.
export function label(thing) {
	if (!thing)
		return '';
	// A code without an English label is an English word, as the server has it
	// in records; in a kind the server gives the Chinese one for both.
	const english = thing.label_en !== thing.label_zh && thing.label_en ||
	    /^[a-z]/.test(thing.code) && thing.code;
	const text = (lang === 'en' ? english : thing.label_zh) ||
	    thing.label_en || thing.label_zh || thing.name || thing.code || '';

	return thing.type && text === thing.name && Object.hasOwn(OWN, text) ? _(OWN[text]) :
	    text;
}
