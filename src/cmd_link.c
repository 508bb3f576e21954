/* link: how other stations are reached, and what their links are granted. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd.h"
#include "home.h"
#include "link_ssh.h"
#include "local.h"
#include "local_link.h"
#include "logged.h"
#include "replica.h"
#include "roster.h"
#include "sign.h"

#define KEY_FILE_MAX 4096

struct change { /* what was asked for; NULL: as it is */
	const char *address, *host_key, *rate, *day, *hours;
	const char *take_hour, *take_day;
};

static void
print_amount(const char *what, int64_t n)
{
	if (n > 0)
		printf("  %s %lld\n", what, (long long)n);
}

static int
print_link(struct local *local, const struct local_peer *peer, struct err *err)
{
	struct local_link link;
	int rc = local_link_get(local, &link, peer->code, err);

	if (rc != 0)
		return rc;
	printf("%s %s\n", peer->code,
	    peer->address[0] == '\0' ? _("calls us") : peer->address);
	print_amount(_("bytes/s   "), link.rate);
	print_amount(_("bytes/day "), link.day);
	if (link.from != link.to)
		printf("  %s %02d:%02d-%02d:%02d\n", _("hours     "),
		    link.from / 60, link.from % 60, link.to / 60, link.to % 60);
	print_amount(_("takes/hour"), link.take_hour);
	print_amount(_("takes/day "), link.take_day);
	return 0;
}

