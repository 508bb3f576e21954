#include "config.h"

#include <stdio.h>
#include <string.h>

#include "model/places.h"
#include "model/register_impl.h"

/* --- sub-kinds ---------------------------------------------------------------
 */

static void
more_team(struct register_maker *m, struct op_draft *d)
{
	static const char *const skills[] = {
	    "water", "mine", "chem", "mountain", "fire", "collapse", "medical"};
	unsigned persons = register_between(m, 8, 60);

	register_put_int(d, "persons", persons);
	register_put_int(d, "on_duty", persons / 3);
	register_add_text(d, "skills", skills[register_pick(m, N(skills))]);
	register_add_text(d, "skills", skills[register_pick(m, N(skills))]);
	register_put_int(d, "vehicles", register_between(m, 1, 8));
	register_put_int(d, "muster_min", 5 * register_between(m, 1, 12));
	register_put_bool(d, "insured", register_pick(m, 10) != 0);
}

static void
more_expert(struct register_maker *m, struct op_draft *d)
{
	static const char *const fields[] = {
	    "11A00", "11B00", "11C00", "11D00", "12A00"};
	static const char *const titles[] = {
	    "高级工程师", "工程师", "教授", "研究员"};
	static const char *const employers[] = {
	    "水务局", "气象局", "自然资源局", "应急管理局", "住建局"};
	char text[128];

	register_add_text(d, "specialty", fields[register_pick(m, N(fields))]);
	register_put_text(d, "job_title", titles[register_pick(m, N(titles))]);
	snprintf(text, sizeof(text), "%s%s", m->at->county_name,
	    employers[register_pick(m, N(employers))]);
	register_put_text(d, "employer", text);
}

static void
more_depot(struct register_maker *m, struct op_draft *d)
{
	static const char *const types[] = {"own", "own", "agreement"};

	register_put_decimal(d, "area", 10 * register_between(m, 5, 300), 2);
	register_put_text(d, "store_type", types[register_pick(m, N(types))]);
	register_put_bool(d, "open_24h", register_pick(m, 2) == 0);
}

static void
more_stock(struct register_maker *m, struct op_draft *d)
{
	unsigned qty = 5 * register_between(m, 1, 200);

	register_put_decimal(d, "qty", qty, 3);
	register_put_decimal(d, "min_qty", qty / 5, 3);
	if (m->depot[0] != '\0')
		register_put_text(d, "depot", m->depot);
	register_put_date(
	    d, "made_on", DEMO_TIME - DAY * register_between(m, 30, 900));
	register_put_date(
	    d, "expires_on", DEMO_TIME + DAY * register_between(m, 30, 1500));
}

static void
more_shelter(struct register_maker *m, struct op_draft *d)
{
	unsigned area = 100 * register_between(m, 3, 120);

	register_put_decimal(d, "area_eff", area, 2);
	register_put_int(d, "cap_person", area / 3);
	register_put_bool(d, "in_use", 0);
	register_put_int(d, "occupied", 0);
	register_put_bool(d, "water", register_pick(m, 5) != 0);
	register_put_bool(d, "power", register_pick(m, 5) != 0);
	register_put_int(d, "radius", 100 * register_between(m, 5, 20));
	register_put_bool(d, "signs", register_pick(m, 4) != 0);
}

static void
more_medical(struct register_maker *m, struct op_draft *d)
{
	static const char *const grades[] = {"3A", "2A", "2B", "1", "1", "0"};
	unsigned beds = register_between(m, 10, 400);

	register_put_text(d, "grade", grades[register_pick(m, N(grades))]);
	register_put_int(d, "beds", beds);
	register_put_int(d, "beds_free", beds / register_between(m, 4, 12));
	register_put_int(d, "icu_free", beds / 100);
	register_put_int(d, "ambulances", register_between(m, 1, 6));
	register_put_bool(d, "burn", beds > 300);
	register_put_bool(d, "decon", register_pick(m, 6) == 0);
}

static void
more_source(struct register_maker *m, struct op_draft *d)
{
	static const char *const classes[] = {
	    "22A01", "22A02", "22A07", "22A09", "22A11"};
	static const char *const levels[] = {"1", "2", "3", "4", "4"};
	static const char *const substances[] = {
	    "液氨", "汽油", "柴油", "液化石油气", "氯"};

	register_put_text(d, "hclass", classes[register_pick(m, N(classes))]);
	register_put_text(d, "hlevel", levels[register_pick(m, N(levels))]);
	register_put_decimal(d, "r_value", register_between(m, 1, 90), 2);
	register_add_text(
	    d, "substances", substances[register_pick(m, N(substances))]);
	register_put_int(d, "people_500m", 10 * register_between(m, 0, 80));
}

static void
more_target(struct register_maker *m, struct op_draft *d)
{
	static const char *const classes[] = {
	    "31B06", "31B05", "31B07", "31F02", "32B02", "32G05"};
	static const char *const real[] = {[POINT_HYDRO] = "32G02",
	    [POINT_PLANT] = "32G01",
	    [POINT_AIRPORT] = "32E01",
	    [POINT_SCHOOL] = "31B01",
	    [POINT_WEATHER] = "31J04"};

	register_put_text(d, "tclass",
	    m->point != NULL ? real[m->point->sort]
			     : classes[register_pick(m, N(classes))]);
	register_put_int(d, "people", 10 * register_between(m, 3, 200));
}

static void
more_risk(struct register_maker *m, struct op_draft *d)
{
	static const char *const classes[] = {
	    "21D01", "21D01", "21D02", "21D03", "21A04", "21G01"};
	static const char *const risks[] = {
	    "red", "orange", "yellow", "yellow", "blue"};
	static const char *const signals[] = {"锣", "口哨", "高音喇叭"};
	unsigned households = register_between(m, 1, 60);

	register_put_text(d, "hclass", classes[register_pick(m, N(classes))]);
	register_put_text(d, "risk", risks[register_pick(m, N(risks))]);
	register_put_int(d, "households", households);
	register_put_int(d, "people", households * 3 + register_pick(m, 3));
	register_put_decimal(
	    d, "property", households * register_between(m, 8, 30), 2);
	register_put_text(d, "evac_route", "沿村道向高处转移至村委会广场");
	register_put_text(d, "signal", signals[register_pick(m, N(signals))]);
}

/* --- the 19 of them --------------------------------------------------------
 */

static const struct register_category categories[] = {
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

/* The first 19 records are one of each; then by weight. */
const struct register_category *
register_category_choose(struct register_maker *m)
{
	unsigned at = register_pick(m, 100), i;

	if (m->i < N(categories))
		return &categories[m->i];
	for (i = 0; i < N(categories) - 1; i++) {
		if (at < categories[i].weight)
			break;
		at -= categories[i].weight;
	}
	return &categories[i];
}

/* Weather stations are category R18, other real points R11. */
const struct register_category *
register_category_of_point(const struct point *p)
{
	const char *rkind = p->sort == POINT_WEATHER ? "R18" : "R11";
	size_t i = 0;

	while (strcmp(categories[i].rkind, rkind) != 0)
		i++;
	return &categories[i];
}
