/*
 * Goal of this test: a session of rosters alone takes rosters and hears of
 * nothing else: whatever more a station says in it, in whatever order, ends it
 * in one line, and what it can make the other hold has a bound.
 */
#include "config.h"

#include "world.h"

#include "frame.h"
#include "limits.h"
#include "link.h"
#include "peer_state.h"
#include "roster_fetch.h"

static struct world w;

/* A link on which all is said already. */
struct script {
	struct link link;
	struct buf says, heard;
	size_t at, times; /* times: how often it is said, from `from` on */
	size_t from;
	struct roster_fetched rosters; /* in what it says once */
	struct roster_fetched came;    /* before that, and then in all */
};

static int
script_read(struct link *link, void *data, size_t max, size_t *n, bool *end,
    struct err *err)
{
	struct script *s = (struct script *)link;

	(void)err;
	if (s->at == s->says.len && s->times > 1) {
		s->times--;
		s->at = s->from;
	}
	*n = s->says.len - s->at;
	if (*n > max)
		*n = max;
	memcpy(data, s->says.b + s->at, *n);
	s->at += *n;
	*end = *n == 0;
	return 0;
}

static int
script_write(
    struct link *link, const void *data, size_t max, size_t *n, struct err *err)
{
	struct script *s = (struct script *)link;

	(void)err;
	buf_put(&s->heard, data, max);
	*n = max;
	return 0;
}

static void
script_wait(struct link *link, bool write, int ms)
{
	(void)link, (void)write, (void)ms;
}

static void
script_begin(struct script *s)
{
	memset(s, 0, sizeof(*s));
	s->link.read = script_read;
	s->link.write = script_write;
	s->link.wait = script_wait;
	s->times = 1;
}

static void
say(struct script *s, unsigned type, struct buf *payload)
{
	frame_put(&s->says, type, buf_str(payload), payload->len);
	buf_free(payload);
}

static void
say_nothing(struct script *s, unsigned type)
{
	struct buf none = BUF_INIT;

	say(s, type, &none);
}

static void
say_hello(struct script *s, const char *code)
{
	struct buf p = BUF_INIT;

	buf_puts(&p, "YIZHAN");
	buf_put_u8(&p, PEER_VERSION);
	buf_put_u8(&p, PEER_VERSION);
	buf_puts(&p, code);
	buf_put_u8(&p, 0);
	buf_put_varint(&p, (uint64_t)WORLD_START);
	buf_put_varint(&p, 0);
	buf_put_u8(&p, 0);
	buf_put_varint(&p, 0);
	say(s, MSG_HELLO, &p);
}

/* All that the city has of them, in order. */
static int
say_one(void *arg, const struct roster_doc *doc, const uint8_t oid[20],
    struct err *err)
{
	struct script *s = arg;
	struct buf p = BUF_INIT;

	(void)oid, (void)err;
	roster_doc_pack(&p, doc);
	say(s, MSG_ROSTER, &p);
	s->rosters.documents++;
	s->rosters.bytes += (int64_t)doc->text.len;
	return 0;
}

static void
say_rosters(struct script *s)
{
	struct err err;

	must(replica_roster_each(w.at[CITY], say_one, s, &err), &err, "each");
}

/* Into a replica of its own that holds nothing. */
static int
fetch(struct script *s, int64_t *version, struct err *err)
{
	char *path = mem_printf("%s/empty", w.dir);
	struct home *home = NULL;
	struct replica *r;
	char command[200];
	int rc;

	snprintf(command, sizeof(command), "rm -rf %s/empty", w.dir);
	(void)!system(command);
	must(home_create(&home, path, "520302", err), err, "home");
	must(replica_open(&r, home, err), err, "open");
	rc = roster_fetch(r, &s->came, &s->link, home, "520300", err);
	*version = roster_version(replica_roster(r), "root");
	replica_close(r);
	free(path);
	buf_free(&s->says);
	if (rc != 0)
		printf("# %s\n", err->msg);
	return rc;
}

static void
honest(void)
{
	struct script s;
	int64_t version;
	struct err err;
	size_t i, n = 0;

	script_begin(&s);
	say_hello(&s, "520300");
	say_rosters(&s);
	say_nothing(&s, MSG_SETTLED);
	is_int(fetch(&s, &version, &err), 0, "rosters and Settled are taken");
	is_int(version, roster_version(replica_roster(w.at[CITY]), "root"),
	    "up to the newest");
	for (i = 0; i + 3 <= s.heard.len;
	     i += 3u + ((size_t)s.heard.b[i + 1] << 8 | s.heard.b[i + 2]))
		n = n * 100 + s.heard.b[i];
	is_int((int64_t)n, MSG_HELLO * 100 + MSG_BYE,
	    "and nothing is said but Hello and Bye");
	buf_free(&s.heard);
}

