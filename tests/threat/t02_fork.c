/*
 * Goal of this test: threat T02, a fork.  Whoever has a station's key writes
 * two histories and shows each to others.  Once the pair is known the chain
 * ends at the common place at every station, whichever branch it held, and
 * all digests agree; the pair cannot be made of anything but two changesets
 * signed for one place by keys that count there; the enroller's resolution
 * brings one branch back, and then the pair proves nothing more.  And a new
 * incarnation counts if it goes on from a place that counts, whatever comes
 * first.  Each state equals the one rebuilt from the ledger.
 */
#include "config.h"

#include <sys/wait.h>

#include <openssl/bn.h>

#include "../world.h"

#include "../forge.h"
#include "fork.h"
#include "local.h"
#include "model/stop.h"
#include "resolve.h"

#define N 3 /* changesets before the fork */

static struct world w;

static const char op[] =
    "{\"id\":\"520302-00000000000000000000000000000001\",\"kind\":\"team\","
    "\"set\":{\"status\":\"%s\"}}\n";

/* The pen's next changeset: value in the field status. */
static void
write_next(struct changeset *cs, struct pen *p, const char *value)
{
	char text[200];

	snprintf(text, sizeof(text), op, value);
	pen_draft(cs, p, text, strlen(text));
	pen_sign(cs, &p->key);
	pen_advance(p, cs);
}

/* As from the wire: the key is found by who receives. */
static int
give(int at, const struct changeset *cs)
{
	enum receive_result result;
	struct buf bytes = BUF_INIT;
	struct changeset got = CHANGESET_INIT;
	struct buf_reader in;
	struct err err = {0};
	int rc;

	changeset_pack(&bytes, cs, NULL);
	got.chain = cs->chain;
	got.seq = cs->seq;
	got.prev = cs->prev;
	memcpy(got.parent_oid, cs->parent_oid, 20);
	buf_reader_init(&in, bytes.b, bytes.len);
	must(changeset_unpack(&got, &in, NULL, &err), &err, "unpack");
	must(replica_begin(w.at[at], &err), &err, "begin");
	rc = receive_changeset(w.at[at], &got, &result, &err);
	if (rc == 0)
		rc = replica_commit(w.at[at], &err);
	else
		replica_rollback(w.at[at]);
	if (rc != 0)
		printf("# %s: %s\n", world_tree[at].code, err.msg);
	changeset_free(&got);
	buf_free(&bytes);
	return rc;
}

static int64_t
head(int at, const struct chain_name *chain)
{
	struct replica_head h;
	struct err err;

	must(replica_head(w.at[at], &h, chain, &err), &err, "head");
	return h.seq;
}

/* Do these stations (a mask) have one digest of the stream, and the same once
 * more rebuilt, with nothing to find fault with? */
static void
fault(void *arg, const char *line)
{
	printf("# %s\n", line);
	(*(int *)arg)++;
}

static void
agree(const char *when)
{
	char want[DIGEST_HEX_LEN + 1], before[DIGEST_HEX_LEN + 1];
	int at, differ = 0, changed = 0, faults = 0;
	int64_t checked;
	struct err err;

	strcpy(want, world_digest(&w, PROVINCE, STREAM_RESOURCE, NULL));
	for (at = 0; at < WORLD_N; at++) {
		strcpy(before, world_digest(&w, at, STREAM_RESOURCE, NULL));
		differ += strcmp(before, want) != 0;
		must(replica_seal(w.at[at], &err), &err, "seal");
		must(replica_verify(
			 w.at[at], false, &checked, fault, &faults, &err),
		    &err, "verify");
		must(replica_rebuild(w.at[at], NULL, NULL, &err), &err,
		    "rebuild");
		changed += strcmp(before, world_digest(&w, at, STREAM_RESOURCE,
					      NULL)) != 0;
	}
	is_int(differ, 0, "%s: one digest everywhere", when);
	is_int(changed, 0, "%s: the same rebuilt", when);
	is_int(faults, 0, "%s: verify finds no fault", when);
}

