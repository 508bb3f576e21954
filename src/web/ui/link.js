// The line at the top: with or without the superior, since when, what waits.
// It never says more than is known.
import { html } from './vendor/preact.js';
import { _ } from './i18n.js';
import { ago, span } from './time.js';

export const QUIET_MS = 15 * 60000; // without a complete session: not in touch
const STUCK_MS = 60 * 60000; // that is more than a pause

export const inTouch = (peer, now) => !peer.trouble && peer.last_complete &&
	now - new Date(peer.last_complete) < QUIET_MS;

export const stuck = (peer, now) => !!peer.trouble || !peer.last_contact ||
	now - new Date(peer.last_contact) > STUCK_MS;

export function Link({ station, now }) {
	if (!station)
		return html`<div class="link" role="status"></div>`;
	const parent = station.peers.find((p) => p.relation === 'parent');
	const waits = parent?.waiting ?
	    _('{n} to send up', { n: parent.waiting }) : '';

	if (station.fingerprint)
		return html`<div class="link off" role="status">
			<b>${_('Not let in yet by {name}', { name: station.peers[0]?.code ??
			    '?' })}</b><span><a href="/stations">${
			_('read the fingerprint out')}</a></span></div>`;
	if (!station.parent)
		return html`<div class="link" role="status"><b>${
		    _('Top station')}</b><span>${_('no superior')}</span></div>`;
	if (!parent || !parent.last_contact)
		return html`<div class="link off" role="status">
			<b>${_('Not yet met: {name}', { name: parent?.name ||
			    station.parent })}</b>
			<span>${[_('local work goes on'), waits].filter(Boolean)
			    .join(' · ')}</span></div>`;
	if (inTouch(parent, now))
		return html`<div class="link" role="status">
			<b>${_('In touch with {name}', { name: parent.name })}</b>
			<span>${[_('complete {ago}', { ago: ago(parent.last_complete,
			    now) }), waits].filter(Boolean).join(' · ')}</span></div>`;
	return html`<div class="link off" role="status">
		<b>${_('Out of touch with {name} for {span}', { name: parent.name,
		    span: span(now - new Date(parent.last_contact)) })}</b>
		<span>${[_('local work goes on'), waits].filter(Boolean)
		    .join(' · ')} · <a href="/stations">${_('why')}</a></span></div>`;
}
