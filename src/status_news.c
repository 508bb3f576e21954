#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd.h"
#include "home.h"
#include "local.h"
#include "replica.h"
#include "roster.h"
#include "status_news.h"

static void
print_json(const char *code, const struct local_news *v)
{
	struct json *o = json_new_object();
	char text[CLOCK_LEN];

	clock_format(text, v->last);
	json_set(o, "what", json_text("news"));
	json_set(o, "peer", json_text(code));
	json_set(o, "from", json_text(v->writer));
	json_set(o, "last", v->last == 0 ? json_new_null() : json_text(text));
	json_set(o, "contacts_since", json_int(v->contacts));
	json_print(stdout, o);
	json_free(o);
}

static void
print_text(const struct local_news *v)
{
	char text[CLOCK_LEN];

	clock_format(text, v->last);
	printf(_("  news      %s: %s, %lld contacts since without any\n"),
	    v->writer, v->last == 0 ? _("never") : text,
	    (long long)v->contacts);
}

int
status_news_print(struct replica *r, struct local *local, const char *code,
    bool json, struct err *err)
{
	const struct roster *roster = replica_roster(r);
	const char *me = replica_home(r)->code;
	struct local_news *v = NULL;
	size_t n = 0, i;
	int rc;

	rc = local_news(local, &v, &n, code, err);
	for (i = 0; rc == 0 && i < n; i++) {
		const char *who = v[i].writer;

		if (json)
			print_json(code, &v[i]);
		else if (strcmp(who, code) == 0 ||
			 roster_is_ancestor(roster, who, me) ||
			 roster_is_ancestor(roster, me, who))
			print_text(&v[i]);
	}
	free(v);
	return rc;
}
