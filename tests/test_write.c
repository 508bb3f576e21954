/*
 * Goal of this test: what a person typed is checked against the vocabulary,
 * lands in the right streams in one act, and reads back; and what must not
 * be written is refused with the reason.
 */
#include "config.h"

#include "base/buf.h"
#include "model/near.h"
#include "model/record.h"
#include "model/search.h"
#include "model/show.h"
#include "model/vocabulary.h"
#include "model/write.h"
#include "world.h"

static struct world w;
static struct err err;

/* Up to eight "F=V"; the last is followed by NULL. */
#define MAX_ARGS 16

static size_t
split(struct assign *v, char **copies, const char *const *args)
{
	size_t n;

	for (n = 0; args[n] != NULL; n++) {
		copies[n] = mem_strdup(args[n]);
		must(draft_parse(&v[n], copies[n], &err), &err, "F=V");
	}
	return n;
}

static struct write *
begin(int who)
{
	struct write *wr;

	must(write_new(&wr, w.at[who], "值班员甲", "duty1", "test", &err), &err,
	    "write_new");
	return wr;
}

static int
finish(struct write *wr, int rc)
{
	if (rc == 0)
		must(write_commit(wr, &err), &err, "commit");
	write_free(wr);
	return rc;
}

/* The new record's id, or the reason it was refused; in a static buffer. */
static const char *
add(int who, const char *kind, const char *const *args)
{
	static char out[4][256];
	static int turn;
	char id[RECORD_ID_LEN + 1], *copies[MAX_ARGS];
	struct assign v[MAX_ARGS];
	struct write *wr = begin(who);
	size_t n = split(v, copies, args);
	int rc = finish(wr, write_add(wr, id, kind, v, n, &err));

	while (n > 0)
		free(copies[--n]);
	turn = (turn + 1) % 4;
	snprintf(out[turn], sizeof(out[turn]), "%s", rc == 0 ? id : err.msg);
	return out[turn];
}

#define ADD(who, kind, ...) \
	add(who, kind, (const char *const[]){__VA_ARGS__, NULL})

/* "changed", "same", or the reason. */
static const char *
set(int who, const char *kind, const char *id, const char *const *args)
{
	struct assign v[MAX_ARGS];
	char *copies[MAX_ARGS];
	struct write *wr = begin(who);
	size_t n = split(v, copies, args);
	bool changed;
	int rc = finish(wr, write_set(wr, &changed, kind, id, v, n, &err));

	while (n > 0)
		free(copies[--n]);
	return rc != 0 ? err.msg : changed ? "changed" : "same";
}

#define SET(who, kind, id, ...) \
	set(who, kind, id, (const char *const[]){__VA_ARGS__, NULL})

/* A value as it stands, canonical; "" if none. */
static const char *
get(int who, const char *kind, const char *id, const char *field)
{
	static char out[4][256];
	static int turn;
	struct record rec = RECORD_INIT;
	const char *value;

	must(record_read(&rec, w.at[who], kind, id, &err), &err, "read");
	value = record_value(&rec, field);
	turn = (turn + 1) % 4;
	snprintf(
	    out[turn], sizeof(out[turn]), "%s", value == NULL ? "" : value);
	record_free(&rec);
	return out[turn];
}

static int64_t
heads_in(int who, enum stream stream)
{
	int64_t sum;

	must(db_get_int(&sum, replica_db(w.at[who]), &err,
		 "SELECT coalesce(sum(head), 0) FROM _chain WHERE stream = ?",
		 "i", (int64_t)stream),
	    &err, "heads");
	return sum;
}

static bool
says(const char *msg, const char *part)
{
	bool has = strstr(msg, part) != NULL;

	if (!has)
		printf("# it says: %s\n", msg);
	return has;
}

