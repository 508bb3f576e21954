/*
 * Goal of this test: what a hostile or broken station signs is refused or
 * quarantined with one line that says what and where, alike at every
 * station, and nothing else suffers: in the same transaction the changesets
 * of other chains go on, and digests stay equal.
 *
 * (Frames and runs: test_peer_liar, test_run; bounds: test_limits_*.)
 */
#include "config.h"

#include <time.h>

#include "world.h"

#include "forge.h"

#define COUNTY_TEAM "520302-00000000000000000000000000000001"
#define SIBLING_TEAM "520303-00000000000000000000000000000002"
#define COUNTY_INCIDENT "520302-00000000000000000000000000000003"
#define SIBLING_INCIDENT "520303-00000000000000000000000000000004"
#define OTHER_TEAM "520402-00000000000000000000000000000005"

#define SET(id, kind, what) \
	"{\"id\":\"" id "\",\"kind\":\"" kind "\",\"set\":{" what "}}\n"

/* Another chain, from which something good follows whatever was refused. */
static struct pen beat;
static int beats;

static void
copy(struct changeset *out, const struct changeset *cs)
{
	*out = *cs;
	out->author = mem_strdup(cs->author);
	out->login = mem_strdup(cs->login);
	out->subject = mem_strdup(cs->subject);
	out->seen = mem_calloc(cs->n_seen + 1, sizeof(*out->seen));
	if (cs->n_seen > 0)
		memcpy(out->seen, cs->seen, cs->n_seen * sizeof(*out->seen));
	memset(&out->ops, 0, sizeof(out->ops));
	buf_put(&out->ops, cs->ops.b, cs->ops.len);
}

static int
take(struct world *w, int at, const struct changeset *cs, struct err *err)
{
	struct changeset mine;
	enum receive_result result;
	int rc;

	copy(&mine, cs);
	rc = receive_changeset(w->at[at], &mine, &result, err);
	changeset_free(&mine);
	return rc;
}

static bool
reached(struct world *w, int at, const struct chain_name *chain)
{
	return chain_reaches(
	    replica_roster(w->at[at]), chain, world_tree[at].code);
}

/* Are the digests of what everyone holds, and of the county's command, the
 * same at all in reach? */
static bool
alike(struct world *w)
{
	static const int line[] = {PROVINCE, CITY, COUNTY};
	bool same = true;
	size_t i;
	int at, s;

	for (at = 1; at < WORLD_N; at++)
		for (s = 0; s < STREAM_COUNT; s++)
			if (stream_everyone((enum stream)s))
				same &= strcmp(world_digest(
						   w, 0, (enum stream)s, NULL),
					    world_digest(w, at, (enum stream)s,
						NULL)) == 0;
	for (i = 1; i < 3; i++)
		same &= strcmp(world_digest(w, 0, STREAM_COMMAND, "520302"),
			    world_digest(
				w, line[i], STREAM_COMMAND, "520302")) == 0;
	same &= strcmp(world_digest(w, CITY, STREAM_COMMAND, "520303"),
		    world_digest(w, SIBLING, STREAM_COMMAND, "520303")) == 0;
	return same;
}

/* The same transaction, after what it had to refuse. */
static bool
goes_on(struct world *w, int at, const struct changeset *good)
{
	struct err err;

	if (take(w, at, good, &err) != 0 ||
	    replica_commit(w->at[at], &err) != 0) {
		printf("# %s: %s\n", world_tree[at].code, err.msg);
		return false;
	}
	return true;
}

static void
next_beat(struct changeset *good)
{
	char op[200];

	snprintf(op, sizeof(op),
	    "{\"id\":\"" OTHER_TEAM
	    "\",\"kind\":\"team\",\"set\":{\"name\":\"%d\"}}\n",
	    ++beats);
	pen_draft(good, &beat, op, strlen(op));
	pen_sign(good, &beat.key);
}

/* Everyone in reach of its chain refuses cs, with a line that has where it
 * is and text. */