static int
print_all(struct local *local, struct err *err)
{
	struct local_peer *peers = NULL;
	size_t n = 0, i;
	int rc;

	rc = local_peers(local, &peers, &n, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = print_link(local, &peers[i], err);
	free(peers);
	return rc;
}

/* --- changing ---------------------------------------------------------------
 */

static int
take_number(int64_t *out, const char *text, const char *what, struct err *err)
{
	if (text == NULL)
		return 0;
	if (strcmp(text, "any") == 0)
		*out = 0;
	else if (!cmd_number(out, text))
		return err_set(err, YZ_EINVAL,
		    "%s is %.40s, neither a number nor \"any\"", what, text);
	return 0;
}

static int
take_host_key(struct local_peer *peer, const char *path, struct err *err)
{
	struct buf text = BUF_INIT, line = BUF_INIT;
	uint8_t pub[32];
	int rc;

	rc = caller_read(&text, path, KEY_FILE_MAX, err);
	if (rc == 0)
		rc = sign_public_parse(pub, buf_str(&text), text.len, err);
	if (rc != 0)
		rc = err_within(err, "%s", path);
	else {
		sign_public_line(&line, pub);
		snprintf(peer->host_key, sizeof(peer->host_key), "%s",
		    buf_str(&line));
	}
	buf_free(&text);
	buf_free(&line);
	return rc;
}

static int
change_peer(struct local *local, const char *code, const struct change *c,
    struct err *err)
{
	struct local_peer peer;
	int rc;

	if (c->address == NULL && c->host_key == NULL)
		return 0;
	rc = local_peer_get(local, &peer, code, err);
	if (rc == YZ_ENOTFOUND) {
		memset(&peer, 0, sizeof(peer));
		snprintf(peer.code, sizeof(peer.code), "%s", code);
		rc = 0;
	}
	if (rc == 0 && c->address != NULL &&
	    (strlen(c->address) >= sizeof(peer.address) ||
		strchr(c->address, ':') == NULL ||
		!text_is_clean(c->address, strlen(c->address), false)))
		rc = err_set(
		    err, YZ_EINVAL, "not an address HOST:PORT: %s", c->address);
	if (rc == 0 && c->address != NULL)
		snprintf(peer.address, sizeof(peer.address), "%s", c->address);
	if (rc == 0 && c->host_key != NULL)
		rc = take_host_key(&peer, c->host_key, err);
	if (rc == 0 && peer.address[0] != '\0' && peer.host_key[0] == '\0')
		rc = err_set(err, YZ_EINVAL,
		    "the host key of %s is not known: give it with "
		    "--host-key",
		    code);
	return rc != 0 ? rc : local_peer_put(local, &peer, err);
}

static int
change_link(struct local *local, const char *code, const struct change *c,
    struct err *err)
{
	struct local_link link;
	int rc;

	rc = local_link_get(local, &link, code, err);
	if (rc == 0)
		rc = take_number(&link.rate, c->rate, "--rate", err);
	if (rc == 0)
		rc = take_number(&link.day, c->day, "--day", err);
	if (rc == 0)
		rc = take_number(
		    &link.take_hour, c->take_hour, "--take-hour", err);
	if (rc == 0)
		rc =
		    take_number(&link.take_day, c->take_day, "--take-day", err);
	if (rc == 0 && c->hours != NULL &&
	    !local_link_parse_hours(&link, c->hours))
		rc = err_set(err, YZ_EINVAL,
		    "hours are written 22:00-06:30, or \"always\", not "
		    "%.40s",
		    c->hours);
	return rc != 0 ? rc : local_link_put(local, &link, err);
}

static int
change(struct local *local, const struct cmd *cmd, const char *code,
    const struct change *c, struct err *err)
{
	char print[SIGN_FINGERPRINT_LEN];
	struct local_peer peer;
	struct replica *r;
	bool known;
	int rc;

	rc = cmd_open(&r, cmd, err);
	if (rc != 0)
		return rc;
	known = roster_find(replica_roster(r), code) != NULL &&
		strcmp(code, replica_home(r)->code) != 0;
	rc = cmd_close(r, 0, err);
	if (rc == 0 && !known)
		rc = err_set(err, YZ_ENOTFOUND,
		    "the roster has no other station %.16s", code);
	if (rc == 0)
		rc = change_peer(local, code, c, err);
	if (rc == 0)
		rc = change_link(local, code, c, err);
	if (rc == 0)
		rc = local_peer_get(local, &peer, code, err);
	if (rc == YZ_ENOTFOUND && known) { /* it has never called */
		memset(&peer, 0, sizeof(peer));
		snprintf(peer.code, sizeof(peer.code), "%s", code);
		rc = 0;
	}
	if (rc == 0)
		rc = print_link(local, &peer, err);
	if (rc == 0 && c->host_key != NULL)
		rc = link_ssh_fingerprint(print, peer.host_key, err);
	if (rc == 0 && c->host_key != NULL)
		printf("  %s %s\n", _("host key  "), print);
	return rc;
}

static int
change_logged(struct local *local, const struct cmd *cmd, const char *code,
    const struct change *c, struct err *err)
{
	int rc;

	rc = logged_ask(cmd, "link", code, err);
	if (rc == 0)
		rc = logged_end(
		    cmd, "link", code, change(local, cmd, code, c, err), err);
	return rc;
}

/* Is anything to be changed, or only to be seen? */
static bool
is_change(const struct change *c)
{
	return c->address != NULL || c->host_key != NULL || c->rate != NULL ||
	       c->day != NULL || c->hours != NULL || c->take_hour != NULL ||
	       c->take_day != NULL;
}

int
cmd_link(struct cmd *cmd, int argc, char **argv)
{
	struct change c = {0};
	struct local *local = NULL;
	struct err err = {0};
	int rc;

	if (cmd_option(&argc, argv, "--address", &c.address) < 0 ||
	    cmd_option(&argc, argv, "--host-key", &c.host_key) < 0 ||
	    cmd_option(&argc, argv, "--rate", &c.rate) < 0 ||
	    cmd_option(&argc, argv, "--day", &c.day) < 0 ||
	    cmd_option(&argc, argv, "--hours", &c.hours) < 0 ||
	    cmd_option(&argc, argv, "--take-hour", &c.take_hour) < 0 ||
	    cmd_option(&argc, argv, "--take-day", &c.take_day) < 0 ||
	    cmd_unknown_option(cmd, argc, argv) || argc > 2)
		return cmd_usage(cmd);
	rc = local_open(&local, cmd->home, &err);
	if (rc == 0)
		rc = argc != 2 ? print_all(local, &err)
		     : is_change(&c)
			 ? change_logged(local, cmd, argv[1], &c, &err)
			 : change(local, cmd, argv[1], &c, &err);
	local_close(local);
	return rc != 0 ? cmd_fail(cmd, &err) : CMD_DONE;
}
