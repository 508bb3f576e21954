// One field in a form: typed as people type, checked by the server.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { get, query } from './api.js';
import { _, label, unit as unitName } from './i18n.js';
import { day } from './time.js';
import { words } from './words.js';

const SHOWN_MAX = 8;    // suggestions for a reference
const PAUSE_MS = 200;   // after a key, before asking
const RADIO_MAX = 5;    // codes shown at once; more are a list
const LONG = 200;       // characters; more want a larger box

export const editable = (f) => !f.derived && !f.ancestor_only &&
	f.type !== 'blob';
// What the station itself gives to a new record that leaves it out.
export const given = (f) => /^default |proposed by the program/.test(f.note);
const isSet = (f) => f.elem === 'set' || f.elem === 'list';

// The value as a person would type it; of sets a list of texts.
export function typed(f, value, text) {
	if (isSet(f))
		return (value ?? []).map(String);
	if (value === undefined || value === null)
		return '';
	if (f.type === 'time') {
		const t = new Date(value);

		return Number.isNaN(t.getTime()) ? String(value) : `${day(t)} ${
		    new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Shanghai',
		    hour: '2-digit', minute: '2-digit' }).format(t)}`;
	}
	if (typeof value === 'object')
		return JSON.stringify(value);
	return String(value);
}

// What is to be sent for what was changed: {set, add, remove}.  Fields that
// merge together are sent together.
export function changes(fields, before, now) {
	const out = { set: {}, add: {}, remove: {} };
	const same = (f) => JSON.stringify(before[f.name]) ===
	    JSON.stringify(now[f.name]);

	for (const f of fields) {
		if (same(f))
			continue;
		if (f.elem === 'set') {
			const add = now[f.name].filter((e) => !before[f.name].includes(e));
			const gone = before[f.name].filter((e) => !now[f.name].includes(e));

			if (add.length)
				out.add[f.name] = add;
			if (gone.length)
				out.remove[f.name] = gone;
			continue;
		}
		for (const g of f.group ? fields.filter((x) => x.group === f.group) :
			[f])
			out.set[g.name] = isSet(g) ? now[g.name].length ?
				JSON.stringify(now[g.name]) : '' : now[g.name];
	}
	for (const k of Object.keys(out))
		if (Object.keys(out[k]).length === 0)
			delete out[k];
	return Object.keys(out).length ? out : null;
}

// A record chosen by its title: type two characters, arrows, Enter.
function Reference({ f, id, value, text, onValue }) {
	const [shown, setShown] = useState(text || value);
	const [found, setFound] = useState(null);
	const [on, setOn] = useState(-1);
	const timer = useRef(0);
	const ask = (s) => {
		setShown(s);
		onValue(s); // a title or an id that the server resolves
		clearTimeout(timer.current);
		if (s.trim().length < 2) {
			setFound(null);
			return;
		}
		timer.current = setTimeout(async () => {
			try {
				const { records } = await get('find' + query({ q: s.trim(),
					_limit: 50 }));

				setFound(records.filter((r) => r.kind === f.target)
				    .slice(0, SHOWN_MAX));
				setOn(-1);
			} catch {
				setFound(null);
			}
		}, PAUSE_MS);
	};
	const take = (r) => {
		setShown(r.title);
		onValue(r.id);
		setFound(null);
	};

	useEffect(() => () => clearTimeout(timer.current), []);
	return html`<div class="combo"><input id=${id} role="combobox"
		autocomplete="off" value=${shown} aria-expanded=${!!found?.length}
		aria-controls=${id + '-list'} aria-autocomplete="list"
		aria-activedescendant=${on >= 0 ? `${id}-${on}` : null}
		onInput=${(e) => ask(e.target.value)}
		onBlur=${() => setTimeout(() => setFound(null), PAUSE_MS)}
		onKeyDown=${(e) => {
			if (!found?.length)
				return;
			if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
				e.preventDefault();
				setOn((on + (e.key === 'ArrowDown' ? 1 : found.length)) %
				    found.length);
			} else if (e.key === 'Enter' && on >= 0 && !e.ctrlKey) {
				e.preventDefault();
				take(found[on]);
			} else if (e.key === 'Escape') {
				e.stopPropagation();
				setFound(null);
			}
		}}/>
		<ul role="listbox" id=${id + '-list'} aria-label=${label(f)}
			hidden=${!found?.length}>${(found ?? []).map((r, i) => html`
			<li role="option" id=${`${id}-${i}`} key=${r.id}
				aria-selected=${i === on} onMouseDown=${(e) => {
					e.preventDefault();
					take(r);
				}}>${r.title} <small>${r.owner}</small></li>`)}</ul></div>`;
}

function Choice({ f, id, value, onValue, described }) {
	const codes = f.type === 'bool' ? [{ code: 'true', label_zh: '是',
		label_en: 'yes' }, { code: 'false', label_zh: '否', label_en: 'no' }] :
		f.codes;

	if (codes.length > RADIO_MAX)
		return html`<select id=${id} value=${value} aria-describedby=${described}
			onChange=${(e) => onValue(e.target.value)}>
			<option value="">${_('not given')}</option>
			${value && !codes.some((c) => c.code === value) && html`
				<option value=${value}>${value}</option>`}
			${codes.map((c) => html`<option value=${c.code}>${label(c)}
			</option>`)}</select>`;
	return html`<div class="radios">${[...codes, null].map((c) => html`<label>
		<input type="radio" name=${id} checked=${value === (c?.code ?? '')}
			onChange=${() => onValue(c?.code ?? '')}/>
		<span>${c ? label(c) : _('not given')}</span></label>`)}</div>`;
}

