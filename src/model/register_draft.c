#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "canon.h"
#include "model/register_impl.h"
#include "op.h"

/* 0 .. n - 1 */
unsigned
register_pick(struct register_maker *m, unsigned n)
{
	uint64_t x = m->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (unsigned)((x ^ (x >> 31)) % n);
}

unsigned
register_between(struct register_maker *m, unsigned low, unsigned high)
{
	return low + register_pick(m, high - low + 1);
}

void
register_put_text(struct op_draft *d, const char *field, const char *text)
{
	struct buf json = BUF_INIT;

	canon_put_text(&json, text, strlen(text));
	op_draft_set(d, field, buf_str(&json));
	buf_free(&json);
}

void
register_put_int(struct op_draft *d, const char *field, unsigned v)
{
	char json[24];

	snprintf(json, sizeof(json), "%u", v);
	op_draft_set(d, field, json);
}

void
register_put_bool(struct op_draft *d, const char *field, int v)
{
	op_draft_set(d, field, v ? "true" : "false");
}

/* A whole number as a decimal of that scale. */
void
register_put_decimal(
    struct op_draft *d, const char *field, unsigned v, int scale)
{
	char json[48];

	snprintf(json, sizeof(json), "\"%u.%0*d\"", v, scale, 0);
	op_draft_set(d, field, json);
}

void
register_put_date(struct op_draft *d, const char *field, int64_t ms)
{
	char text[CLOCK_LEN];

	clock_format(text, ms);
	text[10] = '\0';
	register_put_text(d, field, text);
}

void
register_add_text(struct op_draft *d, const char *field, const char *text)
{
	struct buf json = BUF_INIT;

	canon_put_text(&json, text, strlen(text));
	op_draft_add(d, field, buf_str(&json));
	buf_free(&json);
}
