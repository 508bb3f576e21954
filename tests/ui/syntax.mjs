// node syntax.mjs TOOLS FOLDER...: is there nothing in the pages that Chromium
// 100 does not understand, and no colour or size but in tokens.css?  A line for
// each thing found.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [, , tools, ...folders] = process.argv;
const acorn = createRequire(tools + '/')('acorn');

// What later browsers learnt, with the first version of Chromium that has it.
const CALLS = [[/\bAbortSignal\.(any|timeout)\b/, '103'],
	[/\.(toSorted|toReversed|toSpliced)\(/, '110'],
	[/\b(Object|Map)\.groupBy\b/, '117'], [/\bArray\.fromAsync\b/, '121'],
	[/\bPromise\.(withResolvers|try)\b/, '119'], [/\bURL\.(canParse|parse)\(/,
	'120'], [/\.(isWellFormed|toWellFormed)\(/, '111'],
	[/\bResponse\.json\(/, '105'], [/\bimport\.meta\.resolve\b/, '105'],
	[/\.(showPopover|hidePopover|togglePopover|startViewTransition)\(/, '111'],
	[/\.checkVisibility\(/, '105'], [/\bIterator\.(from|prototype)\b/, '122'],
	[/\.(symmetricDifference|isSubsetOf|isSupersetOf|isDisjointFrom)\(/, '122'],
	[/\bIntl\.DurationFormat\b/, '129'], [/\bURLPattern\b.*\btest\(/, '95']];
const STYLES = [[/:has\(/, '105'], [/@container\b/, '105'],
	[/@(scope|starting-style|position-try)\b/, '117'],
	[/\b(color-mix|oklch|oklab|lch|lab|light-dark|color)\(/, '111'],
	[/(^|[{};\s])&[\s.:[>]/, '112'], [/\d[dsl]v[hwib]\b/, '108'],
	[/\bsubgrid\b/, '117'], [/\btext-wrap\s*:/, '114'],
	[/(^|[{;\s])(translate|rotate|scale)\s*:/, '104'],
	[/\b(field-sizing|anchor-name|interpolate-size|animation-timeline)\s*:/,
		'115'], [/@media[^{]*[<>]=?/, '104'], [/\b(round|rem|mod|sin|cos)\(/,
		'111']];
const COLOUR = /#[0-9a-f]{3,8}\b|\b(rgb|hsl)a?\(/i;
const SIZE = /(^|[^\w.-])[\d.]+(px|pt|cm|mm)\b/;
let read = 0;

function look(file, own) {
	const code = fs.readFileSync(file, 'utf8');
	const told = (what) => console.log(`${path.basename(file)}: ${what}`);

	read++;
	if (file.endsWith('.css')) {
		const bare = code.replace(/\/\*[^]*?\*\//g, '');

		for (const [sign, from] of STYLES)
			if (sign.test(bare))
				told(`${bare.match(sign)[0].trim()} is of Chromium ${from}`);
		if (own && !file.endsWith('/tokens.css'))
			for (const line of bare.replace(/@media[^{]*/g, '').split('\n'))
				if (COLOUR.test(line) || SIZE.test(line))
					told(`not in tokens.css: ${line.trim()}`);
		return;
	}
	try {
		acorn.parse(code, { ecmaVersion: 2022, sourceType: 'module' });
	} catch (e) {
		told(e.message);
	}
	for (const [sign, from] of CALLS)
		if (sign.test(code))
			told(`${code.match(sign)[0]} is of Chromium ${from}`);
	if (own && /['"`]#[0-9a-f]{3,8}['"`]|\brgba?\(\d/i.test(code))
		told('a colour');
}

for (const folder of folders)
	for (const name of fs.readdirSync(folder, { recursive: true }))
		if (/\.(js|css)$/.test(name))
			look(path.join(folder, name), !/vendor/.test(name));
if (read < 30)
	console.log(`only ${read} files were there`);