function Several({ f, id, value, onValue }) {
	if (f.codes && f.codes.length <= 30)
		return html`<div class="radios">${f.codes.map((c) => html`<label>
			<input type="checkbox" checked=${value.includes(c.code)}
				onChange=${(e) => onValue(e.target.checked ?
				    [...value, c.code] : value.filter((x) => x !== c.code))}/>
			<span>${label(c)}</span></label>`)}</div>`;
	return html`<textarea id=${id} rows=${Math.max(2, value.length + 1)}
		placeholder=${_('one a line')} value=${value.join('\n')}
		onChange=${(e) => onValue(e.target.value.split('\n')
		    .map((s) => s.trim()).filter(Boolean))}/>`;
}

// How it is typed, shown where nothing stands yet.
const EXAMPLES = { time: '2026-11-23 14:05', date: '2026-11-23',
	phone: '0851-28221119' };

const bounds = (f) => f.min && f.max && Number(f.max) < 100000 ?
	`${f.min} – ${f.max}` : '';

const nowTyped = (f) => f.type === 'date' ? day() : typed(f, new Date());

// The code that a label stands for.
function code(f, text) {
	if (f.type === 'bool')
		return ['是', 'yes', 'true'].includes(text) ? 'true' : text && 'false';
	return f.codes?.find((c) => [c.label_zh, c.label_en].includes(text))
	    ?.code ?? text;
}

export function Field({ f, values, texts, onValue, wrong, both, first }) {
	const id = 'f-' + f.name;
	const value = values[f.name];
	const fixed = (f.type === 'code' && f.codes || f.type === 'bool') &&
		f.elem === 'one';
	const group = fixed && (f.codes?.length ?? 2) <= RADIO_MAX ||
		isSet(f) && f.codes?.length <= 30;
	const hint = ['int', 'decimal'].includes(f.type) ? bounds(f) :
		f.type === 'code' && !f.codes ? _('name or code') : '';
	const suffix = unitName(f.unit);
	const described = (wrong || both ? id + '-wrong' : '') +
		(hint ? ' ' + id + '-hint' : '');
	const set = (v) => onValue(f.name, v);
	let input;

	if (isSet(f))
		input = html`<${Several} f=${f} id=${id} value=${value}
			onValue=${set}/>`;
	else if (fixed)
		input = html`<${Choice} f=${f} id=${id} value=${value} onValue=${set}
			described=${described}/>`;
	else if (f.type === 'ref')
		input = html`<${Reference} f=${f} id=${id} value=${value}
			text=${texts[f.name]} onValue=${set}/>`;
	else if (f.type === 'json' || f.type === 'text' && f.max_len > LONG)
		input = html`<textarea id=${id} rows=${f.max_len > 500 ? 4 : 2}
			value=${value} maxlength=${f.max_len || null}
			aria-describedby=${described} onInput=${(e) =>
			set(e.target.value)}/>`;
	else
		input = html`<div class="typed"><input id=${id} value=${value}
			aria-describedby=${described} placeholder=${EXAMPLES[f.type] ?? null}
			aria-invalid=${!!wrong} maxlength=${f.type === 'text' ?
			    f.max_len || null : null}
			inputmode=${{ int: 'numeric', decimal: 'decimal', phone: 'tel' }[
			    f.type] ?? null}
			class=${['int', 'decimal', 'date', 'time'].includes(f.type) ?
			    'short' : ''} onInput=${(e) => set(e.target.value)}/>${suffix &&
			html`<span class="suffix">${suffix}</span>`}${['date', 'time']
			    .includes(f.type) && html`<button type="button" class="t"
				onClick=${() => set(nowTyped(f))}>${f.type === 'date' ?
				_('today') : _('now')}<span class="hide"> ${label(f)}</span>
			</button>`}</div>`;
	const name = html`${label(f)}${f.required && html` <small>${
	    /^default /.test(f.note) ? _('{n} unless given', { n: words(f,
	    f.note.slice(8).split(/[;, ]/)[0]) }) : given(f) ? _('numbered by itself') :
	    _('wanted')}</small>`}`;

	return html`<div class=${'field' + (wrong || both ? ' wrong' :
		'') + (first ? ' first' : '')} role=${group ? 'group' : null}
		aria-labelledby=${group ? id + '-name' : null}>
		${group ? html`<span class="label" id=${id + '-name'}>${name}</span>` :
		    html`<label for=${id}>${name}</label>`}
		${input}
		${hint && html`<small class="dim" id=${id + '-hint'}>${hint}</small>`}
		${wrong && html`<p class="why" id=${id + '-wrong'}>${wrong}</p>`}
		${both && html`<p class="why" id=${id + '-wrong'}>
			${_('Meanwhile somebody else wrote:')} <b>${both.now ||
			    _('(empty)')}</b> ${_('You wanted to save:')} <b>${both.asked ||
			    _('(empty)')}</b>
			<button type="button" class="q" onClick=${() =>
			    onValue(f.name, isSet(f) ? [] : code(f, both.now), true)}>${
			    _('Take theirs')}</button></p>`}
	</div>`;
}
