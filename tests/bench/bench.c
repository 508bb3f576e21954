/*
 * The parts of "make bench" that run inside one process, and the makers of
 * what it measures.  run.sh calls it; figures go to stdout as
 *
 *	NAME FIGURE UNIT
 *
 *	fill HOME AREA COUNT     records of the demonstration register
 *	edit HOME COUNT PART     a field of COUNT records, a changeset each
 *	files HOME DIR           every record as a file of JSON
 *	receive FROM TO          TO takes in what FROM has, in process
 *	save HOME COUNT          acts one by one, each durable
 *	fsync DIR COUNT          what the disk allows: write and fdatasync
 *	ask HOME COUNT           near, search and list
 *	flood HOME MB            oversight that hardly compresses
 *	arrive FROM TO COUNT STREAM  acts one by one, until TO has each:
 *sessions that watch carry them
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "home.h"
#include "model/near.h"
#include "model/record.h"
#include "model/register.h"
#include "model/search.h"
#include "model/show.h"
#include "op.h"
#include "replica.h"
#include "run.h"

static void
must(int rc, const struct err *err)
{
	if (rc < 0) {
		fprintf(stderr, "bench: %s\n", err->msg);
		exit(1);
	}
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process: says more where others use the machine too. */
static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct replica *
open_home(const char *path)
{
	struct replica *r;
	struct home *home;
	struct err err;

	must(home_open(&home, path, &err), &err);
	must(replica_open(&r, home, &err), &err);
	return r;
}

static void
close_home(struct replica *r)
{
	struct err err;

	must(replica_seal(r, &err), &err);
	replica_close(r);
}

static void
fill(const char *home, const char *area, const char *count)
{
	struct register_order order = {.area = area,
	    .count = strtoul(count, NULL, 10),
	    .seed = 1,
	    .author = "值班员甲",
	    .login = "duty1"};
	struct replica *r = open_home(home);
	double began = now();
	struct err err;

	must(register_fill(r, &order, &err), &err);
	printf("fill %.0f records/s\n", (double)order.count / (now() - began));
	close_home(r);
}

/* --- edits ------------------------------------------------------------------
 */

/* Ids of resources of this station, of every part in turn some. */
static char **
ids(struct replica *r, size_t count, size_t part)
{
	char **v = mem_calloc(count, sizeof(*v));
	struct db_stmt *st;
	struct err err;
	size_t i;

	must(db_query(&st, replica_db(r), &err,
		 "SELECT id FROM _record JOIN resource USING (rec)"
		 " ORDER BY rec LIMIT ? OFFSET ?",
		 "ii", (int64_t)count, (int64_t)(count * part)),
	    &err);
	for (i = 0; i < count && db_step(st, &err) == 1; i++)
		v[i] = mem_strdup(db_text(st, 0));
	db_done(st);
	if (i < count) {
		fprintf(stderr, "bench: only %zu records\n", i);
		exit(1);
	}
	return v;
}

static void
free_ids(char **v, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(v[i]);
	free(v);
}

/* One field of one record, as its own act. */
static void
change(struct replica *r, const char *id, size_t i)
{
	struct op_draft *op = op_draft_new("resource", id);
	struct act *act = act_new(r, "值班员甲", "duty1", "resource");
	char json[64];
	struct err err;

	snprintf(json, sizeof(json), "\"2026-11-24T%02zu:%02zu:%02zu+08:00\"",
	    i / 3600 % 24, i / 60 % 60, i % 60);
	op_draft_set(op, "status_at", json);
	act_add(act, STREAM_RESOURCE, op);
	must(act_commit(act, NULL, &err), &err);
	act_free(act);
	op_draft_free(op);
}

static void
edit(const char *home, const char *count, const char *part)
{
	size_t i, n = strtoul(count, NULL, 10);
	struct replica *r = open_home(home);
	char **v = ids(r, n, strtoul(part, NULL, 10));
	struct err err;

	must(replica_begin(r, &err), &err);
	for (i = 0; i < n; i++)
		change(r, v[i], i);
	must(replica_commit(r, &err), &err);
	free_ids(v, n);
	close_home(r);
}

static void
save(const char *home, const char *count)
{
	size_t i, n = strtoul(count, NULL, 10);
	struct replica *r = open_home(home);
	char **v = ids(r, n, 0);
	double began = now();

	for (i = 0; i < n; i++)
		change(r, v[i], i + 40000);
	printf("save %.0f changesets/s\n", (double)n / (now() - began));
	free_ids(v, n);
	close_home(r);
}