static int
take(int at, const struct changeset *a, const struct changeset *b, bool *news,
    struct err *err)
{
	struct changeset x = *a, y = *b;

	return fork_take(w.at[at], &x, &y, news, err);
}

/* The roster's next version, with an end of a chain under the writer's key;
 * id NULL: the key is ended and what is listed stays. */
static void
list_end(struct roster_doc *out, const struct chain_name *chain, int64_t seq,
    const struct digest *id)
{
	const struct roster *roster = replica_roster(w.at[PROVINCE]);
	struct roster_end end = {.chain = *chain, .seq = seq, .id = *id};
	struct roster_station st = *roster_find(roster, chain->writer);
	struct roster_key key = st.keys[0];
	struct roster_doc cur;
	struct err err;

	key.ends = &end;
	key.n_ends = 1;
	st.keys = &key;
	must(replica_roster_doc(w.at[PROVINCE], &cur, "root", 0, &err), &err,
	    "roster");
	must(roster_enrol(out, roster, &cur, "root", &st, &w.root, &err), &err,
	    "the next roster");
	roster_doc_free(&cur);
}

/* --- the fork ----------------------------------------------------------------
 */

static struct pen honest, thief;
static struct changeset good[3], bad[3]; /* what each writes after seq N */

/* Everybody holds seq 1 .. N; then two histories. */
static void
two_histories(void)
{
	struct err err;
	int i, at;

	for (i = 0; i < N; i++)
		world_set(&w, COUNTY, STREAM_RESOURCE, "team",
		    "520302-00000000000000000000000000000001", "name",
		    "\"甲队\"");
	world_sync(&w);
	pen_of(&honest, &w, COUNTY, STREAM_RESOURCE, NULL);
	thief = honest;
	for (i = 0; i < 3; i++) {
		write_next(&good[i], &honest, "good");
		write_next(&bad[i], &thief, "bad");
	}
	for (i = 0; i < 3; i++) {
		must(give(COUNTY, &good[i]), &err, "give");
		must(give(CITY, &good[i]), &err, "give");
		must(give(PROVINCE, &good[i]), &err, "give");
		must(give(OTHER_CITY, &bad[i]), &err, "give");
	}
	must(give(SIBLING, &bad[0]), &err, "give");
	for (at = 0; at < WORLD_N; at++)
		must(replica_seal(w.at[at], &err), &err, "seal");
	is_int(give(OTHER_CITY, &good[0]), YZ_ECONFLICT,
	    "the other history is refused where one is held");
}

static void
no_pairs(void)
{
	struct changeset cs;
	struct pen pen = honest;
	struct sign_key other;
	struct err err;
	bool news;

	is_int(take(PROVINCE, &good[0], &good[0], &news, &err), YZ_ECORRUPT,
	    "one changeset twice is no pair");
	is_int(take(PROVINCE, &good[0], &bad[1], &news, &err), YZ_ECORRUPT,
	    "nor are two of different places");
	is_int(take(PROVINCE, &good[1], &bad[1], &news, &err), YZ_ECORRUPT,
	    "nor two that follow different ones");
	sign_generate(&other);
	pen.key = other;
	pen.seq = N;
	pen.id = good[0].prev;
	memcpy(pen.oid, good[0].parent_oid, 20);
	write_next(&cs, &pen, "forged");
	is_int(take(PROVINCE, &good[0], &cs, &news, &err), YZ_EDENIED,
	    "nor one with a key that is not the writer's");
	memcpy(cs.key, honest.key.pub, 32);
	is_int(take(PROVINCE, &good[0], &cs, &news, &err), YZ_EDENIED,
	    "nor one whose signature does not hold");
	ok(!news && head(PROVINCE, &honest.chain) == N + 3,
	    "none of them changes anything");
	changeset_free(&cs);
}

/* What a person is told of it, at the console and by status. */
static void
on_stop(void *arg, const struct stop *stop)
{
	bool *told = arg;
	char name[CHAIN_NAME_MAX];

	chain_format(name, &good[0].chain);
	*told = stop->kind == STOP_FORK && strcmp(stop->about, name) == 0 &&
		stop->at == N + 1 && strcmp(stop->writer, "520302") == 0 &&
		strcmp(stop->decides, "520000") == 0 &&
		strcmp(stop->a, stop->b) != 0;
}

