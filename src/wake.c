#include "config.h"

#include "base/err.h"
#include "home.h"
#include "replica.h"
#include "roster.h"
#include "seat.h"
#include "wake.h"

static bool
at_once(void)
{
	return true;
}

bool
wake_is_there(const char *home, const char *code)
{
	struct err ignored;
	struct seat *seat;

	if (seat_take(&seat, home, code, false, at_once, &ignored) != 0)
		return true;
	seat_leave(seat);
	return false;
}

void
wake_peer(const char *home, const char *code)
{
	struct err ignored;
	struct seat *seat;

	if (seat_take(&seat, home, code, true, NULL, &ignored) == 0)
		seat_leave(seat);
}

void
wake_all(struct replica *r)
{
	const struct roster *roster = replica_roster(r);
	const struct home *home = replica_home(r);
	size_t i;

	for (i = 0; i < roster_count(roster); i++) {
		const char *code = roster_at(roster, i)->code;

		if (roster_may_speak(roster, home->code, code) &&
		    wake_is_there(home->path, code))
			wake_peer(home->path, code);
	}
}
