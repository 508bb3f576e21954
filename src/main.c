#include "config.h"

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caller.h"
#include "base/err.h"
#include "cmd.h"
#include "home.h"

static const struct {
	const char *name;
	int (*run)(struct cmd *, int, char **);
	const char *args;
	const char *help;
} commands[] = {
    {"init", cmd_init,
	N_("CODE --top [--name N] [--divisions FILE|none] [--as NAME] "
	   "[--recovery SHEET] [--root-keys FILE --threshold K]"),
	N_("found a federation: keys, roster, kinds and codes")},
    {"invite", cmd_invite,
	N_("CODE [--name N] [--address HOST:PORT] [--host-key FILE] [--auto] "
	   "[-o FILE]"),
	N_("invite a child station")},
    {"join", cmd_join, N_("FILE [--recovery SHEET]"),
	N_("make HOME and ask the parent to join")},
    {"confirm", cmd_confirm, N_("CODE [FINGERPRINT ...]"),
	N_("confirm a child that asked to join")},
    {"add", cmd_add, N_("KIND F=V ... [--incomplete] [--as NAME]"),
	N_("create a record")},
    {"set", cmd_set, N_("KIND ID F=V ... [--as NAME]"), N_("change a record")},
    {"rm", cmd_rm, N_("KIND ID --why TEXT [--as NAME]"), N_("drop a record")},
    {"show", cmd_show, N_("KIND ID [--history] [--json]"), N_("show a record")},
    {"list", cmd_list,
	N_("KIND [F=V ...] [--sort F] [--limit N] [--removed] [--json]"),
	N_("list records")},
    {"find", cmd_find, N_("TEXT ... [--limit N] [--json]"),
	N_("search in all text")},
    {"near", cmd_near,
	N_("LON LAT KM [F=V ...] [--kind K] [--limit N] [--json]"),
	N_("what is within KM of a place, nearest first")},
    {"get", cmd_get, N_("BLOB [-o FILE]"), N_("read an attachment")},
    {"import", cmd_import,
	N_("KIND FILE [--map M] [--encoding E] [--datum D] [--dry-run] "
	   "[--as NAME]"),
	N_("read records from a table")},
    {"export", cmd_export, N_("KIND FILE|- [--codes]"),
	N_("write records to a table")},
    {"sync", cmd_sync, N_("[--watch] [--limit BYTES_PER_S]"),
	N_("exchange changesets with the parent")},
    {"link", cmd_link,
	N_("[CODE [--address HOST:PORT] [--host-key FILE] [--rate BYTES_PER_S] "
	   "[--day BYTES] [--hours H:M-H:M] [--take-hour N] [--take-day BYTES]]"),
	N_("how a station is reached, and what its link is granted")},
    {"peer", cmd_peer,
	N_("--as CODE | --invited CODE [--through SOCKET] | --received"),
	N_("the called side of a sync; started by sshd")},
    {"status", cmd_status, "[--json]",
	N_("peers, last contact, what waits, what is stuck and why")},
    {"conflicts", cmd_conflicts, "[--json]",
	N_("fields that were changed on both sides")},
    {"quarantine", cmd_quarantine, "[--json]",
	N_("operations that are held but do not count, and why")},
    {"resolve", cmd_resolve, N_("CHAIN ID"),
	N_("of a forked chain, the last changeset that counts")},
    {"log", cmd_log, N_("[--chain C] [--json]"), N_("changesets held")},
    {"verify", cmd_verify,
	N_("[--deep | proof DIR [--roster DIR [--pin DIGITS] ...] | proof CHAIN --write DIR]"),
	N_("check every changeset, signature and reference")},
    {"scrub", cmd_scrub, "[--alone]",
	N_("read and hash everything held, and put right what has rotted")},
    {"rebuild", cmd_rebuild, "", N_("fold everything again from the ledger")},
    {"resume", cmd_resume, "--alone",
	N_("a restored station goes on, though nobody can be asked")},
    {"digest", cmd_digest, N_("[--stream S] [--owner CODE]"),
	N_("a line per stream to compare between stations")},
    {"backup", cmd_backup,
	N_("FILE|DIR [--keep N] [--passphrase FILE] [--to-recovery | "
	   "--recovery SHEET] [--with-keys | --without-keys]"),
	N_("the whole station in one encrypted file")},
    {"restore", cmd_restore, N_("FILE [--passphrase FILE | --recovery SHEET]"),
	N_("bring a station back from a backup")},
    {"doctor", cmd_doctor, N_("[--json] [--passphrase FILE]"),
	N_("what an administrator should know and do")},
    {"keys", cmd_keys, N_("[--authorized | --host-key FILE]"),
	N_("this station's public keys")},
    {"roster", cmd_roster,
	N_("[--json | --write DIR | --allowed-signers | propose -o FILE | "
	   "sign FILE --key KEY | adopt FILE [SIG ...] | "
	   "auditor add NAME KEY [--streams S,..] [--owners C,..] [--until N] "
	   "[--root] | auditor remove KEY [--root] | "
	   "peer add|remove CODE CODE [--root] | decide SCOPE HASH | "
	   "root-keys FILE --threshold K | pin [--remove] [DIGITS ...]]"),
	N_("stations, keys, and where their powers end")},
    {"rotate", cmd_rotate,
	N_("[--recovery FILE] [--new FILE] [-o FILE] | --take FILE"),
	N_("ask for new keys in place of this station's")},
    {"revoke", cmd_revoke, N_("CODE [--why TEXT] [--chain CHAIN=SEQ ...]"),
	N_("end the powers of a station's key")},
    {"user", cmd_user,
	N_("add LOGIN [--name N] [--role R] [--once] | passwd LOGIN | "
	   "role LOGIN R | unlock LOGIN | one-factor LOGIN | list | token add LOGIN NAME [--role R] | "
	   "token list | token revoke ID"),
	N_("accounts of the console; passwords are read from standard input")},
    {"setup-code", cmd_setup_code, "",
	N_("what lets in to the first page, where there is no station")},
    {"serve", cmd_serve, N_("[--listen ADDR:PORT] [--no-sync]"),
	N_("the console, the sealer and the calls to other stations")},
    {"demo", cmd_demo, N_("[--once] [DIR]"),
	N_("province, city and two counties on this machine")},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *to)
{
	size_t i;

	fprintf(to, _("usage: yizhan [-C HOME] COMMAND [ARGUMENT ...]\n"));
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(
		    to, "  %-10s %s\n", commands[i].name, _(commands[i].help));
}

