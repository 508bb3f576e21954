// What was changed on both sides, and (quarantine.js) what is held but does
// not count.  One click decides, as an ordinary signed change.
import { html, useEffect, useState } from '../vendor/preact.js';
import { drop, get, patch, query, recordPath } from '../api.js';
import { _, lang } from '../i18n.js';
import { typed } from '../fields.js';
import { kindOf, kinds, ownKind, streamMay } from '../kinds.js';
import { nameOf } from '../names.js';
import { Head, Loaded, More, tell, Trouble, useLoad, When } from
	'../parts.js';
import { recordHref } from '../route.js';
import { registerName, registerValue, split } from '../words.js';
import { Quarantine } from './quarantine.js';

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
		</${Loaded}></section><${Quarantine} user=${user}
			station=${station}/></div>`;
}
