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
#include "model/register.h"
#include "op.h"
#include "replica.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define DEMO_TIME 1780272000000ll /* 2026-06-01T08:00:00+08:00 */
#define DAY (86400ll * 1000)

enum use_points { SOME_POINTS, NO_POINTS, EVERY_POINT };

struct maker { /* what the record being made has at hand */
	const struct register_order *order;
	enum use_points points;
	const char *owner; /* code */
	struct places *places;
	size_t i;                         /* number of the record */
	uint64_t random;                  /* state */
	const struct place *at;           /* where */
	const struct point *point;        /* or at which real point */
	size_t next_target, next_station; /* points not yet used, from here */
	char depot[RECORD_ID_LEN + 1];    /* id of the last depot made, or "" */
};

/* 0 .. n - 1 */
static unsigned
pick(struct maker *m, unsigned n)
{
	uint64_t x = m->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (unsigned)((x ^ (x >> 31)) % n);
}

static unsigned
between(struct maker *m, unsigned low, unsigned high)
{
	return low + pick(m, high - low + 1);
}

/* --- values ----------------------------------------------------------------
 */

static void
put_text(struct op_draft *d, const char *field, const char *text)
{
	struct buf json = BUF_INIT;

	canon_put_text(&json, text, strlen(text));
	op_draft_set(d, field, buf_str(&json));
	buf_free(&json);
}

static void
put_int(struct op_draft *d, const char *field, unsigned v)
{
	char json[24];

	snprintf(json, sizeof(json), "%u", v);
	op_draft_set(d, field, json);
}

static void
put_bool(struct op_draft *d, const char *field, int v)
{
	op_draft_set(d, field, v ? "true" : "false");
}

/* A whole number as a decimal of that scale. */
static void
put_decimal(struct op_draft *d, const char *field, unsigned v, int scale)
{
	char json[48];

	snprintf(json, sizeof(json), "\"%u.%0*d\"", v, scale, 0);
	op_draft_set(d, field, json);
}

static void
put_date(struct op_draft *d, const char *field, int64_t ms)
{
	char text[CLOCK_LEN];

	clock_format(text, ms);
	text[10] = '\0';
	put_text(d, field, text);
}

static void
add_text(struct op_draft *d, const char *field, const char *text)
{
	struct buf json = BUF_INIT;

	canon_put_text(&json, text, strlen(text));
	op_draft_add(d, field, buf_str(&json));
	buf_free(&json);
}

/* --- sub-kinds ---------------------------------------------------------------
 */

static void
more_team(struct maker *m, struct op_draft *d)
{
	static const char *const skills[] = {
	    "water", "mine", "chem", "mountain", "fire", "collapse", "medical"};
	unsigned persons = between(m, 8, 60);

	put_int(d, "persons", persons);
	put_int(d, "on_duty", persons / 3);
	add_text(d, "skills", skills[pick(m, N(skills))]);
	add_text(d, "skills", skills[pick(m, N(skills))]);
	put_int(d, "vehicles", between(m, 1, 8));
	put_int(d, "muster_min", 5 * between(m, 1, 12));
	put_bool(d, "insured", pick(m, 10) != 0);
}

static void
more_expert(struct maker *m, struct op_draft *d)
{
	static const char *const fields[] = {
	    "11A00", "11B00", "11C00", "11D00", "12A00"};
	static const char *const titles[] = {
	    "高级工程师", "工程师", "教授", "研究员"};
	static const char *const employers[] = {
	    "水务局", "气象局", "自然资源局", "应急管理局", "住建局"};
	char text[128];

	add_text(d, "specialty", fields[pick(m, N(fields))]);
	put_text(d, "job_title", titles[pick(m, N(titles))]);
	snprintf(text, sizeof(text), "%s%s", m->at->county_name,
	    employers[pick(m, N(employers))]);
	put_text(d, "employer", text);
}

static void
more_depot(struct maker *m, struct op_draft *d)
{
	static const char *const types[] = {"own", "own", "agreement"};

	put_decimal(d, "area", 10 * between(m, 5, 300), 2);
	put_text(d, "store_type", types[pick(m, N(types))]);
	put_bool(d, "open_24h", pick(m, 2) == 0);
}

