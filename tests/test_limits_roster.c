/*
 * Goal of this test: the bounds on roster documents hold to the last entry
 * where one is read, as it comes over a line.
 */
#include "config.h"

#include "document.h"

/* As it comes over a line. */
static int
unpack(const struct roster_doc *doc, struct err *err)
{
	struct buf wire = BUF_INIT;
	struct roster_doc got;
	int rc;

	roster_doc_pack(&wire, doc);
	rc = roster_doc_unpack(&got, wire.b, wire.len, err);
	if (rc == 0 &&
	    (!digest_equal(&got.hash, &doc->hash) || got.n_sigs != doc->n_sigs))
		rc = LIMITS_LEFT;
	else if (rc != 0 && (got.text.len != 0 || got.n_sigs != 0))
		rc = LIMITS_LEFT;
	roster_doc_free(&got);
	buf_free(&wire);
	return rc;
}

static int
read_it(struct err *err)
{
	struct roster_doc doc;
	int rc;

	finish(&doc);
	rc = unpack(&doc, err);
	roster_doc_free(&doc);
	return rc;
}

/* A document of exactly n bytes: ends, and two names to fill what is left. */
static int
bytes(int64_t n, struct err *err)
{
	struct roster_station *st;
	struct buf text = BUF_INIT;
	size_t left, size, name, i;

	st = begin(1);
	part.auditors = mem_calloc(1, sizeof(*part.auditors));
	part.n_auditors = 1;
	part.auditors[0].name = mem_strdup("");
	next_key(part.auditors[0].ssh);
	st->n_keys = 3;
	put_key(&st->keys[1]);
	put_key(&st->keys[2]);
	for (i = 0; i < 2; i++) {
		st->keys[i].ended = true;
		put_ends(&st->keys[i].ends, &st->keys[i].n_ends, LIMIT_ENDS);
	}
	roster_doc_write(&text, &part);
	size = text.len;
	put_ends(&st->keys[2].ends, &st->keys[2].n_ends, 2);
	buf_clear(&text);
	roster_doc_write(&text, &part);
	size = text.len - size; /* of two, and a comma */
	left = (size_t)n - text.len;
	free(st->keys[2].ends);
	put_ends(&st->keys[2].ends, &st->keys[2].n_ends,
	    2 + left / ((size + 1) / 2));
	left %= (size + 1) / 2;
	name = left < LIMIT_NAME ? left : LIMIT_NAME;
	st->name = mem_realloc(st->name, name + 1);
	memset(st->name, 'n', name);
	st->name[name] = '\0';
	left -= name;
	part.auditors[0].name = mem_realloc(part.auditors[0].name, left + 1);
	memset(part.auditors[0].name, 'n', left);
	part.auditors[0].name[left] = '\0';
	buf_clear(&text);
	roster_doc_write(&text, &part);
	if (text.len != (size_t)n)
		abort();
	buf_free(&text);
	return read_it(err);
}

static int
root_keys(int64_t n, struct err *err)
{
	begin((size_t)n);
	return read_it(err);
}

static int
station_keys(int64_t n, struct err *err)
{
	struct roster_station *st = begin(1);

	while (st->n_keys < (size_t)n) {
		st->keys[st->n_keys - 1].ended = true;
		put_key(&st->keys[st->n_keys++]);
	}
	return read_it(err);
}

/* Signed by so many; whether it has to be is another question. */
static int
signatures(int64_t n, struct err *err)
{
	struct roster_doc doc;
	size_t i;
	int rc;

	begin(1);
	finish(&doc);
	doc.sigs = mem_calloc((size_t)n, sizeof(*doc.sigs));
	for (i = 0; i < (size_t)n; i++)
		memcpy(doc.sigs[i].key, keys[i].pub, 32);
	doc.n_sigs = (size_t)n;
	rc = unpack(&doc, err);
	roster_doc_free(&doc);
	return rc;
}

static int
auditors(int64_t n, struct err *err)
{
	begin(1);
	put_auditors((size_t)n, 1);
	return read_it(err);
}