static void
refused(struct world *w, const struct changeset *cs, int want, const char *text,
    const char *what)
{
	char place[CHAIN_NAME_MAX + 32], name[CHAIN_NAME_MAX], said[512] = "";
	struct changeset good;
	bool right = true;
	struct err err;
	int at;

	chain_format(name, &cs->chain);
	snprintf(
	    place, sizeof(place), "%s seq %lld: ", name, (long long)cs->seq);
	next_beat(&good);
	for (at = 0; at < WORLD_N; at++) {
		int rc;

		must(replica_begin(w->at[at], &err), &err, "begin");
		err.msg[0] = '\0';
		rc = take(w, at, cs, &err);
		if (!reached(w, at, &cs->chain)) {
			right &= rc == YZ_EDENIED &&
				 strstr(err.msg, "may not hold") != NULL;
		} else {
			snprintf(said, sizeof(said), "%s", err.msg);
			right &= rc == want;
		}
		if (strstr(err.msg, place) == NULL ||
		    strchr(err.msg, '\n') != NULL)
			right = false;
		right &= goes_on(w, at, &good);
	}
	if (strstr(said, text) == NULL)
		right = false;
	if (!ok(right && alike(w), "%s is refused: %.160s", what, said))
		printf("# want %d, \"%s\"\n", want, text);
	pen_advance(&beat, &good);
	changeset_free(&good);
}

/* Everyone in reach takes it; n of its ops are in quarantine for reason. */
static void
quarantined(struct world *w, struct pen *pen, const char *ops, int64_t n,
    const char *reason, const char *what)
{
	struct changeset cs, good;
	struct buf sql = BUF_INIT;
	bool right = true;
	struct err err;
	int at;

	pen_draft(&cs, pen, ops, strlen(ops));
	pen_sign(&cs, &pen->key);
	next_beat(&good);
	for (at = 0; at < WORLD_N; at++) {
		if (!reached(w, at, &cs.chain) &&
		    strcmp(world_tree[at].code, cs.chain.writer) != 0) {
			must(replica_begin(w->at[at], &err), &err, "begin");
			right &= goes_on(w, at, &good);
			continue;
		}
		if (!reached(w, at, &cs.chain))
			continue;
		must(replica_begin(w->at[at], &err), &err, "begin");
		must(take(w, at, &cs, &err), &err, what);
		right &= goes_on(w, at, &good);
		buf_clear(&sql);
		buf_printf(&sql,
		    "SELECT count(*) FROM _quarantine AS q JOIN _chain ON"
		    " no = q.chain WHERE writer = '%s' AND stream = %d AND"
		    " seq = %lld AND instr(reason, '%s') > 0",
		    cs.chain.writer, cs.chain.stream, (long long)cs.seq,
		    reason);
		if (world_count(w, at, buf_str(&sql)) != n) {
			printf("# %s: not %lld in quarantine\n",
			    world_tree[at].code, (long long)n);
			right = false;
		}
	}
	/* A writer out of its chain's reach, for the beat. */
	for (at = 0; at < WORLD_N; at++) {
		if (reached(w, at, &cs.chain) ||
		    strcmp(world_tree[at].code, cs.chain.writer) != 0)
			continue;
		must(replica_begin(w->at[at], &err), &err, "begin");
		right &= goes_on(w, at, &good);
	}
	ok(right && alike(w), "%s: \"%s\", everywhere", what, reason);
	pen_advance(pen, &cs);
	pen_advance(&beat, &good);
	changeset_free(&cs);
	changeset_free(&good);
	buf_free(&sql);
}

/* --- who signed, and what stands before it ---------------------------------
 */

