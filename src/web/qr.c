#include "config.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "qr.h"

#define QUIET 4 /* light modules around, as the standard wants */

static int
encode(QRcode **out, const char *data, struct err *err)
{
	*out = QRcode_encodeString8bit(data, 0, QR_ECLEVEL_M);
	return *out != NULL ? 0
			    : err_set(err, YZ_EINVAL,
				  "this does not fit into a QR code");
}

static bool
dark(const QRcode *qr, int x, int y)
{
	return x >= 0 && y >= 0 && x < qr->width && y < qr->width &&
	       (qr->data[y * qr->width + x] & 1) != 0;
}

int
qr_text(struct buf *out, const char *data, struct err *err)
{
	QRcode *qr;
	int x, y, rc;

	rc = encode(&qr, data, err);
	if (rc != 0)
		return rc;
	/* Two modules, one above the other, a character. */
	for (y = -QUIET; y < qr->width + QUIET; y += 2) {
		for (x = -QUIET; x < qr->width + QUIET; x++)
			buf_puts(out,
			    dark(qr, x, y)
				? (dark(qr, x, y + 1) ? "\u2588" : "\u2580")
				: (dark(qr, x, y + 1) ? "\u2584" : " "));
		buf_putc(out, '\n');
	}
	QRcode_free(qr);
	return 0;
}

int
qr_svg(struct buf *out, const char *data, struct err *err)
{
	QRcode *qr;
	int x, y, all, rc;

	rc = encode(&qr, data, err);
	if (rc != 0)
		return rc;
	all = qr->width + 2 * QUIET;
	buf_printf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60mm\""
	    " height=\"60mm\" viewBox=\"0 0 %d %d\">\n"
	    "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<path d=\"",
	    all, all, all, all);
	for (y = 0; y < qr->width; y++)
		for (x = 0; x < qr->width; x++)
			if (dark(qr, x, y))
				buf_printf(out, "M%d %dh1v1h-1z", x + QUIET,
				    y + QUIET);
	buf_puts(out, "\"/>\n</svg>\n");
	QRcode_free(qr);
	return 0;
}
