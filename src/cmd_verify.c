/* verify: what is held here; verify proof: of a fork, whoever's it is. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "cmd.h"
#include "fork.h"
#include "local.h"
#include "pins.h"
#include "proof.h"
#include "replica.h"
#include "roster_files.h"
#include "web/audit.h"
#include "web/book.h"

static void
print_fault(void *arg, const char *fault)
{
	int *faults = arg;

	(*faults)++;
	printf("%s\n", cmd_words(fault));
}

static int
verify_audit(int64_t *entries, const struct cmd *cmd, struct replica *r,
    int *faults, struct err *err)
{
	struct local *local;
	int rc;

	rc = local_open(&local, cmd->home, err);
	if (rc != 0)
		return rc;
	rc = book_open(local_db(local), err);
	if (rc == 0)
		rc = audit_verify(local_db(local), replica_home(r),
		    replica_roster(r), 0, entries, print_fault, faults, err);
	local_close(local);
	return rc;
}

/* --- the proof of a fork -------------------------------------------------- */

static void
print_one(const struct changeset *cs)
{
	char id[DIGEST_HEX_LEN + 1], when[CLOCK_LEN];

	digest_hex(id, cs->id.b, sizeof(cs->id.b));
	clock_format(when, cs->time);
	printf("%s %s %s: %s\n", id, when, cs->author, cs->subject);
}

static void
print_proof(const struct fork *fork, const struct roster *roster)
{
	const struct roster_scope *root = roster_scope(roster, "root");
	const struct roster_end *end =
	    fork_decided(roster, &fork->chain, fork->seq - 1);
	char name[CHAIN_NAME_MAX], hex[DIGEST_HEX_LEN + 1];

	chain_format(name, &fork->chain);
	printf(_("%s signed two histories of %s, which part at seq %lld:\n"),
	    fork->chain.writer, name, (long long)fork->seq);
	print_one(&fork->a);
	print_one(&fork->b);
	if (end != NULL) {
		digest_hex(hex, end->id.b, sizeof(end->id.b));
		printf(_("the roster has decided: it ends at %lld with %s\n"),
		    (long long)end->seq, hex);
	}
	digest_hex(hex, root->hash.b, sizeof(root->hash.b));
	printf(_("by the roster of version %lld, SHA-256 %s\n"),
	    (long long)root->version, hex);
}

/* By the roster in a folder, or the one that the station at HOME holds. */
static int
judge(const struct cmd *cmd, const char *dir, const char *roster_dir,
    const struct pins *pins, struct err *err)
{
	struct roster *roster = NULL;
	struct replica *r = NULL;
	struct fork fork;
	int rc;

	rc = proof_read(&fork, dir, err);
	if (rc != 0)
		return rc;
	rc = roster_dir != NULL
		 ? roster_files_read(&roster, roster_dir, pins, err)
		 : cmd_open(&r, cmd, err);
	if (rc == 0) {
		const struct roster *by =
		    roster != NULL ? roster : replica_roster(r);

		rc = proof_check(&fork, by, err);
		if (rc == 0)
			print_proof(&fork, by);
	}
	roster_free(roster);
	replica_close(r);
	fork_free(&fork);
	return rc;
}

static int
write_proof(
    const struct cmd *cmd, const char *name, const char *dir, struct err *err)
{
	struct chain_name chain;
	struct replica *r;
	int rc;

	rc = chain_parse(&chain, name, strlen(name), err);
	if (rc == 0)
		rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	rc = proof_write(r, &chain, dir, err);
	replica_close(r);
	return rc;
}

/* What somebody gives by --pin, as often as he likes. */
static int
take_pins(struct pins *out, int *argc, char **argv, struct err *err)
{
	char fingerprint[SIGN_FINGERPRINT_LEN];
	const char *typed;
	int rc = 0, found;

	while (
	    rc == 0 && (found = cmd_option(argc, argv, "--pin", &typed)) != 0) {
		if (found < 0)
			return CMD_USAGE;
		rc = pins_parse(fingerprint, typed, err);
		if (rc == 0)
			rc = pins_add(out, fingerprint, err);
	}
	return rc;
}

static int
proof(struct cmd *cmd, int argc, char **argv)
{
	const char *to = NULL, *roster = NULL;
	struct pins pins = {.n = 0};
	struct err err = {0};
	int rc;

	rc = take_pins(&pins, &argc, argv, &err);
	if (rc != 0 && rc != CMD_USAGE)
		return cmd_fail(cmd, &err);
	if (rc == CMD_USAGE || cmd_option(&argc, argv, "--write", &to) < 0 ||
	    cmd_option(&argc, argv, "--roster", &roster) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 2 ||
	    (roster == NULL ? pins.n > 0 : to != NULL))
		return cmd_usage(cmd);
	rc = to != NULL ? write_proof(cmd, argv[1], to, &err)
			: judge(cmd, argv[1], roster, &pins, &err);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}

/* --- the command ---------------------------------------------------------- */

int
cmd_verify(struct cmd *cmd, int argc, char **argv)
{
	bool deep = cmd_option(&argc, argv, "--deep", NULL) == 1;
	struct replica *r;
	int64_t checked, entries = 0;
	int rc, faults = 0;
	struct err err;

	if (argc > 1 && strcmp(argv[1], "proof") == 0 && !deep)
		return proof(cmd, argc - 1, argv + 1);
	if (argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	rc = replica_verify(r, deep, &checked, print_fault, &faults, &err);
	if (rc == 0)
		rc = verify_audit(&entries, cmd, r, &faults, &err);
	replica_close(r);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	if (entries > 0)
		printf(_("%lld entries of the audit log checked\n"),
		    (long long)entries);
	printf(_("%lld changesets checked, %d faults\n"), (long long)checked,
	    faults);
	return faults == 0 ? CMD_DONE : CMD_LOOK;
}