static void
vocabulary(void)
{
	struct act *act = act_new(w.at[PROVINCE], "root", "root", "kinds");
	const char *top = getenv("top_srcdir");
	char *data = mem_printf("%s/src/data", top == NULL ? "." : top);

	setenv("YIZHAN_DATA", data, 0);
	free(data);
	must(vocabulary_add(act, "520000", "none", &err), &err, "files");
	must(act_commit(act, NULL, &err), &err, "vocabulary");
	act_free(act);
	world_carry(&w, PROVINCE, CITY);
	world_carry(&w, CITY, COUNTY);
}

static char team[RECORD_ID_LEN + 1]; /* a team of the county */

static void
adding(void)
{
	int64_t personal;
	const char *id;

	id = ADD(COUNTY, "resource.team", "name=红花岗区消防救援大队",
	    "rkind=救援队伍", "persons=32", "lon=106.9", "lat=27.7",
	    "级别=县级", "skills=water|fire", "phone=0851-28221119");
	if (!ok(chain_is_record_id(id, strlen(id)), "a team is added"))
		printf("# %s\n", id);
	snprintf(team, sizeof(team), "%s", id);
	ok(strncmp(id, "520302-", 7) == 0, "its id begins with the station");
	is_str(get(COUNTY, "resource", id, "rkind"), "\"R01\"",
	    "a label became its code");
	is_str(get(COUNTY, "resource", id, "lon"), "\"106.9000000\"",
	    "a decimal has its scale");
	is_str(get(COUNTY, "resource", id, "skills"), "[\"fire\",\"water\"]",
	    "a set is sorted");
	is_str(get(COUNTY, "resource", id, "status"), "\"unknown\"",
	    "the vocabulary's default");
	is_str(get(COUNTY, "resource", id, "secrecy"), "\"internal\"",
	    "internal unless said");
	is_str(get(COUNTY, "resource", id, "exercise"), "false",
	    "no exercise unless said");

	personal = heads_in(COUNTY, STREAM_PERSONAL);
	is_str(SET(COUNTY, "resource", id, "负责人手机=139-8520-0000"),
	    "changed", "a private number is set");
	is_int(heads_in(COUNTY, STREAM_PERSONAL), personal + 1,
	    "and travels in the personal stream");

	id = ADD(COUNTY, "resource.shelter", "name=官井小学", "cap_person=800",
	    "level=乡镇级");
	is_str(get(COUNTY, "resource", id, "rkind"), "\"R04\"",
	    "the sub-kind's only category is implied");
}

static void
refusing(void)
{
	ok(says(ADD(COUNTY, "resource.team", "name=x", "rkind=R04"),
	       "no resource.team"),
	    "a category of another sub-kind");
	ok(says(ADD(COUNTY, "resource.team", "name=x"), "rkind 资源类别"),
	    "what is required is named in Chinese");
	ok(says(ADD(COUNTY, "resource.team", "name=x"), "persons 队伍人数"),
	    "all of it at once");
	ok(says(ADD(COUNTY, "resorce", "name=x"), "perhaps resource"),
	    "a slip in a kind");
	ok(says(ADD(COUNTY, "org", "otype=x", "nmae=y"), "otype"),
	    "a code that is not in the list");
	ok(says(ADD(COUNTY, "org", "nmae=y"), "perhaps name"),
	    "a slip in a field");
	ok(says(ADD(COUNTY, "resource", "name=x", "rkind=R09", "persons=3"),
	       "no field persons"),
	    "a field of another sub-kind");
	ok(says(ADD(COUNTY, "resource", "name=x", "rkind=R09", "lon=10"),
	       "below 73"),
	    "a place out of bounds");
	ok(says(ADD(COUNTY, "resource", "name=x", "rkind=R09",
		    "org=520302-00000000000000000000000000000000"),
	       "no org"),
	    "a reference to what is not there");
	ok(says(ADD(COUNTY, "task", "state=done"), "follows from other"),
	    "a derived field");
	ok(says(SET(COUNTY, "resource", team, "name="), "required: name"),
	    "a required field is not cleared");
	ok(says(SET(COUNTY, "resource", team, "name+=x"), "not a set"),
	    "only sets take +=");
	ok(says(SET(COUNTY, "resource", "520302-ffff", "name=x"),
	       "no resource 520302-ffff"),
	    "a record that is not there");
	ok(says(SET(SIBLING, "kind", "520000-0000", "name=x"), "no kind"),
	    "a station without the vocabulary knows no definition");
	ok(says(ADD(COUNTY, "list", "name=x"), "the root"),
	    "only the root defines");
}

