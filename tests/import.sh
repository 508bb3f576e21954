#!/bin/sh
# Tables as people have them: any usual encoding, separator and header; good
# rows go in, bad rows come back with reasons; what is exported reads back.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
H=$T/h
q() { sqlite3 "$H/yizhan.db" "$1"; }
n() { q "SELECT count(*) FROM resource WHERE removed = 0"; }
y() { "$yizhan" -C "$H" "$@"; }

ok "a county founds its own federation" y init 520324 --top
like "$(y init 520324 --top 2>&1)" . "not twice"
not_ok "a founder's code has six digits" "$yizhan" -C "$T/x" init 52030 --top
not_ok "several root keys are for later" \
	"$yizhan" -C "$T/x" init 520300 --top --threshold 2
not_ok "an unknown code needs a name" "$yizhan" -C "$T/x" init 110000 --top
is "$(ls "$T/x" 2>&1 | wc -l)" 1 "and nothing was made"
is "$(stat -c %a "$H/keys/root")" 600 "only the owner reads the root key"
is "$(q "SELECT count(*) FROM kind")" 61 "the kinds are there"
is "$(q "SELECT count(*) FROM field")" 621 "and their fields"

# --- encodings, separators, headers ------------------------------------------
cat >team.csv <<'E2'
正安县救援队伍一览表,,,,,,,
资源类别,队伍名称,级别,状态,队伍人数,乡镇,联系电话,东经,北纬
救援队伍,桴㯊镇应急救援队,乡镇级,可用,25,桴㯊镇,0851-28220001,107.4402,28.5533
E2
iconv -f UTF-8 -t GB18030 team.csv >team.gb.csv
ok "GB18030 with a title above and a character that GBK lacks" \
	y import resource team.gb.csv
is "$(q "SELECT name || town || persons || rkind || status || lon FROM resource")" \
	"桴㯊镇应急救援队52032411625R01ready1074402000" "everything came over"
is "$(q "SELECT secrecy || exercise FROM resource")" internal0 "defaults stand"

sed -n '2,$p' team.csv | sed 's/桴㯊镇应急/十六位/; s/,/\t/g' >t.tsv
{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE t.tsv; } >team16.txt
ok "UTF-16 with tabs" y import resource team16.txt
{ printf '\357\273\277'; sed -n '2,$p' team.csv | sed 's/桴㯊镇应急/分号/; s/,/;/g'; } >team8.csv
ok "UTF-8 with a byte order mark and semicolons" y import resource team8.csv
cat >english.csv <<'E2'
rkind,Name,Level,Status,Persons
R01,English team,county,ready,7
E2
ok "English labels and field names" y import resource english.csv
is "$(n)" 4 "four teams"
is "$(q "SELECT count(*) FROM _changeset s JOIN _chain c ON c.no = s.chain
	WHERE c.name LIKE '%/resource'")" 4 "a changeset each"

# --- bad rows -----------------------------------------------------------------
cat >bad.csv <<'E2'
名称,级别,状态,队伍人数,经度,纬度,主管单位
好队,县级,可用,10,107.1,28.1,
坏队,县级,可用,很多,207.1,28.1,
,县级,可用,5,,,
无主队,县级,可用,6,,,没有这个单位
E2
status 3 "an import with bad rows asks to be looked at" \
	y import resource.team bad.csv
is "$(n)" 6 "the good ones went in"
is "$(head -c 3 bad.csv.errors.csv | od -An -tx1 | tr -d ' \n')" efbbbf \
	"the errors file is for Excel"
is "$(sed -n 1p bad.csv.errors.csv | tail -c +4 | tr -d '\r')" \
	"名称,级别,状态,队伍人数,经度,纬度,主管单位,行号,原因,记录编号" \
	"its columns are the table's, and why"
is "$(wc -l <bad.csv.errors.csv)" 4 "three rows are in it"
like "$(sed -n 2p bad.csv.errors.csv)" '坏队.*,3,.*队伍人数.*经度' \
	"every reason of a row is named"
like "$(sed -n 3p bad.csv.errors.csv)" ',4,.*名称' "a missing name is named"
like "$(sed -n 4p bad.csv.errors.csv)" '无主队.*,5,.*主管单位.*已导入.*,520324-' \
	"what cannot be resolved is left out and said"
sed -e 's/很多/12/; s/,207\.1/,107.1/; s/没有这个单位//' bad.csv.errors.csv |
	sed '3d' >again.csv