static void
told(void)
{
	struct local *local;
	bool is_told = false;
	struct err err;

	must(local_open(&local, replica_home(w.at[CITY])->path, &err), &err,
	    "local.db");
	must(stop_each(w.at[CITY], local, on_stop, &is_told, &err), &err,
	    "stops");
	local_close(local);
	ok(is_told, "people are told which chain, since when, who decides");
}

static void
evidence(void)
{
	struct chain_name *chain = &honest.chain;
	char before[DIGEST_HEX_LEN + 1];
	struct fork fork;
	struct err err;
	bool news;
	int at, wrong = 0;

	strcpy(before, world_digest(&w, OTHER, STREAM_RESOURCE, NULL));
	for (at = 0; at < WORLD_N; at++) {
		must(at % 2 == 0 ? take(at, &good[0], &bad[0], &news, &err)
				 : take(at, &bad[0], &good[0], &news, &err),
		    &err, "take");
		wrong += !news || head(at, chain) != N ||
			 fork_seq(w.at[at], chain) != N + 1 ||
			 replica_stop(w.at[at], chain) != N;
	}
	is_int(wrong, 0, "the pair ends the chain before it, everywhere");
	ok(strcmp(before, world_digest(&w, OTHER, STREAM_RESOURCE, NULL)) != 0,
	    "that it ends is in the digest, also where no branch was held");
	must(take(CITY, &bad[0], &good[0], &news, &err), &err, "again");
	ok(!news, "a pair that is known is no news");
	must(fork_get(w.at[CITY], &fork, chain, &err), &err, "get");
	ok(memcmp(fork.a.oid, fork.b.oid, 20) < 0 && fork.seq == N + 1,
	    "it is kept in one order");
	fork_free(&fork);
	is_int(give(CITY, &good[0]), YZ_EDENIED, "the door stays shut");
	is_int(give(CITY, &bad[0]), YZ_EDENIED, "for either branch");
	agree("forked");
	is_str(world_get(&w, CITY, "team",
		   "520302-00000000000000000000000000000001", "name"),
	    "甲队", "what stood before the fork stands");
	is_int(world_count(&w, CITY,
		   "SELECT count(*) FROM team WHERE status IS NOT NULL"),
	    0, "what came after it does not");
	told();
}

/* The signed pair, without this program: t02_pair.sh. */
static void
proved_by_git(void)
{
	const char *build = getenv("top_builddir"), *top = getenv("top_srcdir");
	const bool first = memcmp(good[0].oid, bad[0].oid, 20) < 0;
	const struct changeset *v[2] = {
	    first ? &good[0] : &bad[0], first ? &bad[0] : &good[0]};
	char command[512], line[256], want[256], hex[17], name[CHAIN_NAME_MAX];
	int rc = -1, i;
	FILE *f;

	snprintf(command, sizeof(command),
	    "sh %s/tests/threat/t02_pair.sh %s/yizhan %s/520300 resource",
	    top == NULL ? "." : top, build == NULL ? "." : build, w.dir);
	chain_format(name, &honest.chain);
	f = popen(command, "r");
	for (i = 0; f != NULL && i < 2; i++) {
		digest_hex(hex, v[i]->id.b, 8);
		snprintf(want, sizeof(want), "%s %d %s\n", name, N + 1, hex);
		if (fgets(line, sizeof(line), f) == NULL)
			line[0] = '\0';
		is_str(line, want, "git reads of %s which chain, seq and id",
		    i == 0 ? "one" : "the other");
	}
	if (f != NULL)
		rc = pclose(f);
	is_int(rc, 0, "and finds both signatures the county's");
}

