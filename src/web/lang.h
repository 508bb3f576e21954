/*
 * The language a browser asks for.
 */
#ifndef WEB_LANG_H
#define WEB_LANG_H

#include <stdbool.h>
#include <string.h>

#include "desk.h"

/* Chinese unless English is asked for: ?_lang=en, or Accept-Language. */
static inline bool
lang_zh(const struct call *c)
{
	const char *s = http_query(c->q, "_lang");

	if (s == NULL)
		s = http_header(c->q, "Accept-Language");
	return s == NULL || strncmp(s, "en", 2) != 0;
}

/* Is Chinese asked for?  Then refusals are Chinese too; for whoever says
 * nothing, a program, they are as the manual has them. */
static inline bool
lang_asks_zh(const struct call *c)
{
	const char *s = http_query(c->q, "_lang");

	if (s == NULL)
		s = http_header(c->q, "Accept-Language");
	return s != NULL && strncmp(s, "zh", 2) == 0;
}

#endif
