/*
 * Goal of this test: the merge rule of design.md section 6, case by case, as
 * a person at one of the stations would see it.
 */
#include "config.h"

#include "world.h"

#define TEAM "520302-00000000000000000000000000000001"
#define TEAM2 "520302-00000000000000000000000000000002"
#define HAZARD "520302-00000000000000000000000000000003"
#define INCIDENT "520302-00000000000000000000000000000004"
#define TASK "520300-00000000000000000000000000000005"
#define ANSWER "520302-00000000000000000000000000000006"
#define CONTACT "520302-00000000000000000000000000000007"

static void
same_everywhere(struct world *w, const char *what)
{
	const char *first = world_digest(w, 0, STREAM_RESOURCE, NULL);
	bool same = true;
	int i;

	for (i = 1; i < WORLD_N; i++)
		same = same && strcmp(first, world_digest(w, i, STREAM_RESOURCE,
						 NULL)) == 0;
	ok(same, "%s: resource digests agree at all stations", what);
	is_str(world_digest(w, COUNTY, STREAM_COMMAND, "520302"),
	    world_digest(w, PROVINCE, STREAM_COMMAND, "520302"),
	    "%s: command digests of the county agree", what);
	is_str(world_digest(w, COUNTY, STREAM_OVERSIGHT, "520302"),
	    world_digest(w, CITY, STREAM_OVERSIGHT, "520302"),
	    "%s: oversight digests of the county agree", what);
}

static void
concurrent_edits(struct world *w)
{
	world_set(w, COUNTY, STREAM_RESOURCE, "team", TEAM, "name", "\"甲\"");
	world_sync(w);
	is_str(world_get(w, PROVINCE, "team", TEAM, "name"), "甲",
	    "the province has the county's team");
	/* a at the county, b at the city, neither knowing the other */
	world_set(w, COUNTY, STREAM_RESOURCE, "team", TEAM, "status", "\"a\"");
	world_set(w, CITY, STREAM_RESOURCE, "team", TEAM, "status", "\"b\"");
	world_set(w, CITY, STREAM_RESOURCE, "team", TEAM, "name", "\"乙\"");
	world_sync(w);
	world_sync(w);
	is_str(world_get(w, OTHER, "team", TEAM, "name"), "乙",
	    "the field that one side edited has its value");
	is_int(world_count(w, OTHER, "SELECT _conflicts FROM team"), 1,
	    "the field that both edited is one conflict");
	is_int(world_count(w, OTHER,
		   "SELECT count(*) FROM _standing WHERE register = 'status'"),
	    2, "both values stand");
	same_everywhere(w, "a beside b");
	/* c, of one who has seen both, decides */
	world_set(
	    w, PROVINCE, STREAM_RESOURCE, "team", TEAM, "status", "\"c\"");
	world_sync(w);
	is_str(world_get(w, COUNTY, "team", TEAM, "status"), "c",
	    "who has seen both decides");
	is_int(world_count(w, COUNTY, "SELECT _conflicts FROM team"), 0,
	    "and the conflict is gone");
	same_everywhere(w, "decided");
}

/* a beside b, and c that saw only b: c covers b, a stands beside c. */
static void
saw_one(struct world *w)
{
	struct err err;

	world_set(w, COUNTY, STREAM_RESOURCE, "team", TEAM2, "status", "\"0\"");
	world_sync(w);
	world_set(w, COUNTY, STREAM_RESOURCE, "team", TEAM2, "status", "\"a\"");
	world_set(w, CITY, STREAM_RESOURCE, "team", TEAM2, "status", "\"b\"");
	world_carry(w, CITY, PROVINCE);
	world_set(
	    w, PROVINCE, STREAM_RESOURCE, "team", TEAM2, "status", "\"c\"");
	world_sync(w);
	world_sync(w);
	is_int(world_count(w, SIBLING,
		   "SELECT count(*) FROM _standing WHERE value = '\"b\"'"),
	    0, "what was seen by a later write does not stand");
	is_int(world_count(w, SIBLING,
		   "SELECT count(*) FROM _standing WHERE value IN"
		   " ('\"a\"', '\"c\"')"),
	    2, "what it had not seen stands beside it");
	same_everywhere(w, "a beside c");
	must(
	    replica_rebuild(w->at[SIBLING], NULL, NULL, &err), &err, "rebuild");
	same_everywhere(w, "after rebuild");
	world_set(w, COUNTY, STREAM_RESOURCE, "team", TEAM2, "status", "\"d\"");
	world_sync(w);
}

