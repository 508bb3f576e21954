/*
 * Goal of this test: threat T11, a stolen disk.  The county's key is revoked,
 * and the revocation reaches stations before what the thief writes, after it,
 * and at every place between, with the honest changesets of two chains coming
 * in either order.  Everywhere the same counts, with the same digests, as a
 * rebuild from the ledger says too; what the thief signed is nowhere.
 */
#include "config.h"

#include "../world.h"

#include "../forge.h"

#define HONEST 3 /* changesets of each chain that count */
#define STOLEN 3 /* and that the thief adds */
#define EACH (HONEST + STOLEN)

static struct world w;
static struct {
	struct chain_name chain;
	struct changeset cs[EACH];
} written[2];

/* Two chains: the honest part by the station, the rest by who has its key. */
static void
write_chain(int n, enum stream stream, const char *owner, const char *kind)
{
	struct pen pen;
	struct err err;
	char ops[256];
	int i;

	for (i = 0; i < HONEST; i++)
		world_set(&w, COUNTY, stream, kind,
		    "520302-00000000000000000000000000000001", "name",
		    i % 2 ? "\"甲\"" : "\"乙\"");
	pen_of(&pen, &w, COUNTY, stream, owner);
	written[n].chain = pen.chain;
	for (i = 0; i < HONEST; i++)
		must(replica_read(w.at[COUNTY], &written[n].cs[i], &pen.chain,
			 pen.seq - HONEST + i + 1, &err),
		    &err, "read");
	snprintf(ops, sizeof(ops),
	    "{\"id\":\"520302-00000000000000000000000000000001\",\"kind\":"
	    "\"%s\",\"set\":{\"name\":\"假\"}}\n",
	    kind);
	for (; i < EACH; i++) {
		pen_draft(&written[n].cs[i], &pen, ops, strlen(ops));
		pen_sign(&written[n].cs[i], &pen.key);
		pen_advance(&pen, &written[n].cs[i]);
	}
}

/* The root's next document: the key counts up to what is honest. */
static void
revocation(struct roster_doc *out)
{
	struct roster_end ends[2];
	struct roster_change *change;
	struct roster_doc cur;
	struct err err;
	int n;

	for (n = 0; n < 2; n++) {
		const struct changeset *last = &written[n].cs[HONEST - 1];

		ends[n].chain = written[n].chain;
		ends[n].seq = last->seq;
		ends[n].id = last->id;
	}
	must(replica_roster_doc(w.at[PROVINCE], &cur, "root", 0, &err), &err,
	    "root");
	must(roster_change_begin(&change, &cur, NULL, "root", &err), &err, "b");
	must(roster_change_end_key(change, world_tree[COUNTY].code,
		 replica_home(w.at[COUNTY])->sign.pub, ends, 2, NULL, &err),
	    &err, "end");
	must(roster_change_write(out, change, &err), &err, "write");
	must(roster_doc_sign(out, &w.root, &err), &err, "sign");
	roster_change_free(change);
	roster_doc_free(&cur);
}

/* --- one who takes it in ----------------------------------------------------
 */

static char dir[64];

