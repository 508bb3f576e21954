// Who are you?
import { html, useEffect, useRef, useState } from '../vendor/preact.js';
import { logIn } from '../api.js';
import { _, lang } from '../i18n.js';
import { sentence } from '../parts.js';

function refused(error) {
	if (error.code === 'code')
		return _('Now the code of your telephone, or a spare one.');
	if (error.code === 'expired')
		return _('The password is over 90 days old: give a new one too.');
	if (error.code === 'once')
		return _('Another has set this password: give one of your own too.');
	if (error.status !== 401 && error.status !== 403)
		return sentence(error);
	return error.code === 'shut' ?
		_('Too many wrong passwords: try again in a quarter of an hour, or where you have logged in before. The security administrator can unlock it.') :
		_('Login or password is wrong.');
}

// Something more is wanted: nobody did anything wrong.
const WANTED = ['code', 'expired', 'once'];

const focused = (e) => e?.focus();

export function Login({ onUser, onLang }) {
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const [more, setMore] = useState({}); // what is wanted besides
	const login = useRef(null);
	const password = useRef(null);

	useEffect(() => {
		document.title = _('Yizhan');
		login.current.focus();
	}, [lang]);
	const enter = async (e) => {
		e.preventDefault();
		setBusy(true);
		setError(null);
		try {
			const { login: who, password: pass, ...rest } =
			    Object.fromEntries(new FormData(e.target));

			onUser(await logIn(who.trim(), pass, rest));
		} catch (failed) {
			setError(failed);
			setBusy(false);
			if (WANTED.includes(failed.code))
				setMore({ ...more, [failed.code]: true });
			else
				password.current.select();
		}
	};

	return html`<main class="login">
		<form onSubmit=${enter}>
			<h1>${_('Yizhan')}</h1>
			<p class="dim">${_('Emergency duty desk of this station')}</p>
			${error && html`<div role="alert" class=${'note' +
			    (WANTED.includes(error.code) ? '' : ' bad')}>
				${refused(error)}</div>`}
			<label for="login">${_('Login')}</label>
			<input id="login" name="login" ref=${login} autocomplete="username" required
				autocapitalize="none" spellcheck="false"/>
			<label for="password">${_('Password')}</label>
			<input id="password" name="password" ref=${password}
				type="password" required autocomplete="current-password"/>
			${more.code && html`<label for="code">${_('One-time code')}</label>
			<input id="code" name="code" ref=${focused} required
				inputmode="numeric" autocomplete="one-time-code"/>`}
			${(more.expired || more.once) && html`<label for="new_password">${
			    _('New password')}</label>
			<input id="new_password" name="new_password" ref=${focused}
				type="password" required autocomplete="new-password"/>
			<small class="dim">${_('10 characters or more, of three sorts')}</small>`}
			<div class="row"><button disabled=${busy}>${_('Log in')}</button>
				<button type="button" class="t" onClick=${onLang}
					lang=${lang === 'en' ? 'zh-CN' : 'en'}>
					${lang === 'en' ? '中文' : 'English'}</button></div>
		</form></main>`;
}
