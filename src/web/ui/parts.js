// What several pages are made of.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { listen } from './api.js';
import { _ } from './i18n.js';
import { QUIET_MS } from './link.js';
import { ago, exact, when } from './time.js';

// Load, and load again when something was changed, at once, but at most once a
// second;
// what is there stays while the new comes.  {data, error, at, again}.
const AGAIN_MS = 1000;

export function useLoad(load, deps, { events = ['change'], pause = AGAIN_MS } = {}) {
	const [state, set] = useState({ data: null, error: null, at: 0 });
	const turn = useRef(0);
	const busy = useRef(false);
	const wanted = useRef(false);
	const run = useRef(() => {});
	const began = useRef(0);

	// News during a load wait for its end: else a slow server with much news
	// would never be heard out.
	run.current = async () => {
		const mine = turn.current;

		wanted.current = busy.current;
		if (busy.current)
			return;
		busy.current = true;
		began.current = Date.now();
		try {
			const data = await load();

			if (mine === turn.current)
				set({ data, error: null, at: Date.now() });
		} catch (error) {
			if (mine === turn.current)
				set((old) => ({ ...old, error }));
		}
		if (mine !== turn.current)
			return;
		busy.current = false;
		if (wanted.current)
			run.current();
	};
	useEffect(() => {
		let timer = 0;
		const soon = () => {
			timer ||= setTimeout(() => {
				timer = 0;
				run.current();
			}, Math.max(0, began.current + pause - Date.now()));
		};
		const stops = events.map((name) => listen(name, soon));

		set((old) => ({ ...old, data: null, error: null }));
		busy.current = false;
		run.current();
		return () => {
			turn.current++; // what is under way is for nobody now
			clearTimeout(timer);
			stops.forEach((stop) => stop());
		};
	}, deps);
	return { ...state, again: () => run.current() };
}

export function useNow(ms) {
	const [now, set] = useState(Date.now());

	useEffect(() => {
		const timer = setInterval(() => set(Date.now()), ms);

		return () => clearInterval(timer);
	}, [ms]);
	return now;
}

export function sentence(error) {
	if (error.status === 0)
		return _('The server was not reached. Nothing was changed; try again.');
	if (error.code === 'full')
		return _('The disk is full: nothing was saved. Ask the system administrator to make room.');
	if (error.status === 403)
		return _('Your role may not do this: {why}', { why: error.message });
	if (error.status === 404)
		return _('Not here: {why}', { why: error.message });
	return error.message || _('The server failed ({status}).',
	    { status: error.status });
}

export function Trouble({ error, again }) {
	useHush(error);
	return error && html`<div class="note bad" role="alert">
		<b>${_('It did not work.')}</b> ${sentence(error)}
		${again && html` <button class="q" onClick=${again}>
			${_('Try again')}</button>`}
	</div>`;
}

// What is shown before the first answer: words, no spinner.
export function Loaded({ of, children }) {
	if (of.data === null && of.error)
		return html`<${Trouble} error=${of.error} again=${of.again}/>`;
	if (of.data === null)
		return html`<p class="dim" aria-live="polite">${_('Reading …')}</p>`;
	return html`${of.error && html`<div class="note old" role="status">
		${_('As of {at}; reading again failed: {why}', { at:
		    when(new Date(of.at).toISOString()), why:
		    sentence(of.error) })}</div>`}${children(of.data)}`;
}

// Of the stations below whose records stand in ours, the one that we have not
// had whole for the longest; missing: those that we never had whole.
// undefined: not known yet; null: there are none below.
export function oldestBelow(station) {
	const below = station?.peers.filter((p) => p.relation === 'child');
	const had = below?.filter((p) => p.last_complete).sort((x, y) =>
		new Date(x.last_complete) - new Date(y.last_complete));

	if (!below)
		return undefined;
	return below.length === 0 ? null : { name: had[0]?.name,
		at: had[0] && new Date(had[0].last_complete).getTime(),
		missing: below.filter((p) => !p.last_complete).map((p) => p.name) };
}

// How old what is shown is: the moment when it was read here; where it is of
// stations below too, what the oldest of them has sent.
export function AsOf({ at, below = null, known = true }) {
	if (!(at > 0) || !known)
		return null;
	const then = Math.min(at, below?.at ?? at);
	const old = at - then > QUIET_MS;

	return html`<span class=${'asof' + (old ? ' old' : '')}>${
		_('as of {at}', { at: when(new Date(then).toISOString()) })}${
		old ? html`${' '}<span>${below.name}</span>` : ''}${
		below?.missing.length > 0 ? html`${' '}<span>${_('without {names}',
		    { names: below.missing.join(_(', ')) })}</span>` : ''}</span>`;
}

