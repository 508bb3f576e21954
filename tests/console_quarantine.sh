#!/bin/sh
# Goal of this test: what a neighbour wrote into a record that is not its own
# is held, and stands in the console beside what counts, of both who and when.
# Whoever may write the record takes the value over with one click, as a change
# of his own that all stations get; who may not is told who may.  Keeping what
# stands settles it here; nothing is ever taken out of the ledger.  Three
# stations over a real sshd; curl is the browser.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$T/ui
export YIZHAN_DATA YIZHAN_UI
cleanup() {
	desk_stop
	sshd_stop
	wait
}
sshd_needed
mkdir -p ui
echo start >ui/index.html
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
next() { "$yizhan" -C "$T/next" "$@"; }
join() { # NAME CODE
	city invite "$2" --address "127.0.0.1:$port" \
		--host-key "$T/sshd/host.pub" -o "$1.invitation" >/dev/null 2>&1
	city keys --authorized >"$T/sshd/keys"
	city confirm "$2" "$("$1" join "$1.invitation" 2>/dev/null |
		head -n 1)" >/dev/null
	city keys --authorized >"$T/sshd/keys"
	"$1" sync >/dev/null
}
all_sync() {
	county sync && next sync && county sync && next sync
}

# --- a county, its neighbour, and their city -----------------------------------------
ok "sshd starts" sshd_start
city init 520300 --top --name 遵义市 --divisions none >/dev/null 2>&1
ok "a county joins" join county 520302
ok "and its neighbour" join next 520303
id=$(county add resource.team name=红花岗区救援队 rkind=R01 level=县级 \
	persons=32 skills=water lon=106.92 lat=27.68 --as 值班员甲)
other=$(county add resource.depot name=南关街道物资储备库 rkind=R03 \
	level=县级 store_type=own --as 值班员甲)
county set resource "$id" status=ready --as 值班员乙 >/dev/null
ok "all hold its records" all_sync
pen() { "$build/tests/pen" "$T/next" "$@" 张三; }
pen resource resource "$id" persons 40
pen resource resource "$id" +skills '"medical"'
pen resource resource "$id" lon '"107.0000000"'
pen resource resource "$other" '!' '重复登记'
pen resource resource "$id" status '"down"'
pen resource resource "520302-$(printf '%032d' 7)" name '"凭空一队"'
ok "a program at the neighbour's writes into them" all_sync
is "$(county quarantine | wc -l) $(city quarantine | wc -l) $(
	next quarantine | wc -l)" "6 6 6" "all of it is held, at every station"
for s in city county next; do
	echo Night-watch-1 | $s user add duty1 --name 值班员丙 --role officer
	echo Night-watch-1 | $s user add view1 --name 查看员 --role viewer
	echo Night-watch-1 | $s user add aud1 --name 审计员 --role audit
done >/dev/null

# --- side by side ----------------------------------------------------------------------
ok "the county's console runs" desk_start county --no-sync
ok "the officer logs in" login duty1 Night-watch-1
login view1 Night-watch-1
login aud1 Night-watch-1
held() { body duty1 GET "/api/quarantine${1-}" >held.json; }
# Of the operation whose register is $1, what the filter says.
of() {
	node -e 'const q = JSON.parse(require("fs").readFileSync("held.json"))
		.quarantine.find((x) => x.values.some((v) => v.register ===
			process.argv[1]));
		const v = q.values.find((x) => x.register === process.argv[1]);
		const at = (t) => Date.parse(t);
		console.log(String(eval(process.argv[2])));' "$1" "$2"
}
change() { # REGISTER'S-FIELD KIND ID: the last word on it, "PERSON SECOND ID"
	county show "$2" "$3" --history --json | node -e 'const rows = require("fs")
		.readFileSync(0, "utf8").trim().split("\n").map(JSON.parse)
		.filter((r) => JSON.stringify(r).includes(`"${process.argv[1]}"`) &&
			JSON.stringify(r).includes("值班员"));
		const r = rows.at(-1);
		console.log(r.person, Math.floor(Date.parse(r.time) / 1000) * 1000,
			r.changeset.slice(0, 16));' "$1"
}
held
is "$(of persons '`${v.held} ${v.now} ${v.same}`')" "40 32 false" \
	"the held value stands beside what counts"
is "$(of status '`${v.held} ${v.now}`')" "down ready" "of each field"
is "$(of skills=medical '`${v.held} ${v.now}`')" "true false" \
	"of an element of a set"
