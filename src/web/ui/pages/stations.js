// The stations: first what is stuck, why, and what to do; then the tree.
import { html } from '../vendor/preact.js';
import { get } from '../api.js';
import { _, lang } from '../i18n.js';
import { stuck } from '../link.js';
import { learnNames } from '../names.js';
import { Age, Head, Loaded, useLoad, useNow } from '../parts.js';
import { Ring } from '../ring.js';
import { offset, span, when } from '../time.js';
import { Joining } from './joining.js';

const CLOCK_MS = 60000; // further off than this is said
const EVENTS = { events: ['change', 'station'] };

const relation = (r) => ({ parent: _('superior'), child: _('below'),
	peer: _('beside') })[r] ?? r;

// What people can do about it; the program's own words stand under it.
function advice(p) {
	const t = p.trouble.toLowerCase();

	if (/host key|known key|fingerprint/.test(t))
		return _('The other side showed a key that the roster does not know. Do not override it: ring {name} and ask whether the machine was replaced.', { name: p.name });
	if (/route|refused|timed? ?out|resolve|unreachable|connect/.test(t))
		return _('No line. Check the cable, the router and the satellite link; until then local work goes on and everything waits in order.');
	if (/denied|auth|publickey|key/.test(t))
		return _('The other side does not let this station in. Ask {name} whether the station is confirmed.', { name: p.name });
	if (p.trouble)
		return _('The session ended early; it is tried again by itself.');
	return p.last_contact ? _('No session since; it is tried again by itself.') :
		_('It has never called. Was the invitation carried there?');
}

// What only a person can decide, and where: nothing of it goes on by itself.
function Stop({ stop: x }) {
	const ids = html`<p class="mono dim">${x.a} · ${x.b}</p>`;

	if (x.what === 'fork')
		return html`<article class="stuck"><h3>${_('Two histories of one chain')}
			<span class="mono dim">${x.about}</span></h3>
			<p class="big">${_('From {at} on two are signed; neither counts.', { at: x.at })}</p>
			<p>${_('Ask {writer} who else has its key. {decides} decides: yizhan resolve {about} ID', x)}</p>
			${ids}</article>`;
	if (x.what === 'roster')
		return html`<article class="stuck"><h3>${_('Two rosters of one version')}
			<span class="mono dim">${x.about}</span></h3>
			<p class="big">${_('Of version {at} two are signed; neither counts.', { at: x.at })}</p>
			<p>${_('Ask who has that key. {decides} decides: yizhan roster decide {about} HASH', x)}</p>
			${ids}</article>`;
	if (x.what === 'restored')
		return html`<article class="stuck"><h3>${_('This station was restored from a copy')}</h3>
			<p>${_('It writes nothing before it has met its superior; without a line: yizhan resume --alone')}</p>
			<p class="mono dim">${x.why}</p></article>`;
	if (x.what === 'silent')
		return html`<article class="stuck"><h3>${_('Nothing new of {about} comes any more', x)}</h3>
			<p class="big">${_('Since {when}, in {at} contacts; before, something came in {usual} at most.', {
			    when: x.last && when(x.last), at: x.at, usual: x.usual })}</p>
			<p>${_('Telephone {about}: if it has written since, {through} withholds it or cannot reach it.', x)}</p>
			</article>`;
	if (x.what === 'unpinned')
		return html`<article class="stuck"><h3>${_('A roster waits that the root keys here have not signed')}
			<span class="mono dim">${x.about}</span></h3>
			<p class="big">${_('Version {at}, brought by {through}.', x)}</p>
			<p>${_('Has the province announced this fingerprint on paper? Then: yizhan roster pin')}</p>
			<p class="mono">${x.why}</p></article>`;
	return html`<article class="stuck"><h3>${_('A copy of this station is at work')}
		<span class="mono dim">${x.about}</span></h3>
		<p>${_('Switch one of the two off.')}</p></article>`;
}

function Stuck({ peers, stops, now }) {
	const bad = peers.filter((p) => stuck(p, now) ||
		Math.abs(p.offset_ms) > CLOCK_MS);

	return html`<section aria-labelledby="h-stuck"><h2 id="h-stuck">${
	    _('What is stuck')} <small>${bad.length + stops.length || ''}</small></h2>
		${stops.map((x) => html`<${Stop} key=${x.what + x.about} stop=${x}/>`)}
		${bad.length + stops.length === 0 && html`<p class="ok">✓ ${
		    _('Nothing: every neighbour was met lately.')}</p>`}
		${bad.map((p) => html`<article key=${p.code} class="stuck">
			<h3>${p.name} <span class="mono dim">${p.code}</span> · ${
			    relation(p.relation)}</h3>
			<p class="big">${p.last_contact ? _('no contact for {span}', {
			    span: span(now - new Date(p.last_contact)) }) : _('never met')}${
			    p.waiting > 0 && ' · ' + _('{n} changesets wait', {
			    n: p.waiting })}</p>
			<p>${advice(p)}</p>
			${p.trouble && html`<p class="mono dim">${p.trouble_words}</p>`}
			${Math.abs(p.offset_ms) > CLOCK_MS && html`<p>${
			    _('Its clock is {by} off: set it, the times it writes are doubtful.',
			    { by: offset(p.offset_ms) })}</p>`}</article>`)}</section>`;
}

