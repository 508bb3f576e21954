// What was changed on both sides, and what is held but does not count.  One
// click decides, as an ordinary signed change.
import { html, useEffect, useState } from '../vendor/preact.js';
import { drop, get, patch, query, recordPath } from '../api.js';
import { _, label, lang } from '../i18n.js';
import { typed } from '../fields.js';
import { kindOf, kinds, ownKind, streamMay } from '../kinds.js';
import { nameOf } from '../names.js';
import { Head, Id, Loaded, More, tell, Trouble, useLoad, When } from
	'../parts.js';
import { recordHref } from '../route.js';
import { registerName, registerValue, split } from '../words.js';

const PAGE = 100;

async function load(after) {
	const [{ conflicts, next }, list] = await Promise.all([get('conflicts' +
		query({ _limit: PAGE, _after: after })), kinds()]);
	const titles = new Map();

	for (const c of conflicts) {
		const base = list.find((k) => k.name === c.kind);

		c.own = c.values[0]?.kind ?? c.kind;
		if (base && !titles.has(c.id))
			titles.set(c.id, get(recordPath(c.kind, c.id)).catch(() => null));
	}
	for (const c of conflicts) {
		const r = await titles.get(c.id);

		if (r)
			c.own = ownKind(list, r);
		c.exercise = r?.values.exercise === true;
		c.of = await kindOf(c.own);
	}
	return { conflicts, next };
}

// The change that chooses this value.
function choice(kind, register, value) {
	const field = (name) => kind.fields.find((f) => f.name === name) ??
	    { name, elem: 'one' };
	const text = (f, v) => Array.isArray(v) ? JSON.stringify(v) : typed(f, v);

	if (register[0] === '#')
		return { set: Object.fromEntries(kind.fields.filter((f) =>
			f.group === register.slice(1)).map((f) => [f.name,
			text(f, value?.[f.name] ?? null)])) };
	if (register.includes('=')) {
		const [name, element] = split(register);

		return value === true ? { add: { [name]: [element] } } :
			{ remove: { [name]: [element] } };
	}
	return { set: { [register]: text(field(register), value) } };
}

async function decide(c, value) {
	const path = recordPath(c.kind, c.id);

	if (c.register[0] === '@' && value !== true)
		return drop(path, typeof value === 'string' ? value : '—');
	const record = await get(path);

	// Keeping a record is writing it again: its title as it stands.
	return patch(path, record.etag, c.register[0] === '@' ?
		{ set: { [c.of.title]: record.text[c.of.title] ?? '' } } :
		choice(c.of, c.register, value));
}

function Conflict({ c, may, again }) {
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const id = `c-${c.id}-${c.register}`;
	const take = async (v) => {
		setBusy(true);
		setError(null);
		try {
			await decide(c, v.value);
			tell(_('Decided: {what}. It goes to the other stations as an ordinary signed change.',
			    { what: registerValue(c.of, c.register, v.value) }));
			again();
		} catch (e) {
			setError(e);
			setBusy(false);
		}
	};

	return html`<article class="conflict" aria-labelledby=${id}>
		<h3 id=${id}><a href=${recordHref(c.own, c.id)}>${c.title ||
		    _('untitled')}</a> · ${registerName(c.of, c.register)}${c.exercise && html` <b
			class="drill">${_('Exercise')}</b>`}</h3>
		<${Trouble} error=${error}/>
		<ul class="sides">${c.values.map((v) => {
			const value = registerValue(c.of, c.register, v.value);

			return html`<li key=${v.changeset}>
				<b class="big">${value}</b>
				<p><b>${v.author}</b> · ${nameOf(v.station)}</p>
				<p><${When} at=${v.time}/> · <a class="mono"
					href=${'/changesets/' + v.changeset}>${
					v.changeset.slice(0, 12)}</a></p>
				<p class="dim">${v.shown ? _('shown until decided: the later one') :
				    _('kept beside it')}</p>
				${may(c) && html`<button disabled=${busy} class="q"
					onClick=${() => take(v)}>${_('Take “{value}”', { value:
					value.length > 24 ? value.slice(0, 24) + '…' : value })}
				</button>`}</li>`;
		})}</ul></article>`;
}

