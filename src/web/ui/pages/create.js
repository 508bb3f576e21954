// A new record.
import { html } from '../vendor/preact.js';
import { post, recordPath } from '../api.js';
import { _, label } from '../i18n.js';
import { typed } from '../fields.js';
import { Form } from '../form.js';
import { Head, tell } from '../parts.js';
import { go, kindHref, recordHref } from '../route.js';
import { day } from '../time.js';

// What a new record surely is; everything else is left to people.
function start(kind, all) {
	const before = Object.fromEntries(kind.fields.map((f) => [f.name,
		typed(f)]));
	const codes = all?.find((k) => k.name === kind.name)?.when;
	const now = new Date();
	const clock = new Intl.DateTimeFormat('en-GB', { timeZone:
		'Asia/Shanghai', hour: '2-digit', minute: '2-digit' }).format(now);
	const given = {};

	if ('secrecy' in before)
		given.secrecy = 'internal';
	if ('exercise' in before)
		given.exercise = 'false';
	if (codes?.length)
		given.rkind = codes[0];
	if (kind.name === 'incident') {
		given.state = 'reported';
		given.learned_at = `${day(now)} ${clock}`;
		given.sensitive = 'false';
	}
	return { before, given };
}

// What is about an emergency is never held back.
const urgent = (kind) => kind.stream === 'command';

export function Create({ kind, all }) {
	const { before, given } = start(kind, all);
	const shown = { ...before, ...given };
	const leave = () => go(kindHref(kind.name));
	const save = async (diff) => {
		const set = { ...given, ...diff?.set };

		for (const [name, list] of Object.entries(diff?.add ?? {}))
			set[name] = JSON.stringify(list);
		for (const name of Object.keys(set))
			if (set[name] === '')
				delete set[name];
		const { id } = await post(recordPath(kind.name), { set,
			incomplete: urgent(kind) });

		tell(_('Saved at this station.'));
		go(recordHref(kind.name, id), true);
	};

	return html`<div class="page narrow"><${Head} title=${_('New: {kind}', {
		kind: label(kind) })} small=${urgent(kind) ?
		_('may be saved incomplete: a title is enough, gaps stay marked') :
		''}/>
		<${Form} kind=${kind} before=${shown} texts=${{}} save=${save}
			onLeave=${leave} verb=${_('Save')}/></div>`;
}
