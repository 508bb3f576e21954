// Records: the kinds, a list of one kind, and the way to one record.
import { html, useEffect, useState } from '../vendor/preact.js';
import { get, query, recordPath } from '../api.js';
import { _, label, lang, unit } from '../i18n.js';
import { columns, kindOf, kinds, streamMay } from '../kinds.js';
import { Site } from '../names.js';
import { Head, Level, Loaded, Phone, Status, tell, Trouble, useLoad } from
	'../parts.js';
import { Points } from '../points.js';
import { go, kindHref, kindOfPath, recordHref } from '../route.js';
import { day, exact } from '../time.js';
import { kindLabel, trimmed } from '../words.js';
import { Create } from './create.js';
import { Record } from './record.js';

const EVERYWHERE = { west: 73, south: 3, east: 136, north: 54 };
const ON_MAP = 500;   // circles that a map still tells apart
const MAP_MS = 10000; // between readings of them all
const PAGE = 50;
const COLUMNS = 6;
const MOST_COLUMNS = 24; // of which those are shown that say something
const FILTER_CODES = 24; // a longer code list is no filter

// What a cell says; states are signs and words.
export function Cell({ f, r }) {
	const text = r.text[f.name];

	if (text === undefined || text === '')
		return f.required ? html`<span class="gap">${_('missing')}</span>` : '';
	if (f.name === 'status')
		return html`<${Status} code=${r.values.status} text=${text}/>`;
	if (f.name === 'level' && f.target === 'event_level.tsv' ||
	    f.name === 'color')
		return html`<${Level} code=${r.values[f.name]} text=${text}/>`;
	if (f.unit === 'deg')
		return trimmed(text);
	if (f.type === 'phone' && f.elem === 'one')
		return html`<${Phone} text=${text}/>`;
	if (f.type === 'time')
		return html`<time dateTime=${r.values[f.name]}>${day(r.values[f.name])} ${
		    exact(r.values[f.name]).slice(11, 16)}</time>`;
	if (f.type === 'ref')
		return text.replace(/ \([0-9]{6}-[0-9a-f]+\)$/, '');
	return text;
}

// Arrow keys go from row to row.
export function rowKeys(e) {
	if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp')
		return;
	const links = [...e.currentTarget.querySelectorAll('a[data-row]')];
	const i = links.indexOf(document.activeElement);
	const to = links[i + (e.key === 'ArrowDown' ? 1 : -1)];

	if (to) {
		e.preventDefault();
		to.focus();
	}
}

function Kinds({ all, on }) {
	const [more, setMore] = useState(false);

	// On a phone the kinds stand in one row that is wider than the screen.
	useEffect(() => document.querySelector('.kinds a.on')?.scrollIntoView({
		block: 'nearest', inline: 'center' }), [on]);
	const some = all.filter((k) => k.count > 0 || k.name === on ||
		['incident', 'resource'].includes(k.base));
	const streams = [['command', _('Events')], ['resource', _('Register')],
		['oversight', _('Oversight')], ['personal', _('Persons')],
		['roster', _('Vocabulary')]];

	return html`<div class="kinds"><nav aria-label=${_('Kinds')}>
		${streams.map(([stream, name]) => {
			const mine = (more ? all : some).filter((k) => k.stream === stream);

			return mine.length > 0 && html`<h2>${name}</h2>
				<ul>${mine.map((k) => html`<li key=${k.name}><a
					class=${(k.name === on ? 'on ' : '') + (k.name === k.base ? '' :
					    'sub')}
					aria-current=${k.name === on ? 'page' : null}
					href=${kindHref(k.name)}><span>${kindLabel(k)}</span>
					<small>${k.count ? k.count.toLocaleString() : ''}</small></a>
				</li>`)}</ul>`;
		})}
		<button class="t" onClick=${() => setMore(!more)}>${more ?
		    _('Only those in use') : _('All {n} kinds', { n: all.length })}
		</button></nav></div>`;
}

