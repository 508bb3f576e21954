#!/bin/sh
# Goal of this test: a machine with the package and no station is set up from
# a browser by who has the set-up code and by nobody else: the first station
# of a tree, and one that joins it; with a recovery key that was seen, and
# three accounts for three powers.  Before the end there is no station; after
# it there is one as "yizhan init" and "join" make it, and the page is gone.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$top/src/web/ui:$build/src/web/ui
export YIZHAN_DATA YIZHAN_UI
city_pid=
cleanup() {
	[ -z "$city_pid" ] || kill "$city_pid" 2>/dev/null
	desk_stop
	sshd_stop
	wait
}
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
# METHOD PATH [CURL-ARGUMENT...], with the code: prints body, then the status.
ask() {
	ask_method=$1 ask_path=$2
	shift 2
	curl -s -k -X "$ask_method" -H "X-Yizhan-Setup: $key" \
		-H 'Accept-Language: en' -w '\n%{http_code}\n' "$@" \
		"$url/api/setup$ask_path"
}
asked() { ask "$@" | tail -n 1; }
found='{"how":"found","code":"520300","name":"遵义市","person":"王五"}'
accounts() { # PASSWORD-OF-THE-THIRD [LOGIN-OF-THE-THIRD]
	printf '"accounts":[{"role":"system","login":"sys1","name":"王五",
	"password":"Night-watch-1"},{"role":"security","login":"sec1",
	"name":"赵六","password":"Night-watch-2"},{"role":"audit","login":"%s",
	"name":"孙七","password":"%s"}]' "${2:-aud1}" "$1"
}
# The last two signs of each line of the recovery key.
signs() {
	node -e 'const d = JSON.parse(require("fs").readFileSync(0)).digits;
		process.stdout.write(d.trim().split("\n").map((l) => l.slice(-2))
		    .join(""))'
}

# --- two at once --------------------------------------------------------------
found() { # 1 or 2
	exec "$yizhan" -C "$T/twice" init 520300 --top --divisions none \
		--name 遵义市 --recovery "sheet$1" >"out$1" 2>"err$1"
}
both=0 paper=0 lines=0
for round in 1 2 3 4 5 6 7 8 9 10; do
	found 1 &
	first=$!
	found 2 &
	second=$!
	won=
	wait "$first" && won=1
	wait "$second" && won=$won'2'
	case $won in
	1 | 2)
		both=$((both + 1))
		"$yizhan" -C "$T/twice" backup "twice.$round" \
			--recovery "sheet$won" >/dev/null 2>&1 &&
			paper=$((paper + 1))
		grep -Eqx '.*(another set-up is under way|there is a station) in .*' \
			"err$((3 - won))" && [ "$(cat err1 err2 | wc -l)" -eq 1 ] &&
			lines=$((lines + 1))
		;;
	esac
	rm -rf twice sheet? sheet?.svg
done
is "$both" 10 "of two who found a station at once one does, each of ten times"
is "$paper" 10 "the sheet of that one is the station's"
is "$lines" 10 "and the other has it in one line"

# --- before -------------------------------------------------------------------
not_ok "where there is no folder there is nothing to serve" \
	"$yizhan" -C "$T/nowhere" serve --listen 127.0.0.1:0
mkdir city county third fourth
ok "in a folder without a station the daemon comes up" desk_start city
wait_for 10 grep -q setup-code serve.out
like "$(cat serve.out)" 'no station here yet.* setup-code$' \
	"and says what to do"
key=$(city setup-code)
like "$key" '^[0-9]{4}(-[0-9]{4}){3}$' "which prints a code"
unlike "$(cat serve.out serve.err)" "$key" "that stands in no log"
is "$(find city -type f ! -perm 600)" "" "and nobody else can read"
like "$(curl -s "$url/")" 'app\.js' "the page is there"
like "$(curl -s -D - -o page "$url/")" "Content-Security-Policy: default-src 'none'" \
	"with the desk's headers"
for path in /api/me /api/login /api/records/resource /api/setup/nothing; do
	curl -s -w '\n%{http_code}\n' "$url$path" >reply
	is "$(grep -o '"code":"setup"' reply) $(tail -n 1 reply)" \
		'"code":"setup" 503' "$path says that nothing is set up"
done

