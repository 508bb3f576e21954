/*
 * Operations that are held but do not count, beside what stands here.
 */
#ifndef MODEL_QUARANTINE_H
#define MODEL_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "chain.h"
#include "limit.h"

struct buf;
struct err;
struct field;
struct replica;
struct write;

/* Why this station cannot write it as its own; QUARANTINE_FREE: it can. */
enum quarantine_bar {
	QUARANTINE_FREE,
	QUARANTINE_OWNER,  /* neither the record's owner nor above it */
	QUARANTINE_ROOT,   /* vocabulary: the root's command line writes that */
	QUARANTINE_KIND,   /* of a kind that is not known here */
	QUARANTINE_FIELD,  /* a field that is unknown, or never written so */
	QUARANTINE_APPEND, /* of a kind whose records are never changed */
	QUARANTINE_RECORD, /* there is no such record here */
};
const char *quarantine_bar_name(enum quarantine_bar bar); /* "owner" ... */

struct quarantine_op {
	int64_t chain, seq, op; /* its place, by this replica's numbers */
	char kind[LIMIT_FIELD + 1], id[RECORD_ID_LEN + 1];
	char *reason;
	struct chain_name name;
	struct digest changeset;
	char *author;
	int64_t time; /* ms, by the writer's clock */
	enum quarantine_bar bar;
};
void quarantine_op_free(struct quarantine_op *q);

/* One of the registers that it would write (FORMAT.md, section 10). */
struct quarantine_value {
	const char *reg;
	const struct field *field; /* NULL: none, or not known here */
	const char *held;          /* canonical JSON */
	const char *now;           /* likewise; "null": nothing stands */
	bool same, several; /* it stands so; other writes stand beside it */
	/* Of what stands; NULL, NULL, 0: nobody wrote it. */
	const char *writer, *author;
	int64_t time;
	const char *changeset; /* 64 digits */
};

/* By the id of its changeset (or a prefix that is unique) and its place
 * therein; YZ_ENOTFOUND: there is none, or it counts. */
int quarantine_find(struct quarantine_op *out, struct replica *r,
    const char *changeset, int64_t op, struct err *err);
/* At a place, as a walk through _quarantine finds it. */
int quarantine_at(struct quarantine_op *out, struct replica *r, int64_t chain,
    int64_t seq, int64_t op, struct err *err);
/* Call fn for each of its registers. */
int quarantine_values(struct replica *r, const struct quarantine_op *q,
    int (*fn)(void *arg, const struct quarantine_value *v, struct err *err),
    void *arg, struct err *err);
/* Write what it would have written, as a change of this station's within w;
 * *changed is false if everything stands so already. */
int quarantine_take(struct write *w, bool *changed, struct replica *r,
    const struct quarantine_op *q, struct err *err);

#endif
