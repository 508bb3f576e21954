#include "config.h"

#include "base/db_impl.h"
#include "base/err.h"

/* Type and value as db_value() has them; false: there was no memory. */
static bool
value_of(enum db_type *type, struct db_value *out, sqlite3_value *v)
{
	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		*type = DB_INT;
		out->number = sqlite3_value_int64(v);
		return true;
	case SQLITE_TEXT:
		*type = DB_TEXT;
		out->text = (const char *)sqlite3_value_text(v);
		out->len = (size_t)sqlite3_value_bytes(v);
		return out->text != NULL;
	case SQLITE_FLOAT:
		*type = DB_REAL;
		return true;
	default:
		*type = DB_BLOB;
		return true;
	}
}

/* taken(FIRST, COLUMN, ...) */
static void
taken(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct db *db = sqlite3_user_data(context);
	struct db_value v;
	enum db_type type;
	size_t first;
	int i;

	if (n < 1 || db->take == NULL)
		return;
	first = (size_t)sqlite3_value_int64(values[0]);
	for (i = 1; i < n; i++) {
		if (sqlite3_value_type(values[i]) == SQLITE_NULL)
			continue;
		if (!value_of(&type, &v, values[i])) {
			sqlite3_result_error_nomem(context);
			return;
		}
		db->take(db->take_arg, first + (size_t)i - 1, type, &v);
	}
}

int
db_take_register(struct db *db, struct err *err)
{
	return sqlite3_create_function_v2(db->h, "taken", -1,
		   SQLITE_UTF8 | SQLITE_DIRECTONLY, db, taken, NULL, NULL,
		   NULL) == SQLITE_OK
		   ? 0
		   : db_failed(db, err);
}

void
db_take(struct db *db,
    void (*fn)(void *arg, size_t place, enum db_type type,
	const struct db_value *value),
    void *arg)
{
	db->take = fn;
	db->take_arg = arg;
}
