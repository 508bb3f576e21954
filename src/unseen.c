#include "config.h"

#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "unseen.h"

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDS (sizeof(ends) / sizeof(ends[0]))

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
	stopped = sig;
}

bool
unseen_line(char *out, int max, FILE *terminal, const char *prompt)
{
	/* Without SA_RESTART: reading ends. */
	struct sigaction by = {.sa_handler = stop}, before[ENDS];
	struct termios was, quiet;
	int fd = fileno(terminal);
	bool got;
	size_t i;

	if (tcgetattr(fd, &was) != 0)
		return false;
	stopped = 0;
	for (i = 0; i < ENDS; i++)
		sigaction(ends[i], &by, &before[i]);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	fputs(prompt, stderr);
	got = fgets(out, max, terminal) != NULL;
	tcsetattr(fd, TCSAFLUSH, &was);
	fputc('\n', stderr);
	for (i = 0; i < ENDS; i++)
		sigaction(ends[i], &before[i], NULL);
	if (stopped != 0)
		raise(stopped);
	if (got)
		out[strcspn(out, "\n")] = '\0';
	return got;
}