static void
signatures(struct world *w)
{
	static const char op[] = SET(COUNTY_TEAM, "team", "\"name\":\"x\"");
	const struct sign_key *other = &replica_home(w->at[SIBLING])->sign;
	struct changeset cs, twin;
	struct pen pen, nobody;
	struct err err;
	int at;

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	pen_draft(&cs, &pen, op, strlen(op));
	pen_sign(&cs, other);
	refused(w, &cs, YZ_EDENIED, "not signed by 520302",
	    "what the sibling signed for the county");
	pen_sign(&cs, &pen.key);
	cs.ops.b[cs.ops.len - 5] = 'y';
	changeset_derive(&cs);
	refused(w, &cs, YZ_EDENIED, "not signed by 520302",
	    "what was altered after it was signed");
	cs.ops.b[cs.ops.len - 5] = 'x';
	cs.seq++;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ENOTFOUND, "missing", "what leaves one out");
	cs.seq--;
	cs.prev.b[0] ^= 1;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECONFLICT, "Prev is not the changeset at seq",
	    "a Prev that is another's");
	/* As it travels, without Prev: then the receiver puts its own. */
	cs.prev.b[0] ^= 1;
	refused(w, &cs, YZ_EDENIED, "not signed by 520302",
	    "a wrong Prev left out on the wire");
	pen_sign(&cs, &pen.key);
	for (at = 0; at < WORLD_N; at++) {
		must(replica_begin(w->at[at], &err), &err, "begin");
		must(take(w, at, &cs, &err), &err, "a good one");
		is_int(take(w, at, &cs, &err), 0, "a good one comes twice");
		must(replica_commit(w->at[at], &err), &err, "commit");
	}
	copy(&twin, &cs);
	twin.ops.b[twin.ops.len - 5] = 'z';
	pen_sign(&twin, &pen.key);
	refused(w, &twin, YZ_ECONFLICT, "another changeset stands at seq",
	    "a second one at its place");
	changeset_free(&twin);
	changeset_free(&cs);

	pen_new(&nobody, "999999-00000000/resource", &pen.key);
	pen_draft(&cs, &nobody, op, strlen(op));
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_EDENIED, "no key", "a station that is not there");
	changeset_free(&cs);
	pen_of(&pen, w, COUNTY, STREAM_OVERSIGHT, "520302");
	pen_draft(&cs, &pen, op, strlen(op));
	pen_sign(&cs, other);
	refused(w, &cs, YZ_EDENIED, "not signed by",
	    "a chain that not all may hold");
	changeset_free(&cs);
}

/* --- what it says -----------------------------------------------------------
 */

#define HEAD "{\"id\":\"" COUNTY_TEAM "\",\"kind\":\"team\",\"set\":{"

static void
malformed_ops(struct world *w)
{
	static const struct {
		const char *ops, *text, *what;
	} bad[] = {
	    {HEAD "\"name\":1.5}}\n", "op 1: byte 77: a float", "a float"},
	    {HEAD "\"name\":1e3}}\n", "a float", "an exponent"},
	    {HEAD "\"name\":\"a\",\"name\":\"b\"}}\n", "key \"name\" twice",
		"a key twice"},
	    {HEAD "\"status\":\"a\",\"name\":\"b\"}}\n",
		"keys not sorted at \"name\"", "keys out of order"},
	    {HEAD "\"name\": \"a\"}}\n", "white space", "white space"},
	    {HEAD "\"name\":\"a\"}}", "op 1: the line is not ended",
		"a line without end"},
	    {HEAD "\"name\":\"a\"}}\n" HEAD "\"name\":-0}}\n",
		"op 2: ", "minus zero in the second op"},
	    {HEAD "\"name\":\"\\u0041\"}}\n", "escape", "another escape"},
	    {HEAD "\"name\":\"\xff\"}}\n", "UTF-8", "bytes that are no text"},
	    {HEAD "\"name\":12345678901234567}}\n", "integer over",
		"an integer beyond 2^53"},
	    {HEAD "\"Name\":1}}\n", "field's name", "a field's odd name"},
	    {HEAD "}}\n", "without fields", "nothing set"},
	    {"{\"add\":{\"skills\":[\"a\",\"a\"]},\"id\":\"" COUNTY_TEAM
	     "\",\"kind\":\"team\"}\n",
		"not unique", "an element twice"},
	    {"{\"add\":{\"skills\":[\"a\"]},\"id\":\"" COUNTY_TEAM
	     "\",\"kind\":\"team\",\"remove\":{\"skills\":[\"a\"]}}\n",
		"both added and removed", "an element that comes and goes"},
	    {"{\"drop\":\"\",\"id\":\"" COUNTY_TEAM "\",\"kind\":\"team\"}\n",
		"without a reason", "a drop without a reason"},
	    {"{\"id\":\"520302-1\",\"kind\":\"team\"}\n", "record id",
		"no record's id"},
	    {"{\"id\":\"" COUNTY_TEAM "\",\"kind\":\"team; DROP\"}\n", "kind",
		"no kind's name"},
	    {"[]\n", "not an object", "no object"},
	    {"\n", "value is missing", "an empty line"},
	    {"{\"id\":\"" COUNTY_TEAM "\",\"kind\":\"team\",\"zap\":1}\n",
		"unknown member", "a member of tomorrow"},
	};
	struct changeset cs;
	struct pen pen;
	size_t i;

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pen_draft(&cs, &pen, bad[i].ops, strlen(bad[i].ops));
		pen_sign(&cs, &pen.key);
		refused(w, &cs, YZ_ECORRUPT, bad[i].text, bad[i].what);
		changeset_free(&cs);
	}
}

