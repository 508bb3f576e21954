/*
 * A roster document has one form: what is read is written again the same,
 * text and signatures; and what a roster makes of it does no harm.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "roster_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_equal(struct buf *got, const void *want, size_t n)
{
	if (got->len != n || memcmp(got->b, want, n) != 0)
		abort();
	buf_free(got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT;
	struct roster *roster = NULL;
	struct roster_part part;
	struct roster_doc doc;
	struct err err;

	if (roster_doc_unpack(&doc, data, size, &err) != 0)
		return 0;
	roster_doc_pack(&again, &doc);
	must_equal(&again, data, size);
	if (roster_parse_part(&part, doc.text.b, doc.text.len, &err) != 0)
		abort();
	roster_doc_write(&again, &part);
	must_equal(&again, doc.text.b, doc.text.len);
	roster_doc_release(&part);
	if (roster_build(&roster, &doc, 1, &err) == 0)
		roster_free(roster);
	roster_doc_free(&doc);
	return 0;
}
