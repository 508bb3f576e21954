// The first page of a machine that is no station yet: who has its set-up code
// makes one, step by step, and is then at the login.
import { html, useEffect, useRef, useState } from '../vendor/preact.js';
import { setUp } from '../api.js';
import { _, lang, N_ } from '../i18n.js';
import { Ring } from '../ring.js';
import { roleName, roleWhat } from '../roles.js';

const STEPS = [N_('Set-up code'), N_('Station'), N_('Recovery key'),
	N_('Accounts'), N_('Done')];
const POWERS = ['system', 'security', 'audit'];
const LOGINS = { system: 'sys1', security: 'sec1', audit: 'aud1' };
const LOOK_MS = 500;

const why = (error) => error.status === 0 ?
	_('The server was not reached. Nothing was changed; try again.') :
	error.message;

// A form that says what came of it; busy as long as that takes.
function Form({ send, verb, busyVerb, children, more }) {
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		setError(null);
		try {
			await send(Object.fromEntries(new FormData(e.target)));
		} catch (failed) {
			setError(failed);
		}
		setBusy(false);
	};

	return html`<form onSubmit=${submit}>
		${error && html`<div class="note bad" role="alert"><b>${
		    _('It did not work.')}</b> ${why(error)}</div>`}
		${children}
		<div class="row"><button disabled=${busy}>${busy && busyVerb ||
		    verb}</button>${more}</div></form>`;
}

function Field({ name, label, hint, ...rest }) {
	return html`<div class="field"><label for=${'s-' + name}>${label}</label>
		<input id=${'s-' + name} name=${name} required autocomplete="off"
			aria-describedby=${hint ? `h-${name}` : null} ...${rest}/>
		${hint && html`<small class="dim" id=${`h-${name}`}>${hint}</small>`}
	</div>`;
}

// Each step begins at its heading, for the keyboard and the ear too.
function Step({ title, children }) {
	const ref = useRef(null);

	useEffect(() => ref.current.focus(), []);
	return html`<h2 tabindex="-1" ref=${ref}>${title}</h2>${children}`;
}

// --- the code --------------------------------------------------------------------
function Code({ onCode }) {
	return html`<${Step} title=${_('This machine is no station yet')}>
		<p>${_('The set-up code shows that you are its administrator. It was printed when the package was installed; at the machine, as root, this prints it again:')}</p>
		<pre>yizhan setup-code</pre>
		<${Form} verb=${_('Begin')} send=${(v) => onCode(v.code.trim())}>
			<${Field} name="code" label=${_('Set-up code')} inputmode="numeric"
				class="mono big" pattern="([0-9]{4}[ \\-]?){4}" size="22"
				placeholder="0000-0000-0000-0000"/>
		</${Form}></${Step}>`;
}

// --- which station -----------------------------------------------------------------
function Found({ api, onMade }) {
	const [name, setName] = useState('');
	const [code, setCode] = useState('');

	useEffect(() => {
		if (/^[0-9]{6}$/.test(code))
			api.get('/division?code=' + code).then((d) => setName(d.name),
			    () => setName(''));
	}, [code]);
	return html`<${Form} verb=${_('Found the first station')}
		busyVerb=${_('Making it …')} send=${async (v) => onMade(
		    await api.post('/station', { how: 'found', ...v }))}>
		<${Field} name="code" label=${_('Code of this station')}
			inputmode="numeric" pattern="[0-9]{6}" class="mono" size="8"
			placeholder="520300" value=${code}
			onInput=${(e) => setCode(e.target.value)}
			hint=${_('of the division, six digits (GB/T 2260)')}/>
		<${Field} name="name" label=${_('Name of this station')} value=${name}
			onInput=${(e) => setName(e.target.value)}/>
		<${Field} name="person" label=${_('Your own name')}
			hint=${_('The first changesets are signed with it.')}/>
	</${Form}>`;
}

function readInvitation(text) {
	try {
		const i = JSON.parse(text);

		return i && typeof i === 'object' && i.code ? i : null;
	} catch {
		return null;
	}
}

