// The ledger as a timeline; from any changeset to its records and back.
import { html, useEffect, useRef, useState } from '../vendor/preact.js';
import { get, query } from '../api.js';
import { _, lang } from '../i18n.js';
import { kinds, wholeKind } from '../kinds.js';
import { Site } from '../names.js';
import { Head, Id, Loaded, Trouble, useLoad } from '../parts.js';
import { recordHref } from '../route.js';
import { day, exact } from '../time.js';
import { kindLabel, subjectWords } from '../words.js';
import { Signature, What } from './history.js';
import { rowKeys } from './records.js';

const PAGE = 100;
const HOUR = 3600;

let chart = null;

function loadChart() {
	if (!chart) {
		const css = document.createElement('link');

		css.rel = 'stylesheet';
		css.href = '/vendor/uplot.css';
		document.head.prepend(css);
		chart = import('./../vendor/uplot.js');
	}
	return chart;
}

// Changesets an hour, of those that are shown.
function hours(list) {
	const count = new Map();

	for (const c of list) {
		const h = Math.floor(new Date(c.time) / 1000 / HOUR) * HOUR;

		count.set(h, (count.get(h) ?? 0) + 1);
	}
	const at = [...count.keys()].sort((a, b) => a - b);
	const last = at[at.length - 1];
	const xs = [];

	// A day at least, two months at most.
	for (let t = Math.min(Math.max(at[0], last - 24 * 62 * HOUR),
	    last - 23 * HOUR); t <= last; t += HOUR)
		xs.push(t);
	return [xs, xs.map((t) => count.get(t) ?? 0)];
}

function Chart({ list }) {
	const ref = useRef(null);

	useEffect(() => {
		let gone = false;
		let plot = null;
		const draw = (U) => {
			const style = getComputedStyle(document.documentElement);
			const ink = style.getPropertyValue('--ink-3').trim();
			const line = style.getPropertyValue('--line').trim();
			const size = parseFloat(style.getPropertyValue('--s-1'));
			const axis = { stroke: ink, grid: { stroke: line, width: 1 },
				ticks: { show: false }, font: `${size}px sans-serif` };

			plot?.destroy();
			plot = new U({ width: ref.current.clientWidth, height: 8 * size,
				padding: [size, 4 * size, 0, 0],
				legend: { show: false }, cursor: { show: false },
				scales: { y: { range: (u, lo, hi) => [0, Math.max(4, hi)] } },
				axes: [{ ...axis, grid: { show: false }, size: 2.5 * size,
					gap: size,
					values: (u, ts) => ts.map((t) =>
					    exact(t * 1000).slice(5, 16)), space: 9 * size },
				{ ...axis, size: 3 * size, space: 2 * size,
					incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }],
				series: [{}, { fill: ink, width: 0, points: { show: false },
					paths: U.paths.bars({ size: [0.7, 24] }) }],
			}, hours(list), ref.current);
		};

		let watch = null;

		loadChart().then(({ default: U }) => {
			if (gone)
				return;
			draw(U);
			let wide = ref.current.clientWidth;

			watch = new ResizeObserver(() => {
				if (ref.current && ref.current.clientWidth !== wide) {
					wide = ref.current.clientWidth;
					plot.setSize({ width: wide, height: plot.height });
				}
			});
			watch.observe(ref.current);
		});
		return () => {
			gone = true;
			watch?.disconnect();
			plot?.destroy();
		};
	}, [list.length, list[0]?.id]);
	return html`<figure class="chart"><figcaption>${
	    _('Changesets an hour, of those shown')}</figcaption><div ref=${ref} role="img"
		aria-label=${_('Changesets an hour; the same stands in the table below')}>
		</div></figure>`;
}

function byDay(list) {
	const days = [];

	for (const c of list) {
		const d = day(c.time);

		if (days[days.length - 1]?.d !== d)
			days.push({ d, list: [] });
		days[days.length - 1].list.push(c);
	}
	return days;
}

function Timeline({ list, of }) {
	return html`<div class="wide" onKeyDown=${rowKeys}>
		${byDay(list).map(({ d, list: mine }) => html`<section key=${d}
			aria-label=${d}><h2>${d} <small>${mine.length}</small></h2>
		<table class="list ledger"><thead class="hide"><tr>
			<th scope="col">${_('Time')}</th><th scope="col">${_('What')}</th>
			<th scope="col">${_('Author')}</th><th scope="col">${_('Station')}</th>
			<th scope="col">${_('Stream')}</th><th scope="col">${_('Operations')}</th>
			<th scope="col">${_('Changeset')}</th></tr></thead>
		<tbody>${mine.map((c) => html`<tr key=${c.id}>
			<td class="mono dim">${exact(c.time).slice(11)}</td>
			<td><a data-row href=${'/changesets/' + c.id} title=${c.subject}>${
			    subjectWords(c.subject, of)}</a></td>
			<td data-label=${_('Author')}>${c.author === c.station ?
			    html`<span class="dim">${_('the station itself')}</span>` :
			    c.author}</td>
			<td data-label=${_('Station')}><${Site} code=${c.station}
				bare/></td>
			<td data-label=${_('Stream')}>${_(c.stream + '|stream')}</td>
			<td class="num" data-label=${_('Operations')}>${c.ops}</td>
			<td class="mono dim" data-label=${_('Changeset')}>${
			    c.id.slice(0, 12)}</td></tr>`)}</tbody></table></section>`)}</div>`;
}

