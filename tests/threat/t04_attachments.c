/*
 * Goal of this test: threat T04, a child that floods with attachments.  A
 * changeset of a hundred bytes may name one of 16 MiB.  What a city takes of
 * them in a day stays within what the link grants, to the byte; another session
 * on the same day brings none; records and incidents pass all the while; and
 * when the days are over all of them are there.
 */
#include "config.h"

#include "../line.h"

#include "limit.h"
#include "local_link.h"

#define FILES 12
#define SIZE (3 << 20)
#define DAY_BYTES (28ll << 20) /* the largest fits, and 8.5 MiB more */
#define HOUR 3600000ll

static struct world w;
static char hex[FILES][DIGEST_HEX_LEN + 1];

/* A record that names a file of noise. */
static void
attach(int n)
{
	uint8_t *noise = mem_calloc(1, SIZE);
	char id[RECORD_ID_LEN + 1], json[DIGEST_HEX_LEN + 3];
	uint32_t x = (uint32_t)n + 1;
	struct err err;
	size_t i;

	for (i = 0; i < SIZE; i++) {
		x = x * 1103515245u + 12345u;
		noise[i] = (uint8_t)(x >> 16);
	}
	must(blob_put(w.at[COUNTY], hex[n], noise, SIZE, &err), &err, "put");
	free(noise);
	snprintf(id, sizeof(id), "520302-%032x", (unsigned)n + 1);
	snprintf(json, sizeof(json), "\"%s\"", hex[n]);
	world_set(&w, COUNTY, STREAM_RESOURCE, "team", id, "photo", json);
}

static int
files(int at)
{
	struct err ignored;
	int64_t size;
	int fd, i, n = 0;

	for (i = 0; i < FILES; i++)
		if (blob_open(w.at[at], &fd, &size, hex[i], &ignored) == 0) {
			close(fd);
			n++;
		}
	return n;
}

static int64_t
incidents(void)
{
	return world_count(&w, CITY, "SELECT count(*) FROM incident");
}

int
main(void)
{
	int had = 0, now, day, i, most = 0, crept = 0, complete = 0, passed = 0;
	char id[RECORD_ID_LEN + 1];

	world_open(&w);
	world_kinds(&w);
	world_field(&w, "team", "photo", "blob", "one", "", "n");
	world_carry(&w, PROVINCE, CITY);
	ok(line_complete(&w, COUNTY, CITY),
	    "a county and its city are in step");
	line_grant(&w, CITY, "520302", DAY_BYTES);
	for (i = 0; i < FILES; i++)
		attach(i);
	is_int(files(COUNTY), FILES, "a county has %d files of %d bytes", FILES,
	    SIZE);
	w.now[CITY] += 48 * HOUR;
	w.now[COUNTY] += 48 * HOUR;
	for (day = 0; day < 10 && had < FILES; day++) {
		complete += line_complete(&w, COUNTY, CITY);
		now = files(CITY);
		most = now - had > most ? now - had : most;
		had = now;
		snprintf(id, sizeof(id), "520302-%032x", 100u + (unsigned)day);
		world_set(&w, COUNTY, STREAM_COMMAND, "incident", id, "name",
		    "\"事\"");
		complete += line_complete(&w, COUNTY, CITY);
		passed += incidents() == day + 1;
		crept += files(CITY) - had;
		w.now[CITY] += 24 * HOUR;
		w.now[COUNTY] += 24 * HOUR;
	}
	is_int(world_count(&w, CITY, "SELECT count(*) FROM team"), FILES,
	    "all records came");
	ok(most > 0 && most * (int64_t)SIZE <= DAY_BYTES,
	    "at most %d files came in a day, of %lld bytes granted", most,
	    (long long)DAY_BYTES);
	ok(day > 1, "so it took %d days", day);
	is_int(crept, 0, "another session on the same day brings none");
	is_int(had, FILES, "in the end all are there");
	is_int(complete, 2 * day, "every session is complete");
	is_int(passed, day, "and brings its incident");
	line_grant(&w, CITY, "520302", 1 << 20);
	w.now[CITY] += 48 * HOUR;
	attach(0); /* the same: nothing is new */
	ok(line_complete(&w, COUNTY, CITY),
	    "a link that grants less than the largest goes on");
	world_close(&w);
	return tap_done();
}
