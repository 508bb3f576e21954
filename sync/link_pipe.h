/* A link over two file descriptors: standard input and output, or a pipe. */
#ifndef SYNC_LINK_PIPE_H
#define SYNC_LINK_PIPE_H

#include "link.h"

/* Both become non-blocking, and are the link's to close. */
int link_pipe_open(struct link **out, int in, int fd_out, struct err *err);

#endif