static void
too_much(struct world *w)
{
	static const char op[] =
	    "{\"id\":\"" COUNTY_TEAM "\",\"kind\":\"team\"}\n";
	struct buf ops = BUF_INIT;
	struct changeset cs;
	struct pen pen;
	int i;

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	for (i = 0; i < LIMIT_OPS + 1; i++)
		buf_puts(&ops, op);
	pen_draft(&cs, &pen, ops.b, ops.len);
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "over 500 ops", "501 ops");
	changeset_free(&cs);

	buf_clear(&ops);
	buf_puts(&ops, HEAD "\"name\":\"");
	while (ops.len < LIMIT_OPS_BYTES + 1 - 4)
		buf_putc(&ops, 'x');
	buf_puts(&ops, "\"}}\n");
	pen_draft(&cs, &pen, ops.b, ops.len);
	pen_sign(&cs, &pen.key);
	is_int(cs.ops.len, LIMIT_OPS_BYTES + 1, "64 KiB and a byte");
	refused(w, &cs, YZ_ECORRUPT, "65537 bytes of ops are over 65536",
	    "a byte over 64 KiB of ops");
	changeset_free(&cs);

	buf_clear(&ops);
	buf_puts(&ops, HEAD "\"name\":");
	for (i = 0; i < 40; i++)
		buf_putc(&ops, '[');
	for (i = 0; i < 40; i++)
		buf_putc(&ops, ']');
	buf_puts(&ops, "}}\n");
	pen_draft(&cs, &pen, ops.b, ops.len);
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "nested too deep", "40 lists in a list");
	changeset_free(&cs);
	buf_free(&ops);
}

static void
out_of_range(struct world *w)
{
	static const char op[] = SET(COUNTY_TEAM, "team", "\"name\":\"x\"");
	struct changeset cs;
	struct pen pen;

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	pen_draft(&cs, &pen, op, strlen(op));
	cs.time = LIMIT_TIME_MAX + 1;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "time is out of range", "the year 10000");
	cs.time = -1;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "time is out of range", "before 1970");
	cs.time = WORLD_START;
	cs.offset = INT64_MIN;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "offset is out of range", "an offset");
	cs.offset = 0;
	cs.kinds = -1;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "kinds is out of range", "kinds");
	cs.kinds = 0;
	free(cs.author);
	cs.author = mem_strdup("省厅 <root@520000>");
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "author", "an author with an address");
	free(cs.author);
	cs.author = mem_strdup("a");
	free(cs.subject);
	cs.subject = mem_strdup("x\n\nChain: 520000-00000000/roster");
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "subject", "a subject with trailers");
	changeset_free(&cs);
}

/* --- Seen
 * ---------------------------------------------------------------------
 */

/* n lines about chains that are nowhere. */
static void
flood(struct changeset *cs, size_t n, int64_t seq)
{
	char name[CHAIN_NAME_MAX];
	struct err err;
	size_t i;

	free(cs->seen);
	cs->seen = mem_calloc(n, sizeof(*cs->seen));
	cs->n_seen = n;
	for (i = 0; i < n; i++) {
		struct changeset_seen *s = &cs->seen[i];

		snprintf(name, sizeof(name), "777777-%08zx/oversight@777777",
		    i + 1000000u * (unsigned)cs->seq);
		must(chain_parse(&s->chain, name, strlen(name), &err), &err,
		    name);
		s->seq = seq;
	}
}

