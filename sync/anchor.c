#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anchor.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/summed.h"
#include "fork.h"
#include "home.h"
#include "replica_impl.h"
#include "roster.h"

#define ANCHOR_MAX (4u << 20) /* bytes of the file */
#define MACHINE_LEN 16        /* hex digits that tell machines apart */

struct place { /* what has left of a chain or roster of ours */
	char name[CHAIN_NAME_MAX];
	int64_t seq;
};

struct anchor {
	char inc[CHAIN_INC_LEN + 1];
	char next[CHAIN_INC_LEN + 1]; /* intended, or "" */
	bool restored;                /* a peer has shown it */
	unsigned long long inode;     /* of the file itself, */
	unsigned long long born;      /* and its birth, ns, or 0 */
	char machine[MACHINE_LEN + 1];
	struct place *v;
	size_t n;
};

static void
anchor_free(struct anchor *a)
{
	free(a->v);
	memset(a, 0, sizeof(*a));
}

static void
place_add(struct anchor *a, const char *name, int64_t seq)
{
	struct place *p;

	a->v = mem_realloc(a->v, (a->n + 1) * sizeof(*a->v));
	p = &a->v[a->n++];
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->seq = seq;
}

static int64_t
place_of(const struct anchor *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i].name, name) == 0)
			return a->v[i].seq;
	return 0;
}

/* --- what ties it to this machine and file ------------------------------- */

static void
machine_now(char out[MACHINE_LEN + 1])
{
	struct buf text = BUF_INIT;
	struct digest sum;
	struct err ignored;

	buf_puts(&text, "yizhan-anchor ");
	(void)file_read(&text, "/etc/machine-id", 4096, &ignored);
	digest_sha256(&sum, text.b, text.len);
	digest_hex(out, sum.b, MACHINE_LEN / 2);
	buf_free(&text);
}

/* Its number, and when it was made: a number is used again, a moment is not.
 * Neither can be copied. */
static int
file_now(int fd, const char *path, unsigned long long *inode,
    unsigned long long *born, struct err *err)
{
	struct statx st;

	memset(&st, 0, sizeof(st));
	if (statx(fd, path, path[0] == '\0' ? AT_EMPTY_PATH : 0,
		STATX_INO | STATX_BTIME, &st) != 0)
		return err_sys(err, "%s", path[0] == '\0' ? "anchor" : path);
	*inode = st.stx_ino;
	*born = (st.stx_mask & STATX_BTIME) == 0
		    ? 0
		    : (unsigned long long)st.stx_btime.tv_sec * 1000000000u +
			  st.stx_btime.tv_nsec;
	return 0;
}

/* --- text ---------------------------------------------------------------- */

static int
anchor_text(void *arg, struct buf *out, int fd, struct err *err)
{
	struct anchor *a = arg;
	size_t i;
	int rc;

	rc = file_now(fd, "", &a->inode, &a->born, err);
	if (rc != 0)
		return rc;
	machine_now(a->machine);
	buf_printf(out, "yizhan-anchor 1\ninc %s\n", a->inc);
	if (a->next[0] != '\0')
		buf_printf(out, "next %s\n", a->next);
	if (a->restored)
		buf_puts(out, "restored\n");
	buf_printf(
	    out, "file %llu %llu\nmachine %s\n", a->inode, a->born, a->machine);
	for (i = 0; i < a->n; i++)
		buf_printf(out, "left %s %lld\n", a->v[i].name,
		    (long long)a->v[i].seq);
	buf_puts(out, "end\n");
	summed_end(out);
	return 0;
}

static int
anchor_write(const struct home *home, struct anchor *a, struct err *err)
{
	char *path = home_file(home, "anchor");
	int rc = file_write_with(path, 0600, anchor_text, a, err);

	free(path);
	return rc;
}