static void
disk(const char *dir, const char *count)
{
	size_t i, n = strtoul(count, NULL, 10);
	static char page[4096];
	char path[4096];
	double began;
	int fd;

	snprintf(path, sizeof(path), "%s/fsync", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	began = now();
	for (i = 0; i < n; i++)
		if (write(fd, page, sizeof(page)) < 0 || fdatasync(fd) != 0)
			exit(1);
	printf("fsync %.0f /s\n", (double)n / (now() - began));
	close(fd);
	unlink(path);
}

/* --- records as files --------------------------------------------------------
 */

struct files {
	struct replica *r;
	const char *dir;
	struct buf text;
	size_t bytes, n;
};

/* A folder for every two digits of the id, as git lays out its own. */
static int
put_file(void *arg, const struct record *rec, struct err *err)
{
	struct files *files = arg;
	char path[4096];
	FILE *f;
	int rc;

	buf_clear(&files->text);
	rc = show_json(&files->text, files->r, rec, -1, err);
	if (rc != 0)
		return rc;
	buf_putc(&files->text, '\n');
	snprintf(path, sizeof(path), "%s/%.2s", files->dir, rec->id + 7);
	(void)mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%.2s/%s.json", files->dir, rec->id + 7,
	    rec->id);
	f = fopen(path, "w");
	if (f == NULL ||
	    fwrite(files->text.b, 1, files->text.len, f) != files->text.len ||
	    fclose(f) != 0)
		return err_sys(err, "%s", path);
	files->bytes += files->text.len;
	files->n++;
	return 0;
}

static void
files(const char *home, const char *dir)
{
	struct files arg = {open_home(home), dir, BUF_INIT, 0, 0};
	struct record_query q = {.kind = "resource"};
	struct err err;

	must(record_list(arg.r, &q, put_file, &arg, &err), &err);
	printf("json %.1f MB\n", (double)arg.bytes / 1e6);
	buf_free(&arg.text);
	close_home(arg.r);
}

/* --- receiving in process
 * ----------------------------------------------------- */

struct packed { /* a run as it would come over the wire */
	struct run run;
	struct buf bytes;
};

struct wire {
	struct packed *v;
	size_t n;
};

static void
finish(struct wire *w, struct run_builder *b)
{
	struct packed *p;
	struct err err;

	w->v = mem_realloc(w->v, (w->n + 1) * sizeof(*w->v));
	p = &w->v[w->n++];
	memset(p, 0, sizeof(*p));
	must(run_finish(b, &p->run, &p->bytes, &err), &err);
}

/* The runs of a chain from first to last. */
static void
pack(struct wire *w, struct replica *from, const struct chain_name *chain,
    int64_t first, int64_t last)
{
	struct run_builder *b = run_builder_new();
	struct changeset cs;
	struct err err;
	int64_t seq;

	for (seq = first; seq <= last; seq++) {
		must(replica_read(from, &cs, chain, seq, &err), &err);
		if (!run_add(b, &cs)) {
			finish(w, b);
			(void)run_add(b, &cs);
		}
	}
	finish(w, b);
	run_builder_free(b);
}

static void
pack_all(struct wire *w, struct replica *from, struct replica *to)
{
	struct replica_head *heads, have;
	struct err err;
	size_t i, n;

	must(replica_heads(from, &heads, &n, &err), &err);
	for (i = 0; i < n; i++) {
		if (!chain_reaches(replica_roster(from), &heads[i].chain,
			replica_home(to)->code))
			continue;
		must(replica_head(to, &have, &heads[i].chain, &err), &err);
		if (have.seq < heads[i].seq)
			pack(w, from, &heads[i].chain, have.seq + 1,
			    heads[i].seq);
	}
	free(heads);
}

static void
take(struct replica *to, const struct packed *p)
{
	struct changeset cs[2] = {CHANGESET_INIT, CHANGESET_INIT};
	struct replica_head head;
	enum receive_result result;
	struct buf plain = BUF_INIT;
	struct buf_reader in;
	struct err err;
	int64_t seq;

	must(run_open(&plain, &p->run, p->bytes.b, p->bytes.len, &err), &err);
	must(replica_head(to, &head, &p->run.chain, &err), &err);
	receive_ahead(to, &p->run, &plain, &head.id, head.oid);
	buf_reader_init(&in, plain.b, plain.len);
	for (seq = p->run.first; seq <= p->run.last; seq++) {
		struct changeset *it = &cs[seq & 1], *old = &cs[~seq & 1];

		changeset_free(it);
		it->chain = p->run.chain;
		it->seq = seq;
		it->prev = seq == p->run.first ? head.id : old->id;
		memcpy(it->parent_oid,
		    seq == p->run.first ? head.oid : old->oid,
		    sizeof(it->parent_oid));
		must(changeset_unpack(
			 it, &in, seq == p->run.first ? NULL : old, &err),
		    &err);
		must(receive_changeset(to, it, &result, &err), &err);
	}
	changeset_free(&cs[0]);
	changeset_free(&cs[1]);
	buf_free(&plain);
}

