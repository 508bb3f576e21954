/*
 * A lane of the ledger: the bare git repository of one stream.  It and
 * lane_library.c alone know libgit2; repo.c tends the repositories as files,
 * pack.c makes packs.
 *
 * Nobody but ledger.c includes this: see ledger.h, whose lock a writer holds,
 * for what the calls promise.
 */
#ifndef SYNC_LANE_H
#define SYNC_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

struct buf;
struct err;
struct lane;

#define LANE_OBJECT_MAX (32ull << 20) /* bytes of an object in a pack */

/* lane_library.c: begin with libgit2, set to what the appliance depends on;
 * without that nothing is opened.  Each begin, good or not, has its end. */
int lane_library(struct err *err);
void lane_library_end(void);

/* FOLDER/STREAM.git, opened when first needed, and made then if create. */
struct lane *lane_new(const char *folder, enum stream stream, bool create);
void lane_free(struct lane *lane);
/* Remove what stopped processes left; nobody is writing now. */
void lane_sweep(const struct lane *lane);

/* Queue an object. */
int lane_put(struct lane *lane, const char *type, const void *data, size_t n,
    uint8_t oid[20], struct err *err);
/* Write what is queued and not there, loose or as one pack. */
int lane_write(struct lane *lane, struct err *err);
/* Nothing is queued. */
void lane_forget(struct lane *lane);
bool lane_ref_valid(const char *name);
/* Move a ref at once; to zeros: remove it. */
int lane_ref_set(struct lane *lane, const char *name, const uint8_t oid[20],
    struct err *err);

int lane_read(struct lane *lane, const uint8_t oid[20], const char *type,
    struct buf *out, struct err *err);
int lane_ref_get(
    struct lane *lane, const char *name, uint8_t oid[20], struct err *err);
int lane_refs(struct lane *lane, const char *prefix,
    int (*fn)(
	void *arg, const char *name, const uint8_t oid[20], struct err *err),
    void *arg, struct err *err);

#endif
