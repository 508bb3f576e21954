#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/summed.h"
#include "home.h"
#include "limit.h"
#include "replica_impl.h"
#include "trust.h"

#define HEAD "yizhan-trust 1\n"
#define LINE_MAX_LEN 128u /* room for a line and its NUL */
/* What counts and a pair, of every scope; and the first line and the last. */
#define TRUST_MAX ((size_t)(LIMIT_STATIONS + 2) * 3 * LINE_MAX_LEN)

static char *
trust_path(const char *home)
{
	return mem_printf("%s/trust", home);
}

/* --- read -------------------------------------------------------------------
 */

static bool
parse_line(struct trust_line *out, const char *line)
{
	char word[8], scope[ROSTER_SCOPE_MAX], hex[DIGEST_HEX_LEN + 1];
	long long version;
	int n = 0;

	memset(out, 0, sizeof(*out));
	if (sscanf(line, "%7[a-z] %7[0-9a-z] %13lld %64[0-9a-f]%n", word, scope,
		&version, hex, &n) != 4 ||
	    n == 0 || line[n] != '\0' || strlen(hex) != DIGEST_HEX_LEN ||
	    version < 1 || version > LIMIT_SEQ)
		return false;
	if (strcmp(word, "counts") != 0 && strcmp(word, "pair") != 0)
		return false;
	out->pair = word[0] == 'p';
	out->version = version;
	memcpy(out->scope, scope, sizeof(scope));
	return digest_unhex(out->hash.b, sizeof(out->hash.b), hex, strlen(hex));
}

static int
parse(struct trust *out, char *text)
{
	char *save = NULL, *line;

	if (strncmp(text, HEAD, strlen(HEAD)) != 0)
		return YZ_ECORRUPT;
	for (line = strtok_r(text + strlen(HEAD), "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if ((out->n & (out->n - 1)) == 0)
			out->v = mem_realloc(out->v,
			    (out->n == 0 ? 1 : 2 * out->n) * sizeof(*out->v));
		if (!parse_line(&out->v[out->n++], line))
			return YZ_ECORRUPT;
	}
	return out->n > 0 && strcmp(out->v[0].scope, "root") == 0 ? 0
								  : YZ_ECORRUPT;
}

static int
read_text(struct buf *out, const char *home, struct err *err)
{
	char *path = trust_path(home);
	int rc = file_read(out, path, TRUST_MAX, err);

	/* No program before wrote it: one without the line is cut short. */
	if (rc == 0 && !summed_holds(buf_str(out), out->len))
		rc = err_set(err, YZ_ECORRUPT, "%s is damaged", path);
	if (rc == 0) {
		out->len -= SUMMED_LEN;
		out->b[out->len] = '\0';
	}
	free(path);
	return rc;
}

int
trust_read(struct trust *out, const char *home, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_text(&text, home, err);
	if (rc == 0 && parse(out, (char *)text.b) != 0)
		rc = err_set(err, YZ_ECORRUPT, "%s/trust is damaged", home);
	buf_free(&text);
	if (rc != 0)
		trust_free(out);
	return rc;
}

bool
trust_is_there(const char *home)
{
	char *path = trust_path(home);
	bool there = file_exists(path);

	free(path);
	return there;
}

void
trust_free(struct trust *trust)
{
	free(trust->v);
	trust->v = NULL;
	trust->n = 0;
}

/* --- compared ---------------------------------------------------------------
 */

static bool
is_held(struct replica *r, const struct trust_line *line)
{
	struct err ignored;
	int64_t n = 0;

	return db_get_int(&n, r->db, &ignored,
		   "SELECT count(*) FROM _roster WHERE scope = ? AND hash = ?",
		   "sb", line->scope, line->hash.b,
		   sizeof(line->hash.b)) == 0 &&
	       n > 0;
}

const struct trust_line *
trust_lacks(const struct trust *trust, struct replica *r)
{
	struct digest decided;
	size_t i;

	for (i = 0; i < trust->n; i++) {
		const struct trust_line *line = &trust->v[i];

		if (!is_held(r, line) &&
		    !(line->pair && roster_decided(r->roster, line->scope,
					line->version, &decided)))
			return line;
	}
	return NULL;
}

/* --- written ----------------------------------------------------------------
 */

static void
put_line(struct buf *out, const char *word, const char *scope, int64_t version,
    const struct digest *hash)
{
	char hex[DIGEST_HEX_LEN + 1];

	digest_hex(hex, hash->b, sizeof(hash->b));
	buf_printf(
	    out, "%s %s %lld %s\n", word, scope, (long long)version, hex);
}

static void
put_text(struct buf *out, const struct roster *roster)
{
	const struct roster_scope *at;
	size_t i;
	int j;

	buf_puts(out, HEAD);
	for (i = 0; (at = roster_scope_at(roster, i)) != NULL; i++) {
		if (at->version > 0)
			put_line(
			    out, "counts", at->scope, at->version, &at->hash);
		for (j = 0; at->contested && j < 2; j++)
			put_line(out, "pair", at->scope, at->version + 1,
			    &at->pair[j]);
	}
}

int
trust_keep(struct replica *r, struct err *err)
{
	struct buf was = BUF_INIT, text = BUF_INIT;
	struct trust trust = {NULL, 0};
	char *path;
	int rc;

	if (roster_version(r->roster, "root") == 0)
		return 0;
	rc = trust_read(&trust, r->home->path, err);
	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc == YZ_ECORRUPT ? 0 : rc;
	rc = 0;
	if (trust_lacks(&trust, r) != NULL)
		goto out;
	put_text(&text, r->roster);
	if (trust.n > 0)
		rc = read_text(&was, r->home->path, err);
	if (rc != 0 || strcmp(buf_str(&was), buf_str(&text)) == 0)
		goto out;
	summed_end(&text);
	path = trust_path(r->home->path);
	rc = file_write(path, text.b, text.len, 0600, err);
	free(path);
out:
	trust_free(&trust);
	buf_free(&was);
	buf_free(&text);
	return rc;
}

void
trust_begin(struct replica *r)
{
	struct err ignored;

	if (!trust_is_there(r->home->path))
		(void)trust_keep(r, &ignored);
}

int
trust_renew(struct replica *r, struct err *err)
{
	char *path = trust_path(r->home->path);
	int rc = 0;

	if (unlink(path) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s", path);
	free(path);
	return rc == 0 ? trust_keep(r, err) : rc;
}
