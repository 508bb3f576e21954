#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "changeset.h"
#include "limit.h"
#include "sign.h"

#define TREE_LEN 31 /* "100644 ops", NUL, 20 bytes */

void
changeset_free(struct changeset *cs)
{
	free(cs->author);
	free(cs->login);
	free(cs->seen);
	free(cs->subject);
	buf_free(&cs->ops);
	memset(cs, 0, sizeof(*cs));
}

static bool
is_login(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		bool word = (s[i] >= 'a' && s[i] <= 'z') ||
			    (s[i] >= '0' && s[i] <= '9');

		if (!word && (i == 0 || strchr("._-", s[i]) == NULL))
			return false;
	}
	return i >= 1 && i <= 32;
}

/* Clean, trimmed, bounded, not empty. */
static bool
is_line(const char *s, size_t max, const char *never)
{
	const char *p = s;
	size_t n = strlen(s);

	return n >= 1 && n <= max && text_is_clean(s, n, false) &&
	       text_trim(&p, n) == n && strpbrk(s, never) == NULL;
}

static int
check_seen(const struct changeset *cs, struct err *err)
{
	char before[CHAIN_NAME_MAX] = "", name[CHAIN_NAME_MAX];
	size_t i;

	if (cs->n_seen > LIMIT_SEEN)
		return err_set(err, YZ_ECORRUPT, "%zu Seen lines are over %d",
		    cs->n_seen, LIMIT_SEEN);
	for (i = 0; i < cs->n_seen; i++) {
		const struct changeset_seen *s = &cs->seen[i];

		chain_format(name, &s->chain);
		if (strcmp(before, name) >= 0)
			return err_set(err, YZ_ECORRUPT,
			    "Seen lines are not sorted at %s", name);
		if (chain_equal(&s->chain, &cs->chain))
			return err_set(err, YZ_ECORRUPT,
			    "a Seen line names its own chain");
		if (s->seq < 1 || s->seq > LIMIT_SEQ)
			return err_set(
			    err, YZ_ECORRUPT, "Seen %s has a bad seq", name);
		memcpy(before, name, sizeof(before));
	}
	return 0;
}

static bool
good_continues(const struct changeset *cs)
{
	const struct changeset_seen *old = &cs->continued;

	return cs->seq == 1 && old->seq >= 1 && old->seq <= LIMIT_SEQ &&
	       strcmp(old->chain.writer, cs->chain.writer) == 0 &&
	       strcmp(old->chain.inc, cs->chain.inc) != 0;
}

int
changeset_check(const struct changeset *cs, struct err *err)
{
	if (cs->seq < 1 || cs->seq > LIMIT_SEQ)
		return err_set(err, YZ_ECORRUPT, "seq %lld is out of range",
		    (long long)cs->seq);
	if (cs->time < 0 || cs->time > LIMIT_TIME_MAX)
		return err_set(err, YZ_ECORRUPT, "time is out of range");
	if (cs->offset < -LIMIT_TIME_MAX || cs->offset > LIMIT_TIME_MAX)
		return err_set(err, YZ_ECORRUPT, "offset is out of range");
	if (cs->kinds < 0 || cs->kinds > LIMIT_SEQ)
		return err_set(err, YZ_ECORRUPT, "kinds is out of range");
	if (cs->author == NULL || !is_line(cs->author, LIMIT_NAME, "<>"))
		return err_set(err, YZ_ECORRUPT,
		    "author is not a clean name of 1 to %d bytes", LIMIT_NAME);
	if (cs->login == NULL || !is_login(cs->login))
		return err_set(err, YZ_ECORRUPT, "login is malformed");
	if (cs->subject == NULL || !is_line(cs->subject, LIMIT_SUBJECT, "<>"))
		return err_set(err, YZ_ECORRUPT,
		    "subject is not a clean line of 1 to %d bytes",
		    LIMIT_SUBJECT);
	if (cs->ops.len > LIMIT_OPS_BYTES)
		return err_set(err, YZ_ECORRUPT, "%zu bytes of ops are over %u",
		    cs->ops.len, LIMIT_OPS_BYTES);
	if (cs->continues && !good_continues(cs))
		return err_set(err, YZ_ECORRUPT,
		    "Continues is not in a first changeset, or names no"
		    " place of another incarnation");
	return check_seen(cs, err);
}

