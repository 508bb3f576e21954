// What was found: two characters of Chinese suffice.
import { html } from '../vendor/preact.js';
import { get, query } from '../api.js';
import { _, label, lang } from '../i18n.js';
import { kinds, ownKind } from '../kinds.js';
import { Site } from '../names.js';
import { Head, Loaded, Status, useLoad } from '../parts.js';
import { recordHref } from '../route.js';
import { rowKeys } from './records.js';

const MOST = 100;

export default function Find({ route }) {
	const q = route.query.q ?? '';
	const of = useLoad(async () => ({ found: await get('find' + query({ q,
		_limit: MOST })), list: await kinds() }), [q, lang]);

	return html`<div class="sheet"><${Head} title=${_('Found: {q}', { q })}
		at=${of.at} small=${of.data && _('{n} of {all}', { n: of.data.found.records.length,
		    all: of.data.found.total })}/>
		<${Loaded} of=${of}>${({ found, list }) => found.records.length === 0 ?
		    html`<p>${_('Nothing here contains “{q}”.', { q })}</p>
			<p class="dim">${_('Try fewer or other characters: names, addresses and numbers are searched.')}</p>` : html`
			<div class="wide" onKeyDown=${rowKeys}><table class="list"><thead><tr>
			<th scope="col">${_('Title')}</th><th scope="col">${_('Kind')}</th>
			<th scope="col">${_('Status')}</th><th scope="col">${_('Address')}</th>
			<th scope="col">${_('Telephone')}</th>
			<th scope="col">${_('Owner')}</th></tr></thead><tbody>
			${found.records.map((r) => {
				const kind = ownKind(list, r);

				return html`<tr key=${r.id}><td><a data-row
					href=${recordHref(kind, r.id)}>${r.title ||
					    _('untitled')}</a></td>
				<td data-label=${_('Kind')}>${label(list.find((k) =>
				    k.name === kind))}</td>
				<td data-label=${_('Status')}>${r.values.status ? html`<${Status}
					code=${r.values.status} text=${r.text.status}/>` :
				    r.text.state ?? ''}</td>
				<td data-label=${_('Address')}>${r.text.address ??
				    r.text.place ?? ''}</td>
				<td class="whole" data-label=${_('Telephone')}>${r.text.phone ??
				    ''}</td>
				<td class="whole" data-label=${_('Owner')}><${Site}
					code=${r.owner} bare/></td></tr>`;
			})}</tbody></table></div>`}</${Loaded}></div>`;
}
