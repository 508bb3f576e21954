/*
 * Changesets parsed lately: records that are folded again mostly share them.
 */
#ifndef SYNC_RECENT_H
#define SYNC_RECENT_H

#include <stdint.h>

struct chain;
struct changeset;
struct err;
struct ops;
struct recent;
struct replica;

struct recent *recent_new(void);
void recent_free(struct recent *recent);
/* A changeset and its ops, borrowed until the next call. */
int recent_get(struct recent *recent, struct replica *r, const struct chain *c,
    int64_t seq, const struct changeset **cs, const struct ops **ops,
    struct err *err);

#endif
