// The frame of all pages: who is logged in, the line at the top, the way
// from page to page, shortcuts.
import { html, render, useEffect, useErrorBoundary, useRef, useState } from
	'./vendor/preact.js';
import { closeEvents, get, logOut, openEvents, stay, watchSession, whoAmI }
	from './api.js';
import { _, lang, N_, setLang } from './i18n.js';
import { forget } from './kinds.js';
import { Link } from './link.js';
import { loadNames } from './names.js';
import { Dialog, Head, Teller, Trouble, useLoad, useNow } from './parts.js';
import { catchLinks, go, mayLeave, useRoute } from './route.js';
import { clock, when } from './time.js';
import { Login } from './pages/login.js';
import { Overview } from './pages/overview.js';

// Pages that are not first are read when they are wanted.
const PAGES = {
	records: () => import('./pages/records.js'),
	find: () => import('./pages/find.js'),
	conflicts: () => import('./pages/conflicts.js'),
	stations: () => import('./pages/stations.js'),
	changesets: () => import('./pages/changesets.js'),
	users: () => import('./pages/users.js'),
	audit: () => import('./pages/audit.js'),
	doctor: () => import('./pages/doctor.js'),
	self: () => import('./pages/self.js'),
};

const NAV = [
	{ key: 'o', path: '', sign: ['值', 'D'], name: N_('Duty') },
	{ key: 'r', path: 'records', sign: ['册', 'R'], name: N_('Records') },
	{ key: 'c', path: 'conflicts', sign: ['异', 'C'], name: N_('To decide') },
	{ key: 's', path: 'stations', sign: ['链', 'S'], name: N_('Stations') },
	{ key: 'l', path: 'changesets', sign: ['账', 'L'], name: N_('Ledger') },
	{ key: 'h', path: 'doctor', sign: ['检', 'H'], name: N_('Health') },
	{ key: 'u', path: 'users', sign: ['人', 'U'], name: N_('Users'),
		powers: ['users', 'rights'] },
	{ key: 'a', path: 'audit', sign: ['核', 'A'], name: N_('Audit'),
		powers: ['audit'] },
];
const SELF = { key: 'm', path: 'self', sign: ['我', 'M'], name: N_('My account') };
const reads = (user) => user.powers.includes('read');
const mayGo = (user, item) => (item.powers ?? ['read'])
    .some((p) => user.powers.includes(p));

function Page(props) {
	const [error, clear] = useErrorBoundary();

	// The next page is another chance.
	useEffect(() => error && clear(), [props.route.path]);
	return error ? html`<div class="page"><div class="note bad" role="alert">${
	    _('This page failed: {why}', { why: error.message })} <button
		class="q" onClick=${clear}>${_('Try again')}</button></div></div>` :
		html`<${Which} ...${props}/>`;
}

function Which({ route, ...rest }) {
	// Who has no role yet is at his own account, wherever he turns.
	const name = reads(rest.user) ? route.parts[0] ?? '' : SELF.path;
	const [page, set] = useState({ name: '', Show: null, error: null });

	useEffect(() => {
		if (!PAGES[name])
			return;
		PAGES[name]().then((m) => set({ name, Show: m.default, error: null }),
		    (error) => set({ name, Show: null, error }));
	}, [name]);
	if (name === '')
		return html`<${Overview} ...${rest}/>`;
	if (!PAGES[name])
		return html`<div class="page"><${Head} title=${_('No such page')}/>
			<p><a href="/">${_('To the duty page')}</a></p></div>`;
	if (page.name !== name)
		return html`<p class="dim">${_('Reading …')}</p>`;
	if (page.error)
		return html`<${Trouble} error=${{ status: 0 }}
			again=${() => location.reload()}/>`;
	return html`<${page.Show} route=${route} ...${rest}/>`;
}

const STAY_MS = 30000; // how late a session's end may show
const THEMES = ['', 'light', 'dark'];
const themeName = (t) => ({ '': _('by the system'), light: _('light'),
	dark: _('dark') })[t];

function readSetting(key) {
	try {
		return localStorage.getItem(key) ?? '';
	} catch {
		return '';
	}
}

