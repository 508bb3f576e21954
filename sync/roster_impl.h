/*
 * The inside of a struct roster, for roster.c and roster_index.c.
 */
#ifndef SYNC_ROSTER_IMPL_H
#define SYNC_ROSTER_IMPL_H

#include "roster.h"

struct roster_part;

struct roster {
	struct roster_scope *scopes; /* of which something is held */
	struct roster_part *parts;   /* in step: what counts of each */
	bool *counts;                /* in step: is there such? */
	size_t n_scopes;
	const struct roster_part *root; /* of parts, or NULL */

	/* What counts, sorted by code; three arrays in step. */
	const struct roster_station **all;
	uint32_t *codes; /* the code as a number: what is searched */
	int *parent;     /* place of the parent, -1 for the root */
	size_t n;

	const struct roster_station **clashes;
	size_t n_clashes;
};

/* What a roster is built from. */
struct roster_source {
	const struct roster_held *held;
	size_t n;
	roster_read_fn read;
	void *arg;
};

/* From the scopes, of which root counts already if it is there, find out
 * which others count and which stations, and fill the arrays. */
int roster_index_build(
    struct roster *roster, const struct roster_source *from, struct err *err);
/* Read and parse the document that counts of scopes[i]; *doc is to be freed.
 */
int roster_read_part(struct roster *roster, size_t i,
    const struct roster_held *which, struct roster_doc *doc,
    const struct roster_source *from, struct err *err);
/* A station's place in all, or -1. */
int roster_index_place(const struct roster *roster, const char *code);
/* How many levels it is from that place to the root, both counted. */
int roster_index_level(const struct roster *roster, int at);

#endif