function Filters({ kind, values, set }) {
	const fields = kind.fields.filter((f) => f.type === 'code' &&
		f.codes && f.codes.length <= FILTER_CODES && !f.personal &&
		!['secrecy', 'datum', 'capacity_unit'].includes(f.name) &&
		!(f.name === 'rkind' && kind.name !== kind.base)).slice(0, 4);
	const owner = values.owner ?? '';

	return html`<div class="filters">${fields.map((f) => html`
		<label key=${f.name}><span>${label(f)}</span>
			<select value=${values[f.name] ?? ''} onChange=${(e) =>
				set({ ...values, [f.name]: e.target.value })}>
				<option value="">${_('any')}</option>
				${f.codes.map((c) => html`<option value=${c.code}>${
				    label(c)}</option>`)}</select></label>`)}
		<label><span>${_('Owner')}</span><input value=${owner} size="8"
			inputmode="numeric" placeholder="520302" onChange=${(e) =>
				set({ ...values, owner: e.target.value.trim() })}/></label>
		${Object.values(values).some(Boolean) && html`<button class="t"
			onClick=${() => set({})}>${_('Clear the filters')}</button>`}</div>`;
}

function Rows({ kind, records, sort, onSort }) {
	// A column that has nothing to say on this page gives its place away.
	const says = (f) => f.required || f.name === sort.replace('-', '') ||
		records.some((r) => f.name in r.values);
	const cols = columns(kind, MOST_COLUMNS).filter(says).slice(0, COLUMNS);
	const title = kind.fields.find((f) => f.name === kind.title);
	const number = (f) => ['int', 'decimal'].includes(f.type);
	const head = (f, name, right) => html`<th scope="col" class=${right ?
		'num' : ''} aria-sort=${sort === f ? 'ascending' : sort === '-' + f ?
		'descending' : null}><button class="sort" onClick=${() => onSort(
		    sort === f ? '-' + f : sort === '-' + f ? '' : f)}>${name}<span
			aria-hidden="true">${sort === f ? ' ↑' : sort === '-' + f ?
			' ↓' : ''}</span></button></th>`;

	return html`<div class="wide" onKeyDown=${rowKeys}><table class="list">
		<thead><tr>${head(kind.title, label(title) || _('Title'))}
			${cols.map((f) => head(f.name, html`${label(f)}${number(f) &&
			    unit(f.unit) && html` <small>${unit(f.unit)}</small>`}`,
			    number(f)))}
			<th scope="col">${_('Owner')}</th></tr></thead>
		<tbody>${records.map((r) => html`<tr key=${r.id}>
			<td><a data-row href=${recordHref(kind.name, r.id)}>${r.title ||
			    _('untitled')}</a>${r.conflicts.length > 0 && html` <span
				class="mark">${_('conflict')}</span>`}${r.values.exercise ===
				true && html` <span class="drill">${_('Exercise')}</span>`}</td>
			${cols.map((f) => html`<td key=${f.name} data-label=${label(f)}
				class=${number(f) ? 'num' : ['phone', 'time', 'date'].includes(f.type) ||
				f.codes ? 'whole' : ''}><${Cell}
				f=${f} r=${r}/>${number(f) && r.text[f.name] && unit(f.unit) &&
				    html`<small class="unit">${unit(f.unit)}</small>`}</td>`)}
			<td class="whole" data-label=${_('Owner')}><${Site}
				code=${r.owner} bare/></td>
		</tr>`)}</tbody></table></div>`;
}

