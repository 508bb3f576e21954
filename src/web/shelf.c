#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "shelf.h"

struct slot {
	char *key; /* NULL: empty */
	int64_t state;
	struct buf answer;
};

struct shelf {
	pthread_mutex_t lock;
	struct slot slots[SHELF_SLOTS];
	size_t bytes; /* of all answers */
	size_t hand;  /* the slot to empty next where room is wanted */
};

struct shelf *
shelf_new(void)
{
	struct shelf *shelf = mem_calloc(1, sizeof(*shelf));

	pthread_mutex_init(&shelf->lock, NULL);
	return shelf;
}

static void
empty(struct shelf *shelf, struct slot *slot)
{
	shelf->bytes -= slot->answer.len;
	free(slot->key);
	slot->key = NULL;
	buf_free(&slot->answer);
}

void
shelf_free(struct shelf *shelf)
{
	size_t i;

	if (shelf == NULL)
		return;
	for (i = 0; i < SHELF_SLOTS; i++)
		empty(shelf, &shelf->slots[i]);
	pthread_mutex_destroy(&shelf->lock);
	free(shelf);
}

/* FNV-1a; who makes keys meet gets his own answers later, no others'. */
static struct slot *
find_slot(struct shelf *shelf, const char *key)
{
	uint64_t h = 14695981039346656037u;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return &shelf->slots[h % SHELF_SLOTS];
}

bool
shelf_get(struct shelf *shelf, struct buf *out, const char *key, int64_t state)
{
	struct slot *slot = find_slot(shelf, key);
	bool found;

	pthread_mutex_lock(&shelf->lock);
	found = slot->key != NULL && slot->state == state &&
		strcmp(slot->key, key) == 0;
	if (found)
		buf_put(out, slot->answer.b, slot->answer.len);
	pthread_mutex_unlock(&shelf->lock);
	return found;
}

void
shelf_put(struct shelf *shelf, const struct buf *answer, const char *key,
    int64_t state)
{
	struct slot *slot = find_slot(shelf, key);

	if (answer->len > SHELF_ANSWER_MAX)
		return;
	pthread_mutex_lock(&shelf->lock);
	empty(shelf, slot);
	while (shelf->bytes + answer->len > SHELF_MAX) {
		empty(shelf, &shelf->slots[shelf->hand]);
		shelf->hand = (shelf->hand + 1) % SHELF_SLOTS;
	}
	slot->key = mem_strdup(key);
	slot->state = state;
	buf_put(&slot->answer, answer->b, answer->len);
	shelf->bytes += answer->len;
	pthread_mutex_unlock(&shelf->lock);
}
