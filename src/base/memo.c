#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/memo.h"

#define MEMO_SLOTS 16384 /* a power of two */

struct slot {
	const void *about;
	char *text; /* NULL: free */
	char *answer;
};

struct memo {
	struct slot slots[MEMO_SLOTS];
};

struct memo *
memo_new(void)
{
	return mem_calloc(1, sizeof(struct memo));
}

void
memo_free(struct memo *memo)
{
	size_t i;

	if (memo == NULL)
		return;
	for (i = 0; i < MEMO_SLOTS; i++) {
		free(memo->slots[i].text);
		free(memo->slots[i].answer);
	}
	free(memo);
}

static size_t
slot_of(const void *about, const char *text)
{
	uint64_t h = 14695981039346656037ull ^ (uintptr_t)about;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211ull;
	return (size_t)(h ^ (h >> 29)) & (MEMO_SLOTS - 1);
}

const char *
memo_get(const struct memo *memo, const void *about, const char *text)
{
	const struct slot *s = &memo->slots[slot_of(about, text)];

	if (s->text == NULL || s->about != about || strcmp(s->text, text) != 0)
		return NULL;
	return s->answer;
}

void
memo_put(
    struct memo *memo, const void *about, const char *text, const char *answer)
{
	struct slot *s = &memo->slots[slot_of(about, text)];

	free(s->text);
	free(s->answer);
	s->about = about;
	s->text = mem_strdup(text);
	s->answer = mem_strdup(answer);
}