function List({ kind, user, q }) {
	const { _sort: sort = '', _map: map = '', ...values } = q;
	const address = (v) => kindHref(kind.name) + query(v);
	const [after, setAfter] = useState({ records: [], next: undefined });
	const [error, setError] = useState(null);
	const key = JSON.stringify([kind.name, values, sort, lang]);
	const of = useLoad(async () => {
		const first = await get(recordPath(kind.name) + query({ ...values,
			_sort: sort, _limit: PAGE }));

		return first;
	}, [key]);

	// The map shows what has a place, not only the rows that are listed; with
	// a filter the rows alone are what was asked for.
	const whole = map === '1' && !Object.values(values).some(Boolean);
	const placed = useLoad(async () => whole && await get('box' + query({
		...EVERYWHERE, kind: kind.name, _limit: ON_MAP })),
	[kind.name, whole, lang], { pause: MAP_MS });

	useEffect(() => {
		setAfter({ records: [], next: undefined });
		setError(null);
	}, [key]);
	const next = after.next === undefined ? of.data?.next : after.next;
	const more = async () => {
		try {
			const page = await get(recordPath(kind.name) + query({ ...values,
				_sort: sort, _limit: PAGE, _after: next }));

			setAfter({ records: [...after.records, ...page.records],
				next: page.next });
			setError(null);
			tell(_('{n} more rows', { n: page.records.length }));
		} catch (e) {
			setError(e);
		}
	};
	const records = [...of.data?.records ?? [], ...after.records];
	const title = kindLabel(kind);

	return html`<div class="sheet">
		<${Head} title=${title} at=${of.at} small=${of.data && (kind.count == null || Object.values(values)
		    .some(Boolean) ? _('{n} shown', { n: records.length }) :
		    _('{n} shown of {all}', { n: records.length,
		    all: kind.count.toLocaleString() }))}>
			${kind.geo && html`<button class="q" aria-pressed=${map === '1'}
				onClick=${() => go(address({ ...values, _sort: sort,
				    _map: map ? '' : '1' }), true)}>${_('Map')}</button>`}
			${streamMay(user, kind) && html`<a class="button" data-key="n"
				href=${kindHref(kind.name, '/new')}>${_('New: {kind}', {
				    kind: title })} <kbd>n</kbd></a>`}</${Head}>
		<${Filters} kind=${kind} values=${values} set=${(v) =>
			go(address({ ...v, _sort: sort, _map: map }), true)}/>
		${map === '1' && html`<${Points}
			records=${placed.data ? placed.data.records : records}
			label=${_('Map of {kind}', { kind: title })}
			note=${placed.data && (placed.data.more ?
			    _('the first {n} with a place', { n: ON_MAP }) :
			    _('{n} with a place', { n: placed.data.records.length }))}/>`}
		<${Loaded} of=${of}>${() => records.length === 0 ? html`
			<p class="dim">${_('No record fits.')}</p>` : html`
			<${Rows} kind=${kind} records=${records} sort=${sort}
				onSort=${(f) => go(address({ ...values, _sort: f,
				    _map: map }), true)}/>
			<${Trouble} error=${error}/>
			<p class="more">${next ? html`<button class="q" onClick=${more}>${
			    _('{n} more', { n: PAGE })}</button>` : html`<span class="dim">${
			    _('That is all.')}</span>`}</p>`}</${Loaded}></div>`;
}

export default function Records({ route, user, station }) {
	const name = kindOfPath(route.parts[1] ?? 'resource');
	const [, , id, rest] = route.parts;
	const all = useLoad(() => kinds(true), [lang]);
	const kind = useLoad(() => kindOf(name), [name], { events: [] });
	const count = all.data?.find((k) => k.name === name)?.count;

	if (id === 'new')
		return html`<${Loaded} of=${kind}>${(k) => html`<${Create}
			key=${name} kind=${k} user=${user} all=${all.data}/>`}</${Loaded}>`;
	if (id)
		return html`<${Record} key=${id} name=${name} id=${id} user=${user}
			rest=${rest ?? ''} station=${station}/>`;
	return html`<div class="split">
		<${Loaded} of=${all}>${(list) => html`<${Kinds} all=${list}
			on=${name}/>`}</${Loaded}>
		<${Loaded} of=${kind}>${(k) => k.name === name && html`<${List}
			kind=${{ ...k, count }} user=${user} q=${route.query}/>`}
		</${Loaded}></div>`;
}
