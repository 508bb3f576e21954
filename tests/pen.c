/*
 * For tests: what a program other than ours would write at a station, whose
 * key it has.  The station's own checks are not asked; whoever receives it is.
 *
 *	pen HOME STREAM KIND ID FIELD JSON AUTHOR
 *
 * +FIELD and -FIELD add and remove an element; ! drops, for the reason JSON.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "home.h"
#include "op.h"
#include "replica.h"

int
main(int argc, char **argv)
{
	struct op_draft *op = NULL;
	struct replica *r = NULL;
	struct act *act = NULL;
	struct home *home;
	enum stream stream = 0;
	struct err err = {.msg = "usage"};
	int rc;

	while (argc == 8 && stream < STREAM_COUNT &&
	       strcmp(stream_name(stream), argv[2]) != 0)
		stream++;
	if (argc != 8 || stream == STREAM_COUNT) {
		fprintf(stderr,
		    "usage: pen HOME STREAM KIND ID FIELD JSON AUTHOR\n");
		return 2;
	}
	rc = home_open(&home, argv[1], &err);
	if (rc == 0)
		rc = replica_open(&r, home, &err);
	if (rc == 0) {
		op = op_draft_new(argv[3], argv[4]);
		if (argv[5][0] == '+')
			op_draft_add(op, argv[5] + 1, argv[6]);
		else if (argv[5][0] == '-')
			op_draft_remove(op, argv[5] + 1, argv[6]);
		else if (argv[5][0] == '!')
			op_draft_drop(op, argv[6]);
		else
			op_draft_set(op, argv[5], argv[6]);
		act = act_new(r, argv[7], "pen", argv[6]);
		act_add(act, stream, op);
		rc = act_commit(act, NULL, &err);
	}
	if (rc == 0)
		rc = replica_seal(r, &err);
	if (rc != 0)
		fprintf(stderr, "pen: %s\n", err.msg);
	act_free(act);
	op_draft_free(op);
	replica_close(r);
	return rc != 0;
}
