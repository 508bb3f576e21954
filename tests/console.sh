#!/bin/sh
# Goal of this test: the console's server lets in who may come in and nobody
# else, gives and takes records over HTTP as a browser does, says at once when
# something has changed, and refuses what it must refuse.  curl is the
# browser.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
# shellcheck source=tests/forge.sh
. "$top/tests/forge.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$T/ui
export YIZHAN_DATA YIZHAN_UI
y() { "$yizhan" -C "$T/home" "$@"; }
events_pid=
cleanup() {
	[ -z "$events_pid" ] || kill "$events_pid" 2>/dev/null
	desk_stop
	wait
}

# --- people ---------------------------------------------------------------------
y init 520302 --top --name 红花岗区 >/dev/null 2>&1
user() { echo "$2" | y user add "$1" --name "$3" --role "$4"; }
ok "an officer gets an account" user duty1 'Night-watch-1' 值班员甲 officer
ok "a viewer" user view1 'Night-watch-2' 看 viewer
ok "the system administrator" user sys1 'Night-watch-3' 系统 system
ok "the security administrator" user sec1 'Night-watch-4' 安全 security
ok "the audit administrator" user aud1 'Night-watch-5' 审计 audit
status 1 "a short password is refused" user x1 'Ab1!' 某 viewer
status 1 "one of small letters only too" user x1 'abcdefghijklmn' 某 viewer
status 1 "and one that holds the login" user x12 'X12-abcdefgh' 某 viewer
status 1 "and a second account of one name" user duty1 'Night-watch-6' 某 viewer
unlike "$(sqlite3 home/local.db 'SELECT password FROM user')" 'Night' \
	"no password is kept"

# --- the server --------------------------------------------------------------------
mkdir ui ui/sub
echo '<!doctype html>start' >ui/index.html
echo 'export {}' >ui/sub/app.js
echo secret >ui/.hidden.js
ok "it says where it listens" desk_start home --no-sync

is "$(code nobody GET /api/me)" 401 "nobody is nobody"
is "$(code nobody GET /api/kinds)" 401 "and reads nothing"
ok "the officer logs in" login duty1 'Night-watch-1'
like "$(cat duty1.login)" '"role":"officer","powers":\["read","register","write"\]' \
	"and is told what he may"
like "$(body duty1 GET /api/me)" '"name":"值班员甲"' "the cookie says who he is"
like "$(grep yz duty1.jar)" '^#HttpOnly_127' "which no script can read"
headers=$(curl -s -D - -o /dev/null "$url/")
like "$headers" "Content-Security-Policy: default-src 'none'; script-src 'self'" \
	"pages may run nothing foreign"
like "$headers" 'X-Content-Type-Options: nosniff' "nor be taken for another type"

# --- pages ------------------------------------------------------------------------
is "$(curl -s "$url/")" '<!doctype html>start' "the first page comes"
is "$(curl -s "$url/records/resource")" '<!doctype html>start' \
	"and for every address within the console"
is "$(curl -s "$url/sub/app.js")" 'export {}' "and its files"
is "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is \
	"$url/../home/local.db.js")" 404 "nothing outside their folder"
is "$(curl -s -o /dev/null -w '%{http_code}' "$url/.hidden.js")" 404 \
	"nor what is hidden"

big=$(printf 'x%.0s' $(seq 3000))
echo "// $big" >ui/big.js
is "$(curl -s --compressed "$url/big.js")" "// $big" "a page may come packed"
ok "which saves" test "$(curl -s -H 'Accept-Encoding: gzip' "$url/big.js" |
	wc -c)" -lt 200
etag=$(curl -s -D - -o /dev/null --compressed "$url/big.js" |
	sed -n 's/^ETag: \(.*\)\r$/\1/p')
is "$(curl -s -o /dev/null -w '%{http_code}' --compressed \
	-H "If-None-Match: $etag" "$url/big.js")" 304 "and is not sent again"
