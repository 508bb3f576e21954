/*
 * Goal of this test: the bounds on roster documents hold to the last entry
 * where one is made, so that nobody signs what others would refuse.
 */
#include "config.h"

#include "document.h"
#include "roster_change.h"

/* The next version of what part says now; its first root key signs. */
static struct roster_change *
change(struct roster_doc *cur)
{
	struct roster_change *c = NULL;
	struct err err;

	finish(cur);
	if (roster_change_begin(&c, cur, NULL, "root", &err) != 0) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return c;
}

/* What could be added is there when it is written; what could not is not. */
static int
write_it(
    struct roster_change *c, struct roster_doc *cur, int rc, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	struct err why;
	int written = roster_change_write(&doc, c, rc == 0 ? err : &why);

	if (rc == 0)
		rc = written;
	else if (written != 0)
		rc = LIMITS_LEFT;
	roster_doc_free(&doc);
	roster_doc_free(cur);
	roster_change_free(c);
	return rc;
}

static int
add_key(int64_t n, struct err *err)
{
	struct roster_station *st = begin(1);
	struct roster_key k = {.n_incs = 0};
	struct roster_change *c;
	struct roster_doc cur;

	while (st->n_keys + 1 < (size_t)n) {
		st->keys[st->n_keys - 1].ended = true;
		put_key(&st->keys[st->n_keys++]);
	}
	st->keys[st->n_keys - 1].ended = true;
	next_key(k.sign);
	next_key(k.ssh);
	c = change(&cur);
	return write_it(
	    c, &cur, roster_change_add_key(c, "520000", &k, err), err);
}

static int
add_inc(int64_t n, struct err *err)
{
	struct roster_key *k = &begin(1)->keys[0];
	struct roster_change *c;
	struct roster_doc cur;
	uint8_t sign[32];

	memcpy(sign, k->sign, 32);
	put_incs(k, (size_t)n - 1);
	c = change(&cur);
	return write_it(c, &cur,
	    roster_change_add_inc(c, "520000", sign, "ffffffff", err), err);
}

static int
add_end(int64_t n, struct err *err)
{
	struct roster_end end = {
	    {"520000", "ffffffff", STREAM_RESOURCE, ""}, 7, {{1}}};
	struct roster_key *k = &begin(1)->keys[0];
	struct roster_change *c;
	struct roster_doc cur;
	uint8_t sign[32];

	memcpy(sign, k->sign, 32);
	put_ends(&k->ends, &k->n_ends, (size_t)n - 1);
	c = change(&cur);
	return write_it(
	    c, &cur, roster_change_add_end(c, "520000", sign, &end, err), err);
}

static int
add_auditor(int64_t n, struct err *err)
{
	struct roster_auditor a = {.name = (char *)"审计"};
	struct roster_change *c;
	struct roster_doc cur;

	begin(1);
	put_auditors((size_t)n - 1, 1);
	next_key(a.ssh);
	c = change(&cur);
	return write_it(c, &cur, roster_change_auditor(c, &a, err), err);
}

static int
add_peers(int64_t n, struct err *err)
{
	struct roster_change *c;
	struct roster_doc cur;

	begin(1);
	put_peers((size_t)n - 1);
	c = change(&cur);
	return write_it(
	    c, &cur, roster_change_peers(c, "530000", "520000", err), err);
}

static int
decide(int64_t n, struct err *err)
{
	struct digest hash = {{2}};
	struct roster_change *c;
	struct roster_doc cur;

	begin(1);
	put_decided((size_t)n - 1);
	c = change(&cur);
	return write_it(
	    c, &cur, roster_change_decide(c, "root", 7, &hash, err), err);
}

static int
set_root_keys(int64_t n, struct err *err)
{
	uint8_t all[LIMIT_ROSTER_KEYS + 1][32];
	struct roster_change *c;
	struct roster_doc cur;
	size_t i;

	begin(1);
	c = change(&cur);
	for (i = 0; i < (size_t)n; i++)
		next_key(all[i]);
	return write_it(c, &cur,
	    roster_change_root_keys(
		c, (const uint8_t(*)[32])all, (size_t)n, 1, err),
	    err);
}

static int
sign(int64_t n, struct err *err)
{
	struct roster_doc doc;
	struct err other;
	int64_t i;
	int rc;

	begin(1);
	finish(&doc);
	for (i = 0; i + 1 < n; i++)
		if (roster_doc_sign(&doc, &keys[i], &other) != 0)
			abort();
	rc = roster_doc_sign(&doc, &keys[KEYS - 1], err);
	if ((rc == 0) != (doc.n_sigs == (size_t)n))
		rc = LIMITS_LEFT;
	roster_doc_free(&doc);
	return rc;
}

/* The station of level n - 1 lists its child in a document of its own. */
static int
enrol(int64_t n, struct err *err)
{
	struct roster_doc docs[2] = {{.version = 0}, {.version = 0}};
	struct roster_station st = {.name = (char *)"child"};
	struct roster_key k = {.n_incs = 0};
	const struct sign_key *signer;
	struct roster *r = NULL;
	char scope[CHAIN_CODE_LEN + 1];
	struct err other;
	int rc;

	begin(1);
	put_levels((size_t)n - 1);
	signer = &keys[used - 2];
	snprintf(
	    scope, sizeof(scope), "%06u", (unsigned)(520000 + 100 * (n - 2)));
	snprintf(st.code, sizeof(st.code), "%06u",
	    (unsigned)(520001 + 100 * (n - 2)));
	next_key(k.sign);
	next_key(k.ssh);
	strcpy(st.parent, scope);
	st.keys = &k;
	st.n_keys = 1;
	finish(&docs[0]);
	if (roster_doc_sign(&docs[0], &keys[0], &other) != 0 ||
	    roster_build(&r, docs, 1, &other) != 0) {
		printf("Bail out! %s\n", other.msg);
		exit(1);
	}
	rc = roster_enrol(&docs[1], r, NULL, scope, &st, signer, err);
	roster_free(r);
	r = NULL;
	/* What is let in has to count. */
	if (rc == 0 && (roster_build(&r, docs, 2, err) != 0 ||
			   roster_find(r, st.code) == NULL))
		rc = LIMITS_LEFT;
	roster_free(r);
	roster_doc_free(&docs[0]);
	roster_doc_free(&docs[1]);
	return rc;
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_TREE), "levels over documents", "over 16 levels deep",
		enrol},
	    {LIMIT(LIMIT_ROSTER_KEYS), "keys when one is added",
		"has had 16 keys", add_key},
	    {LIMIT(LIMIT_INCS), "incarnations when one is added",
		"over 64 in \"incs\"", add_inc},
	    {LIMIT(LIMIT_ENDS), "ends when one is added",
		"over 4096 in \"ends\"", add_end},
	    {LIMIT(LIMIT_AUDITORS), "auditors when one is added",
		"more than 256 auditors", add_auditor},
	    {LIMIT(LIMIT_PEERS), "peers when some are added",
		"more than 4096 pairs", add_peers},
	    {LIMIT(LIMIT_DECIDED), "decisions when one is taken",
		"more than 256 decisions", decide},
	    {LIMIT(LIMIT_ROSTER_KEYS), "root keys when they are set",
		"1 to 16 root keys", set_root_keys},
	    {LIMIT(LIMIT_ROSTER_KEYS), "signatures when one is added",
		"more than 16 signatures", sign},
	};

	make_keys();
	limits_run(rows, sizeof(rows) / sizeof(*rows));
	return tap_done();
}
