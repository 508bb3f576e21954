#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "demo.h"

static const struct {
	const char *title;
	bool (*step)(struct demo *);
} steps[] = {
    {N_("Four stations are founded and joined"), demo_step_found},
    {N_("The register is filled and synchronised"), demo_step_first},
    {N_("The line below the city is cut"), demo_step_cut},
    {N_("Meanwhile county and city edit the same team"), demo_step_team},
    {N_("Meanwhile the county has an incident"), demo_step_incident},
    {N_("Meanwhile the city marks a hazard of the county"), demo_step_mark},
    {N_("Meanwhile the province adds a field"), demo_step_field},
    {N_("The line is back"), demo_step_back},
    {N_("The conflict is seen and decided"), demo_step_conflict},
    {N_("Stock git verifies the county's chains"), demo_step_git},
    {N_("An altered changeset is refused"), demo_step_altered},
    {N_("Every station has a console"), demo_step_consoles},
};

#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/* What the last command said, if it ended badly or had a complaint. */
static void
print_reason(struct demo *d)
{
	const char *last = demo_last(d);

	if (*last != '\0')
		printf("       %.300s\n", last);
}

bool
demo_check(struct demo *d, bool held, const char *fmt, ...)
{
	bool tty = isatty(STDOUT_FILENO) == 1;
	va_list ap;

	if (!held && demo_stopped())
		return false; /* it was not given the time */
	printf("   %s%s%s  ",
	    !tty   ? ""
	    : held ? "\033[32m"
		   : "\033[31m",
	    held ? "ok" : "NO", tty ? "\033[0m" : "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (held)
		d->checks++;
	else
		print_reason(d);
	fflush(stdout);
	return held;
}

void
demo_say(const char *fmt, ...)
{
	va_list ap;

	printf("       ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

bool
demo_story(struct demo *d)
{
	int64_t began = clock_mono();
	size_t i;

	for (i = 0; i < N_STEPS; i++) {
		printf("%s%2zu  %s\n", i == 0 ? "" : "\n", i + 1,
		    _(steps[i].title));
		fflush(stdout);
		if (!steps[i].step(d)) {
			if (!demo_stopped())
				printf(_("\nstep %zu did not hold: %s\n"),
				    i + 1, _(steps[i].title));
			return false;
		}
	}
	printf(_("\n%d checks, all held, in %.1f s\n"), d->checks,
	    (double)(clock_mono() - began) / 1e3);
	fflush(stdout);
	return true;
}
