// What an answer has that the description does not: for scripts that see many
// answers, at stations with something in them.

// Paths of members in value that schema does not have; the names of the
// description's objects that were met are added to seen.
export function foreign(doc, schema, value, seen, at = '') {
	if (schema?.$ref) {
		const name = schema.$ref.split('/').at(-1);

		if (value !== null)
			seen?.add(name);
		return foreign(doc, doc.components.schemas[name], value, seen, at);
	}
	if (value === null || typeof value !== 'object' || !schema)
		return [];
	if (schema.anyOf)
		return foreign(doc, schema.anyOf.find((s) => s.type !== 'null'), value,
		    seen, at);
	if (Array.isArray(value))
		return value.flatMap((v) => foreign(doc, schema.items, v, seen, at +
		    '[]'));
	if (!schema.properties) // its members are named elsewhere
		return [];
	return Object.entries(value).flatMap(([name, v]) =>
		schema.properties[name] ? foreign(doc, schema.properties[name], v, seen,
		    `${at}.${name}`) : [`${at}.${name}`]);
}

// The same of an answer to METHOD PATH?QUERY.
export function undescribed(doc, method, url, status, body, seen) {
	const path = url.split('?')[0];
	const item = Object.entries(doc.paths).find(([p]) => new RegExp('^' +
		p.replace(/\{\w+\}/g, '[^/]+') + '$').test(path))?.[1];
	const says = item?.[method.toLowerCase()]?.responses;
	const media = (says?.[status] ?? says?.default)?.content;

	if (!media)
		return [`${method} ${path} ${status} is not described`];
	return foreign(doc, media['application/json']?.schema, body, seen)
	    .map((at) => `${method} ${path}: ${at}`);
}
