#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/db.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "enrol.h"
#include "home.h"
#include "issue.h"
#include "limit.h"
#include "local.h"
#include "replica.h"
#include "roster_change.h"
#include "roster_rule.h"
#include "request.h"

#define HOST_KEY_BYTES_MAX 4096

int
enrol_host_key(struct buf *out, const char *path, struct err *err)
{
	struct buf file = BUF_INIT;
	const char *s, *key;
	int rc;

	rc = file_read(&file, path, HOST_KEY_BYTES_MAX, err);
	if (rc != 0)
		return rc;
	s = buf_str(&file);
	key = s + strcspn(s, " \t\r\n");
	key += strspn(key, " \t");
	buf_put(out, s, (size_t)(key - s) + strcspn(key, " \t\r\n"));
	buf_str(out);
	buf_free(&file);
	return 0;
}

/* --- invitation ---------------------------------------------------------- */

/* HOST:PORT, where HOST may be a name, an IPv4 or a bracketed IPv6 one. */
static bool
is_address(const char *s)
{
	const char *colon = strrchr(s, ':');
	char *end;
	long port;

	if (colon == NULL || colon == s ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "0123456789.-_:[]%") != strlen(s))
		return false;
	if (colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtol(colon + 1, &end, 10);
	return *end == '\0' && port > 0 && port < 65536;
}

static bool
is_name(const char *s)
{
	const char *from = s;
	size_t n = strlen(s);

	return n <= LIMIT_NAME && text_is_clean(s, n, false) &&
	       text_trim(&from, n) == n;
}

static void
invitation_write(struct buf *out, const struct enrol_invitation *in)
{
	struct json *v = json_new_object();
	char hex[DIGEST_HEX_LEN + 1];

	json_set(v, "yizhan-invitation", json_int(1));
	json_set(v, "code", json_text(in->code));
	json_set(v, "name", json_text(in->name));
	json_set(v, "parent", json_text(in->parent));
	json_set(v, "address", json_text(in->address));
	json_set(v, "host_key", json_text(in->host_key));
	json_set(v, "roster_version", json_int(in->roster_version));
	digest_hex(hex, in->roster_hash, sizeof(in->roster_hash));
	json_set(v, "roster_hash", json_text(hex));
	digest_hex(hex, in->once.seed, sizeof(in->once.seed));
	json_set(v, "once", json_text(hex));
	json_write(out, v, 1);
	json_free(v);
	buf_putc(out, '\n');
	explicit_bzero(hex, sizeof(hex));
}

/* Whether code can be invited here, and what the invitation says of us. */
static int
invitation_fill(struct enrol_invitation *in, struct replica *r, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const char *self = replica_home(r)->code;
	struct roster_doc doc = {.version = 0};
	char scope[ROSTER_SCOPE_MAX];
	uint8_t pub[32];
	int rc;

	if (!chain_is_code(in->code, strlen(in->code)))
		return err_set(err, YZ_EINVAL,
		    "a station's code is six digits, not %s", in->code);
	if (roster_find(roster, self) == NULL)
		return err_set(err, YZ_EDENIED,
		    "%s has not joined a federation itself", self);
	if (roster_find(roster, in->code) != NULL)
		return err_set(
		    err, YZ_ECONFLICT, "%s is enrolled already", in->code);
	rc = issue_scope(scope, r, err);
	if (rc != 0)
		return rc;
	if (!roster_rule_may_list(scope, in->code))
		return err_set(err, YZ_EDENIED,
		    "%s is not one of the codes below %s: its own city invites "
		    "it, or %s with a root key",
		    in->code, self, roster_root(roster));
	if (!is_name(in->name))
		return err_set(err, YZ_EINVAL,
		    "the name is over %d bytes or has characters that do not "
		    "belong there",
		    LIMIT_NAME);
	if (!is_address(in->address))
		return err_set(
		    err, YZ_EINVAL, "not an address: %s", in->address);
	rc = sign_public_parse(pub, in->host_key, strlen(in->host_key), err);
	if (rc != 0)
		return err_within(err, "host key");
	rc = replica_roster_doc(r, &doc, "root", 0, err);
	if (rc != 0)
		return rc;
	memcpy(in->parent, self, sizeof(in->parent));
	in->roster_version = doc.version;
	memcpy(in->roster_hash, doc.hash.b, sizeof(in->roster_hash));
	roster_doc_free(&doc);
	return 0;
}