is "$(of '#position' 'v.held.lon + " " + v.now.lon + " " + v.now.lat')" \
	"107.0000000 106.9200000 27.6800000" "of fields that merge as one" ||
	grep -o '"register":"[^"]*"' held.json | sed 's/^/# /'
is "$(of @resource '`${v.held} ${v.now}`')" "重复登记 true" \
	"and of a record that was to go"
is "$(of status '`${q.author} ${q.station} ${v.author} ${v.station}`')" \
	"张三 520303 值班员乙 520302" "who wrote the one and the other"
is "$(of status '`${v.author} ${at(v.time)} ${v.changeset.slice(0, 16)}`')" \
	"$(change status resource "$id")" "and when, as the history has it"
is "$(of persons '`${v.author} ${at(v.time)}`')" \
	"$(change persons resource "$id" | cut -d ' ' -f 1-2)" \
	"also where it was never changed"
is "$(of name '`${q.etag}${q.bar} ${v.now}`')" "record null" \
	"beside a record that is not here stands nothing"
is "$(of persons 'q.bar + q.may')" "520300,520302" "who may is said"
like "$(body duty1 GET /api/station)" '"quarantined":6.*"undecided":6' \
	"all of it is to be decided"

# Of a station that only others bring, too, it is said where what is known of
# it ends: at what it wrote last and others may hold, by its own clock.
written=$(body duty1 GET /api/stations | grep -o '{"code":"520303"[^{]*' |
	text written)
is "$(date -d "$written" +%s)" "$(sqlite3 next/yizhan.db "SELECT
	max(c.time + c.offset) / 1000 FROM _changeset AS c JOIN _chain AS h
	ON h.no = c.chain WHERE h.name LIKE '520303-%/resource'")" \
	"how old what is known of the neighbour is, is said"

# --- taken over ---------------------------------------------------------------------------
verb() { # VERB REGISTER: the status; what was said is in verdict
	held
	call duty1 POST "/api/quarantine/$(of "$2" 'q.changeset')/$(
		of "$2" 'q.op')/$1" -d "{\"etag\":\"$(of "$2" 'q.etag')\"}" >verdict
	tail -n 1 verdict
}
curl -sN -b duty1.jar "$url/api/events" >events 2>/dev/null &
events_pid=$!
wait_for 20 grep -q retry events
cs=$(of persons 'q.changeset')
is "$(code view1 POST "/api/quarantine/$cs/$(of persons q.op)/take" \
	-d '{"etag":""}')" 403 "who only reads decides nothing"
is "$(verb take persons)" 200 "one click takes a held value over"
like "$(county show resource "$id" --json)" '"persons":40' "and it stands"
like "$(county show resource "$id" --history)" '值班员丙' \
	"as a change of the officer's"
like "$(body duty1 GET '/api/changesets?_limit=1')" \
	"\"station\":\"520302\".*\"author\":\"值班员丙\",\"subject\":\"take resource $(
		echo "$cs" | cut -c 1-16)\"" "whose signed line names the held one"
is "$(verb take persons)" 409 "nobody decides it twice"
like "$(cat verdict)" '值班员丙 has settled this operation already' \
	"who did is said"
is "$(verb take skills=medical)" 200 "an element"
is "$(verb take '#position')" 200 "a place on the map"
like "$(county show resource "$id" --json)" \
	'"lon":"107.0000000".*"skills":\["medical","water"\]|"skills":\["medical","water"\].*"lon":"107.0000000"' \
	"stand as the neighbour had written them"
like "$(county show resource "$id" --json)" '"lat":"27.6800000"' \
	"and nothing else has changed"
held
etag=$(of status q.etag)
county set resource "$id" status=busy >/dev/null
is "$(code duty1 POST "/api/quarantine/$(of status q.changeset)/$(
	of status q.op)/take" -d "{\"etag\":\"$etag\"}")" 412 \
	"what was changed since the page was made is not overwritten unseen"
like "$(county show resource "$id" --json)" '"status":"busy"' "and stands"
is "$(verb take name)" 404 "of what is not here nothing is taken over"

# --- kept ------------------------------------------------------------------------------------
n=$(grep -c '^event: station' events)
more() { [ "$(grep -c '^event: station' events)" -gt "$n" ]; }
is "$(verb keep status)" 200 "what stands is kept"
like "$(county show resource "$id" --json)" '"status":"busy"' "as it was"
ok "other pages hear of it" wait_for 20 more
is "$(verb keep @resource)" 200 "a record that was to go stays"
like "$(body duty1 GET /api/station)" '"quarantined":6.*"undecided":1' \
	"one is left, and all are still held"
