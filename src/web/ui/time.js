// Times and ages for people.  Clocks of stations are Beijing time, whatever
// the browser's zone.
import { _, lang } from './i18n.js';

const ZONE = 'Asia/Shanghai';
const part = (t, options) => new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' :
	'zh-CN', { timeZone: ZONE, hourCycle: 'h23', ...options }).format(t);

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// "2026-11-23", in the stations' zone.
export const day = (t = Date.now()) =>
	new Intl.DateTimeFormat('en-CA', { timeZone: ZONE }).format(new Date(t));

export function when(iso) {
	const t = new Date(iso);

	if (!iso || Number.isNaN(t.getTime()))
		return '';
	const clock = part(t, { hour: '2-digit', minute: '2-digit' });
	if (day(t) === day())
		return clock;
	return `${day(t)} ${clock}`;
}

export const exact = (iso) => iso ? `${day(iso)} ${part(new Date(iso),
	{ hour: '2-digit', minute: '2-digit', second: '2-digit' })}` : '';

export const clock = (t) => part(t, { month: 'long', day: 'numeric',
	weekday: 'short', hour: '2-digit', minute: '2-digit' });

// 192 minutes: "3 h 12 min".
export function span(ms) {
	const a = Math.abs(ms);

	if (a < MINUTE)
		return _('under a minute');
	if (a < HOUR)
		return _('{n} min', { n: Math.floor(a / MINUTE) });
	if (a < DAY) {
		const m = Math.floor(a % HOUR / MINUTE);
		const h = Math.floor(a / HOUR);
		return m ? _('{h} h {m} min', { h, m }) : _('{n} h', { n: h });
	}
	return _('{n} d', { n: Math.floor(a / DAY) });
}

export const ago = (iso, now = Date.now()) => iso ?
	_('{span} ago', { span: span(now - new Date(iso)) }) : _('never');

// For legal clocks: "-0:24", "1:05", "2 d".
export function left(ms) {
	const a = Math.abs(ms);
	const sign = ms < 0 ? '−' : '';

	if (a >= 2 * DAY)
		return sign + _('{n} d', { n: Math.floor(a / DAY) });
	return `${sign}${Math.floor(a / HOUR)}:${String(
	    Math.floor(a % HOUR / MINUTE)).padStart(2, '0')}`;
}

// How long it has been running, as a clock shows it: "20:01", "3 d".
export const running = (iso, now) => left(Math.max(0, now - new Date(iso)));

export const offset = (ms) => Math.abs(ms) < 1000 ? `${ms} ms` :
	`${(ms / 1000).toFixed(1)} s`;
