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

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys = 0;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	const char *why;
	va_list ap;
	size_t n;

	err->code = YZ_EIO;
	err->sys = saved;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	/* Not strerror(): that speaks the language of the locale. */
	why = strerrordesc_np(saved);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s",
	    why == NULL ? "unknown error" : why);
	return YZ_EIO;
}

int
err_within(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;
	size_t n;

	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", inner);
	return err->code;
}