echo '// other' >ui/big.js
is "$(curl -s --compressed -H "If-None-Match: $etag" "$url/big.js")" \
	'// other' "unless it is another now"

# --- records ------------------------------------------------------------------------
like "$(body duty1 GET /api/kinds/resource.team)" \
	'"name":"status".*"codes":\[\{"code":"ready","label_zh":"可用"' \
	"a kind names its fields and their codes"
body duty1 POST /api/records/resource.team -d '{"set":{"name":"消防救援大队",
	"rkind":"R01","level":"县级","persons":"32"}}' >made
id=$(text id <made)
like "$id" '^520302-[0-9a-f]{32}$' "a record is made"
like "$(y show resource "$id" --json)" '"persons":32.*"created_by":"值班员甲"' \
	"as by command, in his name"
record=/api/records/resource/$id
one=$(body duty1 GET "$record")
like "$one" '"title":"消防救援大队"' "it is read"
like "$one" '"values":\{[^}]*"level":"county"' "with its values"
like "$one" '"text":\{[^}]*"level":"县级' "and what they mean"
like "$(body duty1 GET "$record" -H 'Accept-Language: en')" \
	'"text":\{"rkind":"rescue team' "in English to who asks for it"
like "$(body duty1 GET '/api/find?q=%E6%B6%88%E9%98%B2')" '"next":null,"total":1,"more":false\}' \
	"and found by two characters"
etag=$(echo "$one" | text etag)
like "$(body duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"status":"busy"}}')" '"changed":true' "it is changed"
is "$(code duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"persons":"33"}}')" 200 \
	"a form may be old where nothing was changed"
y set resource "$id" status=ready >/dev/null
is "$(code duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"status":"resting"}}')" 412 \
	"what was changed since it was read is not overwritten"
like "$(body duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"status":"busy"}}')" \
	'"fields":\{"status":\{"now":"可用[^"]*","asked":"[^b"][^"]*"\}\}' \
	"and the reply has both: what stands, and what was to take its place"
like "$(body duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"status":"resting"}}')" '"now":"可用[^"]*","asked":"resting"' \
	"which, if it is no value, is shown as it was typed"
like "$(body duty1 PATCH "$record" -H "If-Match: \"$etag\"" \
	-d '{"set":{"status":""}}')" '"now":"可用[^"]*","asked":""' \
	"and empty where it was to be emptied"
like "$(y show resource "$id" --json)" '"status":"ready"' "which it still does"
is "$(code duty1 PATCH "$record" -d '{"set":{"status":"busy"}}')" 400 \
	"no change without saying what was read"
is "$(code duty1 POST /api/records/incident -d '{"set":{"title":"山洪"}}')" 400 \
	"an emergency with gaps is not saved by oversight"
is "$(code duty1 POST /api/records/incident -d '{"set":{"title":"山洪"},
	"incomplete":true}')" 201 "but by intent"
is "$(code duty1 POST /api/records/resource.team -d '{"set":{"persons":"x"}}')" \
	400 "a wrong value is refused"
is "$(code duty1 POST /api/records/resource.team -d '{"set":')" 400 \
	"and what is no JSON"
is "$(code duty1 POST /api/records/kind -d '{"set":{"name":"x"}}')" 403 \
	"kinds are not for the console"
for n in 1 2 3; do
	y add resource.team name="队$n" rkind=R01 level=县级 persons=$n
done >/dev/null
first=$(body duty1 GET '/api/records/resource?_limit=3&_sort=persons')
after=$(echo "$first" | text next)
second=$(body duty1 GET "/api/records/resource?_limit=3&_sort=persons&_after=$after")
is "$(echo "$first$second" | grep -o '"title":"[^"]*"' | tr '\n' ' ')" \
	'"title":"队1" "title":"队2" "title":"队3" "title":"消防救援大队" ' \
	"pages follow each other in the order asked for"
like "$second" '"next":null' "until there are no more"
y add resource.team name=新来 rkind=R01 level=县级 persons=2 >/dev/null
is "$(body duty1 GET '/api/records/resource?persons=2' | grep -o '"title"' |
	wc -l)" 2 "an answer is as new as what another process wrote just now"
