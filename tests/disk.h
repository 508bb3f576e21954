/*
 * What commands did to a folder, one call after another, as strace saw it:
 * for tests that ask what a power cut would have left of it (crash.h).
 *
 *	strace -f -y -xx -s 99999999 -A -o LOG -e trace=DISK_CALLS COMMAND...
 *
 * Inodes are counted; a name is an entry of a folder's inode.  Paths are
 * absolute.  A call that is not understood and touches the folder stops the
 * test: what it did would be missing.
 */
#ifndef TEST_DISK_H
#define TEST_DISK_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"

#define DISK_CALLS \
	"openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,lseek," \
	"fsync,fdatasync,syncfs,sync_file_range,ftruncate,truncate,fallocate," \
	"rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir," \
	"mkdirat,rmdir,symlink,copy_file_range,sendfile"
#define DISK_FDS 256

enum disk_kind {
	DISK_WRITE,    /* node: data at at */
	DISK_SIZE,     /* node: at bytes long */
	DISK_SYNC,     /* node: what was written, and its size */
	DISK_ENTER,    /* name in folder dir is node */
	DISK_LEAVE,    /* name in folder dir is gone */
	DISK_MOVE,     /* node: from name in dir to to_name in to_dir */
	DISK_SYNC_DIR, /* node, a folder: its entries */
	DISK_EXIT      /* a command ended with 0 */
};

struct disk_op {
	enum disk_kind kind;
	int node, dir, to_dir;
	char *name, *to_name;
	int64_t at;
	char *data;
	size_t len;
};

struct disk_node {
	bool folder;
	char *base;       /* where its bytes were before, or NULL */
	struct buf bytes; /* those, once read */
	bool read, touched;
};

struct disk_entry {
	int dir, node;
	char *name;
};

struct disk {
	char *root; /* absolute; node 0 */
	struct disk_node *nodes;
	size_t n_nodes;
	struct disk_entry *before, *now; /* entries at first, and as traced */
	size_t n_before, n_now;
	struct disk_op *ops;
	size_t n_ops;
	int64_t pos[DISK_FDS]; /* of each open file: one process at a time */
};

static inline void
disk_stop(const char *what, const char *line)
{
	printf("Bail out! %s: %.300s\n", what, line);
	exit(1);
}

static inline int
disk_node_new(struct disk *d, bool folder, const char *base)
{
	struct disk_node *n;

	d->nodes = mem_realloc(d->nodes, (d->n_nodes + 1) * sizeof(*d->nodes));
	n = &d->nodes[d->n_nodes];
	memset(n, 0, sizeof(*n));
	n->folder = folder;
	n->base = base == NULL ? NULL : mem_strdup(base);
	return (int)d->n_nodes++;
}

/* --- names ------------------------------------------------------------------
 */

static inline struct disk_entry *
disk_find(struct disk_entry *at, size_t n, int dir, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (at[i].dir == dir && strcmp(at[i].name, name) == 0)
			return &at[i];
	return NULL;
}

static inline void
disk_enter(
    struct disk_entry **at, size_t *n, int dir, const char *name, int node)
{
	struct disk_entry *e = disk_find(*at, *n, dir, name);

	if (e == NULL) {
		*at = mem_realloc(*at, (*n + 1) * sizeof(**at));
		e = &(*at)[(*n)++];
		e->dir = dir;
		e->name = mem_strdup(name);
	}
	e->node = node;
}

static inline void
disk_leave(struct disk_entry *at, size_t *n, int dir, const char *name)
{
	struct disk_entry *e = disk_find(at, *n, dir, name);

	if (e == NULL)
		return;
	free(e->name);
	*e = at[--*n];
}

/* The folder that path lies in, -1 when outside, and the last name. */
static inline int
disk_parent(struct disk *d, const char *path, char name[256])
{
	size_t len = strlen(d->root);
	char part[256];
	int dir = 0;

	if (strncmp(path, d->root, len) != 0 || path[len] != '/')
		return -1;
	for (path += len + 1;; path += len + 1) {
		struct disk_entry *e;

		len = strcspn(path, "/");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		if (path[len] == '\0') {
			memcpy(name, part, sizeof(part));
			return dir;
		}
		e = disk_find(d->now, d->n_now, dir, part);
		if (e == NULL)
			return -1;
		dir = e->node;
	}
}

