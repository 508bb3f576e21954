/* The middle: the line is cut, and every station goes on alone. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "demo.h"

/* Does the station show field of a record as value? */
static bool
shows(struct demo *d, int station, const char *kind, const char *id,
    const char *field, const char *value)
{
	return strcmp(demo_value(d, station, kind, id, field), value) == 0;
}

bool
demo_step_cut(struct demo *d)
{
	const struct demo_station *county = &d->st[COUNTY];
	int status;

	demo_sshd_stop(&d->st[CITY].sshd);
	status = demo_run(d, COUNTY, "sync", NULL);
	if (!demo_check(d, status == CMD_FAILED && demo_complaints(d) == 1,
		_("%s %s cannot sync, and says so in one line:"), county->code,
		county->name))
		return false;
	demo_say("%s", demo_last(d));
	return demo_check(d,
	    demo_sync(d, CITY) &&
		shows(d, COUNTY, "resource", d->team, "status", "ready"),
	    _("%s still reaches %s; the county goes on with what it has"),
	    d->st[CITY].name, d->st[PROVINCE].name);
}

bool
demo_step_team(struct demo *d)
{
	if (!demo_check(d,
		demo_run(d, COUNTY, "set", "resource", d->team, "status=busy",
		    "on_duty=12", "--as", "值班员甲", NULL) == CMD_DONE &&
		    shows(d, COUNTY, "resource", d->team, "status", "busy") &&
		    shows(d, COUNTY, "resource", d->team, "on_duty", "12"),
		_("%s: status busy, 12 on duty"), d->st[COUNTY].name))
		return false;
	return demo_check(d,
	    demo_run(d, CITY, "set", "resource", d->team, "status=down",
		"remark=装备检修", "--as", "值班员乙", NULL) == CMD_DONE &&
		shows(d, CITY, "resource", d->team, "status", "down") &&
		shows(d, CITY, "resource", d->team, "remark", "装备检修") &&
		shows(d, COUNTY, "resource", d->team, "status", "busy"),
	    _("%s: status down, a remark; neither sees the other's"),
	    d->st[CITY].name);
}

/* --- an incident -------------------------------------------------------------
 */

static bool
make_photo(struct demo *d, const char *path)
{
	struct digest sum;
	struct err err;

	buf_clear(&d->photo_bytes);
	demo_photo(&d->photo_bytes);
	digest_sha256(&sum, d->photo_bytes.b, d->photo_bytes.len);
	digest_hex(d->photo, sum.b, sizeof(sum.b));
	return file_write(
		   path, d->photo_bytes.b, d->photo_bytes.len, 0644, &err) == 0;
}

/* Minutes before the telling. */
enum { OCCURRED = 30, LEARNED = 25, REPORTED = 10 };

static char *
minutes_ago(const char *field, int minutes)
{
	char text[CLOCK_LEN];

	clock_format(text, clock_wall() - minutes * 60000ll);
	return mem_printf("%s=%s", field, text);
}

static bool
add_report(struct demo *d, const char *incident, const char *photo,
    char report[RECORD_ID_LEN + 1])
{
	char *of = mem_printf("incident=%s", incident);
	char *author = mem_printf("author=%s", d->contact);
	char *signer = mem_printf("signer=%s", d->contact);
	char *files = mem_printf("files=@%s", photo);
	char *to = mem_printf("to_station=%s", d->st[CITY].code);
	char *signed_at = minutes_ago("signed_at", REPORTED);
	bool good;

	good = demo_add(d, report, COUNTY, "report", of, "stage=first", "seq=1",
	    "channel=system", to, "title=老城街道山体滑坡首报",
	    "body=2人被困，消防救援大队已到场", "facts={\"trapped\":2}", author,
	    signer, signed_at, "unverified=true", files, "exercise=true", NULL);
	free(of);
	free(author);
	free(signer);
	free(files);
	free(to);
	free(signed_at);
	return good;
}

bool
demo_step_incident(struct demo *d)
{
	char incident[RECORD_ID_LEN + 1], report[RECORD_ID_LEN + 1], *path;
	const char *name = d->st[COUNTY].name;
	char *occurred = minutes_ago("occurred_at", OCCURRED);
	char *learned = minutes_ago("learned_at", LEARNED);
	bool good;

	good =
	    demo_add(d, incident, COUNTY, "incident", "title=老城街道山体滑坡",
		"type=11B00", "level=4", "state=responding", occurred, learned,
		"place=红花岗区老城街道", "lon=106.931", "lat=27.694",
		"division=520302", "source=town", "sensitive=false", "dead=0",
		"missing=0", "injured=0", "trapped=2", "exercise=true", NULL);
	free(occurred);
	free(learned);
	if (!demo_check(d,
		good && shows(d, COUNTY, "incident", incident, "trapped", "2"),
		_("%s opens an incident: a landslide, 2 trapped"), name))
		return false;
	path = mem_printf("%s/photo.png", d->dir);
	good = make_photo(d, path) && add_report(d, incident, path, report);
	free(path);
	if (!demo_check(d,
		good &&
		    shows(d, COUNTY, "report", report, "incident", incident),
		_("%s writes the first report"), name))
		return false;
	return demo_check(d,
	    strstr(demo_value(d, COUNTY, "report", report, "files"),
		d->photo) != NULL &&
		demo_has_photo(d, COUNTY),
	    _("with a photo of %zu bytes, SHA-256 %.12s"), d->photo_bytes.len,
	    d->photo);
}

bool
demo_has_photo(struct demo *d, int station)
{
	return demo_run(d, station, "get", d->photo, NULL) == CMD_DONE &&
	       d->out.len == d->photo_bytes.len &&
	       memcmp(d->out.b, d->photo_bytes.b, d->out.len) == 0;
}

/* --- what comes from above ---------------------------------------------------
 */

bool
demo_step_mark(struct demo *d)
{
	return demo_check(d,
	    demo_run(d, CITY, "set", "hazard", d->hazard, "state=ordered",
		"due=2026-06-30", "order_no=遵应急督〔2026〕1号", "--as",
		"值班员乙", NULL) == CMD_DONE &&
		shows(d, CITY, "hazard", d->hazard, "state", "ordered") &&
		shows(d, COUNTY, "hazard", d->hazard, "state", "registered"),
	    _("%s orders its rectification by 30 June; %s does not know yet"),
	    d->st[CITY].name, d->st[COUNTY].name);
}

bool
demo_step_field(struct demo *d)
{
	char id[RECORD_ID_LEN + 1];

	if (!demo_check(d,
		demo_add(d, id, PROVINCE, "field", "kind=resource.team",
		    "field=drones", "type=int", "min=0", "max=100",
		    "label_zh=无人机数量", "label_en=Drones", NULL) &&
		    shows(d, PROVINCE, "field", id, "label_zh", "无人机数量"),
		_("%s adds the field drones 无人机数量 to teams"),
		d->st[PROVINCE].name))
		return false;
	return demo_check(d,
	    demo_run(d, COUNTY, "set", "resource", d->team, "drones=2", NULL) ==
		CMD_FAILED,
	    _("%s does not know it yet, and refuses it"), d->st[COUNTY].name);
}
