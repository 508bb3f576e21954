#!/bin/sh
# Goal of this test: threat T04, over a real sshd.  Fourteen counties, each
# with an incident, return to their city at one moment, while one more pours in
# records without a pause until they are done.  Each of the fourteen gets
# through in its first session, the flood goes on behind them, and arrives whole
# too.
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
sshd_needed
flood_pid='' watch_pid=''
cleanup() {
	for p in $flood_pid $watch_pid; do kill "$p" 2>/dev/null; done
	sshd_stop
}
sshd_begin

city() { "$yizhan" -C "$T/city" "$@"; }
door() { city keys --authorized >"$T/keys.new" && mv "$T/keys.new" "$T/sshd/keys"; }
# Records are numbered as they arrive.
at_city() {
	sqlite3 -readonly -cmd '.timeout 30000' city/yizhan.db \
		"SELECT $1 FROM _record"
}
orgs="count(*) FILTER (WHERE kind = 'org')"
incidents="count(*) FILTER (WHERE kind = 'incident')"

# --- a city, fourteen counties, and one more -----------------------------------
city init 520300 --top --divisions none --name 遵义市 >/dev/null
counties=
# Below valgrind the machine can take fewer at one moment.
all="01 02 03 04 05 06 07 08 09 10 11 12 13 14 15" rows=2000
[ -z "${YIZHAN_VALGRIND-}" ] || all="01 02 03 04 15" rows=100
n=$(echo "$all" | wc -w)
for i in $all; do
	c=5203$i counties="$counties 5203$i"
	city invite "$c" --name "县$i" --address "127.0.0.1:$port" \
		--host-key "$T/sshd/host.pub" --auto -o "i-$c" 2>/dev/null
done
door
for c in $counties; do
	"$yizhan" -C "$T/$c" join "i-$c" >/dev/null 2>&1
done
door
for c in $counties; do
	"$yizhan" -C "$T/$c" sync
done >joined
is "$(grep -c 'complete$' joined)" "$n" "$n counties join"
counties=${counties% *}

# --- what each has written while the line was down ---------------------------------
for c in $counties; do
	"$yizhan" -C "$T/$c" add incident "title=山洪$c" type=11D01 level=4 \
		--incomplete
done >written
n=$((n - 1))
is "$(grep -c . written)" "$n" "$n incidents wait"
{
	echo name,otype
	seq "$rows" | sed 's/.*/局&,em/'
} >flood.csv
pour() { # until told to stop
	while [ ! -e stop ]; do
		"$yizhan" -C "$T/520315" import org flood.csv || return 1
		echo >>poured
	done
}

# --- all at once -------------------------------------------------------------------
"$yizhan" -C "$T/520315" sync --watch >watched 2>&1 &
watch_pid=$!
pour >/dev/null 2>&1 &
flood_pid=$!
come() { [ "$(at_city "$orgs")" -gt 0 ]; }
ok "one county's flood comes in" wait_for 60 come
pids=
for c in $counties; do
	"$yizhan" -C "$T/$c" sync >"out-$c" 2>&1 &
	pids="$pids $!"
done
for p in $pids; do
	wait "$p"
done
is "$(cat out-5203* | grep -c 'complete$')" "$n" \
	"each of the $n is done after one session"
is "$(at_city "$incidents")" "$n" "their incidents are at the city"
last=$(at_city "max(rec) FILTER (WHERE kind = 'incident')")
before=$(at_city "$orgs")
behind() { [ "$(at_city "max(rec)")" -gt "$last" ]; }
ok "the flood goes on behind them" wait_for 60 behind
touch stop
wait "$flood_pid"
is "$?" 0 "until it is told to stop"
kill "$watch_pid"
wait "$watch_pid"
flood_pid='' watch_pid=''
poured=$((rows * $(wc -l <poured)))
echo "# $before records came before the others were done, $poured in all"
like "$("$yizhan" -C "$T/520315" sync)" 'complete$' "what is left of it comes"
is "$(at_city "$orgs")" "$poured" "and all of it is there"
ok "the city verifies" city verify
tap_done
