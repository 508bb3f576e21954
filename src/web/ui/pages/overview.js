// The duty page: what is going on, who is on duty, what can be sent, what is
// stuck.  Works with no line to anywhere; every figure says how old it is.
import { html, useState } from '../vendor/preact.js';
import { get, query, recordPath } from '../api.js';
import { _, label, lang, N_ } from '../i18n.js';
import { kindOf } from '../kinds.js';
import { stuck } from '../link.js';
import { Age, AsOf, Head, Level, levelColour, Loaded, oldestBelow, Phone, Status,
	useLoad, useNow, When } from '../parts.js';
import { kindHref, recordHref } from '../route.js';
import { clock as clockText, day, left, offset, running, when } from
	'../time.js';
import { Points } from '../points.js';

const OPEN = ['reported', 'verifying', 'confirmed', 'responding',
	'controlled'];
const MOST = 50;    // incidents of a state
const NEAR_KM = 20;
const NEAR_MOST = 200;
const NEAR_ROWS = 12;
const TALLY_MS = 10000; // counting all is not for every change

const list = (kind, values) => get(recordPath(kind) + query(values));

async function loadIncidents() {
	const [lists, clocks] = await Promise.all([
		Promise.all(OPEN.map((state) => list('incident', { state,
			_limit: MOST }))),
		list('report_clock', { result: 'running', _limit: 500 }),
	]);
	const level = (r) => Number(r.values.level) || 9;

	return {
		more: lists.some((l) => l.next),
		clocks: clocks.records,
		incidents: lists.flatMap((l) => l.records).sort((a, b) =>
			(a.values.exercise === true) - (b.values.exercise === true) ||
			level(a) - level(b) || (a.values.learned_at < b.values.learned_at ?
			    1 : -1)),
	};
}

function Clock({ clock, now }) {
	const ms = new Date(clock.values.due_at) - now;

	return html`<div class=${'clk' + (ms < 0 ? ' late' : '')}>
		<span>${clock.text.rule}</span><b>${left(ms)}</b>
		<small>${ms < 0 ? _('overdue since') : _('due at')} <${When}
			at=${clock.values.due_at}/> · ${clock.text.station}</small></div>`;
}

const people = (v) => [N_('dead|people'), N_('missing|people'),
	N_('trapped|people'), N_('injured|people'), N_('evacuated|people')]
    .map((name) => [name, v[name.split('|')[0]]]).filter(([, n]) => n > 0)
    .map(([name, n]) => `${_(name)} ${n}`);

// Breaks behind the dot, never before it.
const DOT = '\u00a0· ';

function Incident({ r, clocks, now, on, choose }) {
	const v = r.values;
	const facts = [v.learned_at && _('learned {at}', { at: when(v.learned_at) })
	    .replaceAll(' ', '\u00a0'),
		r.text.place, ...people(v)].filter(Boolean);
	const gaps = ['level', 'place', 'type'].filter((k) => !(k in v));

	return html`<article class=${'inc ' + levelColour(v.level)}>
		${v.learned_at && html`<p class="run"><b>${running(v.learned_at,
		    now)}</b><small>${_('since it was learned')}</small></p>`}
		<h3>${v.level && html`<${Level} code=${v.level}
			text=${r.text.level}/>`}
			<a href=${recordHref('incident', r.id)}>${r.title ||
			    _('untitled')}</a></h3>
		<p>${v.exercise === true && html`<b class="drill">${
		    _('Exercise')}</b> `}${[r.text.state, ...facts].join(DOT)}
			${gaps.length > 0 && html` <span class="gap">${
			    _('gaps: {n}', { n: gaps.length })}</span>`}</p>
		${clocks.map((c) => html`<${Clock} key=${c.id} clock=${c}
			now=${now}/>`)}
		${v.lon && html`<div class="row"><button class="q" aria-pressed=${on}
			onClick=${choose}>${_('Around it')}</button></div>`}
	</article>`;
}

