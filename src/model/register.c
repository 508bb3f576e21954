#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "canon.h"
#include "home.h"
#include "model/places.h"
#include "model/register_impl.h"
#include "op.h"
#include "replica.h"

static const struct {
	const char *name, *spec, *unit;
} stock[] =
    {
	{"救灾帐篷", "12平方米", "顶"},
	{"折叠床", "190x70cm", "张"},
	{"棉被", "2kg", "床"},
	{"编织袋", "50x90cm", "条"},
	{"瓶装饮用水", "500ml", "箱"},
	{"方便食品", "24份", "箱"},
	{"救生衣", "成人", "件"},
	{"应急照明灯", "LED 50W", "套"},
	{"雨衣", "成人", "件"},
	{"铁锹", "尖头", "把"},
},
  gear[] = {
      {"冲锋舟", "5.2米", "艘"},
      {"柴油发电机", "30kW", "台"},
      {"排水泵", "500m3/h", "台"},
      {"卫星电话", "天通", "部"},
      {"无人机", "四旋翼", "架"},
      {"风力灭火机", "背负式", "台"},
      {"液压破拆工具", "组合", "套"},
      {"生命探测仪", "雷达", "台"},
};

/* Real points stand in for made-up targets and weather stations while they
 * last. */
static const struct point *
point_choose(struct register_maker *m, const struct register_category *c)
{
	bool station = strcmp(c->rkind, "R18") == 0;
	size_t *at = station ? &m->next_station : &m->next_target;
	const struct point *p;

	if (m->points == EVERY_POINT)
		return places_point(m->places, m->i);
	if (m->points == NO_POINTS ||
	    (!station && strcmp(c->rkind, "R11") != 0))
		return NULL;
	while (*at < places_point_count(m->places)) {
		p = places_point(m->places, (*at)++);
		if ((p->sort == POINT_WEATHER) == station)
			return p;
	}
	return NULL;
}

static void
put_name(struct register_maker *m, const struct register_category *c,
    struct op_draft *d)
{
	static const char *const sorts[] = {[POINT_HYDRO] = "水电站",
	    [POINT_PLANT] = "发电厂",
	    [POINT_AIRPORT] = "",
	    [POINT_SCHOOL] = "",
	    [POINT_WEATHER] = "气象站"};
	static const char *const surnames[] = {
	    "张", "王", "李", "陈", "杨", "罗", "吴", "石", "龙", "田"};
	const struct place *at = m->at;
	char name[320];
	size_t k;

	if (m->point != NULL) {
		snprintf(name, sizeof(name), "%s%s", m->point->name,
		    sorts[m->point->sort]);
	} else if (strcmp(c->rkind, "R05") == 0) {
		k = register_pick(m, N(stock));
		snprintf(name, sizeof(name), "%s", stock[k].name);
		register_put_text(d, "spec", stock[k].spec);
		register_put_text(d, "qty_unit", stock[k].unit);
	} else if (strcmp(c->rkind, "R06") == 0) {
		k = register_pick(m, N(gear));
		snprintf(name, sizeof(name), "%s", gear[k].name);
		register_put_text(d, "spec", gear[k].spec);
		register_put_text(d, "qty_unit", gear[k].unit);
	} else if (strcmp(c->rkind, "R02") == 0) {
		snprintf(name, sizeof(name), "%s某某(%s%s)",
		    surnames[register_pick(m, N(surnames))], at->county_name,
		    c->names[register_pick(m, 4)]);
	} else if (strcmp(c->level, "county") == 0) {
		snprintf(name, sizeof(name), "%s%s%s", at->county_name,
		    at->town_name, c->names[register_pick(m, 4)]);
	} else {
		snprintf(name, sizeof(name), "%s%s%s", at->town_name, at->name,
		    c->names[register_pick(m, 4)]);
	}
	register_put_text(d, "name", name);
}

/* Position: lon, lat, datum and what was given are one value. */
static void
put_position(struct register_maker *m, struct op_draft *d)
{
	double lon = m->at->lon, lat = m->at->lat;
	char json[32];

	if (m->point != NULL) {
		lon = m->point->lon;
		lat = m->point->lat;
	} else { /* within some 600 m of the village's middle */
		lon += ((double)register_pick(m, 10000) - 5000) * 1e-6;
		lat += ((double)register_pick(m, 10000) - 5000) * 1e-6;
	}
	snprintf(json, sizeof(json), "\"%.7f\"", lon);
	op_draft_set(d, "lon", json);
	snprintf(json, sizeof(json), "\"%.7f\"", lat);
	op_draft_set(d, "lat", json);
	op_draft_set(d, "datum", "\"WGS84\"");
	op_draft_set(d, "given_lon", "null");
	op_draft_set(d, "given_lat", "null");
}