int
enrol_invite(struct buf *out, struct replica *r, struct local *local,
    const char *code, const char *name, const char *address,
    const char *host_key, bool auto_confirm, struct err *err)
{
	struct enrol_invitation in = {.code = ""};
	int rc;

	if (strlen(code) >= sizeof(in.code) ||
	    strlen(name) >= sizeof(in.name) ||
	    strlen(address) >= sizeof(in.address) ||
	    strlen(host_key) >= sizeof(in.host_key))
		return err_set(err, YZ_EINVAL,
		    "code, name, address or host key is too long");
	snprintf(in.code, sizeof(in.code), "%s", code);
	snprintf(in.name, sizeof(in.name), "%s", name);
	snprintf(in.address, sizeof(in.address), "%s", address);
	snprintf(in.host_key, sizeof(in.host_key), "%s", host_key);
	rc = invitation_fill(&in, r, err);
	if (rc != 0)
		return rc;
	sign_generate(&in.once);
	rc = db_run(local_db(local), err,
	    "REPLACE INTO invitation VALUES (?,?,?,?,?)", "ssbii", in.code,
	    in.name, in.once.pub, sizeof(in.once.pub), (int64_t)auto_confirm,
	    clock_wall());
	if (rc == 0)
		invitation_write(out, &in);
	explicit_bzero(&in, sizeof(in));
	return rc;
}

/* Copy a text member; false if it is absent or does not fit. */
static bool
take(char *out, size_t size, const struct json *v, const char *key)
{
	const char *s = json_get_text(v, key);

	if (s == NULL || strlen(s) >= size)
		return false;
	memcpy(out, s, strlen(s) + 1);
	return true;
}

static bool
take_hex(uint8_t out[32], const struct json *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s != NULL && digest_unhex(out, 32, s, strlen(s));
}

static bool
invitation_good(struct enrol_invitation *out, const struct json *v)
{
	uint8_t pub[32], seed[32];
	struct err err;
	bool good;

	out->roster_version = json_get_int(v, "roster_version");
	good = json_get_int(v, "yizhan-invitation") == 1 &&
	       take(out->code, sizeof(out->code), v, "code") &&
	       chain_is_code(out->code, strlen(out->code)) &&
	       take(out->name, sizeof(out->name), v, "name") &&
	       is_name(out->name) &&
	       take(out->parent, sizeof(out->parent), v, "parent") &&
	       chain_is_code(out->parent, strlen(out->parent)) &&
	       strcmp(out->code, out->parent) != 0 &&
	       take(out->address, sizeof(out->address), v, "address") &&
	       is_address(out->address) &&
	       take(out->host_key, sizeof(out->host_key), v, "host_key") &&
	       sign_public_parse(
		   pub, out->host_key, strlen(out->host_key), &err) == 0 &&
	       out->roster_version >= 1 && out->roster_version <= LIMIT_SEQ &&
	       take_hex(out->roster_hash, v, "roster_hash") &&
	       take_hex(seed, v, "once");
	if (good)
		sign_from_seed(&out->once, seed);
	explicit_bzero(seed, sizeof(seed));
	return good;
}

int
enrol_read(
    struct enrol_invitation *out, const void *text, size_t n, struct err *err)
{
	struct json *v;
	bool good;
	int rc;

	memset(out, 0, sizeof(*out));
	if (n > LIMIT_INVITATION)
		return err_set(err, YZ_EINVAL,
		    "this is no invitation: it has %zu bytes, one has %d at most",
		    n, LIMIT_INVITATION);
	rc = json_parse(&v, text, n, err);
	if (rc != 0)
		return err_within(err, "this is no invitation");
	good = invitation_good(out, v);
	json_free(v);
	return good ? 0
		    : err_set(err, YZ_EINVAL,
			  "this is no invitation, or not "
			  "one that this program reads");
}

/* --- request -------------------------------------------------------------- */

void
enrol_request(struct buf *out, const struct home *home)
{
	struct buf text = BUF_INIT;
	struct request q = {.code = ""};
	struct err err;

	memcpy(q.code, home->code, sizeof(q.code));
	memcpy(q.inc, home->inc, sizeof(q.inc));
	memcpy(q.sign, home->sign.pub, sizeof(q.sign));
	memcpy(q.ssh, home->ssh.pub, sizeof(q.ssh));
	/* A damaged file is refused where it is made, in cmd_join. */
	(void)home_recovery_load(&q.recovery, home, &err);
	request_write(&text, &q, false);
	/* Only libcrypto could refuse, and it has no answer (digest.h). */
	if (sign_make(q.proof, &home->sign, SIGN_NS_JOIN, text.b, text.len,
		&err) != 0 ||
	    sign_make(q.proof_ssh, &home->ssh, SIGN_NS_JOIN, text.b, text.len,
		&err) != 0)
		abort();
	request_write(out, &q, true);
	buf_free(&text);
}

