/*
 * For tests: a command whose N-th system call of a name does not come about,
 * counted over all its threads and processes together.
 *
 *	nth_call HIT CALL N kill|ENOSPC|EIO COMMAND...
 *
 * The caller is killed before it, or is told that it failed.  HIT, a file, is
 * made when that happened.  Exits as COMMAND did, 128 + signal if by one.
 *
 * strace -e inject can do this too, but stops at every call of the command;
 * with --seccomp-bpf it stops only at those asked for, but then the signal of
 * an injection is lost (6.1), and it counts each thread's calls by themselves.
 * Here a filter asks this process about that one call; all else runs at its
 * own speed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name;
	int number;
} calls[] = {{"fallocate", SYS_fallocate}, {"fdatasync", SYS_fdatasync},
    {"fsync", SYS_fsync}, {"ftruncate", SYS_ftruncate},
#ifdef SYS_rename /* elsewhere there are only those with "at" */
    {"link", SYS_link}, {"mkdir", SYS_mkdir}, {"rename", SYS_rename},
    {"rmdir", SYS_rmdir}, {"unlink", SYS_unlink},
#endif
    {"openat", SYS_openat}, {"pwrite64", SYS_pwrite64},
    {"renameat2", SYS_renameat2}, {"syncfs", SYS_syncfs},
    {"truncate", SYS_truncate}, {"unlinkat", SYS_unlinkat},
    {"write", SYS_write}};

static int
call_number(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return -1;
}

/* The command's process.  It shares our descriptors until it executes, so the
 * filter's is ours by its number. */
static void
command_run(char **argv, int number, int to)
{
	struct sock_filter code[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {
	    .len = sizeof(code) / sizeof(code[0]), .filter = code};
	int fd = -1;

	/* Once we were asked only a kill interrupts: no call counts twice. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_NEW_LISTENER |
			SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		    &filter);
	if (send(to, &fd, sizeof(fd), 0) == sizeof(fd) && fd >= 0)
		execvp(argv[0], argv);
	_exit(127);
}

/* Answers for each call until no process is left to ask. */
static void
calls_answer(int fd, long nth, int error, const char *hit)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct seccomp_notif_resp answer;
	struct seccomp_notif asked;
	long n = 0;

	while (poll(&ready, 1, -1) == 1 && (ready.revents & POLLIN) != 0) {
		memset(&asked, 0, sizeof(asked));
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
			continue; /* it died meanwhile */
		answer = (struct seccomp_notif_resp){
		    .id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		if (++n == nth) {
			close(open(hit, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
			if (error == 0)
				kill((pid_t)asked.pid, SIGKILL);
			else
				answer = (struct seccomp_notif_resp){
				    .id = asked.id, .error = -error};
		}
		if (n != nth || error != 0)
			ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

int
main(int argc, char **argv)
{
	int number, error, status, fd = -1, pair[2];
	pid_t pid;

	number = argc > 5 ? call_number(argv[2]) : -1;
	error = argc <= 5                        ? -1
		: strcmp(argv[4], "kill") == 0   ? 0
		: strcmp(argv[4], "ENOSPC") == 0 ? ENOSPC
		: strcmp(argv[4], "EIO") == 0    ? EIO
						 : -1;
	if (number < 0 || error < 0) {
		fprintf(stderr, "usage: nth_call HIT CALL N kill|ENOSPC|EIO "
				"COMMAND...\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return 2;
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		command_run(argv + 5, number, pair[1]);
	if (pid < 0 || recv(pair[0], &fd, sizeof(fd), 0) != sizeof(fd) ||
	    fd < 0) {
		perror("nth_call: no filter");
		return 2;
	}
	calls_answer(fd, strtol(argv[3], NULL, 10), error, argv[1]);
	if (waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