static void
put_address(struct register_maker *m, struct op_draft *d)
{
	char text[256];

	if (m->point != NULL) {
		register_put_text(d, "address", m->point->county_name);
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s", m->at->county_name,
	    m->at->town_name, m->at->name);
	register_put_text(d, "address", text);
	register_put_text(d, "town", m->at->town);
}

static void
put_state(struct register_maker *m, struct op_draft *d)
{
	unsigned at = register_pick(m, 100);
	char text[CLOCK_LEN];

	register_put_text(d, "status",
	    at < 80   ? "ready"
	    : at < 88 ? "busy"
	    : at < 93 ? "down"
		      : "unknown");
	clock_format(
	    text, DEMO_TIME - 60000ll * register_pick(m, 60 * 24 * 20));
	register_put_text(d, "status_at", text);
	register_put_date(
	    d, "verified_at", DEMO_TIME - DAY * register_pick(m, 200));
}

static void
record_id(char id[RECORD_ID_LEN + 1], const struct register_maker *m)
{
	char text[96], hex[DIGEST_HEX_LEN + 1];
	struct digest d;

	snprintf(text, sizeof(text), "demo%s:%s:%.20s:%llu:%zu",
	    m->points == EVERY_POINT ? "-point" : "", m->owner, m->order->area,
	    (unsigned long long)m->order->seed, m->i);
	digest_sha256(&d, text, strlen(text));
	digest_hex(hex, d.b, sizeof(d.b));
	snprintf(id, RECORD_ID_LEN + 1, "%.6s-%.32s", m->owner, hex);
}

static struct op_draft *
record_make(struct register_maker *m)
{
	const struct register_category *c;
	struct op_draft *d;
	char id[RECORD_ID_LEN + 1], phone[32];

	m->random = places_hash("record", m->order->seed + m->i * 2654435761u);
	if (m->points == EVERY_POINT)
		c = register_category_of_point(places_point(m->places, m->i));
	else
		c = register_category_choose(m);
	m->at = places_at(
	    m->places, register_pick(m, (unsigned)places_count(m->places)));
	m->point = point_choose(m, c);
	record_id(id, m);
	d = op_draft_new("resource", id);

	register_put_text(d, "rkind", c->rkind);
	if (c->class != NULL)
		register_put_text(d, "class", c->class);
	put_name(m, c, d);
	register_put_text(d, "level", c->level);
	put_position(m, d);
	put_address(m, d);
	/* No exchange gives out 0000 numbers: nobody can be rung by it. */
	snprintf(
	    phone, sizeof(phone), "0851-0000%04u", register_pick(m, 10000));
	register_put_text(d, "phone", phone);
	put_state(m, d);
	if (c->unit != NULL) {
		register_put_decimal(
		    d, "capacity", register_between(m, c->low, c->high), 2);
		register_put_text(d, "capacity_unit", c->unit);
	}
	if (c->more != NULL)
		c->more(m, d);
	register_put_text(d, "secrecy", "public");
	register_put_bool(d, "exercise", 1);
	register_put_text(d, "remark", "演示数据");
	if (strcmp(c->rkind, "R03") == 0)
		memcpy(m->depot, id, sizeof(m->depot));
	return d;
}

static int
fill(struct replica *r, const struct register_order *order,
    enum register_points_used points, size_t *written, struct err *err)
{
	struct register_maker m = {
	    .order = order, .points = points, .owner = replica_home(r)->code};
	size_t n, count = order->count;
	struct op_draft *d;
	struct act *act;
	int rc;

	rc = places_load(&m.places, order->area, err);
	if (rc == 0 && points == EVERY_POINT)
		count = places_point_count(m.places);
	while (rc == 0 && m.i < count) {
		act = act_new(r, order->author, order->login, "演示数据");
		for (n = 0; n < REGISTER_ACT && m.i < count; n++) {
			d = record_make(&m);
			act_add(act, STREAM_RESOURCE, d);
			op_draft_free(d);
			m.i++;
		}
		rc = act_commit(act, NULL, err);
		act_free(act);
	}
	places_free(m.places);
	*written = m.i;
	return rc;
}

int
register_fill(
    struct replica *r, const struct register_order *order, struct err *err)
{
	size_t n;

	return fill(r, order, SOME_POINTS, &n, err);
}

int
register_villages(
    struct replica *r, const struct register_order *order, struct err *err)
{
	size_t n;

	return fill(r, order, NO_POINTS, &n, err);
}

int
register_points(struct replica *r, const struct register_order *order,
    size_t *written, struct err *err)
{
	return fill(r, order, EVERY_POINT, written, err);
}