/* Stock git finds both branches and the pair, and nothing broken. */
static void
ledger(void)
{
	char command[300];

	snprintf(command, sizeof(command),
	    "git --git-dir %s/520000/ledger/resource.git fsck --strict"
	    " >/dev/null 2>&1",
	    w.dir);
	is_int(system(command), 0, "git fsck finds the ledger whole");
	snprintf(command, sizeof(command),
	    "test $(git --git-dir %s/520400/ledger/resource.git for-each-ref"
	    " refs/forks | wc -l) = 2",
	    w.dir);
	is_int(system(command), 0, "the branch cut off and the pair are kept");
	proved_by_git();
}

/* What the duty officer sees at a station that knows of it. */
static void
on_screen(void)
{
	const char *build = getenv("top_builddir");
	char command[512], line[1024], name[CHAIN_NAME_MAX], ids[2][17];
	bool said = false;
	int rc = -1;
	FILE *f;

	chain_format(name, &honest.chain);
	digest_hex(ids[0], good[0].id.b, 8);
	digest_hex(ids[1], bad[0].id.b, 8);
	snprintf(command, sizeof(command), "%s/yizhan -C %s/520300 status",
	    build == NULL ? "." : build, w.dir);
	f = popen(command, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "forked ", 7) != 0)
			continue;
		said = strstr(line, name) != NULL &&
		       strstr(line, "from 4 on") != NULL &&
		       strstr(line, ids[0]) != NULL &&
		       strstr(line, ids[1]) != NULL &&
		       strstr(line, "Ask 520302") != NULL &&
		       strstr(line, "520000 decides: yizhan resolve") != NULL;
		if (!said)
			printf("# %s", line);
	}
	if (f != NULL)
		rc = pclose(f);
	ok(said, "status says which chain, from where, which two, who decides");
	ok(WIFEXITED(rc) && WEXITSTATUS(rc) == 3, "and exits 3: look at it");
}

static void
lower(void)
{
	struct pen pen = honest;
	struct changeset a, b;
	struct err err;
	bool news;

	/* A third history parts from the first changeset on. */
	must(
	    replica_read(w.at[CITY], &a, &honest.chain, 2, &err), &err, "read");
	pen.seq = 1;
	pen.id = a.prev;
	memcpy(pen.oid, a.parent_oid, 20);
	write_next(&b, &pen, "third");
	must(take(CITY, &a, &b, &news, &err), &err, "take");
	ok(news && head(CITY, &honest.chain) == 1, "a lower pair cuts lower");
	must(take(CITY, &good[0], &bad[0], &news, &err), &err, "take");
	ok(!news && fork_seq(w.at[CITY], &honest.chain) == 2,
	    "and the higher one is not kept beside it");
	changeset_free(&a);
	changeset_free(&b);
}

/* The province, which lists everybody, names one of the branches. */
static void
resolve(struct roster_doc *doc)
{
	char path[128], hex[DIGEST_HEX_LEN + 1];
	struct roster_end end;
	struct err err;
	bool adopted;

	digest_hex(hex, good[1].id.b, sizeof(good[1].id.b));
	is_int(
	    resolve_fork(w.at[CITY], &honest.chain, hex, &end, &adopted, &err),
	    YZ_EDENIED, "only who lists the writer may resolve");
	is_int(resolve_fork(w.at[PROVINCE], &honest.chain, "ffffffffffff", &end,
		   &adopted, &err),
	    YZ_ENOTFOUND, "only what is known can be named");
	snprintf(path, sizeof(path), "%s/520000/keys/root", w.dir);
	must(sign_save(&w.root, path, &err), &err, "root key");
	must(resolve_fork(
		 w.at[PROVINCE], &honest.chain, hex, &end, &adopted, &err),
	    &err, "resolve");
	ok(adopted && end.seq == N + 2 && digest_equal(&end.id, &good[1].id),
	    "a changeset of a branch that was cut off can");
	must(replica_roster_doc(w.at[PROVINCE], doc, "root", 0, &err), &err,
	    "roster");
}

