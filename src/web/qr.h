/*
 * QR codes: libqrencode is met here and nowhere else.
 */
#ifndef WEB_QR_H
#define WEB_QR_H

struct buf;
struct err;

/* Append the code of a text (error correction M) as lines of block
 * characters, dark on light; or as an SVG file. */
int qr_text(struct buf *out, const char *data, struct err *err);
int qr_svg(struct buf *out, const char *data, struct err *err);

#endif
