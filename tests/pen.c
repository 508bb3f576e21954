/*
 * For tests: what a program other than ours would write at a station, whose
 * key it has.  The station's own checks are not asked; whoever receives it is.
 *
 *	pen HOME STREAM KIND ID FIELD JSON AUTHOR
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
