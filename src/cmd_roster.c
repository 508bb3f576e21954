/* roster: stations, their keys, and where those keys' powers end. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd.h"
#include "replica.h"
#include "roster.h"
#include "roster_files.h"
#include "sign.h"

/* As "ssh-keygen -l" prints it, so that both can be compared. */
static void
key_fingerprint(struct buf *out, const uint8_t pub[32])
{
	struct buf line = BUF_INIT, blob = BUF_INIT;
	struct digest hash;
	const char *s;

	sign_public_line(&line, pub);
	s = strchr(buf_str(&line), ' ') + 1;
	digest_unbase64(&blob, s, strlen(s));
	digest_sha256(&hash, blob.b, blob.len);
	buf_puts(out, "SHA256:");
	digest_base64(out, hash.b, sizeof(hash.b));
	while (out->len > 0 && out->b[out->len - 1] == '=')
		out->len--;
	buf_str(out);
	buf_free(&line);
	buf_free(&blob);
}

/* --- a tree, for people --------------------------------------------------- */

static void
print_station(
    const struct roster *roster, const struct roster_station *st, int level)
{
	const struct roster_key *key = roster_current(st);
	struct buf print = BUF_INIT;
	int64_t own = roster_version(roster, st->code);

	if (key != NULL)
		key_fingerprint(&print, key->sign);
	else
		buf_puts(&print, _("no key: revoked"));
	printf(
	    "%*s%s %s  %s", level * 2, "", st->code, st->name, buf_str(&print));
	if (own != 0)
		printf(_("  own roster version %lld"), (long long)own);
	putchar('\n');
	buf_free(&print);
}

static void
print_tree(const struct roster *roster, const char *parent, int level)
{
	size_t i;

	for (i = 0; i < roster_count(roster); i++) {
		const struct roster_station *st = roster_at(roster, i);

		if (strcmp(st->parent, parent) != 0)
			continue;
		print_station(roster, st, level);
		print_tree(roster, st->code, level + 1);
	}
}

/* --- JSON ------------------------------------------------------------------
 */

static struct json *
json_key(const struct roster_key *key)
{
	struct json *v = json_new_object(), *list;
	struct buf line = BUF_INIT;
	char name[CHAIN_NAME_MAX], hex[DIGEST_HEX_LEN + 1];
	size_t i;

	sign_public_line(&line, key->sign);
	json_set(v, "sign", json_text(buf_str(&line)));
	buf_clear(&line);
	sign_public_line(&line, key->ssh);
	json_set(v, "ssh", json_text(buf_str(&line)));
	buf_free(&line);
	list = json_new_array();
	for (i = 0; i < key->n_incs; i++)
		json_add(list, json_text(key->incs[i]));
	json_set(v, "incs", list);
	json_set(v, "ended", json_bool(key->ended));
	list = json_new_array();
	for (i = 0; i < key->n_ends; i++) {
		struct json *end = json_new_object();

		chain_format(name, &key->ends[i].chain);
		digest_hex(hex, key->ends[i].id.b, sizeof(key->ends[i].id.b));
		json_set(end, "chain", json_text(name));
		json_set(end, "seq", json_int(key->ends[i].seq));
		json_set(end, "id", json_text(hex));
		json_add(list, end);
	}
	json_set(v, "ends", list);
	return v;
}

static void
print_json_contested(const struct roster_scope *scope)
{
	struct json *v = json_new_object(), *two = json_new_array();
	char hex[DIGEST_HEX_LEN + 1];
	size_t i;

	for (i = 0; i < 2; i++) {
		digest_hex(hex, scope->pair[i].b, sizeof(scope->pair[i].b));
		json_add(two, json_text(hex));
	}
	json_set(v, "scope", json_text(scope->scope));
	json_set(v, "version", json_int(scope->version + 1));
	json_set(v, "contested", two);
	json_print(stdout, v);
	json_free(v);
}