// Parents before children, with their depth.
function tree(list) {
	const out = [];
	const put = (parent, depth) => list.filter((s) => s.parent === parent)
	    .forEach((s) => {
		if (out.some((o) => o.s === s))
			return;
		out.push({ s, depth });
		put(s.code, depth + 1);
	});

	put('', 0);
	list.filter((s) => !out.some((o) => o.s === s))
	    .forEach((s) => out.push({ s, depth: 0 }));
	return out;
}

function Tree({ list, here, now }) {
	return html`<div class="wide"><table class="list stations"><thead><tr>
		<th scope="col">${_('Station')}</th><th scope="col">${_('Code')}</th>
		<th scope="col">${_('To us')}</th>
		<th scope="col">${_('Last contact')}</th>
		<th scope="col">${_('Last complete')}</th>
		<th scope="col">${_('Known up to')}</th>
		<th scope="col">${_('Last news')}</th>
		<th scope="col" class="n">${_('Waiting')}</th>
		<th scope="col" class="n">${_('Clock')}</th>
		<th scope="col" class="n">${_('Keys|of a station')}</th></tr></thead><tbody>
		${tree(list).map(({ s, depth }) => {
			const p = s.peer;

			return html`<tr key=${s.code} class=${s.code === here ? 'here' : ''}>
			<td><span style=${{ paddingLeft: depth * 1.5 + 'em' }}>${depth > 0 ?
			    html`<span aria-hidden="true" class="dim">└ </span>` : ''}${
			    s.name}</span></td>
			<td class="mono" data-label=${_('Code')}>${s.code}</td>
			<td data-label=${_('To us')}>${s.code === here ?
			    html`<b>${_('this station')}</b>` : p ? relation(p.relation) :
			    html`<span class="dim">${_('no direct line')}</span>`}</td>
			<td data-label=${_('Last contact')}>${p && html`<span
				class=${stuck(p, now) ? 'mark' : ''}>${stuck(p, now) ? '⚠ ' :
				''}<${Age} at=${p.last_contact} now=${now}/></span>`}</td>
			<td data-label=${_('Last complete')}>${p && html`<${Age}
				at=${p.last_complete} now=${now}/>`}</td>
			<td data-label=${_('Known up to')}>${s.code !== here && html`<${Age}
				at=${s.written} now=${now}/>`}</td>
			<td data-label=${_('Last news')}>${s.code !== here && html`<${Age}
				at=${s.news} now=${now}/>${s.news && s.quiet > 0 && html` <small
				class="dim">${_('nothing in {n} contacts since', { n:
				s.quiet })}</small>`}`}</td>
			<td class="n" data-label=${_('Waiting')}>${p?.waiting}</td>
			<td class="n" data-label=${_('Clock')}>${p && p.offset_ms != null ?
			    offset(p.offset_ms) : ''}</td>
			<td class="n" data-label=${_('Keys|of a station')}>${s.keys || html`<span
				class="gap">${_('none')}</span>`}</td></tr>`;
		})}</tbody></table></div>`;
}

export default function Stations({ user, station }) {
	const of = useLoad(async () => {
		const all = await get('stations');

		learnNames(all.stations);
		return all;
	}, [lang], EVENTS);
	const now = useNow(15000);
	const s = station.data;

	return html`<div class="page"><${Head} title=${_('Stations')}
		at=${of.at} small=${of.data && _('{n} in the roster', { n:
		    of.data.stations.length })}/>
		<${Loaded} of=${station}>${(d) => html`${d.fingerprint && html`
			<section aria-labelledby="h-ask"><h2 id="h-ask">${
			_('This station has asked to join')}</h2><${Ring}
			fingerprint=${d.fingerprint} who=${[d.peers[0]?.name,
			d.peers[0]?.code].filter(Boolean).join(' ')}/></section>`}
			<${Stuck} peers=${d.peers}
			stops=${d.stops} now=${now}/>
		${d.missing_blobs > 0 && html`<p class="note old">${
		    _('{n} attachments are named in records but have not arrived; they come when the line is free.',
		    { n: d.missing_blobs })}</p>`}`}</${Loaded}>
		<section aria-labelledby="h-tree"><h2 id="h-tree">${_('The tree')}
			<small>${s && _('{chains} chains, {n} changesets held here', {
			    chains: s.chains, n: s.changesets.toLocaleString() })}</small></h2>
		<${Loaded} of=${of}>${(d) => html`<${Tree} list=${d.stations}
			here=${s?.code} now=${now}/>`}</${Loaded}></section>
		${user.powers.some((p) => p === 'stations' || p === 'confirm') &&
		    html`<${Joining} user=${user} now=${now}/>`}</div>`;
}
