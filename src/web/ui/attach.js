// Attachments: named by their SHA-256; they may arrive after the record.
import { html, useRef, useState } from './vendor/preact.js';
import { patch, upload } from './api.js';
import { _, label } from './i18n.js';
import { tell, Trouble } from './parts.js';

const BYTES_MAX = 16 << 20;

function Blob({ hex, n }) {
	// 0: an image, as far as is known; 1: other bytes, or not here.
	const [plain, setPlain] = useState(false);
	const name = _('Attachment {n}', { n });

	return html`<li><a href=${'/api/blobs/' + hex} target="_blank"
		rel="noopener">${plain ? html`<span class="paper"
			aria-hidden="true">▤</span>` : html`<img src=${'/api/blobs/' + hex}
			alt="" loading="lazy" onError=${() => setPlain(true)}/>`}
		<span>${name}</span></a>
		<small class="mono">${hex.slice(0, 8)}</small></li>`;
}

export function Attachments({ kind, r, path, may, again }) {
	const fields = kind.fields.filter((f) => f.type === 'blob');
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState('');
	const input = useRef(null);
	const [into, setInto] = useState('files');
	const target = fields.find((f) => f.name === into) ?? fields[0];
	const attach = async (files) => {
		setError(null);
		try {
			let etag = r.etag;

			for (const [i, file] of [...files].entries()) {
				if (file.size > BYTES_MAX)
					throw Object.assign(new Error(_(
					    '{name} is larger than {n} MB and was not sent.', {
					    name: file.name, n: BYTES_MAX >> 20 })), { status: 413 });
				setBusy(_('Sending {i} of {n}: {name}', { i: i + 1,
					n: files.length, name: file.name }));
				const hex = await upload(file);
				const change = target.elem === 'set' ? { add: {
					[target.name]: [hex] } } : { set: { [target.name]: hex } };

				({ etag } = await patch(path, etag, change));
			}
			tell(_('Attached and saved at this station.'));
		} catch (failed) {
			setError(failed);
		}
		setBusy('');
		input.current.value = '';
		again();
	};
	const all = fields.flatMap((f) => [].concat(r.values[f.name] ?? [])
	    .map((hex) => [f, hex]));

	return html`<section aria-labelledby="h-files"><h2 id="h-files">${
	    _('Attachments')} <small>${all.length || ''}</small></h2>
		<${Trouble} error=${error}/>
		${all.length === 0 && html`<p class="dim">${_('None.')}</p>`}
		<ul class="blobs">${all.map(([f, hex], i) => html`<${Blob} key=${hex}
			hex=${hex} n=${i + 1}/>`)}</ul>
		${may && html`<div class="row">
			${fields.length > 1 && html`<label class="hide" for="into">${
			    _('As')}</label><select id="into" value=${target.name}
				onChange=${(e) => setInto(e.target.value)}>
				${fields.map((f) => html`<option value=${f.name}>${
				    label(f)}</option>`)}</select>`}
			<input id="attach" ref=${input} type="file" multiple
				class="file" disabled=${!!busy}
				onChange=${(e) => attach(e.target.files)}/>
			<label class="button q" for="attach">${busy ||
			    _('Attach a photo or file')}</label></div>`}
	</section>`;
}