// The program says why in English; the reasons are those of FORMAT.md, 10.
function whyNot(reason) {
	const known = [
		[/^(?<who>\S+) is neither the owner (?<owner>\S+) nor above it$/,
			_('{who} is neither the owner {owner} nor above it')],
		[/^incarnation (?<inc>\S+) of (?<who>\S+) is not in the roster/,
			_('incarnation {inc} of {who} is not in the roster, and goes on from none that counts here')],
		[/^the record is of (?<owner>\S+), the chain about (?<who>\S+)$/,
			_('the record is of {owner}, the chain about {who}')],
		[/^only the root (?<root>\S+) defines kinds and codes$/,
			_('only the root {root} defines kinds and codes')],
		[/^kind (?<kind>\S+) does not travel in the stream (?<stream>\S+)$/,
			_('kind {kind} does not travel in the stream {stream}')],
		[/^field (?<field>\S+) of (?<kind>\S+) is derived, never written$/,
			_('field {field} of {kind} is derived, never written')],
		[/^field (?<field>\S+) of (?<kind>\S+) travels in the stream (?<stream>\S+)$/,
			_('field {field} of {kind} travels in the stream {stream}')],
		[/^field (?<field>\S+) of (?<kind>\S+) is written by ancestors of the owner only$/,
			_('field {field} of {kind} is written by ancestors of the owner only')],
		[/^field (?<field>\S+) of (?<kind>\S+) is a set, changed by add and remove$/,
			_('field {field} of {kind} is a set, changed by add and remove')],
		[/^field (?<field>\S+) of (?<kind>\S+) is no set$/,
			_('field {field} of {kind} is no set')],
	];

	for (const [form, text] of known) {
		const m = form.exec(reason);

		if (m)
			return text.replace(/\{(\w+)\}/g, (all, k) => m.groups[k] ?? all);
	}
	return reason;
}

function Quarantine() {
	const of = useLoad(async () => {
		const { quarantine: rows, total } = await get('quarantine');

		return { list: await kinds(), rows, total: total ?? rows.length };
	}, [lang]);

	return html`<section aria-labelledby="h-q"><h2 id="h-q">${
	    _('Quarantine')} <small>${of.data?.total || ''}</small></h2>
		<p class="dim">${_('Signed and held, but they do not count: whoever wrote them had no right to. They are the same at every station and nothing is lost.')}</p>
		<${Loaded} of=${of}>${({ rows, list }) => rows.length === 0 ? html`
			<p class="ok">${_('Nothing is quarantined.')}</p>` : html`
			<div class="wide"><table class="list"><thead><tr>
			<th scope="col">${_('Record')}</th><th scope="col">${_('Kind')}</th>
			<th scope="col">${_('Why it does not count')}</th>
			<th scope="col">${_('Chain')}</th><th scope="col">${_('Author')}</th>
			<th scope="col">${_('Time')}</th></tr></thead><tbody>
			${rows.map((x) => html`<tr key=${x.chain + x.seq + x.id}>
				<td><${Id} id=${x.id} href=${recordHref(x.kind, x.id)}/></td>
				<td data-label=${_('Kind')}>${label(list.find((k) =>
				    k.name === x.kind)) || x.kind}</td>
				<td data-label=${_('Why it does not count')}>${whyNot(x.reason)}</td>
				<td class="mono" data-label=${_('Chain')}>${x.changeset ? html`
					<a href=${'/changesets/' + x.changeset}>${x.chain} ${
					x.seq}</a>` : `${x.chain} ${x.seq}`}</td>
				<td data-label=${_('Author')}>${x.author} · ${nameOf(x.station)}</td>
				<td data-label=${_('Time')}><${When} at=${x.time}/></td></tr>`)}
			</tbody></table></div>`}</${Loaded}>${of.data?.total > of.data?.rows.length &&
			html`<p class="dim">${_('{n} of {all}', { n: of.data.rows.length,
			    all: of.data.total })}</p>`}</section>`;
}

export default function Conflicts({ user, station }) {
	const of = useLoad(load, [lang]);
	const [rest, setRest] = useState(null);
	const again = () => {
		setRest(null);
		of.again();
		station.again();
	};

	useEffect(() => setRest(null), [lang]);
	const first = of.data?.conflicts ?? [];
	const known = new Set(first.map((c) => c.id + c.register));
	const list = [...first, ...(rest?.conflicts ?? []).filter((c) =>
		!known.has(c.id + c.register))];
	const next = rest ? rest.next : of.data?.next;

	return html`<div class="page"><${Head} title=${_('To decide')} at=${of.at}/>
		<section aria-labelledby="h-c"><h2 id="h-c">${_('Conflicts')}
			<small>${list.length ? list.length + (next ? '+' : '') : ''}</small>
		</h2>
		<${Loaded} of=${of}>${() => list.length === 0 ? html`
			<p class="ok">${_('No field was changed on both sides.')}</p>` :
			html`${list.map((c) => html`<${Conflict} key=${c.id + c.register} c=${c}
				again=${again} may=${(x) => streamMay(user, x.of)}/>`)}
			${(next || rest) && html`<${More} next=${next} count=${PAGE}
				load=${async (after) => {
					const page = await load(after);

					setRest({ next: page.next, conflicts: [
						...rest?.conflicts ?? [], ...page.conflicts] });
				}}/>`}`}
		</${Loaded}></section><${Quarantine}/></div>`;
}