static int
owners(int64_t n, struct err *err)
{
	begin(1);
	put_auditors(1, (size_t)n);
	return read_it(err);
}

/* So many whole ones are over LIMIT_ROSTER bytes. */
static int
stations(int64_t n, struct err *err)
{
	struct buf text = BUF_INIT;
	struct roster_part got;
	int rc;

	buf_puts(&text, "{\"auditors\":[],\"decided\":[],\"peers\":[],"
			"\"prev\":\"\",\"root\":\"520000\",\"root_keys\":[],"
			"\"scope\":\"root\",\"stations\":[1");
	while (--n > 0)
		buf_puts(&text, ",1");
	buf_puts(&text, "],\"threshold\":1,\"version\":1}\n");
	rc = roster_parse_part(&got, text.b, text.len, err);
	buf_free(&text);
	if (rc < 0 && got.stations != NULL)
		return LIMITS_LEFT;
	return limits_only(rc, err, "over 4096");
}

static int
peers(int64_t n, struct err *err)
{
	begin(1);
	put_peers((size_t)n);
	return read_it(err);
}

static int
decided(int64_t n, struct err *err)
{
	begin(1);
	put_decided((size_t)n);
	return read_it(err);
}

static int
incs(int64_t n, struct err *err)
{
	put_incs(&begin(1)->keys[0], (size_t)n);
	return read_it(err);
}

static int
ends(int64_t n, struct err *err)
{
	struct roster_key *k = &begin(1)->keys[0];

	put_ends(&k->ends, &k->n_ends, (size_t)n);
	return read_it(err);
}

static void
put_former(struct roster_station *st, size_t n, size_t ends_of_each)
{
	size_t i;

	st->former = mem_calloc(n + 1, sizeof(*st->former));
	st->n_former = n;
	for (i = 0; i < n; i++) {
		strcpy(st->former[i].parent, "520300");
		put_ends(
		    &st->former[i].ends, &st->former[i].n_ends, ends_of_each);
	}
}

static int
former(int64_t n, struct err *err)
{
	put_former(begin(1), (size_t)n, 1);
	return read_it(err);
}

static int
former_ends(int64_t n, struct err *err)
{
	put_former(begin(1), 1, (size_t)n);
	return read_it(err);
}

static int
levels(int64_t n, struct err *err)
{
	begin(1);
	put_levels((size_t)n);
	return read_it(err);
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_ROSTER), "bytes of a document", "over 1048576 bytes",
		bytes},
	    {LIMIT(LIMIT_ROSTER_KEYS), "root keys", "over 16 in \"root_keys\"",
		root_keys},
	    {LIMIT(LIMIT_ROSTER_KEYS), "keys of a station",
		"over 16 in \"keys\"", station_keys},
	    {LIMIT(LIMIT_ROSTER_KEYS), "signatures", "over 16 signatures",
		signatures},
	    {LIMIT(LIMIT_STATIONS), "stations of a document",
		"over 4096 in \"stations\"", stations},
	    {LIMIT(LIMIT_STATIONS), "owners an auditor reads",
		"over 4096 in \"owners\"", owners},
	    {LIMIT(LIMIT_AUDITORS), "auditors", "over 256 in \"auditors\"",
		auditors},
	    {LIMIT(LIMIT_PEERS), "pairs of peers", "over 4096 in \"peers\"",
		peers},
	    {LIMIT(LIMIT_DECIDED), "decisions", "over 256 in \"decided\"",
		decided},
	    {LIMIT(LIMIT_INCS), "incarnations", "over 64 in \"incs\"", incs},
	    {LIMIT(LIMIT_ENDS), "ends of a key", "over 4096 in \"ends\"", ends},
	    {LIMIT(LIMIT_ENDS), "ends of a former parent",
		"over 4096 in \"ends\"", former_ends},
	    {LIMIT(LIMIT_FORMER), "former parents", "over 16 in \"former\"",
		former},
	    {LIMIT(LIMIT_TREE), "levels in the root part", "over 16 levels",
		levels},
	};

	make_keys();
	limits_run(rows, sizeof(rows) / sizeof(*rows));
	return tap_done();
}
