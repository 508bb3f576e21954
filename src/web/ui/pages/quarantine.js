// What was signed and is held, but does not count: beside what stands here,
// with what can be done about it.
import { html, useEffect, useState } from '../vendor/preact.js';
import { get, post, query } from '../api.js';
import { _, label, lang } from '../i18n.js';
import { kinds, streamMay, wholeKind } from '../kinds.js';
import { nameOf } from '../names.js';
import { Dialog, Id, Loaded, More, tell, Trouble, useLoad, When } from
	'../parts.js';
import { recordHref } from '../route.js';
import { kindLabel, registerName, registerValue } from '../words.js';

const PAGE = 50;
const EVENTS = { events: ['change', 'station'] };

// Whose word would count, by name; and what to do here meanwhile.
function barred(x) {
	const names = x.may.map(nameOf).join(_(', '));

	return { owner: _('This station may not write the record. {names} may, and can take the value over there with one click: telephone, then settle it here.', { names }),
		root: _('Kinds and codes are written by {names} at its command line: telephone, then settle it here.', { names }),
		kind: _('Its kind is not known here, so this station cannot write it. It shows once the definition has come.'),
		field: _('It writes a field that nobody may write so: there is nothing to take over.'),
		append: _('Records of this kind are never changed: whoever may enters a new one that names the old. {names} may.', { names }),
		record: _('There is no such record here, so nothing stands beside it: {names} may enter it as a new one.', { names }),
	}[x.bar];
}

// The clear ones of a kind that is not known here.
const UNKNOWN = { fields: [] };

async function load(settled, after) {
	const [{ quarantine, next, undecided, total }, list] = await Promise.all([
		get('quarantine' + query({ _limit: PAGE, _after: after,
			_settled: settled })), kinds()]);

	for (const x of quarantine) {
		const base = list.find((k) => k.name === x.kind);

		x.of = base ? await wholeKind(x.kind) : UNKNOWN;
		x.kindName = base ? kindLabel(base) : x.kind;
	}
	return { rows: quarantine, next, undecided, total };
}

const key = (x) => `${x.changeset}.${x.op}`;

const now = (x, v) => v.now === null && !x.etag ? _('not here') :
	registerValue(x.of, v.register, v.now);

function Sides({ x }) {
	return html`<table class="held"><thead><tr>
		<th scope="col">${_('Field')}</th>
		<th scope="col">${_('Stands here')}</th>
		<th scope="col">${_('Held, does not count')}</th></tr></thead><tbody>
		${x.values.map((v) => html`<tr key=${v.register}>
			<th scope="row">${registerName(x.of, v.register)}</th>
			<td data-label=${_('Stands here')}><b class="big">${now(x, v)}</b>
				${v.several && html` <span class="mark">${
				    _('in conflict')}</span>`}
				${v.author && html`<small><b>${v.author}</b> · ${
				    nameOf(v.station)} · <${When} at=${v.time}/> · <a
				    class="mono" href=${'/changesets/' + v.changeset}>${
				    v.changeset.slice(0, 12)}</a></small>`}</td>
			<td data-label=${_('Held, does not count')}><b class="big">${
			    registerValue(x.of, v.register, v.held)}</b>
				<small><b>${x.author}</b> · ${nameOf(x.station)} · <${When}
					at=${x.time}/> · <a class="mono"
					href=${'/changesets/' + x.changeset}>${
					x.changeset.slice(0, 12)}</a></small></td></tr>`)}
		</tbody></table>`;
}

// Where hundreds are held, people settle those of one reason or one author
// together; before that is said how many they are.
function Alike({ x, by, onClose, again }) {
	const path = `quarantine/${x.changeset}/${x.op}/`;
	const of = useLoad(() => get(path + 'alike' + query({ by })), [by],
	    { events: [] });
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const settle = async () => {
		setBusy(true);
		setError(null);
		try {
			const { settled } = await post(path + 'keep-alike', { by,
				etag: of.data.etag });

			onClose();
			tell(_('Settled: {n}. What stands is kept; they stay in the ledger.',
			    { n: settled }));
			again();
		} catch (e) {
			setError(e);
			setBusy(false);
			if (e.status === 412)
				of.again();
		}
	};

	return html`<${Dialog} onClose=${onClose} title=${by === 'author' ?
	    _('Settle all that {author} of {station} wrote', { author: x.author,
		station: nameOf(x.station) }) : _('Settle all that have this reason')}>
		${by === 'reason' && html`<p class="note">${x.reason}</p>`}
		<${Trouble} error=${error}/>
		<${Loaded} of=${of}>${(d) => html`<p>${d.more ?
		    _('There are more than {n}; the first {n} will be settled for this station: what stands here is kept, and nothing is taken over. They stay in the ledger, and each is entered in the audit log.', { n: d.count }) :
		    _('{n} will be settled for this station: what stands here is kept, and nothing is taken over. They stay in the ledger, and each is entered in the audit log.', { n: d.count })}</p>
		<div class="row"><button disabled=${busy || d.count === 0}
			onClick=${settle}>${_('Settle {n}', { n: d.count })}</button>
			<button type="button" class="q" onClick=${onClose}>${
			    _('Leave them as they are')}</button></div>`}</${Loaded}>
	</${Dialog}>`;
}

