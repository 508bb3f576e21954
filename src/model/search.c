#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/memo.h"
#include "base/text.h"
#include "record.h"
#include "replica.h"
#include "schema.h"
#include "search.h"

/* Bytes of the first character of a word of text_bigrams(). */
static size_t
first_char(const char *s, size_t n)
{
	size_t len = n > 0;

	while (len < n && ((unsigned char)s[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* "岗" after "花岗": the last character of a run, standing alone too. */
static bool
is_tail(const char *last, size_t n, const char *before, size_t before_len)
{
	return (unsigned char)last[0] >= 0x80 && first_char(last, n) == n &&
	       before_len > n &&
	       memcmp(before + before_len - n, last, n) == 0 &&
	       first_char(before, before_len) + n == before_len;
}

/*
 * One word of the question as a phrase of index words.  A run's lone last
 * character is in the index only where the run ends there: it is left out.
 * A single character, and letters, are the start of an index word.
 */
static void
put_phrase(struct buf *out, const char *text, size_t n)
{
	struct buf words = BUF_INIT;
	const char *s, *last = NULL, *before = NULL;
	size_t last_len = 0, before_len = 0;
	bool prefix = true;

	text_bigrams(&words, text, n);
	while (words.len > 0 && words.b[words.len - 1] == ' ')
		words.len--;
	for (s = buf_str(&words); s < (char *)words.b + words.len;
	     s += last_len + 1) {
		before = last;
		before_len = last_len;
		last = s;
		last_len = strcspn(s, " ");
		if (s + last_len > (char *)words.b + words.len)
			last_len = (size_t)((char *)words.b + words.len - s);
	}
	if (before != NULL && is_tail(last, last_len, before, before_len)) {
		words.len = (size_t)(last - 1 - (char *)words.b);
		prefix = false;
	}
	if (words.len > 0) {
		buf_puts(out, out->len > 0 ? " AND \"" : "\"");
		buf_put(out, words.b, words.len);
		buf_puts(out, prefix ? "\" *" : "\"");
	}
	buf_free(&words);
}

int
search_query(struct buf *out, const char *text, struct err *err)
{
	size_t n = strlen(text), len;

	if (n > SEARCH_TEXT_MAX || !text_is_utf8(text, n))
		return err_set(err, YZ_EINVAL,
		    "the text sought is UTF-8 of at most %d bytes",
		    SEARCH_TEXT_MAX);
	for (;; text += len) {
		/* A full-width space parts words as well. */
		for (;;) {
			if (*text == ' ' || *text == '\t')
				text++;
			else if (strncmp(text, "\xe3\x80\x80", 3) == 0)
				text += 3;
			else
				break;
		}
		if (*text == '\0')
			break;
		for (len = 0; text[len] != '\0' &&
			      strchr(" \t", text[len]) == NULL &&
			      strncmp(text + len, "\xe3\x80\x80", 3) != 0;)
			len++;
		put_phrase(out, text, len);
	}
	if (out->len == 0)
		return err_set(err, YZ_EINVAL,
		    "nothing to seek: letters, digits or Chinese");
	return 0;
}

#define BATCH 64 /* hits read at once */

struct hit {
	int64_t rec;
	const struct kind *base; /* NULL: unknown here */
};

/* Those found, on their way to fn. */
struct giving {
	int (*fn)(void *arg, const struct record *rec, struct err *err);
	void *arg;
	int64_t given;
};

static int
give(void *arg, size_t i, const struct record *rec, struct err *err)
{
	struct giving *g = arg;

	(void)i;
	if (rec->removed)
		return 0;
	g->given++;
	return g->fn(g->arg, rec, err);
}

/* Give hits to fn, but those removed or of a kind unknown here; neighbours of
 * one kind are read together. */
static int
give_all(struct replica *r, const struct hit *hits, size_t n, struct giving *g,
    struct err *err)
{
	int64_t rows[BATCH];
	size_t i, run;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i += run) {
		for (run = 0; i + run < n && hits[i + run].base == hits[i].base;
		     run++)
			rows[run] = hits[i + run].rec;
		if (hits[i].base != NULL)
			rc = record_each(
			    r, hits[i].base, rows, run, give, g, err);
	}
	return rc;
}

/* The next hits after row after; they are read before fn sees one, since fn
 * may ask the database too. */
static int
next_hits(struct hit hits[BATCH], size_t *n, struct replica *r,
    const struct buf *query, int64_t after, size_t most, struct err *err)
{
	const struct schema *schema = replica_schema(r);
	const struct kind *base = NULL;
	struct db_stmt *st;
	int rc;

	*n = 0;
	/* In the order of rowid, which the index has; a rank would read all
	 * that match. */
	rc = db_query(&st, replica_db(r), err,
	    "SELECT s.rowid, r.kind FROM _search s JOIN _record r"
	    " ON r.rec = s.rowid WHERE _search MATCH ? AND s.rowid > ?"
	    " ORDER BY s.rowid LIMIT ?",
	    "tii", (const char *)query->b, query->len, after, (int64_t)most);
	if (rc != 0)
		return rc;
	while (*n < BATCH && (rc = db_step(st, err)) == 1) {
		const char *kind = db_text(st, 1);

		/* Neighbours mostly are of one kind. */
		if (kind == NULL)
			base = NULL;
		else if (base == NULL || strcmp(base->name, kind) != 0)
			base = schema_kind(schema, kind);
		hits[*n].rec = db_int(st, 0);
		hits[(*n)++].base = base;
	}
	db_done(st);
	return rc < 0 ? rc : 0;
}

/* To count all would be to read all: a common word is in every tenth. */
static int
count_matches(int64_t *out, struct replica *r, const struct buf *query,
    int64_t most, struct err *err)
{
	return db_get_int(out, replica_db(r), err,
	    "SELECT count(*) FROM (SELECT 1 FROM _search WHERE _search MATCH ?"
	    " LIMIT ?)",
	    "ti", (const char *)query->b, query->len, most);
}

/* The next page of a search has as many as the first, while nothing has
 * changed. */
static int
count(struct search *s, struct replica *r, struct buf *query, struct err *err)
{
	static const char about; /* an address of its own */
	struct memo *memo = replica_memo(r);
	struct buf key = BUF_INIT;
	const char *known;
	char text[24];
	int rc = 0;

	s->total = 0;
	s->beyond = false;
	if (s->count_max == 0)
		return 0;
	buf_printf(&key, "%lld %s", (long long)s->count_max, buf_str(query));
	known = memo == NULL ? NULL : memo_get(memo, &about, buf_str(&key));
	if (known != NULL)
		s->total = strtoll(known, NULL, 10);
	else
		rc = count_matches(&s->total, r, query, s->count_max + 1, err);
	if (rc == 0 && known == NULL && memo != NULL) {
		snprintf(text, sizeof(text), "%lld", (long long)s->total);
		memo_put(memo, &about, buf_str(&key), text);
	}
	buf_free(&key);
	s->beyond = s->total > s->count_max;
	if (s->beyond)
		s->total = s->count_max;
	return rc;
}

int
search_find(struct replica *r, struct search *s,
    int (*fn)(void *arg, const struct record *rec, struct err *err), void *arg,
    struct err *err)
{
	struct buf query = BUF_INIT;
	struct giving g = {fn, arg, 0};
	struct hit hits[BATCH];
	int64_t last = s->after;
	size_t n, most, want, take;
	int rc;

	s->next = 0;
	rc = search_query(&query, s->text, err);
	if (rc == 0)
		rc = count(s, r, &query, err);
	/* One more than asked for tells whether it goes on. */
	for (n = most = 0; rc == 0 && n == most && s->next == 0;) {
		want = (size_t)(s->limit - g.given);
		most = want < BATCH ? want + 1 : BATCH;
		rc = next_hits(hits, &n, r, &query, last, most, err);
		take = n < want ? n : want;
		if (rc == 0)
			rc = give_all(r, hits, take, &g, err);
		if (take > 0)
			last = hits[take - 1].rec;
		if (n > take && g.given == s->limit)
			s->next = last;
	}
	buf_free(&query);
	return rc;
}
