/*
 * A progress bar on standard error for what takes over a second, only when
 * it is a terminal.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *label; /* borrowed */
	int64_t total;     /* 0: unknown, a counter is shown */
	int64_t done;
	int64_t started; /* clock_mono */
	int64_t drawn;   /* clock_mono of the last drawing, or 0 */
	int on;          /* stderr is a terminal */
};

void progress_begin(struct progress *p, const char *label, int64_t total);
void progress_set(struct progress *p, int64_t done);
void progress_end(struct progress *p); /* erase the bar */

#endif
