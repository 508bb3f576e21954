#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "backup_key.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/exchange.h"
#include "base/file.h"
#include "base/mem.h"
#include "canon.h"
#include "home.h"
#include "limit.h"
#include "member.h"
#include "recovery.h"
#include "replica.h"
#include "roster.h"
#include "sign.h"

#define FILE_NAME "backup-keys"
#define INFO "yizhan backup key 1"

struct statement {
	char code[CHAIN_CODE_LEN + 1];
	uint8_t key[EXCHANGE_LEN];
	uint8_t recovery[32]; /* the public key on the paper */
	uint8_t sig[64];      /* by that one */
};

/* --- a statement -----------------------------------------------------------
 */

/* Without sig: what is signed. */
static void
print(struct buf *out, const struct statement *s, bool sig)
{
	char hex[2 * EXCHANGE_LEN + 1];

	digest_hex(hex, s->key, sizeof(s->key));
	buf_printf(out, "{\"code\":\"%s\",\"key\":\"%s\",", s->code, hex);
	member_put_key(out, "recovery", s->recovery);
	if (sig) {
		buf_putc(out, ',');
		member_put_sig(out, "sig", s->sig);
	}
	buf_puts(out, "}\n");
}

/* Form only: printing it again must give the same bytes. */
static bool
parse(struct statement *s, const char *text, size_t n)
{
	struct buf t = BUF_INIT, again = BUF_INIT;
	struct canon v;
	struct err err;
	bool good;

	memset(s, 0, sizeof(*s));
	good = n > 0 && canon_whole(&v, text, n - 1, &err) == 0 &&
	       canon_type(v) == CANON_OBJECT &&
	       member_get_fixed(s->code, CHAIN_CODE_LEN, v, "code") &&
	       chain_is_code(s->code, CHAIN_CODE_LEN) &&
	       canon_member_text(&t, v, "key") &&
	       digest_unhex(s->key, sizeof(s->key), (char *)t.b, t.len) &&
	       member_get_key(s->recovery, v, "recovery") &&
	       member_get_sig(s->sig, v, "sig");
	if (good) {
		print(&again, s, true);
		good = again.len == n && memcmp(again.b, text, n) == 0;
	}
	buf_free(&t);
	buf_free(&again);
	return good;
}

static int
make(struct statement *out, const char *code, const struct sign_key *paper,
    struct err *err)
{
	struct buf text = BUF_INIT;
	struct cipher_key pair;
	int rc;

	backup_key_open(&pair, paper);
	memset(out, 0, sizeof(*out));
	memcpy(out->code, code, CHAIN_CODE_LEN);
	memcpy(out->key, pair.pub, sizeof(out->key));
	memcpy(out->recovery, paper->pub, sizeof(out->recovery));
	explicit_bzero(&pair, sizeof(pair));
	print(&text, out, false);
	rc = sign_make(out->sig, paper, SIGN_NS_BACKUP, text.b, text.len, err);
	buf_free(&text);
	return rc;
}

static int
verify(const struct statement *s, struct err *err)
{
	struct buf text = BUF_INIT;
	int rc;

	print(&text, s, false);
	rc = sign_verify(
	    s->sig, s->recovery, SIGN_NS_BACKUP, text.b, text.len, err);
	buf_free(&text);
	return rc;
}

/* --- HOME/backup-keys --------------------------------------------------------
 */

/* Line by line; each is given to take, which returns true to go on. */
struct lines {
	const char *s, *end;
};

static bool
next_line(struct lines *l, const char **line, size_t *n)
{
	const char *nl;

	if (l->s >= l->end)
		return false;
	nl = memchr(l->s, '\n', (size_t)(l->end - l->s));
	*line = l->s;
	l->s = nl == NULL ? l->end : nl + 1;
	*n = (size_t)(l->s - *line);
	return true;
}

static int
load(struct buf *out, const char *home, struct err *err)
{
	char *path = mem_printf("%s/" FILE_NAME, home);
	int rc = file_read(out, path, LIMIT_BACKUP_KEYS, err);

	free(path);
	return rc;
}