# --- strangers ------------------------------------------------------------------
for call in 'GET ' 'GET /division?code=520300' 'POST /station' 'POST /finish' \
	'DELETE '; do
	method=${call%% *} path=${call#* }
	is "$(curl -s -o reply -w '%{http_code}' -X "$method" -d "$found" \
		"$url/api/setup$path")" 401 "$method /api/setup$path wants the code"
done
is "$(asked POST /station -d "$found" -H 'Origin: http://evil.example')" 403 \
	"a page of another origin does not get in, even with the code"
is "$(asked POST /station -d "$found" -H 'Sec-Fetch-Site: cross-site')" 403 \
	"nor one that the browser says is another's"
right=$key
for key in 0 00 000 1234-5678-9012-3456 0000-0000-0000-0000; do asked GET ''; done >wrong
is "$(sort -u wrong)" 403 "wrong codes are refused"
key=$right
like "$(ask GET '')" 'too many wrong codes' "after five even the right one is"
is "$(asked GET '' --interface 127.0.0.2)" 200 "but not from another address"
is "$(find city -mindepth 1 | sort | tr '\n' ' ')" 'city/setup city/setup/code ' \
	"and so far nothing is made"
desk_stop
ok "started again, the daemon" desk_start city
is "$(city setup-code)" "$key" "has the same code"

# --- the first of a tree ----------------------------------------------------------
like "$(ask GET '/division?code=520302')" '"name":"红花岗区"' \
	"a code is shown with its name"
like "$(ask GET '/division?code=999999')" '^404$' "if it has one"
for bad in '{}' '{"how":"found"}' '{"how":"found","code":"52030","name":"x"}' \
	'{"how":"found","code":"520300","name":"","person":"x"}' \
	'{"how":"join"}' '{"how":"join","invitation":"{}"}' '[]' 'x'; do
	is "$(asked POST /station -d "$bad")" 400 "$bad makes no station"
done
like "$(ask POST /finish -d "{\"check\":\"00000000\",$(accounts Night-watch-3)}")" \
	'no station is made yet.*' "what is not begun has no end"
is "$(asked POST /station -d "$found")" 200 "a station is made"
not_ok "but it is none yet" city status
key_text=$(ask GET '')
like "$key_text" '"name":"遵义市".*"digits":"1 .*"svg":"<svg' \
	"its recovery key is shown"
kill -KILL "$serve_pid"
wait "$serve_pid" 2>/dev/null
serve_pid=
ok "after a crash" desk_start city
is "$(ask GET '')" "$key_text" "it is still the same one"
check=$(ask GET '' | sed '$d' | signs)
try() { asked POST /finish -d "{\"check\":\"$1\",$2}"; }
is "$(try 00000000 "$(accounts Night-watch-3)")" 400 \
	"who has not seen the recovery key does not go on"
is "$(try "$check" "$(accounts weak)")" 400 "nor with a weak password"
is "$(try "$check" "$(accounts Night-watch-3 sys1)")" 409 \
	"nor with one account for two powers"
is "$(try "$check" "$(accounts Night-watch-3 | sed s/audit/system/)")" 400 \
	"nor without one of the powers"
is "$(try "$check" '"accounts":[]')" 400 "nor without accounts"
not_ok "there is no station yet" test -e city/station
is "$(try "$check" "$(accounts Night-watch-3)")" 200 "then it is done"
there() { grep -q '^there is a station now$' serve.out; }
ok "the daemon says that there is a station" wait_for 20 there
is "$(asked GET '')" 404 "the page is gone"
is "$(asked POST /station -d "$found") $(asked POST /finish -d '{}') $(
	asked DELETE '')" '404 404 404' "all of it, with the code too"
not_ok "there is no code any more" city setup-code
not_ok "and no trace of it" test -e city/setup
for who in sys1:1 sec1:2 aud1:3; do
	ok "${who%:*} logs in" login "${who%:*}" "Night-watch-${who#*:}"
done
is "$(code sys1 GET /api/audit) $(code sec1 GET /api/audit) $(
	code aud1 GET /api/audit)" '403 403 200' "the three powers are apart"
like "$(body aud1 GET /api/audit)" \
	'"login":"set-up","peer":"127.0.0.1","what":"add","about":"sec1"' \
	"the audit log begins with who made them"
like "$(body aud1 GET /api/audit)" '"whole":true' "and is whole"
ok "it is a station in order" city verify --deep
like "$(city roster)" "遵义市" "with its name"
is "$(stat -c %a city/keys/root city/keys/sign | sort -u)" 600 "and its keys"
city roster --write roster >/dev/null
like "$(cat roster/*)" '"recovery":"[0-9a-f]{64}"' \
	"the roster has its recovery key"
ok "records are written" city add resource.team name=市队 rkind=R01 persons=3 \
	level=county lon=106.9 lat=27.7
is "$(code sys1 DELETE /api/setup)" 404 "nor is it there for who is logged in"
desk_stop

