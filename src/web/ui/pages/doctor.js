// What the machine and the station say of themselves: first what wants
// somebody, with what to do about it.
import { html } from '../vendor/preact.js';
import { get } from '../api.js';
import { _, lang, N_ } from '../i18n.js';
import { Head, Loaded, useLoad } from '../parts.js';

const NAMES = { library: N_('Libraries|doctor'), disk: N_('Disk|doctor'),
	files: N_('Files|doctor'), clock: N_('Clock|doctor'),
	database: N_('Databases|doctor'), sshd: N_('Way in (sshd)|doctor'),
	backup: N_('Backup|doctor'), station: N_('This station|doctor'),
	scrub: N_('Scrub|doctor'), certificate: N_('Certificate|doctor'),
	parent: N_('Superior|doctor'), child: N_('Subordinate|doctor'),
	peer: N_('Neighbours|doctor'), ledger: N_('Ledger|doctor') };

// "what is so: what to do about it" is shown in two lines; a time has colons
// too.
function parts(text) {
	const i = text.search(/：|: /);

	return i < 0 ? [text] : [text.slice(0, i), text.slice(i + 1).trim()];
}

function Bad({ f }) {
	const [what, todo] = parts(f.text);

	return html`<article class="stuck"><h3>${_(NAMES[f.what] ??
	    f.what)}</h3><p>${what}</p>${todo && html`<p class="todo">${
	    _('To do')}：${todo}</p>`}</article>`;
}

export default function Doctor() {
	const of = useLoad(() => get('doctor'), [lang], { events: [] });
	const list = of.data?.findings ?? [];
	const bad = list.filter((f) => !f.good);

	return html`<div class="page"><${Head} title=${_('Health')} at=${of.at}>
		<button class="q" onClick=${of.again}>${_('Look again')}</button>
		</${Head}>
		<${Loaded} of=${of}>${() => html`
		<section aria-labelledby="h-bad"><h2 id="h-bad">${
		    _('Wants somebody')} <small>${bad.length || ''}</small></h2>
			${bad.length === 0 ? html`<p class="ok">✓ ${
			    _('Nothing does.')}</p>` : bad.map((f) => html`<${Bad}
				key=${f.what + f.text} f=${f}/>`)}</section>
		<section aria-labelledby="h-good"><h2 id="h-good">${
		    _('In order')} <small>${list.length - bad.length}</small></h2>
			<dl class="values">${list.filter((f) => f.good).map((f) => html`
				<div key=${f.what + f.text}><dt>${_(NAMES[f.what] ??
				    f.what)}</dt><dd>${f.text}</dd></div>`)}</dl></section>`}
		</${Loaded}></div>`;
}
