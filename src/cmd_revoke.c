/* revoke: a station's key counts no further than what is held here. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd.h"
#include "home.h"
#include "local.h"
#include "logged.h"
#include "replica.h"
#include "revoke.h"

/* CHAIN=SEQ, where SEQ may be 0. */
static int
parse_lower(struct revoke_lower *out, const char *text, struct err *err)
{
	const char *at = strrchr(text, '=');
	char *end = NULL;

	if (at == NULL ||
	    chain_parse(&out->chain, text, (size_t)(at - text), err) != 0)
		return err_set(err, YZ_EINVAL,
		    "not a chain and a number, CHAIN=SEQ: %s", text);
	out->seq = strtoll(at + 1, &end, 10);
	if (end == at + 1 || *end != '\0' || out->seq < 0)
		return err_set(err, YZ_EINVAL,
		    "not a chain and a number, CHAIN=SEQ: %s", text);
	return 0;
}

/* The reason is for people here; the roster has no place for it. */
static int
note_why(
    const struct cmd *cmd, const char *code, const char *why, struct err *err)
{
	struct local *local;
	char *name;
	int rc;

	if (why == NULL)
		return 0;
	rc = local_open(&local, cmd->home, err);
	if (rc != 0)
		return rc;
	name = mem_printf("revoked/%s", code);
	rc = local_set(local, name, why, err);
	free(name);
	local_close(local);
	return rc;
}

static void
print_ends(const struct replica *r, const char *code, bool adopted)
{
	const struct roster_station *st =
	    roster_find(replica_roster((struct replica *)r), code);
	const struct roster_key *key;
	char name[CHAIN_NAME_MAX];
	size_t i;

	if (!adopted || st == NULL) {
		printf(_("the revocation waits for root keys: yizhan roster "
			 "propose -o FILE\n"));
		return;
	}
	key = &st->keys[st->n_keys - 1];
	printf(_("the key of %s %s is revoked; of its chains counts:\n"), code,
	    st->name);
	for (i = 0; i < key->n_ends; i++) {
		chain_format(name, &key->ends[i].chain);
		printf("  %s %lld\n", name, (long long)key->ends[i].seq);
	}
}

static int
revoke(const struct cmd *cmd, const char *code, const char *why,
    const struct revoke_lower *lower, size_t n, struct err *err)
{
	struct replica *r;
	bool adopted;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	if (strcmp(code, replica_home(r)->code) == 0)
		rc = err_set(err, YZ_EINVAL,
		    "a station does not revoke its own key: yizhan rotate");
	if (rc == 0)
		rc = revoke_station(r, code, lower, n, &adopted, err);
	if (rc == 0)
		rc = note_why(cmd, code, why, err);
	if (rc == 0)
		print_ends(r, code, adopted);
	return cmd_close(r, rc, err);
}

int
cmd_revoke(struct cmd *cmd, int argc, char **argv)
{
	struct revoke_lower *lower = mem_calloc((size_t)argc, sizeof(*lower));
	const char *why = NULL, *chain;
	struct err err = {0};
	size_t n = 0;
	int rc = 0, has = 0;

	while (
	    rc == 0 && (has = cmd_option(&argc, argv, "--chain", &chain)) == 1)
		rc = parse_lower(&lower[n++], chain, &err);
	if (rc == 0 && (has < 0 || cmd_option(&argc, argv, "--why", &why) < 0 ||
			   cmd_unknown_option(cmd, argc, argv) || argc != 2)) {
		free(lower);
		return cmd_usage(cmd);
	}
	if (rc == 0)
		rc = logged_ask(cmd, "revoke", argv[1], &err);
	if (rc == 0) {
		rc = revoke(cmd, argv[1], why, lower, n, &err);
		rc = logged_end(cmd, "revoke", argv[1], rc, &err);
	}
	free(lower);
	return rc == 0 ? CMD_DONE : cmd_fail(cmd, &err);
}