static void
more_stock(struct maker *m, struct op_draft *d)
{
	unsigned qty = 5 * between(m, 1, 200);

	put_decimal(d, "qty", qty, 3);
	put_decimal(d, "min_qty", qty / 5, 3);
	if (m->depot[0] != '\0')
		put_text(d, "depot", m->depot);
	put_date(d, "made_on", DEMO_TIME - DAY * between(m, 30, 900));
	put_date(d, "expires_on", DEMO_TIME + DAY * between(m, 30, 1500));
}

static void
more_shelter(struct maker *m, struct op_draft *d)
{
	unsigned area = 100 * between(m, 3, 120);

	put_decimal(d, "area_eff", area, 2);
	put_int(d, "cap_person", area / 3);
	put_bool(d, "in_use", 0);
	put_int(d, "occupied", 0);
	put_bool(d, "water", pick(m, 5) != 0);
	put_bool(d, "power", pick(m, 5) != 0);
	put_int(d, "radius", 100 * between(m, 5, 20));
	put_bool(d, "signs", pick(m, 4) != 0);
}

static void
more_medical(struct maker *m, struct op_draft *d)
{
	static const char *const grades[] = {"3A", "2A", "2B", "1", "1", "0"};
	unsigned beds = between(m, 10, 400);

	put_text(d, "grade", grades[pick(m, N(grades))]);
	put_int(d, "beds", beds);
	put_int(d, "beds_free", beds / between(m, 4, 12));
	put_int(d, "icu_free", beds / 100);
	put_int(d, "ambulances", between(m, 1, 6));
	put_bool(d, "burn", beds > 300);
	put_bool(d, "decon", pick(m, 6) == 0);
}

static void
more_source(struct maker *m, struct op_draft *d)
{
	static const char *const classes[] = {
	    "22A01", "22A02", "22A07", "22A09", "22A11"};
	static const char *const levels[] = {"1", "2", "3", "4", "4"};
	static const char *const substances[] = {
	    "液氨", "汽油", "柴油", "液化石油气", "氯"};

	put_text(d, "hclass", classes[pick(m, N(classes))]);
	put_text(d, "hlevel", levels[pick(m, N(levels))]);
	put_decimal(d, "r_value", between(m, 1, 90), 2);
	add_text(d, "substances", substances[pick(m, N(substances))]);
	put_int(d, "people_500m", 10 * between(m, 0, 80));
}

static void
more_target(struct maker *m, struct op_draft *d)
{
	static const char *const classes[] = {
	    "31B06", "31B05", "31B07", "31F02", "32B02", "32G05"};
	static const char *const real[] = {[POINT_HYDRO] = "32G02",
	    [POINT_PLANT] = "32G01",
	    [POINT_AIRPORT] = "32E01",
	    [POINT_SCHOOL] = "31B01",
	    [POINT_WEATHER] = "31J04"};

	put_text(d, "tclass",
	    m->point != NULL ? real[m->point->sort]
			     : classes[pick(m, N(classes))]);
	put_int(d, "people", 10 * between(m, 3, 200));
}

static void
more_risk(struct maker *m, struct op_draft *d)
{
	static const char *const classes[] = {
	    "21D01", "21D01", "21D02", "21D03", "21A04", "21G01"};
	static const char *const risks[] = {
	    "red", "orange", "yellow", "yellow", "blue"};
	static const char *const signals[] = {"锣", "口哨", "高音喇叭"};
	unsigned households = between(m, 1, 60);

	put_text(d, "hclass", classes[pick(m, N(classes))]);
	put_text(d, "risk", risks[pick(m, N(risks))]);
	put_int(d, "households", households);
	put_int(d, "people", households * 3 + pick(m, 3));
	put_decimal(d, "property", households * between(m, 8, 30), 2);
	put_text(d, "evac_route", "沿村道向高处转移至村委会广场");
	put_text(d, "signal", signals[pick(m, N(signals))]);
}

/* --- categories ------------------------------------------------------------
 */

struct category {
	const char *rkind;
	const char *class; /* code of resource_class, or NULL */
	unsigned weight;   /* of 100 records so many are such */
	const char *level;
	const char *names[4]; /* what stands after the place */
	const char *unit;     /* of capacity, or NULL */
	unsigned low, high;   /* capacity */
	void (*more)(struct maker *, struct op_draft *);
};