static void
refused(const char *what, void (*more)(struct script *s))
{
	struct script s;
	int64_t version;
	struct err err;

	script_begin(&s);
	more(&s);
	ok(fetch(&s, &version, &err) != 0, "%s", what);
	buf_free(&s.heard);
}

static void
heads(struct script *s)
{
	struct buf p = BUF_INIT;
	uint8_t zeros[5 * 32] = {0};

	say_hello(s, "520300");
	say_rosters(s);
	buf_put(&p, zeros, sizeof(zeros));
	say(s, MSG_HEADS, &p);
}

static void
run(struct script *s)
{
	say_hello(s, "520300");
	say_rosters(s);
	say_nothing(s, MSG_RUN);
}

static void
evidence(struct script *s)
{
	say_hello(s, "520300");
	say_rosters(s);
	say_nothing(s, MSG_EVIDENCE);
}

static void
joined(struct script *s)
{
	struct buf p = BUF_INIT;

	say_hello(s, "520300");
	buf_put_u8(&p, 1);
	say(s, MSG_JOINED, &p);
}

static void
versions(struct script *s)
{
	struct buf p = BUF_INIT;
	uint8_t zeros[32] = {0};

	say_hello(s, "520300");
	say_rosters(s);
	buf_put_string(&p, "root", 4);
	buf_put_varint(&p, 1);
	buf_put_varint(&p, 1);
	buf_put(&p, zeros, sizeof(zeros));
	say(s, MSG_VERSIONS, &p);
}

static void
another(struct script *s)
{
	say_hello(s, "520400");
	say_rosters(s);
	say_nothing(s, MSG_SETTLED);
}

static void
cut(struct script *s)
{
	say_hello(s, "520300");
	say_rosters(s);
}

static void
half(struct script *s)
{
	cut(s);
	s->says.len -= 100;
}

static void
altered(struct script *s)
{
	cut(s);
	s->says.b[s->says.len - 1] ^= 1;
	say_nothing(s, MSG_SETTLED);
}

static void
endless(struct script *s)
{
	say_hello(s, "520300");
	s->from = s->says.len;
	say_rosters(s);
	s->times = LIMIT_FETCHED;
	s->came.documents = LIMIT_FETCHED - 1000; /* the rest takes minutes */
}

/* All the city has, the last of which is the n-th, or ends with the n-th byte,
 * of what came in that session. */
static int
up_to(int64_t documents, int64_t bytes, struct err *err)
{
	int64_t version,
	    newest = roster_version(replica_roster(w.at[CITY]), "root");
	struct script s;
	int rc;

	script_begin(&s);
	say_hello(&s, "520300");
	say_rosters(&s);
	say_nothing(&s, MSG_SETTLED);
	if (documents > 0)
		s.came.documents = documents - s.rosters.documents;
	if (bytes > 0)
		s.came.bytes = bytes - s.rosters.bytes;
	rc = fetch(&s, &version, err);
	buf_free(&s.heard);
	if (rc == 0 && version != newest)
		rc = err_set(err, YZ_ENOTFOUND, "it took no more than some");
	return rc;
}

static int
documents(int64_t n, struct err *err)
{
	return up_to(n, 0, err);
}

static int
bytes(int64_t n, struct err *err)
{
	return up_to(0, n, err);
}

int
main(void)
{
	static const struct limits_row rows[] = {
	    {LIMIT(LIMIT_FETCHED), "rosters", "over 65536 rosters", documents},
	    {LIMIT(LIMIT_FETCHED_BYTES), "bytes of rosters",
		"or 268435456 bytes of them", bytes},
	};

	world_open(&w);
	honest();
	refused("one who says Heads is not heard out", heads);
	refused("nor one who says Run", run);
	refused("nor one who says Evidence", evidence);
	refused("nor one who says Joined", joined);
	refused("nor one who asks for versions", versions);
	refused("nor one who is another station", another);
	refused("nor one who stops without Settled", cut);
	refused("nor one who stops in a document", half);
	refused("nor one whose signature does not hold", altered);
	refused("nor one who sends rosters without end", endless);
	limits_run(rows, sizeof(rows) / sizeof(*rows));
	world_close(&w);
	return tap_done();
}