static void
usage_of(FILE *to, const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			fprintf(to, _("usage: yizhan %s %s\n"), name,
			    *commands[i].args == '\0' ? ""
						      : _(commands[i].args));
}

int
cmd_usage(const struct cmd *cmd)
{
	usage_of(stderr, cmd->name);
	return CMD_USAGE;
}

/* Installed, or beside the program where it was built. */
static void
find_catalogue(const char *exe)
{
	static char dir[PATH_MAX];
	char file[PATH_MAX + sizeof(CMD_CATALOGUE)];
	const char *slash = strrchr(exe, '/');
	int n = slash == NULL ? 0 : (int)(slash - exe);

	snprintf(dir, sizeof(dir), "%.*s/src/po", n, exe);
	snprintf(file, sizeof(file), "%s/" CMD_CATALOGUE, dir);
	bindtextdomain("yizhan", access(file, R_OK) == 0 ? dir : LOCALEDIR);
	bind_textdomain_codeset("yizhan", "UTF-8");
	textdomain("yizhan");
}

static void
speak(const char *exe)
{
	/* What we print is UTF-8, so what libc says must be too. */
	if (setlocale(LC_CTYPE, "") == NULL)
		setlocale(LC_CTYPE, "C.UTF-8");
	/* A bare Debian has no zh_CN; the catalogue is ours, and glibc reads
	 * it in any locale but C. */
	if (setlocale(LC_MESSAGES, "") == NULL && cmd_chinese() &&
	    setlocale(LC_MESSAGES, "C.UTF-8") != NULL)
		setenv("LANGUAGE", "zh_CN", 0);
	find_catalogue(exe);
}

static bool
is_among(const char *name, const char *const v[], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(name, v[i]) == 0)
			return true;
	return false;
}

/*
 * What root runs would leave files of root's in HOME, which the station's own
 * user could then not write: go on as that user.  These see to it themselves,
 * after what they do as root.
 */
static int
step_down(const struct cmd *cmd)
{
	static const char *const others[] = {
	    "demo", "doctor", "join", "restore"};
	static const char *const listen[] = {"peer", "serve", "sync"};
	static const char *const make[] = {"init", "join", "restore"};
	struct err err;

	if (is_among(cmd->name, make, sizeof(make) / sizeof(make[0])) &&
	    cmd_house(cmd, &err) != 0)
		return cmd_fail(cmd, &err);
	if (is_among(cmd->name, others, sizeof(others) / sizeof(others[0])))
		return 0;
	if (cmd_become_owner(cmd, &err) != 0)
		return cmd_fail(cmd, &err);
	if (is_among(cmd->name, listen, sizeof(listen) / sizeof(listen[0])) &&
	    caller_forget(&err) != 0)
		return cmd_fail(cmd, &err);
	return 0;
}

int
main(int argc, char **argv)
{
	static char exe[PATH_MAX];
	struct cmd cmd = {.home = HOME_DEFAULT, .exe = exe};
	ssize_t n;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	speak(exe);
	cmd_speak(&cmd);
	cmd.who = cmd_operator();

	if (argc == 2 && strcmp(argv[1], "-C") == 0) {
		fprintf(stderr,
		    _("yizhan: -C wants a folder: yizhan -C HOME COMMAND\n"));
		return CMD_USAGE;
	}
	if (argc >= 3 && strcmp(argv[1], "-C") == 0) {
		cmd.home = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 2) {
		usage(stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return CMD_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts(PACKAGE_STRING);
		return CMD_DONE;
	}
	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		cmd.name = commands[i].name;
		if (argc == 3 && strcmp(argv[2], "--help") == 0) {
			usage_of(stdout, cmd.name);
			return CMD_DONE;
		}
		if (step_down(&cmd) != 0)
			return CMD_FAILED;
		argc--;
		argv++;
		cmd.clock_is_right =
		    cmd_option(&argc, argv, "--clock-is-right", NULL) == 1;
		return commands[i].run(&cmd, argc, argv);
	}
	fprintf(stderr,
	    _("yizhan: there is no command %s: yizhan --help names them\n"),
	    argv[1]);
	return CMD_USAGE;
}
