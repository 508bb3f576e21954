/* backup: HOME in one encrypted file. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup.h"
#include "backup_folder.h"
#include "backup_key.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "cmd.h"
#include "home.h"
#include "local.h"
#include "logged.h"
#include "paper.h"
#include "passphrase.h"
#include "replica.h"
#include "sign.h"

enum keys { KEYS_IF_NEEDED, KEYS_WITH, KEYS_WITHOUT };

static bool
is_folder(const char *path)
{
	struct stat st;
	bool is;

	caller_begin();
	is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	caller_end();
	return is;
}

static void
show_step(void *arg, int64_t done, int64_t total)
{
	struct progress *p = arg;

	p->total = total;
	progress_set(p, done);
}

/* On stderr: standard output is the file's name. */
static void
print_keys(enum keys keys, bool in)
{
	if (!in)
		fprintf(stderr,
		    _("its private keys are not in it: to come back, the "
		      "station needs its recovery key on paper too\n"));
	else if (keys == KEYS_IF_NEEDED)
		fprintf(stderr,
		    _("its private keys are in it: without a parent and a "
		      "recovery key nothing else could bring it back\n"));
}

/* What it is to be locked with. */
struct lock {
	char *passphrase;      /* or NULL */
	struct sign_key paper; /* if learn */
	bool recovery;         /* to the recovery key, */
	bool learn;            /* which is at hand */
	struct cipher_key key;
};

static int
get_lock(struct lock *l, struct replica *r, struct err *err)
{
	if (l->learn)
		return backup_key_learn(&l->key, r, &l->paper, err);
	if (l->recovery)
		return backup_key_find(&l->key, r, err);
	l->key.passphrase = l->passphrase;
	l->key.cost = CIPHER_COST;
	return 0;
}

/* What one writes. */
struct order {
	struct replica *r;
	struct local *local;
	const char *folder; /* or NULL: where old ones may give way */
	const char *path;
	struct lock *lock;
	bool keys;
};

/* On a full disk the oldest copies give way to the new one: three weeks of old
 * ones are worth less than last night's. */
static int
write_one(const struct order *o, struct err *err)
{
	const char *code = replica_home(o->r)->code;
	struct progress p;
	int rc, taken;

	do {
		progress_begin(&p, _("backup"), 0);
		rc = backup_write(o->r, o->local, o->path, &o->lock->key,
		    o->keys, show_step, &p, err);
		progress_end(&p);
		if (rc == 0 || o->folder == NULL ||
		    (err->sys != ENOSPC && err->sys != EDQUOT))
			break;
		caller_begin_at(o->path);
		taken = backup_folder_make_room(
		    o->folder, code, replica_home(o->r)->path);
		caller_end();
		if (taken > 0)
			fprintf(stderr,
			    _("%s: no room for another: the %d oldest were "
			      "removed\n"),
			    o->folder, taken);
	} while (taken > 0);
	return rc;
}

static int
write_backup(const struct cmd *cmd, const char *to, struct lock *lock,
    enum keys keys, int64_t keep, struct err *err)
{
	bool in;
	struct local *local = NULL;
	struct replica *r;
	const char *code;
	struct order o;
	char *path;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	code = replica_home(r)->code;
	path = is_folder(to) ? backup_folder_path(to, code) : mem_strdup(to);
	in = keys == KEYS_IF_NEEDED ? backup_needs_keys(r) : keys == KEYS_WITH;
	rc = get_lock(lock, r, err);
	if (rc == 0)
		rc = local_open(&local, cmd->home, err);
	if (rc == 0) {
		o = (struct order){
		    r, local, keep > 0 ? to : NULL, path, lock, in};
		rc = write_one(&o, err);
		if (rc != 0)
			backup_note_failure(local, err->msg);
	}
	if (rc == 0) {
		printf("%s\n", path);
		print_keys(keys, in);
	}
	if (rc == 0 && keep > 0) {
		caller_begin_at(path);
		rc = backup_folder_thin(to, code, keep, path, err);
		caller_end();
	}
	local_close(local);
	replica_close(r);
	free(path);
	return rc;
}

/* A file with nothing in its first line is none; one that is absent or cannot
 * be read is no reason to do without. */
static bool
has_passphrase(const char *file)
{
	FILE *f = NULL;
	bool has;
	int first;

	caller_begin();
	if (strcmp(file, "-") != 0)
		f = fopen(file, "re");
	caller_end();
	if (f == NULL)
		return true;
	first = fgetc(f);
	has = ferror(f) || (first != EOF && first != '\n' && first != '\r');
	fclose(f);
	return has;
}

/* Before a person types a passphrase for nothing: is there a station? */
static int
ask_lock(struct lock *l, const struct cmd *cmd, const char *file,
    const char *sheet, struct err *err)
{
	struct home *home;
	int rc = home_open(&home, cmd->home, err);

	if (rc != 0)
		return rc;
	/* With both, a passphrase goes first: somebody has chosen one. */
	if (file != NULL && l->recovery)
		l->recovery = !has_passphrase(file);
	l->learn = sheet != NULL;
	if (l->learn)
		rc = paper_read(&l->paper, sheet, home->code, err);
	else if (!l->recovery)
		rc = passphrase_get(&l->passphrase, file, true, err);
	home_free(home);
	return rc;
}

int
cmd_backup(struct cmd *cmd, int argc, char **argv)
{
	const char *file = NULL, *keep = NULL, *sheet = NULL;
	struct lock lock = {.passphrase = NULL};
	struct err err = {0};
	int64_t n = 0;
	enum keys keys = KEYS_IF_NEEDED;
	bool with, without;
	int rc, bad;

	with = cmd_option(&argc, argv, "--with-keys", NULL) == 1;
	without = cmd_option(&argc, argv, "--without-keys", NULL) == 1;
	if (with || without)
		keys = with ? KEYS_WITH : KEYS_WITHOUT;
	lock.recovery = cmd_option(&argc, argv, "--to-recovery", NULL) == 1;
	bad = (with && without) ||
	      cmd_option(&argc, argv, "--passphrase", &file) < 0 ||
	      cmd_option(&argc, argv, "--recovery", &sheet) < 0 ||
	      cmd_option(&argc, argv, "--keep", &keep) < 0 ||
	      (sheet != NULL && (file != NULL || lock.recovery));
	if (cmd_unknown_option(cmd, argc, argv) || bad || argc != 2 ||
	    (keep != NULL && (!cmd_number(&n, keep) || !is_folder(argv[1]))))
		return cmd_usage(cmd);
	rc = ask_lock(&lock, cmd, file, sheet, &err);
	if (rc == 0)
		rc = logged_ask(cmd, "backup", argv[1], &err);
	if (rc == 0) {
		rc = write_backup(cmd, argv[1], &lock, keys, n, &err);
		rc = logged_end(cmd, "backup", argv[1], rc, &err);
	}
	passphrase_free(lock.passphrase);
	explicit_bzero(&lock, sizeof(lock));
	return rc != 0 ? cmd_fail(cmd, &err) : CMD_DONE;
}
