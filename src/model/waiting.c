#include "config.h"

#include "base/err.h"
#include "local.h"
#include "replica.h"
#include "roster.h"
#include "waiting.h"

int
waiting_count(int64_t *out, struct replica *r, struct local *local,
    const struct replica_head *heads, size_t n, const char *code,
    void (*fn)(void *arg, const struct replica_head *head, int64_t acked),
    void *arg, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	char name[CHAIN_NAME_MAX];
	int64_t acked;
	size_t i;
	int rc;

	*out = 0;
	if (roster_find(roster, code) == NULL)
		return 0;
	for (i = 0; i < n; i++) {
		if (!chain_reaches(roster, &heads[i].chain, code))
			continue;
		chain_format(name, &heads[i].chain);
		rc = local_acked_get(local, code, name, &acked, err);
		if (rc != 0)
			return rc;
		if (acked >= heads[i].seq)
			continue;
		*out += heads[i].seq - acked;
		if (fn != NULL)
			fn(arg, &heads[i], acked);
	}
	return 0;
}
