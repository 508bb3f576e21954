/*
 * Goal of this test: a station gets a further key in its enroller's roster only
 * with a proof by the key in use or by the paper; and what it asks that with
 * holds as it is, and with no byte altered.
 */
#include "config.h"

#include "found.h"
#include "rotation.h"

/* The county's next key in the city's document: new keys are found_key(n) and
 * found_key(n + 1), proved by the key of seed by. */
static int
rotate(struct roster_doc *out, const struct roster_doc *cur, int n, int by,
    const struct digest *recovery, bool tell, struct err *err)
{
	struct sign_key prover, sign, ssh, city;
	struct roster_change *change = NULL;
	struct roster_key next = {.n_incs = 0};
	const struct roster_station *st;
	struct rotation q;
	int rc;

	found_key(&prover, by);
	found_key(&sign, n);
	found_key(&ssh, n + 1);
	found_key(&city, 20);
	memset(&q, 0, sizeof(q));
	rc = roster_change_begin(&change, cur, NULL, "520300", err);
	if (rc != 0)
		return rc;
	st = roster_change_station(change, "520302");
	memcpy(q.code, st->code, sizeof(q.code));
	memcpy(q.inc, "1f0c9a7e", sizeof(q.inc));
	memcpy(q.after, st->keys[st->n_keys - 1].sign, 32);
	q.recovery = *recovery;
	rc = rotation_sign(&q, &prover, &sign, &ssh, err);
	memcpy(next.sign, q.sign, 32);
	memcpy(next.ssh, q.ssh, 32);
	memcpy(next.by, q.by, 32);
	memcpy(next.proof, q.proof, 64);
	next.proved = true;
	if (rc == 0)
		rc = roster_change_end_key(
		    change, "520302", q.after, NULL, 0, NULL, err);
	if (rc == 0)
		rc = roster_change_add_key(change, "520302", &next, err);
	if (rc == 0 && tell)
		rc = roster_change_recovery(change, "520302", recovery, err);
	if (rc == 0)
		rc = roster_change_write(out, change, err);
	if (rc == 0)
		rc = roster_doc_sign(out, &city, err);
	roster_change_free(change);
	return rc;
}

/* The county's key has ended, and it has a recovery key of seed 77. */
static void
revoked(struct roster_doc *out, const struct roster_doc *cur)
{
	struct sign_key paper, city;
	struct roster_change *change;
	struct digest hash;
	struct err err = {0};

	found_key(&paper, 77);
	found_key(&city, 20);
	digest_sha256(&hash, paper.pub, 32);
	if (roster_change_begin(&change, cur, NULL, "520300", &err) != 0 ||
	    roster_change_end_key(change, "520302",
		roster_change_station(change, "520302")->keys[0].sign, NULL, 0,
		NULL, &err) != 0 ||
	    roster_change_recovery(change, "520302", &hash, &err) != 0 ||
	    roster_change_write(out, change, &err) != 0 ||
	    roster_doc_sign(out, &city, &err) != 0)
		printf("Bail out! %s\n", err.msg);
	roster_change_free(change);
}

