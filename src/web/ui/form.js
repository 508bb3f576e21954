// The form of a kind.  An emergency may be saved incomplete: what is wanted
// and missing is counted, not held against anybody.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { _, label } from './i18n.js';
import { changes, editable, Field, given } from './fields.js';
import { sentence, tell, useHush } from './parts.js';
import { setGuard } from './route.js';

const FRAME = ['town', 'secrecy', 'exercise'];

// The server's line begins with the field's name or label.
function blame(fields, message) {
	return fields.find((f) => [f.name, f.label_zh, f.label_en].some((n) =>
		n && message.startsWith(n) &&
		/^(\s|:|：|$)/.test(message.slice(n.length))))?.name;
}

function parts(fields, title) {
	const first = fields.filter((f) => f.name === title);
	const rest = fields.filter((f) => f.name !== title &&
		!FRAME.includes(f.name));

	return [
		['', [...first, ...rest.filter((f) => !f.personal && f.required)]],
		[_('More'), rest.filter((f) => !f.personal && !f.required)],
		[_('Personal: stays with this station, its superiors and below'),
			rest.filter((f) => f.personal)],
		[_('Frame'), fields.filter((f) => FRAME.includes(f.name))],
	].filter(([, list]) => list.length > 0);
}

// save(changes) throws an api Trouble; nows: what stands now in fields that
// somebody else changed.
export function Form({ kind, before, texts, save, onLeave, verb, nows }) {
	const fields = kind.fields.filter(editable);
	const [values, setValues] = useState(before);
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	const [taken, setTaken] = useState([]);
	const ref = useRef(null);
	const saving = useRef(false);
	const diff = changes(fields, before, values);
	const gaps = fields.filter((f) => f.required && !given(f) &&
		(values[f.name] === '' || values[f.name]?.length === 0));
	const wrong = error && blame(fields, error.message);

	useEffect(() => {
		const leave = (e) => saving.current || e.preventDefault();

		if (!diff)
			return;
		setGuard(() => saving.current || confirm(_('What you typed is not saved. Leave?')));
		addEventListener('beforeunload', leave);
		return () => {
			setGuard(null);
			removeEventListener('beforeunload', leave);
		};
	}, [!!diff]);
	useHush(error);
	useEffect(() => {
		ref.current.querySelector('input, textarea, select')?.focus();
		tell(''); // it would lie over the buttons
	}, []);
	useEffect(() => {
		if (error)
			ref.current.querySelector('.wrong input, .wrong textarea, .note')
			    ?.scrollIntoView({ block: 'center' });
	}, [error, nows]);
	const set = (name, value, take) => {
		setValues((old) => ({ ...old, [name]: value }));
		if (take)
			setTaken((old) => [...old, name]);
	};
	const onSave = async (e) => {
		e?.preventDefault();
		if (busy)
			return;
		setBusy(true);
		setError(null);
		saving.current = true; // whoever leaves now has saved
		try {
			await save(diff);
		} catch (failed) {
			saving.current = false;
			setError(failed);
			setTaken([]);
			setBusy(false);
		}
	};

	return html`<form class="form" ref=${ref} onSubmit=${onSave} novalidate
		onKeyDown=${(e) => {
			if (e.key === 'Enter' && e.ctrlKey) {
				e.preventDefault();
				if (diff)
					onSave();
			} else if (e.key === 'Escape') {
				onLeave();
			}
		}}>
		${error && html`<div class="note bad" role="alert"><b>${
		    _('Not saved.')}</b> ${error.status === 412 ?
		    _('Somebody else changed the marked fields since you opened them. What you typed is kept: look, then save again.') :
		    sentence(error)}</div>`}
		${parts(fields, kind.title).map(([name, list]) => html`
			<fieldset key=${name}>${name && html`<legend>${name}</legend>`}
			${list.map((f, i) => html`<${Field} key=${f.name} f=${f}
				first=${f.group && f.group !== list[i - 1]?.group}
				values=${values} texts=${texts} onValue=${set}
				wrong=${wrong === f.name ? error.message : null}
				both=${taken.includes(f.name) ? undefined :
				    nows?.[f.name]}/>`)}</fieldset>`)}
		<div class="bottom">
			<button disabled=${busy || !diff}>${verb} <kbd>Ctrl Enter</kbd></button>
			<button type="button" class="q" onClick=${onLeave}>${
			    _('Leave')} <kbd>Esc</kbd></button>
			<span role="status" class=${gaps.length ? 'gap' : 'dim'}>${
			    gaps.length ? _('Still missing: {what}', { what: gaps.slice(0, 6)
			    .map(label).join(_(', ')) + (gaps.length > 6 ? ' …' : '') }) :
			    _('Nothing is missing.')}</span>
		</div></form>`;
}
