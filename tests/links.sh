#!/bin/sh
# Goal of this test: bad lines over a real sshd.  A first sync over a line
# of 1 MB/s that is cut every 64 KB and every 256 KB goes on where it was and costs
# little more than an uncut one, either way; after every cut both stations
# stand at a changeset's edge.  A line that goes silent keeps nobody out.  A
# watch survives cuts, an sshd that restarts and a peer that was killed.
#
#	LINKS_RECORDS=N	of the first sync (default 8000; 2000 under sanitizers)
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
records=${LINKS_RECORDS:-8000}
[ -n "${LINKS_RECORDS-}" ] || ! grep -q __asan_init "$yizhan" || records=2000

if why=$(sshd_missing); then
	echo "1..0 # SKIP $why"
	exit 0
fi
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
same() { [ "$(city digest)" = "$(county digest)" ]; }

proxy=
watch=
cleanup() {
	for p in $proxy $watch; do kill "$p" 2>/dev/null; done
	sshd_stop
}
# Between county and city: a proxy with these options; its port is $line.
line_open() {
	line_close
	rm -f line.port
	: >line.log
	"$build/tests/proxy" -l "$T/line.log" "$@" "$T/line.port" "$port" &
	proxy=$!
	wait_for 5 test -s line.port
	line=$(cat line.port)
	county link 520300 --address "127.0.0.1:$line" >/dev/null
}
line_close() {
	[ -n "$proxy" ] || return 0
	kill "$proxy"
	wait "$proxy" 2>/dev/null
	proxy=
}
bytes() { awk '{ n += $1 + $2 } END { print n + 0 }' line.log; }

# --- a city and a county -------------------------------------------------------
city init 520300 --top --name 遵义市 >/dev/null
sshd_start || { fail "sshd starts" "$(cat sshd/log)"; tap_done; }
city invite 520302 --name 红花岗区 --auto --address "127.0.0.1:$port" \
	--host-key sshd/host.pub -o invitation >/dev/null 2>&1
city keys --authorized >sshd/keys
county join invitation >/dev/null
city keys --authorized >sshd/keys
ok "a county and its city are in step" county sync

# --- cuts ------------------------------------------------------------------------
# WHO CODE: so many records are written there, and the other is without.
fill() {
	rm -rf city county
	cp -a city0 city && cp -a county0 county
	"$build/tests/bench/bench" fill "$1" "$2" "$records" >/dev/null
	rm -rf city1 county1
	cp -a city city1 && cp -a county county1
}
edges() { city verify && county verify; }
# BYTES: until it is through; $cuts times it was not.
through_cuts() {
	rm -rf city county
	cp -a city1 city && cp -a county1 county
	line_open -c "$1" -r 1000000
	cuts=0
	edgy=
	until county sync >out 2>&1; do
		grep -q 'link was cut$' out || edgy="$edgy $(tail -n 1 out)"
		cuts=$((cuts + 1))
		[ $cuts -lt 500 ] || return 1
		[ $((cuts % ${2:-1})) -ne 0 ] || edges >out 2>&1 ||
			edgy="$edgy $(tail -n 1 out)"
	done
}
cp -a city city0 && cp -a county county0
for who in city county; do
	[ $who = city ] && code=520300 || code=520302
	fill $who $code
	line_open
	ok "$who: $records records go over at once" county sync
	line_close
	whole=$(bytes)
	for size in 65536:1.35:4 262144:1.1:1; do
		most=${size#*:}
		every=${most#*:}
		most=${most%:*}
		size=${size%%:*}
		ok "$who: through cuts every $size bytes" \
			through_cuts "$size" "$every"
		line_close
		is "$edgy" "" "$who: each of $cuts cuts left a changeset's edge"
		ok "$who: both hold the same" same
		got=$(bytes)
		ok "$who: $got bytes are at most $most of $whole" awk \
			"BEGIN { exit !($got <= $most * $whole) }"
	done
done

# --- a line that goes silent ---------------------------------------------------------
team() {
	county add resource.team "name=$1" rkind=R01 persons=3 level=county \
		lon=106.9 lat=27.7 >/dev/null
}
there() { city list resource --json | grep -q "$1"; }
line_open
"$yizhan" -C "$T/county" sync --watch >watch.out 2>&1 &
watch=$!
team 一队
ok "a watch carries what is written" wait_for 10 there 一队
kill -USR2 "$proxy"
team 二队
county link 520300 --address "127.0.0.1:$port" >/dev/null
ok "while the line is silent a sync over another one completes" county sync
ok "and has carried it" there 二队
ok "the watch gave way" grep -q 'a newer session came' watch.out

# --- a watch survives --------------------------------------------------------------
kill -USR2 "$proxy"
county link 520300 --address "127.0.0.1:$line" >/dev/null
team 三队
ok "the watch comes back by itself" wait_for 20 there 三队
n=0
cut_line() {
	n=$((n + 1))
	kill -USR1 "$proxy"
	team "割$n"
	wait_for 20 there "割$n"
}
ok "after a cut it comes back" cut_line
restart_sshd() {
	kill "$sshd_pid"
	wait "$sshd_pid" 2>/dev/null
	kill -USR1 "$proxy"
	team 四队
	sleep 1
	sshd_try "$port"
	wait_for 30 there 四队
}
ok "after sshd was away it comes back" restart_sshd
kill_peer() {
	sshd_peers
	# shellcheck disable=SC2086
	kill -9 $peers
	team 五队
	wait_for 30 there 五队
}
ok "after the called side was killed it comes back" kill_peer
kill "$watch"
wait "$watch"
is "$?" 0 "told to stop, it stops"
watch=
ok "both hold the same" same
tap_done
