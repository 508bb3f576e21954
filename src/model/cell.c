#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "chain.h"
#include "model/cell.h"
#include "schema.h"

#define NUMBER_MAX 64 /* bytes of what may be a number */
#define NOISE 1e-9    /* of a value, what binary floating point leaves */

/* Full-width digits and signs as ASCII, thousands commas and spaces out. */
static void
plain_number(struct buf *out, const char *s)
{
	const unsigned char *u;

	while (*s != '\0') {
		u = (const unsigned char *)s;
		if (u[0] == 0xef && u[1] == 0xbc && u[2] >= 0x81) {
			if (u[2] != 0x8c) /* not a full-width comma */
				buf_putc(out, (char)(u[2] - 0x60));
			s += 3;
			continue;
		}
		if (*s != ',' && *s != ' ')
			buf_putc(out, *s);
		s++;
	}
}

/* 106°42'13.5" with any usual marks; false if it is not of that form. */
static bool
degrees(double *out, const char *s)
{
	static const char *const marks[3][5] = {
	    {"°", "度", "º", NULL},
	    {"'", "′", "’", "分", NULL},
	    {"\"", "″", "”", "秒", NULL},
	};
	double part, sum = 0, unit = 1;
	char *end;
	size_t i, k;

	for (i = 0; i < 3 && *s != '\0'; i++, unit *= 60) {
		while (*s == ' ')
			s++;
		if (!isdigit((unsigned char)*s))
			break;
		part = strtod(s, &end);
		for (k = 0; marks[i][k] != NULL; k++)
			if (strncmp(end, marks[i][k], strlen(marks[i][k])) == 0)
				break;
		if (marks[i][k] == NULL || part < 0 || (i > 0 && part >= 60))
			return false;
		s = end + strlen(marks[i][k]);
		sum += part / unit;
	}
	while (*s == ' ' || *s == 'E' || *s == 'N')
		s++;
	*out = sum;
	return i > 0 && *s == '\0';
}

/* Rounded to the field's digits if it has more and they do not matter. */
static void
tidy_number(struct buf *out, const struct field *f, const char *text)
{
	bool angle = strcmp(f->unit, "deg") == 0;
	int scale = f->type == FIELD_DECIMAL ? f->scale : 0;
	char rounded[NUMBER_MAX];
	const char *point;
	double v;
	char *end;

	if (angle && degrees(&v, text)) {
		buf_printf(out, "%.*f", scale, v);
		return;
	}
	point = strchr(text, '.');
	if (strlen(text) < NUMBER_MAX / 2 && point != NULL &&
	    strspn(text, "+-0123456789.") == strlen(text) &&
	    strlen(point + 1) > (size_t)scale) {
		v = strtod(text, &end);
		snprintf(rounded, sizeof(rounded), "%.*f", scale, v);
		if (*end == '\0' && (angle || fabs(strtod(rounded, NULL) - v) <=
						  NOISE * fmax(1, fabs(v)))) {
			buf_puts(out, rounded);
			return;
		}
	}
	buf_puts(out, text);
}

/* The id in brackets at the end of a reference, as exports write it. */
static bool
bracket_id(struct buf *out, const char *text)
{
	size_t n = strlen(text), len;
	const char *open = strrchr(text, '(');

	if (open == NULL || n == 0 || text[n - 1] != ')')
		return false;
	open++;
	len = (size_t)(text + n - 1 - open);
	if (len <= CHAIN_CODE_LEN + 1 || !chain_is_code(open, CHAIN_CODE_LEN) ||
	    open[CHAIN_CODE_LEN] != '-' ||
	    strspn(open + CHAIN_CODE_LEN + 1, "0123456789abcdef") !=
		len - CHAIN_CODE_LEN - 1)
		return false;
	buf_put(out, open, len);
	return true;
}

void
cell_tidy(struct buf *out, const struct field *f, const char *text)
{
	struct buf number = BUF_INIT;

	if (text[0] == '\'' && text[1] != '\0' &&
	    strchr("=+-@'", text[1]) != NULL)
		text++;
	if ((f->type == FIELD_INT || f->type == FIELD_DECIMAL) &&
	    f->elem == ELEM_ONE) {
		plain_number(&number, text);
		tidy_number(out, f, buf_str(&number));
		buf_free(&number);
	} else if (f->type != FIELD_REF || f->elem != ELEM_ONE ||
		   !bracket_id(out, text)) {
		buf_puts(out, text);
	}
}

bool
cell_mobile(struct buf *digits, const char *text)
{
	size_t n = 0, before = digits->len;
	const char *s;

	for (s = text; *s != '\0'; s++) {
		if (isdigit((unsigned char)*s)) {
			buf_putc(digits, *s);
			n++;
		} else if (strchr(" -+", *s) == NULL) {
			n = 0;
			break;
		}
	}
	buf_str(digits);
	s = (const char *)digits->b + before;
	if (n == 13 && strncmp(s, "86", 2) == 0) {
		memmove(digits->b + before, s + 2, 12);
		digits->len -= 2;
		n = 11;
	}
	if (n == 11 && digits->b[before] == '1')
		return true;
	digits->len = before;
	return false;
}

bool
cell_two_phones(struct buf *phone, struct buf *mobile, const char *text)
{
	static const char *const between[] = {
	    "/", "、", ";", "；", ",", "，", "|", "\n"};
	char part[2][NUMBER_MAX];
	const char *at = NULL, *s;
	size_t i, n = 0, k;

	for (i = 0; i < sizeof(between) / sizeof(between[0]) && at == NULL;
	     i++) {
		at = strstr(text, between[i]);
		n = strlen(between[i]);
	}
	if (at == NULL || strlen(text) >= NUMBER_MAX)
		return false;
	s = text;
	k = text_trim(&s, (size_t)(at - text));
	snprintf(part[0], sizeof(part[0]), "%.*s", (int)k, s);
	s = at + n;
	k = text_trim(&s, strlen(s));
	snprintf(part[1], sizeof(part[1]), "%.*s", (int)k, s);
	for (i = 0; i < 2; i++) {
		if (!cell_mobile(mobile, part[i]))
			continue;
		/* Two mobile numbers are not for us to choose from. */
		if (cell_mobile(phone, part[1 - i])) {
			buf_clear(phone);
			buf_clear(mobile);
			return false;
		}
		buf_puts(phone, part[1 - i]);
		return true;
	}
	return false;
}
