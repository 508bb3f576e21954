#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "fork.h"
#include "limit.h"
#include "proof.h"
#include "roster.h"

const char *const proof_part_names[PROOF_PARTS] = {
    "a.commit", "a.ops", "b.commit", "b.ops"};

/* Bytes of a part at most. */
static const size_t limits[PROOF_PARTS] = {
    LIMIT_TEXT, LIMIT_OPS_BYTES, LIMIT_TEXT, LIMIT_OPS_BYTES};

void
proof_parts(struct buf part[PROOF_PARTS], const struct fork *fork)
{
	changeset_commit(&part[0], &fork->a);
	buf_put(&part[1], fork->a.ops.b, fork->a.ops.len);
	changeset_commit(&part[2], &fork->b);
	buf_put(&part[3], fork->b.ops.b, fork->b.ops.len);
}

static int
parse_one(struct changeset *out, const struct buf part[2], const char *name,
    struct err *err)
{
	int rc = changeset_parse(
	    out, part[0].b, part[0].len, part[1].b, part[1].len, err);

	return rc == 0 ? 0 : err_within(err, "%s", name);
}

int
proof_parse(
    struct fork *out, const struct buf part[PROOF_PARTS], struct err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = parse_one(&out->a, part, proof_part_names[0], err);
	if (rc == 0)
		rc = parse_one(&out->b, part + 2, proof_part_names[2], err);
	if (rc == 0) {
		out->chain = out->a.chain;
		out->seq = out->a.seq;
	}
	return rc;
}

int
proof_write(struct replica *r, const struct chain_name *chain, const char *dir,
    struct err *err)
{
	struct buf part[PROOF_PARTS] = {BUF_INIT};
	struct fork fork;
	size_t i;
	int rc;

	rc = fork_get(r, &fork, chain, err);
	if (rc != 0)
		return rc;
	proof_parts(part, &fork);
	fork_free(&fork);
	rc = file_mkdir(dir, 0755, err);
	for (i = 0; i < PROOF_PARTS; i++) {
		char *path = mem_printf("%s/%s", dir, proof_part_names[i]);

		if (rc == 0)
			rc =
			    file_write(path, part[i].b, part[i].len, 0644, err);
		buf_free(&part[i]);
		free(path);
	}
	return rc;
}

int
proof_read(struct fork *out, const char *dir, struct err *err)
{
	struct buf part[PROOF_PARTS] = {BUF_INIT};
	size_t i;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	for (i = 0; rc == 0 && i < PROOF_PARTS; i++) {
		char *path = mem_printf("%s/%s", dir, proof_part_names[i]);

		rc = file_read(&part[i], path, limits[i], err);
		free(path);
	}
	if (rc == 0)
		rc = proof_parse(out, part, err);
	if (rc != 0)
		fork_free(out);
	for (i = 0; i < PROOF_PARTS; i++)
		buf_free(&part[i]);
	return rc;
}

static int
check(struct fork *fork, const struct roster *roster, struct err *err)
{
	const char *writer = fork->chain.writer;
	int rc;

	rc = fork_check(&fork->a, &fork->b, err);
	if (rc != 0)
		return rc;
	if (roster_find(roster, writer) == NULL)
		return err_set(err, YZ_ENOTFOUND,
		    "station %s is not in this roster: take a newer one",
		    writer);
	if (!fork_key_counts(roster, &fork->a) ||
	    !fork_key_counts(roster, &fork->b))
		return err_set(err, YZ_EDENIED,
		    "the pair is not signed by keys of %s that count there",
		    writer);
	return 0;
}

int
proof_check(struct fork *fork, const struct roster *roster, struct err *err)
{
	char name[CHAIN_NAME_MAX];
	int rc = check(fork, roster, err);

	if (rc == 0)
		return 0;
	chain_format(name, &fork->chain);
	return err_within(err, "%s seq %lld", name, (long long)fork->seq);
}