static const struct category categories[] = {
    {"R01", "42E99", 8, "town",
	{"应急救援队", "综合救援队", "森林消防队", "防汛抢险队"}, "person", 8,
	60, more_team},
    {"R02", "42A01", 6, "county",
	{"地质灾害专家", "防汛专家", "矿山安全专家", "危化品专家"}, NULL, 0, 0,
	more_expert},
    {"R03", "43B99", 6, "town",
	{"应急物资储备库", "防汛物资储备点", "救灾物资储备室",
	    "森林防火物资库"},
	"m2", 50, 3000, more_depot},
    {"R04", "47A03", 12, "village",
	{"广场避难场所", "小学避难场所", "文化广场避难点", "村委会安置点"},
	"person", 100, 4000, more_shelter},
    {"R05", "43C99", 18, "town", {NULL}, NULL, 0, 0, more_stock},
    {"R06", "43B99", 7, "town", {NULL}, NULL, 0, 0, more_stock},
    {"R07", "46A04", 6, "town",
	{"卫生院", "卫生室", "社区卫生服务站", "急救站"}, "bed", 10, 400,
	more_medical},
    {"R08", "44B06", 2, "county",
	{"通信保障站", "应急通信分队", "移动基站抢修队", "卫星电话保障点"},
	"set", 1, 20, NULL},
    {"R09", "45C04", 2, "county",
	{"应急运输车队", "货运保障站", "客运应急车队", "工程机械车队"},
	"vehicle", 3, 40, NULL},
    {"R10", NULL, 3, "county", {"加油站", "化工储罐区", "煤矿", "尾矿库"}, NULL,
	0, 0, more_source},
    {"R11", NULL, 7, "town", {"小学", "农贸市场", "公路桥", "变电站"}, NULL, 0,
	0, more_target},
    {"R12", NULL, 10, "village",
	{"滑坡隐患点", "山洪危险区", "崩塌隐患点", "泥石流沟"}, NULL, 0, 0,
	more_risk},
    {"R13", "41B08", 2, "town",
	{"应急管理办公室", "应急值班室", "应急管理服务站", "应急指挥室"},
	"person", 2, 12, NULL},
    {"R14", NULL, 1, "county",
	{"地质勘测院", "水文技术站", "检测检验中心", "测绘服务站"}, "person", 5,
	80, NULL},
    {"R15", NULL, 1, "county",
	{"食品加工厂", "帐篷被服厂", "饮用水厂", "救生器材厂"}, "t", 5, 200,
	NULL},
    {"R16", NULL, 2, "county",
	{"社区志愿救援队", "青年志愿者应急队", "无人机志愿队", "摩托救援队"},
	"person", 8, 60, more_team},
    {"R17", "42B00", 2, "town",
	{"民兵应急排", "民兵应急班", "民兵防汛分队", "民兵森林防火分队"},
	"person", 8, 60, more_team},
    {"R18", NULL, 3, "village",
	{"雨量站", "水位站", "地质灾害监测点", "视频监控点"}, NULL, 0, 0, NULL},
    {"R19", "45A99", 2, "village",
	{"直升机起降点", "消防取水点", "森林防火取水点", "临时起降场"}, NULL, 0,
	0, NULL},
};

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

/* The first 19 records are one of each; then by weight. */
static const struct category *
category_choose(struct maker *m)
{
	unsigned at = pick(m, 100), i;

	if (m->i < N(categories))
		return &categories[m->i];
	for (i = 0; i < N(categories) - 1; i++) {
		if (at < categories[i].weight)
			break;
		at -= categories[i].weight;
	}
	return &categories[i];
}

/* Real points stand in for made-up targets and weather stations while they
 * last. */
/* Weather stations are category R18, other real points R11. */
static const struct category *
category_of_point(const struct point *p)
{
	const char *rkind = p->sort == POINT_WEATHER ? "R18" : "R11";
	size_t i = 0;

	while (strcmp(categories[i].rkind, rkind) != 0)
		i++;
	return &categories[i];
}