static struct replica *
fresh(void)
{
	enum receive_result result;
	struct replica_head *heads;
	struct roster_doc doc;
	struct changeset cs;
	struct replica *r;
	struct home *home;
	struct err err;
	size_t i, n;
	int64_t v;

	snprintf(dir, sizeof(dir), "%s/yizhan-revoked-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(dir) == NULL, &(struct err){.msg = "mkdtemp"}, "folder");
	must(home_create(&home, dir, "520300", &err), &err, "home");
	must(replica_open(&r, home, &err), &err, "replica");
	for (v = 1; v <= WORLD_N; v++) {
		must(replica_roster_doc(w.at[PROVINCE], &doc, "root", v, &err),
		    &err, "root");
		must(replica_adopt(r, &doc, &err), &err, "adopt");
		roster_doc_free(&doc);
	}
	/* The kinds. */
	must(replica_heads(w.at[PROVINCE], &heads, &n, &err), &err, "heads");
	must(replica_begin(r, &err), &err, "begin");
	for (i = 0; i < n; i++)
		for (v = 1; heads[i].chain.stream == STREAM_ROSTER &&
			    v <= heads[i].seq;
		     v++) {
			must(replica_read(
				 w.at[PROVINCE], &cs, &heads[i].chain, v, &err),
			    &err, "read");
			must(receive_changeset(r, &cs, &result, &err), &err,
			    "kinds");
			changeset_free(&cs);
		}
	must(replica_commit(r, &err), &err, "commit");
	free(heads);
	return r;
}

static void
drop(struct replica *r)
{
	char command[96];

	replica_close(r);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		printf("# could not remove %s\n", dir);
}

/* As it came over the wire. */
static int
give(struct replica *r, int chain, int i)
{
	struct changeset got = CHANGESET_INIT;
	enum receive_result result;
	struct buf bytes = BUF_INIT;
	struct buf_reader in;
	struct err err;
	int rc;

	changeset_pack(&bytes, &written[chain].cs[i], NULL);
	got.chain = written[chain].chain;
	got.seq = written[chain].cs[i].seq;
	got.prev = written[chain].cs[i].prev;
	memcpy(got.parent_oid, written[chain].cs[i].parent_oid, 20);
	buf_reader_init(&in, bytes.b, bytes.len);
	must(replica_begin(r, &err), &err, "begin");
	rc = changeset_unpack(&got, &in, NULL, &err);
	if (rc == 0)
		rc = receive_changeset(r, &got, &result, &err);
	if (rc == 0)
		rc = replica_commit(r, &err);
	else
		replica_rollback(r);
	changeset_free(&got);
	buf_free(&bytes);
	return rc;
}

static void
digests(struct buf *out, struct replica *r)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest sum;
	int64_t records;
	struct err err;
	int s;

	for (s = 0; s < STREAM_COUNT; s++) {
		must(replica_digest(
			 r, (enum stream)s, NULL, &records, &sum, &err),
		    &err, "digest");
		digest_hex(hex, sum.b, 32);
		buf_printf(out, "%lld %s ", (long long)records, hex);
	}
	buf_str(out);
}

/* The i-th of all changesets: chain by chain, or by turns. */
static void
place(int i, bool turns, int *chain, int *at)
{
	*chain = turns ? i % 2 : i / EACH;
	*at = turns ? i / 2 : i % EACH;
}

static void
orders(const struct roster_doc *doc)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	int turns, when, i, chain, at, refused = 0, n = 0;
	int wrong = 0, heads = 0, rebuilt = 0, faults = 0;
	struct replica_head head;
	struct replica *r;
	struct err err;

	for (turns = 0; turns < 2; turns++)
		for (when = 0; when <= 2 * EACH; when++, n++) {
			r = fresh();
			for (i = 0; i <= 2 * EACH; i++) {
				if (i == when)
					must(replica_adopt(r, doc, &err), &err,
					    "revoke");
				if (i == 2 * EACH)
					break;
				place(i, turns == 1, &chain, &at);
				refused += give(r, chain, at) != 0;
			}
			for (chain = 0; chain < 2; chain++) {
				must(replica_head(
					 r, &head, &written[chain].chain, &err),
				    &err, "head");
				heads += head.seq !=
					 written[chain].cs[HONEST - 1].seq;
			}
			buf_clear(&got);
			digests(&got, r);
			if (want.len == 0)
				buf_put(&want, got.b, got.len);
			wrong += strcmp(buf_str(&want), buf_str(&got)) != 0;
			must(replica_rebuild(r, NULL, NULL, &err), &err,
			    "rebuild");
			buf_clear(&got);
			digests(&got, r);
			rebuilt += strcmp(buf_str(&want), buf_str(&got)) != 0;
			for (chain = 0; chain < 2; chain++)
				faults += give(r, chain, HONEST) == 0;
			drop(r);
		}
	is_int(
	    n, 2 * (2 * EACH + 1), "before, after and at every place between");
	ok(refused > 0 && refused < n * 2 * EACH,
	    "what came late was refused, what came early was cut off (%d)",
	    refused);
	is_int(heads, 0, "both chains end where the roster says");
	is_int(wrong, 0, "one digest of every stream, in every order");
	is_int(rebuilt, 0, "which a rebuild gives too");
	is_int(faults, 0, "and afterwards the thief's are refused");
	buf_free(&want);
	buf_free(&got);
}

int
main(void)
{
	struct roster_doc doc;
	int n, i;

	world_open(&w);
	world_kinds(&w);
	write_chain(0, STREAM_RESOURCE, NULL, "team");
	write_chain(1, STREAM_COMMAND, "520302", "incident");
	revocation(&doc);
	orders(&doc);
	roster_doc_free(&doc);
	for (n = 0; n < 2; n++)
		for (i = 0; i < EACH; i++)
			changeset_free(&written[n].cs[i]);
	world_close(&w);
	return tap_done();
}