static void
put_hex(struct buf *out, const char *label, const void *data, size_t n)
{
	char hex[2 * 32 + 1];

	digest_hex(hex, data, n);
	buf_puts(out, label);
	buf_put(out, hex, 2 * n);
	buf_putc(out, '\n');
}

static void
put_place(
    struct buf *out, const char *label, const struct changeset_seen *place)
{
	char name[CHAIN_NAME_MAX], id[2 * CHANGESET_SEEN_ID + 1];

	chain_format(name, &place->chain);
	digest_hex(id, place->id, CHANGESET_SEEN_ID);
	buf_printf(
	    out, "%s%s %lld %s\n", label, name, (long long)place->seq, id);
}

/* From "tree" to "committer": what stands before gpgsig. */
static void
put_head(struct buf *out, const struct changeset *cs)
{
	long long sec = (long long)(cs->time / 1000);

	put_hex(out, "tree ", cs->tree_oid, 20);
	if (cs->seq > 1)
		put_hex(out, "parent ", cs->parent_oid, 20);
	buf_printf(out, "author %s <%s@%s.yizhan.invalid> %lld +0800\n",
	    cs->author, cs->login, cs->chain.writer, sec);
	buf_printf(out, "committer %s <%s@yizhan.invalid> %lld +0800\n",
	    cs->chain.writer, cs->chain.writer, sec);
}

static void
put_message(struct buf *out, const struct changeset *cs)
{
	char name[CHAIN_NAME_MAX], when[CLOCK_LEN];
	size_t i;

	chain_format(name, &cs->chain);
	clock_format_ms(when, cs->time);
	buf_printf(out,
	    "\n%s\n\nChain: %s\nSeq: %lld\nTime: %s\nOffset: %lld\n",
	    cs->subject, name, (long long)cs->seq, when, (long long)cs->offset);
	put_hex(out, "Act: ", cs->act, sizeof(cs->act));
	if (cs->seq > 1)
		put_hex(out, "Prev: ", cs->prev.b, sizeof(cs->prev.b));
	if (cs->continues)
		put_place(out, "Continues: ", &cs->continued);
	put_hex(out, "Ops: ", cs->ops_hash.b, sizeof(cs->ops_hash.b));
	buf_printf(out, "Kinds: %lld\n", (long long)cs->kinds);
	for (i = 0; i < cs->n_seen; i++)
		put_place(out, "Seen: ", &cs->seen[i]);
}

void
changeset_text(struct buf *out, const struct changeset *cs)
{
	put_head(out, cs);
	put_message(out, cs);
}

void
changeset_commit(struct buf *out, const struct changeset *cs)
{
	struct buf armour = BUF_INIT;
	size_t i;

	put_head(out, cs);
	sign_armour(&armour, cs->sig, cs->key, SIGN_NS_CHANGESET);
	/* A header continues on lines that begin with a space; the armour's
	 * own last newline ends the header. */
	buf_puts(out, "gpgsig ");
	for (i = 0; i < armour.len; i++) {
		buf_putc(out, (char)armour.b[i]);
		if (armour.b[i] == '\n' && i + 1 < armour.len)
			buf_putc(out, ' ');
	}
	buf_free(&armour);
	put_message(out, cs);
}

void
changeset_tree(struct buf *out, const struct changeset *cs)
{
	buf_put(out, "100644 ops", sizeof("100644 ops"));
	buf_put(out, cs->ops_oid, 20);
}

void
changeset_derive_content(struct changeset *cs, struct buf *text)
{
	struct buf tree = BUF_INIT;

	digest_sha256(&cs->ops_hash, cs->ops.b, cs->ops.len);
	digest_git(cs->ops_oid, "blob", cs->ops.b, cs->ops.len);
	changeset_tree(&tree, cs);
	digest_git(cs->tree_oid, "tree", tree.b, tree.len);
	buf_free(&tree);
	changeset_text(text, cs);
	digest_sha256(&cs->id, text->b, text->len);
}

