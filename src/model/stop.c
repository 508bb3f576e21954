#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "fork.h"
#include "home.h"
#include "local.h"
#include "model/stop.h"
#include "replica.h"
#include "replica_pin.h"
#include "resign.h"
#include "roster.h"

struct each {
	struct replica *r;
	void (*fn)(void *arg, const struct stop *stop);
	void *arg;
};

/* Who lists a station can say which of its branches counts. */
static const char *
lister(const struct roster *roster, const char *code)
{
	const struct roster_station *st = roster_find(roster, code);

	if (st == NULL)
		return "";
	return strcmp(st->scope, "root") == 0 ? roster_root(roster) : st->scope;
}

static void
of_fork(void *arg, const struct fork *fork)
{
	struct stop stop = {
	    .kind = STOP_FORK, .at = fork->seq, .why = "", .through = ""};
	const struct each *each = arg;

	chain_format(stop.about, &fork->chain);
	digest_hex(stop.a, fork->a.id.b, 8);
	digest_hex(stop.b, fork->b.id.b, 8);
	memcpy(stop.writer, fork->chain.writer, sizeof(stop.writer));
	stop.decides = lister(replica_roster(each->r), fork->chain.writer);
	each->fn(each->arg, &stop);
}

static void
of_roster(const struct each *each, const struct roster_scope *scope)
{
	struct stop stop = {.kind = STOP_ROSTER,
	    .at = scope->version + 1,
	    .why = "",
	    .through = ""};

	if (!scope->contested)
		return;
	snprintf(stop.about, sizeof(stop.about), "%s", scope->scope);
	digest_hex(stop.a, scope->pair[0].b, 8);
	digest_hex(stop.b, scope->pair[1].b, 8);
	stop.decides = roster_root(replica_roster(each->r));
	if (chain_is_code(scope->scope, strlen(scope->scope)))
		memcpy(stop.writer, scope->scope, sizeof(stop.writer));
	each->fn(each->arg, &stop);
}

static int
of_unpinned(const struct each *each, struct local *local, struct err *err)
{
	struct stop stop = {.kind = STOP_UNPINNED, .about = "root"};
	struct replica_unpinned waiting;
	int rc;

	rc = replica_unpinned_get(&waiting, each->r, local, err);
	if (rc != 0)
		return rc == YZ_ENOTFOUND ? 0 : rc;
	stop.at = waiting.version;
	stop.decides = replica_home(each->r)->code;
	stop.why = waiting.fingerprint;
	stop.through = waiting.from;
	each->fn(each->arg, &stop);
	return 0;
}

static void
of_self(const struct each *each)
{
	struct stop stop = {
	    .kind = STOP_RESTORED, .decides = "", .through = ""};
	char inc[CHAIN_INC_LEN + 1];

	stop.why = replica_restored(each->r);
	if (stop.why != NULL)
		each->fn(each->arg, &stop);
	if (!resign_other(each->r, inc))
		return;
	stop.kind = STOP_COPY;
	stop.why = "";
	memcpy(stop.about, inc, sizeof(inc));
	each->fn(each->arg, &stop);
}

/* The peer itself if it is above or beside us, and who is above; what comes
 * from below may be quiet for long. */
static bool
is_looked_for(const struct roster *roster, const char *me, const char *writer,
    const char *through)
{
	if (roster_find(roster, writer) == NULL)
		return false;
	if (strcmp(writer, through) == 0)
		return !roster_is_ancestor(roster, me, writer);
	return roster_is_ancestor(roster, writer, me);
}

int
stop_silent(struct replica *r, struct local *local, const char *through,
    void (*fn)(void *arg, const struct stop *stop), void *arg, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const char *me = replica_home(r)->code;
	struct local_news *v;
	size_t n, i;
	int rc;

	rc = local_news(local, &v, &n, through, err);
	for (i = 0; rc == 0 && i < n; i++) {
		struct stop stop = {.kind = STOP_SILENT,
		    .at = v[i].contacts,
		    .decides = "",
		    .why = "",
		    .through = through,
		    .usual = v[i].usual,
		    .last = v[i].last};

		if (!is_looked_for(roster, me, v[i].writer, through) ||
		    !local_news_overdue(&v[i], replica_now(r)))
			continue;
		snprintf(stop.about, sizeof(stop.about), "%s", v[i].writer);
		memcpy(stop.writer, v[i].writer, sizeof(stop.writer));
		fn(arg, &stop);
	}
	free(v);
	return rc;
}

static int
of_silence(const struct each *each, struct local *local, struct err *err)
{
	struct local_peer *peers = NULL;
	size_t n = 0, i;
	int rc;

	rc = local_peers(local, &peers, &n, err);
	for (i = 0; rc == 0 && i < n; i++)
		rc = stop_silent(
		    each->r, local, peers[i].code, each->fn, each->arg, err);
	free(peers);
	return rc;
}

int
stop_each(struct replica *r, struct local *local,
    void (*fn)(void *arg, const struct stop *stop), void *arg, struct err *err)
{
	struct each each = {r, fn, arg};
	const struct roster_scope *scope;
	size_t i;
	int rc;

	of_self(&each);
	for (i = 0; (scope = roster_scope_at(replica_roster(r), i)) != NULL;
	     i++)
		of_roster(&each, scope);
	rc = fork_each(r, of_fork, &each, err);
	if (rc == 0)
		rc = of_unpinned(&each, local, err);
	return rc == 0 ? of_silence(&each, local, err) : rc;
}
