// One record: what stands, how sure, where it has arrived, who wrote what.
import { html, useState } from '../vendor/preact.js';
import { drop, get, patch, recordPath } from '../api.js';
import { Attachments } from '../attach.js';
import { _, label, lang, unit } from '../i18n.js';
import { typed } from '../fields.js';
import { Form } from '../form.js';
import { kindOf, kinds, ownKind, streamMay } from '../kinds.js';
import { nameOf, Site } from '../names.js';
import { Age, Dialog, Head, Id, Loaded, tell, Trouble, useLoad, useNow, When }
	from '../parts.js';
import { Points } from '../points.js';
import { go, kindHref, recordHref } from '../route.js';
import { registerName, registerValue } from '../words.js';
import { History } from './history.js';
import { Cell } from './records.js';

const FRAME = ['secrecy', 'exercise', 'town'];

// Where it has arrived, and how old it is.
function Stands({ r, parent, history, now }) {
	const up = r.stands?.superior;
	const last = history?.filter((h) => h.accepted).pop();

	return html`<p class="stands"><span class="ok">✓ ${
	    _('Saved here')}</span>${up === true ? html`
		<span class="ok">✓ ${_('Reached {name}', { name: parent })}</span>` :
		up === false ? html`<span class="wait">… ${_('Not yet at {name}',
		    { name: parent })}</span>` : ''}${last && html`
		<span class="dim">${_('last change')} <${Age} at=${last.time}
			now=${now}/> · ${last.author} · ${nameOf(last.station)}</span>`}</p>`;
}

function Clashes({ kind, r }) {
	return html`<section class="clashes" aria-labelledby="h-clash">
		<h2 id="h-clash">${_('Changed on both sides')} <small>
			<a href="/conflicts">${_('Decide')}</a></small></h2>
		${Object.entries(r.conflict_values ?? {}).map(([register, list]) => html`
			<p key=${register}>${registerName(kind, register)}</p>
			<ul class="both">${list.map((v) => html`<li key=${v.changeset}>
				<b>${registerValue(kind, register, v.value)}</b>
				<small>${nameOf(v.station)} · ${v.author} · <${When} at=${v.time}/>${v.shown
				    ? ' · ' + _('shown') : ''}</small></li>`)}</ul>`)}</section>`;
}

function Values({ kind, r }) {
	const [all, setAll] = useState(false);
	const has = (f) => f.name in r.values || f.required;
	const fields = kind.fields.filter((f) => f.type !== 'blob' &&
		!FRAME.includes(f.name));
	const empty = fields.filter((f) => !has(f));
	const row = (f) => html`<div key=${f.name} class=${r.conflicts.some((c) =>
		c === f.name || c === '#' + f.group || c.startsWith(f.name + '=')) ?
		'clash' : ''}><dt>${label(f)}${f.personal && html` <small>${
		_('personal')}</small>`}</dt>
		<dd>${f.type === 'ref' && f.elem === 'one' && r.values[f.name] ? html`
			<a href=${recordHref(f.target, r.values[f.name])}>${r.text[f.name]
			    || r.values[f.name]}</a>` : html`<${Cell} f=${f} r=${r}/>`}
			${r.text[f.name] && unit(f.unit) &&
			    /\d$/.test(r.text[f.name]) && html`<small class="unit">${
			    unit(f.unit)}</small>`}</dd></div>`;

	return html`<dl class="values">${fields.filter((f) => all || has(f))
	    .map(row)}</dl>
		<p class="frame dim"><span>${_('Owner')}：<${Site}
			code=${r.owner}/></span> ${kind.fields.filter((f) => FRAME.includes(f.name) &&
		    f.name in r.values).map((f) => html`<span key=${f.name}>${
		    label(f)}：${r.text[f.name]}</span> `)}
		${empty.length > 0 && html`<button class="t" onClick=${() =>
		    setAll(!all)}>${all ? _('Hide empty fields') :
		    _('{n} empty fields', { n: empty.length })}</button>`}</p>`;
}