function List() {
	const [pages, setPages] = useState({ list: [], next: undefined });
	const [error, setError] = useState(null);
	const of = useLoad(async () => ({ list: await kinds(),
		...await get('changesets' + query({ _limit: PAGE })) }), [lang]);
	const first = of.data?.changesets ?? [];
	const ids = new Set(first.map((c) => c.id));
	const list = [...first, ...pages.list.filter((c) => !ids.has(c.id))];
	const next = pages.next === undefined ? of.data?.next : pages.next;
	const more = async () => {
		try {
			const page = await get('changesets' + query({ _limit: PAGE,
				_after: next }));

			setPages({ list: [...pages.list, ...page.changesets],
				next: page.next });
			setError(null);
		} catch (e) {
			setError(e);
		}
	};

	return html`<div class="page"><${Head} title=${_('Ledger')}
		small=${_('what was signed, newest first')} at=${of.at}/>
		<${Loaded} of=${of}>${() => list.length === 0 ? html`<p class="dim">${
		    _('Nothing has been signed here yet.')}</p>` : html`
			<${Chart} list=${list}/><${Timeline} list=${list}
				of=${of.data.list}/>
			<${Trouble} error=${error}/>
			<p class="more">${next ? html`<button class="q" onClick=${more}>${
			    _('{n} more', { n: PAGE })}</button>` : html`<span class="dim">${
			    _('That is all.')}</span>`}</p>`}</${Loaded}></div>`;
}

async function loadOne(id) {
	const [c, list] = await Promise.all([get('changesets/' + id), kinds()]);
	const names = [...new Set(c.ops.map((op) => op.kind))].filter((n) =>
		list.some((k) => k.name === n));
	const of = await Promise.all(names.map((n) => wholeKind(n)));

	return { c, of, list };
}

function One({ id }) {
	const got = useLoad(() => loadOne(id), [id, lang], { events: [] });

	return html`<div class="page"><p class="crumb"><a href="/changesets">${
	    _('Ledger')}</a> › <${Id} id=${id}/></p>
		<${Loaded} of=${got}>${({ c, of, list }) => html`
		<${Head} title=${subjectWords(c.subject, list)}/>
		<p class="stands"><${Signature} good=${c.verified}/>
			<span class="mono dim">${c.key}</span></p>
		<dl class="values">
			<div><dt>${_('Time')}</dt><dd>${exact(c.time)}</dd></div>
			<div><dt>${_('Author')}</dt><dd>${c.author === c.station ?
			    _('the station itself') : c.author}</dd></div>
			<div><dt>${_('Station')}</dt><dd><${Site} code=${c.station}/></dd></div>
			<div><dt>${_('Chain')}</dt><dd class="mono">${c.chain} ${
			    c.seq}</dd></div>
			<div><dt>${_('Id')}</dt><dd class="mono">${c.id}</dd></div></dl>
		<section aria-labelledby="h-ops"><h2 id="h-ops">${_('Operations')}
			<small>${c.ops.length}</small></h2>
			${c.ops.map((op, i) => {
				const kind = of.find((k) => k.name === op.kind);

				return html`<article class="op" key=${i}><h3>${kindLabel(kind) ||
				    op.kind} <${Id} id=${op.id} href=${recordHref(op.kind,
				    op.id)}/></h3><${What} kind=${kind} op=${op}/></article>`;
			})}</section>
		<section aria-labelledby="h-seen"><h2 id="h-seen">${
		    _('What its station already knew')} <small>${c.seen?.length ||
		    ''}</small></h2>
			${c.seen?.length ? html`<ul class="mono plain">${c.seen.map((s) => html`
				<li>${typeof s === 'string' ? s : `${s.chain} ${s.seq} ${s.id ??
				    ''}`}</li>`)}</ul>` : html`<p class="dim">${
			    _('Nothing new since its last changeset.')}</p>`}</section>
		<details><summary>${_('The signed text')}</summary>
			<pre tabindex="0">${c.text}</pre></details>`}</${Loaded}></div>`;
}

export default function Changesets({ route }) {
	return route.parts[1] ? html`<${One} key=${route.parts[1]}
		id=${route.parts[1]}/>` : html`<${List}/>`;
}