static void
setting(void)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "%.11s", team);
	is_str(SET(COUNTY, "resource", prefix, "status=ready"), "changed",
	    "a prefix of four digits will do");
	is_str(SET(COUNTY, "resource", team, "状态=可用"), "same",
	    "nothing new writes nothing");
	is_str(SET(COUNTY, "resource", team, "skills+=medical", "skills-=fire"),
	    "changed", "an element comes, another goes");
	is_str(get(COUNTY, "resource", team, "skills"),
	    "[\"medical\",\"water\"]", "so the set is");
	is_str(SET(COUNTY, "resource", team, "skills=water,fire"), "changed",
	    "a set is replaced");
	is_str(get(COUNTY, "resource", team, "skills"), "[\"fire\",\"water\"]",
	    "and is what was given");
	is_str(SET(COUNTY, "resource", team, "skills+=fire"), "same",
	    "an element that is there already");
	is_str(SET(COUNTY, "resource", team, "lat=27.75"), "changed",
	    "one member of a merge group is set");
	is_str(get(COUNTY, "resource", team, "lon"), "\"106.9000000\"",
	    "the others keep their values");
	is_str(SET(COUNTY, "resource", team, "phone="), "changed",
	    "a field is cleared");
	is_str(get(COUNTY, "resource", team, "phone"), "", "and has no value");

	world_carry(&w, COUNTY, CITY);
	is_str(SET(CITY, "resource", team, "status=busy"), "changed",
	    "the city may write the county's record");
	world_carry(&w, CITY, PROVINCE);
	world_carry(&w, PROVINCE, OTHER_CITY);
	ok(says(SET(OTHER_CITY, "resource", team, "status=down"), "520302's"),
	    "a city beside it may not");
}

static void
appending(void)
{
	const char *id, *log;

	id = ADD(COUNTY, "incident", "title=舟水桥山体滑坡", "type=地质灾害",
	    "level=4", "state=处置中", "occurred_at=2026-11-23 16:00",
	    "learned_at=2026-11-23 16:05", "place=舟水桥街道",
	    "division=520302", "source=hotline", "sensitive=否");
	if (chain_is_record_id(id, strlen(id))) {
		is_str(get(COUNTY, "incident", id, "incident_no"),
		    "\"520302-20261124-001\"", "a number is proposed");
		is_str(get(COUNTY, "incident", id, "dead"), "0",
		    "counts begin at the vocabulary's 0");
	} else {
		ok(false, "an incident: %s", id);
	}
	log = ADD(COUNTY, "spot_check", "checked_station=520302",
	    "at=2026-11-23 20:00", "channel=phone", "ok=是", "by_person=x");
	ok(says(log, "by_person"), "a reference by a title not here");
	ok(says(SET(COUNTY, "report_receipt", "520302-0000", "x=y"),
	       "no report_receipt"),
	    "nothing to correct");
}

