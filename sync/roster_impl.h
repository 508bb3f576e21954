/*
 * The inside of a struct roster, for roster.c and roster_index.c.
 */
#ifndef SYNC_ROSTER_IMPL_H
#define SYNC_ROSTER_IMPL_H

#include "roster.h"

struct roster_part;

struct roster {
	struct roster_part *parts; /* as many as documents were given */
	size_t n_parts;
	const struct roster_part *root; /* of them, or NULL */
	bool *counts;                   /* does this part count? */

	/* What counts, sorted by code; three arrays in step. */
	const struct roster_station **all;
	uint32_t *codes; /* the code as a number: what is searched */
	int *parent;     /* place of the parent, -1 for the root */
	size_t n;

	const struct roster_station **clashes;
	size_t n_clashes;
};

/* From the parts, of which root counts already, find out which others count
 * and which stations, and fill the arrays. */
void roster_index_build(struct roster *roster, const struct roster_doc *docs);
/* A station's place in all, or -1. */
int roster_index_place(const struct roster *roster, const char *code);

#endif