static void
drop_against_edit(struct world *w)
{
	struct op_draft *op = op_draft_new("team", TEAM);

	op_draft_drop(op, "重复登记");
	world_write(w, CITY, STREAM_RESOURCE, op);
	world_set(w, COUNTY, STREAM_RESOURCE, "team", TEAM, "name", "\"丙\"");
	world_sync(w);
	world_sync(w);
	is_int(world_count(w, PROVINCE,
		   "SELECT _conflicts FROM team JOIN _record USING (rec)"
		   " WHERE id = '" TEAM "'"),
	    1, "a drop beside an edit is a conflict");
	is_str(world_get(w, PROVINCE, "team", TEAM, "name"), "丙",
	    "the fields keep their values");
	same_everywhere(w, "drop beside edit");
	world_set(
	    w, CITY, STREAM_RESOURCE, "team", TEAM, "status", "\"ready\"");
	world_sync(w);
	is_str(world_get(w, COUNTY, "team", TEAM, "removed"), "0",
	    "who has seen the drop and writes revives the record");
	is_str(world_get(w, COUNTY, "team", TEAM, "name"), "丙",
	    "whole, with its values");
	op = op_draft_new("team", TEAM);
	op_draft_drop(op, "撤编");
	world_write(w, COUNTY, STREAM_RESOURCE, op);
	world_sync(w);
	is_str(world_get(w, OTHER, "team", TEAM, "removed"), "1",
	    "a drop that knew everything removes");
	is_str(world_get(w, OTHER, "team", TEAM, "removed_reason"), "撤编",
	    "with its reason");
	same_everywhere(w, "dropped");
}

static void
set_elements(struct world *w)
{
	struct op_draft *op = op_draft_new("team", TEAM2);

	op_draft_add(op, "skills", "\"water\"");
	op_draft_add(op, "skills", "\"fire\"");
	world_write(w, COUNTY, STREAM_RESOURCE, op);
	world_sync(w);
	op = op_draft_new("team", TEAM2);
	op_draft_remove(op, "skills", "\"fire\"");
	world_write(w, COUNTY, STREAM_RESOURCE, op);
	op = op_draft_new("team", TEAM2);
	op_draft_add(op, "skills", "\"mine\"");
	world_write(w, CITY, STREAM_RESOURCE, op);
	world_sync(w);
	world_sync(w);
	is_str(world_get(w, OTHER, "team", TEAM2, "skills"),
	    "[\"mine\",\"water\"]",
	    "set elements merge one by one: no change of another is lost");
	same_everywhere(w, "sets");
	op = op_draft_new("team", TEAM2);
	op_draft_remove(op, "skills", "\"water\"");
	world_write(w, COUNTY, STREAM_RESOURCE, op);
	op = op_draft_new("team", TEAM2);
	op_draft_add(op, "skills", "\"water\"");
	world_write(w, CITY, STREAM_RESOURCE, op);
	world_sync(w);
	world_sync(w);
	is_int(world_count(w, OTHER,
		   "SELECT count(*) FROM _standing WHERE register ="
		   " 'skills=\"water\"'"),
	    2, "an element added beside its removal is a conflict of its own");
	same_everywhere(w, "element in conflict");
}

static void
merge_groups(struct world *w)
{
	struct op_draft *op = op_draft_new("team", TEAM2);

	op_draft_set(op, "lon", "\"106.10\"");
	op_draft_set(op, "lat", "\"27.10\"");
	world_write(w, COUNTY, STREAM_RESOURCE, op);
	op = op_draft_new("team", TEAM2);
	op_draft_set(op, "lon", "\"107.20\"");
	op_draft_set(op, "lat", "\"28.20\"");
	world_write(w, CITY, STREAM_RESOURCE, op);
	world_sync(w);
	world_sync(w);
	is_str(world_get(w, OTHER, "team", TEAM2, "lon"),
	    strcmp(world_get(w, OTHER, "team", TEAM2, "lat"), "2710") == 0
		? "10610"
		: "10720",
	    "a position is of one side or the other, never mixed");
	is_int(world_count(w, OTHER,
		   "SELECT count(*) FROM _standing WHERE register ="
		   " '#position'"),
	    2, "and conflicts as one");
	same_everywhere(w, "groups");
}

