/* roster propose, sign, adopt, auditor, peer, decide, root-keys: changes of
 * the roster, and what k of n sign. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cmd.h"
#include "home.h"
#include "issue.h"
#include "limit.h"
#include "logged.h"
#include "model/vocabulary.h"
#include "proposal.h"
#include "replica.h"
#include "roster_doc.h"

static void
print_fingerprint(const struct roster_doc *doc)
{
	char fp[SIGN_FINGERPRINT_LEN];

	sign_fingerprint(fp, doc->hash.b, sizeof(doc->hash.b));
	printf(_("roster %s version %lld, fingerprint %s\n"), doc->scope,
	    (long long)doc->version, fp);
}

static void
print_issued(bool adopted)
{
	if (!adopted)
		printf(_("it waits for root keys: yizhan roster propose -o "
			 "FILE\n"));
}

/* FILE.sig, if it is there, and others. */
static int
add_signatures(struct roster_doc *doc, const char *path, struct err *err)
{
	struct buf sigs = BUF_INIT;
	int rc;

	rc = caller_read(&sigs, path, LIMIT_PROPOSAL_SIGS, err);
	if (rc == 0)
		rc = proposal_add_signatures(doc, sigs.b, sigs.len, err);
	buf_free(&sigs);
	return rc != 0 ? err_within(err, "%s", path) : 0;
}

static int
read_file(struct roster_doc *doc, const char *path, struct err *err)
{
	char *sig = mem_printf("%s.sig", path);
	struct buf text = BUF_INIT;
	int rc;

	memset(doc, 0, sizeof(*doc));
	rc = caller_read(&text, path, LIMIT_ROSTER, err);
	if (rc == 0)
		rc = proposal_read(doc, text.b, text.len, err);
	if (rc == 0 && caller_has(sig))
		rc = add_signatures(doc, sig, err);
	buf_free(&text);
	free(sig);
	return rc;
}

static int
write_signatures(
    const struct roster_doc *doc, const char *path, struct err *err)
{
	char *sig = mem_printf("%s.sig", path);
	struct buf sigs = BUF_INIT;
	int rc = 0;

	proposal_signatures(&sigs, doc);
	if (sigs.len > 0)
		rc = caller_write(sig, sigs.b, sigs.len, 0644, err);
	buf_free(&sigs);
	free(sig);
	return rc;
}

/* --- subcommands ------------------------------------------------------------
 */