new=$(body duty1 POST /api/records/resource.team \
	-d '{"set":{"name":"又来","rkind":"R01","level":"县级","persons":"2"}}' |
	text id)
is "$(body duty1 GET '/api/records/resource?persons=2' | grep -o '"title"' |
	wc -l)" 3 "and what was written here"
is "$(code duty1 GET \
	'/api/records/resource?name=%E5%8F%88%E6%9D%A5%0Apersons%09%202')" 200 \
	"a question that looks like another"
is "$(body duty1 GET \
	'/api/records/resource?name=%E5%8F%88%E6%9D%A5&persons=2' |
	grep -o '"persons":[0-9]*' | head -n 1)" '"persons":2' \
	"does not take its answer's place"
body duty1 DELETE "/api/records/resource/$new?why=x" >/dev/null
y list resource persons=2 --json | grep 新来 | text id |
	xargs -I{} "$yizhan" -C "$T/home" rm resource {} --why x
is "$(body duty1 GET '/api/records/resource?persons=2' | grep -o '"title"' |
	wc -l)" 1 "a filter filters"
history=$(body duty1 GET "$record/history")
is "$(echo "$history" | grep -o '"verified":true' | wc -l)" 4 \
	"the history has every change"
cs=$(echo "$history" | sed 's/.*\[{"id":"\([0-9a-f]*\)".*/\1/')
like "$(body duty1 GET "/api/changesets/$cs")" '"text":"tree [0-9a-f]{40}\\n' \
	"and each its signed text"
like "$(body duty1 GET "/api/changesets/$cs")" '"verified":true' \
	"which its station's key has signed"
forge home resource "$cs" 冒名者
is "$(body duty1 GET "$record/history" | grep -o '"author":"冒名者"[^{]*' |
	grep -o '"verified":[a-z]*')" '"verified":false' \
	"what was forged on the disk is not called verified in the history"
is "$(body duty1 GET "$record/history" | grep -o '"verified":true' | wc -l)" 3 \
	"the other changes still are"
forged=$(body duty1 GET "/api/changesets/$cs")
like "$forged" '"author":"冒名者".*"verified":false' "nor in the ledger"
y show resource "$id" --history --json >seen
is "$(grep -c '"person":"冒名者".*"signature":"bad"' seen)" 1 \
	"the command says the same"
status 3 "and verify finds it" y verify
forge_put home "$cs" "$forge_was"
like "$(body duty1 GET "/api/changesets/$cs")" '"verified":true' \
	"put back, it is verified again"

# --- pages, and a write between two of them -------------------------------------------
ids() { grep -o '"id":"[^"]*"' | cut -d '"' -f 4; }
titles() { grep -o '"title":"[^"]*"' | cut -d '"' -f 4 | tr '\n' ' '; }
newest=$(body duty1 GET '/api/changesets?_limit=6' | ids)
page=$(body duty1 GET '/api/changesets?_limit=2')
echo "$page" | ids >seen
for n in 1 2; do
	y add resource.team name="其间$n" rkind=R01 level=县级 persons=5 >/dev/null
	page=$(body duty1 GET \
		"/api/changesets?_limit=2&_after=$(echo "$page" | text next)")
	echo "$page" | ids >>seen
done
is "$(cat seen)" "$newest" \
	"the timeline goes on where it was, though others have written"
is "$(code duty1 GET '/api/changesets?_after=2')" 400 "a false mark is refused"
page=$(body duty1 GET '/api/find?q=%E9%98%9F&_limit=2')
found=$(echo "$page" | titles)
y add resource.team name=末队 rkind=R01 level=县级 persons=5 >/dev/null
while next=$(echo "$page" | text next) && [ -n "$next" ]; do
	page=$(body duty1 GET "/api/find?q=%E9%98%9F&_limit=2&_after=$next")
	found="$found$(echo "$page" | titles)"
