// node messages.mjs FOLDER: every message that the pages give to _() or N_()
// stands in zh.js, and zh.js holds nothing that no page says.
import fs from 'node:fs';
import path from 'node:path';

const top = process.argv[2];
const files = ['.', 'pages'].flatMap((d) => fs.readdirSync(path.join(top, d))
    .filter((f) => f.endsWith('.js') && f !== 'zh.js')
    .map((f) => path.join(top, d, f)));
const said = new Map();

for (const file of files) {
	const text = fs.readFileSync(file, 'utf8');

	for (const m of text.matchAll(/(?<![\w.$])N?_\(\s*'((?:[^'\\]|\\.)*)'/g))
		said.set(m[1].replace(/\\(.)/g, '$1'), path.basename(file));
}
const source = fs.readFileSync(path.join(top, 'zh.js'), 'utf8');
const { default: zh } = await import('data:text/javascript,' +
	encodeURIComponent(source));
// Units, streams and the like are looked up by what the server says.
const free = /\|(unit|stream|verb|kind|audit|doctor)$/;
const lacking = [...said.keys()].filter((s) => !(s in zh));
const idle = Object.keys(zh).filter((s) => !said.has(s) && !free.test(s));

for (const s of lacking)
	console.log(`not in zh.js: ${s} (${said.get(s)})`);
for (const s of idle)
	console.log(`in zh.js, but said nowhere: ${s}`);
// A placeholder that is lost in translation would be shown as braces.
for (const [s, t] of Object.entries(zh))
	for (const m of s.matchAll(/\{\w+\}/g))
		if (!t.includes(m[0])) {
			console.log(`zh.js loses ${m[0]}: ${s}`);
			lacking.push(s);
		}
process.exit(lacking.length + idle.length ? 1 : 0);