held '?_settled=no'
is "$(grep -o '"register":"[^"]*"' held.json)" '"register":"name"' \
	"which the page asks for"
held '?_settled=yes'
is "$(grep -o '"settled":{"how":"[a-z]*"' held.json | sort | uniq -c |
	tr -s ' "' ' ')" "$(printf ' 2 settled :{ how : keep \n 3 settled :{ how : take ')" \
	"the others are there with how"
is "$(of status 'q.settled.name')" 值班员丙 "and by whom they were settled"
like "$(body aud1 GET /api/audit)" \
	'"login":"duty1"[^}]*"what":"/api/quarantine/\*/\*/keep","about":"[0-9a-f]{64}","result":"done"' \
	"the audit log has it"
kill "$events_pid" 2>/dev/null
desk_stop
is "$(county quarantine | wc -l)" 6 "the command shows all"
like "$(county verify)" ', 0 faults$' "the ledger has all"
ok "the console runs again" desk_start county --no-sync
login duty1 Night-watch-1
like "$(body duty1 GET /api/station)" '"undecided":1' "and has forgotten nothing"
desk_stop

# --- everywhere ---------------------------------------------------------------------------------
ok "the stations meet" all_sync
for s in city next; do
	like "$($s show resource "$id" --json)" '"persons":40' \
		"what was taken over stands at the $s too"
done
is "$(city digest | sha256sum)" "$(county digest | sha256sum)" \
	"city and county hold the same"
ok "the neighbour's console runs" desk_start next --no-sync
login duty1 Night-watch-1
held
is "$(of persons '`${q.bar} ${q.may} ${v.same}`')" "owner 520300,520302 true" \
	"there it is seen who may, and that it stands so by now"
is "$(verb take status)" 403 "who may not write the record takes nothing over"
like "$(cat verdict)" "the record is 520302's: only it and the stations above it" \
	"and is told who may"
is "$(verb keep status)" 200 "but settles it for this desk"

# --- many at once --------------------------------------------------------------------------------
alike() { # REGISTER BY: what is alike the one of this register
	body duty1 GET "/api/quarantine/$(of "$1" q.changeset)/$(
		of "$1" q.op)/alike?by=$2"
}
keep_alike() { # LOGIN REGISTER BY ETAG: the status
	code "$1" POST "/api/quarantine/$(of "$2" q.changeset)/$(
		of "$2" q.op)/keep-alike" -d "{\"by\":\"$3\",\"etag\":\"$4\"}"
}
held
reason=$(next quarantine --json | grep -c 'neither the owner 520302')
is "$reason" 6 "the neighbour's are held for one reason"
like "$(alike persons reason)" '"count":5,"more":false,"etag":"[0-9a-f]{64}"' \
	"those of a reason that are still to be decided are counted"
like "$(alike persons author)" '"count":5,' "and those of an author"
etag=$(alike persons author | text etag)
login view1 Night-watch-1
is "$(code view1 GET "/api/quarantine/$(of persons q.changeset)/$(
	of persons q.op)/alike?by=author") $(
	keep_alike view1 persons author "$etag")" "403 403" "not to who only reads"
is "$(keep_alike duty1 persons colour "$etag")" 400 "nothing else is common"
is "$(verb keep @resource)" 200 "one more is settled meanwhile"
is "$(keep_alike duty1 persons author "$etag")" 412 \
	"what was not counted so is not settled unseen"
like "$(body duty1 GET /api/station)" '"undecided":4' "and nothing was"
is "$(keep_alike duty1 persons author "$(alike persons author | text etag)")" \
	200 "then all are settled at once"
like "$(body duty1 GET /api/station)" '"quarantined":6.*"undecided":0' \
	"and all are still held"
login aud1 Night-watch-1
is "$(body aud1 GET '/api/audit?_limit=100' | grep -o \
	'"login":"duty1"[^}]*/keep","about":"[0-9a-f]*","result":"done"' |
	grep -c .)" 6 "the audit log has each of them"
held
is "$(grep -o '"settled":{"how":"keep","login":"duty1"' held.json | grep -c .)" \
	6 "and so has the page, with who it was"
desk_stop
ok "the city's console runs" desk_start city --no-sync
login duty1 Night-watch-1
is "$(verb take status)" 200 "the city, above it, takes over what the county has kept"
is "$(verb take @resource)" 200 "and drops a record for the held reason"
like "$(city show resource "$other" --json)" '"removed_reason":"重复登记"' \
	"which is the reason then"
desk_stop
like "$(city verify)" ', 0 faults$' "all of which is signed as ever"
is "$(cat serve.err)" "" "and no server has complained"
tap_done