/* A clock in 2099 and one in 1970 neither hold back nor beat anything. */
static void
wrong_clocks(struct world *w)
{
	const char *id = "520302-000000000000000000000000000000c1";
	int64_t city = w->now[CITY], county = w->now[COUNTY];

	replica_trust_clock(w->at[CITY]);
	replica_trust_clock(w->at[COUNTY]);
	w->now[CITY] = 4070908800000ll;
	world_set(w, CITY, STREAM_RESOURCE, "team", id, "status", "\"2099\"");
	world_sync(w);
	w->now[COUNTY] = 1000;
	world_set(w, COUNTY, STREAM_RESOURCE, "team", id, "status", "\"1970\"");
	world_sync(w);
	is_str(world_get(w, PROVINCE, "team", id, "status"), "1970",
	    "who had seen the write of 2099 overwrites it in 1970");
	world_set(w, CITY, STREAM_RESOURCE, "team", id, "status", "\"c\"");
	world_set(w, COUNTY, STREAM_RESOURCE, "team", id, "status", "\"d\"");
	world_sync(w);
	world_sync(w);
	is_str(world_get(w, PROVINCE, "team", id, "status"), "c",
	    "of concurrent values the later clock's shows");
	is_int(world_count(w, PROVINCE,
		   "SELECT count(*) FROM _standing WHERE value = '\"d\"'"),
	    1, "and the other is kept beside it");
	same_everywhere(w, "wrong clocks");
	w->now[CITY] = city;
	w->now[COUNTY] = county;
	world_set(w, CITY, STREAM_RESOURCE, "team", id, "status", "\"e\"");
	world_sync(w);
}

/* An ancestor's edit of a child's record, in each stream. */
static void
reach(struct world *w)
{
	world_set(w, COUNTY, STREAM_OVERSIGHT, "hazard", HAZARD, "name",
	    "\"尾矿库\"");
	world_set(w, COUNTY, STREAM_COMMAND, "incident", INCIDENT, "name",
	    "\"滑坡\"");
	world_set(
	    w, COUNTY, STREAM_PERSONAL, "contact", CONTACT, "name", "\"张三\"");
	world_sync(w);
	world_set(
	    w, CITY, STREAM_OVERSIGHT, "hazard", HAZARD, "status", "\"督办\"");
	world_set(w, CITY, STREAM_COMMAND, "incident", INCIDENT, "status",
	    "\"升级\"");
	world_set(
	    w, CITY, STREAM_PERSONAL, "contact", CONTACT, "status", "\"离岗\"");
	world_sync(w);
	world_sync(w);
	is_str(world_get(w, COUNTY, "hazard", HAZARD, "status"), "督办",
	    "oversight: the county gets the city's mark");
	is_str(world_get(w, PROVINCE, "hazard", HAZARD, "status"), "督办",
	    "oversight: so does the province");
	is_str(world_get(w, SIBLING, "hazard", HAZARD, "name"), "",
	    "oversight: the sibling has nothing of it");
	is_str(world_get(w, OTHER_CITY, "hazard", HAZARD, "name"), "",
	    "oversight: nor has another city");
	is_str(world_get(w, COUNTY, "incident", INCIDENT, "status"), "升级",
	    "command: the county gets the city's edit");
	is_str(world_get(w, SIBLING, "incident", INCIDENT, "name"), "",
	    "command: the sibling has nothing of it");
	is_str(world_get(w, PROVINCE, "contact", CONTACT, "status"), "离岗",
	    "personal: the province gets it");
	is_str(world_get(w, OTHER, "contact", CONTACT, "name"), "",
	    "personal: another county has nothing of it");
	same_everywhere(w, "reach");
}

/* A task of the city is answered by the county in a record of its own. */
static void
answer(struct world *w)
{
	world_set(
	    w, CITY, STREAM_COMMAND, "task", TASK, "name", "\"转移群众\"");
	world_sync(w);
	is_str(world_get(w, COUNTY, "task", TASK, "name"), "转移群众",
	    "the county has its parent's task");
	world_set(w, COUNTY, STREAM_COMMAND, "task_feedback", ANSWER, "name",
	    "\"已转移 35 人\"");
	/* Writing into the parent's task does not count, anywhere. */
	world_set(
	    w, COUNTY, STREAM_COMMAND, "task", TASK, "status", "\"done\"");
	world_sync(w);
	is_str(world_get(w, PROVINCE, "task_feedback", ANSWER, "name"),
	    "已转移 35 人", "the answer reaches the province");
	is_str(world_get(w, CITY, "task", TASK, "status"), "",
	    "a child's write into its parent's record does not count");
	is_int(world_count(w, CITY, "SELECT count(*) FROM _quarantine"), 1,
	    "it is in quarantine at the city");
	is_int(world_count(w, COUNTY, "SELECT count(*) FROM _quarantine"), 1,
	    "and at the county that wrote it");
	same_everywhere(w, "answered");
}