void
enrol_fingerprint(char out[SIGN_FINGERPRINT_LEN], const void *request, size_t n)
{
	sign_fingerprint(out, request, n);
}

/* --- confirmation --------------------------------------------------------- */

static int
forget(struct local *local, const char *code, struct err *err)
{
	int rc;

	rc = db_run(local_db(local), err, "DELETE FROM invitation WHERE code=?",
	    "s", code);
	if (rc == 0)
		rc = db_run(local_db(local), err,
		    "DELETE FROM joining WHERE code=?", "s", code);
	return rc;
}

int
enrol_uninvite(struct local *local, const char *code, struct err *err)
{
	int64_t open;
	int rc;

	rc = db_get_int(&open, local_db(local), err,
	    "SELECT count(*) FROM invitation WHERE code=?", "s", code);
	if (rc == 0 && open == 0)
		rc = err_set(err, YZ_ENOTFOUND,
		    "there is no invitation for %.16s", code);
	return rc != 0 ? rc : forget(local, code, err);
}

/* Write, sign and adopt the roster in which q is a child of this station. */
static int
admit(struct replica *r, struct local *local, const struct request *q,
    const char *name, struct err *err)
{
	struct roster_station st = {.name = (char *)name, .n_keys = 1};
	struct roster_key key = {.n_incs = 1};
	char inc[1][CHAIN_INC_LEN + 1];
	char scope[ROSTER_SCOPE_MAX];
	struct issue issue;
	bool adopted;
	int rc;

	memcpy(st.code, q->code, sizeof(st.code));
	memcpy(st.parent, replica_home(r)->code, sizeof(st.parent));
	st.recovery = q->recovery;
	memcpy(inc[0], q->inc, sizeof(inc[0]));
	memcpy(key.sign, q->sign, sizeof(key.sign));
	memcpy(key.ssh, q->ssh, sizeof(key.ssh));
	key.incs = inc;
	st.keys = &key;
	rc = issue_scope(scope, r, err);
	if (rc == 0)
		rc =
		    roster_change_elsewhere(replica_roster(r), scope, &st, err);
	if (rc == 0)
		rc = issue_begin_scope(&issue, r, scope, err);
	if (rc != 0)
		return rc;
	roster_change_put(issue.change, &st);
	rc = issue_finish(&issue, &adopted, err);
	issue_end(&issue);
	return rc != 0 ? rc : forget(local, q->code, err);
}

/* The open invitation for code. */
static int
invitation_open(struct buf *name, bool *auto_confirm, struct local *local,
    const char *code, struct err *err)
{
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, local_db(local), err,
	    "SELECT name, auto FROM invitation WHERE code=?", "s", code);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		buf_puts(name, db_text(st, 0));
		*auto_confirm = db_int(st, 1) != 0;
	}
	db_done(st);
	if (rc == 0)
		return err_set(
		    err, YZ_EDENIED, "there is no invitation for %s", code);
	return rc < 0 ? rc : 0;
}

/* A request may come again after it was granted: the answer was lost. */
static int
enrolled(const struct roster_station *st, const struct request *q,
    bool *confirmed, struct err *err)
{
	const struct roster_key *key = roster_current(st);

	if (key == NULL || memcmp(key->sign, q->sign, 32) != 0 ||
	    memcmp(key->ssh, q->ssh, 32) != 0)
		return err_set(
		    err, YZ_EDENIED, "%s is enrolled already", q->code);
	*confirmed = true;
	return 0;
}

int
enrol_receive(struct replica *r, struct local *local, const char *code,
    const void *request, size_t n, bool *confirmed, struct err *err)
{
	const struct roster_station *st;
	struct buf name = BUF_INIT;
	bool auto_confirm = false;
	struct request q;
	int rc;

	*confirmed = false;
	rc = request_read(&q, request, n, err);
	if (rc != 0)
		return rc;
	if (strcmp(q.code, code) != 0)
		return err_set(err, YZ_EDENIED,
		    "%s asks to join with the invitation for %s", q.code, code);
	st = roster_find(replica_roster(r), code);
	if (st != NULL)
		return enrolled(st, &q, confirmed, err);
	rc = invitation_open(&name, &auto_confirm, local, code, err);
	if (rc == 0 && auto_confirm) {
		rc = admit(r, local, &q, buf_str(&name), err);
		*confirmed = rc == 0;
	} else if (rc == 0) {
		rc = db_run(local_db(local), err,
		    "REPLACE INTO joining VALUES (?,?,?)", "sbi", code, request,
		    n, clock_wall());
	}
	buf_free(&name);
	return rc;
}