done
is "$(code duty1 GET '/api/find?q=%E9%98%9F&_after=x')" 400 \
	"a false mark is refused here too"
is "$found" "消防救援大队 队1 队2 队3 末队 " "what is found has pages, to the end"

# Whichever way a list is found, its pages are the whole, in the order that
# SQLite itself gives; some have one name, one has no number.
y add resource.team name=队1 rkind=R01 level=县级 persons=8 >/dev/null
y add resource.shelter name=队1 rkind=R04 level=县级 cap_person=9 >/dev/null
pages() { # KIND?QUESTION&: ids, two at a time
	next=
	while :; do
		page=$(body duty1 GET \
			"/api/records/$1_limit=2${next:+&_after=$next}")
		echo "$page" | ids
		next=$(echo "$page" | text next)
		[ -n "$next" ] || break
	done
}
by() { # WHERE ORDER
	sqlite3 home/yizhan.db "SELECT id FROM resource JOIN _record USING (rec)
		WHERE removed = 0 AND $1 ORDER BY $2"
}
while read -r question where order; do
	pages "$question" >some
	body duty1 GET "/api/records/${question}_limit=500" | ids >whole
	by "$where" "$order" >wanted
	ok "the list $question is whole in pages" cmp some wanted
	ok "and at once" cmp whole wanted
done <<'END'
resource? 1 rec
resource?_sort=name& 1 name,rec
resource?_sort=-name& 1 name DESC,rec DESC
resource?_sort=persons& 1 persons,rec
resource?_sort=-persons& 1 persons DESC,rec DESC
resource?_sort=status& 1 status,rec
resource?_sort=-rkind&status=ready& status='ready' rkind DESC,rec DESC
resource.team? rkind='R01' rec
resource.team?_sort=name& rkind='R01' name,rec
resource?rkind=R01& rkind='R01' rec
resource?rkind=R01&status=ready& rkind='R01'AND(status)='ready' rec
resource?rkind=R01&rkind=R04& 0 rec
resource?rkind=R01&status=&_sort=-name& rkind='R01'AND(status)IS(NULL) name DESC,rec DESC
resource?rkind=R04&_sort=persons& rkind='R04' persons,rec
resource?owner=520302& 1 rec
resource?owner=520302&_sort=name& 1 name,rec
resource?owner=520302&persons=5& persons=5 rec
resource?owner=520302&rkind=R01& rkind='R01' rec
resource?owner=520303& 0 rec
END
counts() { sed 's/{"rkind"/\n&/g' | sed -n 's/.*"rkind":"\([^"]*\)","count":\([0-9]*\).*/\1|\2/p'; }
is "$(body duty1 GET '/api/tally/resource?by=rkind' | counts)" \
	"$(sqlite3 home/yizhan.db "SELECT rkind, count(*) FROM resource WHERE
	removed = 0 GROUP BY 1")" "the tally is what counting gives"
like "$(body duty1 GET /api/kinds)" "\"name\":\"resource\"[^}]*\"count\":$(
	by 1 1 | wc -l)[,}]" "so is the number of a kind"
like "$(body duty1 GET /api/station)" '"code":"520302".*"records":[1-9]' \
	"the station tells how it is"
like "$(body duty1 GET '/api/near?lon=106.9&lat=27.7&km=5')" \
	'^\{"records":\[\]' "nothing is near"
for n in 1:27.710 2:27.701 3:27.800; do
	y add resource.team name="近处${n%:*}" rkind=R01 level=县级 persons=5 \
		lon=106.9 lat="${n#*:}" >/dev/null
done
is "$(body duty1 GET '/api/near?lon=106.9&lat=27.7&km=5' |
	grep -o '"title":"[^"]*"\|"metres":[0-9]*' | cut -d : -f 2 |
	sed 's/^\(1[0-9][0-9]\|11[0-9][0-9]\)$/near/' | tr '\n' ' ')" \
	'"近处2" near "近处1" near ' \
	"the nearest comes first, with its metres; what is too far does not"