/* -1: nothing of that name. */
static inline int
disk_lookup(struct disk *d, const char *path)
{
	struct disk_entry *e = NULL;
	char name[256];
	int dir;

	if (strcmp(path, d->root) == 0)
		return 0;
	dir = disk_parent(d, path, name);
	if (dir >= 0)
		e = disk_find(d->now, d->n_now, dir, name);
	return e == NULL ? -1 : e->node;
}

static inline void
disk_read_folder(struct disk *d, int dir, const char *base)
{
	DIR *stream = opendir(base);
	struct dirent *e;

	if (stream == NULL)
		disk_stop("opendir", base);
	while ((e = readdir(stream)) != NULL) {
		char *path = mem_printf("%s/%s", base, e->d_name);
		struct stat st;
		int node;

		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && lstat(path, &st) == 0) {
			node = disk_node_new(d, S_ISDIR(st.st_mode), path);
			disk_enter(
			    &d->before, &d->n_before, dir, e->d_name, node);
			disk_enter(&d->now, &d->n_now, dir, e->d_name, node);
			if (S_ISDIR(st.st_mode))
				disk_read_folder(d, node, path);
		}
		free(path);
	}
	closedir(stream);
}

/* base: a copy of root as it was before the commands, all of it on disk. */
static inline void
disk_open(struct disk *d, const char *root, const char *base)
{
	memset(d, 0, sizeof(*d));
	d->root = mem_strdup(root);
	disk_read_folder(d, disk_node_new(d, true, base), base);
}

/* --- what strace wrote -------------------------------------------------------
 */

struct disk_call {
	char name[32];
	int n;
	struct {
		struct buf text; /* a string's bytes, or the rest's words */
		char *path;      /* of a descriptor, or NULL */
	} args[8];
	int64_t ret;
	char *ret_path;
};

static inline void
disk_call_free(struct disk_call *c)
{
	int i;

	for (i = 0; i < 8; i++) {
		buf_free(&c->args[i].text);
		free(c->args[i].path);
	}
	free(c->ret_path);
}