function keepSetting(key, value) {
	try {
		localStorage.setItem(key, value);
	} catch { /* kept for this page only */ }
}

function useTheme() {
	const [theme, set] = useState(readSetting('yizhan.theme'));

	useEffect(() => {
		if (theme)
			document.documentElement.dataset.theme = theme;
		else
			delete document.documentElement.dataset.theme;
		keepSetting('yizhan.theme', theme);
	}, [theme]);
	return [theme, () => set(THEMES[(THEMES.indexOf(theme) + 1) % 3])];
}

// One letter does it, unless somebody is writing or has switched it off.
function useKeys(user, help) {
	useEffect(() => {
		let after = '';
		const onKey = (e) => {
			const at = e.target.closest?.('input, textarea, select, dialog');

			if (at || e.ctrlKey || e.metaKey || e.altKey ||
			    readSetting('yizhan.keys') === 'off')
				return;
			if (after === 'g') {
				const item = NAV.find((n) => n.key === e.key &&
				    mayGo(user, n));

				after = '';
				if (item) {
					e.preventDefault();
					go('/' + item.path);
				}
				return;
			}
			after = e.key;
			if (e.key === '/') {
				e.preventDefault();
				document.getElementById('find')?.focus();
			} else if (e.key === '?') {
				help();
			} else {
				document.querySelector(
				    `[data-key="${CSS.escape(e.key)}"]`)?.click();
			}
		};

		addEventListener('keydown', onKey);
		return () => removeEventListener('keydown', onKey);
	}, []);
}

function Help({ user, onClose }) {
	const [off, setOff] = useState(readSetting('yizhan.keys') === 'off');
	const rows = [...reads(user) ? [['/', _('Find')]] : [],
	    ...NAV.filter((n) => mayGo(user, n))
	    .map((n) => [`g ${n.key}`, _(n.name)]),
	    ['↓ ↑', _('Next and previous row')], ['n', _('New record')],
	    ['e', _('Change this record')], ['Ctrl Enter', _('Save')],
	    ['Esc', _('Leave without saving')], ['?', _('This list')]];

	return html`<${Dialog} title=${_('Keys')} onClose=${onClose}>
		<table class="keys"><tbody>${rows.map(([k, what]) => html`<tr key=${k}>
			<td>${k.split(' ').map((c) => html`<kbd>${c}</kbd> `)}</td>
			<td>${what}</td></tr>`)}</tbody></table>
		<p><label><input type="checkbox" checked=${!off} onChange=${(e) => {
			keepSetting('yizhan.keys', e.target.checked ? '' : 'off');
			setOff(!e.target.checked);
		}}/> ${_('One-letter keys work')}</label></p>
		<div class="row"><button onClick=${onClose}>${_('Close')}</button></div>
	</${Dialog}>`;
}

function Find() {
	const ref = useRef(null);

	return html`<form class="find" role="search" onSubmit=${(e) => {
		e.preventDefault();
		if (ref.current.value.trim())
			go('/find?q=' + encodeURIComponent(ref.current.value.trim()));
	}}><label class="hide" for="find">${_('Find')}</label>
		<input id="find" ref=${ref} type="search" autocomplete="off"
			placeholder=${_('Find in all records')}/>
		<kbd aria-hidden="true">/</kbd></form>`;
}

