#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"

#define PROGRESS_AFTER_MS 1000 /* what is done sooner shows nothing */
#define PROGRESS_EVERY_MS 200
#define PROGRESS_WIDTH 30 /* columns of the bar */

void
progress_begin(struct progress *p, const char *label, int64_t total)
{
	p->label = label;
	p->total = total;
	p->done = 0;
	p->started = clock_mono();
	p->drawn = 0;
	p->on = isatty(STDERR_FILENO);
}

void
progress_set(struct progress *p, int64_t done)
{
	static const char full[] = "##############################";
	int64_t now;
	int n;

	p->done = done;
	if (!p->on)
		return;
	now = clock_mono();
	if (now - p->started < PROGRESS_AFTER_MS ||
	    now - p->drawn < PROGRESS_EVERY_MS)
		return;
	p->drawn = now;
	if (p->total <= 0) {
		fprintf(stderr, "\r%s %lld\033[K", p->label, (long long)done);
	} else {
		if (done > p->total)
			done = p->total;
		n = (int)((double)done / (double)p->total * PROGRESS_WIDTH);
		fprintf(stderr, "\r%s [%-*.*s] %lld/%lld\033[K", p->label,
		    PROGRESS_WIDTH, n, full, (long long)done,
		    (long long)p->total);
	}
	fflush(stderr);
}

void
progress_end(struct progress *p)
{
	if (p->drawn != 0)
		fprintf(stderr, "\r\033[K");
	p->drawn = 0;
}
