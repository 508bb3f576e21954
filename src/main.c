#include "config.h"

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

#define HOME_DEFAULT "/var/lib/yizhan"

#define N_(text) text /* found by xgettext, translated when printed */

static const struct {
	const char *name;
	int (*run)(struct cmd *, int, char **);
	const char *args;
	const char *help;
} commands[] = {
    {"init", cmd_init, "CODE [--name N] --top [--divisions FILE]",
	N_("found a federation: keys, roster, kinds and codes")},
    {"invite", cmd_invite,
	"CODE [--name N] [--address HOST:PORT] [--host-key FILE] [--auto] "
	"[-o FILE]",
	N_("invite a child station")},
    {"join", cmd_join, "FILE", N_("make HOME and ask the parent to join")},
    {"confirm", cmd_confirm, "CODE FINGERPRINT",
	N_("confirm a child that asked to join")},
    {"add", cmd_add, "KIND F=V ... [--as NAME]", N_("create a record")},
    {"set", cmd_set, "KIND ID F=V ... [--as NAME]", N_("change a record")},
    {"rm", cmd_rm, "KIND ID --why TEXT [--as NAME]", N_("drop a record")},
    {"show", cmd_show, "KIND ID [--history] [--json]", N_("show a record")},
    {"list", cmd_list, "KIND [F=V ...] [--json]", N_("list records")},
    {"find", cmd_find, "TEXT [--json]", N_("search in all text")},
    {"near", cmd_near, "LON LAT KM [--kind K] [F=V ...] [--json]",
	N_("what is within KM of a place, nearest first")},
    {"get", cmd_get, "BLOB [-o FILE]", N_("read an attachment")},
    {"import", cmd_import,
	"KIND FILE [--map M] [--dry-run] [--encoding E] [--as NAME]",
	N_("read records from a table")},
    {"export", cmd_export, "KIND FILE", N_("write records to a table")},
    {"sync", cmd_sync, "[--watch] [--limit BYTES_PER_S]",
	N_("exchange changesets with the parent")},
    {"peer", cmd_peer, "--as CODE | --invited CODE",
	N_("the called side of a sync; started by sshd")},
    {"status", cmd_status, "[--json]",
	N_("peers, last contact, what waits, what is stuck and why")},
    {"conflicts", cmd_conflicts, "[--json]",
	N_("fields that were changed on both sides")},
    {"quarantine", cmd_quarantine, "[--json]",
	N_("operations that are held but do not count, and why")},
    {"log", cmd_log, "[--chain C] [--json]", N_("changesets held")},
    {"verify", cmd_verify, "[--deep]",
	N_("check every changeset, signature and reference")},
    {"rebuild", cmd_rebuild, "", N_("fold everything again from the ledger")},
    {"digest", cmd_digest, "[--stream S] [--owner CODE]",
	N_("a line per stream to compare between stations")},
    {"keys", cmd_keys, "[--authorized]", N_("this station's public keys")},
    {"roster", cmd_roster, "[--allowed-signers]",
	N_("stations, keys, and where their powers end")},
    {"demo", cmd_demo, "[--once] [DIR]",
	N_("province, city and two counties on this machine")},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int
usage(void)
{
	size_t i;

	fprintf(stderr, _("usage: yizhan [-C HOME] COMMAND [ARGUMENT ...]\n"));
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(stderr, "  %-10s %s\n", commands[i].name,
		    _(commands[i].help));
	return CMD_USAGE;
}

int
cmd_usage(const struct cmd *cmd)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(cmd->name, commands[i].name) == 0)
			fprintf(stderr, _("usage: yizhan %s %s\n"), cmd->name,
			    commands[i].args);
	return CMD_USAGE;
}

int
main(int argc, char **argv)
{
	static char exe[PATH_MAX];
	struct cmd cmd = {HOME_DEFAULT, NULL, exe};
	ssize_t n;
	size_t i;

	setlocale(LC_MESSAGES, "");
	setlocale(LC_CTYPE, "");
	bindtextdomain("yizhan", LOCALEDIR);
	bind_textdomain_codeset("yizhan", "UTF-8");
	textdomain("yizhan");
	signal(SIGPIPE, SIG_IGN);

	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	if (argc >= 3 && strcmp(argv[1], "-C") == 0) {
		cmd.home = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 2)
		return usage();
	cmd.name = argv[1];
	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(&cmd, argc - 1, argv + 1);
	return usage();
}
