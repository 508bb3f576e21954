/* What a session brought of whom, for status (local_news.c). */
#include "config.h"

#include <string.h>

#include "base/db.h"
#include "local.h"
#include "peer_replica.h"
#include "peer_replica_impl.h"
#include "replica.h"

static int
do_news(void *arg, const struct chain_name *chain, struct err *err)
{
	struct peer_replica *pr = arg;

	return local_news_put(
	    pr->local, pr->other, chain->writer, replica_now(pr->r), err);
}

/* Of whom might something have come? */
static int
contacts(struct peer_replica *pr, struct err *err)
{
	struct chain_name chain = {.stream = STREAM_RESOURCE};
	struct db_stmt *st;
	int rc;

	rc = db_query(&st, replica_db(pr->r), err,
	    "SELECT DISTINCT writer FROM _chain UNION SELECT ?", "s",
	    pr->other);
	if (rc != 0)
		return rc;
	while ((rc = db_step(st, err)) == 1) {
		const char *writer = db_text(st, 0);

		memcpy(chain.writer, writer, sizeof(chain.writer));
		if (!pr->store.through(pr, &chain))
			continue;
		rc = local_news_contact(pr->local, pr->other, writer, err);
		if (rc != 0)
			break;
	}
	db_done(st);
	return rc;
}

int
peer_replica_contact(struct peer_replica *pr, struct err *err)
{
	struct db *db = local_db(pr->local);
	int rc;

	rc = db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = contacts(pr, err);
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

static int
do_contact(void *arg, struct err *err)
{
	return peer_replica_contact(arg, err);
}

void
peer_replica_news_store(struct peer_store *store)
{
	store->news = do_news;
	store->contact = do_contact;
}
