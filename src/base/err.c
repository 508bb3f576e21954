#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

/* Here are the functions behind the macros. */
#undef err_set
#undef err_sys
#undef err_within

/* A %.40s, and the end of the line, cut through characters: a reader would
 * be shown none of them right. */
__attribute__((format(printf, 2, 0))) static void
write_line(struct err *err, const char *fmt, va_list ap, const char *after)
{
	size_t n;

	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	n = strlen(err->msg);
	if (after != NULL)
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", after);
	text_mend(err->msg);
}

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys = 0;
	va_start(ap, fmt);
	write_line(err, fmt, ap, NULL);
	va_end(ap);
	return code;
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	const char *why;
	va_list ap;

	err->code = YZ_EIO;
	err->sys = saved;
	/* Not strerror(): that speaks the language of the locale. */
	why = strerrordesc_np(saved);
	va_start(ap, fmt);
	write_line(err, fmt, ap, why == NULL ? "unknown error" : why);
	va_end(ap);
	return YZ_EIO;
}

int
err_within(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;

	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	write_line(err, fmt, ap, inner);
	va_end(ap);
	return err->code;
}
