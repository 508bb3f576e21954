// What a station that has asked to join reads out to its superior.
import { html } from './vendor/preact.js';
import { _ } from './i18n.js';

export const Ring = ({ fingerprint, who, more }) => html`<div class="note ring">
	<p><b>${_('Ring {who} and read this out:', { who })}</b></p>
	<p class="mono big groups">${fingerprint.split('-').map((g) => html`
		<span key=${g}>${g}</span> `)}</p>
	<p class="dim">${_('There it is compared with what has arrived, and this station is let in.')} ${more}</p>
</div>`;
