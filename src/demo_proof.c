/* The proof: what auditors see with stock git, and what becomes of a
 * changeset that somebody has altered on its way. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "demo.h"
#include "home.h"
#include "ledger.h"
#include "replica.h"

#define REST_MS 10000 /* for a session to be over on both sides */

#define COMMITS_MAX 400 /* given to one git */

/* --- stock git ---------------------------------------------------------------
 */

/* A station's copy of the chains of a stream. */
static char *
repo_of(const char *home, enum stream s)
{
	return mem_printf("%s/ledger/%s.git", home, stream_name(s));
}

/* The province's roster, as git wants it, but for one station (or NULL). */
static bool
write_signers(struct demo *d, const char *path, const char *but)
{
	struct buf text = BUF_INIT;
	char *line, *save = NULL;
	struct err err;
	bool good;

	good = demo_run(d, PROVINCE, "roster", "--allowed-signers", NULL) ==
	       CMD_DONE;
	for (line = strtok_r(buf_str(&d->out), "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		if (but == NULL || strncmp(line, but, strlen(but)) != 0)
			buf_printf(&text, "%s\n", line);
	good = good && file_write(path, text.b, text.len, 0644, &err) == 0;
	buf_free(&text);
	return good;
}

/* "git verify-commit" of each changeset that the county wrote and that lies
 * in repo; *n counts them. */
static int
git_verify(struct demo *d, const char *repo, const char *signers, int *n)
{
	char *file = mem_printf("gpg.ssh.allowedSignersFile=%s", signers),
	     *save = NULL;
	char *refs = mem_printf("--glob=refs/chains/%s-*", d->st[COUNTY].code),
	     *id;
	const char *args[COMMITS_MAX + 10] = {"git", "-C", repo, "-c",
	    "gpg.format=ssh", "-c", file, "verify-commit"};
	struct buf list = BUF_INIT;
	size_t at = 8;
	int status;

	status = demo_tool(d, "git", "-C", repo, "rev-list", refs, NULL);
	buf_put(&list, d->out.b, d->out.len);
	for (id = strtok_r(buf_str(&list), "\n", &save);
	     id != NULL && at < COMMITS_MAX + 8;
	     id = strtok_r(NULL, "\n", &save)) {
		args[at++] = id;
		(*n)++;
	}
	if (status == 0 && at > 8)
		status = demo_run_list(d, args);
	buf_free(&list);
	free(file);
	free(refs);
	return status;
}

bool
demo_step_git(struct demo *d)
{
	char *signers = mem_printf("%s/allowed_signers", d->dir);
	const char *home = d->st[PROVINCE].home;
	int s, n = 0, strangers = 0, good = 1;
	char *repo;

	good = write_signers(d, signers, NULL);
	for (s = 0; good && s < STREAM_COUNT; s++) {
		repo = repo_of(home, (enum stream)s);
		good = git_verify(d, repo, signers, &n) == 0;
		free(repo);
	}
	good = demo_check(d, good && n > 0,
	    _("git verify-commit accepts all %d changesets of %s at %s"), n,
	    d->st[COUNTY].name, d->st[PROVINCE].name);
	for (s = 0; good && s < STREAM_COUNT; s++) {
		repo = repo_of(home, (enum stream)s);
		good = demo_tool(
			   d, "git", "-C", repo, "fsck", "--strict", NULL) == 0;
		free(repo);
	}
	if (good || s > 0)
		good = demo_check(d, good,
		    _("git fsck --strict finds nothing wrong in the ledgers"));
	if (good) {
		repo = repo_of(home, STREAM_COMMAND);
		good = write_signers(d, signers, d->st[COUNTY].code) &&
		       git_verify(d, repo, signers, &strangers) != 0;
		free(repo);
		good = demo_check(d, good,
		    _("without the county's key git accepts none of them"));
	}
	free(signers);
	return good;
}

/* --- a forgery ---------------------------------------------------------------
 *
 * The forger is as good as one without the county's key can be: in a copy of
 * the city's HOME the altered ops are put into the ledger with everything
 * that follows from them, tree, commit, ref, and the replica's row.  Only
 * the signature is still of what the county wrote.
 */

static int
alter(struct changeset *cs, struct err *err)
{
	static const char from[] = "\"persons\":35", digit = '9';
	uint8_t *at = memmem(cs->ops.b, cs->ops.len, from, sizeof(from) - 1);

	if (at == NULL)
		return err_set(err, YZ_ENOTFOUND, "no op says %s", from);
	at[sizeof(from) - 3] = (uint8_t)digit;
	changeset_derive(cs);
	return 0;
}

static int
put_objects(struct replica *r, const struct changeset *cs, struct err *err)
{
	struct ledger *ledger = replica_ledger(r);
	enum stream s = cs->chain.stream;
	struct buf tree = BUF_INIT, commit = BUF_INIT;
	char ref[REPLICA_REF_MAX];
	int rc;

	changeset_tree(&tree, cs);
	changeset_commit(&commit, cs);
	replica_chain_ref(ref, &cs->chain);
	rc = ledger_put(ledger, s, "blob", cs->ops.b, cs->ops.len, NULL, err);
	if (rc == 0)
		rc = ledger_put(ledger, s, "tree", tree.b, tree.len, NULL, err);
	if (rc == 0)
		rc = ledger_put(
		    ledger, s, "commit", commit.b, commit.len, NULL, err);
	if (rc == 0)
		rc = ledger_ref(ledger, s, ref, cs->oid, err);
	if (rc == 0)
		rc = ledger_flush(ledger, err);
	buf_free(&tree);
	buf_free(&commit);
	return rc;
}

static int
put_row(struct replica *r, const struct changeset *cs, const char *chain,
    struct err *err)
{
	int rc = db_run(replica_db(r), err,
	    "UPDATE _changeset SET id = ?, oid = ? WHERE seq = ? AND"
	    " chain = (SELECT no FROM _chain WHERE name = ?)",
	    "bbis", cs->id.b, sizeof(cs->id.b), cs->oid, sizeof(cs->oid),
	    cs->seq, chain);

	if (rc == 0)
		rc = db_run(replica_db(r), err,
		    "UPDATE _chain SET head_id = ?, head_oid = ? WHERE name = ?",
		    "bbs", cs->id.b, sizeof(cs->id.b), cs->oid, sizeof(cs->oid),
		    chain);
	return rc;
}

/* Alter the head of the county's chain of resources in the replica at home. */
static int
forge(const struct demo *d, const char *home, struct err *err)
{
	struct cmd cmd = {.home = home,
	    .name = d->cmd->name,
	    .exe = d->cmd->exe,
	    .who = d->cmd->who};
	struct changeset cs = CHANGESET_INIT;
	struct db_stmt *st = NULL;
	struct chain_name name;
	char chain[CHAIN_NAME_MAX] = "";
	struct replica *r;
	int64_t head = 0;
	int rc;

	rc = cmd_open(&r, &cmd, err);
	if (rc != 0)
		return rc;
	rc = db_query(&st, replica_db(r), err,
	    "SELECT name, head FROM _chain WHERE writer = ? AND stream = ?",
	    "si", d->st[COUNTY].code, (int64_t)STREAM_RESOURCE);
	if (rc == 0 && db_step(st, err) == 1) {
		snprintf(chain, sizeof(chain), "%s", db_text(st, 0));
		head = db_int(st, 1);
	}
	db_done(st);
	if (rc == 0)
		rc = chain_parse(&name, chain, strlen(chain), err);
	if (rc == 0)
		rc = replica_read(r, &cs, &name, head, err);
	if (rc == 0)
		rc = alter(&cs, err);
	if (rc == 0)
		rc = put_objects(r, &cs, err);
	if (rc == 0)
		rc = put_row(r, &cs, chain, err);
	changeset_free(&cs);
	return cmd_close(r, rc, err);
}

static bool
git_refuses(struct demo *d, const char *home)
{
	char *signers = mem_printf("%s/allowed_signers", d->dir);
	char *repo = repo_of(home, STREAM_RESOURCE);
	int n = 0;
	bool refused;

	refused = write_signers(d, signers, NULL) &&
		  git_verify(d, repo, signers, &n) != 0 && n > 0;
	free(signers);
	free(repo);
	return refused;
}

/* The copy calls the province with the city's own keys. */
static bool
province_refuses(struct demo *d, const char *home)
{
	int status = demo_tool(d, d->cmd->exe, "-C", home, "sync", NULL);
	int complaints = demo_complaints(d);
	char *said = mem_strdup(demo_last(d));
	bool good;

	good = demo_check(d,
	    status != CMD_DONE && complaints == 1 &&
		strcmp(demo_value(d, PROVINCE, "resource", d->team, "persons"),
		    "32") == 0,
	    _("%s refuses it from the copy, in one line:"),
	    d->st[PROVINCE].name);
	demo_say("%s", said);
	free(said);
	return good;
}

/*
 * A copy of a station at rest.  The called side of the last session may
 * still be closing its database: the last to close it removes the log.
 */
static bool
copy_home(struct demo *d, const char *home, const char *copy)
{
	char *log = mem_printf("%s/yizhan.db-wal", home);
	const struct timespec moment = {0, 50 * 1000 * 1000};
	int64_t end = clock_mono() + REST_MS;

	while (file_exists(log) && clock_mono() < end)
		nanosleep(&moment, NULL);
	free(log);
	return demo_tool(d, "cp", "-a", home, copy, NULL) == 0;
}

bool
demo_step_altered(struct demo *d)
{
	char *copy = mem_printf("%s/altered", d->dir);
	struct err err = {0};
	bool good;

	/* The county writes once more; the city has it, the province not. */
	good = demo_run(d, COUNTY, "set", "resource", d->team, "persons=35",
		   NULL) == CMD_DONE &&
	       demo_sync(d, COUNTY) && copy_home(d, d->st[CITY].home, copy);
	if (good && forge(d, copy, &err) != 0) {
		buf_clear(&d->err);
		buf_puts(&d->err, cmd_words(err.msg));
		good = false;
	}
	good = demo_check(d, good,
	    _("in a copy of %s one byte of the county's is altered: 35 "
	      "becomes 95"),
	    d->st[CITY].name);
	good = good && demo_check(d, git_refuses(d, copy),
			   _("git verify-commit refuses it"));
	good = good && demo_check(d,
			   demo_tool(d, d->cmd->exe, "-C", copy, "verify",
			       NULL) == CMD_LOOK,
			   _("yizhan verify refuses it"));
	good = good && province_refuses(d, copy);
	good = good &&
	       demo_check(d,
		   demo_sync_all(d, false) &&
		       strcmp(demo_value(
				  d, PROVINCE, "resource", d->team, "persons"),
			   "35") == 0,
		   _("from the true city it takes what the county wrote: 35"));
	free(copy);
	return good && demo_converged(d) && demo_verified(d);
}

bool
demo_verified(struct demo *d)
{
	int i;

	for (i = 0; i < DEMO_STATIONS; i++)
		if (demo_run(d, i, "verify", "--deep", NULL) != CMD_DONE)
			return demo_check(d, false,
			    _("yizhan verify --deep at %s"), d->st[i].name);
	return demo_check(d, true,
	    _("yizhan verify --deep finds no fault at any of the four"));
}
