#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "canon.h"
#include "limit.h"
#include "roster_doc.h"
#include "sign.h"

/* The streams in the order of their names, as a document lists them. */
static const enum stream by_name[STREAM_COUNT] = {STREAM_COMMAND,
    STREAM_OVERSIGHT, STREAM_PERSONAL, STREAM_RESOURCE, STREAM_ROSTER};

/* --- writing ----------------------------------------------------------- */

static void
put_text(struct buf *out, const char *s)
{
	canon_put_text(out, s, strlen(s));
}

static void
put_hash(struct buf *out, const struct digest *hash)
{
	static const struct digest zero;
	char hex[DIGEST_HEX_LEN + 1] = "";

	if (!digest_equal(hash, &zero))
		digest_hex(hex, hash->b, sizeof(hash->b));
	put_text(out, hex);
}

static void
put_key(struct buf *out, const uint8_t key[32])
{
	buf_putc(out, '"');
	sign_public_line(out, key);
	buf_putc(out, '"');
}

static void
put_comma(struct buf *out, size_t i)
{
	if (i > 0)
		buf_putc(out, ',');
}

void
roster_doc_put_ends(struct buf *out, const struct roster_end *ends, size_t n)
{
	char name[CHAIN_NAME_MAX];
	size_t i;

	buf_puts(out, "\"ends\":[");
	for (i = 0; i < n; i++) {
		put_comma(out, i);
		chain_format(name, &ends[i].chain);
		buf_puts(out, "{\"chain\":");
		put_text(out, name);
		buf_puts(out, ",\"id\":");
		put_hash(out, &ends[i].id);
		buf_puts(out, ",\"seq\":");
		canon_put_int(out, ends[i].seq);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void
put_proof(struct buf *out, const struct roster_key *key)
{
	if (!key->proved) {
		buf_puts(out, "\"\"");
		return;
	}
	buf_puts(out, "{\"by\":");
	put_key(out, key->by);
	buf_puts(out, ",\"sig\":\"");
	digest_base64(out, key->proof, sizeof(key->proof));
	buf_puts(out, "\"}");
}

static void
put_station_key(struct buf *out, const struct roster_key *key)
{
	size_t i;

	buf_puts(out, key->ended ? "{\"ended\":true," : "{\"ended\":false,");
	roster_doc_put_ends(out, key->ends, key->n_ends);
	buf_puts(out, ",\"incs\":[");
	for (i = 0; i < key->n_incs; i++) {
		put_comma(out, i);
		put_text(out, key->incs[i]);
	}
	buf_puts(out, "],\"proof\":");
	put_proof(out, key);
	buf_puts(out, ",\"roster\":");
	put_hash(out, &key->roster);
	buf_puts(out, ",\"sign\":");
	put_key(out, key->sign);
	buf_puts(out, ",\"ssh\":");
	put_key(out, key->ssh);
	buf_putc(out, '}');
}

static void
put_station(struct buf *out, const struct roster_station *st)
{
	size_t i;

	buf_puts(out, "{\"code\":");
	put_text(out, st->code);
	buf_puts(out, ",\"former\":[");
	for (i = 0; i < st->n_former; i++) {
		put_comma(out, i);
		buf_putc(out, '{');
		roster_doc_put_ends(
		    out, st->former[i].ends, st->former[i].n_ends);
		buf_puts(out, ",\"parent\":");
		put_text(out, st->former[i].parent);
		buf_putc(out, '}');
	}
	buf_puts(out, "],\"keys\":[");
	for (i = 0; i < st->n_keys; i++) {
		put_comma(out, i);
		put_station_key(out, &st->keys[i]);
	}
	buf_puts(out, "],\"name\":");
	put_text(out, st->name);
	buf_puts(out, ",\"parent\":");
	put_text(out, st->parent);
	buf_puts(out, ",\"recovery\":");
	put_hash(out, &st->recovery);
	buf_putc(out, '}');
}

static void
put_auditor(struct buf *out, const struct roster_auditor *a)
{
	size_t i, n = 0;

	buf_puts(out, "{\"name\":");
	put_text(out, a->name);
	buf_puts(out, ",\"owners\":[");
	for (i = 0; i < a->n_owners; i++) {
		put_comma(out, i);
		put_text(out, a->owners[i]);
	}
	buf_puts(out, "],\"ssh\":");
	put_key(out, a->ssh);
	buf_puts(out, ",\"streams\":[");
	for (i = 0; i < STREAM_COUNT; i++) {
		if ((a->streams & 1u << by_name[i]) == 0)
			continue;
		put_comma(out, n++);
		put_text(out, stream_name(by_name[i]));
	}
	buf_puts(out, "],\"until\":");
	canon_put_int(out, a->until);
	buf_putc(out, '}');
}

static void
put_decided(struct buf *out, const struct roster_part *part)
{
	size_t i;

	buf_puts(out, "],\"decided\":[");
	for (i = 0; i < part->n_decided; i++) {
		put_comma(out, i);
		buf_puts(out, "{\"hash\":");
		put_hash(out, &part->decided[i].hash);
		buf_puts(out, ",\"scope\":");
		put_text(out, part->decided[i].scope);
		buf_puts(out, ",\"version\":");
		canon_put_int(out, part->decided[i].version);
		buf_putc(out, '}');
	}
}

static void
put_peers(struct buf *out, const struct roster_part *part)
{
	size_t i;

	buf_puts(out, "],\"peers\":[");
	for (i = 0; i < part->n_peers; i++) {
		put_comma(out, i);
		buf_putc(out, '[');
		put_text(out, part->peers[i].a);
		buf_putc(out, ',');
		put_text(out, part->peers[i].b);
		buf_putc(out, ']');
	}
}

void
roster_doc_write(struct buf *out, const struct roster_part *part)
{
	bool root = strcmp(part->scope, "root") == 0;
	size_t i;

	buf_puts(out, "{\"auditors\":[");
	for (i = 0; i < part->n_auditors; i++) {
		put_comma(out, i);
		put_auditor(out, &part->auditors[i]);
	}
	if (root)
		put_decided(out, part);
	put_peers(out, part);
	buf_puts(out, "],\"prev\":");
	put_hash(out, &part->prev);
	if (root) {
		buf_puts(out, ",\"root\":");
		put_text(out, part->root);
		buf_puts(out, ",\"root_keys\":[");
		for (i = 0; i < part->n_root_keys; i++) {
			put_comma(out, i);
			put_key(out, part->root_keys[i]);
		}
		buf_putc(out, ']');
	}
	buf_puts(out, ",\"scope\":");
	put_text(out, part->scope);
	buf_puts(out, ",\"stations\":[");
	for (i = 0; i < part->n_stations; i++) {
		put_comma(out, i);
		put_station(out, &part->stations[i]);
	}
	buf_putc(out, ']');
	if (root) {
		buf_puts(out, ",\"threshold\":");
		canon_put_int(out, part->threshold);
	}
	buf_puts(out, ",\"version\":");
	canon_put_int(out, part->version);
	buf_puts(out, "}\n");
}

/* --- memory ------------------------------------------------------------ */

static void *
copy(const void *from, size_t n, size_t size)
{
	void *to = mem_calloc(n + 1, size);

	if (n > 0)
		memcpy(to, from, n * size);
	return to;
}

void
roster_doc_copy_key(struct roster_key *to, const struct roster_key *from)
{
	*to = *from;
	to->incs = copy(from->incs, from->n_incs, sizeof(*to->incs));
	to->ends = copy(from->ends, from->n_ends, sizeof(*to->ends));
}

void
roster_doc_copy_station(
    struct roster_station *to, const struct roster_station *from)
{
	size_t i;

	*to = *from;
	to->name = mem_strdup(from->name == NULL ? "" : from->name);
	to->keys = copy(from->keys, from->n_keys, sizeof(*to->keys));
	for (i = 0; i < to->n_keys; i++)
		roster_doc_copy_key(&to->keys[i], &from->keys[i]);
	to->former = copy(from->former, from->n_former, sizeof(*to->former));
	for (i = 0; i < to->n_former; i++) {
		struct roster_former *f = &to->former[i];

		f->ends = copy(f->ends, f->n_ends, sizeof(*f->ends));
	}
}

void
roster_doc_release_station(struct roster_station *st)
{
	size_t i;

	for (i = 0; i < st->n_keys; i++) {
		free(st->keys[i].incs);
		free(st->keys[i].ends);
	}
	for (i = 0; i < st->n_former; i++)
		free(st->former[i].ends);
	free(st->keys);
	free(st->former);
	free(st->name);
	memset(st, 0, sizeof(*st));
}

void
roster_doc_release(struct roster_part *part)
{
	size_t i;

	for (i = 0; i < part->n_stations; i++)
		roster_doc_release_station(&part->stations[i]);
	for (i = 0; i < part->n_auditors; i++) {
		free(part->auditors[i].name);
		free(part->auditors[i].owners);
	}
	free(part->stations);
	free(part->auditors);
	free(part->root_keys);
	free(part->peers);
	free(part->decided);
	memset(part, 0, sizeof(*part));
}

void
roster_doc_free(struct roster_doc *doc)
{
	buf_free(&doc->text);
	free(doc->sigs);
	memset(doc, 0, sizeof(*doc));
}

/* --- with signatures --------------------------------------------------- */

void
roster_doc_pack(struct buf *out, const struct roster_doc *doc)
{
	size_t i;

	buf_put_string(out, doc->text.b, doc->text.len);
	buf_put_varint(out, doc->n_sigs);
	for (i = 0; i < doc->n_sigs; i++) {
		buf_put(out, doc->sigs[i].key, sizeof(doc->sigs[i].key));
		buf_put(out, doc->sigs[i].sig, sizeof(doc->sigs[i].sig));
	}
}

static int
unpack_sigs(struct roster_doc *out, struct buf_reader *in, struct err *err)
{
	uint64_t n = buf_get_varint(in);
	size_t i;

	if (in->bad || n > LIMIT_ROSTER_KEYS)
		return err_set(err, YZ_ECORRUPT, "roster: over %d signatures",
		    LIMIT_ROSTER_KEYS);
	out->sigs = mem_calloc((size_t)n + 1, sizeof(*out->sigs));
	for (i = 0; i < n; i++) {
		const uint8_t *b = buf_get_bytes(in, 32 + 64);

		if (b == NULL)
			break;
		memcpy(out->sigs[i].key, b, 32);
		memcpy(out->sigs[i].sig, b + 32, 64);
		out->n_sigs++;
		if (i > 0 && memcmp(out->sigs[i - 1].key, b, 32) >= 0)
			return err_set(err, YZ_ECORRUPT,
			    "roster: signatures are not in order");
	}
	if (in->bad || buf_reader_left(in) != 0)
		return err_set(err, YZ_ECORRUPT,
		    "roster: signatures are cut short or too long");
	return 0;
}

int
roster_doc_unpack(
    struct roster_doc *out, const void *data, size_t n, struct err *err)
{
	struct roster_part part;
	struct buf_reader in;
	const uint8_t *text;
	size_t len = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	buf_reader_init(&in, data, n);
	text = buf_get_string(&in, LIMIT_ROSTER, &len);
	if (text == NULL)
		return err_set(err, YZ_ECORRUPT,
		    "roster: the text is over %u bytes, or cut short",
		    LIMIT_ROSTER);
	rc = roster_parse_part(&part, text, len, err);
	if (rc != 0)
		return rc;
	buf_put(&out->text, text, len);
	digest_sha256(&out->hash, text, len);
	memcpy(out->scope, part.scope, sizeof(out->scope));
	out->version = part.version;
	roster_doc_release(&part);
	rc = unpack_sigs(out, &in, err);
	if (rc != 0)
		roster_doc_free(out);
	return rc;
}