void
changeset_derive_commit(struct changeset *cs, struct buf *commit)
{
	changeset_commit(commit, cs);
	digest_git(cs->oid, "commit", commit->b, commit->len);
}

void
changeset_derive(struct changeset *cs)
{
	struct buf text = BUF_INIT;

	changeset_derive_content(cs, &text);
	buf_clear(&text);
	changeset_derive_commit(cs, &text);
	buf_free(&text);
}

int
changeset_sign(
    struct changeset *cs, const struct sign_key *key, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	rc = changeset_check(cs, err);
	if (rc == 0) {
		changeset_derive_content(cs, &text);
		memcpy(cs->key, key->pub, sizeof(cs->key));
		rc = sign_make(
		    cs->sig, key, SIGN_NS_CHANGESET, text.b, text.len, err);
	}
	buf_clear(&text);
	if (rc == 0)
		changeset_derive_commit(cs, &text);
	buf_free(&text);
	return rc;
}

int
changeset_verify(const struct changeset *cs, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	changeset_text(&text, cs);
	rc = sign_verify(
	    cs->sig, cs->key, SIGN_NS_CHANGESET, text.b, text.len, err);
	buf_free(&text);
	return rc;
}

/* --- parsing ----------------------------------------------------------- */

struct lines { /* what is left of a commit's text */
	const char *p;
	const char *end;
};

/* The next line if it begins with label: what follows it, and its length. */
static bool
take(struct lines *in, const char *label, const char **s, size_t *n)
{
	size_t len = strlen(label);
	const char *nl;

	if ((size_t)(in->end - in->p) < len || memcmp(in->p, label, len) != 0)
		return false;
	nl = memchr(in->p, '\n', (size_t)(in->end - in->p));
	if (nl == NULL || nl < in->p + len)
		return false;
	*s = in->p + len;
	*n = (size_t)(nl - *s);
	in->p = nl + 1;
	return true;
}