static bool
anchor_line(struct anchor *a, const char *line)
{
	char name[CHAIN_NAME_MAX], inc[CHAIN_INC_LEN + 1];
	long long seq;
	int n = 0;

	if (strcmp(line, "restored") == 0) {
		a->restored = true;
		return true;
	}
	if (sscanf(line, "inc %8[0-9a-f]%n", inc, &n) == 1 && line[n] == '\0' &&
	    strlen(inc) == CHAIN_INC_LEN) {
		memcpy(a->inc, inc, sizeof(inc));
		return true;
	}
	if (sscanf(line, "next %8[0-9a-f]%n", inc, &n) == 1 &&
	    line[n] == '\0' && strlen(inc) == CHAIN_INC_LEN) {
		memcpy(a->next, inc, sizeof(inc));
		return true;
	}
	if (sscanf(line, "file %llu %llu%n", &a->inode, &a->born, &n) == 2)
		return line[n] == '\0';
	if (sscanf(line, "machine %16[0-9a-f]%n", a->machine, &n) == 1)
		return line[n] == '\0';
	if (sscanf(line, "left %47s %lld%n", name, &seq, &n) == 2 &&
	    line[n] == '\0' && seq > 0) {
		place_add(a, name, seq);
		return true;
	}
	return false;
}

/* YZ_ENOTFOUND, YZ_ECORRUPT */
static int
anchor_read(struct anchor *a, const struct home *home, struct err *err)
{
	char *path = home_file(home, "anchor"), *line, *save = NULL;
	struct buf text = BUF_INIT;
	bool good = false;
	int rc;

	memset(a, 0, sizeof(*a));
	rc = summed_read(&text, path, ANCHOR_MAX, err);
	free(path);
	if (rc != 0)
		goto out;
	line = strtok_r(buf_str(&text), "\n", &save);
	if (line == NULL || strcmp(line, "yizhan-anchor 1") != 0)
		goto bad;
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		if (good || (!(good = strcmp(line, "end") == 0) &&
				!anchor_line(a, line)))
			goto bad;
	}
	if (good && a->inc[0] != '\0')
		goto out;
bad:
	rc = err_set(err, YZ_ECORRUPT, "the anchor is damaged");
	anchor_free(a);
out:
	buf_free(&text);
	return rc;
}

/* --- what the replica holds ------------------------------------------------
 */

static bool
is_mine(const struct replica *r, const struct chain *c)
{
	return strcmp(c->name.writer, r->home->code) == 0 &&
	       strcmp(c->name.inc, r->home->inc) == 0;
}

/* Own chains, and the rosters that this station signs. */
static void
places_now(struct anchor *a, const struct replica *r)
{
	const struct roster_scope *scope;
	char name[CHAIN_NAME_MAX];
	size_t i;

	for (i = 0; (scope = roster_scope_at(r->roster, i)) != NULL; i++) {
		if (strcmp(scope->scope, r->home->code) != 0 &&
		    (strcmp(scope->scope, "root") != 0 ||
			strcmp(roster_root(r->roster), r->home->code) != 0))
			continue;
		/* Counting or not: it has left. */
		snprintf(name, sizeof(name), "roster:%s", scope->scope);
		place_add(a, name, scope->held);
	}
	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = &r->chains[i];

		if (c->head == 0 || !is_mine(r, c))
			continue;
		chain_format(name, &c->name);
		place_add(a, name, c->head);
	}
}

/* Is the chain stopped, so that its head says nothing?  Nothing is written to
 * it any more anyway. */
static bool
is_stopped(struct replica *r, const char *name)
{
	struct chain_name chain;
	struct err ignored;

	return chain_parse(&chain, name, strlen(name), &ignored) == 0 &&
	       replica_stop(r, &chain) != INT64_MAX;
}

/* Why it does not bear out what is held, into why; "" if it does. */
static void
judge(char why[ANCHOR_WHY_MAX], struct replica *r, const struct anchor *a,
    const struct anchor *held, unsigned long long inode,
    unsigned long long born)
{
	char machine[MACHINE_LEN + 1];
	size_t i;

	why[0] = '\0';
	machine_now(machine);
	if (a->inode != inode || a->born != born) {
		snprintf(why, ANCHOR_WHY_MAX, N_("its folder is a copy"));
		return;
	}
	if (strcmp(a->machine, machine) != 0) {
		snprintf(why, ANCHOR_WHY_MAX, N_("it was another machine's"));
		return;
	}
	if (strcmp(a->next, r->home->inc) == 0)
		return; /* it went on, and nothing has left since */
	if (a->restored) {
		snprintf(why, ANCHOR_WHY_MAX,
		    N_("a peer holds changesets of it that are not here"));
		return;
	}
	if (strcmp(a->inc, r->home->inc) != 0) {
		snprintf(why, ANCHOR_WHY_MAX,
		    N_("the anchor is of incarnation %s"), a->inc);
		return;
	}
	for (i = 0; i < a->n; i++) {
		int64_t seq = place_of(held, a->v[i].name);

		if (seq >= a->v[i].seq || is_stopped(r, a->v[i].name))
			continue;
		snprintf(why, ANCHOR_WHY_MAX, N_("%s had %lld, here are %lld"),
		    a->v[i].name, (long long)a->v[i].seq, (long long)seq);
		return;
	}
}