function Incidents({ of, age, now, chosen, choose }) {
	return html`<section aria-labelledby="h-inc"><h2 id="h-inc">${
	    _('Open incidents')} <small>${of.data && _('{n} open', {
	    n: of.data.incidents.length + (of.data.more ? '+' : '') })} <${AsOf}
		at=${of.at} ...${age}/></small></h2>
		<${Loaded} of=${of}>${(d) => d.incidents.length === 0 ? html`
			<p class="dim">${_('None is open at this station.')}</p>` :
			d.incidents.map((r) => html`<${Incident} key=${r.id} r=${r}
				now=${now} on=${chosen === r.id}
				choose=${() => choose(r.id)}
				clocks=${d.clocks.filter((c) =>
				    c.values.incident === r.id)}/>`)}</${Loaded}></section>`;
}

// "李秀英 (520302-19829aec)": the name is what is called out.
const personName = (r) => (r.text.person ?? '')
    .replace(/ \([0-9]{6}-[0-9a-f]+\)$/, '') || r.values.person;

function Duty({ may, age }) {
	const of = useLoad(() => list('duty_shift', { duty_date: day(),
		_limit: 50 }), [lang]);

	return html`<section aria-labelledby="h-duty"><h2 id="h-duty">${
	    _('On duty today')} <small><${AsOf} at=${of.at} ...${age}/> <a
		href=${kindHref('duty_shift')}>${_('all shifts')}</a></small></h2>
		<${Loaded} of=${of}>${(d) => d.records.length === 0 ? html`
			<p><span class="gap">${_('Nobody is entered for today.')}</span>
			${may && html` <a href=${kindHref('duty_shift', '/new')}>${
			    _('Enter the shift')}</a>`}</p>` : html`
			<table><tbody>${d.records.map((r) => html`<tr key=${r.id}>
				<td><a href=${recordHref('duty_shift', r.id)}>${personName(r) ||
				    _('not named')}</a></td>
				<td class="dim whole">${r.text.role}</td>
				<td class="n"><${Phone} text=${r.text.phone}/></td></tr>`)}
			</tbody></table>`}</${Loaded}></section>`;
}

// Ready and busy of each category.  A figure that the server cannot give is
// a dash, never nought.
async function loadReady() {
	const [kind, tally] = await Promise.all([kindOf('resource'),
		get('tally/resource' + query({ by: 'rkind,status,exercise' }))]);
	const rows = new Map();
	// Exercise data are no statistics; a house that has nothing else is
	// shown them, and told so.
	const real = tally.rows.filter((t) => t.exercise !== true);

	for (const t of real.length ? real : tally.rows) {
		const row = rows.get(t.rkind) ?? rows.set(t.rkind, { code: t.rkind,
			all: 0, ready: 0, busy: 0 }).get(t.rkind);

		row.all += t.count;
		if (t.status in row)
			row[t.status] += t.count;
	}
	const codes = kind.fields.find((f) => f.name === 'rkind')?.codes ?? [];

	return { drill: real.length === 0 && tally.rows.length > 0, rows: [...rows.values()].map((row) => ({ ...row, name: label(codes.find(
		(c) => c.code === row.code)) || row.code || _('no category') }))
	    .sort((x, y) => x.code < y.code ? -1 : 1) };
}

function Ready({ of, age }) {
	return html`<section aria-labelledby="h-ready"><h2 id="h-ready">${
	    _('Ready resources')} <small><${AsOf} at=${of.at} ...${age}/></small></h2>
		<${Loaded} of=${of}>${({ rows, drill }) => rows.length === 0 ? html`
			<p class="dim">${_('The register is empty.')}
				<a href=${kindHref('resource')}>${_('Enter the first')}</a></p>` :
			html`${drill && html`<p><b class="drill">${_('Exercise')}</b></p>`}
			<table class="ready"><thead><tr><th>${_('Category')}</th>
				<th><span class="hide">${_('Share')}</span></th>
				<th class="n">${_('ready')}</th><th class="n">${_('busy')}</th>
				<th class="n">${_('all')}</th></tr></thead><tbody>
			${rows.map((row) => html`<tr key=${row.code}>
				<td><a href=${kindHref('resource', query({ rkind: row.code }))}>${
				    row.name}</a></td>
				<td><div class="bar" aria-hidden="true">
					<i style=${{ width: 100 * row.ready / row.all + '%' }}></i>
					<i class="busy" style=${{ width: 100 * row.busy / row.all +
					    '%' }}></i></div></td>
				<td class="n"><b>${row.ready.toLocaleString()}</b></td>
				<td class="n">${row.busy.toLocaleString()}</td>
				<td class="n dim">${row.all.toLocaleString()}</td></tr>`)}
			</tbody></table>`}</${Loaded}></section>`;
}