/* People may leave out the hyphens, or put spaces, or lines. */
static bool
same_fingerprint(const char *typed, const char *want)
{
	for (;; typed++, want++) {
		typed += strspn(typed, " -\r\n\t");
		want += strspn(want, " -");
		if (*typed != *want)
			return false;
		if (*typed == '\0')
			return true;
	}
}

static int
joining_read(
    struct buf *out, struct local *local, const char *code, struct err *err)
{
	struct db_stmt *st;
	const void *b;
	size_t n;
	int rc;

	rc = db_query(&st, local_db(local), err,
	    "SELECT request FROM joining WHERE code=?", "s", code);
	if (rc != 0)
		return rc;
	rc = db_step(st, err);
	if (rc == 1) {
		b = db_blob(st, 0, &n);
		buf_put(out, b, n);
	}
	db_done(st);
	if (rc == 0)
		return err_set(
		    err, YZ_ENOTFOUND, "%s has not asked to join", code);
	return rc < 0 ? rc : 0;
}

int
enrol_confirm(struct replica *r, struct local *local, const char *code,
    const char *fingerprint, struct err *err)
{
	char want[SIGN_FINGERPRINT_LEN];
	struct buf text = BUF_INIT, name = BUF_INIT;
	bool auto_confirm;
	struct request q;
	int rc;

	if (roster_find(replica_roster(r), code) != NULL)
		return err_set(
		    err, YZ_ECONFLICT, "%s is enrolled already", code);
	rc = joining_read(&text, local, code, err);
	if (rc != 0)
		return rc;
	enrol_fingerprint(want, text.b, text.len);
	if (!same_fingerprint(fingerprint, want))
		rc = err_set(err, YZ_EDENIED,
		    "the fingerprint of the request that came from %s is "
		    "another: do not confirm it",
		    code);
	if (rc == 0)
		rc = request_read(&q, (char *)text.b, text.len, err);
	if (rc == 0)
		rc = invitation_open(&name, &auto_confirm, local, code, err);
	if (rc == 0)
		rc = admit(r, local, &q, buf_str(&name), err);
	buf_free(&text);
	buf_free(&name);
	return rc;
}

/* --- sshd ------------------------------------------------------------------
 */

/* sshd gives the command to a shell: a path goes in single quotes, inside the
 * option's double ones, and may have neither, nor what escapes them. */
static int
put_path(struct buf *out, const char *path, struct err *err)
{
	if (strpbrk(path, "'\"\\") != NULL ||
	    !text_is_clean(path, strlen(path), false))
		return err_set(err, YZ_EINVAL,
		    "sshd cannot be told of a path with quotes, backslashes "
		    "or control characters: %s",
		    path);
	if (strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789/._-+") == strlen(path))
		buf_puts(out, path);
	else
		buf_printf(out, "'%s'", path);
	return 0;
}

static void
put_line(struct buf *out, const char *command, const char *how,
    const char *code, const uint8_t ssh[32])
{
	buf_printf(
	    out, "restrict,command=\"%s peer --%s %s\" ", command, how, code);
	sign_public_line(out, ssh);
	buf_printf(out, " %s\n", code);
}

static int
put_invited(struct buf *out, const char *command, struct replica *r,
    struct local *local, struct err *err)
{
	struct db_stmt *st;
	const void *once;
	size_t n;
	int rc;

	rc = db_query(&st, local_db(local), err,
	    "SELECT code, once FROM invitation ORDER BY code", "");
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		once = db_blob(st, 1, &n);
		/* It is forgotten after the roster is adopted, not with it. */
		if (n == 32 &&
		    roster_find(replica_roster(r), db_text(st, 0)) == NULL)
			put_line(out, command, "invited", db_text(st, 0), once);
	}
	db_done(st);
	return rc;
}

int
enrol_authorized(struct buf *out, struct replica *r, struct local *local,
    const char *exe, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const struct home *home = replica_home(r);
	struct buf command = BUF_INIT;
	char *path;
	size_t i;
	int rc;

	/* sshd runs the command somewhere else. */
	path = realpath(home->path, NULL);
	if (path == NULL)
		return err_sys(err, "%s", home->path);
	rc = put_path(&command, exe, err);
	buf_puts(&command, " -C ");
	if (rc == 0)
		rc = put_path(&command, path, err);
	for (i = 0; rc == 0 && i < roster_count(roster); i++) {
		const struct roster_station *st = roster_at(roster, i);
		const struct roster_key *key = roster_current(st);

		if (key != NULL &&
		    roster_may_call(roster, st->code, home->code))
			put_line(
			    out, buf_str(&command), "as", st->code, key->ssh);
	}
	if (rc == 0)
		rc = put_invited(out, buf_str(&command), r, local, err);
	buf_free(&command);
	free(path);
	return rc;
}