function Join({ api, onMade }) {
	const [text, setText] = useState('');
	const i = readInvitation(text);
	const read = async (e) => setText(await e.target.files[0]?.text() ?? '');

	return html`<${Form} verb=${i ? _('Ask {parent} to let {name} in', i) :
	    _('Ask the superior')} busyVerb=${_('Asking …')}
		send=${async () => onMade(await api.post('/station', { how: 'join',
		    invitation: text }))}>
		<div class="field"><label for="s-file">${_('Invitation')}</label>
			<input id="s-file" type="file" required
				accept=".invitation,application/json" onChange=${read}/>
			<small class="dim">${_('the file that the superior made and had carried here, such as 520302.invitation')}</small></div>
		${text && (i ? html`<dl class="facts" aria-live="polite">
			<div><dt>${_('This station will be')}</dt><dd><b>${i.name}</b> <span
				class="mono">${i.code}</span></dd></div>
			<div><dt>${_('Its superior')}</dt><dd class="mono">${
			    i.parent}</dd></div>
			<div><dt>${_('reached at')}</dt><dd class="mono">${
			    i.address}</dd></div></dl>` : html`<p class="note bad"
			role="alert">${_('This file is no invitation.')}</p>`)}
	</${Form}>`;
}

function Choose({ api, onMade }) {
	const [how, setHow] = useState('');
	const choice = (value, title, what) => html`<label
		class=${how === value ? 'choice on' : 'choice'}>
		<input type="radio" name="how" checked=${how === value}
			onChange=${() => setHow(value)}/>
		<span><b>${title}</b><br/>${what}</span></label>`;

	return html`<${Step} title=${_('Which station is this to be?')}>
		<fieldset><legend class="hide">${_('Which station is this to be?')}</legend>
		${choice('join', _('It joins a tree'),
		    _('There is a superior already. It has made an invitation, and the line to it is up.'))}
		${choice('found', _('It is the first of a tree'),
		    _('Nobody is above it. All others join below it, by invitation.'))}
		</fieldset>
		${how === 'join' && html`<${Join} key="join" api=${api}
			onMade=${onMade}/>`}
		${how === 'found' && html`<${Found} key="found" api=${api}
			onMade=${onMade}/>`}</${Step}>`;
}

// --- what is to be kept, and said ------------------------------------------------------
const superior = (made) => made.parent_name ?
	`${made.parent_name} ${made.parent}` : made.parent;

const Fingerprint = ({ made, more }) => html`<${Ring} more=${more}
	fingerprint=${made.fingerprint} who=${superior(made)}/>`;

const rows = (digits) => digits.trim().split('\n').map((l) => {
	const [no, ...groups] = l.trim().split(/\s+/);

	return { no, groups: groups.slice(0, -1), check: groups.at(-1) };
});

// Printed, this is the sheet and nothing else.
const Sheet = ({ made }) => html`<section class="keysheet"
	aria-label=${_('Recovery key')}>
	<h3>${_('Recovery key of {name} {code}', made)}</h3>
	<div class="qr"><img alt=${_('The recovery key as a QR code')}
		src=${'data:image/svg+xml,' + encodeURIComponent(made.svg)}/>
	<table class="mono"><tbody>${rows(made.digits).map((r) => html`
		<tr key=${r.no}><th scope="row">${r.no}</th>${r.groups.map((g) => html`
			<td>${g}</td>`)}<td class="check">${r.check}</td></tr>`)}
	</tbody></table></div>
	<p>${_('Whoever has this sheet can replace the keys of the station. Seal it in an envelope, and keep it at the superior, not here.')}</p>
</section>`;

function Paper({ made, onNext, onOver }) {
	const want = rows(made.digits).map((r) => r.check).join('');

	return html`<${Step} title=${_('Keep the recovery key')}>
		${made.fingerprint && html`<${Fingerprint} made=${made}
			more=${_('You can go on meanwhile.')}/>`}
		<p>${_('When this machine is broken or stolen, only this key can replace the keys of the station. It is shown now and never again: print it, or copy it by hand.')}</p>
		<${Sheet} made=${made}/>
		<p><button type="button" class="q" onClick=${() => print()}>${
		    _('Print the sheet')}</button></p>
		${made.how === 'found' && html`<p>${_('And the root key, which governs the whole tree, lies in {home}/keys/root: copy it to where nothing burns.', made)}</p>`}
		<${Form} verb=${_('It is on paper; go on')} send=${(v) => {
			const check = v.check.toLowerCase().replace(/[ \-]/g, '');

			if (check !== want)
				throw Object.assign(new Error(_('These are not the last two signs of each line; look at the sheet again.')), { status: 400 });
			onNext(check);
		}} more=${html`<button type="button" class="t" onClick=${onOver}>${
		    _('Start over')}</button>`}>
			<${Field} name="check" class="mono" size="14"
				label=${_('From the sheet: the last two signs of each line, 1 to 4')}
				pattern="([0-9a-fA-F]{2}[ \\-]?){4}" placeholder="00 00 00 00"/>
		</${Form}></${Step}>`;
}