static void
removing(void)
{
	struct record rec = RECORD_INIT;
	const char *id =
	    ADD(COUNTY, "org", "name=应急管理局", "otype=应急管理部门");
	struct write *wr;
	int rc;

	ok(chain_is_record_id(id, strlen(id)), "an organisation: %s", id);
	wr = begin(COUNTY);
	rc = finish(wr, write_rm(wr, "org", id, " ", &err));
	ok(rc != 0, "a drop needs a reason");
	wr = begin(COUNTY);
	rc = finish(wr, write_rm(wr, "org", id, "重复登记", &err));
	is_int(rc, 0, "it is dropped");
	must(record_read(&rec, w.at[COUNTY], "org", id, &err), &err, "read");
	ok(rec.removed, "and is removed");
	is_str(rec.removed_reason, "重复登记", "for the reason given");
	record_free(&rec);
	wr = begin(COUNTY);
	rc = finish(wr, write_rm(wr, "org", id, "again", &err));
	ok(rc != 0 && says(err.msg, "removed already"), "not twice");
	is_str(SET(COUNTY, "org", id, "name=应急管理局"), "changed",
	    "writing revives it");
	must(record_read(&rec, w.at[COUNTY], "org", id, &err), &err, "read");
	ok(!rec.removed, "and it is back");
	record_free(&rec);
}

static void
defining(void)
{
	const char *id;

	id = ADD(PROVINCE, "field", "kind=resource.team", "field=drones",
	    "type=int", "label_zh=无人机数", "min=0");
	/* printf field:resource.team.drones | sha256sum */
	is_str(id, "520000-7c5e95ba14087dd6280384b9cdd1fcf9",
	    "a field's id follows from its name");
	world_carry(&w, PROVINCE, CITY);
	world_carry(&w, CITY, COUNTY);
	is_str(SET(COUNTY, "resource", team, "无人机数=3"), "changed",
	    "the county uses it at once");
	is_str(get(COUNTY, "resource", team, "drones"), "3", "it is there");
	ok(says(ADD(PROVINCE, "field", "kind=resource.team", "field=drones",
		    "type=int", "label_zh=x"),
	       "already"),
	    "it is not defined twice");
	ok(says(SET(PROVINCE, "field", id, "type=text"), "never changes"),
	    "its type never changes");
	is_str(SET(PROVINCE, "field", id, "note=每架一记"), "changed",
	    "its note may");
	ok(says(ADD(PROVINCE, "field", "kind=resource", "field=Bad Name",
		    "type=int", "label_zh=x"),
	       "is no name"),
	    "a name is small letters");
	ok(says(ADD(PROVINCE, "field", "kind=resource", "field=owner",
		    "type=text", "label_zh=x"),
	       "every record"),
	    "nor one that every record has");
	ok(says(ADD(PROVINCE, "field", "kind=contact", "field=nick",
		    "type=text", "label_zh=x"),
	       "personal"),
	    "a personal kind has personal fields");
	ok(says(ADD(PROVINCE, "code", "list=nowhere", "code=1", "label_zh=x"),
	       "no list"),
	    "a code needs its list");
}

static int
count(void *arg, const struct record *rec, struct err *e)
{
	(void)rec;
	(void)e;
	++*(int *)arg;
	return 0;
}

static int
count_near(void *arg, const struct record *rec, double metres, struct err *e)
{
	(void)rec;
	(void)e;
	(void)metres;
	++*(int *)arg;
	return 0;
}

static int
listed(const char *kind, const char *field, const char *text)
{
	struct record_filter filter = {field, text};
	struct record_query q = {.kind = kind};
	int n = 0;

	q.filters = &filter;
	q.n_filters = field == NULL ? 0 : 1;
	must(record_list(w.at[COUNTY], &q, count, &n, &err), &err, "list");
	return n;
}

