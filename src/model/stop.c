#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "fork.h"
#include "model/stop.h"
#include "replica.h"
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
	struct stop stop = {.kind = STOP_FORK, .at = fork->seq, .why = ""};
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
	struct stop stop = {
	    .kind = STOP_ROSTER, .at = scope->version + 1, .why = ""};

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

static void
of_self(const struct each *each)
{
	struct stop stop = {.kind = STOP_RESTORED, .decides = ""};
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

int
stop_each(struct replica *r, void (*fn)(void *arg, const struct stop *stop),
    void *arg, struct err *err)
{
	struct each each = {r, fn, arg};
	const struct roster_scope *scope;
	size_t i;

	of_self(&each);
	for (i = 0; (scope = roster_scope_at(replica_roster(r), i)) != NULL;
	     i++)
		of_roster(&each, scope);
	return fork_each(r, of_fork, &each, err);
}
