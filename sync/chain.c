#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "chain.h"
#include "roster.h"

/* design.md section 4: a stream is a lane with one rule of reach. */
static const struct {
	const char *name;
	bool everyone;    /* everyone holds it; chains have no owner */
	bool descendants; /* the owner's descendants hold it too */
	int priority;
} streams[STREAM_COUNT] = {
    [STREAM_ROSTER] = {"roster", true, true, 0},
    [STREAM_COMMAND] = {"command", false, true, 1},
    [STREAM_RESOURCE] = {"resource", true, true, 2},
    [STREAM_PERSONAL] = {"personal", false, true, 2},
    [STREAM_OVERSIGHT] = {"oversight", false, false, 3},
};

const char *
stream_name(enum stream s)
{
	assert((unsigned)s < STREAM_COUNT);
	return streams[s].name;
}

bool
stream_parse(enum stream *out, const char *name, size_t n)
{
	int s;

	for (s = 0; s < STREAM_COUNT; s++) {
		if (strlen(streams[s].name) == n &&
		    memcmp(streams[s].name, name, n) == 0) {
			*out = (enum stream)s;
			return true;
		}
	}
	return false;
}

bool
stream_everyone(enum stream s)
{
	return streams[s].everyone;
}

int
stream_priority(enum stream s)
{
	return streams[s].priority;
}

bool
chain_is_code(const char *s, size_t n)
{
	size_t i;

	if (n != CHAIN_CODE_LEN)
		return false;
	for (i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

static bool
is_hex(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') ||
			(s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

bool
chain_is_record_id(const char *s, size_t n)
{
	return n == RECORD_ID_LEN && chain_is_code(s, CHAIN_CODE_LEN) &&
	       s[CHAIN_CODE_LEN] == '-' &&
	       is_hex(s + CHAIN_CODE_LEN + 1, n - CHAIN_CODE_LEN - 1);
}

void
chain_format(char out[CHAIN_NAME_MAX], const struct chain_name *c)
{
	snprintf(out, CHAIN_NAME_MAX, "%s-%s/%s%s%s", c->writer, c->inc,
	    stream_name(c->stream), c->owner[0] == '\0' ? "" : "@", c->owner);
}

int
chain_parse(struct chain_name *out, const char *text, size_t n, struct err *err)
{
	const size_t head = CHAIN_CODE_LEN + 1 + CHAIN_INC_LEN + 1;
	const char *at;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (n <= head || n >= CHAIN_NAME_MAX ||
	    !chain_is_code(text, CHAIN_CODE_LEN) ||
	    text[CHAIN_CODE_LEN] != '-' ||
	    !is_hex(text + CHAIN_CODE_LEN + 1, CHAIN_INC_LEN) ||
	    text[head - 1] != '/')
		goto bad;
	memcpy(out->writer, text, CHAIN_CODE_LEN);
	memcpy(out->inc, text + CHAIN_CODE_LEN + 1, CHAIN_INC_LEN);
	text += head;
	n -= head;
	at = memchr(text, '@', n);
	len = at == NULL ? n : (size_t)(at - text);
	if (!stream_parse(&out->stream, text, len))
		goto bad;
	if (stream_everyone(out->stream) != (at == NULL))
		goto bad;
	if (at != NULL) {
		if (!chain_is_code(at + 1, n - len - 1))
			goto bad;
		memcpy(out->owner, at + 1, CHAIN_CODE_LEN);
	}
	return 0;
bad:
	return err_set(err, YZ_EINVAL, "not the name of a chain");
}

bool
chain_equal(const struct chain_name *a, const struct chain_name *b)
{
	return a->stream == b->stream && strcmp(a->writer, b->writer) == 0 &&
	       strcmp(a->inc, b->inc) == 0 && strcmp(a->owner, b->owner) == 0;
}

bool
chain_reaches(
    const struct roster *roster, const struct chain_name *c, const char *code)
{
	if (streams[c->stream].everyone || strcmp(c->owner, code) == 0)
		return true;
	if (roster_is_ancestor(roster, code, c->owner))
		return true;
	return streams[c->stream].descendants &&
	       roster_is_ancestor(roster, c->owner, code);
}

/*
 * Let R(c) be the stations in reach of c.  The answer is R(c) within
 * R(other), from the shape of the tree alone, so that a station that joins
 * later changes nothing:
 *
 * - everyone holds other: yes.  Everyone holds c, but not other: no.
 * - other goes to descendants too (command, personal), so R(other) is the
 *   whole line through other's owner P: yes if P is c's owner O or its
 *   ancestor; or, when c goes up only (oversight), if P is O's descendant.
 * - other goes up only: yes if c goes up only too and P is O or below it.
 */
bool
chain_nameable(const struct roster *roster, const struct chain_name *c,
    const struct chain_name *other)
{
	const char *o = c->owner, *p = other->owner;
	bool same, above, below;

	if (streams[other->stream].everyone)
		return true;
	if (streams[c->stream].everyone)
		return false;
	same = strcmp(o, p) == 0;
	above = !same && roster_is_ancestor(roster, p, o);
	below = !same && roster_is_ancestor(roster, o, p);
	if (streams[other->stream].descendants)
		return same || above ||
		       (!streams[c->stream].descendants && below);
	return !streams[c->stream].descendants && (same || below);
}

bool
chain_may_write(
    const struct roster *roster, const char *writer, const char *owner)
{
	return strcmp(writer, owner) == 0 ||
	       roster_is_ancestor(roster, writer, owner);
}