/* Read it and compare; *held is what the replica holds. */
static int
look(struct replica *r, struct anchor *a, struct anchor *held, struct err *err)
{
	unsigned long long inode = 0, born = 0;
	char *path = home_file(r->home, "anchor");
	int rc;

	memset(held, 0, sizeof(*held));
	rc = anchor_read(a, r->home, err);
	if (rc == 0)
		rc = file_now(AT_FDCWD, path, &inode, &born, err);
	free(path);
	if (rc == YZ_ENOTFOUND || rc == YZ_ECORRUPT) {
		snprintf(r->restored, sizeof(r->restored), "%s",
		    rc == YZ_ENOTFOUND ? N_("there is no anchor")
				       : N_("the anchor is damaged"));
		return 0;
	}
	if (rc == 0)
		places_now(held, r);
	if (rc == 0)
		judge(r->restored, r, a, held, inode, born);
	return rc;
}

int
anchor_check(struct replica *r, struct err *err)
{
	struct anchor a, held;
	int rc = look(r, &a, &held, err);

	anchor_free(&a);
	anchor_free(&held);
	return rc;
}

static int
lock(int *fd, const struct replica *r, struct err *err)
{
	char *path = home_file(r->home, "anchor.lock");
	int rc = file_lock(fd, path, true, err);

	free(path);
	return rc;
}

int
anchor_create(const struct home *home, struct err *err)
{
	struct anchor a;

	memset(&a, 0, sizeof(a));
	memcpy(a.inc, home->inc, sizeof(a.inc));
	return anchor_write(home, &a, err);
}

/* Does the file lack something that is held? */
static bool
is_behind(
    const struct replica *r, const struct anchor *a, const struct anchor *held)
{
	size_t i;

	if (strcmp(a->inc, r->home->inc) != 0 || a->next[0] != '\0')
		return true;
	for (i = 0; i < held->n; i++)
		if (place_of(a, held->v[i].name) < held->v[i].seq)
			return true;
	return false;
}

int
anchor_depart(struct replica *r, struct err *err)
{
	struct anchor a = {.v = NULL}, held = {.v = NULL};
	int fd, rc;

	rc = lock(&fd, r, err);
	if (rc != 0)
		return rc;
	rc = replica_refresh(r, err);
	if (rc == 0)
		rc = look(r, &a, &held, err);
	if (rc == 0 && r->restored[0] == '\0' && is_behind(r, &a, &held)) {
		if (strcmp(a.inc, r->home->inc) != 0)
			rc = home_keep_incarnation(r->home, err);
		memcpy(held.inc, r->home->inc, sizeof(held.inc));
		if (rc == 0)
			rc = anchor_write(r->home, &held, err);
	}
	anchor_free(&a);
	anchor_free(&held);
	close(fd);
	return rc;
}

/* Write it anew, with what it said before if it can be read. */
static int
change(struct replica *r, const char *next, bool restored, struct err *err)
{
	struct anchor a;
	int fd, rc;

	rc = lock(&fd, r, err);
	if (rc != 0)
		return rc;
	rc = anchor_read(&a, r->home, err);
	if (rc == YZ_ENOTFOUND || rc == YZ_ECORRUPT) {
		memset(&a, 0, sizeof(a));
		memcpy(a.inc, r->home->inc, sizeof(a.inc));
		a.restored = true;
		rc = 0;
	}
	a.restored = a.restored || restored;
	snprintf(a.next, sizeof(a.next), "%s", next);
	if (rc == 0)
		rc = anchor_write(r->home, &a, err);
	anchor_free(&a);
	close(fd);
	return rc;
}

int
anchor_mark_restored(struct replica *r, struct err *err)
{
	int rc = change(r, "", true, err);

	return rc == 0 ? anchor_check(r, err) : rc;
}

int
anchor_intend(struct replica *r, const char *inc, struct err *err)
{
	return change(r, inc, r->restored[0] != '\0', err);
}