static const struct point *
point_choose(struct maker *m, const struct category *c)
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
put_name(struct maker *m, const struct category *c, struct op_draft *d)
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
		k = pick(m, N(stock));
		snprintf(name, sizeof(name), "%s", stock[k].name);
		put_text(d, "spec", stock[k].spec);
		put_text(d, "qty_unit", stock[k].unit);
	} else if (strcmp(c->rkind, "R06") == 0) {
		k = pick(m, N(gear));
		snprintf(name, sizeof(name), "%s", gear[k].name);
		put_text(d, "spec", gear[k].spec);
		put_text(d, "qty_unit", gear[k].unit);
	} else if (strcmp(c->rkind, "R02") == 0) {
		snprintf(name, sizeof(name), "%s某某(%s%s)",
		    surnames[pick(m, N(surnames))], at->county_name,
		    c->names[pick(m, 4)]);
	} else if (strcmp(c->level, "county") == 0) {
		snprintf(name, sizeof(name), "%s%s%s", at->county_name,
		    at->town_name, c->names[pick(m, 4)]);
	} else {
		snprintf(name, sizeof(name), "%s%s%s", at->town_name, at->name,
		    c->names[pick(m, 4)]);
	}
	put_text(d, "name", name);
}

/* Position: lon, lat, datum and what was given are one value. */
static void
put_position(struct maker *m, struct op_draft *d)
{
	double lon = m->at->lon, lat = m->at->lat;
	char json[32];

	if (m->point != NULL) {
		lon = m->point->lon;
		lat = m->point->lat;
	} else { /* within some 600 m of the village's middle */
		lon += ((double)pick(m, 10000) - 5000) * 1e-6;
		lat += ((double)pick(m, 10000) - 5000) * 1e-6;
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
put_address(struct maker *m, struct op_draft *d)
{
	char text[256];

	if (m->point != NULL) {
		put_text(d, "address", m->point->county_name);
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s", m->at->county_name,
	    m->at->town_name, m->at->name);
	put_text(d, "address", text);
	put_text(d, "town", m->at->town);
}

static void
put_state(struct maker *m, struct op_draft *d)
{
	unsigned at = pick(m, 100);
	char text[CLOCK_LEN];

	put_text(d, "status",
	    at < 80   ? "ready"
	    : at < 88 ? "busy"
	    : at < 93 ? "down"
		      : "unknown");
	clock_format(text, DEMO_TIME - 60000ll * pick(m, 60 * 24 * 20));
	put_text(d, "status_at", text);
	put_date(d, "verified_at", DEMO_TIME - DAY * pick(m, 200));
}

static void
record_id(char id[RECORD_ID_LEN + 1], const struct maker *m)
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
record_make(struct maker *m)
{
	const struct category *c;
	struct op_draft *d;
	char id[RECORD_ID_LEN + 1], phone[32];

	m->random = places_hash("record", m->order->seed + m->i * 2654435761u);
	if (m->points == EVERY_POINT)
		c = category_of_point(places_point(m->places, m->i));
	else
		c = category_choose(m);
	m->at =
	    places_at(m->places, pick(m, (unsigned)places_count(m->places)));
	m->point = point_choose(m, c);
	record_id(id, m);
	d = op_draft_new("resource", id);

	put_text(d, "rkind", c->rkind);
	if (c->class != NULL)
		put_text(d, "class", c->class);
	put_name(m, c, d);
	put_text(d, "level", c->level);
	put_position(m, d);
	put_address(m, d);
	/* No exchange gives out 0000 numbers: nobody can be rung by it. */
	snprintf(phone, sizeof(phone), "0851-0000%04u", pick(m, 10000));
	put_text(d, "phone", phone);
	put_state(m, d);
	if (c->unit != NULL) {
		put_decimal(d, "capacity", between(m, c->low, c->high), 2);
		put_text(d, "capacity_unit", c->unit);
	}
	if (c->more != NULL)
		c->more(m, d);
	put_text(d, "secrecy", "public");
	put_bool(d, "exercise", 1);
	put_text(d, "remark", "演示数据");
	if (strcmp(c->rkind, "R03") == 0)
		memcpy(m->depot, id, sizeof(m->depot));
	return d;
}

static int
fill(struct replica *r, const struct register_order *order,
    enum use_points points, size_t *written, struct err *err)
{
	struct maker m = {
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