static bool
take_int(struct lines *in, const char *label, int64_t *out)
{
	char text[24], *end;
	const char *s;
	size_t n;

	if (!take(in, label, &s, &n) || n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	*out = strtoll(text, &end, 10);
	return *end == '\0';
}

static bool
take_hex(struct lines *in, const char *label, void *out, size_t bytes)
{
	const char *s;
	size_t n;

	return take(in, label, &s, &n) && digest_unhex(out, bytes, s, n);
}

static bool
take_place(struct lines *in, const char *label, struct changeset_seen *out)
{
	char text[24], *end;
	const char *s, *a, *b;
	struct err ignored;
	size_t n;

	if (!take(in, label, &s, &n))
		return false;
	a = memchr(s, ' ', n);
	b = a == NULL ? NULL : memchr(a + 1, ' ', n - (size_t)(a + 1 - s));
	if (b == NULL || (size_t)(b - a) > sizeof(text) ||
	    chain_parse(&out->chain, s, (size_t)(a - s), &ignored) != 0)
		return false;
	memcpy(text, a + 1, (size_t)(b - a - 1));
	text[b - a - 1] = '\0';
	out->seq = strtoll(text, &end, 10);
	return *end == '\0' && b > a + 1 &&
	       digest_unhex(
		   out->id, CHANGESET_SEEN_ID, b + 1, n - (size_t)(b + 1 - s));
}

static bool
take_author(struct lines *in, struct changeset *cs)
{
	const char *s, *lt, *at;
	size_t n;

	if (!take(in, "author ", &s, &n))
		return false;
	lt = memchr(s, '<', n);
	if (lt == NULL || lt < s + 2)
		return false;
	at = memchr(lt, '@', n - (size_t)(lt - s));
	if (at == NULL)
		return false;
	cs->author = mem_strndup(s, (size_t)(lt - s - 1));
	cs->login = mem_strndup(lt + 1, (size_t)(at - lt - 1));
	return take(in, "committer ", &s, &n);
}

/* "gpgsig " and its continuation lines. */
static bool
take_signature(struct lines *in, struct changeset *cs, struct err *err)
{
	struct buf armour = BUF_INIT;
	const char *s;
	bool good;
	size_t n;

	if (!take(in, "gpgsig ", &s, &n))
		return false;
	do {
		buf_put(&armour, s, n);
		buf_putc(&armour, '\n');
	} while (take(in, " ", &s, &n));
	good = sign_unarmour(cs->sig, cs->key, SIGN_NS_CHANGESET,
		   buf_str(&armour), armour.len, err) == 0;
	buf_free(&armour);
	return good;
}

static bool
take_message(struct lines *in, struct changeset *cs)
{
	char when[CLOCK_LEN];
	struct changeset_seen place;
	struct err ignored;
	const char *s;
	size_t n, room = 0;

	if (!take(in, "", &s, &n) || n != 0 || !take(in, "", &s, &n))
		return false;
	cs->subject = mem_strndup(s, n);
	if (!take(in, "", &s, &n) || n != 0 || !take(in, "Chain: ", &s, &n) ||
	    chain_parse(&cs->chain, s, n, &ignored) != 0 ||
	    !take_int(in, "Seq: ", &cs->seq) || !take(in, "Time: ", &s, &n) ||
	    n >= sizeof(when))
		return false;
	memcpy(when, s, n);
	when[n] = '\0';
	if (clock_parse(&cs->time, when, &ignored) != 0 ||
	    !take_int(in, "Offset: ", &cs->offset) ||
	    !take_hex(in, "Act: ", cs->act, sizeof(cs->act)))
		return false;
	if (cs->seq > 1 && !take_hex(in, "Prev: ", cs->prev.b, 32))
		return false;
	cs->continues = take_place(in, "Continues: ", &cs->continued);
	if (!take_hex(in, "Ops: ", cs->ops_hash.b, 32) ||
	    !take_int(in, "Kinds: ", &cs->kinds))
		return false;
	while (take_place(in, "Seen: ", &place)) {
		if (cs->n_seen >= LIMIT_SEEN)
			return false;
		if (cs->n_seen == room) {
			room = room == 0 ? 8 : 2 * room;
			cs->seen =
			    mem_realloc(cs->seen, room * sizeof(*cs->seen));
		}
		cs->seen[cs->n_seen++] = place;
	}
	return in->p == in->end;
}

int
changeset_parse(struct changeset *out, const void *commit, size_t n,
    const void *ops, size_t ops_len, struct err *err)
{
	struct lines in = {commit, (const char *)commit + n};
	struct buf text = BUF_INIT, again = BUF_INIT;
	const char *s;
	size_t len;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (n > LIMIT_TEXT)
		return err_set(err, YZ_ECORRUPT,
		    "changeset of %zu bytes is over %u", n, LIMIT_TEXT);
	if (ops_len > LIMIT_OPS_BYTES)
		return err_set(err, YZ_ECORRUPT,
		    "changeset with %zu bytes of ops is over %u", ops_len,
		    LIMIT_OPS_BYTES);
	err_set(err, YZ_ECORRUPT, "not the commit of a changeset");
	if (memchr(commit, '\0', n) != NULL || !take(&in, "tree ", &s, &len) ||
	    (take_hex(&in, "parent ", out->parent_oid, 20), 0) ||
	    !take_author(&in, out) || !take_signature(&in, out, err) ||
	    !take_message(&in, out)) {
		rc = YZ_ECORRUPT;
		goto out;
	}
	buf_put(&out->ops, ops, ops_len);
	rc = changeset_check(out, err);
	if (rc != 0)
		goto out;

	/* One text for one meaning: what does not write itself again the
	 * same is refused. */
	changeset_derive_content(out, &text);
	changeset_derive_commit(out, &again);
	if (again.len != n || memcmp(again.b, commit, n) != 0)
		rc = err_set(err, YZ_ECORRUPT,
		    "commit is not in canonical form, or its ops differ");
out:
	buf_free(&text);
	buf_free(&again);
	if (rc != 0)
		changeset_free(out);
	return rc;
}