/* As a session: a transaction for 4 MB of runs. */
#define COMMIT_BYTES (4u << 20)

static void
receive(const char *from_home, const char *to_home)
{
	struct replica *from = open_home(from_home), *to = open_home(to_home);
	double began, committed, sealed, used;
	struct wire w = {NULL, 0};
	int64_t before, after, changesets = 0;
	size_t i, staged = 0;
	struct err err;

	pack_all(&w, from, to);
	must(db_get_int(&before, replica_db(to), &err,
		 "SELECT count(*) FROM _record", ""),
	    &err);
	began = now();
	used = cpu();
	must(replica_begin(to, &err), &err);
	for (i = 0; i < w.n; i++) {
		take(to, &w.v[i]);
		changesets += w.v[i].run.last - w.v[i].run.first + 1;
		staged += w.v[i].run.plain;
		buf_free(&w.v[i].bytes);
		if (staged < COMMIT_BYTES)
			continue;
		staged = 0;
		must(replica_commit(to, &err), &err);
		must(replica_begin(to, &err), &err);
	}
	must(replica_commit(to, &err), &err);
	committed = now();
	used = cpu() - used;
	must(replica_seal(to, &err), &err);
	sealed = now();
	must(db_get_int(&after, replica_db(to), &err,
		 "SELECT count(*) FROM _record", ""),
	    &err);
	printf("receive.changesets %.0f /s\n",
	    (double)changesets / (committed - began));
	printf("receive.records %.0f /s\n",
	    (double)(after - before) / (committed - began));
	printf("receive.seconds %.3f s\n", committed - began);
	printf("receive.cpu %.3f s\n", used);
	printf("receive.seal %.3f s\n", sealed - committed);
	free(w.v);
	replica_close(from);
	replica_close(to);
}

/* --- asking
 * -------------------------------------------------------------------- */

static int
nothing(void *arg, const struct record *rec, struct err *err)
{
	(void)arg;
	(void)rec;
	(void)err;
	return 0;
}

static int
nothing_near(
    void *arg, const struct record *rec, double metres, struct err *err)
{
	(void)metres;
	return nothing(arg, rec, err);
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
tell(const char *what, double *ms, size_t n)
{
	qsort(ms, n, sizeof(*ms), order);
	printf("%s.median %.2f ms\n%s.p95 %.2f ms\n", what, ms[n / 2], what,
	    ms[n * 95 / 100]);
}

static void
ask(const char *home, const char *count)
{
	static const char *const words[] = {
	    "红花", "消防", "仓库", "医院", "学校", "救援", "社区", "物资"};
	static const char *const kinds[] = {"R01", "R03", "R07", "R12"};
	size_t i, n = strtoul(count, NULL, 10);
	double *ms = mem_calloc(n, sizeof(*ms)), began;
	struct record_filter filter = {.field = "rkind"};
	struct near_query near = {.km = 50,
	    .kind = "resource",
	    .filters = &filter,
	    .n_filters = 1,
	    .limit = 20};
	struct record_query list = {.kind = "resource", .limit = 50};
	struct replica *r = open_home(home);
	struct search search = {.limit = 20, .count_max = 1000};
	struct err err;

	for (i = 0; i < n; i++) {
		near.lon = 105.0 + (double)(i * 37 % 100) / 30;
		near.lat = 25.5 + (double)(i * 61 % 100) / 40;
		filter.text = kinds[i % 4];
		began = now();
		must(near_find(r, &near, nothing_near, NULL, &err), &err);
		ms[i] = (now() - began) * 1e3;
	}
	tell("near", ms, n);
	for (i = 0; i < n; i++) {
		began = now();
		search.text = words[i % 8];
		must(search_find(r, &search, nothing, NULL, &err), &err);
		ms[i] = (now() - began) * 1e3;
	}
	tell("find", ms, n);
	for (i = 0; i < n; i++) {
		began = now();
		must(record_list(r, &list, nothing, NULL, &err), &err);
		ms[i] = (now() - began) * 1e3;
	}
	tell("list", ms, n);
	free(ms);
	replica_close(r);
}

/* --- on its way
 * ---------------------------------------------------------------------- */

/* Records of 3 KB of text that zstd makes three quarters of. */
static void
flood(const char *home, const char *mb)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789-_";
	int64_t left = strtoll(mb, NULL, 10) * 4000000 / 3;
	struct replica *r = open_home(home);
	char id[RECORD_ID_LEN + 1], text[3001];
	uint32_t x = 1;
	struct err err;
	int n = 0;

	must(replica_begin(r, &err), &err);
	while (left > 0) {
		struct act *act = act_new(r, "值班员甲", "duty1", "bench");
		int i, k;

		for (k = 0; k < 18; k++) {
			struct op_draft *op;

			for (i = 1; i < (int)sizeof(text) - 2; i++) {
				x = x * 1103515245u + 12345u;
				text[i] = digits[x >> 26];
			}
			text[0] = text[i] = '"';
			text[i + 1] = '\0';
			left -= i;
			snprintf(id, sizeof(id), "%s-%032d",
			    replica_home(r)->code, ++n);
			op = op_draft_new("hazard", id);
			op_draft_set(op, "place", text);
			act_add(act, STREAM_OVERSIGHT, op);
			op_draft_free(op);
		}
		must(act_commit(act, NULL, &err), &err);
		act_free(act);
	}
	must(replica_commit(r, &err), &err);
	close_home(r);
}

