// Canonical values in words, as far as a kind's own lists know them.
import { _, label } from './i18n.js';
import { when } from './time.js';

// "set resource 某某大队": the signed line of a changeset, in the reader's
// words where it is one of the program's own.
const VERBS = ['add', 'set', 'rm', 'take', 'import', 'seen', 'joined', 'goes on'];

export function subjectWords(subject, list) {
	const verb = VERBS.find((v) => subject === v ||
	    subject.startsWith(v + ' '));
	const [name, ...rest] = verb ? subject.slice(verb.length + 1).split(' ') :
		[];

	if (!verb)
		return subject || _('(nothing said)');
	const kind = list?.find((k) => k.name === name);

	return [_(verb + '|verb'), kind ? kindLabel(kind) : name, ...rest]
	    .filter(Boolean).join(' ');
}

// The vocabulary's own kinds have no label of theirs.
export const kindLabel = (kind) => kind && (label(kind) === kind.name ?
	_(kind.name + '|kind').replace(/^[a-z]/, (c) => c.toUpperCase()) :
	label(kind));

const LONG = 120;

// Noughts at the end of a place say nothing of how exact it is.
export const trimmed = (s) => s.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

const short = (s) => s.length > LONG ? s.slice(0, LONG) + '…' : s;

export function words(f, v) {
	if (v === null || v === undefined || v === '')
		return _('(empty)');
	if (Array.isArray(v))
		return v.map((e) => words(f, e)).join('、');
	if (v === true || v === false)
		return v ? _('yes') : _('no');
	if (typeof v === 'object')
		return short(JSON.stringify(v));
	if (f?.type === 'time')
		return when(v);
	if (f?.type === 'blob')
		return _('Attachment {n}', { n: String(v).slice(0, 8) });
	if (f?.unit === 'deg')
		return trimmed(String(v)) + '°';
	return label(f?.codes?.find((c) => c.code === v)) || short(String(v));
}

// A register is what merges as one: a field, "#group", "field=element" of a
// set, or "@stream", the mark of existence.
export function registerName(kind, register) {
	const field = (name) => label(kind.fields.find((f) => f.name === name)) ||
	    name;

	if (register[0] === '@')
		return _('Does it exist?');
	if (register[0] === '#')
		return kind.fields.some((f) => f.group === register.slice(1) &&
		    f.name === 'lon') ? _('Place on the map') :
		    kind.fields.filter((f) => f.group === register.slice(1))
		    .map(label).join(_(', ')) || register;
	if (register.includes('=')) {
		const [name, element] = split(register);

		return `${field(name)}: ${words(kind.fields.find((f) =>
			f.name === name), element)}`;
	}
	return field(register);
}

export function split(register) {
	const i = register.indexOf('=');

	return [register.slice(0, i), register.slice(i + 1)];
}

const present = (v) => v === true;

export function registerValue(kind, register, v) {
	if (register[0] === '@')
		return present(v) ? _('it stays') : _('removed: {why}', { why:
			typeof v === 'string' ? v : '' });
	if (register[0] === '#' && v && typeof v === 'object')
		// In the kind's order: longitude before latitude.
		return kind.fields.filter((f) => (v[f.name] ?? null) !== null)
		    .map((f) => `${label(f)} ${words(f, v[f.name])}`).join(' · ') ||
		    _('(empty)');
	if (register.includes('='))
		return present(v) ? _('with it') : _('without it');
	return words(kind.fields.find((f) => f.name === register), v);
}