is "$(code duty1 DELETE "$record")" 400 "no drop without a reason"
is "$(code duty1 DELETE "$record?why=test")" 200 "with one it is dropped"
like "$(y show resource "$id" --json)" '"removed_reason":"test"' "for that reason"

# --- attachments ----------------------------------------------------------------------
printf '\211PNG\r\n\032\n.........' >a.png
echo '<script>alert(1)</script>' >a.html
png=$(body duty1 POST /api/blobs --data-binary @a.png | text blob)
html=$(body duty1 POST /api/blobs --data-binary @a.html | text blob)
is "$png" "$(sha256sum <a.png | cut -d ' ' -f 1)" "an attachment has its hash"
blob() { curl -s -D - -o blob.out -b duty1.jar "$url/api/blobs/$1"; }
like "$(blob "$png")" 'Content-Type: image/png' "a picture is a picture"
like "$(blob "$html")" 'Content-Type: application/octet-stream' \
	"what a browser would run is not what it says it is"
ok "and comes back as it went" cmp blob.out a.html

# --- news -----------------------------------------------------------------------------
curl -sN -b duty1.jar "$url/api/events" >events 2>/dev/null &
events_pid=$!
ok "a page listens" wait_for 10 grep -q retry events
y add resource.team name=新队 rkind=R01 level=县级 persons=9 >/dev/null
ok "and hears of what another process did" \
	wait_for 10 grep -q '^event: change' events
# How soon: of seven the one in the middle, so that a busy machine may be slow
# now and then; a second is meant, and what looks only every five is found.
heard() { grep -c '^event: change' events; }
more_than() { [ "$(heard)" -gt "$1" ]; }
: >waits
unheard=
for n in 1 2 3 4 5 6 7; do
	before=$(heard)
	y add resource.team name="新队$n" rkind=R01 level=县级 persons=9 >/dev/null
	from=$(date +%s%N)
	wait_for 10 more_than "$before" || unheard="$unheard $n"
	echo $((($(date +%s%N) - from) / 1000000)) >>waits
done
is "$unheard" "" "each of seven changes by another process is an event"
ok "soon, as a rule: $(tr '\n' ' ' <waits)ms" \
	test "$(sort -n waits | sed -n 4p)" -lt 3000

# While the daemon seals, its database changes by that too: what others write
# meanwhile is no less news.  Whoever holds the ledger's lock makes it wait
# within.
sealing() {
	grep -qs -e "-> FLOCK .*:$(stat -c %i home/ledger/lock) " /proc/locks
}
team() { body duty1 POST /api/records/resource.team -d \
	"{\"set\":{\"name\":\"$1\",\"rkind\":\"R01\",\"level\":\"县级\",\"persons\":\"9\"}}"; }
exec 9>>home/ledger/lock
flock 9
team 封存前 >/dev/null
ok "the daemon wants to seal" wait_for 30 sealing
before=$(heard)
like "$(team 封存中)" '"id":"520302-' "meanwhile somebody saves"
exec 9>&-
ok "and the pages hear of it all the same" wait_for 30 more_than "$before"

# A browser that loads the page anew leaves its stream behind.
stayed=$(($(sed -n 's/.*STREAMS_PER_PEER \([0-9]*\).*/\1/p' \
	"$top/src/web/http.h") * 2))
n=0
while [ "$n" -lt "$stayed" ]; do
	n=$((n + 1))
	: >left
	curl -sN -b duty1.jar "$url/api/events" >left 2>/dev/null &
	left_pid=$!
	wait_for 10 grep -q retry left || break
	kill "$left_pid"
	wait "$left_pid" 2>/dev/null
done
is "$n" "$stayed" "who comes and goes is let in again and again"

# --- who may not -------------------------------------------------------------------------
ok "the viewer logs in" login view1 'Night-watch-2'
is "$(code view1 GET "$record")" 200 "he reads"
is "$(code view1 POST /api/records/resource.team -d '{"set":{}}')" 403 \
	"and does not write"
