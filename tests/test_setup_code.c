/*
 * Goal of this test: the set-up code opens a new machine to who was told it,
 * however it is typed, and to nobody who guesses: not from one address, not
 * from many, and no guesser keeps the machine's own administrator out.
 */
#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/folder.h"
#include "tap.h"
#include "web/setup_code.h"

#define GUESSES 10000

static struct err err;

static int
try_code(struct setup_code *c, const char *home, const char *text,
    const char *peer, int64_t now)
{
	return setup_code_check(c, home, text, peer, now, &err);
}

static void
typed(const char *home, const char *code)
{
	struct setup_code *c = setup_code_new();
	char other[32];
	size_t i, n = 0;

	is_int(try_code(c, home, code, "127.0.0.1", 1), 0,
	    "the code as it is printed lets in");
	for (i = 0; code[i] != '\0'; i++)
		if (code[i] != '-')
			other[n++] = code[i];
	other[n] = '\0';
	is_int(try_code(c, home, other, "127.0.0.1", 1), 0,
	    "so do its digits alone");
	other[n - 1] = '\0';
	is_int(try_code(c, home, other, "127.0.0.1", 1), YZ_EDENIED,
	    "all but the last do not");
	other[n - 1] = 'x';
	is_int(try_code(c, home, other, "127.0.0.1", 1), YZ_EDENIED,
	    "nor with a letter");
	is_int(try_code(c, home, "", "127.0.0.1", 1), YZ_EDENIED,
	    "nor does nothing");
	setup_code_free(c);
}

static void
guessed(const char *home, const char *code)
{
	struct setup_code *c = setup_code_new();
	const int64_t later = SETUP_CODE_SHUT_MS + 10;
	char peer[64], guess[SETUP_CODE_LEN + 1];
	int i, looked = 0;

	for (i = 0; i < SETUP_CODE_TRIES; i++)
		try_code(c, home, "0000-0000-0000-0000", "10.0.0.9", 5);
	is_int(try_code(c, home, code, "10.0.0.9", 6), YZ_EDENIED,
	    "after five wrong ones from an address not even the right one");
	is_int(try_code(c, home, code, "10.0.0.8", 6), 0,
	    "while another address gets in");
	is_int(try_code(c, home, code, "10.0.0.9", later), 0,
	    "and the first one after a quarter of an hour");
	setup_code_free(c);

	/* Each from an address of its own, as in an IPv6 network. */
	c = setup_code_new();
	for (i = 0; i < GUESSES; i++) {
		snprintf(peer, sizeof(peer), "fd00::%x", i);
		snprintf(guess, sizeof(guess), "0000-0000-0000-%04d", i);
		try_code(c, home, guess, peer, 5);
		looked += strstr(err.msg, "too many") == NULL;
	}
	is_int(looked, SETUP_CODE_TRIES_ALL,
	    "of %d guesses from as many addresses 20 are looked at", GUESSES);
	is_int(try_code(c, home, code, "fd00::ffff:1", 6), YZ_EDENIED,
	    "then the whole network is shut out");
	is_int(try_code(c, home, code, "127.0.0.1", 6), 0,
	    "but not who sits at the machine");
	is_int(try_code(c, home, code, "fd00::ffff:1", later), 0,
	    "and not for ever");
	setup_code_free(c);
}

int
main(void)
{
	char home[] = "/tmp/yizhan-test.XXXXXX", path[64];
	char code[SETUP_CODE_LEN + 1], again[SETUP_CODE_LEN + 1];
	struct stat st;

	if (mkdtemp(home) == NULL)
		return 1;
	is_int(setup_code_get(code, home, &err), 0, "a code is made");
	is_int(setup_code_get(again, home, &err), 0, "and read again");
	is_str(again, code, "it is the same");
	snprintf(path, sizeof(path), "%s/setup/code", home);
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "which nobody else can read");
	typed(home, code);
	guessed(home, code);
	is_int(folder_remove(home, &err), 0, "the folder is removed");
	return tap_done();
}