static void
resolved(void)
{
	struct chain_name *chain = &honest.chain;
	struct roster_doc doc;
	struct err err;
	bool news;
	int at, wrong = 0;

	resolve(&doc);
	for (at = 0; at < WORLD_N; at++) {
		if (at != PROVINCE)
			must(
			    replica_adopt(w.at[at], &doc, &err), &err, "adopt");
		wrong += replica_stop(w.at[at], chain) != N + 2;
	}
	roster_doc_free(&doc);
	is_int(wrong, 0, "the chain now ends where the roster says");
	is_int(head(PROVINCE, chain), N + 2,
	    "who held the branch has it again, to its end");
	is_int(head(CITY, chain), N + 2, "also where a lower pair was known");
	is_int(head(OTHER_CITY, chain), N, "who held the other has not");
	is_int(give(OTHER_CITY, &good[0]), 0, "but may take it from others");
	world_sync(&w);
	agree("resolved");
	is_int(fork_get(w.at[CITY], &(struct fork){0}, chain, &err),
	    YZ_ENOTFOUND, "the pair proves nothing more");
	must(take(CITY, &good[0], &bad[0], &news, &err), &err, "take");
	ok(!news && head(CITY, chain) == N + 2, "nor when it is shown again");
	is_int(give(CITY, &good[2]), YZ_EDENIED, "beyond the end is nothing");
	is_str(world_get(&w, OTHER_CITY, "team",
		   "520302-00000000000000000000000000000001", "status"),
	    "good", "what the branch says stands");
}

/* Two who were cut off from all the news when the roster came. */
static void
wrong_branch(void)
{
	struct chain_name *chain = &honest.chain;
	struct roster_doc doc;
	struct err err;
	bool news;

	list_end(&doc, chain, N + 2, &good[1].id);
	must(replica_adopt(w.at[OTHER_CITY], &doc, &err), &err, "adopt");
	is_int(head(OTHER_CITY, chain), 0,
	    "a branch that leads past the end by another way is cut whole");
	must(replica_adopt(w.at[SIBLING], &doc, &err), &err, "adopt");
	is_int(head(SIBLING, chain), N + 1,
	    "one that does not reach it yet may be the right one");
	must(take(SIBLING, &good[0], &bad[0], &news, &err), &err, "take");
	ok(news && head(SIBLING, chain) == N &&
		fork_seq(w.at[SIBLING], chain) == 0,
	    "until a pair shows where another leaves it");
	must(take(PROVINCE, &good[0], &bad[0], &news, &err), &err, "take");
	must(replica_adopt(w.at[PROVINCE], &doc, &err), &err, "adopt");
	must(replica_adopt(w.at[CITY], &doc, &err), &err, "adopt");
	must(replica_adopt(w.at[COUNTY], &doc, &err), &err, "adopt");
	must(replica_adopt(w.at[OTHER], &doc, &err), &err, "adopt");
	roster_doc_free(&doc);
	world_sync(&w);
	is_int(head(OTHER_CITY, chain), N + 2, "the right one comes");
	agree("decided before");
}

/* --- several must sign -------------------------------------------------------
 */

/* Does the real program do it, at the province? */
static bool
program(const char *arguments)
{
	const char *build = getenv("top_builddir");
	char command[1024];

	snprintf(command, sizeof(command),
	    "%s/yizhan -C %s/520000 %s >%s/out 2>&1",
	    build == NULL ? "." : build, w.dir, arguments, w.dir);
	return system(command) == 0;
}

static void
run(const char *arguments)
{
	must(program(arguments) ? 0 : -1, &(struct err){.msg = "failed"},
	    arguments);
}

/* What is proposed, signed by so many of the root keys, and adopted. */
static bool
signed_by(int n)
{
	char line[256];
	int i;

	snprintf(line, sizeof(line), "roster propose -o %s/doc", w.dir);
	run(line);
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "roster sign %s/doc --key %s/k%d",
		    w.dir, w.dir, i);
		run(line);
	}
	snprintf(line, sizeof(line), "roster adopt %s/doc", w.dir);
	return program(line);
}