function Stuck({ station, now }) {
	const s = station.data;
	const rows = s ? [
		s.stops.length > 0 && [_('{n} things that only a person can decide', {
			n: s.stops.length }), '/stations', _('Look')],
		s.conflicts > 0 && [_('{n} fields were changed on both sides', {
			n: s.conflicts }), '/conflicts', _('Decide')],
		s.undecided > 0 && [_('{n} operations are held but do not count', {
			n: s.undecided }), '/conflicts', _('Look')],
		s.missing_blobs > 0 && [_('{n} attachments are not here yet', {
			n: s.missing_blobs }), '/stations', _('Look')],
		...s.peers.filter((p) => stuck(p, now)).map((p) => [
			p.last_contact ? html`${p.name}: ${_('last contact')} <${Age}
				at=${p.last_contact} now=${now}/>` :
				_('{name}: never met', { name: p.name }),
			'/stations', _('why')]),
		...s.peers.filter((p) => Math.abs(p.offset_ms) > 60000).map((p) => [
			_('{name}: its clock is {by} off', { name: p.name,
			    by: offset(p.offset_ms) }), '/stations', _('Look')]),
	].filter(Boolean) : [];

	return html`<section aria-labelledby="h-stuck"><h2 id="h-stuck">${
	    _('What is stuck')} <small>${rows.length || ''} <${AsOf}
		at=${station.at}/></small></h2>
		<${Loaded} of=${station}>${() => rows.length === 0 ? html`
			<p class="ok">✓ ${_('Nothing.')}</p>` : html`<table><tbody>
			${rows.map(([what, href, verb], i) => html`<tr key=${i}>
				<td>${what}</td><td class="n"><a href=${href}>${verb}</a></td>
			</tr>`)}</tbody></table>`}</${Loaded}></section>`;
}

// What stands around an incident, on a map without a ground.
function Around({ r, age }) {
	const of = useLoad(() => get('near' + query({ lon: r.values.lon,
		lat: r.values.lat, km: NEAR_KM, kind: 'resource',
		_limit: NEAR_MOST })), [r.id, r.values.lon, r.values.lat, lang]);

	return html`<section class="around" aria-labelledby="h-near">
		<h2 id="h-near">${_('Around: {title}', { title: r.title })}
			<small>${_('within {km} km', { km: NEAR_KM })}${of.data && ' · ' +
			    _('{n} resources', { n: of.data.records.length +
			    (of.data.records.length === NEAR_MOST ? '+' : '') })} <${AsOf}
			at=${of.at} ...${age}/></small></h2>
		<${Loaded} of=${of}>${(d) => html`
			<${Points} label=${_('Resources around {title}', { title: r.title })}
				centre=${r} records=${d.records}/>
			<table class="near"><thead><tr><th>${_('Nearest')}</th>
				<th>${_('Status')}</th><th>${_('Telephone')}</th>
				<th class="n">${_('Distance')}</th></tr></thead><tbody>
			${d.records.slice(0, NEAR_ROWS).map((n) => html`<tr key=${n.id}>
				<td><a href=${recordHref(n.kind, n.id)}>${n.title}</a></td>
				<td>${n.values.status && html`<${Status} code=${n.values.status}
					text=${n.text.status}/>`}</td>
				<td><${Phone} text=${n.text.phone}/></td>
				<td class="n">${(n.metres / 1000).toFixed(1)}<small
				    class="unit">km</small></td></tr>`)}
			</tbody></table>`}</${Loaded}></section>`;
}

