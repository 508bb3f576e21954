#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ledger.h"
#include "limit.h"
#include "receipt.h"
#include "roster.h"
#include "sign.h"

#define REF_MAX 64 /* room for refs/receipts/FROM/TO */

void
receipt_free(struct receipt *r)
{
	free(r->heads);
	r->heads = NULL;
	r->n = 0;
}

void
receipt_write(struct buf *out, const struct receipt *r)
{
	char name[CHAIN_NAME_MAX], hex[DIGEST_HEX_LEN + 1], when[CLOCK_LEN];
	size_t i;

	clock_format_ms(when, r->time);
	buf_printf(out,
	    "yizhan-receipt 1\nFrom: %s\nTo: %s\nStream: %s\nTime: %s\n\n",
	    r->from, r->to, stream_name(r->stream), when);
	for (i = 0; i < r->n; i++) {
		chain_format(name, &r->heads[i].chain);
		digest_hex(hex, r->heads[i].id.b, sizeof(r->heads[i].id.b));
		buf_printf(
		    out, "%s %lld %s\n", name, (long long)r->heads[i].seq, hex);
	}
}

struct text { /* what is left to read */
	const char *p, *end;
};

/* The next line without its newline; false at the end. */
static bool
next_line(struct text *t, const char **line, size_t *n)
{
	const char *nl =
	    t->p == t->end ? NULL : memchr(t->p, '\n', (size_t)(t->end - t->p));

	if (nl == NULL)
		return false;
	*line = t->p;
	*n = (size_t)(nl - t->p);
	t->p = nl + 1;
	return true;
}

/* A line "LABEL: VALUE" into out, which holds max bytes and the NUL. */
static bool
get_field(struct text *t, const char *label, char *out, size_t max)
{
	size_t n, len = strlen(label);
	const char *line;

	if (!next_line(t, &line, &n) || n <= len || n - len > max ||
	    memcmp(line, label, len) != 0)
		return false;
	memcpy(out, line + len, n - len);
	out[n - len] = '\0';
	return true;
}

static bool
get_head(struct receipt *r, const char *line, size_t n)
{
	const char *sp = memchr(line, ' ', n), *p;
	struct peer_head head;
	struct err ignored;
	size_t left;

	if (sp == NULL ||
	    chain_parse(&head.chain, line, (size_t)(sp - line), &ignored) != 0)
		return false;
	head.seq = 0;
	for (p = sp + 1; p < line + n && *p >= '0' && *p <= '9'; p++) {
		head.seq = head.seq * 10 + (*p - '0');
		if (head.seq > LIMIT_SEQ)
			return false;
	}
	left = (size_t)(line + n - p);
	if (head.seq == 0 || left != 1 + DIGEST_HEX_LEN || *p != ' ' ||
	    !digest_unhex(head.id.b, 32, p + 1, DIGEST_HEX_LEN))
		return false;
	if ((r->n & (r->n - 1)) == 0) /* room doubles */
		r->heads = mem_realloc(
		    r->heads, (r->n == 0 ? 1 : 2 * r->n) * sizeof(*r->heads));
	r->heads[r->n++] = head;
	return true;
}

int
receipt_parse(struct receipt *out, const void *text, size_t n, struct err *err)
{
	struct text t = {text, (const char *)text + n};
	char stream[16], when[CLOCK_LEN];
	struct buf again = BUF_INIT;
	const char *line;
	size_t len;
	bool same;

	memset(out, 0, sizeof(*out));
	if (!next_line(&t, &line, &len) || len != 16 ||
	    memcmp(line, "yizhan-receipt 1", 16) != 0 ||
	    !get_field(&t, "From: ", out->from, CHAIN_CODE_LEN) ||
	    !get_field(&t, "To: ", out->to, CHAIN_CODE_LEN) ||
	    !get_field(&t, "Stream: ", stream, sizeof(stream) - 1) ||
	    !get_field(&t, "Time: ", when, sizeof(when) - 1) ||
	    !next_line(&t, &line, &len) || len != 0 ||
	    !stream_parse(&out->stream, stream, strlen(stream)) ||
	    !chain_is_code(out->from, strlen(out->from)) ||
	    !chain_is_code(out->to, strlen(out->to)) ||
	    clock_parse(&out->time, when, err) != 0 || out->time < 0)
		goto bad;
	while (next_line(&t, &line, &len)) {
		if (out->n == LIMIT_HEADS) {
			receipt_free(out);
			return err_set(err, YZ_ECORRUPT,
			    "a receipt of over %d chains", LIMIT_HEADS);
		}
		if (!get_head(out, line, len))
			goto bad;
	}
	/* One text for one receipt. */
	receipt_write(&again, out);
	same = out->n > 0 && again.len == n && memcmp(again.b, text, n) == 0;
	buf_free(&again);
	if (same)
		return 0;
bad:
	receipt_free(out);
	return err_set(err, YZ_ECORRUPT, "that is no receipt");
}