static void
several_sign(void)
{
	struct replica_head *heads;
	size_t n_heads;
	char path[160], line[512], hex[DIGEST_HEX_LEN + 1];
	char name[CHAIN_NAME_MAX];
	struct err err;
	bool news;
	int i;

	must(take(PROVINCE, &good[0], &bad[0], &news, &err), &err, "take");
	snprintf(path, sizeof(path), "%s/520000/keys/root", w.dir);
	must(sign_save(&w.root, path, &err), &err, "root key");
	for (i = 0; i < 3; i++) {
		snprintf(line, sizeof(line),
		    "ssh-keygen -q -t ed25519 -N '' -f %s/k%d && cat"
		    " %s/k%d.pub >>%s/pub",
		    w.dir, i, w.dir, i, w.dir);
		must(system(line), &(struct err){.msg = "ssh-keygen"}, line);
	}
	snprintf(
	    line, sizeof(line), "roster root-keys %s/pub --threshold 2", w.dir);
	run(line);
	ok(signed_by(2), "two of three root keys sign from now on");
	chain_format(name, &honest.chain);
	digest_hex(hex, good[1].id.b, sizeof(good[1].id.b));
	snprintf(line, sizeof(line), "resolve %s %s", name, hex);
	ok(program(line), "with several root keys a fork is resolved too");
	snprintf(
	    line, sizeof(line), "grep -q 'waits for root keys' %s/out", w.dir);
	ok(system(line) == 0, "which waits for them");
	is_int(replica_stop(w.at[PROVINCE], &honest.chain), N,
	    "until then the chain ends before the fork");
	ok(!signed_by(1), "one of them is too few");
	ok(signed_by(2), "two are enough");
	/* What others wrote is seen by whoever looks at heads. */
	must(replica_heads(w.at[PROVINCE], &heads, &n_heads, &err), &err,
	    "look");
	free(heads);
	is_int(replica_stop(w.at[PROVINCE], &honest.chain), N + 2,
	    "then it ends where the roster says");
	is_int(head(PROVINCE, &honest.chain), N + 2, "and the branch is back");
	ok(program("verify"), "verify finds nothing");
}

/* --- one changeset, signed twice ---------------------------------------------
 */

/* The private scalar of a seed, as RFC 8032 makes it. */
static BIGNUM *
scalar(const uint8_t seed[32])
{
	uint8_t h[64];

	digest_sha512(h, seed, 32);
	h[0] &= 248;
	h[31] = (uint8_t)((h[31] & 127) | 64);
	return BN_lebin2bn(h, 32, NULL);
}

/*
 * Sign again with another nonce: r is some other key's scalar, so R is its
 * public key, and S = r + SHA512(R, A, M) a mod L.
 */
static void
sign_again(struct changeset *cs, const struct sign_key *key)
{
	struct buf text = BUF_INIT, m = BUF_INIT;
	struct sign_key nonce;
	BIGNUM *r, *a, *k, *l = NULL;
	BN_CTX *ctx = BN_CTX_new();
	uint8_t h[64];

	sign_generate(&nonce);
	changeset_text(&text, cs);
	digest_sha512(h, text.b, text.len);
	buf_put(&m, nonce.pub, 32);
	buf_put(&m, key->pub, 32);
	buf_puts(&m, "SSHSIG");
	buf_put_u32(&m, 3);
	buf_puts(&m, "git");
	buf_put_u32(&m, 0);
	buf_put_u32(&m, 6);
	buf_puts(&m, "sha512");
	buf_put_u32(&m, sizeof(h));
	buf_put(&m, h, sizeof(h));
	digest_sha512(h, m.b, m.len);
	r = scalar(nonce.seed);
	a = scalar(key->seed);
	k = BN_lebin2bn(h, 64, NULL);
	BN_hex2bn(&l, "1000000000000000000000000000000014def9dea2f79cd65812631a"
		      "5cf5d3ed");
	BN_mod_mul(k, k, a, l, ctx);
	BN_mod_add(k, k, r, l, ctx);
	memcpy(cs->sig, nonce.pub, 32);
	BN_bn2lebinpad(k, cs->sig + 32, 32);
	changeset_derive(cs);
	BN_free(r);
	BN_free(a);
	BN_free(k);
	BN_free(l);
	BN_CTX_free(ctx);
	buf_free(&text);
	buf_free(&m);
}

