/*
 * A seat: at this station one session with a peer at a time.  A link that
 * died silently leaves a session that would sit until it notices; whoever
 * comes next says so in HOME/sessions/CODE, and the one who sits gives way.
 */
#ifndef SYNC_SEAT_H
#define SYNC_SEAT_H

#include <stdbool.h>

struct err;
struct seat;

/*
 * Sit down.  With push whoever sits there is asked to leave, and waited for
 * no longer than 5 s: one that hangs is left alone.  Without push this waits
 * until the seat is free, or *stop, if given, says so (YZ_EPEER).
 */
int seat_take(struct seat **out, const char *home, const char *code, bool push,
    bool (*stop)(void), struct err *err);
/* Does somebody newer want it? */
bool seat_wanted(const struct seat *seat);
void seat_leave(struct seat *seat);

#endif
