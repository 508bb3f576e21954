// Accounts.  Three powers, held apart: who makes accounts gives no rights,
// who gives rights makes none, and the log is read by a third.
import { html, useState } from '../vendor/preact.js';
import { get, post, remove } from '../api.js';
import { _, lang } from '../i18n.js';
import { isAdministrator, roleName, ROLES, roleWhat } from '../roles.js';
import { Dialog, Head, Loaded, tell, Trouble, useLoad, When } from '../parts.js';

const path = (login, what) => `users/${encodeURIComponent(login)}/${what}`;

function Account({ title, fields, send, onClose, verb, say }) {
	const [error, setError] = useState(null);
	const submit = async (e) => {
		e.preventDefault();
		const v = Object.fromEntries(new FormData(e.target));

		try {
			await send(v);
			tell(say(v));
			onClose();
		} catch (failed) {
			setError(failed);
		}
	};

	return html`<${Dialog} title=${title} onClose=${onClose}>
		<form onSubmit=${submit}><${Trouble} error=${error}/>
		${fields.map((f) => html`<div class="field" key=${f.name}>
			<label for=${'a-' + f.name}>${f.label}</label>
			<input id=${'a-' + f.name} name=${f.name} required
				type=${f.type ?? 'text'} ...${f.pattern ? { pattern:
				    f.pattern } : {} /* an empty one lets nothing through */}
				minlength=${f.min ?? null} autocomplete=${f.auto ?? 'off'}/>
			${f.hint && html`<small class="dim">${f.hint}</small>`}</div>`)}
		<div class="row"><button>${verb}</button><button type="button" class="q"
			onClick=${onClose}>${_('Leave')}</button></div></form></${Dialog}>`;
}

const PASSWORD = () => ({ name: 'password', label: _('Password'),
	type: 'password', min: 10, auto: 'new-password',
	hint: _('10 characters or more, of three sorts; for one login, at which the person chooses another') });

function Row({ u, may, again, onPassword }) {
	const [error, setError] = useState(null);
	const give = async (e) => {
		try {
			await post(path(u.login, 'role'), { role: e.target.value });
			tell(_('{name} is now: {role}', { name: u.name,
				role: roleName(e.target.value) }));
			setError(null);
		} catch (failed) {
			setError(failed);
		}
		again();
	};
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

	return html`<tr><td><b>${u.name}</b>${u.locked ? html` <span
		class="mark">${_('shut by wrong passwords')}</span>` : u.failures > 0 && html` <span
		class="mark">${_('{n} wrong passwords', { n: u.failures })}</span>`}${u.once && html` <span
		class="mark">${_('must choose a password')}</span>`}</td>
		<td class="mono" data-label=${_('Login')}>${u.login}</td>
		<td data-label=${_('Role')}>${may('rights') ? html`<select
			aria-label=${_('Role of {name}', { name: u.name })} value=${u.role}
			onChange=${give}>${ROLES.map((r) => html`<option value=${r}
			disabled=${u.once && isAdministrator(r) && r !== u.role}>${
			    roleName(r)}</option>`)}</select>` : roleName(u.role)}
			<${Trouble} error=${error}/></td>
		<td class="dim" data-label=${_('May')}>${roleWhat(u.role)}</td>
		<td data-label=${_('Last login')}>${u.last ? html`<${When}
			at=${u.last}/>` : html`<span class="dim">—</span>`}</td>
		<td class="whole" data-label=${_('Second factor')}>${u.totp ? html`<span
			class="ok">✓ ${_('on')}</span>` : html`<span class="dim">${
			_('off')}</span>`}</td>
		<td class="whole">${may('users') && (isAdministrator(u.role) ? html`<small
			class="dim">${_('password: at the machine only')}</small>` : html`<button
			class="t" onClick=${() => onPassword(u)}>${
			_('Set the password')}</button>`)}
			${may('rights') && u.locked && html`<button class="t"
				onClick=${() => act(() => post(path(u.login, 'unlock')),
				    _('{name} may try again.', u))}>${_('Unlock')}</button>`}
			${may('rights') && u.totp && html`<button class="t"
				onClick=${() => act(() => remove(path(u.login, 'totp')),
				    _('{name} logs in with the password alone.', u))}>${
				_('Take the second factor off')}</button>`}</td></tr>`;
}

export default function Users({ user }) {
	const of = useLoad(() => get('users'), [lang], { events: [] });
	const [making, setMaking] = useState(false);
	const [pass, setPass] = useState(null);
	const may = (p) => user.powers.includes(p);

	return html`<div class="page"><${Head} title=${_('Users')}>
		${may('users') && html`<button data-key="n" onClick=${() =>
			setMaking(true)}>${_('New account')} <kbd>n</kbd></button>`}
		</${Head}>
		<p class="dim lead">${_('Accounts are made by the system administrator, rights are given by the security administrator, and the log is read by the audit administrator: nobody holds two of these powers. Whoever sets a password knows it until the person has chosen another: before that no role of an administrator is given, and an administrator\'s own is set at the machine only.')}</p>
		<${Loaded} of=${of}>${(d) => html`<div class="wide"><table class="list">
			<thead><tr><th scope="col">${_('Name')}</th>
			<th scope="col">${_('Login')}</th><th scope="col">${_('Role')}</th>
			<th scope="col">${_('May')}</th><th scope="col">${_('Last login')}</th>
			<th scope="col">${_('Second factor')}</th>
			<th scope="col"><span class="hide">${_('Password')}</span></th></tr></thead><tbody>
			${d.users.map((u) => html`<${Row} key=${u.login} u=${u} may=${may}
				again=${of.again} onPassword=${setPass}/>`)}
			</tbody></table></div>`}</${Loaded}>
		${making && html`<${Account} title=${_('New account')}
			verb=${_('Make the account')} onClose=${() => {
				setMaking(false);
				of.again();
			}} send=${(v) => post('users', v)}
			say=${(v) => _('{name} can log in once a role is given.', v)}
			fields=${[{ name: 'login', label: _('Login'),
			    pattern: '[a-z0-9][a-z0-9._\\-]{0,31}',
			    hint: _('small letters, digits, . _ -') },
			{ name: 'name', label: _('Name') }, PASSWORD()]}/>`}
		${pass && html`<${Account} title=${_('Password of {name}', pass)}
			verb=${_('Set the password')} onClose=${() => setPass(null)}
			send=${(v) => post(path(pass.login, 'password'), v)}
			say=${() => _('The password of {name} is set.', pass)}
			fields=${[PASSWORD()]}/>`}</div>`;
}