int
receipt_verify(const struct roster *roster, const struct receipt *r,
    const void *text, size_t n, const uint8_t key[32], const uint8_t sig[64],
    struct err *err)
{
	const struct roster_station *st = roster_find(roster, r->from);
	size_t i;

	for (i = 0; st != NULL && i < st->n_keys; i++) {
		if (!st->keys[i].ended &&
		    memcmp(st->keys[i].sign, key, 32) == 0)
			return sign_verify(
			    sig, key, SIGN_NS_RECEIPT, text, n, err);
	}
	return err_set(err, YZ_EDENIED,
	    "a receipt signed by a key that is not %s's", r->from);
}

static void
put_entry(struct buf *tree, const char *name, const uint8_t oid[20])
{
	buf_puts(tree, "100644 ");
	buf_put(tree, name, strlen(name) + 1);
	buf_put(tree, oid, 20);
}

static int
put_tree(struct ledger *ledger, const struct receipt *r, const void *text,
    size_t n, const uint8_t key[32], const uint8_t sig[64], uint8_t oid[20],
    struct err *err)
{
	struct buf armour = BUF_INIT, tree = BUF_INIT;
	uint8_t blob[20], seal[20];
	int rc;

	sign_armour(&armour, sig, key, SIGN_NS_RECEIPT);
	rc = ledger_put(ledger, r->stream, "blob", text, n, blob, err);
	if (rc == 0)
		rc = ledger_put(
		    ledger, r->stream, "blob", armour.b, armour.len, seal, err);
	if (rc == 0) {
		put_entry(&tree, "receipt", blob);
		put_entry(&tree, "receipt.sig", seal);
		rc = ledger_put(
		    ledger, r->stream, "tree", tree.b, tree.len, oid, err);
	}
	buf_free(&armour);
	buf_free(&tree);
	return rc;
}

int
receipt_store(struct ledger *ledger, const struct receipt *r, const void *text,
    size_t n, const uint8_t key[32], const uint8_t sig[64], struct err *err)
{
	struct buf commit = BUF_INIT;
	uint8_t oid[20], parent[20];
	char ref[REF_MAX], hex[41];
	int rc, had;

	snprintf(ref, sizeof(ref), "refs/receipts/%s/%s", r->from, r->to);
	rc = put_tree(ledger, r, text, n, key, sig, oid, err);
	if (rc != 0)
		return rc;
	digest_hex(hex, oid, 20);
	buf_printf(&commit, "tree %s\n", hex);
	had = ledger_ref_get(ledger, r->stream, ref, parent, err);
	if (had == 0) {
		digest_hex(hex, parent, 20);
		buf_printf(&commit, "parent %s\n", hex);
	} else if (had != YZ_ENOTFOUND) {
		rc = had;
		goto out;
	}
	buf_printf(&commit,
	    "author %s <%s@yizhan.invalid> %lld +0800\n"
	    "committer %s <%s@yizhan.invalid> %lld +0800\n"
	    "\n%s holds %zu %s chains of %s\n",
	    r->from, r->from, (long long)(r->time / 1000), r->from, r->from,
	    (long long)(r->time / 1000), r->from, r->n, stream_name(r->stream),
	    r->to);
	rc = ledger_put(
	    ledger, r->stream, "commit", commit.b, commit.len, oid, err);
	if (rc == 0)
		rc = ledger_ref(ledger, r->stream, ref, oid, err);
	if (rc == 0)
		rc = ledger_flush(ledger, err);
out:
	buf_free(&commit);
	return rc;
}