// --- accounts --------------------------------------------------------------------------
function Accounts({ api, check, onDone }) {
	const send = async (v) => {
		const accounts = POWERS.map((role) => ({ role, login: v[role + '-login']
		    .trim(), name: v[role + '-name'].trim(),
			password: v[role + '-password'] }));

		if (accounts.some((a) => v[a.role + '-again'] !== a.password))
			throw Object.assign(new Error(_('A password was not typed alike twice.')), { status: 400 });
		await api.post('/finish', { check, accounts });
		onDone();
	};

	return html`<${Step} title=${_('Three people, three powers')}>
		<p>${_('No account has two of these. Each person types the password alone: 10 characters or more, of three sorts.')}</p>
		<${Form} send=${send} verb=${_('Set up the station')}
			busyVerb=${_('Setting it up …')}>
		${POWERS.map((role) => html`<fieldset class="power" key=${role}>
			<legend>${roleName(role)}</legend><p class="dim">${roleWhat(role)}</p>
			<div class="fields">
			<${Field} name=${role + '-name'} label=${_('Name')}/>
			<${Field} name=${role + '-login'} label=${_('Login')}
				value=${LOGINS[role]} pattern="[a-z0-9][a-z0-9._\\-]*"
				autocapitalize="none" spellcheck="false"/>
			<${Field} name=${role + '-password'} label=${_('Password')}
				type="password" minlength="10" autocomplete="new-password"/>
			<${Field} name=${role + '-again'} label=${_('The same again')}
				type="password" minlength="10" autocomplete="new-password"/>
			</div></fieldset>`)}
		</${Form}></${Step}>`;
}

// --- the end ----------------------------------------------------------------------------
function Done({ made }) {
	const [ready, setReady] = useState(false);

	useEffect(() => {
		const timer = setInterval(async () => {
			try {
				const r = await fetch('/api/me', { cache: 'no-store' });

				if (r.status === 401) {
					clearInterval(timer);
					setReady(true);
				}
			} catch { /* it is just starting */ }
		}, LOOK_MS);

		return () => clearInterval(timer);
	}, []);
	return html`<${Step} title=${_('{name} is a station', made)}>
		${made.fingerprint && html`<${Fingerprint} made=${made}/>
		<p>${_('Once {who} has let it in, it fetches by itself what belongs here.',
		    { who: superior(made) })}</p>`}
		<p>${_('This page is gone for ever; from now on people log in. The system administrator makes further accounts, and the security administrator gives them their roles.')}</p>
		<div class="row">${ready ? html`<a class="button" href="/"
			onClick=${(e) => {
			e.preventDefault();
			location.assign('/');
		}}>${_('To the login')}</a>` : html`<span class="dim" role="status">${
		    _('The station is starting …')}</span>`}</div></${Step}>`;
}

export default function Setup({ onLang }) {
	const [key, setKey] = useState('');
	const [made, setMade] = useState(null);
	const [at, setAt] = useState(0);
	const [check, setCheck] = useState('');
	const api = setUp(key);
	const begin = async (code) => {
		const had = await setUp(code).get('');

		setKey(code);
		setMade(had);
		setAt(had.how ? 2 : 1); // what was made before is not made again
	};
	const over = async () => {
		await api.remove('');
		setAt(1);
	};

	useEffect(() => {
		document.title = _('Set-up') + ' · ' + _('Yizhan');
	}, [lang]);
	return html`<main class=${at === 2 ? 'setup sheet-only' :
	    'setup'} key=${lang}>
		<header><h1>${_('Yizhan')} <small>${_('Set-up')}</small></h1>
			<button type="button" class="t" onClick=${onLang}
				lang=${lang === 'en' ? 'zh-CN' : 'en'}>${lang === 'en' ? '中文' :
				'English'}</button></header>
		<ol class="steps">${STEPS.map((s, i) => html`<li key=${s}
			class=${i < at ? 'past' : ''} aria-current=${i === at ? 'step' :
			null}>${_(s)}</li>`)}</ol>
		${at === 0 && html`<${Code} onCode=${begin}/>`}
		${at === 1 && html`<${Choose} api=${api} onMade=${(m) => {
			setMade(m);
			setAt(2);
		}}/>`}
		${at === 2 && html`<${Paper} made=${made} onOver=${over}
			onNext=${(c) => {
			setCheck(c);
			setAt(3);
		}}/>`}
		${at === 3 && html`<${Accounts} api=${api} check=${check}
			onDone=${() => setAt(4)}/>`}
		${at === 4 && html`<${Done} made=${made}/>`}
	</main>`;
}
