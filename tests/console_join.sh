#!/bin/sh
# Goal of this test: two administrators bring a county in from the city's
# console: one makes the invitation, another compares and confirms, and
# neither can do the other's part.  Then what needs two stations: a conflict
# shows both values and is decided by a change that has seen them, records
# are found in a box, and the quarantine has pages.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
cleanup() {
	desk_stop
	sshd_stop
	wait
}
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
keys() { city keys --authorized >"$T/sshd/keys"; }

ok "sshd starts" sshd_start
city init 520300 --top --name 遵义市 >/dev/null
for a in sys1:3:system sec1:4:security duty1:1:officer aud1:5:audit; do
	who=${a%%:*} role=${a##*:}
	n=${a#*:}
	echo "Night-watch-${n%:*}" | city user add "$who" --role "$role"
done
ok "the city's console runs" desk_start city --no-sync
login sys1 Night-watch-3
login sec1 Night-watch-4
login duty1 Night-watch-1
login aud1 Night-watch-5

# --- the invitation -----------------------------------------------------------
ask='{"code":"520302","name":"红花岗区","address":"127.0.0.1:'$port'",
"host_key":"'$(cut -d ' ' -f 1-2 sshd/host.pub)'"}'
is "$(code sec1 POST /api/invitations -d "$ask")" 403 \
	"who gives rights invites nobody"
is "$(code duty1 POST /api/invitations -d "$ask")" 403 "nor does an officer"
is "$(code sys1 POST /api/invitations -d '{"code":"52030"}')" 400 \
	"a code has six digits"
body sys1 POST /api/invitations -d "$ask" >made
like "$(cat made)" '"file":"520302\.invitation"' "the system administrator does"
node -e 'process.stdout.write(JSON.parse(require("fs").readFileSync("made")).text)' \
	>invitation
keys
like "$(body sec1 GET /api/invitations)" '"code":"520302".*"request":null' \
	"nobody has asked yet"
fp=$(county join invitation 2>join.err | head -n 1)
like "$fp" '^[0-9-]{47}$' "the county joins with that file"
like "$(body sec1 GET /api/invitations)" "\"fingerprint\":\"$fp\"" \
	"its request shows with its fingerprint"
is "$(code duty1 GET /api/invitations)" 403 "but not to everybody"
is "$(code sys1 POST /api/stations/520302/confirm \
	-d "{\"fingerprint\":\"$fp\"}")" 403 "who invited cannot confirm"
is "$(code sec1 POST /api/stations/520302/confirm \
	-d '{"fingerprint":"00000-00000-00000-00000-00000-00000-00000-00000"}')" \
	403 "another fingerprint is refused"
like "$(body sec1 POST /api/stations/520302/confirm \
	-d "{\"fingerprint\":\"$fp\"}")" '"code":"520302","name":"红花岗区","parent":"520300"' \
	"the right one enrols it"
keys
ok "and it syncs" county sync
like "$(body sec1 GET /api/invitations)" '"invitations":\[\]' \
	"the invitation is used up"
body sys1 POST /api/invitations -d \
	"$(echo "$ask" | sed s/520302/520303/)" >/dev/null
is "$(code sys1 DELETE /api/invitations/520303)" 200 \
	"another is taken back"
is "$(code sys1 DELETE /api/invitations/520303)" 404 "once"
log=$(body aud1 GET /api/audit)
like "$log" '"login":"sys1"[^}]*"what":"/api/invitations","about":"520302","result":"done"' \
	"the audit log has who invited"
like "$log" '"login":"sec1"[^}]*"what":"/api/stations/\*/confirm","about":"520302","result":"done"' \
	"who confirmed"
like "$log" '"what":"/api/stations/\*/confirm","about":"520302","result":"[^d]' \
	"and who was refused"

# --- a conflict, decided -----------------------------------------------------------
id=$(county add resource.team name=消防救援大队 rkind=R01 level=县级 persons=30 \
	lon=106.9 lat=27.7)
ok "a record reaches the city" county sync
record=/api/records/resource/$id
county set resource "$id" persons=32 >/dev/null
city set resource "$id" persons=31 >/dev/null
etag=$(body duty1 GET "$record" | text etag)
ok "which changes it while the county does" county sync
like "$(body duty1 GET /api/conflicts)" \
	'"register":"persons".*"values":\[.*31.*32.*|"values":\[.*32.*31' \
	"both values show"
one=$(body duty1 GET "$record")
like "$one" '"conflict_values":\{"persons":\[' "in the record too"
before=$etag
etag=$(echo "$one" | text etag)
is "$(code duty1 PATCH "$record" -H "If-Match: \"$before\"" \
	-d '{"set":{"persons":"40"}}')" 412 \
	"a form that was read before the conflict does not decide it unseen"
shown=$(echo "$one" | sed -n 's/.*"values":{[^}]*"persons":\([0-9]*\).*/\1/p')
is "$(code duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d "{\"set\":{\"persons\":\"$shown\"}}")" 200 \
	"choosing the value that shows is a change too"
