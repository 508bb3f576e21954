#!/bin/sh
# Goal of this test: hard days of the console's server.  Two thousand sockets
# that never finish a request leave it usable, strangers with long bodies do not
# fill its memory; of a thousand guesses next to
# none is looked at (GUESSES=10000 for the long form); and whatever instant
# it is killed at (KILLS times), what it said is saved is saved.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
y() { "$yizhan" -C "$T/home" "$@"; }
cleanup() {
	desk_stop
	wait
}

y init 520302 --top --name 红花岗区 >/dev/null 2>&1
for a in sys1:system sec1:security duty1:officer view1:viewer; do
	echo Night-watch-1 | y user add "${a%:*}" --role "${a#*:}"
done
TOKEN=$(y user token add duty1 保存)
export TOKEN
checks() { # SCRIPT: its lines are checks
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

# --- slow clients -----------------------------------------------------------------
ok "the console runs" desk_start home --no-sync
URL_OF_DESK=$url
export URL_OF_DESK
# (The sanitizers' own memory is not the desk's.)
rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$serve_pid/status")
if ! grep -aq __asan_init "$yizhan"; then
	ok "idle, with little in it, it takes at most 40 MiB: $rss KiB" \
		test "$rss" -le 40960
fi
checks slow.mjs

# --- long bodies ------------------------------------------------------------------
PID_OF_DESK=$serve_pid
export PID_OF_DESK
checks flood.mjs

# --- guesses -----------------------------------------------------------------------
counted() { sqlite3 -cmd '.timeout 20000' home/local.db \
	"SELECT n FROM counted WHERE name = 'password'"; }
before=$(counted)
checks guess.mjs
n=$(($(counted) - before))
echo "# $n passwords were evaluated"
ok "at most 20 of them were looked at" test "$n" -le 20
ok "and some were" test "$n" -ge 1
desk_stop
is "$(cat serve.err)" "" "the server has not complained"

# --- killed ----------------------------------------------------------------------------
: >saved
lost=0
ROUND=0
while [ "$ROUND" -lt "${KILLS:-8}" ]; do
	ROUND=$((ROUND + 1))
	export ROUND
	rm -f saving
	desk_start home --no-sync || {
		fail "it starts again after kill $ROUND" "$(cat serve.err)"
		break
	}
	URL_OF_DESK=$url
	node "$top/tests/api/save.mjs" 2>/dev/null &
	saver=$!
	wait_for 60 test -e saving
	# Somewhere in the middle of it: the moment is the kernel's choice.
	awk -v r="$(od -An -N2 -tu2 /dev/urandom)" \
		'BEGIN { system("sleep " r / 65536 * 0.3) }'
	kill -9 "$serve_pid"
	wait "$serve_pid" 2>/dev/null
	serve_pid=
	wait "$saver"
	y list resource --json | grep -o '"id":"[^"]*"' | cut -d '"' -f 4 |
		sort >there
	sort saved | comm -23 - there >gone
	lost=$((lost + $(wc -l <gone)))
done
echo "# $(wc -l <saved) saved in $ROUND rounds"
ok "many records were said to be saved" test "$(wc -l <saved)" -gt "$ROUND"
is "$lost" 0 "after every kill each of them is there"
like "$(y verify)" ', 0 faults$' "and the ledger holds"
tap_done
