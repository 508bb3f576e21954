#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/catalogue.h"

#define ARGS_MAX 12  /* of a format */
#define DEPTH_MAX 2  /* a reason in a reason */
#define CUT_FROM 197 /* a line so long was perhaps cut off at its end */
#define CUT_SURE 12  /* letters that tell which line it was */

struct piece { /* of a line; not terminated */
	const char *s;
	size_t n;
	bool text; /* what %s wrote */
};

static size_t retell(
    struct buf *out, const char *s, size_t n, bool cut, int depth);

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct conversion {
	size_t len; /* of "%-8.*s" */
	int arg;    /* which argument it writes */
	char what;  /* 's', 'd', ... */
};

/* The one at f, which begins with '%'; next is the argument in turn. */
static struct conversion
conversion_at(const char *f, int *next)
{
	struct conversion v = {1, -1, '\0'};
	int number = 0;

	for (; f[v.len] != '\0' && strchr("-+ #0123456789.*$hlzj", f[v.len]);
	     v.len++) {
		if (f[v.len] == '$' && v.arg < 0)
			v.arg = number - 1;
		else if (f[v.len] == '*')
			++*next;
		number = f[v.len] >= '0' && f[v.len] <= '9'
			     ? (number * 10 + f[v.len] - '0') % 100
			     : 0;
	}
	v.what = f[v.len];
	if (v.what != '\0')
		v.len++;
	if (v.what != '%' && v.arg < 0)
		v.arg = (*next)++;
	return v;
}

/* How much of s a conversion other than %s wrote. */
static size_t
written(char what, const char *s, size_t n)
{
	const char *of = what == 'x' || what == 'X' ? "0123456789abcdefABCDEF"
						    : "-.0123456789";
	size_t i = 0;

	if (what == 'c')
		return n > 0;
	while (i < n && s[i] != '\0' && strchr(of, s[i]) != NULL)
		i++;
	return i;
}

/*
 * Did f write the n bytes at s?  The first place that fits is taken for what
 * stands between two %s, as in a file name with stars: that finds a way
 * wherever there is one.  Returns the letters of f itself, 0 if it did not.
 */
static size_t
wrote(struct piece args[ARGS_MAX], const char *f, const char *s, size_t n,
    bool cut)
{
	const char *end = s + n, *back_f = NULL, *back_s = s;
	size_t letters = 0, back_letters = 0, len;
	int next = 0, back_next = 0, open = -1;
	struct conversion v;

	memset(args, 0, ARGS_MAX * sizeof(*args));
	for (;;) {
		v.len = 0;
		if (*f == '%') {
			v = conversion_at(f, &next);
			if (v.what != '%' && (v.arg < 0 || v.arg >= ARGS_MAX))
				return 0;
		}
		if (*f == '\0' && s == end)
			return letters;
		if (s == end && cut && letters >= CUT_SURE)
			return letters;
		if (v.len > 0 && v.what == 's') {
			f += v.len;
			args[v.arg] = (struct piece){s, 0, true};
			if (*f == '\0') {
				args[v.arg].n = (size_t)(end - s);
				return letters;
			}
			open = v.arg;
			back_f = f;
			back_s = s;
			back_letters = letters;
			back_next = next;
			continue;
		}
		if (v.len > 0 && v.what != '%') {
			len = written(v.what, s, (size_t)(end - s));
			if (len > 0) {
				args[v.arg] = (struct piece){s, len, false};
				f += v.len;
				s += len;
				continue;
			}
		} else if (*f != '\0' && s < end && *f == *s) {
			letters += is_letter(*f);
			f += v.len > 0 ? v.len : 1;
			s++;
			continue;
		}
		if (back_f == NULL || back_s == end)
			return 0;
		args[open].n = (size_t)(++back_s - args[open].s);
		f = back_f;
		s = back_s;
		letters = back_letters;
		next = back_next;
	}
}

/* f with the arguments in their places; returns what was gained in them. */
static size_t
rewrite(struct buf *out, const char *f, const struct piece args[ARGS_MAX],
    bool cut, int depth)
{
	const struct piece *a;
	struct conversion v;
	size_t gain = 0;
	int next = 0;

	while (*f != '\0') {
		if (*f != '%') {
			buf_putc(out, *f++);
			continue;
		}
		v = conversion_at(f, &next);
		f += v.len;
		if (v.what == '%') {
			buf_putc(out, '%');
			continue;
		}
		if (v.arg < 0 || v.arg >= ARGS_MAX || args[v.arg].s == NULL)
			continue;
		a = &args[v.arg];
		/* A word by itself may be a name, not ours. */
		if (a->text && memchr(a->s, ' ', a->n) != NULL)
			gain += retell(out, a->s, a->n, cut, depth - 1);
		else
			buf_put(out, a->s, a->n);
	}
	return gain;
}

/* The format of the catalogue that most likely wrote it. */
static size_t
by_format(struct buf *out, const char *s, size_t n, bool cut, int depth)
{
	struct piece args[ARGS_MAX], best_args[ARGS_MAX];
	const char *id, *text, *best = NULL;
	size_t i, letters, most = 1;

	for (i = 0; catalogue_entry(i, &id, &text); i++) {
		if (strchr(id, '%') == NULL)
			continue;
		letters = wrote(args, id, s, n, cut);
		if (letters <= most)
			continue;
		most = letters;
		best = text;
		memcpy(best_args, args, sizeof(args));
	}
	if (best == NULL)
		return 0;
	return most + rewrite(out, best, best_args, cut, depth);
}

/* As two, what stands before the first ": " and what stands behind. */
static size_t
by_parts(struct buf *out, const char *s, size_t n, bool cut, int depth)
{
	const char *colon = memmem(s, n, ": ", 2);
	size_t head, gain;

	if (colon == NULL)
		return 0;
	head = (size_t)(colon - s);
	gain = retell(out, s, head, false, depth);
	buf_puts(out, ": ");
	return gain + retell(out, colon + 2, n - head - 2, cut, depth);
}

/* Returns the letters that were found in the catalogue. */
static size_t
retell(struct buf *out, const char *s, size_t n, bool cut, int depth)
{
	struct buf whole = BUF_INIT, parts = BUF_INIT;
	size_t gain = 0, gain_parts = 0;
	const char *exact, *key;

	buf_put(&whole, s, n);
	key = buf_str(&whole);
	exact = catalogue_find(key);
	if (exact != key) {
		buf_puts(out, exact);
		buf_free(&whole);
		return n;
	}
	buf_clear(&whole);
	if (depth > 0) {
		gain = by_format(&whole, s, n, cut, depth);
		gain_parts = by_parts(&parts, s, n, cut, depth);
	}
	if (gain > gain_parts)
		buf_put(out, whole.b, whole.len);
	else if (gain_parts > 0)
		buf_put(out, parts.b, parts.len);
	else
		buf_put(out, s, n);
	buf_free(&whole);
	buf_free(&parts);
	return gain > gain_parts ? gain : gain_parts;
}

void
catalogue_line(struct buf *out, const char *line)
{
	size_t n = strlen(line);

	retell(out, line, n, n >= CUT_FROM, DEPTH_MAX);
}
