// What was found: two characters of Chinese suffice.
import { html, useEffect, useState } from '../vendor/preact.js';
import { get, query } from '../api.js';
import { _, label, lang } from '../i18n.js';
import { kinds, ownKind } from '../kinds.js';
import { Site } from '../names.js';
import { Head, Loaded, More, Phone, Status, useLoad } from '../parts.js';
import { recordHref } from '../route.js';
import { rowKeys } from './records.js';

const PAGE = 100;

// Counting all that a common word finds takes longer than showing a page.
const many = ({ total, more }, shown) => (more ?
	_('{n} of more than {all}', { n: shown, all: total.toLocaleString() }) :
	_('{n} of {all}', { n: shown, all: total }));

export default function Find({ route }) {
	const q = route.query.q ?? '';
	const of = useLoad(async () => ({ found: await get('find' + query({ q,
		_limit: PAGE })), list: await kinds() }), [q, lang]);
	const [rest, setRest] = useState(null);

	useEffect(() => setRest(null), [q, lang]);
	const first = of.data?.found.records ?? [];
	const known = new Set(first.map((r) => r.id));
	const shown = [...first, ...(rest?.records ?? []).filter((r) =>
		!known.has(r.id))];

	return html`<div class="sheet"><${Head} title=${_('Found: {q}', { q })}
		at=${of.at} small=${of.data && many(of.data.found, shown.length)}/>
		<${Loaded} of=${of}>${({ found, list }) => found.records.length === 0 ?
		    html`<p>${_('Nothing here contains “{q}”.', { q })}</p>
			<p class="dim">${_('Try fewer or other characters: names, addresses and numbers are searched.')}</p>` : html`
			<div class="wide" onKeyDown=${rowKeys}><table class="list"><thead><tr>
			<th scope="col">${_('Title')}</th><th scope="col">${_('Kind')}</th>
			<th scope="col">${_('Status')}</th><th scope="col">${_('Address')}</th>
			<th scope="col">${_('Telephone')}</th>
			<th scope="col">${_('Owner')}</th></tr></thead><tbody>
			${shown.map((r) => {
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
				<td class="whole" data-label=${_('Telephone')}><${Phone}
				    text=${r.text.phone ?? ''}/></td>
				<td class="whole" data-label=${_('Owner')}><${Site}
					code=${r.owner} bare/></td></tr>`;
			})}</tbody></table></div>
			<${More} next=${rest ? rest.next : found.next} count=${PAGE}
				load=${async (next) => {
					const page = await get('find' + query({ q, _limit: PAGE,
						_after: next }));

					setRest({ next: page.next, records: [
						...rest?.records ?? [], ...page.records] });
				}}/>`}</${Loaded}></div>`;
}