function Held({ x, user, again, many }) {
	const [alike, setAlike] = useState('');
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const id = 'q-' + key(x);
	const same = x.values.every((v) => v.same);
	const write = user.powers.includes('register');
	const take = write && x.bar === '' && !same && streamMay(user, x.of);
	const settle = async (how, body, said) => {
		setBusy(true);
		setError(null);
		try {
			await post(`quarantine/${x.changeset}/${x.op}/${how}`, body);
			tell(said);
			again();
		} catch (e) {
			setError(e);
			setBusy(false);
			if (e.status === 412 || e.status === 409)
				again();
		}
	};

	return html`<article class="held" aria-labelledby=${id}>
		<h3 id=${id}>${x.etag ? html`<a href=${recordHref(x.kind, x.id)}>${
		    x.title || _('untitled')}</a>` : html`<${Id} id=${x.id}
			href=${recordHref(x.kind, x.id)}/>`} <small
			class="dim">${x.kindName} · ${_('of {owner}', { owner:
			nameOf(x.owner) })}</small></h3>
		<p><span class="dim">${_('Why it does not count')}</span> ${
		    x.reason}</p>
		<${Trouble} error=${error}/>
		<${Sides} x=${x}/>
		${same ? html`<p class="ok">✓ ${_('What stands here is the same by now.')}</p>` :
		    x.bar && html`<p class="note">${barred(x)}</p>`}
		${write && html`<div class="row">${take && html`<button class="q"
			disabled=${busy} onClick=${() => settle('take',
			{ etag: x.etag }, _('Taken over. It goes to the other stations as an ordinary signed change that names the held one.'))}>${
			_('Take the held value')}</button>`}
			<button class="q" disabled=${busy} onClick=${() => settle('keep',
			undefined, _('Settled: what stands is kept. The held operation stays in the ledger.'))}>${
			take ? _('Keep what stands') : _('Settled')}</button>
			${many && html`<button class="t" onClick=${() =>
			    setAlike('reason')}>${_('All of this reason …')}</button>
			<button class="t" onClick=${() => setAlike('author')}>${
			    _('All of this author …')}</button>`}</div>`}
		${alike && html`<${Alike} x=${x} by=${alike} again=${again}
			onClose=${() => setAlike('')}/>`}
	</article>`;
}

// Whoever asks later finds who settled what.
function Done({ rows }) {
	return html`<details class="done"><summary>${_('Settled here')} <small>${
	    rows.length}</small></summary><div class="wide"><table
		class="list"><thead><tr>
		<th scope="col">${_('Record')}</th><th scope="col">${_('Kind')}</th>
		<th scope="col">${_('Held, does not count')}</th>
		<th scope="col">${_('Author')}</th>
		<th scope="col">${_('Settled')}</th></tr></thead><tbody>
		${rows.map((x) => html`<tr key=${key(x)}>
			<td><a href=${recordHref(x.kind, x.id)}>${x.title ||
			    x.id.slice(0, 15)}</a></td>
			<td data-label=${_('Kind')}>${x.kindName}</td>
			<td data-label=${_('Held, does not count')}>${x.values.map((v) =>
				`${registerName(x.of, v.register)} ${registerValue(x.of,
				    v.register, v.held)}`).join(' · ')} <a class="mono"
				href=${'/changesets/' + x.changeset}>${
				x.changeset.slice(0, 12)}</a></td>
			<td data-label=${_('Author')}>${x.author} · ${nameOf(x.station)}</td>
			<td data-label=${_('Settled')}>${x.settled.how === 'take' ?
			    _('taken over') : _('kept what stood')} · ${x.settled.name} · <${
			    When} at=${x.settled.at}/></td></tr>`)}
		</tbody></table></div></details>`;
}

export function Quarantine({ user, station }) {
	const of = useLoad(() => load('no'), [lang], EVENTS);
	const done = useLoad(() => load('yes'), [lang], EVENTS);
	const [rest, setRest] = useState(null);
	const again = () => {
		setRest(null);
		of.again();
		done.again();
		station.again();
	};

	useEffect(() => setRest(null), [lang, of.data]);
	const first = of.data?.rows ?? [];
	const known = new Set(first.map(key));
	const list = [...first, ...(rest?.rows ?? []).filter((x) =>
		!known.has(key(x)))];
	const next = rest ? rest.next : of.data?.next;

	return html`<section aria-labelledby="h-q"><h2 id="h-q">${
	    _('Quarantine')} <small>${of.data?.undecided || ''}</small></h2>
		<p class="dim">${_('Signed and held, but they do not count: whoever wrote them had no right to. They are the same at every station and nothing is lost.')}</p>
		<${Loaded} of=${of}>${() => list.length === 0 ? html`
			<p class="ok">${of.data.total > 0 ?
			    _('Nothing in it is still to be decided here.') :
			    _('Nothing is quarantined.')}</p>` : html`
			${list.map((x) => html`<${Held} key=${key(x)} x=${x} user=${user}
				again=${again} many=${of.data.undecided > 1}/>`)}
			${(next || rest) && html`<${More} next=${next} count=${PAGE}
				load=${async (after) => {
					const page = await load('no', after);

					setRest({ next: page.next, rows: [...rest?.rows ?? [],
						...page.rows] });
				}}/>`}`}</${Loaded}>
		${done.data?.rows.length > 0 && html`<${Done} rows=${done.data.rows}/>`}
	</section>`;
}
