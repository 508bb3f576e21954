#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Here are the functions behind the macros. */
#undef err_set
#undef err_sys
#undef err_within

static _Thread_local const char *(*language)(const char *fmt);

void
err_speak(const char *(*translate)(const char *fmt))
{
	language = translate;
}

__attribute__((format_arg(1))) static const char *
in_language(const char *fmt)
{
	return language(fmt);
}

/* Write both; said gets nothing where nobody asked for it. */
__attribute__((format(printf, 2, 0))) static void
write_both(struct err *err, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	err->said[0] = '\0';
	if (language != NULL)
		vsnprintf(
		    err->said, sizeof(err->said), in_language(fmt), again);
	va_end(again);
}

static void
append(char text[sizeof(((struct err *)0)->msg)], const char *more)
{
	size_t n = strlen(text);

	snprintf(text + n, sizeof(((struct err *)0)->msg) - n, ": %s", more);
}

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys = 0;
	va_start(ap, fmt);
	write_both(err, fmt, ap);
	va_end(ap);
	return code;
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	err->code = YZ_EIO;
	err->sys = saved;
	va_start(ap, fmt);
	write_both(err, fmt, ap);
	va_end(ap);
	append(err->msg, strerror(saved));
	if (language != NULL)
		append(err->said, strerror(saved));
	return YZ_EIO;
}

int
err_within(struct err *err, const char *fmt, ...)
{
	struct err inner = *err;
	va_list ap;

	va_start(ap, fmt);
	write_both(err, fmt, ap);
	va_end(ap);
	append(err->msg, inner.msg);
	if (language != NULL)
		append(
		    err->said, inner.said[0] != '\0' ? inner.said : inner.msg);
	return err->code;
}