# --- one that joins, over HTTPS ------------------------------------------------------
ok "sshd starts" sshd_start
keys() { city keys --authorized >"$T/sshd/keys"; }
invite() { # CODE FILE [PORT]
	city invite "$1" --address "127.0.0.1:${3:-$port}" \
		--host-key "$T/sshd/host.pub" -o "$2" >/dev/null 2>&1
}
invite 520302 invitation
keys
# The code that lets in, and the name that the certificate has.
desk_listen=0.0.0.0:0
ok "a county's machine comes up for the network" desk_start county
like "$url" '^https://' "by HTTPS alone"
url=$(echo "$url" | sed s/0.0.0.0/127.0.0.1/)
county setup-code >said
key=$(head -n 1 said)
like "$(cat said)" "SHA-256 $(openssl x509 -in county/setup/keys/console.crt -noout \
	-fingerprint -sha256 | sed 's/.*=//')" \
	"the certificate can be compared with what the browser shows"
join() { # FILE
	node -e 'process.stdout.write(JSON.stringify({how: "join", invitation:
		require("fs").readFileSync(process.argv[1], "utf8")}))' "$1" >body
	ask POST /station -d @body
}
sed "s/127\.0\.0\.1:$port/127.0.0.1:1/" invitation >no-line
like "$(join no-line)" 'no connection' "without a line the parent is not asked"
first=$(sha256sum county/setup/home/keys/sign)
join no-line >/dev/null
is "$(sha256sum county/setup/home/keys/sign)" "$first" \
	"tried again, it is the same station that asks"
invite 520303 other
keys
join other >made
like "$(cat made)" '"how":"join","code":"520303"' "another invitation"
isnt "$(sha256sum county/setup/home/keys/sign)" "$first" "is another station"
is "$(asked DELETE '')" 200 "which is forgotten"
unlike "$(ask GET '')" '520303' "wholly"
join invitation >made
fp=$(text fingerprint <made)
like "$fp" '^[0-9]{5}(-[0-9]{5}){7}$' "the invitation brings a fingerprint"
like "$(cat made)" "\"parent\":\"520300\",\"address\":\"127.0.0.1:$port\"" \
	"and says whom to ring"
check=$(sed '$d' made | signs)
is "$(try "$check" "$(accounts Night-watch-3)")" 200 "it is set up"
ok "the daemon goes on" wait_for 20 there
echo insecure >.curlrc
HOME=$T login sys1 Night-watch-1
like "$(HOME=$T body sys1 GET /api/station)" "\"fingerprint\":\"$fp\"" \
	"who logs in sees what is still to be read out"
ok "who hears it lets the county in" city confirm 520302 "$fp"
keys
synced() { county digest 2>/dev/null | grep -q '^resource 1 '; }
ok "and syncs by itself, without another command" wait_for 60 synced
unlike "$(HOME=$T body sys1 GET /api/station)" fingerprint \
	"nothing is to be read out any more"
is "$(openssl x509 -in county/keys/console.crt -noout -fingerprint -sha256 |
	sed 's/.*=//')" "$(sed -n 's/^certificate *SHA-256 //p' said)" \
	"its certificate is the one that was compared"
is "$(county digest)" "$(city digest)" "it holds what the city holds"
ok "it is a station in order" county verify --deep
desk_stop

# --- by command instead, and power lost in the last step --------------------------------
desk_listen=
desk_start third
key=$("$yizhan" -C third setup-code)
asked POST /station -d "$found" >/dev/null
ok "a station is founded by command meanwhile" \
	"$yizhan" -C third init 520200 --top
third() { "$yizhan" -C third roster | grep -q 520200; }
ok "then that is the one" wait_for 20 there
ok "as it was made" third
not_ok "and nothing is left of the other" test -e third/setup
desk_stop

echo 'correct horse battery' >passphrase
city backup backup --passphrase passphrase --with-keys >/dev/null
mkdir fifth
desk_start fifth
ok "a backup is restored instead" "$yizhan" -C fifth restore backup \
	--passphrase passphrase
ok "then the daemon goes on with that" wait_for 20 there
like "$("$yizhan" -C fifth roster)" 遵义市 "which is the station it was"
desk_stop

desk_start fourth
key=$("$yizhan" -C fourth setup-code)
asked POST /station -d "$found" >/dev/null
desk_stop
: >fourth/setup/ready
mkdir fourth/keys
mv fourth/setup/home/keys/ssh fourth/keys
mv fourth/setup/home/yizhan.db fourth
ok "a machine whose power went while it was being moved" desk_start fourth
ok "comes up with its station" "$yizhan" -C fourth verify --deep
not_ok "which is all there" test -e fourth/setup
tap_done