function Drop({ r, path, onClose }) {
	const [why, setWhy] = useState('');
	const [error, setError] = useState(null);
	const remove = async (e) => {
		e.preventDefault();
		try {
			await drop(path, why.trim());
			tell(_('Removed: {title}. Any change brings it back.', {
				title: r.title }));
			onClose();
		} catch (failed) {
			setError(failed);
		}
	};

	return html`<${Dialog} title=${_('Remove “{title}”', { title: r.title })}
		onClose=${onClose}><form onSubmit=${remove}>
		<p>${_('It will no longer show in lists, here and at every station that holds it. Nothing is erased: the history stays, and writing any field brings it back.')}</p>
		<${Trouble} error=${error}/>
		<label for="why">${_('Reason (goes into the signed record)')}</label>
		<input id="why" value=${why} required maxlength="200"
			onInput=${(e) => setWhy(e.target.value)}/>
		<div class="row"><button disabled=${!why.trim()}>${
		    _('Remove the record')}</button>
			<button type="button" class="q" onClick=${onClose}>${
			    _('Keep it')}</button></div></form></${Dialog}>`;
}

function Edit({ kind, r, path, done }) {
	const [etag, setEtag] = useState(r.etag);
	const [nows, setNows] = useState(null);
	// What stood when the form was opened; news do not move it.
	const [before] = useState(Object.fromEntries(kind.fields.map((f) =>
		[f.name, typed(f, r.values[f.name])])));
	const save = async (diff) => {
		try {
			const { changed } = await patch(path, etag, diff);

			tell(changed ? _('Saved at this station.') :
			    _('Nothing was different.'));
			done();
		} catch (e) {
			if (e.status === 412) {
				setNows(e.body.fields ?? {});
				setEtag((await get(path)).etag);
			}
			throw e;
		}
	};

	return html`<${Form} kind=${kind} before=${before} texts=${r.text}
		save=${save} onLeave=${done} verb=${_('Save changes')} nows=${nows}/>`;
}

async function load(name, id) {
	const [record, list] = await Promise.all([get(recordPath(name, id)),
		kinds()]);

	// The id says which record; how it was reached does not matter.
	return { r: record, list, kind: await kindOf(ownKind(list, record)) };
}

export function Record({ name, id, rest, user, station }) {
	const path = recordPath(name, id);
	const of = useLoad(() => load(name, id), [name, id, lang],
	    { events: ['change', 'station'] });
	const history = useLoad(async () => (await get(path + '/history')).history,
	    [path, lang]);
	const now = useNow(15000);
	const [removing, setRemoving] = useState(false);
	const here = recordHref(name, id);
	const parent = station.data?.peers.find((p) => p.relation === 'parent')
	    ?.name ?? _('the superior');

	return html`<${Loaded} of=${of}>${({ r, kind, list }) => {
		const may = streamMay(user, kind) && !kind.append_only;
		const title = r.title || _('untitled');

		if (rest === 'edit' && may)
			return html`<div class="page narrow"><${Head} title=${_(
			    'Change: {title}', { title })} small=${label(kind)}/>
				<${Edit} kind=${kind} r=${r} path=${path} done=${() => {
					of.again();
					go(here, true);
				}}/></div>`;
		return html`<div class="page">
			<p class="crumb"><a href=${kindHref(kind.name)}>${label(kind)}</a> › <${Id} id=${r.id}/></p>
			<${Head} title=${title} small=${r.removed ? _('removed') : ''}>
				${may && html`<a class="button" data-key="e"
					href=${here + '/edit'}>${_('Change')} <kbd>e</kbd></a>`}
				${may && !r.removed && html`<button class="q"
					onClick=${() => setRemoving(true)}>${_('Remove …')}</button>`}
			</${Head}>
			${r.values.exercise === true && html`<p><b class="drill">${
			    _('Exercise')}</b></p>`}
			<${Stands} r=${r} parent=${parent} history=${history.data}
				now=${now}/>
			${r.conflicts.length > 0 && html`<${Clashes} kind=${kind} r=${r}/>`}
			<div class="two"><div><${Values} kind=${kind} r=${r}/>
				${kind.fields.some((f) => f.type === 'blob') && html`
					<${Attachments} kind=${kind} r=${r} path=${path} may=${may}
						again=${of.again}/>`}</div>
			<div>
				${r.values.lon && html`<${Points} centre=${r} records=${[]}
					label=${_('Where {title} is', { title })}/>`}
				<${History} kind=${kind} list=${list} of=${history} r=${r}/>
			</div></div>
			${removing && html`<${Drop} r=${r} path=${path} onClose=${() => {
				setRemoving(false);
				of.again();
			}}/>`}</div>`;
	}}</${Loaded}>`;
}