static void
print_json(const struct roster *roster)
{
	const struct roster_scope *scope;
	struct roster_peers peers;
	size_t i, k;

	for (i = 0; i < roster_count(roster); i++) {
		const struct roster_station *st = roster_at(roster, i);
		struct json *v = json_new_object(), *keys = json_new_array();

		for (k = 0; k < st->n_keys; k++)
			json_add(keys, json_key(&st->keys[k]));
		json_set(v, "code", json_text(st->code));
		json_set(v, "name", json_text(st->name));
		json_set(v, "parent", json_text(st->parent));
		json_set(v, "scope", json_text(st->scope));
		json_set(
		    v, "version", json_int(roster_version(roster, st->scope)));
		json_set(v, "keys", keys);
		json_print(stdout, v);
		json_free(v);
	}
	for (i = 0; roster_peers_at(roster, i, &peers); i++) {
		struct json *v = json_new_object(), *two = json_new_array();

		json_add(two, json_text(peers.a));
		json_add(two, json_text(peers.b));
		json_set(v, "peers", two);
		json_print(stdout, v);
		json_free(v);
	}
	for (i = 0; (scope = roster_scope_at(roster, i)) != NULL; i++)
		if (scope->contested)
			print_json_contested(scope);
}

/* --- the command ------------------------------------------------------------
 */

static int
print_clashes(const struct roster *roster)
{
	const struct roster_station *st;
	size_t i;

	for (i = 0; (st = roster_clash(roster, i)) != NULL; i++)
		fprintf(stderr,
		    _("what %s lists as %s does not count: the code is not "
		      "one below its own, or another lists it too\n"),
		    st->scope, st->code);
	return i == 0 ? CMD_DONE : CMD_LOOK;
}

bool
cmd_roster_contested(
    struct buf *out, const struct roster *roster, const char *scope)
{
	const struct roster_scope *s = roster_scope(roster, scope);
	char a[17], b[17];

	if (s == NULL || !s->contested)
		return false;
	digest_hex(a, s->pair[0].b, 8);
	digest_hex(b, s->pair[1].b, 8);
	buf_printf(out,
	    _("roster %s: two documents of version %lld are signed, %s and "
	      "%s; neither counts, nor what builds on them. %s decides: yizhan "
	      "roster decide %s HASH"),
	    s->scope, (long long)s->version + 1, a, b,
	    roster_root(roster)[0] == '\0' ? "root" : roster_root(roster),
	    s->scope);
	return true;
}

static int
print_contested(const struct roster *roster)
{
	const struct roster_scope *at;
	struct buf line = BUF_INIT;
	int status = CMD_DONE;
	size_t i;

	for (i = 0; (at = roster_scope_at(roster, i)) != NULL; i++) {
		if (!cmd_roster_contested(&line, roster, at->scope))
			continue;
		fprintf(stderr, "%s\n", buf_str(&line));
		buf_clear(&line);
		status = CMD_LOOK;
	}
	buf_free(&line);
	return status;
}

static void
print_readable(const struct roster *roster)
{
	struct roster_peers v;
	size_t i;

	printf(_("roster version %lld, %zu stations\n"),
	    (long long)roster_version(roster, "root"), roster_count(roster));
	print_tree(roster, "", 0);
	for (i = 0; roster_peers_at(roster, i, &v); i++)
		printf(_("peers %s %s\n"), v.a, v.b);
}

int
cmd_roster(struct cmd *cmd, int argc, char **argv)
{
	struct buf lines = BUF_INIT;
	const char *dir = NULL;
	struct err err = {0};
	struct replica *r;
	int signers, json, status = CMD_DONE, rc;

	if (argc > 1 && argv[1][0] != '-')
		return cmd_roster_change(cmd, argc - 1, argv + 1);
	signers = cmd_option(&argc, argv, "--allowed-signers", NULL);
	json = cmd_option(&argc, argv, "--json", NULL);
	if (cmd_option(&argc, argv, "--write", &dir) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc != 1)
		return cmd_usage(cmd);
	rc = cmd_open(&r, cmd, &err);
	if (rc != 0)
		return cmd_fail(cmd, &err);
	if (signers == 1) {
		roster_allowed_signers(&lines, replica_roster(r));
		fputs(buf_str(&lines), stdout);
		buf_free(&lines);
	} else if (dir != NULL) {
		rc = roster_files_write(r, dir, &err);
	} else if (json == 1) {
		print_json(replica_roster(r));
	} else {
		print_readable(replica_roster(r));
		status = print_clashes(replica_roster(r));
		if (print_contested(replica_roster(r)) != CMD_DONE)
			status = CMD_LOOK;
	}
	replica_close(r);
	return rc != 0 ? cmd_fail(cmd, &err) : status;
}