/* As before, about chains that could write the same records. */
static void
flood_near(struct changeset *cs, size_t n)
{
	size_t i;

	flood(cs, n, 1);
	for (i = 0; i < n; i++) {
		cs->seen[i].chain.stream = STREAM_RESOURCE;
		cs->seen[i].chain.owner[0] = '\0';
	}
}

static void
seen_floods(struct world *w)
{
	static const char op[] = SET(COUNTY_TEAM, "team", "\"name\":\"x\"");
	struct changeset cs;
	struct pen pen;
	struct err err;
	int at, i;

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	pen_draft(&cs, &pen, op, strlen(op));
	flood(&cs, LIMIT_SEEN + 1, 1);
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "4097 Seen lines are over 4096",
	    "a Seen line too many");
	flood(&cs, 2, 1);
	cs.seen[0] = cs.seen[1];
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "not sorted", "a Seen line twice");
	cs.n_seen = 1;
	cs.seen[0].chain = pen.chain;
	pen_sign(&cs, &pen.key);
	refused(w, &cs, YZ_ECORRUPT, "its own chain", "having seen oneself");
	changeset_free(&cs);

	/* What is within the limits is taken. */
	for (i = 0; i < 4; i++) {
		pen_draft(&cs, &pen, op, strlen(op));
		if (i == 0) /* the longest text there can be */
			flood(&cs, LIMIT_SEEN, LIMIT_SEQ);
		else
			flood_near(&cs, LIMIT_SEEN);
		pen_sign(&cs, &pen.key);
		for (at = 0; at < 2; at++) {
			must(replica_begin(w->at[at], &err), &err, "begin");
			must(take(w, at, &cs, &err), &err, "a flood");
			must(replica_commit(w->at[at], &err), &err, "commit");
		}
		pen_advance(&pen, &cs);
		changeset_free(&cs);
	}
	for (at = 2; at < WORLD_N; at++)
		world_carry(w, PROVINCE, at);
	ok(alike(w), "16,384 Seen lines about nothing change no digest");
}

/* Who says to have seen what was never there covers nothing. */
static void
seen_lies(struct world *w)
{
	static const char op[] = SET(COUNTY_TEAM, "team", "\"status\":\"b\"");
	struct changeset cs;
	struct pen pen;
	struct err err;
	int at, i;

	world_set(
	    w, COUNTY, STREAM_RESOURCE, "team", COUNTY_TEAM, "status", "\"a\"");
	world_sync(w);
	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	i = (int)pen.seq;
	pen_of(&pen, w, CITY, STREAM_RESOURCE, NULL);
	pen_draft(&cs, &pen, op, strlen(op));
	flood(&cs, 1, i);
	cs.seen[0].chain = pen.chain;
	memcpy(cs.seen[0].chain.writer, "520302", 6);
	memcpy(cs.seen[0].chain.inc, replica_home(w->at[COUNTY])->inc,
	    CHAIN_INC_LEN);
	memset(cs.seen[0].id, 0xee, sizeof(cs.seen[0].id));
	pen_sign(&cs, &pen.key);
	for (at = 0; at < WORLD_N; at++) {
		must(replica_begin(w->at[at], &err), &err, "begin");
		must(take(w, at, &cs, &err), &err, "a lie");
		must(replica_commit(w->at[at], &err), &err, "commit");
	}
	changeset_free(&cs);
	is_int(world_count(w, OTHER,
		   "SELECT count(*) FROM _standing WHERE register = 'status'"),
	    2, "a Seen line with another id covers nothing");
	ok(alike(w), "alike everywhere");
	world_set(w, PROVINCE, STREAM_RESOURCE, "team", COUNTY_TEAM, "status",
	    "\"c\"");
	world_sync(w);
}

/* --- what is taken, and does not count --------------------------------------
 */

