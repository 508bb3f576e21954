/*
 * Ops that parse, written again through op_draft, give the same bytes; and
 * any other bytes are refused without harm.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "op.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_again(struct buf *out, const struct op *op)
{
	struct op_draft *d = op_draft_new(op->kind, op->id);
	struct buf reason = BUF_INIT;
	size_t i;

	/* The order of calls must not matter. */
	for (i = op->n; i > 0; i--) {
		const struct op_item *item = &op->items[i - 1];
		char *field = mem_strndup(item->field, item->field_len);
		char *json = mem_strndup(item->value.s, item->value.n);

		if (item->what == OP_SET)
			op_draft_set(d, field, json);
		else if (item->what == OP_ADD)
			op_draft_add(d, field, json);
		else
			op_draft_remove(d, field, json);
		free(field);
		free(json);
	}
	if (op->drop) {
		canon_text(&reason, op->reason);
		op_draft_drop(d, buf_str(&reason));
	}
	op_draft_write(out, d);
	op_draft_free(d);
	buf_free(&reason);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT;
	struct ops ops;
	struct err err;
	size_t i;

	if (ops_parse(&ops, (const char *)data, size, &err) != 0)
		return 0;
	for (i = 0; i < ops.n; i++)
		write_again(&again, &ops.v[i]);
	if (again.len != size || (size > 0 && memcmp(again.b, data, size) != 0))
		abort();
	buf_free(&again);
	ops_free(&ops);
	return 0;
}
