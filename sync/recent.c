#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "recent.h"
#include "replica_impl.h"

#define RECENT_SIZE 16

struct recent {
	struct {
		int64_t chain, seq, used;
		struct changeset cs;
		struct ops ops;
	} at[RECENT_SIZE];
	int64_t clock;
};

struct recent *
recent_new(void)
{
	return mem_calloc(1, sizeof(struct recent));
}

void
recent_free(struct recent *recent)
{
	size_t i;

	for (i = 0; i < RECENT_SIZE; i++) {
		if (recent->at[i].chain == 0)
			continue;
		ops_free(&recent->at[i].ops);
		changeset_free(&recent->at[i].cs);
	}
	free(recent);
}

int
recent_get(struct recent *recent, struct replica *r, const struct chain *c,
    int64_t seq, const struct changeset **cs, const struct ops **ops,
    struct err *err)
{
	size_t i, oldest = 0;
	int rc;

	for (i = 0; i < RECENT_SIZE; i++) {
		if (recent->at[i].chain == c->no && recent->at[i].seq == seq)
			goto found;
		if (recent->at[i].used < recent->at[oldest].used)
			oldest = i;
	}
	i = oldest;
	if (recent->at[i].chain != 0) {
		ops_free(&recent->at[i].ops);
		changeset_free(&recent->at[i].cs);
		recent->at[i].chain = 0;
	}
	rc = replica_load(r, &recent->at[i].cs, c, seq, err);
	if (rc != 0)
		return rc;
	rc = ops_parse(&recent->at[i].ops, buf_str(&recent->at[i].cs.ops),
	    recent->at[i].cs.ops.len, err);
	if (rc != 0) {
		changeset_free(&recent->at[i].cs);
		return rc;
	}
	recent->at[i].chain = c->no;
	recent->at[i].seq = seq;
found:
	recent->at[i].used = ++recent->clock;
	*cs = &recent->at[i].cs;
	*ops = &recent->at[i].ops;
	return 0;
}
