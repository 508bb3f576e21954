// Who changed what when, with the mark of its verified signature.
import { html } from '../vendor/preact.js';
import { _, label } from '../i18n.js';
import { nameOf } from '../names.js';
import { Loaded, When } from '../parts.js';
import { day } from '../time.js';
import { subjectWords, words } from '../words.js';

const OPEN = 4; // so many are shown whole

export function What({ kind, op }) {
	const field = (name) => kind?.fields.find((f) => f.name === name);
	const line = (name, sign, v) => html`<li key=${sign + name}><span>${
	    label(field(name)) || name}</span> <b>${sign}${words(field(name),
	    v)}</b></li>`;

	return html`<ul class="what">
		${op.drop !== undefined && html`<li><span>${_('removed')}</span>
			<b>${op.drop}</b></li>`}
		${Object.entries(op.set ?? {}).map(([k, v]) => line(k, '', v))}
		${Object.entries(op.add ?? {}).map(([k, v]) => line(k, '+ ', v))}
		${Object.entries(op.remove ?? {}).map(([k, v]) => line(k, '− ', v))}
	</ul>`;
}

// A sign and a word, as the server found the signature when it was asked.
export const Signature = ({ good }) => good ?
	html`<span class="ok">✓ ${_('signature verified')}</span>` :
	html`<span class="late">✗ ${_('signature not verified')}</span>`;

export function History({ kind, list, of, r }) {
	return html`<section aria-labelledby="h-history"><h2 id="h-history">${
	    _('History')} <small>${_('entered {at} by {who}', { at: r.created_at ?
	    day(r.created_at) : '?', who: r.created_by || '?' })}</small></h2>
		<${Loaded} of=${of}>${(d) => html`<ol class="history">
			${[...d].reverse().map((h, i) => html`<li key=${h.id + JSON.stringify(h.op)}>
				<p><${When} at=${h.time}/> · <b>${h.author}</b> · ${
				    nameOf(h.station)}</p>
				<details open=${i < OPEN}><summary title=${h.subject}>${
				    subjectWords(h.subject, list)}</summary><${What} kind=${kind} op=${h.op}/></details>
				<p><a class="mono" href=${'/changesets/' + h.id}>${
				    h.id.slice(0, 12)}</a> <${Signature} good=${h.verified}/>
				${!h.accepted && html` <span class="late">${
				    _('does not count: quarantined')}</span>`}</p></li>`)}
		</ol>`}</${Loaded}></section>`;
}