// What is read from three metres: a figure, what it counts, and always how old
// it is.
function Figure({ name, n, of, at, below, known, href, late, warn, children }) {
	return html`<a class=${'figure' + (late ? ' late' : warn ?
		' warn' : '')} href=${href}>
		<span class="name">${name}</span>
		<b>${n ?? '—'}${of != null && html`<i>/${of}</i>`}</b>
		<small>${children}${children && ' · '}<${AsOf} at=${at}
			below=${below} known=${known}/></small></a>`;
}

const TEAMS = 'R01';

function Figures({ incidents, ready, station, age, now }) {
	const real = incidents.data?.incidents.filter((r) =>
		r.values.exercise !== true);
	const drills = (incidents.data?.incidents.length ?? 0) - real?.length;
	const dues = incidents.data?.clocks.map((c) => new Date(c.values.due_at) -
		now).sort((a, b) => a - b) ?? [];
	const teams = ready.data?.rows.find((r) => r.code === TEAMS);
	const s = station.data;
	const parent = s?.peers.find((p) => p.relation === 'parent');
	const lost = s?.peers.filter((p) => stuck(p, now)).length;

	return html`<div class="figures" aria-label=${_('In figures')}
		role="group">
		<${Figure} name=${_('Open incidents')} at=${incidents.at} ...${age}
			n=${real && real.length + (incidents.data.more ? '+' : '')}
			href=${kindHref('incident')}>${drills > 0 ? _('exercises: {n}',
			    { n: drills }) : null}</${Figure}>
		<${Figure} name=${_('Next deadline')} at=${incidents.at} ...${age}
			n=${incidents.data && (dues.length ? left(dues[0]) : _('none'))}
			late=${dues[0] < 0} href=${kindHref('report_clock')}>${
			    dues.length > 1 ? _('{n} clocks run', { n: dues.length }) :
			    null}</${Figure}>
		<${Figure} name=${_('Teams ready')} at=${ready.at} ...${age}
			n=${ready.data && (teams?.ready ?? 0).toLocaleString()} of=${teams &&
			teams.all.toLocaleString()} href=${kindHref('resource', query({
			    rkind: TEAMS, status: 'ready' }))}>${ready.data?.drill ?
			_('Exercise') : null}</${Figure}>
		<${Figure} name=${_('To decide')} at=${station.at} n=${s &&
			s.conflicts + s.undecided} warn=${s?.conflicts > 0}
			href="/conflicts"/>
		<${Figure} name=${_('Out of touch')} at=${station.at} n=${lost}
			of=${s?.peers.length} warn=${lost > 0} href="/stations"/>
		${s?.parent && html`<${Figure} name=${_('Wait for {name}', { name:
		    parent?.name || s.parent })} at=${station.at}
			n=${parent?.waiting?.toLocaleString()} href="/stations"/>`}</div>`;
}

export function Overview({ user, station }) {
	const now = useNow(1000 * 20);
	const incidents = useLoad(loadIncidents, [lang]);
	const ready = useLoad(loadReady, [lang], { pause: TALLY_MS });
	const [chosen, choose] = useState(null);
	const placed = incidents.data?.incidents.filter((r) => r.values.lon) ?? [];
	const centre = placed.find((r) => r.id === chosen) ?? placed[0];
	const may = user.powers.includes('write');
	const below = oldestBelow(station.data);
	const age = { below, known: below !== undefined };

	return html`<${Head} title=${_('Duty')} small=${clockText(now)}>
		${may && html`<a class="button" data-key="n"
			href=${kindHref('incident', '/new')}>${
			    _('Report an incident')} <kbd>n</kbd></a>`}</${Head}>
	<${Figures} incidents=${incidents} ready=${ready} station=${station}
		age=${age} now=${now}/>
	<div class=${'desk' + (centre ? '' : ' nomap')}>
		<div><${Incidents} of=${incidents} age=${age} now=${now}
			choose=${choose} chosen=${centre?.id}/><${Duty} may=${may}
			age=${age}/></div>
		${centre && html`<div><${Around} key=${centre.id} r=${centre}
			age=${age}/></div>`}
		<div><${Stuck} station=${station} now=${now}/>
			<${Ready} of=${ready} age=${age}/></div>
	</div>`;
}