static void
proofs(void)
{
	static const struct digest none;
	struct roster_doc doc = {.version = 0}, gone = {.version = 0};
	struct sign_key paper, other;
	struct digest hash, hash2;
	struct roster_part part;
	struct err err = {0};

	found_key(&paper, 77);
	digest_sha256(&hash, paper.pub, 32);
	found_key(&other, 78);
	digest_sha256(&hash2, other.pub, 32);
	is_int(
	    rotate(&doc, &found_c1, 50, 40, &none, false, &err), 0, "rotate");
	is_int(roster_follows(found_small, &found_c1, &doc, &err), 0,
	    "a further key, proved by the one in use: %s", err.msg);
	is_int(roster_parse_part(&part, doc.text.b, doc.text.len, &err), 0,
	    "it parses");
	ok(part.stations[0].n_keys == 2 && part.stations[0].keys[1].proved,
	    "and has the proof");
	roster_doc_release(&part);
	doc.text.b[strstr((char *)doc.text.b, "\"sig\":\"") -
		   (char *)doc.text.b + 9] ^= 2;
	ok(roster_follows(found_small, &found_c1, &doc, &err) != 0,
	    "another signature there: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &found_c1, 50, 20, &none, false, &err);
	is_int(roster_follows(found_small, &found_c1, &doc, &err), YZ_EDENIED,
	    "not proved by the city's key: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &found_c1, 50, 50, &none, false, &err);
	is_int(roster_follows(found_small, &found_c1, &doc, &err), YZ_EDENIED,
	    "nor by the new key itself: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &found_c1, 50, 40, &hash, false, &err);
	is_int(roster_follows(found_small, &found_c1, &doc, &err), YZ_EDENIED,
	    "nor for another recovery key than is listed: %s", err.msg);
	roster_doc_free(&doc);

	revoked(&gone, &found_c1);
	is_int(roster_follows(found_small, &found_c1, &gone, &err), 0,
	    "a city may end a county's key, and set a recovery key: %s",
	    err.msg);
	rotate(&doc, &gone, 50, 40, &hash, false, &err);
	is_int(roster_follows(found_small, &gone, &doc, &err), YZ_EDENIED,
	    "an ended key proves no other: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &gone, 50, 77, &hash, false, &err);
	is_int(roster_follows(found_small, &gone, &doc, &err), 0,
	    "the recovery key does: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &gone, 50, 77, &hash2, true, &err);
	is_int(roster_follows(found_small, &gone, &doc, &err), 0,
	    "and names the next recovery key: %s", err.msg);
	roster_doc_free(&doc);
	rotate(&doc, &gone, 50, 78, &hash, false, &err);
	is_int(roster_follows(found_small, &gone, &doc, &err), YZ_EDENIED,
	    "another paper does not: %s", err.msg);
	roster_doc_free(&doc);
	roster_doc_free(&gone);
}

/* What the station sends: it reads back, and no bit of it may differ. */
static void
requests(void)
{
	struct roster_end ends[2] = {
	    {{"520302", "1f0c9a7e", STREAM_RESOURCE, ""}, 7, {{1}}},
	    {{"520302", "1f0c9a7e", STREAM_ROSTER, ""}, 9, {{2}}}};
	struct sign_key by, sign, ssh;
	struct buf text = BUF_INIT;
	struct rotation q, back;
	size_t i, passed = 0;
	struct err err = {0};

	found_key(&by, 40);
	found_key(&sign, 50);
	found_key(&ssh, 51);
	memset(&q, 0, sizeof(q));
	memcpy(q.code, "520302", 7);
	memcpy(q.inc, "1f0c9a7e", 9);
	memcpy(q.after, by.pub, 32);
	q.ends = ends;
	q.n_ends = 2;
	is_int(rotation_sign(&q, &by, &sign, &ssh, &err), 0, "a request");
	rotation_write(&text, &q);
	is_int(rotation_read(&back, text.b, text.len, &err), 0,
	    "it reads back: %s", err.msg);
	ok(back.n_ends == 2 && back.ends[1].seq == 9 &&
		memcmp(back.ssh, ssh.pub, 32) == 0,
	    "the same");
	ok(!back.restored, "and not of a restored station");
	rotation_free(&back);
	buf_clear(&text);
	q.restored = true;
	is_int(rotation_sign(&q, &by, &sign, &ssh, &err), 0, "one that is");
	rotation_write(&text, &q);
	ok(rotation_read(&back, text.b, text.len, &err) == 0 && back.restored,
	    "says so");
	rotation_free(&back);
	for (i = 0; i < text.len; i++) {
		text.b[i] ^= 1;
		if (rotation_read(&back, text.b, text.len, &err) == 0) {
			rotation_free(&back);
			passed++;
		}
		text.b[i] ^= 1;
	}
	is_int((long long)passed, 0, "with any byte of %zu altered it does not",
	    text.len);
	buf_free(&text);
}

int
main(void)
{
	found_begin();
	proofs();
	requests();
	found_end();
	return tap_done();
}
