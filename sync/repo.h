/*
 * A bare git repository as files: made, and kept small in number.  Whoever
 * calls here is the only one who writes in it (ledger_lock).
 */
#ifndef SYNC_REPO_H
#define SYNC_REPO_H

#include <stdbool.h>

struct err;

#define REPO_PACKS 20               /* small packs before they are merged */
#define REPO_SMALL_MAX (32u << 20)  /* bytes of a pack that may be merged */
#define REPO_MERGED_MAX (64u << 20) /* bytes of packs merged at once */

bool repo_exists(const char *repo);
/* An empty repository with git's own gc off. */
int repo_make(const char *repo, struct err *err);

/* Its config and HEAD, as repo_make() writes them; *mended says whether they
 * were not. */
int repo_mend_files(const char *repo, bool *mended, struct err *err);

/*
 * When there are over REPO_PACKS small packs, make one of as many as belong
 * together and remove those; *merged says whether.  A pack that holds deltas
 * or is damaged is left as it is.
 */
int repo_merge(const char *repo, bool *merged, struct err *err);

/* When there are some 2,000 loose objects, make a pack of them and remove
 * them; *packed says whether. */
int repo_pack_loose(const char *repo, bool *packed, struct err *err);

/* Remove what a process that was stopped left. */
void repo_sweep(const char *repo);

#endif