static void
signed_twice(void)
{
	struct changeset one, two;
	struct err err;
	bool news;
	int at;

	must(replica_read(w.at[CITY], &one, &honest.chain, 2, &err), &err,
	    "read");
	must(replica_read(w.at[CITY], &two, &honest.chain, 2, &err), &err,
	    "read");
	sign_again(&two, &honest.key);
	ok(digest_equal(&one.id, &two.id) && memcmp(one.oid, two.oid, 20) != 0,
	    "one changeset has two commits");
	is_int(give(CITY, &two), YZ_ECONFLICT, "the second is refused");
	for (at = 0; at < WORLD_N; at++)
		must(take(at, &one, &two, &news, &err), &err, "take");
	is_int(head(CITY, &honest.chain), 1, "and proves a fork");
	agree("signed twice");
	changeset_free(&one);
	changeset_free(&two);
}

/* --- incarnations
 * --------------------------------------------------------------
 */

/* The first changeset of a new incarnation of the county. */
static void
first_of(struct changeset *cs, struct pen *pen, const char *inc,
    const struct changeset *from)
{
	char name[CHAIN_NAME_MAX], text[200];

	snprintf(name, sizeof(name), "520302-%s/resource", inc);
	pen_new(pen, name, &honest.key);
	snprintf(text, sizeof(text), op, inc);
	pen_draft(cs, pen, text, strlen(text));
	cs->continues = true;
	cs->continued.chain = from->chain;
	cs->continued.seq = from->seq;
	memcpy(cs->continued.id, from->id.b, sizeof(cs->continued.id));
	pen_sign(cs, &pen->key);
	pen_advance(pen, cs);
}

static int64_t
quarantined(int at)
{
	return world_count(&w, at, "SELECT count(*) FROM _quarantine");
}

/* Every order of: the place gone on from, the second and the third
 * incarnation; then the place is cut off, and comes back. */
static void
incarnations(void)
{
	static const int orders[][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct changeset second, third, lost;
	const struct changeset *what[3] = {&good[2], &second, &third};
	struct pen pen;
	struct err err;
	int at, i, bad_order = 0;

	first_of(&second, &pen, "22222222", &good[2]);
	first_of(&third, &pen, "33333333", &second);
	for (at = 0; at < WORLD_N; at++) {
		must(replica_truncate(w.at[at], &honest.chain, N, &err), &err,
		    "back");
		must(give(at, &good[0]), &err, "give");
		must(give(at, &good[1]), &err, "give");
		for (i = 0; i < 3; i++)
			must(give(at, what[orders[at][i]]), &err, "give");
		bad_order += quarantined(at) != 0;
	}
	is_int(bad_order, 0, "what goes on from what counts, counts");
	agree("three incarnations");
	must(replica_truncate(w.at[CITY], &honest.chain, N + 2, &err), &err,
	    "cut");
	is_int(quarantined(CITY), 2, "not when the place is gone");
	must(give(CITY, &good[2]), &err, "give");
	is_int(quarantined(CITY), 0, "but again when it is back");
	first_of(&lost, &pen, "44444444", &bad[2]);
	for (at = 0; at < WORLD_N; at++)
		must(give(at, &lost), &err, "give");
	is_int(quarantined(CITY), 1, "another id than the one held: not");
	agree("one that goes on from nothing");
	changeset_free(&second);
	changeset_free(&third);
	changeset_free(&lost);
}

static void
forks(void (*story)(void))
{
	int i;

	world_open(&w);
	world_kinds(&w);
	two_histories();
	story();
	for (i = 0; i < 3; i++) {
		changeset_free(&good[i]);
		changeset_free(&bad[i]);
	}
	world_close(&w);
}

static void
found_out(void)
{
	no_pairs();
	evidence();
	ledger();
	on_screen();
	lower();
	resolved();
}

int
main(void)
{
	forks(found_out);
	forks(wrong_branch);
	forks(several_sign);
	forks(signed_twice);
	forks(incarnations);
	return tap_done();
}
