#!/bin/sh
# Goal of this test: whoever means ill to the console's server, without an
# account or with one, can fill neither its memory nor its lines: pages are kept
# once, whatever they are called; who asks and does not read the answer is cut
# (READERS of them for READERS_MS); who is refused again and again is counted,
# not written down each time; one account opens no more streams and sends no more
# long files at once than there is room for beside others; and TLS older than 1.2
# is not spoken.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$T/ui
export YIZHAN_DATA YIZHAN_UI
y() { "$yizhan" -C "$T/home" "$@"; }
cleanup() {
	desk_stop
	wait
}
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$serve_pid/status"; }
asked() { curl -s --path-as-is -o /dev/null -w '%{http_code}\n' "$@"; }


mkdir ui
echo '<title>desk</title>' >ui/index.html
head -c 300000 /dev/urandom | base64 >ui/big.js

# --- one page by many names, even before there is a station -----------------------
mkdir new
ok "a machine without a station runs" desk_start new
is "$(asked "$url/big.js")" 200 "it has pages"
before=$(resident)
slashes=
for _ in $(seq 250); do
	slashes=/$slashes
	echo "url = \"$url/$slashes""big.js\""
	echo 'output = /dev/null'
done >names
curl -s --path-as-is -w '%{http_code}\n' -K names >said
is "$(sort -u said)" 404 "a page has one name"
grown=$(($(resident) - before))
echo "# 250 names: $grown KiB more"
ok "asking by others does not fill the memory" test "$grown" -lt 32768
is "$(asked "$url/./big.js") $(asked "$url/x/../big.js")" "404 404" \
	"nor is there a way round by dots"
desk_stop

# --- TLS ---------------------------------------------------------------------------
y init 520302 --top --name 红花岗区 >/dev/null 2>&1
desk_listen=0.0.0.0:0
ok "a station listens to others" desk_start home --no-sync
at=127.0.0.1:${url##*:}
shakes() { # S_CLIENT-OPTION: by a client that takes whatever there is
	openssl s_client -connect "$at" "$1" -cipher ALL:@SECLEVEL=0 \
		</dev/null >"shaken$1" 2>&1 &&
		grep -q '^ *Protocol *: TLSv1\|^New, TLSv1' "shaken$1" &&
		! grep -q 'Cipher is (NONE)' "shaken$1"
}
for old in -tls1 -tls1_1; do
	not_ok "it does not speak s_client $old" shakes "$old"
done
for good in -tls1_2 -tls1_3; do
	ok "it speaks s_client $good" shakes "$good"
done
desk_stop
desk_listen=

# --- who does not read ----------------------------------------------------------------
ok "the station runs at home" desk_start home --no-sync
URL_OF_DESK=$url
export URL_OF_DESK
desk_script readers.mjs

# --- streams and files of one account ----------------------------------------------------
for a in view1:viewer duty1:officer edit1:editor; do
	echo Night-watch-1 | y user add "${a%:*}" --role "${a#*:}"
done
TOKEN=$(y user token add duty1 照片)
OTHER_TOKEN=$(y user token add edit1 照片)
VIEWER_TOKEN=$(y user token add view1 看板)
PID_OF_DESK=$serve_pid
export TOKEN OTHER_TOKEN VIEWER_TOKEN PID_OF_DESK
desk_script greedy.mjs

# --- who is refused -------------------------------------------------------------------
sql() { sqlite3 -cmd '.timeout 20000' home/local.db "$1"; }
entries() { sql "SELECT count(*) FROM audit WHERE what = 'login'"; }
# What the log says of refusals: entries, and what those count that sum up.
told() {
	sql "SELECT count(*) FILTER (WHERE about = '') + coalesce(sum(
		CAST(substr(about, 2) AS INTEGER)), 0) FROM audit
		WHERE what = 'login' AND result <> 'done'"
}
GUESSES=1000
export GUESSES
desk_script guess.mjs
is "$(sql 'SELECT sum(n) FROM refused')" $((1000 - $(entries))) \
	"refused logins of one address have entries, or are counted"
echo "# 1000 of one address: $(entries) entries"
ok "and are few entries" test "$(entries)" -le 16
for n in $(seq 300); do
	[ "$n" = 1 ] || echo next
	echo "url = \"$url/api/login\""
	echo "interface = \"127.0.$((n / 200 + 4)).$((n % 200 + 1))\""
	echo 'output = /dev/null'
	echo "data = \"{\\\"login\\\":\\\"view1\\\",\\\"password\\\":\\\"x\\\"}\""
done >many
ok "an account that is shut is tried from 300 addresses" curl -s -K many
echo "# 300 of as many addresses: $(entries) entries"
ok "which are no entry each" test "$(entries)" -le 100
like "$(sql "SELECT n FROM refused WHERE peer = '*' AND login = 'view1'")" \
	'^[0-9]{3}$' "the many are counted together, by the account"
kill -9 "$serve_pid"
wait "$serve_pid" 2>/dev/null
serve_pid=
"$build/tests/sql" home/local.db 'UPDATE refused SET first = first - 900000'
ok "it is killed, and a quarter of an hour goes by" desk_start home --no-sync
is "$(told)" 1300 "then the log says of every refusal that it was"
like "$(sql "SELECT about FROM audit WHERE peer = '*' AND login = 'view1'")" \
	'^×[0-9]{3} 20[-0-9]+T[0-9:]+[^ ]* – 20' "how many, and between when"
is "$(sql 'SELECT count(*) FROM refused')" 0 "once"
echo "# $(entries) entries of 1300 refusals"
ok "in few entries" test "$(entries)" -le 200
like "$(y verify)" 'entries of the audit log checked$' "and it is whole"
desk_stop
is "$(cat serve.err)" "" "the server has not complained"
tap_done
