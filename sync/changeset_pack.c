/* The wire form of a changeset inside a run (PROTOCOL.md, "Runs"). */
#include "config.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "changeset.h"
#include "limit.h"

enum { /* what equals the changeset before it in the run */
	SAME_PERSON = 1,
	SAME_ACT = 2,
	SAME_SUBJECT = 4,
	SAME_OFFSET = 8,
	HAS_CONTINUES = 16,
	FLAGS_ALL = 31
};

/* What stands before the first of a run. */
static char empty[] = "";
static const struct changeset nothing = {.author = empty,
    .login = empty,
    .subject = empty};

static void
put_place(struct buf *out, const struct changeset_seen *place)
{
	char name[CHAIN_NAME_MAX];

	chain_format(name, &place->chain);
	buf_put_string(out, name, strlen(name));
	buf_put_varint(out, (uint64_t)place->seq);
	buf_put(out, place->id, CHANGESET_SEEN_ID);
}

void
changeset_pack(
    struct buf *out, const struct changeset *cs, const struct changeset *before)
{
	unsigned flags = cs->continues ? HAS_CONTINUES : 0;
	size_t i;

	if (before == NULL)
		before = &nothing;
	else if (memcmp(cs->act, before->act, sizeof(cs->act)) == 0)
		flags |= SAME_ACT;
	if (strcmp(cs->author, before->author) == 0 &&
	    strcmp(cs->login, before->login) == 0)
		flags |= SAME_PERSON;
	if (strcmp(cs->subject, before->subject) == 0)
		flags |= SAME_SUBJECT;
	if (before != &nothing && cs->offset == before->offset)
		flags |= SAME_OFFSET;
	buf_put_u8(out, flags);
	buf_put_zigzag(out, cs->time - before->time);
	buf_put_zigzag(out, cs->kinds - before->kinds);
	if (!(flags & SAME_OFFSET))
		buf_put_zigzag(out, cs->offset);
	if (!(flags & SAME_PERSON)) {
		buf_put_string(out, cs->author, strlen(cs->author));
		buf_put_string(out, cs->login, strlen(cs->login));
	}
	if (!(flags & SAME_ACT))
		buf_put(out, cs->act, sizeof(cs->act));
	if (!(flags & SAME_SUBJECT))
		buf_put_string(out, cs->subject, strlen(cs->subject));
	if (cs->continues)
		put_place(out, &cs->continued);
	buf_put_varint(out, cs->n_seen);
	for (i = 0; i < cs->n_seen; i++)
		put_place(out, &cs->seen[i]);
	buf_put_string(out, cs->ops.b, cs->ops.len);
	buf_put(out, cs->sig, sizeof(cs->sig));
}

static int
get_place(struct buf_reader *in, struct changeset_seen *out, struct err *err)
{
	const uint8_t *name, *id;
	size_t n;

	name = buf_get_string(in, CHAIN_NAME_MAX, &n);
	out->seq = (int64_t)buf_get_varint(in);
	id = buf_get_bytes(in, CHANGESET_SEEN_ID);
	if (in->bad)
		return err_set(err, YZ_ECORRUPT, "a Seen line is cut short");
	memcpy(out->id, id, CHANGESET_SEEN_ID);
	return chain_parse(&out->chain, (const char *)name, n, err);
}

/* A text of at most max bytes, or, if same, the one before. */
static char *
get_text(struct buf_reader *in, bool same, const char *before, size_t max)
{
	const uint8_t *s;
	size_t n;

	if (same)
		return mem_strdup(before);
	s = buf_get_string(in, max, &n);
	if (s == NULL || memchr(s, '\0', n) != NULL) {
		in->bad = true;
		return NULL;
	}
	return mem_strndup((const char *)s, n);
}

static int
get_seen(struct changeset *out, struct buf_reader *in, struct err *err)
{
	uint64_t n;
	int rc;

	n = buf_get_varint(in);
	/* Each takes more than ten bytes: no length without its bytes. */
	if (in->bad || n > LIMIT_SEEN || n > buf_reader_left(in) / 10)
		return err_set(err, YZ_ECORRUPT, "too many Seen lines");
	out->seen = mem_calloc((size_t)n + 1, sizeof(*out->seen));
	for (out->n_seen = 0; out->n_seen < n; out->n_seen++) {
		rc = get_place(in, &out->seen[out->n_seen], err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
changeset_unpack(struct changeset *out, struct buf_reader *in,
    const struct changeset *before, struct err *err)
{
	unsigned flags = buf_get_u8(in);
	const uint8_t *p;
	size_t n;
	int rc;

	if (flags > FLAGS_ALL || (before == NULL && (flags & 15) != 0))
		return err_set(
		    err, YZ_ECORRUPT, "flags 0x%x of a changeset", flags);
	if (before == NULL)
		before = &nothing;
	/* Unsigned sums: what overflows is caught by changeset_check(). */
	out->time =
	    (int64_t)((uint64_t)buf_get_zigzag(in) + (uint64_t)before->time);
	out->kinds =
	    (int64_t)((uint64_t)buf_get_zigzag(in) + (uint64_t)before->kinds);
	out->offset = flags & SAME_OFFSET ? before->offset : buf_get_zigzag(in);
	out->author =
	    get_text(in, flags & SAME_PERSON, before->author, LIMIT_NAME);
	out->login =
	    get_text(in, flags & SAME_PERSON, before->login, LIMIT_NAME);
	if (flags & SAME_ACT)
		memcpy(out->act, before->act, sizeof(out->act));
	else if ((p = buf_get_bytes(in, sizeof(out->act))) != NULL)
		memcpy(out->act, p, sizeof(out->act));
	out->subject =
	    get_text(in, flags & SAME_SUBJECT, before->subject, LIMIT_SUBJECT);
	if (in->bad)
		goto cut;
	out->continues = (flags & HAS_CONTINUES) != 0;
	if (out->continues) {
		rc = get_place(in, &out->continued, err);
		if (rc != 0)
			return rc;
	}
	rc = get_seen(out, in, err);
	if (rc != 0)
		return rc;
	p = buf_get_string(in, LIMIT_OPS_BYTES, &n);
	if (p != NULL)
		buf_put(&out->ops, p, n);
	p = buf_get_bytes(in, sizeof(out->sig));
	if (p != NULL)
		memcpy(out->sig, p, sizeof(out->sig));
	if (in->bad)
		goto cut;
	return changeset_check(out, err);
cut:
	return err_set(
	    err, YZ_ECORRUPT, "a changeset is cut short or over a limit");
}