int
backup_key_keep(const char *home, const char *code,
    const struct sign_key *paper, struct err *err)
{
	char *path = mem_printf("%s/" FILE_NAME, home);
	struct buf was = BUF_INIT, is = BUF_INIT;
	struct statement s;
	struct lines l;
	const char *line;
	size_t n;
	int rc;

	rc = make(&s, code, paper, err);
	if (rc == 0) {
		rc = load(&was, home, err);
		/* Too long or unreadable: made anew. */
		if (rc != 0)
			buf_clear(&was);
		rc = 0;
		print(&is, &s, true);
	}
	/* The newest first; so many of those before as there is room for. */
	l = (struct lines){buf_str(&was), buf_str(&was) + was.len};
	while (rc == 0 && next_line(&l, &line, &n)) {
		struct statement old;

		if (is.len + n <= LIMIT_BACKUP_KEYS && parse(&old, line, n) &&
		    memcmp(old.recovery, s.recovery, 32) != 0)
			buf_put(&is, line, n);
	}
	if (rc == 0)
		rc = file_write(path, is.b, is.len, 0644, err);
	buf_free(&was);
	buf_free(&is);
	free(path);
	return rc;
}

/* That of the recovery key with this hash. */
static int
find(struct statement *out, const char *home, const struct digest *hash,
    struct err *err)
{
	struct buf text = BUF_INIT;
	struct digest of;
	struct lines l;
	const char *line;
	size_t n;
	int rc = load(&text, home, err);

	if (rc != 0 && rc != YZ_ENOTFOUND)
		return rc;
	rc = YZ_ENOTFOUND;
	l = (struct lines){buf_str(&text), buf_str(&text) + text.len};
	while (rc == YZ_ENOTFOUND && next_line(&l, &line, &n)) {
		if (!parse(out, line, n))
			continue;
		digest_sha256(&of, out->recovery, sizeof(out->recovery));
		if (digest_equal(&of, hash))
			rc = verify(out, err);
	}
	buf_free(&text);
	return rc;
}

/* The hash of the recovery key that counts. */
static int
listed(struct digest *out, struct replica *r, struct err *err)
{
	static const struct digest none;
	const struct home *home = replica_home(r);
	const struct roster_station *st =
	    roster_find(replica_roster(r), home->code);
	int rc = 0;

	if (st != NULL)
		*out = st->recovery;
	else
		rc = home_recovery_load(out, home, err);
	if (rc == 0 && digest_equal(out, &none))
		rc = err_set(err, YZ_ENOTFOUND,
		    "%s has no recovery key to encrypt to: give a passphrase "
		    "(--passphrase FILE)",
		    home->code);
	return rc;
}

int
backup_key_find(struct cipher_key *out, struct replica *r, struct err *err)
{
	const struct home *home = replica_home(r);
	struct statement s;
	struct digest hash;
	int rc;

	rc = listed(&hash, r, err);
	if (rc != 0)
		return rc;
	if (find(&s, home->path, &hash, err) != 0)
		return err_set(err, YZ_ENOTFOUND,
		    "the public half of the recovery key of %s is not here: "
		    "once, with the sheet, yizhan backup FILE --recovery SHEET",
		    home->code);
	memset(out, 0, sizeof(*out));
	memcpy(out->whose, hash.b, sizeof(out->whose));
	memcpy(out->pub, s.key, sizeof(out->pub));
	return 0;
}

int
backup_key_learn(struct cipher_key *out, struct replica *r,
    const struct sign_key *paper, struct err *err)
{
	const struct home *home = replica_home(r);
	struct digest is, should;
	int rc;

	recovery_hash(&is, paper);
	rc = listed(&should, r, err);
	if (rc == 0 && !digest_equal(&is, &should))
		rc = err_set(err, YZ_EDENIED,
		    "this is not the recovery key of %s that the roster knows",
		    home->code);
	if (rc == 0)
		rc = backup_key_keep(home->path, home->code, paper, err);
	return rc != 0 ? rc : backup_key_find(out, r, err);
}

void
backup_key_open(struct cipher_key *out, const struct sign_key *paper)
{
	struct digest hash;

	memset(out, 0, sizeof(*out));
	recovery_hash(&hash, paper);
	memcpy(out->whose, hash.b, sizeof(out->whose));
	exchange_derive(out->secret, paper->seed, NULL, 0, INFO);
	exchange_public(out->pub, out->secret);
}