function Frame({ user, reach, onOut, onLang }) {
	const route = useRoute();
	const [helping, setHelping] = useState(false);
	const [theme, turnTheme] = useTheme();
	const station = useLoad(() => get('station'), [lang],
	    { events: ['change', 'station'] });
	const now = useNow(15000);

	useLoad(loadNames, [], { events: [] });
	const main = useRef(null);
	const first = useRef(true);

	useKeys(user, () => setHelping(true));
	// A new page begins at its heading, for the keyboard and the ear too.
	useEffect(() => {
		if (!first.current && !main.current.contains(document.activeElement))
			main.current.focus({ preventScroll: true });
		first.current = false;
	}, [route.path]);
	const s = station.data;
	const decide = s ? s.conflicts + s.undecided : 0;
	const ways = reads(user) ? NAV.filter((n) => mayGo(user, n)) : [SELF];
	const here = reads(user) ? route.parts[0] ?? '' : SELF.path;

	return html`
	<a class="skip" href="#main" onClick=${(e) => {
		e.preventDefault();
		main.current.focus();
	}}>${_('To the content')}</a>
	<header class="strip">
		<a class="home" href="/"><b>${s?.name || _('Yizhan')}</b> <span
			class="code">${s?.code}</span></a>
		<${Link} station=${s} now=${now}/>
		${reads(user) && html`<${Find}/>`}
		<span class="who"><span class="clock">${clock(now)}</span>
			<a class="me" href="/self" title=${_('My account')}>${
			    user.name}</a>
			<button class="t" lang=${lang === 'en' ? 'zh-CN' : 'en'}
				onClick=${onLang}>${lang === 'en' ? '中文' : 'English'}</button>
			<button class="t" title=${_('Light or dark')}
				onClick=${turnTheme}><span aria-hidden="true">◐</span>
				<span class="hide">${_('Colours')}: ${themeName(theme)}</span>
			</button>
			<button class="t help" onClick=${() => setHelping(true)}
				title=${_('Keys')}><span aria-hidden="true">?</span>
				<span class="hide">${_('Keys')}</span></button>
			<button class="t" onClick=${onOut}>${_('Log out')}</button></span>
	</header>
	${!reach.ok && html`<div class="lost" role="alert">
		${_('This page has not reached its server since {at}. What you see is of that time; nothing can be saved now.',
		    { at: when(new Date(reach.at).toISOString()) })}</div>`}
	<div class="body">
		<nav aria-label=${_('Pages')}>${ways.map((n) => html`<a key=${n.path}
			href=${'/' + n.path} class=${here === n.path ? 'on' : ''}
			aria-current=${here === n.path ? 'page' : null}>
			<b aria-hidden="true">${n.sign[lang === 'en' ? 1 : 0]}</b>
			<span>${_(n.name)}</span>
			${n.path === 'conflicts' && decide > 0 && html`<i
				class="count">${decide > 99 ? '99+' : decide}</i>`}</a>`)}</nav>
		<main id="main" ref=${main} tabindex="-1">
			<${Page} route=${route} user=${user} station=${station}/></main>
	</div>
	${helping && html`<${Help} user=${user}
		onClose=${() => setHelping(false)}/>`}
	<${Teller}/>`;
}

function App() {
	// undefined: not known yet; null: nobody.
	const [user, setUser] = useState(undefined);
	const [error, setError] = useState(null);
	const [SetUp, setSetUp] = useState(null); // a page, where nobody can log in
	const [reach, setReach] = useState({ ok: true, at: Date.now() });
	const [, setLanguage] = useState(lang);
	const ask = () => {
		setError(null);
		whoAmI().then(setUser, (failed) => failed.code === 'setup' ?
		    import('./pages/setup.js').then((m) => setSetUp(() => m.default),
			() => setError({ status: 0 })) : setError(failed));
	};

	useEffect(() => {
		watchSession(() => setUser(null), (ok) => setReach((old) =>
			old.ok === ok ? (ok ? Object.assign(old, { at: Date.now() }) :
			    old) : { ok, at: ok ? Date.now() : old.at }));
		document.addEventListener('click', catchLinks);
		ask();
	}, []);
	useEffect(() => {
		if (!user)
			return undefined;
		openEvents();
		const timer = setInterval(stay, STAY_MS);

		return () => {
			clearInterval(timer);
			closeEvents();
		};
	}, [!!user]);
	const onLang = () => {
		if (!mayLeave())
			return;
		setLang(lang === 'en' ? 'zh-CN' : 'en');
		setLanguage(lang);
	};

	if (SetUp)
		return html`<${SetUp} onLang=${onLang}/>`;
	if (user === undefined)
		return error && html`<main class="login"><${Trouble} error=${error}
			again=${ask}/></main>`;
	if (user === null)
		return html`<${Login} onUser=${(u) => {
			forget();
			setUser(u);
		}} onLang=${onLang}/>`;
	return html`<${Frame} key=${lang} user=${user} reach=${reach}
		onLang=${onLang} onOut=${() => logOut().finally(() => setUser(null))}/>`;
}

render(html`<${App}/>`, document.getElementById('app'));