static void
quarantines(struct world *w)
{
	struct pen pen;

	pen_of(&pen, w, SIBLING, STREAM_RESOURCE, NULL);
	quarantined(w, &pen,
	    SET(COUNTY_TEAM, "team", "\"name\":\"夺\"")
		SET(SIBLING_TEAM, "team", "\"name\":\"自\""),
	    1, "520303 is neither the owner 520302 nor above it",
	    "a sibling writes a county's record");
	is_str(world_get(w, OTHER, "team", SIBLING_TEAM, "name"), "自",
	    "the other op of that changeset counts");
	is_str(world_get(w, OTHER, "team", COUNTY_TEAM, "name"), "x",
	    "and the record is as it was");

	pen_of(&pen, w, SIBLING, STREAM_COMMAND, "520302");
	quarantined(w, &pen,
	    SET(COUNTY_INCIDENT, "incident", "\"name\":\"夺\""), 1,
	    "520303 is neither the owner 520302 nor above it",
	    "a sibling writes in a chain about the county");
	is_str(world_get(w, CITY, "incident", COUNTY_INCIDENT, "name"), "滑坡",
	    "the incident is as it was");

	pen_of(&pen, w, CITY, STREAM_COMMAND, "520302");
	quarantined(w, &pen,
	    SET(SIBLING_INCIDENT, "incident", "\"name\":\"y\""), 1,
	    "the record is of 520303, the chain about 520302",
	    "a record of another in a chain about the county");

	pen_of(&pen, w, COUNTY, STREAM_ROSTER, NULL);
	quarantined(w, &pen,
	    SET("520302-0000000000000000000000000000000a", "kind",
		"\"name\":\"spy\",\"stream\":\"resource\"")
		SET("520302-0000000000000000000000000000000b", "code",
		    "\"code\":\"1\",\"list\":\"x\""),
	    2, "only the root 520000 defines kinds and codes",
	    "a county defines a kind and a code of its own");
	quarantined(w, &pen,
	    SET("520000-0000000000000000000000000000000a", "kind",
		"\"name\":\"team\",\"stream\":\"personal\""),
	    1, "520302 is neither the owner 520000 nor above it",
	    "a county redefines a kind in the name of the root");

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	quarantined(w, &pen, SET(COUNTY_TEAM, "team", "\"leader\":\"张\""), 1,
	    "field leader of team travels in the stream personal",
	    "a personal field for everyone to read");
	quarantined(w, &pen, SET(COUNTY_INCIDENT, "incident", "\"name\":\"z\""),
	    1, "kind incident does not travel in the stream resource",
	    "an incident among the resources");
	quarantined(w, &pen,
	    SET(COUNTY_TEAM, "team",
		"\"skills\":[\"a\"]") "{\"add\":{\"name\":[\"a\"]},\"id\":\"" COUNTY_TEAM
				      "\",\"kind\":\"team\"}\n",
	    2, " set", "a set that is set, a text that is added to");
}

/* Values of another type are kept as they are, and break nothing. */
static void
odd_values(struct world *w)
{
	static const char *const values[] = {"7", "true", "[]",
	    "{\"a\":[1,{}]}", "\"\"", "\"-\"", "\"1.2.3\"", "\"--1.00\"",
	    "\"99999999999999999999.00\"", "\"1e9\"", "null",
	    "\"'; DROP TABLE team; --\"", "9007199254740991"};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct op_draft *op = op_draft_new("team", COUNTY_TEAM);

		op_draft_set(op, "name", values[i]);
		op_draft_set(op, "lon", values[i]);
		op_draft_set(op, "lat", values[i]);
		world_write(w, COUNTY, STREAM_RESOURCE, op);
	}
	world_sync(w);
	ok(alike(w), "values of other types are the same everywhere");
}

/* A field of a field that only a later release knows. */
static void
from_tomorrow(struct world *w)
{
	struct op_draft *op =
	    op_draft_new("field", "520000-000000000000000000000000000000f0");

	op_draft_set(op, "kind", "\"team\"");
	op_draft_set(op, "field", "\"colour\"");
	op_draft_set(op, "type", "\"text\"");
	op_draft_set(op, "shimmer", "\"y\"");
	alarm(60);
	world_write(w, PROVINCE, STREAM_ROSTER, op);
	alarm(0);
	world_sync(w);
	world_set(w, COUNTY, STREAM_RESOURCE, "team", COUNTY_TEAM, "colour",
	    "\"红\"");
	world_sync(w);
	is_str(world_get(w, OTHER, "team", COUNTY_TEAM, "colour"), "红",
	    "a definition with a member of tomorrow defines what it can");
	ok(alike(w), "alike everywhere");
}

