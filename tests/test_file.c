/*
 * Goal of this test: a file is wholly old or wholly new, bounds hold, and a
 * lock keeps the second comer out.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/folder.h"
#include "tap.h"

static void
write_and_read(void)
{
	struct buf out = BUF_INIT;
	struct stat st;
	struct err err;

	is_int(file_write("key", "secret", 6, 0600, &err), 0, "write a key");
	is_int(file_write("key", "second", 6, 0600, &err), 0, "replace it");
	ok(stat("key", &st) == 0 && (st.st_mode & 07777) == 0600,
	    "it has the mode asked for");
	is_int(file_read(&out, "key", 6, &err), 0, "read it");
	is_str(buf_str(&out), "second", "the new bytes are there");
	is_int(file_read(&out, "key", 5, &err), YZ_EINVAL,
	    "a file over the bound is refused");
	is_str(err.msg, "key is over 5 bytes", "and the bound is named");
	is_int(file_read(&out, "absent", 5, &err), YZ_ENOTFOUND,
	    "an absent file is told apart");
	is_int(file_read(&out, "key/x", 5, &err), YZ_ENOTFOUND,
	    "also below a file");
	is_int(file_read(&out, ".", 5, &err), YZ_EIO, "a folder is no file");
	is_int(file_write("no/key", "x", 1, 0600, &err), YZ_EIO,
	    "no folder, no file");
	buf_free(&out);
	ok(mkdir("taken", 0700) == 0 &&
		file_write("taken", "x", 1, 0600, &err) == YZ_EIO,
	    "a folder is not replaced");
	is_int(system("test \"$(ls)\" = \"$(printf 'key\\ntaken')\""), 0,
	    "no temporary file is left behind");
}

static void
new_names(void)
{
	struct buf text = BUF_INIT;
	struct err err;

	ok(file_write("one", "1", 1, 0600, &err) == 0 &&
		file_write("two", "2", 1, 0600, &err) == 0 &&
		file_rename_new("one", "two", &err) == YZ_ECONFLICT,
	    "a file is not put over another: %s", err.msg);
	ok(file_read(&text, "two", 9, &err) == 0 && text.len == 1 &&
		text.b[0] == '2' && file_exists("one"),
	    "both are as they were");
	buf_free(&text);
	is_int(file_rename_new("one", "three", &err), 0, "a new name is taken");
	ok(file_exists("three") && !file_exists("one"), "for the old one");
	is_int(file_rename_new("one", "four", &err), YZ_EIO,
	    "what is not there cannot be moved");
	if (unlink("two") != 0 || unlink("three") != 0)
		abort();
}

static void
folders(void)
{
	struct err err;

	is_int(file_mkdir("a/b//c/", 0700, &err), 0, "make a path");
	ok(file_exists("a/b/c"), "it is there");
	is_int(file_mkdir("a/b", 0700, &err), 0, "again is no error");
	is_int(file_mkdir("key/d", 0700, &err), YZ_EIO, "a file is no folder");
	is_int(err.sys, ENOTDIR, "and the system's reason is kept");
	is_int(file_mkdir("", 0700, &err), YZ_EIO, "no name, no folder");
}

static void
locks(void)
{
	int one, two;
	struct err err;

	is_int(file_lock(&one, "lock", false, &err), 0, "take a lock");
	is_int(file_lock(&two, "lock", false, &err), YZ_ECONFLICT,
	    "the second comer is told");
	close(one);
	is_int(file_lock(&two, "lock", true, &err), 0, "closing lets go");
	close(two);
}

/* --- a writer that is killed -----------------------------------------------
 */

static int
say_and_wait(void *arg, struct buf *out, int fd, struct err *err)
{
	(void)out;
	(void)fd;
	(void)err;
	if (write(*(int *)arg, "", 1) == 1)
		for (;;)
			pause();
	return -1;
}

/* The process that writes it, when it has begun. */
static pid_t
writer(const char *path)
{
	int ends[2];
	struct err err;
	char byte;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		(void)file_write_with(path, 0600, say_and_wait, &ends[1], &err);
		_exit(1);
	}
	if (read(ends[0], &byte, 1) != 1)
		abort();
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static int
count(void *arg, const char *name, int64_t size, int64_t mtime, struct err *err)
{
	(void)name;
	(void)size;
	(void)mtime;
	(void)err;
	++*(int *)arg;
	return 0;
}

static int
files_in(const char *path)
{
	struct err err;
	int n = 0;

	return folder_walk(path, count, &n, &err) == 0 ? n : -1;
}

static void
killed(void)
{
	static const char *const own[] = {"s/pins.backup", "s/in/audit.new-1",
	    "s/.new-AbCdEf.lock", "s/audit.lock", "s/in/pins.new-AbCd-f.lock"};
	pid_t dead, lives;
	struct err err;
	size_t i;

	is_int(file_mkdir("s/in", 0700, &err), 0, "a folder in a folder");
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		is_int(file_write(own[i], "x", 1, 0600, &err), 0, "somebody's");
	dead = writer("s/in/pins");
	lives = writer("s/in/pins");
	is_int(files_in("s"), 7, "and of two who write one, a file each");
	if (kill(dead, SIGKILL) != 0 || waitpid(dead, NULL, 0) != dead)
		abort();
	folder_sweep("s");
	is_int(files_in("s"), 6, "that of who was killed is swept away");
	folder_sweep("s");
	is_int(files_in("s"), 6, "not that of who lives");
	if (kill(lives, SIGKILL) != 0 || waitpid(lives, NULL, 0) != lives)
		abort();
	folder_sweep("s");
	is_int(files_in("s"), 5, "until he is dead, too");
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		ok(file_exists(own[i]), "somebody's stays: %s", own[i]);
	is_int(folder_remove("s", &err), 0, "away with it all");
}

int
main(void)
{
	char dir[] = "/tmp/test_file.XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		return 1;
	write_and_read();
	new_names();
	folders();
	locks();
	killed();
	if (unlink("key") != 0 || unlink("lock") != 0 || rmdir("taken") != 0 ||
	    rmdir("a/b/c") != 0 || rmdir("a/b") != 0 || rmdir("a") != 0 ||
	    rmdir(dir) != 0)
		ok(0, "the folder is as expected and can be removed");
	return tap_done();
}
