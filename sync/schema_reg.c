#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "schema.h"
#include "schema_reg.h"

static struct reg *
reg_add(struct kind *k, enum reg_type type, enum stream stream, char *name)
{
	struct reg *r;

	k->regs = mem_realloc(k->regs, (k->n_regs + 1) * sizeof(*k->regs));
	r = &k->regs[k->n_regs++];
	memset(r, 0, sizeof(*r));
	r->type = type;
	r->stream = stream;
	r->name = name;
	return r;
}

static struct reg *
reg_find(struct kind *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n_regs; i++)
		if (strcmp(k->regs[i].name, name) == 0)
			return &k->regs[i];
	return NULL;
}

static void
reg_add_field(struct reg *r, struct field *f)
{
	size_t i;

	r->fields =
	    mem_realloc(r->fields, (r->n_fields + 1) * sizeof(*r->fields));
	/* Sorted by name: a group's value has one form. */
	for (i = r->n_fields++;
	     i > 0 && strcmp(r->fields[i - 1]->name, f->name) > 0; i--)
		r->fields[i] = r->fields[i - 1];
	r->fields[i] = f;
}

void
schema_reg_make(struct kind *k)
{
	size_t i, j;

	reg_add(
	    k, REG_MARK, k->stream, mem_printf("@%s", stream_name(k->stream)));
	for (i = 0; i < k->n_fields; i++) {
		if (k->fields[i]->stream != k->stream && k->n_regs == 1)
			reg_add(k, REG_MARK, STREAM_PERSONAL,
			    mem_printf("@%s", stream_name(STREAM_PERSONAL)));
	}
	for (i = 0; i < k->n_fields; i++) {
		struct field *f = k->fields[i];
		struct reg *r;
		char *name;

		f->column = i;
		if (f->derived)
			continue;
		name = f->group[0] == '\0' ? mem_strdup(f->name)
					   : mem_printf("#%s", f->group);
		r = reg_find(k, name);
		if (r == NULL)
			r = reg_add(k,
			    f->group[0] != '\0'   ? REG_GROUP
			    : f->elem == ELEM_SET ? REG_SET
						  : REG_FIELD,
			    f->stream, name);
		else
			free(name);
		reg_add_field(r, f);
	}
	/* The array has its final place: fields may point into it. */
	for (i = 0; i < k->n_regs; i++)
		for (j = 0; j < k->regs[i].n_fields; j++)
			k->regs[i].fields[j]->reg = &k->regs[i];
}
