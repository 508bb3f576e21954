/*
 * Goal of this test: the demonstration register has every category, lies
 * where it says, is marked as an exercise, is the same each time, and holds
 * no value that an importer would refuse.
 */
#include "config.h"

#include "base/buf.h"
#include "base/file.h"
#include "model/export.h"
#include "model/import.h"
#include "model/register.h"
#include "model/vocabulary.h"
#include "world.h"

#define RECORDS 400

static int64_t
count(struct replica *r, const char *where)
{
	char *sql = mem_printf(
	    "SELECT count(*) FROM resource WHERE removed = 0 AND %s", where);
	struct err err;
	int64_t n;

	must(db_get_int(&n, replica_db(r), &err, sql, ""), &err, sql);
	free(sql);
	return n;
}

static void
fill(struct replica *r, const char *area, uint64_t seed)
{
	struct register_order order = {area, RECORDS, seed, "演示", "demo"};
	struct err err;

	must(register_fill(r, &order, &err), &err, "fill");
}

static void
contents(struct replica *r)
{
	struct err err;
	int64_t n;

	is_int(count(r, "1"), RECORDS, "as many records as were ordered");
	is_int(count(r, "exercise = 1 AND remark = '演示数据'"), RECORDS,
	    "each says that it is made up");
	must(db_get_int(&n, replica_db(r), &err,
		 "SELECT count(DISTINCT rkind) FROM resource", ""),
	    &err, "kinds");
	is_int(n, 19, "of every category");
	is_int(count(r, "town GLOB '520302*' OR town IS NULL"), RECORDS,
	    "all in the area's townships");
	/* The box around 红花岗区, with room for scatter. */
	is_int(count(r, "lon BETWEEN 1067000000 AND 1073500000 AND "
			"lat BETWEEN 272500000 AND 279500000"),
	    RECORDS, "and near its middle");
	is_int(count(r, "phone GLOB '0851-0000*'"), RECORDS,
	    "with telephones that nobody has");
	is_int(count(r, "name LIKE '%Zunyi Xinzhou%' AND rkind = 'R11'"), 1,
	    "the airport there is a protection target");
	is_int(count(r, "rkind = 'R05' AND depot IS NOT NULL AND NOT EXISTS "
			"(SELECT 1 FROM _record WHERE id = depot)"),
	    0, "supplies lie in depots that exist");
}

/* Export, then import: what does not read back unchanged is not valid. */
static void
valid(struct replica *r, const char *dir)
{
	struct import_result result = IMPORT_RESULT_INIT;
	struct import_order order = {.kind = "resource",
	    .author = "演示",
	    .login = "demo",
	    .subject = "test"};
	struct export_order to = {"resource", false, true};
	struct buf text = BUF_INIT;
	char *path = mem_printf("%s/all.csv", dir);
	struct err err;
	size_t n;

	must(export_run(&text, &n, r, &to, &err), &err, "export");
	is_int((long long)n, RECORDS, "all are exported");
	must(file_write(path, text.b, text.len, 0600, &err), &err, "write");
	order.file = path;
	must(import_run(&result, r, &order, &err), &err, "import");
	is_int((long long)result.same, RECORDS, "all read back unchanged");
	is_int((long long)result.bad, 0, "none is refused");
	is_int((long long)result.partly, 0, "nor loses a reference");
	import_result_free(&result);
	buf_free(&text);
	free(path);
}

int
main(void)
{
	struct world w;
	struct replica *r;
	struct act *act;
	struct err err;
	struct register_order nowhere = {"110000", 1, 1, "演示", "demo"};

	world_open(&w);
	r = w.at[PROVINCE];
	act = act_new(r, "值班员甲", "duty1", "vocabulary");
	must(vocabulary_add(act, "520000", NULL, &err), &err, "vocabulary");
	must(act_commit(act, NULL, &err), &err, "commit");
	act_free(act);

	fill(r, "520302", 7);
	contents(r);
	valid(r, w.dir);
	fill(r, "520302", 7);
	is_int(count(r, "1"), RECORDS, "the same order makes the same records");
	fill(r, "520302", 8);
	is_int(count(r, "1"), 2 * RECORDS, "another seed makes others");
	is_int(register_fill(r, &nowhere, &err), YZ_ENOTFOUND,
	    "an area without villages is refused: %s", err.msg);
	world_close(&w);
	return tap_done();
}
