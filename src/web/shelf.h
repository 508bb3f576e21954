/*
 * The shelf: answers that were given, for as long as nothing has changed.
 * When something has, every open page asks the same again at once.
 */
#ifndef WEB_SHELF_H
#define WEB_SHELF_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct shelf;

#define SHELF_SLOTS 512
#define SHELF_ANSWER_MAX (256u << 10) /* bytes; longer ones are not kept */
#define SHELF_MAX (16u << 20)         /* bytes of all */

struct shelf *shelf_new(void);
void shelf_free(struct shelf *shelf);
/* Append the answer that was put at this state, if it is still there. */
bool shelf_get(
    struct shelf *shelf, struct buf *out, const char *key, int64_t state);
/* state: what it was before the answer was looked for. */
void shelf_put(struct shelf *shelf, const struct buf *answer, const char *key,
    int64_t state);

#endif