/* A field added at the province, and ops that come before it. */
static void
new_field(struct world *w)
{
	const char *id = "520302-000000000000000000000000000000f1";

	world_set(w, COUNTY, STREAM_RESOURCE, "team", id, "drones", "\"3\"");
	world_set(w, COUNTY, STREAM_RESOURCE, "robot", id, "name", "\"机\"");
	world_carry(w, COUNTY, CITY);
	is_int(world_count(w, CITY, "SELECT count(*) FROM _unknown"), 2,
	    "ops for an unknown field and kind are kept");
	world_field(w, "team", "drones", "text", "one", "", "n");
	world_kind(w, "robot", "resource");
	world_field(w, "robot", "name", "text", "one", "", "n");
	world_sync(w);
	is_str(world_get(w, CITY, "team", id, "drones"), "3",
	    "the field takes effect when its definition comes");
	is_str(world_get(w, COUNTY, "robot", id, "name"), "机",
	    "and so does the kind");
	is_int(world_count(w, CITY, "SELECT count(*) FROM _unknown"), 0,
	    "nothing waits any more");
	same_everywhere(w, "new field");
}

/* A personal field travels apart from the rest of its record. */
static void
personal_field(struct world *w)
{
	struct op_draft *op = op_draft_new("team", TEAM2);

	op_draft_set(op, "leader", "\"李四\"");
	world_write(w, COUNTY, STREAM_PERSONAL, op);
	world_sync(w);
	is_str(world_get(w, CITY, "team", TEAM2, "leader"), "李四",
	    "the city has the leader's name");
	is_str(world_get(w, OTHER, "team", TEAM2, "leader"), "",
	    "another county has the team without it");
	op = op_draft_new("team", TEAM2);
	op_draft_set(op, "leader", "\"王五\"");
	world_write(w, COUNTY, STREAM_RESOURCE, op);
	world_sync(w);
	is_str(world_get(w, CITY, "team", TEAM2, "leader"), "李四",
	    "a personal field written in the resource stream does not count");
	same_everywhere(w, "personal");
}

static void
standing_receipts(struct world *w)
{
	static const char all[] = "SELECT count(*) FROM _changeset";
	struct err err;
	int64_t before, after;

	world_set(w, COUNTY, STREAM_COMMAND, "incident", INCIDENT, "status",
	    "\"续报\"");
	world_sync(w);
	before = world_count(w, CITY, all);
	must(replica_note_seen(w->at[CITY], &err), &err, "note");
	is_int(world_count(w, CITY, all), before,
	    "who has spoken in the last ten minutes says nothing more");
	w->now[COUNTY] += 3600 * 1000;
	w->now[CITY] += 3600 * 1000;
	must(replica_note_seen(w->at[CITY], &err), &err, "note");
	after = world_count(w, CITY, all);
	ok(after > before, "later it says under signature what it has seen");
	must(replica_note_seen(w->at[COUNTY], &err), &err, "note");
	world_sync(w);
	world_sync(w);
	w->now[COUNTY] += 3600 * 1000;
	w->now[CITY] += 3600 * 1000;
	after = world_count(w, CITY, all);
	must(replica_note_seen(w->at[CITY], &err), &err, "note");
	must(replica_note_seen(w->at[CITY], &err), &err, "note");
	must(replica_note_seen(w->at[COUNTY], &err), &err, "note");
	world_sync(w);
	is_int(world_count(w, CITY, all), after,
	    "and never in answer to empty ones");
}

int
main(void)
{
	struct world w;
	int64_t checked;
	struct err err;
	int i;

	world_open(&w);
	world_kinds(&w);
	world_sync(&w);
	concurrent_edits(&w);
	saw_one(&w);
	drop_against_edit(&w);
	set_elements(&w);
	merge_groups(&w);
	wrong_clocks(&w);
	reach(&w);
	answer(&w);
	new_field(&w);
	personal_field(&w);
	standing_receipts(&w);
	for (i = 0; i < WORLD_N; i++) {
		must(replica_seal(w.at[i], &err), &err, "seal");
		must(replica_rebuild(w.at[i], NULL, NULL, &err), &err,
		    "rebuild");
	}
	same_everywhere(&w, "all rebuilt");
	must(replica_verify(w.at[CITY], true, &checked, NULL, NULL, &err), &err,
	    "verify");
	ok(checked > 30, "verify finds nothing in %lld changesets",
	    (long long)checked);
	world_close(&w);
	return tap_done();
}
