/* The end: the line returns, everyone converges, and a conflict is seen by
 * all and decided by one. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "demo.h"

static bool
shows_everywhere(struct demo *d, const char *field, const char *value)
{
	int i;

	for (i = 0; i < DEMO_STATIONS; i++)
		if (strcmp(demo_value(d, i, "resource", d->team, field),
			value) != 0)
			return false;
	return true;
}

static bool
mark_arrived(struct demo *d)
{
	return demo_check(d,
	    strcmp(demo_value(d, COUNTY, "hazard", d->hazard, "state"),
		"ordered") == 0 &&
		strcmp(demo_value(d, COUNTY, "hazard", d->hazard, "due"),
		    "2026-06-30") == 0 &&
		demo_run(d, SIBLING, "show", "hazard", d->hazard, NULL) ==
		    CMD_FAILED,
	    _("the city's mark is at %s, and the record is not at %s"),
	    d->st[COUNTY].name, d->st[SIBLING].name);
}

bool
demo_step_back(struct demo *d)
{
	struct err err = {0};
	bool open = demo_line_open(d, CITY, &err) == 0;

	if (!open) {
		buf_clear(&d->err);
		buf_puts(&d->err, cmd_words(err.msg));
	}
	if (!demo_check(d, open && demo_sync_all(d, true),
		_("everyone syncs, and each says complete")) ||
	    !demo_converged(d) || !demo_kept_from_sibling(d) ||
	    !demo_check(d, demo_has_photo(d, PROVINCE),
		_("the photo is at %s, byte for byte"), d->st[PROVINCE].name) ||
	    !mark_arrived(d))
		return false;
	return demo_check(d,
	    demo_run(d, COUNTY, "set", "resource", d->team, "drones=2", "--as",
		"值班员甲", NULL) == CMD_DONE &&
		demo_sync_all(d, false) && shows_everywhere(d, "drones", "2"),
	    _("%s sets the new field to 2, and all four show it"),
	    d->st[COUNTY].name);
}

/* Does the station list exactly the two values of the team's status, and
 * show one of them? */
static bool
sees_both(struct demo *d, int station, char *shown, size_t size)
{
	bool busy = false, down = false, good;
	int n = 0, n_shown = 0;
	char *line, *save = NULL;
	const char *value;
	char text[32] = "";
	struct json *o;
	struct err err;

	good = demo_run(d, station, "conflicts", "--json", NULL) == CMD_LOOK;
	for (line = strtok_r(buf_str(&d->out), "\n", &save);
	     good && line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (json_parse(&o, line, strlen(line), &err) != 0)
			return false;
		value = json_get_text(o, "value");
		if (value == NULL)
			value = "";
		if (strlen(value) >= 2) { /* it is JSON */
			snprintf(text, sizeof(text), "%.*s",
			    (int)strlen(value) - 2, value + 1);
		}
		busy = busy || strcmp(text, "busy") == 0;
		down = down || strcmp(text, "down") == 0;
		good = strcmp(json_get_text(o, "id"), d->team) == 0 &&
		       strcmp(json_get_text(o, "register"), "status") == 0;
		if (strstr(line, "\"shown\":true") != NULL) {
			snprintf(shown, size, "%s", text);
			n_shown++;
		}
		n++;
		json_free(o);
	}
	return good && n == 2 && busy && down && n_shown == 1;
}

bool
demo_step_conflict(struct demo *d)
{
	char at_county[32] = "", at[32] = "";
	bool good = sees_both(d, COUNTY, at_county, sizeof(at_county));
	int i;

	for (i = 0; i < DEMO_STATIONS; i++)
		good = good && sees_both(d, i, at, sizeof(at)) &&
		       strcmp(at, at_county) == 0;
	if (!demo_check(d, good,
		_("all four list both values, busy and down, and show the "
		  "same: %s"),
		at_county))
		return false;
	if (!demo_check(d,
		shows_everywhere(d, "on_duty", "12") &&
		    shows_everywhere(d, "remark", "装备检修"),
		_("12 on duty and the remark, each written by one, stand "
		  "everywhere")))
		return false;
	if (!demo_check(d,
		demo_run(d, COUNTY, "set", "resource", d->team, "status=ready",
		    "--as", "值班员甲", NULL) == CMD_DONE &&
		    demo_sync_all(d, false) &&
		    shows_everywhere(d, "status", "ready"),
		_("%s has seen both and sets it to ready: so it is "
		  "everywhere"),
		d->st[COUNTY].name))
		return false;
	for (i = 0; i < DEMO_STATIONS; i++)
		good = good && demo_run(d, i, "conflicts", NULL) == CMD_DONE;
	return demo_check(d, good, _("no conflict is left at any of the four"));
}