ok "the corrected errors file goes in" y import resource.team again.csv
is "$(n)" 7 "one more, and one was there already"
is "$(q "SELECT count(*) FROM resource WHERE remark IS NOT NULL")" 0 \
	"its own columns are not taken for data"
sed -i '$d' bad.csv
sed -i '3,4d' bad.csv
before=$(n)
ok "a dry run checks" y import resource.team bad.csv --dry-run
is "$(n)" "$before" "and writes nothing"
not_ok "and the errors file of the earlier try is gone" test -e bad.csv.errors.csv

cat >odd.csv <<'E2'
名称,级别,状态,队伍人数,装备情况
带装备队,县级,可用,10,冲锋舟2艘
E2
like "$(y import resource.team odd.csv 2>&1)" '装备情况' "an unknown header is named"
is "$(q "SELECT remark FROM resource WHERE name = '带装备队'")" \
	"装备情况: 冲锋舟2艘" "its cells are kept in the remark"
ok "a map says what a header means" \
	y import resource.team odd.csv --map '名称=name,装备情况=-'
not_ok "a map that names nothing is refused" \
	y import resource.team odd.csv --map '名称=nonsense'
printf '甲,乙\n1,2\n' >none.csv
not_ok "a table without known headers is refused" y import resource none.csv
not_ok "wrong bytes for the encoding are refused" \
	y import resource team.gb.csv --encoding UTF-8
printf '名称,级别,状态,队伍人数,附件\n偷,县级,可用,1,@/etc/passwd\n' >file.csv
status 3 "a table reads no files" y import resource.team file.csv

# --- rules --------------------------------------------------------------------
cat >phone.csv <<'E2'
名称,级别,状态,队伍人数,联系电话,负责人电话
甲电话队,县级,可用,10,13800000001,
乙电话队,县级,可用,10,0851-28220002,13800000002
丙电话队,县级,可用,10,0851-28220003/13800000003,
E2
ok "telephone numbers" y import resource.team phone.csv
is "$(q "SELECT ifnull(phone, '-') || ' ' || leader_mobile FROM resource
	WHERE name LIKE '%电话队' ORDER BY leader_mobile" | tr '\n' ' ')" \
	"- 13800000001 0851-28220002 13800000002 0851-28220003 13800000003 " \
	"mobile numbers became personal"
is "$(q "SELECT count(*) FROM _chain WHERE name LIKE '%/personal@520324'")" 1 \
	"and travel in the personal stream"

printf '名称,级别,状态,队伍人数,经度,纬度\n火星队,县级,可用,10,116.41024449916938,39.91640428150164\n' >mars.csv
ok "positions in GCJ-02" y import resource.team mars.csv --datum GCJ02
is "$(q "SELECT lon || ' ' || lat || ' ' || datum || ' ' || given_lon FROM
	resource WHERE name = '火星队'")" \
	"1164040000 399150000 GCJ02 1164102445" "come back, and what was given is kept"

# --- round trip ---------------------------------------------------------------
one=$(q "SELECT * FROM resource ORDER BY rec" | sha256sum)
heads=$(q "SELECT name, seq FROM _chain JOIN (SELECT chain, max(seq) seq FROM
	_changeset GROUP BY 1) ON chain = no ORDER BY 1")
ok "export" y export resource all.csv
ok "what was exported reads back" y import resource all.csv
is "$(q "SELECT * FROM resource ORDER BY rec" | sha256sum)" "$one" "unchanged"
is "$(q "SELECT name, seq FROM _chain JOIN (SELECT chain, max(seq) seq FROM
	_changeset GROUP BY 1) ON chain = no ORDER BY 1")" "$heads" \
	"and nothing was written"
like "$(sed -n 1p all.csv | tail -c +4)" '^记录编号,资源类别,' "Chinese headers, the id first"
ok "export of codes" y export resource.team codes.csv --codes
like "$(sed -n 2p codes.csv)" ',R01,' "has codes"
ok "codes read back too" y import resource.team codes.csv
is "$(q "SELECT * FROM resource ORDER BY rec" | sha256sum)" "$one" "unchanged"
sed -i 's/火星队/水星队/' all.csv
ok "a changed cell" y import resource all.csv
is "$(q "SELECT count(*) FROM resource WHERE name = '水星队'")" 1 "is changed"
is "$(n)" "$(($(wc -l <all.csv) - 1))" "and no record is new"
tap_done
