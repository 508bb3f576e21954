// The console's own log: every login and administrative act, hash-chained.
import { html, useEffect, useState } from '../vendor/preact.js';
import { get, query } from '../api.js';
import { _, lang } from '../i18n.js';
import { Head, Loaded, Trouble, useLoad } from '../parts.js';
import { exact } from '../time.js';

const good = (e) => ['ok', '', 'done'].includes(e.result);

export default function Audit() {
	const of = useLoad(() => get('audit'), [lang], { events: [] });
	const [more, setMore] = useState({ entries: [], end: false });
	const [error, setError] = useState(null);

	useEffect(() => setMore({ entries: [], end: false }), [lang]);
	const all = [...of.data?.entries ?? [], ...more.entries];
	const last = all[all.length - 1]?.no;
	const older = async () => {
		try {
			const { entries } = await get('audit' + query({ _below: last }));

			setMore({ entries: [...more.entries, ...entries],
				end: entries.length === 0 });
			setError(null);
		} catch (e) {
			setError(e);
		}
	};

	return html`<div class="page"><${Head} title=${_('Audit log')}
		at=${of.at}/>
		<${Loaded} of=${of}>${(d) => html`
		${d.whole ? html`<p class="ok lead">✓ ${_('The chain of entries is whole: none was changed or taken out.')}</p>` :
		    html`<div class="note bad" role="alert"><b>${
			_('The chain of entries is broken.')}</b> ${
			_('Somebody changed or removed entries outside this program. Secure the disk and report it.')}${d.faults?.map((f) => html`
			<p class="mono" key=${f}>${f}</p>`)}</div>`}
		<div class="wide"><table class="list"><thead><tr>
			<th scope="col" class="n">${_('No')}</th><th scope="col">${_('Time')}</th>
			<th scope="col">${_('Login')}</th><th scope="col">${_('From')}</th>
			<th scope="col">${_('What')}</th><th scope="col">${_('About')}</th>
			<th scope="col">${_('Result')}</th></tr></thead><tbody>
			${all.map((e) => html`<tr key=${e.no}><td class="n">${e.no}</td>
				<td class="mono" data-label=${_('Time')}>${exact(e.at)}</td>
				<td class="mono" data-label=${_('Login')}>${e.login}</td>
				<td data-label=${_('From')}>${_(e.peer + '|audit')}</td>
				<td data-label=${_('What')}>${_(e.what + '|audit')}</td>
				<td class="mono" data-label=${_('About')}>${e.about}</td>
				<td data-label=${_('Result')}>${good(e) ? _('done|audit') :
				    html`<span class="late">${_(e.result + '|audit')}</span>`}</td></tr>`)}
			</tbody></table></div>
			<${Trouble} error=${error}/>
			<p class="more">${last > 1 && !more.end ? html`<button class="q"
				onClick=${older}>${_('Older')}</button>` : html`<span
				class="dim">${_('That is all.')}</span>`}</p>`}</${Loaded}></div>`;
}
