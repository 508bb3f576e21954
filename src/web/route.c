#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "route.h"
#include "user.h"

#define P(power) (1u << POWER_##power)
#define EVERYONE P(READ)

/* Members of replies that stand in several. */
#define RECORD "record Record"
#define PAGE_OF_RECORDS "records [Record], next text~"

static const struct route routes[] = {
    {"POST", "/api/login", 0, ROUTE_OPEN | ROUTE_JSON, api_login, "", "",
	"login text, password text, code? text, new_password? text", 200,
	"user Person, csrf text", "Log in; the session is a cookie"},
    {"POST", "/api/logout", 0, ROUTE_PERSON, api_logout, "", "", "", 200, "",
	"Log out"},
    {"GET", "/api/me", 0, 0, api_me, "", "", "", 200, "user Person, csrf text",
	"Who is logged in"},
    {"POST", "/api/me/password", 0, ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON,
	api_me_password, "", "", "password text, new_password text, code? text",
	200, "", "Change one's own password"},
    {"POST", "/api/me/totp", 0, ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON,
	api_totp_begin, "", "", "password text", 201,
	"secret text, uri text, svg text",
	"Begin a second factor: a secret for the telephone's app"},
    {"POST", "/api/me/totp/confirm", 0,
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_totp_confirm, "", "",
	"code text", 200, "spares [text]",
	"The app shows this code: from now on it is wanted at login"},
    {"POST", "/api/me/totp/off", 0, ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON,
	api_totp_off, "", "", "password text, code text", 200, "",
	"Take one's own second factor off"},
    {"GET", "/api/tokens", 0, ROUTE_PERSON, api_tokens, "", "", "", 200,
	"tokens [Token]", "Tokens of machines: one's own, or all"},
    {"POST", "/api/tokens", 0, ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON,
	api_token_make, "", "", "name text, role? text", 201,
	"id text, name text, login text, role text, made_by text, made text,"
	" last text~, token text",
	"Make a token for one's own account; it is shown this once"},
    {"DELETE", "/api/tokens/*", 0, ROUTE_LOGGED | ROUTE_PERSON,
	api_token_revoke, "token", "", "", 200, "", "Revoke a token"},
    {"GET", "/api/openapi.json", EVERYONE, 0, api_openapi, "", "", "", 200,
	NULL, "This description"},
    {"GET", "/api/events", EVERYONE, ROUTE_ALONE, api_events, "", "", "", 200,
	NULL,
	"Server-sent events: \"change\" whenever something was committed"},
    {"GET", "/api/station", EVERYONE, 0, api_station, "", "", "", 200,
	"code text, name text, inc text, parent text, time text,"
	" fingerprint? text, peers [Peer],"
	" stops [Stop],"
	" records int, conflicts int, quarantined int, undecided int,"
	" chains int,"
	" changesets int, missing_blobs int",
	"This station: contact, what waits, what is wrong"},
    {"GET", "/api/stations", EVERYONE, 0, api_stations, "", "", "", 200,
	"stations [Station]", "All stations of the roster"},
    {"POST", "/api/stations/*/confirm", P(CONFIRM),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_confirm, "code", "",
	"fingerprint text", 200,
	"code text, name text, parent text, scope text, version int",
	"Enrol a station whose fingerprint was heard over the telephone"},
    {"GET", "/api/invitations", P(STATIONS) | P(CONFIRM), 0, api_invitations,
	"", "", "", 200, "invitations [Invitation]",
	"Open invitations, and who has asked to join"},
    {"POST", "/api/invitations", P(STATIONS),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_invite, "", "",
	"code text, name? text, address? text, host_key? text", 201,
	"code text, name text, address text, file text, text text",
	"Make an invitation, a file to be carried to the station"},
    {"DELETE", "/api/invitations/*", P(STATIONS), ROUTE_LOGGED | ROUTE_PERSON,
	api_uninvite, "code", "", "", 200, "", "Take an invitation back"},
    {"GET", "/api/doctor", EVERYONE, 0, api_doctor, "", "", "", 200,
	"findings [Finding], bad int, time text",
	"What an administrator should know and do"},
    {"GET", "/api/kinds", EVERYONE, ROUTE_KEPT, api_kinds, "", "", "", 200,
	"kinds [Kind]", "Kinds of records"},
    {"GET", "/api/kinds/*", EVERYONE, ROUTE_KEPT, api_kind, "kind", "", "", 200,
	"name text, base text, label_zh text, label_en text, stream text,"
	" append_only bool, geo bool, title text, when [text], count int~,"
	" fields [Field]",
	"A kind and its fields"},
    {"GET", "/api/records/*", EVERYONE, ROUTE_KEPT, api_records, "kind",
	"_limit? int, _sort? text, _after? text, _removed? text", "", 200,
	PAGE_OF_RECORDS,
	"List: a field's name as a parameter filters; _sort is a field, with -"
	" before it downwards, and without it the order is that in which they"
	" came; _after is next of the page before"},
    {"GET", "/api/records/*/*", EVERYONE, 0, api_record, "kind id", "", "", 200,
	"id text, kind text, owner text, title text, values object,"
	" text object, removed bool, removed_reason? text,"
	" created_at text, created_by text,"
	" conflicts [any], etag text, stands object, conflict_values object",
	"One record, with the etag that a change must bring"},
    {"GET", "/api/records/*/*/history", EVERYONE, ROUTE_KEPT, api_history,
	"kind id", "", "", 200, "history [Change]",
	"Every change ever made to it"},
    {"POST", "/api/records/*", P(REGISTER), ROUTE_JSON, api_create, "kind", "",
	"set? object, add? object, remove? object, incomplete? bool", 201,
	"id text",
	"Make a record; an emergency that is incomplete need only have its"
	" title"},
    {"PATCH", "/api/records/*/*", P(REGISTER), ROUTE_JSON | ROUTE_MATCH,
	api_change, "kind id", "", "set? object, add? object, remove? object",
	200, "changed bool, etag text",
	"Change it; 412 if a field set here has changed since it was read"},
    {"DELETE", "/api/records/*/*", P(REGISTER), 0, api_drop, "kind id",
	"why text", "", 200, "", "Drop it, with a reason"},
    {"POST", "/api/blobs", P(REGISTER), ROUTE_BYTES, api_blob_put, "", "", "",
	201, "blob text", "Store an attachment; its SHA-256 is its name"},
    {"GET", "/api/blobs/*", EVERYONE, 0, api_blob_get, "blob", "", "", 200,
	NULL, "An attachment"},
    {"GET", "/api/find", EVERYONE, ROUTE_KEPT, api_find, "",
	"q text, _limit? int, _after? text", "", 200,
	"records [Record], next text~, total int, more bool",
	"Search in all text; total is exact unless there are more"},
    {"GET", "/api/near", EVERYONE, ROUTE_KEPT, api_near, "",
	"lon number, lat number, km number, kind? text, _limit? int", "", 200,
	"records [Record]", "What is within km kilometres, nearest first"},
    {"GET", "/api/box", EVERYONE, ROUTE_KEPT, api_box, "",
	"west number, south number, east number, north number, kind? text,"
	" _limit? int",
	"", 200, "records [Record], more bool", "What is within a box"},
    {"GET", "/api/tally/*", EVERYONE, ROUTE_KEPT, api_tally, "kind", "by text",
	"", 200, "rows [object]", "How many records there are, by some fields"},
    {"GET", "/api/conflicts", EVERYONE, ROUTE_KEPT, api_conflicts, "",
	"_limit? int, _after? text", "", 200,
	"conflicts [Conflict], next text~", "Where different values stand"},
    {"GET", "/api/quarantine", EVERYONE, ROUTE_KEPT, api_quarantine, "",
	"_limit? int, _after? text, _settled? text", "", 200,
	"quarantine [Quarantined], next text~, total int, undecided int",
	"What was signed but is not accepted, beside what stands; _settled: no"
	" for what is still to be decided here, yes for what was"},
    {"POST", "/api/quarantine/*/*/take", P(REGISTER),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_quarantine_take,
	"changeset op", "", "etag text", 200, "changed bool",
	"Write it as a change of this station's; 412 if the record is no more"
	" as etag says"},
    {"POST", "/api/quarantine/*/*/keep", P(REGISTER),
	ROUTE_LOGGED | ROUTE_PERSON, api_quarantine_keep, "changeset op", "",
	"", 200, "",
	"Leave what stands: it is in quarantine, but not to be decided here"},
    {"GET", "/api/quarantine/*/*/alike", P(REGISTER), ROUTE_PERSON,
	api_quarantine_alike, "changeset op", "by text", "", 200,
	"count int, more bool, etag text",
	"How many are still to be decided that have its reason or its author,"
	" which by says"},
    {"POST", "/api/quarantine/*/*/keep-alike", P(REGISTER),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_quarantine_keep_alike,
	"changeset op", "", "by text, etag text", 200, "settled int",
	"Leave what stands for all of them, each an entry of the audit log; 412"
	" if they are no more those that etag counted"},
    {"GET", "/api/changesets", EVERYONE, ROUTE_KEPT, api_changesets, "",
	"_limit? int, _after? text", "", 200,
	"changesets [Changeset], next text~", "The ledger, newest first"},
    {"GET", "/api/changesets/*", EVERYONE, ROUTE_KEPT, api_changeset, "id", "",
	"", 200,
	"id text, chain text, seq int, time text, station text, stream text,"
	" author text, subject text, verified bool, ops [object], seen [Seen], text text,"
	" key text",
	"One changeset, with its signed text"},
    {"GET", "/api/users", P(USERS) | P(RIGHTS), 0, api_users, "", "", "", 200,
	"users [Account]", "Accounts"},
    {"POST", "/api/users", P(USERS), ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON,
	api_user_add, "", "", "login text, name text, password text", 201, "",
	"Make an account, without rights; the password is for one login"},
    {"POST", "/api/users/*/password", P(USERS),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_user_passwd, "login", "",
	"password text", 200, "",
	"Set the password of an account that is no administrator's, for one"
	" login; its sessions and tokens end"},
    {"POST", "/api/users/*/role", P(RIGHTS),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_user_role, "login", "",
	"role text", 200, "",
	"Give an account its role; an administrator's only once the person has"
	" chosen the password"},
    {"POST", "/api/users/*/unlock", P(RIGHTS), ROUTE_LOGGED | ROUTE_PERSON,
	api_user_unlock, "login", "", "", 200, "",
	"Open an account that wrong passwords have shut"},
    {"POST", "/api/users/*/idle", P(RIGHTS),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_user_idle, "login", "",
	"minutes int", 200, "",
	"How long a duty screen stays open without a request; 0: as usual"},
    {"DELETE", "/api/users/*/totp", P(RIGHTS), ROUTE_LOGGED | ROUTE_PERSON,
	api_user_totp_off, "login", "", "", 200, "",
	"Take off the second factor of who has lost it"},
    {"GET", "/api/audit", P(AUDIT), 0, api_audit, "", "_below? int", "", 200,
	"entries [Entry], whole bool, faults [text]",
	"The audit log, newest first, and whether it is as it was written"},
    {"GET", "/api/audit/export", P(AUDIT), 0, api_audit_export, "",
	"_through? int", "", 200, NULL,
	"Its oldest entries with their hashes, a line of JSON each"},
    {"POST", "/api/audit/prune", P(AUDIT),
	ROUTE_JSON | ROUTE_LOGGED | ROUTE_PERSON, api_audit_prune, "", "",
	"through text, sha256 text", 200, "",
	"Delete what was exported and is over 180 days old"},
};

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

size_t
route_count(void)
{
	return N_ROUTES;
}

const struct route *
route_at(size_t i)
{
	return &routes[i];
}

/* Does the path fit?  Then arg has the pieces at the stars. */
static bool
fits(const char *pattern, const char *path, char *arg[3])
{
	size_t n = 0, len;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '*') {
			if (*path++ != *pattern)
				return false;
			continue;
		}
		len = strcspn(path, "/");
		if (len == 0)
			return false;
		free(arg[n]);
		arg[n++] = mem_strndup(path, len);
		path += len;
	}
	return *path == '\0';
}

const struct route *
route_find(
    const char *method, const char *path, char *arg[3], bool *other_method)
{
	size_t i;

	*other_method = false;
	for (i = 0; i < N_ROUTES; i++) {
		if (!fits(routes[i].path, path, arg))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*other_method = true;
	}
	return NULL;
}
