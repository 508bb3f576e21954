// One's own account: password, second factor, tokens for machines.
import { html, useState } from '../vendor/preact.js';
import { get, post, remove, whoAmI } from '../api.js';
import { _, lang } from '../i18n.js';
import { Age, Head, Loaded, tell, Trouble, useLoad, useNow } from '../parts.js';
import { roleName } from '../roles.js';

// A form of a few fields that says what came of it.
function Ask({ fields, verb, send, quiet }) {
	const [error, setError] = useState(null);
	const submit = async (e) => {
		const form = e.target;

		e.preventDefault();
		try {
			await send(Object.fromEntries(new FormData(form)));
			setError(null);
			form.reset();
		} catch (failed) {
			setError(failed);
		}
	};

	return html`<form class="line" onSubmit=${submit}>
		<${Trouble} error=${error}/>
		${fields.map((f) => html`<label key=${f.name}><span>${f.label}</span>
			<input name=${f.name} type=${f.type ?? 'password'} required
				autocomplete=${f.auto ?? 'current-password'}/></label>`)}
		<button class=${quiet ? 'q' : ''}>${verb}</button></form>`;
}

const OLD = () => ({ name: 'password', label: _('Present password') });
const code = () => ({ name: 'code', label: _('One-time code'), type: 'text',
	auto: 'one-time-code' });

function Factor({ user, again }) {
	const [begun, setBegun] = useState(null);
	const [spares, setSpares] = useState(null);

	return html`<section aria-labelledby="h-factor"><h2 id="h-factor">${
	    _('Second factor')}</h2>
		${spares && html`<div class="note" role="status"><p>${
		    _('Spare codes, each good once. Write them down and lock them away: they are not shown again.')}</p>
			<p class="mono big">${spares.join('  ')}</p></div>`}
		${user.totp ? html`<p class="ok">✓ ${
		    _('On: a code of your telephone is wanted at login.')}</p>
			<${Ask} quiet=${true} verb=${_('Take the second factor off')}
				fields=${[OLD(), code()]} send=${async (v) => {
				await post('me/totp/off', v);
				setSpares(null);
				tell(_('The second factor is off.'));
				again();
			}}/>` : begun ? html`
			<p>${_('Read this with the app of your telephone, then type the code that it shows.')}</p>
			<div class="qr"><img alt=${_('Code to be read by a telephone')}
				src=${'data:image/svg+xml,' + encodeURIComponent(begun.svg)}/>
			<p class="mono">${begun.secret.replace(/(.{4})/g, '$1 ')}</p></div>
			<${Ask} verb=${_('Switch it on')} fields=${[code()]}
				send=${async (v) => {
				setSpares((await post('me/totp/confirm', v)).spares);
				setBegun(null);
				again();
			}}/>` : html`
			<p>${_('Off. With it a code of your telephone is wanted at login, besides the password.')}</p>
			<${Ask} verb=${_('Set it up')} fields=${[OLD()]}
				send=${async (v) => setBegun(await post('me/totp', v))}/>`}
	</section>`;
}

function Tokens({ user, now }) {
	const of = useLoad(() => get('tokens'), [lang], { events: [] });
	const [made, setMade] = useState(null);
	const [error, setError] = useState(null);
	const revoke = async (t) => {
		try {
			await remove('tokens/' + encodeURIComponent(t.id));
			tell(_('{name} lets nobody in any more.', t));
			setError(null);
		} catch (failed) {
			setError(failed);
		}
		of.again();
	};

	return html`<section aria-labelledby="h-tokens"><h2 id="h-tokens">${
	    _('Tokens for machines')} <small>${of.data?.tokens.length ||
	    ''}</small></h2>
		<p class="dim">${_('A machine that shows a token may do what you may, and no more. Description of the interface:')} <a
			href="/api/openapi.json" target="_blank"
			rel="noopener">openapi.json</a></p>
		${made && html`<div class="note" role="status"><p>${
		    _('Token of {name}. Copy it now: it is not shown again.', made)}</p>
			<p class="mono">${made.token}</p></div>`}
		<${Ask} verb=${_('Make a token')} fields=${[{ name: 'name',
			label: _('What machine'), type: 'text', auto: 'off' }]}
			send=${async (v) => {
				setMade(await post('tokens', v));
				of.again();
			}}/>
		<${Trouble} error=${error}/>
		<${Loaded} of=${of}>${(d) => d.tokens.length === 0 ? html`
			<p class="dim">${_('There is none.')}</p>` : html`
			<div class="wide"><table class="list"><thead><tr>
			<th scope="col">${_('What machine')}</th>
			<th scope="col">${_('Login')}</th><th scope="col">${_('Role')}</th>
			<th scope="col">${_('Made')}</th><th scope="col">${_('Last used')}</th>
			<th scope="col"><span class="hide">${_('Revoke')}</span></th>
			</tr></thead><tbody>${d.tokens.map((t) => html`<tr key=${t.id}>
				<td>${t.name}</td>
				<td class="mono" data-label=${_('Login')}>${t.login}</td>
				<td data-label=${_('Role')}>${roleName(t.role)}</td>
				<td data-label=${_('Made')}><${Age} at=${t.made} now=${now}/></td>
				<td data-label=${_('Last used')}><${Age} at=${t.last}
					now=${now}/></td>
				<td><button class="t" onClick=${() => revoke(t)}>${
				    _('Revoke')}<span class="hide"> ${t.name}</span></button></td>
			</tr>`)}</tbody></table></div>`}</${Loaded}></section>`;
}

export default function Self() {
	const of = useLoad(whoAmI, [], { events: [] });
	const now = useNow(15000);

	return html`<div class="page"><${Loaded} of=${of}>${(user) => html`
		<${Head} title=${_('My account')} small=${`${user.name} · ${
		    user.login} · ${roleName(user.role)}`}/>
		${user.powers.length === 0 && html`<p class="note">${
		    _('This account has no role yet, so it sees nothing of the station. Ask the security administrator of this station to give it one, then log in anew.')}</p>`}
		<section aria-labelledby="h-pass"><h2 id="h-pass">${
		    _('Password')}</h2>
			<p class="dim">${_('10 characters or more, of three sorts; good for 90 days. Your other sessions end.')}</p>
			<${Ask} verb=${_('Change the password')} fields=${[OLD(),
				{ name: 'new_password', label: _('New password'),
				    auto: 'new-password' }, ...user.totp ? [code()] : []]}
				send=${async (v) => {
					await post('me/password', v);
					tell(_('The password is changed.'));
				}}/></section>
		<${Factor} user=${user} again=${of.again}/>
		<${Tokens} user=${user} now=${now}/>`}</${Loaded}></div>`;
}
