#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "guard.h"
#include "setup_code.h"

#define DIGITS 16
#define CODES 10000000000000000ull /* 10^DIGITS */
#define GUESSERS 64                /* addresses kept apart */

static int
make(char out[SETUP_CODE_LEN + 1], const char *home, const char *path,
    struct err *err)
{
	char *folder = mem_printf("%s/setup", home);
	char digits[DIGITS + 1];
	uint64_t n;
	int rc;

	digest_random(&n, sizeof(n));
	snprintf(digits, sizeof(digits), "%0*llu", DIGITS,
	    (unsigned long long)(n % CODES));
	snprintf(out, SETUP_CODE_LEN + 1, "%.4s-%.4s-%.4s-%.4s", digits,
	    digits + 4, digits + 8, digits + 12);
	rc = file_mkdir(folder, 0700, err);
	if (rc == 0)
		rc = file_write(path, out, SETUP_CODE_LEN, 0600, err);
	free(folder);
	return rc;
}

int
setup_code_get(char out[SETUP_CODE_LEN + 1], const char *home, struct err *err)
{
	char *path = mem_printf("%s/setup/code", home);
	struct buf text = BUF_INIT;
	int rc;

	rc = file_read(&text, path, SETUP_CODE_LEN, err);
	if (rc == YZ_ENOTFOUND)
		rc = make(out, home, path, err);
	else if (rc == 0 && text.len != SETUP_CODE_LEN)
		rc = err_set(err, YZ_ECORRUPT, "%s is damaged", path);
	else if (rc == 0)
		memcpy(out, buf_str(&text), SETUP_CODE_LEN + 1);
	buf_free(&text);
	free(path);
	return rc;
}

struct guesser {
	char peer[64];
	int wrong;
	int64_t last;
};

struct setup_code {
	pthread_mutex_t lock;
	struct guesser v[GUESSERS];
	struct guesser all; /* of the network */
};

struct setup_code *
setup_code_new(void)
{
	struct setup_code *c = mem_calloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
setup_code_free(struct setup_code *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Its place, or that of who has been silent longest. */
static struct guesser *
find(struct setup_code *c, const char *peer)
{
	struct guesser *oldest = &c->v[0];
	size_t i;

	for (i = 0; i < GUESSERS; i++) {
		if (strcmp(c->v[i].peer, peer) == 0)
			return &c->v[i];
		if (c->v[i].last < oldest->last)
			oldest = &c->v[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	snprintf(oldest->peer, sizeof(oldest->peer), "%s", peer);
	return oldest;
}

static bool
is_shut(struct guesser *g, int most, int64_t now)
{
	if (g->wrong > 0 && now - g->last >= SETUP_CODE_SHUT_MS)
		g->wrong = 0;
	return g->wrong >= most;
}

static bool
is_right(const char *code, const char *text)
{
	char typed[SETUP_CODE_LEN + 1];
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9') {
			if (strchr(" -", *text) == NULL)
				return false;
			continue;
		}
		if (n >= SETUP_CODE_LEN)
			return false;
		if (n % 5 == 4)
			typed[n++] = '-';
		typed[n++] = *text;
	}
	typed[n] = '\0';
	return guard_same(typed, code);
}

int
setup_code_check(struct setup_code *c, const char *home, const char *text,
    const char *peer, int64_t now, struct err *err)
{
	bool here = strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0;
	char code[SETUP_CODE_LEN + 1];
	struct guesser *g;
	int rc;

	rc = setup_code_get(code, home, err);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&c->lock);
	g = find(c, peer);
	if (is_shut(g, SETUP_CODE_TRIES, now) ||
	    (!here && is_shut(&c->all, SETUP_CODE_TRIES_ALL, now))) {
		rc = err_set(err, YZ_EDENIED,
		    "too many wrong codes: try again in a quarter of an "
		    "hour");
	} else if (is_right(code, text)) {
		g->wrong = 0;
		g->last = now;
	} else {
		g->wrong++;
		g->last = now;
		if (!here) {
			c->all.wrong++;
			c->all.last = now;
		}
		rc = err_set(err, YZ_EDENIED,
		    "this is not the set-up code of this machine");
	}
	pthread_mutex_unlock(&c->lock);
	explicit_bzero(code, sizeof(code));
	return rc;
}
