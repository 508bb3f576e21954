// How a station comes in: one person makes an invitation, another types what
// was read to him over the telephone.  What the request says of itself is not
// shown: it would only be copied.
import { html, useState } from '../vendor/preact.js';
import { get, post, remove } from '../api.js';
import { _, lang } from '../i18n.js';
import { Age, Loaded, tell, Trouble, useLoad } from '../parts.js';

const GROUPS = 8; // of five digits

function Invite({ again }) {
	const [error, setError] = useState(null);
	const [made, setMade] = useState(null);
	const submit = async (e) => {
		const form = e.target;

		e.preventDefault();
		try {
			setMade(await post('invitations', Object.fromEntries(
			    new FormData(form))));
			setError(null);
			form.reset();
		} catch (failed) {
			setError(failed);
		}
		again();
	};

	return html`<form class="line" onSubmit=${submit}>
		<${Trouble} error=${error}/>
		<label><span>${_('Code of the new station')}</span><input name="code"
			required pattern="[0-9]{6}" inputmode="numeric" size="8"
			placeholder="520304"/></label>
		<label><span>${_('Address of this station')}</span><input
			name="address" size="24" placeholder=${_('host:22')}/></label>
		<button>${_('Make the invitation')}</button>
		${made && html`<p class="note" role="status">${
		    _('The invitation for {name} is made. Have it carried there, and let nobody else see it:',
		    made)} <a download=${made.file} href=${'data:application/json,' +
			encodeURIComponent(made.text)}>${made.file}</a></p>`}</form>`;
}

function Waiting({ i, may, now, again }) {
	const [error, setError] = useState(null);
	const act = async (what, say) => {
		try {
			await what();
			tell(say);
			setError(null);
		} catch (failed) {
			setError(failed);
		}
		again();
	};
	const confirm = (e) => {
		e.preventDefault();
		act(() => post(`stations/${i.code}/confirm`, { fingerprint:
			new FormData(e.target).get('fingerprint').trim() }),
		    _('{name} is in.', i));
	};

	return html`<article class="op"><h3>${i.name} <span
		class="mono dim">${i.code}</span></h3>
		<p>${_('invited')} <${Age} at=${i.made} now=${now}/> · ${i.request ?
		    html`${_('it has asked')} <${Age} at=${i.request.received}
			now=${now}/>` : html`<span class="gap">${
			_('it has not asked yet')}</span>`}</p>
		<${Trouble} error=${error}/>
		${i.request && may('confirm') && html`<form class="line"
			onSubmit=${confirm}><label><span>${
			_('Fingerprint, as it was heard: {n} groups of five digits',
			{ n: GROUPS })}</span><input class="mono" name="fingerprint"
			required size="48" autocomplete="off" inputmode="numeric"
			pattern="([0-9]{5}[\\- ]?){8}"
			placeholder="04674-95828-64594-88678-12738-57441-78795-68269"/></label>
			<button>${_('Let {name} in', i)}</button></form>`}
		${may('stations') && html`<div class="row"><button class="q"
			onClick=${() => act(() => remove('invitations/' + i.code),
			    _('The invitation for {name} is taken back.', i))}>${
			_('Take the invitation back')}</button></div>`}</article>`;
}

export function Joining({ user, now }) {
	const of = useLoad(() => get('invitations'), [lang],
	    { events: ['station'] });
	const may = (p) => user.powers.includes(p);

	return html`<section aria-labelledby="h-join"><h2 id="h-join">${
	    _('Joining and confirming')} <small>${of.data?.invitations.length ||
	    ''}</small></h2>
		<p class="dim lead">${_('A new station is invited by the system administrator. It asks, and its fingerprint is read out by telephone; the security administrator types what was heard, and it is in.')}</p>
		${may('stations') && html`<${Invite} again=${of.again}/>`}
		<${Loaded} of=${of}>${(d) => d.invitations.length === 0 ? html`
			<p class="dim">${_('No invitation is open.')}</p>` :
			d.invitations.map((i) => html`<${Waiting} key=${i.code} i=${i}
				may=${may} now=${now} again=${of.again}/>`)}</${Loaded}>
	</section>`;
}
