/* The audit log: read, exported, and what is old taken off, by the audit
 * administrator alone. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "desk.h"
#include "lang.h"
#include "replica.h"
#include "reply.h"

#define ENTRIES 100
#define LOOK_AT 200000 /* entries that each reading verifies anew */

struct seen { /* by who reads */
	struct json *list;
	bool zh;
};

static int
add_entry(void *arg, const struct audit_entry *e, struct err *err)
{
	const struct seen *seen = arg;
	struct json *one = json_new_object();
	char when[CLOCK_LEN];

	(void)err;
	clock_format(when, e->at);
	json_set(one, "no", json_int(e->no));
	json_set(one, "at", json_text(when));
	json_set(one, "login", json_text(e->login));
	json_set(one, "peer", json_text(e->peer));
	json_set(one, "what", json_text(e->what));
	json_set(one, "about", json_text(e->about));
	/* A word alone is for the page to say. */
	json_set(one, "result",
	    reply_words(e->result, seen->zh && strchr(e->result, ' ') != NULL));
	json_add(seen->list, one);
	return 0;
}

static void
add_fault(void *arg, const char *text)
{
	const struct seen *seen = arg;

	if (json_length(seen->list) < ENTRIES)
		json_add(seen->list, reply_words(text, seen->zh));
}

DESK_HANDLER(api_audit)
{
	const char *below = http_query(c->q, "_below");
	struct json *o = json_new_object(), *list = json_new_array();
	struct json *faults = json_new_array();
	struct seen entries = {list, lang_asks_zh(c)};
	struct seen wrong = {faults, lang_asks_zh(c)};
	int64_t n;
	int rc;

	json_set(o, "entries", list);
	json_set(o, "faults", faults);
	rc = audit_list(desk_local(c), below == NULL ? 0 : atoll(below),
	    ENTRIES, add_entry, &entries, err);
	if (rc == 0)
		rc = audit_verify(desk_local(c), replica_home(c->r),
		    replica_roster(c->r), LOOK_AT, &n, add_fault, &wrong, err);
	if (rc == 0) {
		json_set(o, "whole", json_bool(json_length(faults) == 0));
		json_write(&c->p->body, o, 0);
	}
	json_free(o);
	return rc;
}

static int
ask_through(int64_t *out, const char *s, struct err *err)
{
	char *end;

	*out = s == NULL ? 0 : strtoll(s, &end, 10);
	if (s != NULL && (end == s || *end != '\0' || *out < 1))
		return err_set(err, YZ_EINVAL,
		    "the number of an entry is "
		    "wanted, not %.40s",
		    s);
	return 0;
}

DESK_HANDLER(api_audit_export)
{
	int64_t through, last;
	int rc;

	rc = ask_through(&through, http_query(c->q, "_through"), err);
	if (rc == 0)
		rc = audit_export(
		    desk_local(c), &c->p->body, through, &last, err);
	if (rc != 0)
		return rc;
	c->p->type = "application/x-ndjson; charset=utf-8";
	http_reply_header(c->p, "Content-Disposition",
	    "attachment; filename=\"audit-%lld.ndjson\"", (long long)last);
	return 0;
}

DESK_HANDLER(api_audit_prune)
{
	struct audit_what what = {.login = c->login.user.login,
	    .peer = c->q->peer,
	    .what = "prune",
	    .result = "done"};
	const char *sha256 = json_get_text(c->in, "sha256");
	const char *through = json_get_text(c->in, "through");
	int64_t no;
	int rc;

	if (sha256 == NULL || through == NULL)
		return err_set(err, YZ_EINVAL,
		    "through and sha256 are wanted: the last entry's number "
		    "and the export's hash, as texts");
	rc = ask_through(&no, through, err);
	what.about = through;
	if (rc == 0)
		rc = audit_prune(desk_local(c), replica_home(c->r),
		    replica_roster(c->r), no, sha256, clock_wall(), &what, err);
	if (rc == 0)
		buf_puts(&c->p->body, "{}");
	return rc;
}