/* --- the wire
 * ------------------------------------------------------------------
 */

static void
wire(struct world *w)
{
	static const char op[] = SET(COUNTY_TEAM, "team", "\"name\":\"x\"");
	struct buf bytes = BUF_INIT;
	struct changeset cs, got;
	struct buf_reader in;
	size_t i, refusals = 0, flips = 0;
	struct pen pen;
	struct err err;
	int rc;

	pen_of(&pen, w, COUNTY, STREAM_RESOURCE, NULL);
	pen_draft(&cs, &pen, op, strlen(op));
	pen_sign(&cs, &pen.key);
	changeset_pack(&bytes, &cs, NULL);
	for (i = 0; i < bytes.len; i++) {
		memset(&got, 0, sizeof(got));
		got.chain = pen.chain;
		got.seq = cs.seq;
		buf_reader_init(&in, bytes.b, i);
		refusals += changeset_unpack(&got, &in, NULL, &err) != 0;
		changeset_free(&got);
	}
	is_int(refusals, bytes.len, "cut short at any byte it is refused");
	must(replica_begin(w->at[CITY], &err), &err, "begin");
	for (i = 0; i < 8 * bytes.len; i++) {
		memset(&got, 0, sizeof(got));
		got.chain = pen.chain;
		got.seq = cs.seq;
		got.prev = cs.prev;
		memcpy(got.parent_oid, cs.parent_oid, 20);
		bytes.b[i / 8] ^= (uint8_t)(1u << i % 8);
		buf_reader_init(&in, bytes.b, bytes.len);
		rc = changeset_unpack(&got, &in, NULL, &err);
		if (rc == 0)
			rc = take(w, CITY, &got, &err);
		flips += rc != 0;
		changeset_free(&got);
		bytes.b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	is_int(flips, 8 * bytes.len, "with any bit flipped it is refused");
	must(replica_commit(w->at[CITY], &err), &err, "commit");
	ok(alike(w), "and nothing came of all that");
	changeset_free(&cs);
	buf_free(&bytes);
}

int
main(void)
{
	int64_t checked, before;
	struct world w;
	struct err err;
	int at;

	world_open(&w);
	world_kinds(&w);
	world_set(
	    &w, COUNTY, STREAM_RESOURCE, "team", COUNTY_TEAM, "name", "\"甲\"");
	world_set(&w, COUNTY, STREAM_COMMAND, "incident", COUNTY_INCIDENT,
	    "name", "\"滑坡\"");
	world_set(&w, COUNTY, STREAM_OVERSIGHT, "hazard",
	    "520302-00000000000000000000000000000009", "name", "\"库\"");
	world_sync(&w);
	pen_of(&beat, &w, OTHER, STREAM_RESOURCE, NULL);
	before = world_count(&w, CITY, "SELECT count(*) FROM _changeset");

	signatures(&w);
	malformed_ops(&w);
	too_much(&w);
	out_of_range(&w);
	is_int(world_count(&w, CITY, "SELECT count(*) FROM _changeset"),
	    before + beats + 1, "of all these only the good ones were stored");
	is_int(world_count(&w, CITY,
		   "SELECT count(*) FROM _chain WHERE writer = '999999'"),
	    0, "what was refused left no chain behind");
	quarantines(&w);
	seen_floods(&w);
	seen_lies(&w);
	odd_values(&w);
	from_tomorrow(&w);
	wire(&w);
	for (at = 0; at < WORLD_N; at++)
		must(replica_rebuild(w.at[at], NULL, NULL, &err), &err,
		    "rebuild");
	ok(alike(&w), "rebuilt, all stations are alike");
	must(replica_verify(w.at[CITY], true, &checked, NULL, NULL, &err), &err,
	    "verify");
	ok(checked > 50, "verify finds nothing in %lld changesets",
	    (long long)checked);
	world_close(&w);
	return tap_done();
}
