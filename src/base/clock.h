/*
 * Time.  Wall-clock times are int64_t milliseconds since 1970-01-01T00:00Z;
 * people read and type local ISO 8601 with zone +08:00.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct err;

#define CLOCK_LEN 32 /* room for any formatted time, NUL included */

int64_t clock_wall(void); /* ms since 1970 */
int64_t clock_mono(void); /* ms since some start; never goes back */

/* "2026-11-23T23:16:23+08:00" */
void clock_format(char out[CLOCK_LEN], int64_t ms);
/* "2026-11-23T23:16:23.123+08:00", always three digits */
void clock_format_ms(char out[CLOCK_LEN], int64_t ms);

/*
 * Parse what people type: date and time with T or a space, seconds,
 * fraction and zone optional (zone +08:00 when absent; Z and +hh:mm are
 * converted), or a date alone.  Also 2026/11/23 and 2026年11月23日 dates.
 * Years 1900-9999.  YZ_EINVAL otherwise.
 */
int clock_parse(int64_t *out, const char *text, struct err *err);
/* The same for a date alone, to "YYYY-MM-DD". */
int clock_parse_date(char out[11], const char *text, struct err *err);

#endif
