// Talking to the server: JSON over fetch, one kind of trouble, one stream of
// events.  Nothing here waits for ever.
import { lang } from './i18n.js';

const WAIT_MS = 20000;
const BLOB_WAIT_MS = 120000;
const SETUP_WAIT_MS = 150000; // a parent may be slow to answer
const RETRIES_MS = [300, 1500]; // of what only reads

export class Trouble extends Error {
	constructor(status, code, message, body) {
		super(message);
		this.status = status; // 0: the server was not reached
		this.code = code;
		this.body = body;
	}
}

let token = '';
let onSignedOut = () => {};
let onReach = () => {};

// What a page asks by itself keeps no session alive: a request says so unless
// somebody has touched this page since the last that did not.
let touched = true;

for (const sign of ['keydown', 'pointerdown', 'wheel'])
	addEventListener(sign, () => { touched = true; },
	    { capture: true, passive: true });

function aside(method) {
	if (method === 'GET' && !touched)
		return { 'X-Yizhan-Background': '1' };
	touched = false;
	return {};
}

// signedOut() is called when the session has ended; reach(bool) whenever the
// server was or was not reached.
export function watchSession(signedOut, reach) {
	onSignedOut = signedOut;
	onReach = reach;
}

async function send(method, path, body, headers, wait) {
	const stop = new AbortController();
	const timer = setTimeout(() => stop.abort(), wait);

	try {
		return await fetch('/api/' + path, {
			method, body, signal: stop.signal, credentials: 'same-origin',
			cache: 'no-store',
			headers: {
				'Accept-Language': lang,
				...(method === 'GET' ? {} : { 'X-Yizhan-Token': token }),
				...aside(method),
				...headers,
			},
		});
	} catch {
		onReach(false);
		throw new Trouble(0, 'io', '');
	} finally {
		clearTimeout(timer);
	}
}

// "县级 (county)": people are shown the label alone.
function tidy(body) {
	const records = Array.isArray(body.records) ? body.records :
		body.values && body.text ? [body] : [];

	for (const r of records)
		for (const [name, value] of Object.entries(r.values))
			for (const code of [].concat(value))
				if (typeof code === 'string' && r.text[name])
					r.text[name] = r.text[name].replace(` (${code})`, '');
	return body;
}

async function answer(response, path) {
	let body = {};

	try {
		body = await response.json();
	} catch {
		if (response.ok)
			throw new Trouble(response.status, 'io', '');
	}
	onReach(true);
	if (response.ok)
		return tidy(body);
	if (response.status === 401 && !path.startsWith('setup'))
		onSignedOut();
	throw new Trouble(response.status, body.error?.code ?? 'io',
	    body.error?.message ?? '', body);
}

async function call(method, path, body, headers, wait = WAIT_MS) {
	const text = body === undefined ? undefined : JSON.stringify(body);
	const type = text === undefined && method === 'GET' ? {} :
	    { 'Content-Type': 'application/json' };

	return answer(await send(method, path, text ?? (method === 'GET' ?
	    undefined : '{}'), { ...type, ...headers }, wait), path);
}

// A reading that was cut off is simply asked again; a change never is.
export async function get(path) {
	for (const pause of RETRIES_MS)
		try {
			return await call('GET', path);
		} catch (e) {
			if (e.status !== 0)
				throw e;
			await new Promise((done) => setTimeout(done, pause));
		}
	return call('GET', path);
}

export const post = (path, body) => call('POST', path, body);
export const patch = (path, etag, body) =>
	call('PATCH', path, body, { 'If-Match': etag });
export const drop = (path, why) =>
	call('DELETE', `${path}?why=${encodeURIComponent(why)}`);

export const remove = (path) => call('DELETE', path);

export async function upload(file) {
	const response = await send('POST', 'blobs', file,
	    { 'Content-Type': 'application/octet-stream' }, BLOB_WAIT_MS);

	return (await answer(response, 'blobs')).blob;
}

// more: {code, new_password}, where they are wanted.
export async function logIn(login, password, more) {
	const who = await post('login', { login, password, ...more });

	token = who.csrf;
	return who.user;
}

// Who is logged in, or null.
export async function whoAmI() {
	try {
		const who = await get('me');

		token = who.csrf;
		return who.user;
	} catch (e) {
		if (e.status === 401)
			return null;
		throw e;
	}
}

// To be called now and then: it ends the session's pages when the session has
// ended, and keeps it while somebody fills in a long form.
export const stay = () => call('GET', 'me').catch(() => {});

export async function logOut() {
	await post('logout');
	token = '';
}

// The set-up of a machine that is no station yet, with its code.
export function setUp(code) {
	const ask = (method, path, body) => call(method, 'setup' + path, body,
	    { 'X-Yizhan-Setup': code }, SETUP_WAIT_MS);

	return {
		get: (path) => ask('GET', path),
		post: (path, body) => ask('POST', path, body),
		remove: (path) => ask('DELETE', path),
	};
}

// A query string of what is not empty.
export function query(values) {
	const q = new URLSearchParams();

	for (const [k, v] of Object.entries(values))
		if (v !== undefined && v !== null && v !== '')
			q.set(k, v);
	const s = q.toString();
	return s ? '?' + s : '';
}

export const recordPath = (kind, id) =>
	`records/${encodeURIComponent(kind)}${id ? '/' + encodeURIComponent(id) :
	    ''}`;

// Events of this server: 'change' and 'station'.  One stream for all pages.
const listeners = { change: new Set(), station: new Set() };
let stream = null;

export function listen(name, fn) {
	listeners[name].add(fn);
	return () => listeners[name].delete(fn);
}

export function openEvents() {
	if (stream)
		return;
	stream = new EventSource('/api/events');
	for (const name of Object.keys(listeners))
		stream.addEventListener(name, () =>
			listeners[name].forEach((fn) => fn()));
	// Whatever happened while the stream was cut is read again.
	let cut = false;
	// One that was ended for good (401) ended with the session: asking says so.
	stream.addEventListener('error', () => {
		cut = true;
		if (stream?.readyState === EventSource.CLOSED)
			stay();
	});
	stream.addEventListener('open', () => {
		onReach(true);
		if (cut)
			for (const set of Object.values(listeners))
				set.forEach((fn) => fn());
		cut = false;
	});
}

export function closeEvents() {
	stream?.close();
	stream = null;
}
