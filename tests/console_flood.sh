#!/bin/sh
# Goal of this test: whoever means ill to the console's server, without an
# account or with one, can fill neither its memory nor its lines: pages are kept
# once, whatever they are called; who asks and does not read the answer is cut
# (READERS of them for READERS_MS); and TLS older than 1.2 is not spoken.
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

script() { # SCRIPT: its lines are checks
	node_rc=0
	node "$top/tests/api/$1" >said 2>complained || node_rc=$?
	while IFS= read -r line; do
		case $line in
		"ok "*) pass "${line#ok }" ;;
		"not ok "*) fail "${line#not ok }" ;;
		*) echo "$line" ;;
		esac
	done <said
	grep -q '^ok ' said || node_rc="nothing checked"
	is "$node_rc" 0 "$1 came to its end"
	[ "$node_rc" = 0 ] || sed 's/^/# /' complained
}

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
script readers.mjs
desk_stop
is "$(cat serve.err)" "" "the server has not complained"
tap_done
