/*
 * Preloaded by valgrind.sh into the program that runs below valgrind, which
 * makes it some thirty times slower and takes memory for itself: what would end
 * such a process for that alone is given up, and nothing else.  The address
 * space is not bounded, and the clock that counts patience goes at a tenth of
 * its speed.
 */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOWER 10

int
setrlimit(int resource, const struct rlimit *rlimits)
{
	if (resource == RLIMIT_AS)
		return 0;
	return (int)syscall(SYS_prlimit64, 0, resource, rlimits, (void *)0);
}

int setrlimit64(int resource, const struct rlimit *rlimits);

int
setrlimit64(int resource, const struct rlimit *rlimits)
{
	return setrlimit(resource, rlimits);
}

/* From its first reading on: a point of time for others' calls to wait until
 * is not long past. */
int
clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	static long long first;
	const long long s = 1000000000;
	long long now;
	int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);

	if (rc != 0 || clock_id != CLOCK_MONOTONIC)
		return rc;
	now = tp->tv_sec * s + tp->tv_nsec;
	if (first == 0)
		first = now;
	now = first + (now - first) / SLOWER;
	tp->tv_sec = now / s;
	tp->tv_nsec = now % s;
	return 0;
}
