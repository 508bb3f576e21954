/*
 * Kinds and fields as this replica knows them: read from the records of the
 * built-in kinds "kind" and "field" in the roster stream, so that the
 * province can add a field without a release.  The built-in kinds ("kind",
 * "field", "list", "code") are fixed here.
 *
 * Each base kind has one typed table named like it (SQL names always
 * quoted); a sub-kind (resource.team, extends resource) has its fields as
 * columns of the base kind's table.
 */
#ifndef SYNC_SCHEMA_H
#define SYNC_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

struct buf;
struct db;
struct err;
struct schema;

enum field_type {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_DECIMAL, /* op: string with scale digits; column: scaled INTEGER
			*/
	FIELD_BOOL,    /* op: true/false; column: 0/1 */
	FIELD_CODE,
	FIELD_REF,  /* a record id */
	FIELD_TIME, /* "YYYY-MM-DDTHH:MM:SS+08:00" */
	FIELD_DATE, /* "YYYY-MM-DD" */
	FIELD_PHONE,
	FIELD_JSON, /* canonical JSON */
	FIELD_BLOB, /* SHA-256 in hex */
};
enum field_elem { ELEM_ONE, ELEM_SET, ELEM_LIST };

struct field {
	char *name;
	size_t name_len;
	char *member; /* ,"name": as it stands in an object */
	size_t member_len;
	char *of; /* kind that defines it: "resource.team", "common" */
	enum field_type type;
	enum field_elem elem;
	char *target, *values, *code_rule, *unit, *min, *max; /* or "" */
	int scale;
	int64_t max_len; /* 0: none stated */
	bool required, personal, search, derived, ancestor_only;
	char *group; /* merge group, or "" */
	char *label_zh, *label_en, *aliases, *note;
	enum stream stream; /* in which its writes travel */
	struct reg *reg;    /* what it merges as; NULL for derived fields */
	size_t column;      /* its place among the kind's fields */
};

enum reg_type {
	REG_MARK,  /* the existence mark of one stream of the record */
	REG_FIELD, /* one field */
	REG_GROUP, /* the fields of a merge group, as one */
	REG_SET,   /* each element by itself */
};

/* A register: what merges as one (design.md section 6). */
struct reg {
	char *name; /* "@command", "status", "#position", "skills" */
	enum reg_type type;
	enum stream stream;
	unsigned no; /* its number in clocks; local to this replica */
	struct field *
	    *fields; /* of REG_GROUP sorted by name; else one or none */
	size_t n_fields;
};

#define KIND_TALLIED_MAX 4

struct kind {
	char *name;
	char *extends;      /* "" for a base kind */
	char *when;         /* "rkind=R01,R16" for a sub-kind */
	enum stream stream; /* main stream */
	bool append_only, geo;
	char *title; /* title field */
	char *corrects;
	char *label_zh, *label_en, *note;
	struct field **fields; /* a base kind: all columns of its table, common
				* fields and sub-kinds' included; a sub-kind:
				* its own only */
	size_t n_fields;
	struct field **slots; /* the same, by a hash of their names */
	size_t n_slots;       /* a power of two */
	struct reg *regs; /* of a base kind; marks first, main stream's at 0 */
	size_t n_regs;
	/* Of a base kind: by what its records are counted (tally.h). */
	struct field *tallied[KIND_TALLIED_MAX];
	size_t n_tallied;
	struct { /* of a base kind: statements asked again and again */
		char *insert;  /* the whole row: own columns, then fields */
		char *clock;   /* _clock of a row */
		char *words;   /* its search fields; NULL: none */
		char *tallied; /* removed, then the tallied fields, of a row */
		char *records; /* of rows, a JSON array: place, rec, id, owner,
				* removed, _conflicts, removed_reason,
				* created_at, created_by; the fields are
				* taken (db_take) */
	} sql;
};

/*
 * Read the kinds from db.  The tables are made or widened to fit when
 * create is set (within a transaction).
 */
int schema_load(
    struct schema **out, struct db *db, bool create, struct err *err);
void schema_free(struct schema *schema);

size_t schema_count(const struct schema *schema);
const struct kind *schema_at(const struct schema *schema, size_t i);
/* By name ("resource", "resource.team"), or NULL. */
const struct kind *schema_kind(const struct schema *schema, const char *name);
/* The base kind of a kind (itself unless it extends another). */
const struct kind *schema_base(
    const struct schema *schema, const struct kind *kind);
/* The existence mark of a base kind in a stream, or NULL if no field of it
 * travels there. */
const struct reg *schema_mark(const struct kind *kind, enum stream stream);
/* Has a base kind's table an index in the order of the field, those without a
 * value first, and among equal ones in that of rec?  In the order of
 * coalesce(FIELD, -9e999), to be asked in these words. */
bool schema_is_ordered(const struct kind *base, const struct field *f);
void schema_put_index(
    struct buf *sql, const struct kind *base, const struct field *f);
/* Field of a base kind by name (n bytes), or NULL. */
const struct field *schema_field(
    const struct kind *kind, const char *name, size_t n);

#endif