static inline int
disk_hex(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The bytes of "\x2f\x74..." at *p, which moves behind them. */
static inline void
disk_bytes(struct buf *out, const char **p)
{
	for (; (*p)[0] == '\\' && (*p)[1] == 'x'; *p += 4)
		buf_putc(
		    out, (char)(disk_hex((*p)[2]) << 4 | disk_hex((*p)[3])));
}

static inline char *
disk_path_in(const char **p) /* "<PATH>" */
{
	struct buf path = BUF_INIT;

	(*p)++;
	disk_bytes(&path, p);
	*p += strcspn(*p, ">");
	*p += **p == '>';
	return buf_take(&path);
}

/* False: no call that came back well. */
static inline bool
disk_call_parse(struct disk_call *c, const char *line)
{
	const char *p = line + strspn(line, "0123456789 ");
	size_t len = strcspn(p, "(");

	memset(c, 0, sizeof(*c));
	if (strstr(p, "<unfinished") != NULL || strstr(p, "resumed>") != NULL)
		disk_stop("two at once", line);
	if (p[len] == '\0' || len >= sizeof(c->name))
		return false;
	memcpy(c->name, p, len);
	for (p += len + 1; *p != ')' && *p != '\0'; p += strspn(p, ", ")) {
		struct buf *text = &c->args[c->n].text;

		if (c->n == 8)
			disk_stop("arguments", line);
		if (*p == '"') {
			p++;
			disk_bytes(text, &p);
			if (*p++ != '"')
				disk_stop("a string", line);
		} else {
			for (; strchr(",)<", *p) == NULL; p++)
				buf_putc(text, *p);
			if (*p == '<')
				c->args[c->n].path = disk_path_in(&p);
		}
		c->n++;
	}
	p += strcspn(p, "=");
	if (*p != '=')
		disk_stop("no result", line);
	c->ret = strtoll(p + 1, (char **)&p, 10);
	if (*p == '<')
		c->ret_path = disk_path_in(&p);
	return c->ret >= 0;
}

static inline struct disk_op *
disk_op_new(struct disk *d, enum disk_kind kind, int node)
{
	struct disk_op *op;

	d->ops = mem_realloc(d->ops, (d->n_ops + 1) * sizeof(*d->ops));
	op = &d->ops[d->n_ops++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->node = node;
	return op;
}

static inline int64_t
disk_number(const struct disk_call *c, int arg)
{
	return strtoll(buf_str((struct buf *)&c->args[arg].text), NULL, 0);
}

static inline void
disk_create(struct disk *d, const char *path, bool folder)
{
	struct disk_op *op;
	char name[256];
	int dir = disk_parent(d, path, name);

	if (dir < 0)
		return;
	op = disk_op_new(d, DISK_ENTER, disk_node_new(d, folder, NULL));
	op->dir = dir;
	op->name = mem_strdup(name);
	disk_enter(&d->now, &d->n_now, dir, name, op->node);
}

static inline void
disk_link(struct disk *d, const char *from, const char *to)
{
	int node = disk_lookup(d, from), dir;
	struct disk_op *op;
	char name[256];

	dir = disk_parent(d, to, name);
	if (node < 0 || dir < 0)
		return;
	op = disk_op_new(d, DISK_ENTER, node);
	op->dir = dir;
	op->name = mem_strdup(name);
	disk_enter(&d->now, &d->n_now, dir, name, node);
}

static inline void
disk_unlink(struct disk *d, const char *path)
{
	struct disk_op *op;
	char name[256];
	int dir = disk_parent(d, path, name);

	if (dir < 0)
		return;
	op = disk_op_new(d, DISK_LEAVE, -1);
	op->dir = dir;
	op->name = mem_strdup(name);
	disk_leave(d->now, &d->n_now, dir, name);
}

static inline void
disk_rename(struct disk *d, const char *from, const char *to)
{
	int node = disk_lookup(d, from), dir, to_dir;
	char name[256], to_name[256];
	struct disk_op *op;

	dir = disk_parent(d, from, name);
	to_dir = disk_parent(d, to, to_name);
	if (dir < 0 && to_dir < 0)
		return;
	if (node < 0 || dir < 0 || to_dir < 0)
		disk_stop("moved over the edge", from);
	op = disk_op_new(d, DISK_MOVE, node);
	op->dir = dir;
	op->name = mem_strdup(name);
	op->to_dir = to_dir;
	op->to_name = mem_strdup(to_name);
	disk_leave(d->now, &d->n_now, dir, name);
	disk_enter(&d->now, &d->n_now, to_dir, to_name, node);
}

static inline void
disk_write(struct disk *d, struct disk_call *c, int node, int64_t at)
{
	struct disk_op *op = disk_op_new(d, DISK_WRITE, node);

	op->at = at;
	op->len = (size_t)c->ret;
	if (c->args[1].text.len < op->len)
		disk_stop("strace cut a string", c->args[0].path);
	op->data = mem_alloc(op->len + 1);
	memcpy(op->data, c->args[1].text.b, op->len);
	d->nodes[node].touched = true;
}

static inline void
disk_opened(struct disk *d, struct disk_call *c)
{
	const char *path = buf_str(&c->args[1].text);
	const char *flags = buf_str(&c->args[2].text);
	int node = disk_lookup(d, path);

	if (c->ret < DISK_FDS)
		d->pos[c->ret] = 0;
	if (node < 0 && strstr(flags, "O_CREAT") != NULL)
		disk_create(d, path, false);
	if (node >= 0 && strstr(flags, "O_TRUNC") != NULL) {
		disk_op_new(d, DISK_SIZE, node);
		d->nodes[node].touched = true;
	}
	if (strstr(flags, "O_APPEND") != NULL && disk_lookup(d, path) >= 0)
		disk_stop("appends", path);
}

/* A call with a descriptor of a file in the folder. */
static inline void
disk_on_file(struct disk *d, struct disk_call *c, int node, const char *line)
{
	int64_t fd = disk_number(c, 0), *pos = &d->pos[fd % DISK_FDS];

	if (strcmp(c->name, "write") == 0) {
		disk_write(d, c, node, *pos);
		*pos += c->ret;
	} else if (strcmp(c->name, "pwrite64") == 0) {
		disk_write(d, c, node, disk_number(c, 3));
	} else if (strcmp(c->name, "lseek") == 0) {
		*pos = c->ret;
	} else if (strcmp(c->name, "ftruncate") == 0) {
		disk_op_new(d, DISK_SIZE, node)->at = disk_number(c, 1);
		d->nodes[node].touched = true;
	} else if (strcmp(c->name, "fsync") == 0 ||
		   strcmp(c->name, "fdatasync") == 0) {
		disk_op_new(
		    d, d->nodes[node].folder ? DISK_SYNC_DIR : DISK_SYNC, node);
	} else {
		disk_stop("not understood", line);
	}
}

static inline void
disk_call(struct disk *d, struct disk_call *c, const char *line)
{
	const char *path = c->args[0].path;

	if (strcmp(c->name, "openat") == 0) {
		disk_opened(d, c);
	} else if (path != NULL && c->args[0].text.len > 0 &&
		   strncmp(buf_str(&c->args[0].text), "AT_", 3) != 0) {
		int node = disk_lookup(d, path);

		/* What maps SQLite's log is made anew after a crash. */
		if (node >= 0)
			disk_on_file(d, c, node, line);
	} else if (strcmp(c->name, "rename") == 0) {
		disk_rename(
		    d, buf_str(&c->args[0].text), buf_str(&c->args[1].text));
	} else if (strcmp(c->name, "link") == 0) {
		disk_link(
		    d, buf_str(&c->args[0].text), buf_str(&c->args[1].text));
	} else if (strcmp(c->name, "unlink") == 0 ||
		   strcmp(c->name, "rmdir") == 0) {
		disk_unlink(d, buf_str(&c->args[0].text));
	} else if (strcmp(c->name, "mkdir") == 0) {
		disk_create(d, buf_str(&c->args[0].text), true);
	} else if (strcmp(c->name, "unlinkat") == 0 &&
		   c->args[1].text.len > 0 && c->args[1].text.b[0] == '/') {
		disk_unlink(d, buf_str(&c->args[1].text));
	} else if (strstr(line, "/home/") != NULL) {
		disk_stop("not understood", line);
	}
}

static inline void
disk_trace(struct disk *d, const char *log)
{
	FILE *f = fopen(log, "r");
	char *line = NULL;
	size_t cap = 0;
	int pid = 0; /* of the command; others are its children */

	if (f == NULL)
		disk_stop("no trace", log);
	while (getline(&line, &cap, f) > 0) {
		struct disk_call c;

		if (pid == 0)
			pid = atoi(line);
		if (strstr(line, "+++ exited with 0 +++") != NULL) {
			if (atoi(line) == pid) {
				disk_op_new(d, DISK_EXIT, -1);
				pid = 0;
			}
		} else if (strstr(line, "+++") != NULL)
			disk_stop("ended otherwise", line);
		else if (strstr(line, "---") == NULL) {
			if (disk_call_parse(&c, line))
				disk_call(d, &c, line);
			disk_call_free(&c);
		}
	}
	free(line);
	fclose(f);
}

static inline void
disk_close(struct disk *d)
{
	size_t i;

	for (i = 0; i < d->n_nodes; i++) {
		free(d->nodes[i].base);
		buf_free(&d->nodes[i].bytes);
	}
	while (d->n_before > 0)
		free(d->before[--d->n_before].name);
	while (d->n_now > 0)
		free(d->now[--d->n_now].name);
	for (i = 0; i < d->n_ops; i++) {
		free(d->ops[i].name);
		free(d->ops[i].to_name);
		free(d->ops[i].data);
	}
	free(d->nodes);
	free(d->before);
	free(d->now);
	free(d->ops);
	free(d->root);
}

#endif