static void
reading(void)
{
	struct near_query near = {.lon = 106.9, .lat = 27.7, .km = 10};
	struct record rec = RECORD_INIT;
	struct buf out = BUF_INIT;
	struct search search = {.text = "消防", .limit = 10};
	int n = 0;

	is_int(listed("resource", NULL, NULL), 2, "all resources");
	is_int(listed("resource.team", NULL, NULL), 1, "the teams");
	is_int(listed("resource", "skills", "water"), 1, "by an element");
	is_int(listed("resource", "persons", ""), 1, "without a value");
	is_int(listed("resource", "lat", "27.75"), 1, "by a decimal");
	is_int(listed("resource", "owner", "520302"), 2, "by owner");
	is_int(listed("incident", "type", "11000"), 1,
	    "by a code above it in the tree");

	near.kind = "resource";
	near.limit = 20;
	must(
	    near_find(w.at[COUNTY], &near, count_near, &n, &err), &err, "near");
	is_int(n, 1, "what has a place within 10 km");
	near.km = 1;
	n = 0;
	must(
	    near_find(w.at[COUNTY], &near, count_near, &n, &err), &err, "near");
	is_int(n, 0, "and within 1 km");

	n = 0;
	must(search_find(w.at[COUNTY], &search, count, &n, &err), &err, "find");
	is_int(n, 1, "two characters find it");
	n = 0;
	search.text = "桥";
	must(search_find(w.at[COUNTY], &search, count, &n, &err), &err, "find");
	is_int(n, 1, "one character finds an incident");

	must(record_read(&rec, w.at[COUNTY], "resource", team, &err), &err,
	    "read");
	must(show_json(&out, w.at[COUNTY], &rec, -1, &err), &err, "json");
	ok(strstr(buf_str(&out), "\"lon\":\"106.9000000\"") != NULL,
	    "a decimal is printed as text");
	buf_clear(&out);
	must(show_lines(&out, w.at[COUNTY], &rec, true, &err), &err, "lines");
	ok(strstr(buf_str(&out), "资源类别: 救援队伍 (R01)\n") != NULL,
	    "a code with its label");
	ok(strstr(buf_str(&out), "队伍人数: 32 人\n") != NULL,
	    "a number with its unit");
	buf_clear(&out);
	must(show_history(&out, w.at[COUNTY], &rec, false, true, &err), &err,
	    "history");
	ok(strstr(buf_str(&out), "值班员甲") != NULL &&
		strstr(buf_str(&out), "签名有效") != NULL,
	    "the history names the person and the signature");
	record_free(&rec);
	buf_free(&out);
}

/* Both write one field without knowing of each other; one sees both. */
static void
deciding(void)
{
	struct record rec = RECORD_INIT;
	struct buf out = BUF_INIT;

	world_carry(&w, CITY, COUNTY);
	world_carry(&w, COUNTY, CITY);
	is_str(SET(COUNTY, "resource", team, "remark=甲"), "changed", "one");
	is_str(SET(CITY, "resource", team, "remark=乙"), "changed", "two");
	world_carry(&w, COUNTY, CITY);
	world_carry(&w, CITY, COUNTY);
	must(record_read(&rec, w.at[COUNTY], "resource", team, &err), &err,
	    "read");
	is_int(rec.conflicts, 1, "they are in conflict");
	must(show_lines(&out, w.at[COUNTY], &rec, true, &err), &err, "show");
	ok(strstr(buf_str(&out), "  * ") != NULL &&
		strstr(buf_str(&out), "  ! ") != NULL,
	    "both are shown");
	buf_clear(&out);
	must(show_json(&out, w.at[COUNTY], &rec, -1, &err), &err, "json");
	ok(strstr(buf_str(&out), "\"conflicts\":[\"remark\"]") != NULL,
	    "and named in JSON");
	buf_clear(&out);
	buf_printf(&out, "remark=%s",
	    strstr(record_value(&rec, "remark"), "甲") ? "甲" : "乙");
	record_free(&rec);
	is_str(SET(COUNTY, "resource", team, buf_str(&out)), "changed",
	    "writing what shows decides");
	must(record_read(&rec, w.at[COUNTY], "resource", team, &err), &err,
	    "read");
	is_int(rec.conflicts, 0, "nothing is in conflict any more");
	record_free(&rec);
	buf_free(&out);
}

int
main(void)
{
	world_open(&w);
	vocabulary();
	adding();
	refusing();
	setting();
	appending();
	removing();
	defining();
	reading();
	deciding();
	world_close(&w);
	return tap_done();
}
