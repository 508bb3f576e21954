// Who are you?
import { html, useEffect, useRef, useState } from '../vendor/preact.js';
import { logIn } from '../api.js';
import { _, lang } from '../i18n.js';
import { sentence } from '../parts.js';

function refused(error) {
	if (error.status !== 401 && error.status !== 403)
		return sentence(error);
	return /too many/.test(error.message) ?
		_('Too many wrong passwords: try again in a quarter of an hour.') :
		_('Login or password is wrong.');
}

export function Login({ onUser, onLang }) {
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
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
			onUser(await logIn(login.current.value.trim(),
			    password.current.value));
		} catch (failed) {
			setError(failed);
			setBusy(false);
			password.current.select();
		}
	};

	return html`<main class="login">
		<form onSubmit=${enter}>
			<h1>${_('Yizhan')}</h1>
			<p class="dim">${_('Emergency duty desk of this station')}</p>
			${error && html`<div class="note bad" role="alert">
				${refused(error)}</div>`}
			<label for="login">${_('Login')}</label>
			<input id="login" ref=${login} autocomplete="username" required
				autocapitalize="none" spellcheck="false"/>
			<label for="password">${_('Password')}</label>
			<input id="password" ref=${password} type="password" required
				autocomplete="current-password"/>
			<div class="row"><button disabled=${busy}>${_('Log in')}</button>
				<button type="button" class="t" onClick=${onLang}
					lang=${lang === 'en' ? 'zh-CN' : 'en'}>
					${lang === 'en' ? '中文' : 'English'}</button></div>
		</form></main>`;
}