static int64_t
head(struct db *db, const char *chain)
{
	int64_t n = 0;
	struct err err;
	int rc = db_get_int(&n, db, &err,
	    "SELECT coalesce(max(head), 0) FROM _chain WHERE name = ?", "s",
	    chain);

	must(rc, &err);
	return n;
}

#define GIVE_UP 60 /* s */

static void
arrive(const char *from, const char *to, const char *count, const char *stream)
{
	bool command = strcmp(stream, "command") == 0;
	struct chain_name name = {
	    .stream = command ? STREAM_COMMAND : STREAM_RESOURCE};
	struct timespec ms = {0, 1000000}, pause = {0, 0};
	size_t i, n = strtoul(count, NULL, 10);
	double *took = mem_calloc(n, sizeof(*took)), began;
	char chain[CHAIN_NAME_MAX], id[RECORD_ID_LEN + 1], json[32], path[4096];
	struct replica *r = open_home(from);
	struct db *there;
	struct err err;

	memcpy(name.writer, replica_home(r)->code, sizeof(name.writer));
	memcpy(name.inc, replica_home(r)->inc, sizeof(name.inc));
	if (command)
		memcpy(name.owner, name.writer, sizeof(name.owner));
	chain_format(chain, &name);
	snprintf(path, sizeof(path), "%s/yizhan.db", to);
	must(db_open(&there, path, DB_READONLY, &err), &err);
	for (i = 0; i < n; i++) {
		struct op_draft *op;
		struct act *act;

		/* At any moment between the looks of those who carry it. */
		pause.tv_nsec = 10000000 + (long)(i * 7919 % 97) * 2000000;
		nanosleep(&pause, NULL);
		snprintf(id, sizeof(id), "%s-%031zue", name.writer, i);
		op = op_draft_new(command ? "incident" : "org", id);
		snprintf(json, sizeof(json), "\"%zu\"", i);
		op_draft_set(op, command ? "title" : "name", json);
		began = now();
		act = act_new(r, "值班员甲", "duty1", "bench");
		act_add(act, name.stream, op);
		must(act_commit(act, NULL, &err), &err);
		act_free(act);
		op_draft_free(op);
		while (head(there, chain) < head(replica_db(r), chain) &&
		       now() - began < GIVE_UP)
			nanosleep(&ms, NULL);
		took[i] = (now() - began) * 1e3;
	}
	tell("arrive", took, n);
	printf("arrive.worst %.2f ms\n", took[n - 1]);
	free(took);
	db_close(there);
	close_home(r);
}

static int
is(int argc, char **argv, const char *name, int args)
{
	return argc == args + 2 && strcmp(argv[1], name) == 0;
}

int
main(int argc, char **argv)
{
	if (is(argc, argv, "fill", 3))
		fill(argv[2], argv[3], argv[4]);
	else if (is(argc, argv, "edit", 3))
		edit(argv[2], argv[3], argv[4]);
	else if (is(argc, argv, "files", 2))
		files(argv[2], argv[3]);
	else if (is(argc, argv, "receive", 2))
		receive(argv[2], argv[3]);
	else if (is(argc, argv, "save", 2))
		save(argv[2], argv[3]);
	else if (is(argc, argv, "fsync", 2))
		disk(argv[2], argv[3]);
	else if (is(argc, argv, "ask", 2))
		ask(argv[2], argv[3]);
	else if (is(argc, argv, "flood", 2))
		flood(argv[2], argv[3]);
	else if (is(argc, argv, "arrive", 4))
		arrive(argv[2], argv[3], argv[4], argv[5]);
	else
		return 2;
	return 0;
}