like "$(body duty1 GET /api/conflicts)" '"conflicts":\[\]' "and decides"
ok "a sync takes the decision down" county sync
is "$(county conflicts)" "" "and the county has no conflict any more"
like "$(county show resource "$id" --json)" "\"persons\":$shown," \
	"and the same value"

# --- a box -------------------------------------------------------------------------
city add resource.team name=远方大队 rkind=R01 level=县级 persons=9 lon=107.5 lat=28.1 >/dev/null
box='west=106.8&south=27.6&east=107.0&north=27.8'
is "$(body duty1 GET "/api/box?$box" | grep -o '"title"' | wc -l)" 1 \
	"a box holds what lies in it"
like "$(body duty1 GET '/api/box?west=106&south=27&east=108&north=29&_limit=1')" \
	'"more":true\}$' "and says when there is more than asked for"
is "$(body duty1 GET "/api/box?$box&kind=resource.shelter" |
	grep -c '"title"')" 0 "of one kind"
is "$(code duty1 GET '/api/box?west=108&south=27&east=106&north=29')" 400 \
	"east of west it must lie"
first=$(body duty1 GET '/api/records/resource?_sort=-lon&_limit=1')
after=$(echo "$first" | text next)
is "$(echo "$first" | text title) $(body duty1 GET \
	"/api/records/resource?_sort=-lon&_limit=1&_after=$after" | text title)" \
	"远方大队 消防救援大队" "a list goes downwards too, page by page"

# --- the stations' lag ----------------------------------------------------------------------
county add resource.team name=新队 rkind=R01 persons=3 level=county lon=106.9 \
	lat=27.7 >/dev/null
ok "a county with news calls" county sync
station() { body duty1 GET /api/stations | grep -o "{\"code\":\"$1\"[^{]*"; }
like "$(station 520302)" '"news":"20[^"]*","quiet":0' \
	"the stations' list says when its last news came"
county sync >/dev/null
county sync >/dev/null
like "$(station 520302)" '"news":"20[^"]*","quiet":2' \
	"and in how many contacts there was none since"
like "$(station 520300)" '"news":null,"quiet":0' "one is no news to oneself"

# --- the quarantine's pages --------------------------------------------------------------
# A county whose program does not ask whose a record is.
for n in 0 1 2 3 4 5 6; do
	"$build/tests/pen" county resource resource \
		"520300-$(printf '%032d' $n)" name '"占用"' 张三
done
ok "what the county wrote as the city comes to the city" county sync
seen=
after=
for n in 1 2 3; do
	page=$(body duty1 GET "/api/quarantine?_limit=3$after")
	seen="$seen$(echo "$page" | grep -o '"id":"520300-0*[0-9]"' |
		sed 's/.*\(.\)"/\1/' | tr -d '\n') "
	after="&_after=$(echo "$page" | text next)"
done
like "$page" '"author":"张三","station":"520302"' "with who wrote it"
like "$page" '"reason":"520302 is neither the owner 520300 nor above it"' \
	"and why it does not count"
like "$(body duty1 GET '/api/quarantine?_limit=3' -H 'Accept-Language: zh-CN')" \
	'"reason":"520302 既不是属主 520300，也不是它的上级"' \
	"in the language of the page"
is "$seen" "012 345 6 " "the quarantine comes page by page, each once"
like "$page" '"next":null,"total":7' "until its end, and says how much there is"
is "$(code duty1 GET '/api/quarantine?_after=x')" 400 "a false mark is refused"

# --- the conflicts' pages ----------------------------------------------------------------
county set resource "$id" persons=52 name=大队甲 level=市级 >/dev/null
city set resource "$id" persons=51 name=大队乙 level=省级 >/dev/null
ok "three fields are changed on both sides" county sync
page=$(body duty1 GET '/api/conflicts?_limit=1')
seen=$(echo "$page" | text register)
etag=$(body duty1 GET "$record" | text etag)
is "$(code duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"level":"市级"}}')" 200 "the first is decided"
for n in 1 2; do
	page=$(curl -s -b duty1.jar -G "$url/api/conflicts" -d _limit=1 \
		--data-urlencode "_after=$(echo "$page" | text next)")
	seen="$seen $(echo "$page" | text register)"
done
is "$seen $(echo "$page" | grep -c '"next":null')" "level name persons 1" \
	"the conflicts come page by page, each once"
is "$(code duty1 GET '/api/conflicts?_after=x')" 400 "a false mark is refused"

# --- the doctor ----------------------------------------------------------------------------
like "$(body duty1 GET /api/doctor)" \
	'"findings":\[\{"what":"[a-z]+","good":(true|false),"text":' \
	"the doctor speaks in the console"
like "$(body duty1 GET /api/doctor -H 'Accept-Language: zh-CN')" \
	'完好' "in Chinese"
like "$(body duty1 GET /api/doctor -H 'Accept-Language: en')" \
	'is whole' "and in English to who asks for it"
is "$(cat serve.err)" "" "the server has not complained"
tap_done