static int
propose(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct roster_doc doc = {.version = 0};
	const char *out = NULL;
	struct replica *r;
	bool there;
	int rc;

	if (cmd_option(&argc, argv, "-o", &out) != 1 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return CMD_USAGE;
	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = proposal_load(&doc, &there, r, err);
	if (rc == 0 && !there)
		rc = err_set(err, YZ_ENOTFOUND,
		    "nothing is proposed: all that was changed is in the "
		    "roster");
	if (rc == 0)
		rc = caller_write(out, doc.text.b, doc.text.len, 0644, err);
	if (rc == 0)
		rc = write_signatures(&doc, out, err);
	if (rc == 0) {
		print_fingerprint(&doc);
		printf(_("each who signs: ssh-keygen -Y sign -n yizhan-roster "
			 "-f KEY %s, or yizhan roster sign %s --key KEY\n"),
		    out, out);
	}
	roster_doc_free(&doc);
	return cmd_close(r, rc, err);
}

/* Needs no HOME: it runs where the root key is. */
static int
sign(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	const char *path = NULL;
	struct roster_doc doc;
	struct sign_key key;
	int rc;

	if (cmd_option(&argc, argv, "--key", &path) != 1 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 2)
		return CMD_USAGE;
	rc = sign_load_file(&key, path, err);
	if (rc != 0)
		return rc;
	rc = read_file(&doc, argv[1], err);
	if (rc == 0)
		rc = roster_doc_sign(&doc, &key, err);
	if (rc == 0)
		rc = write_signatures(&doc, argv[1], err);
	if (rc == 0) {
		print_fingerprint(&doc);
		printf(_("%s.sig holds %zu signatures\n"), argv[1], doc.n_sigs);
	}
	explicit_bzero(&key, sizeof(key));
	roster_doc_free(&doc);
	return rc;
}

/* A federation that was founded with root keys elsewhere begins here. */
static int
begin(struct replica *r, const char *divisions, const char *as, struct err *err)
{
	struct act *act = act_new(r, cmd_person(as), cmd_login(),
	    _("Kinds, fields and code lists to start with"));
	int rc;

	rc = vocabulary_add(act, replica_home(r)->code, divisions, err);
	if (rc == 0)
		rc = act_commit(act, NULL, err);
	act_free(act);
	return rc;
}

static int
adopt_file(const struct cmd *cmd, char **files, const char *divisions,
    const char *as, struct err *err)
{
	struct roster_doc doc;
	struct replica *r;
	int i, rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = read_file(&doc, files[0], err);
	for (i = 1; rc == 0 && files[i] != NULL; i++)
		rc = add_signatures(&doc, files[i], err);
	if (rc == 0)
		rc = proposal_adopt(r, &doc, err);
	if (rc == 0 && doc.version == 1 && strcmp(doc.scope, "root") == 0)
		rc = begin(r, divisions, as, err);
	if (rc == 0)
		print_fingerprint(&doc);
	roster_doc_free(&doc);
	return cmd_close(r, rc, err);
}

static int
adopt(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	const char *divisions = NULL, *as = NULL;
	int rc;

	if (cmd_option(&argc, argv, "--divisions", &divisions) < 0 ||
	    cmd_option(&argc, argv, "--as", &as) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc < 2)
		return CMD_USAGE;
	argv[argc] = NULL; /* where options were taken out, too */
	rc = logged_ask(cmd, "roster adopt", argv[1], err);
	if (rc != 0)
		return rc;
	rc = adopt_file(cmd, argv + 1, divisions, as, err);
	return logged_end(cmd, "roster adopt", argv[1], rc, err);
}

/* --- changes ----------------------------------------------------------------
 */

static int
compare_codes(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Codes or streams, parted by commas, sorted as the document wants them. */
static int
parse_auditor(struct roster_auditor *a, const char *streams, const char *owners,
    struct err *err)
{
	size_t n;

	for (; *streams != '\0'; streams += n + (streams[n] == ',')) {
		enum stream s;

		n = strcspn(streams, ",");
		if (!stream_parse(&s, streams, n))
			return err_set(err, YZ_EINVAL,
			    "no stream is called %.*s", (int)n, streams);
		a->streams |= 1u << s;
	}
	a->owners = mem_calloc(strlen(owners) + 1, sizeof(*a->owners));
	for (; *owners != '\0'; owners += n + (owners[n] == ',')) {
		n = strcspn(owners, ",");
		if (!chain_is_code(owners, n))
			return err_set(err, YZ_EINVAL,
			    "not a station's code: %.*s", (int)n, owners);
		memcpy(a->owners[a->n_owners++], owners, n);
	}
	qsort(a->owners, a->n_owners, sizeof(*a->owners), compare_codes);
	return 0;
}

/* Which document is changed: this station's own, or the root's. */
static int
find_scope(
    char scope[ROSTER_SCOPE_MAX], struct replica *r, bool root, struct err *err)
{
	if (!root)
		return issue_scope(scope, r, err);
	snprintf(scope, ROSTER_SCOPE_MAX, "root");
	if (strcmp(roster_root(replica_roster(r)), replica_home(r)->code) != 0)
		return err_set(err, YZ_EDENIED,
		    "the root part is changed at the root station");
	return 0;
}

static int
finish(struct issue *issue, int rc, struct err *err)
{
	bool adopted = false;

	if (rc == 0)
		rc = issue_finish(issue, &adopted, err);
	issue_end(issue);
	if (rc == 0)
		print_issued(adopted);
	return rc;
}

static int
change_auditor(const struct cmd *cmd, const struct roster_auditor *a, bool add,
    bool root, struct err *err)
{
	char scope[ROSTER_SCOPE_MAX];
	struct issue issue;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = find_scope(scope, r, root, err);
	if (rc == 0)
		rc = issue_begin_scope(&issue, r, scope, err);
	if (rc == 0) {
		rc =
		    add ? roster_change_auditor(issue.change, a, err)
			: roster_change_auditor_drop(issue.change, a->ssh, err);
		rc = finish(&issue, rc, err);
	}
	return cmd_close(r, rc, err);
}

static int
auditor(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	const char *streams = "", *owners = "", *until = NULL, *key;
	uint8_t keys[LIMIT_ROSTER_KEYS][32];
	struct roster_auditor a = {.name = NULL};
	int root, rc;
	bool add;
	size_t n;

	if (cmd_option(&argc, argv, "--streams", &streams) < 0 ||
	    cmd_option(&argc, argv, "--owners", &owners) < 0 ||
	    cmd_option(&argc, argv, "--until", &until) < 0 ||
	    (root = cmd_option(&argc, argv, "--root", NULL)) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc < 3 ||
	    (until != NULL && !cmd_number(&a.until, until)))
		return CMD_USAGE;
	add = strcmp(argv[1], "add") == 0;
	if (add ? argc != 4 : (strcmp(argv[1], "remove") != 0 || argc != 3))
		return CMD_USAGE;
	key = argv[argc - 1];
	rc = proposal_root_keys(keys, &n, key, err);
	if (rc == 0 && n != 1)
		rc = err_set(err, YZ_EINVAL, "%s: not one key", key);
	if (rc == 0)
		rc = parse_auditor(&a, streams, owners, err);
	if (rc == 0) {
		memcpy(a.ssh, keys[0], sizeof(a.ssh));
		a.name = add ? argv[2] : NULL;
		rc = logged_ask(cmd, "roster auditor", key, err);
	}
	if (rc == 0) {
		rc = change_auditor(cmd, &a, add, root == 1, err);
		rc = logged_end(cmd, "roster auditor", key, rc, err);
	}
	free(a.owners);
	return rc;
}

/* --- peers ------------------------------------------------------------------
 */

/* The document that may list the two: this station's, if it is above them or
 * one of them. */
static int
check_within(const struct roster *roster, const char *scope, const char *code,
    struct err *err)
{
	if (roster_find(roster, code) == NULL)
		return err_set(
		    err, YZ_ENOTFOUND, "%.16s is not in the roster", code);
	if (!roster_within(roster, scope, code))
		return err_set(err, YZ_EDENIED,
		    "%s is not below %s: a station above both lists them as "
		    "peers",
		    code, scope);
	return 0;
}

static int
change_peers(const struct cmd *cmd, const char *a, const char *b, bool add,
    bool root, struct err *err)
{
	char scope[ROSTER_SCOPE_MAX];
	struct issue issue;
	struct replica *r;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = find_scope(scope, r, root, err);
	if (rc == 0 && add)
		rc = check_within(replica_roster(r), scope, a, err);
	if (rc == 0 && add)
		rc = check_within(replica_roster(r), scope, b, err);
	if (rc == 0)
		rc = issue_begin_scope(&issue, r, scope, err);
	if (rc == 0) {
		rc = add ? roster_change_peers(issue.change, a, b, err)
			 : roster_change_peers_drop(issue.change, a, b, err);
		rc = finish(&issue, rc, err);
	}
	return cmd_close(r, rc, err);
}

static int
peer(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	int root = cmd_option(&argc, argv, "--root", NULL);
	char about[2 * CHAIN_CODE_LEN + 2];
	bool add;
	int rc;

	if (root < 0 || cmd_unknown_option(cmd, argc, argv) || argc != 4 ||
	    !chain_is_code(argv[2], strlen(argv[2])) ||
	    !chain_is_code(argv[3], strlen(argv[3])))
		return CMD_USAGE;
	add = strcmp(argv[1], "add") == 0;
	if (!add && strcmp(argv[1], "remove") != 0)
		return CMD_USAGE;
	snprintf(about, sizeof(about), "%s %s", argv[2], argv[3]);
	rc = logged_ask(cmd, "roster peer", about, err);
	if (rc != 0)
		return rc;
	rc = change_peers(cmd, argv[2], argv[3], add, root == 1, err);
	return logged_end(cmd, "roster peer", about, rc, err);
}

/* --- of two documents, the one that counts ----------------------------------
 */

static int
decide_scope(
    const struct cmd *cmd, const char *scope, const char *hash, struct err *err)
{
	bool adopted = false;
	struct issue issue;
	struct replica *r;
	int64_t version;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = issue_begin_decision(&issue, r, scope, hash, &version, err);
	if (rc == 0)
		rc = issue_finish(&issue, &adopted, err);
	issue_end(&issue);
	if (rc == 0 && adopted)
		printf(_("of roster %s version %lld, %s counts\n"), scope,
		    (long long)version, hash);
	if (rc == 0)
		print_issued(adopted);
	return cmd_close(r, rc, err);
}

static int
decide(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	int rc;

	if (cmd_unknown_option(cmd, argc, argv) || argc != 3 ||
	    strlen(argv[2]) < 4)
		return CMD_USAGE;
	rc = logged_ask(cmd, "roster decide", argv[1], err);
	if (rc != 0)
		return rc;
	rc = decide_scope(cmd, argv[1], argv[2], err);
	return logged_end(cmd, "roster decide", argv[1], rc, err);
}

static int
set_root_keys(
    const struct cmd *cmd, const char *file, int64_t threshold, struct err *err)
{
	uint8_t keys[LIMIT_ROSTER_KEYS][32];
	struct issue issue;
	struct replica *r;
	bool adopted;
	size_t n;
	int rc;

	rc = proposal_root_keys(keys, &n, file, err);
	if (rc != 0)
		return rc;
	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = issue_begin(&issue, r, roster_root(replica_roster(r)), err);
	if (rc == 0) {
		rc = roster_change_root_keys(issue.change,
		    (const uint8_t(*)[32])keys, n, threshold, err);
		if (rc == 0)
			rc = issue_finish(&issue, &adopted, err);
		issue_end(&issue);
	}
	if (rc == 0)
		print_issued(adopted);
	return cmd_close(r, rc, err);
}

static int
root_keys(const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	const char *k = NULL;
	int64_t threshold;
	int rc;

	if (cmd_option(&argc, argv, "--threshold", &k) != 1 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 2 ||
	    !cmd_number(&threshold, k))
		return CMD_USAGE;
	rc = logged_ask(cmd, "roster root-keys", argv[1], err);
	if (rc != 0)
		return rc;
	rc = set_root_keys(cmd, argv[1], threshold, err);
	return logged_end(cmd, "roster root-keys", argv[1], rc, err);
}

int
cmd_roster_change(struct cmd *cmd, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct cmd *, int, char **, struct err *);
	} subs[] = {{"propose", propose}, {"sign", sign}, {"adopt", adopt},
	    {"auditor", auditor}, {"peer", peer}, {"decide", decide},
	    {"pin", cmd_roster_pin}, {"root-keys", root_keys}};
	struct err err = {0};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		if (strcmp(argv[0], subs[i].name) != 0)
			continue;
		rc = subs[i].run(cmd, argc, argv, &err);
		if (rc == CMD_USAGE)
			break;
		return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
	}
	return cmd_usage(cmd);
}