export const Age = ({ at, now }) => at ? html`<time dateTime=${at}
	title=${exact(at)}>${ago(at, now)}</time>` :
	html`<span class="gap">${_('never')}</span>`;

export const When = ({ at }) => at && html`<time dateTime=${at}
	title=${exact(at)}>${when(at)}</time>`;

// The four levels: a colour, and always a word.
const LEVELS = { 1: ['red', 'Ⅰ'], 2: ['orange', 'Ⅱ'], 3: ['yellow', 'Ⅲ'],
	4: ['blue', 'Ⅳ'], Red: ['red', 'Ⅰ'], Orange: ['orange', 'Ⅱ'],
	Yellow: ['yellow', 'Ⅲ'], Blue: ['blue', 'Ⅳ'] };

export const levelColour = (code) => LEVELS[code]?.[0] ?? '';
export const Level = ({ code, text }) => LEVELS[code] ? html`
	<span class=${'lv ' + LEVELS[code][0]}>${LEVELS[code][1]} ${text}</span>` :
	html`<span class="lv">${text}</span>`;

const SIGNS = { ready: '●', busy: '◐', down: '○', unknown: '？' };

export const Status = ({ code, text }) => html`<span
	class=${'status ' + code}><i aria-hidden="true">${SIGNS[code] ??
	'·'}</i> ${text}</span>`;

// Where a telephone is in the hand, a number is pressed; at a desk it is read.
const DIALS = matchMedia('(pointer: coarse)');

export function Phone({ text }) {
	const number = /^\+?\d[\d -]{2,}/.exec(text ?? '')?.[0].replace(/[ -]/g, '');

	return number && DIALS.matches ? html`<a class="tel"
		href=${'tel:' + number}>${text}</a>` : text;
}

// Copying is how people pass ids on.
export const Id = ({ id, href }) => {
	const short = id.length > 20 ? id.slice(0, 15) + '…' : id;

	return href ? html`<a class="mono" href=${href} title=${id}>${short}</a>` :
		html`<span class="mono" title=${id}>${short}</span>`;
};

// A modal that says exactly what will happen; Esc leaves it.
export function Dialog({ title, onClose, children }) {
	const ref = useRef(null);

	useEffect(() => {
		const back = document.activeElement;

		ref.current.showModal();
		return () => back?.focus?.();
	}, []);
	return html`<dialog ref=${ref} aria-label=${title} onCancel=${(e) => {
		e.preventDefault();
		onClose();
	}}><h2>${title}</h2>${children}</dialog>`;
}

// What is said once, and read out.  It lies over the page, so it is brief.
const SAID_MS = 6000;
let say = () => {};

export const tell = (text) => say(text);

// An earlier success is not left standing beside a failure.
export function useHush(error) {
	useEffect(() => {
		if (error)
			say('');
	}, [error]);
}

export function Teller() {
	const [text, set] = useState('');

	say = set;
	useEffect(() => {
		const timer = text && setTimeout(() => set(''), SAID_MS);

		return () => clearTimeout(timer);
	}, [text]);
	// Whoever turns to another page has read it.
	useEffect(() => {
		const hush = (e) => {
			if (e.type === 'popstate' || e.target.closest?.('a[href]'))
				set('');
		};

		addEventListener('popstate', hush);
		addEventListener('click', hush, true);
		return () => {
			removeEventListener('popstate', hush);
			removeEventListener('click', hush, true);
		};
	}, []);
	return html`<div class="teller" role="status" aria-live="polite">
		${text && html`<span>${text}</span>`}</div>`;
}

export function Head({ title, small, at, children }) {
	useEffect(() => {
		document.title = `${title} · ${_('Yizhan')}`;
	}, [title]);
	return html`<header class="head"><h1 tabindex="-1">${title}</h1>
		${small && html`<span class="dim">${small}</span>`}
		${at > 0 && html`<span class="dim"><${AsOf} at=${at}/></span>`}
		<div class="tools">${children}</div></header>`;
}

// The way on from a page of a long list: load(next) brings it.
export function More({ next, count, load }) {
	const [error, setError] = useState(null);
	const more = async () => {
		try {
			await load(next);
			setError(null);
		} catch (e) {
			setError(e);
		}
	};

	return html`<${Trouble} error=${error}/><p class="more">${next ? html`
		<button class="q" onClick=${more}>${_('{n} more', { n: count })}
		</button>` : html`<span class="dim">${_('That is all.')}</span>`}</p>`;
}