is "$(code duty1 GET /api/users)" 403 "an officer sees no accounts"
is "$(curl -s -o /dev/null -w '%{http_code}' -b duty1.jar -X DELETE \
	"$url$record?why=x")" 403 "no change without the token"
is "$(curl -s -o /dev/null -w '%{http_code}' -b duty1.jar -X DELETE \
	-H 'X-Yizhan-Token: 0' "$url$record?why=x")" 403 "nor with a wrong one"
is "$(code duty1 DELETE "$record?why=x" -H 'Origin: http://evil.example')" 403 \
	"nor from another origin"
is "$(code duty1 DELETE "$record?why=x" -H 'Sec-Fetch-Site: cross-site')" 403 \
	"nor across sites"
is "$(code duty1 PUT "$record")" 405 "no other method"
ok "the three administrators log in" sh -c :
login sys1 'Night-watch-3'
login sec1 'Night-watch-4'
login aud1 'Night-watch-5'
new='{"login":"new1","name":"新人","password":"Night-watch-7"}'
is "$(code sec1 POST /api/users -d "$new")" 403 "security makes no accounts"
is "$(code sys1 POST /api/users -d "$new")" 201 "system does"
ok "but the new one" login new1 'Night-watch-7' ',"new_password":"Night-watch-70"'
is "$(code new1 GET /api/kinds)" 403 "has no rights"
is "$(code sys1 POST /api/users/new1/role -d '{"role":"officer"}')" 403 \
	"which system cannot give"
is "$(code sec1 POST /api/users/new1/role -d '{"role":"officer"}')" 200 \
	"and security can"
is "$(code new1 GET /api/kinds)" 200 "at once"
is "$(code sec1 POST /api/users/sec1/role -d '{"role":"officer"}')" 403 \
	"but not to himself"
is "$(code sys1 GET /api/audit)" 403 "the audit log is not for system"
log=$(body aud1 GET /api/audit)
like "$log" '"whole":true' "audit finds it whole"
like "$log" '"login":"sec1"[^}]*"what":"/api/users/\*/role","about":"new1","result":"done"' \
	"and who gave which right"
"$build/tests/sql" home/local.db "UPDATE audit SET login = 'x' WHERE no = 3"
like "$(body aud1 GET /api/audit)" '"whole":false' "a changed entry shows"

# --- guessing ------------------------------------------------------------------------------
for n in 1 2 3 4 5; do
	login view1 "Wrong-guess-$n"
done
like "$(cat view1.login)" 'the login or the password is wrong' \
	"a wrong password is refused"
is "$(code nobody POST /api/login -d '{"login":"none","password":"x"}')" 403 \
	"an unknown login likewise"
login view1 'Night-watch-2'
like "$(cat view1.login)" 'too many wrong passwords' \
	"after five nobody may try for a while"

# --- the end ---------------------------------------------------------------------------------
is "$(code duty1 POST /api/logout)" 200 "the officer logs out"
is "$(code duty1 GET /api/me)" 401 "and is gone"
ok "the server ends when told" desk_stop
is "$(cat serve.err)" "" "without complaint"
y verify >verified
is "$(cat verified)" "audit log: entry 3 was changed
$(sed -n '2,$p' verified)" "and verify finds the changed entry"
like "$(cat verified)" ', 1 faults$' "and nothing else"

# --- a copy of the station ----------------------------------------------------------------------
cp -a home copy
"$build/tests/sql" copy/local.db 'DELETE FROM guess'
ok "a copy is served" desk_start copy --no-sync
ok "the officer logs in there" login duty1 'Night-watch-1'
like "$(body duty1 GET /api/station)" '"stops":\[\{"what":"restored"' \
	"and is told that it is one"
is "$(code duty1 POST /api/records/resource.team -d '{"set":{"name":"x",
	"rkind":"R01","level":"县级","persons":"1"}}' | head -c 1)" 4 \
	"which writes nothing"
desk_stop

tap_done
