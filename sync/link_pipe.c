#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "link_pipe.h"

struct link_pipe {
	struct link link;
	int in, out;
};

static int
pipe_read(struct link *link, void *data, size_t max, size_t *n, bool *end,
    struct err *err)
{
	struct link_pipe *p = (struct link_pipe *)link;
	ssize_t got = read(p->in, data, max);

	*n = got > 0 ? (size_t)got : 0;
	*end = got == 0;
	if (got >= 0 || errno == EAGAIN || errno == EINTR)
		return 0;
	return err_set(err, YZ_EPEER, "the link broke");
}

static int
pipe_write(
    struct link *link, const void *data, size_t max, size_t *n, struct err *err)
{
	struct link_pipe *p = (struct link_pipe *)link;
	ssize_t put = write(p->out, data, max);

	*n = put > 0 ? (size_t)put : 0;
	if (put >= 0 || errno == EAGAIN || errno == EINTR)
		return 0;
	return err_set(err, YZ_EPEER, "the link broke");
}

static void
pipe_wait(struct link *link, bool want, int ms)
{
	struct link_pipe *p = (struct link_pipe *)link;
	struct pollfd fds[2] = {
	    {.fd = p->in, .events = POLLIN},
	    {.fd = want ? p->out : -1, .events = POLLOUT},
	};

	(void)poll(fds, 2, ms);
}

static void
pipe_close(struct link *link)
{
	struct link_pipe *p = (struct link_pipe *)link;

	close(p->in);
	if (p->out != p->in)
		close(p->out);
	free(p);
}

static int
nonblocking(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, "file descriptor %d", fd);
	return 0;
}

int
link_pipe_open(struct link **out, int in, int fd_out, struct err *err)
{
	struct link_pipe *p;
	int rc;

	rc = nonblocking(in, err);
	if (rc == 0)
		rc = nonblocking(fd_out, err);
	if (rc != 0)
		return rc;
	/* A reader that is gone is an error of write(), not a signal. */
	signal(SIGPIPE, SIG_IGN);
	p = mem_calloc(1, sizeof(*p));
	p->link = (struct link){pipe_read, pipe_write, pipe_wait, pipe_close};
	p->in = in;
	p->out = fd_out;
	*out = &p->link;
	return 0;
}
