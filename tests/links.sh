#!/bin/sh
# Goal of this test: bad lines over a real sshd.  A first sync of 50,000
# records over a line of 1 MB/s that is cut every 64 KB costs at most 1.35 times
# the bytes of an uncut one, and every 256 KB 1.1 times; so does one that goes
# up; after every cut the replica stands at a changeset's edge.  A line that
# goes silent keeps nobody out.  A watch survives cuts, an sshd that restarts
# and a peer that was killed, and status follows it.
#
#	LINKS_RECORDS=N	of the first sync (default 50000; 3000 under sanitizers)
#	LINKS_RATE=N	bytes/s of the line that is cut (default 1000000; 0: any)
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
records=${LINKS_RECORDS:-50000}
[ -n "${LINKS_RECORDS-}" ] || ! grep -q __asan_init "$yizhan" || records=3000

sshd_needed
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
sshd_begin
city invite 520302 --name 红花岗区 --auto --address "127.0.0.1:$port" \
	--host-key sshd/host.pub -o invitation >/dev/null 2>&1
city keys --authorized >sshd/keys
county join invitation >/dev/null
city keys --authorized >sshd/keys
ok "a county and its city are in step" county sync

# --- cuts ------------------------------------------------------------------------
# Where the called side of a session that was cut still says its last words, a
# folder is not to be replaced.
peers_gone() { ! pgrep -f -- "-C $T/city peer" >/dev/null; }
homes() { # SUFFIX-FROM SUFFIX-TO
	wait_for 20 peers_gone
	rm -rf "city$2" "county$2"
	for h in city county; do
		cp -a "$h$1" "$h$2" && settle "$h$2"
	done
}
# A copied folder is a station restored from a copy, which is not the point
# here: the anchor is made to fit the file that it is in now.
settle() { # HOME
	born=$(stat -c %w "$1/anchor")
	[ "$born" = - ] && born=0 || born=$(date -d "$born" +%s%N)
	anchor=$(sed "s/^file .*/file $(stat -c %i "$1/anchor") $born/" \
		"$1/anchor")
	anchor=$(printf '%s\n' "$anchor" | sed '$d')
	printf '%s\nsum %.8s\n' "$anchor" "$(printf '%s\n' "$anchor" |
		sha256sum)" >"$1/anchor"
}
# WHO CODE N: so many records are written there, and the other is without.
fill() {
	homes 0 ""
	"$build/tests/bench/bench" fill "$1" "$2" "$3" >/dev/null &&
		homes "" 1
}
# Every chain that is held is whole up to its head, and of each changeset that
# is held all records are there.
edge() { # HOME
	sqlite3 -cmd ".timeout 30000" "$1/yizhan.db" "
		SELECT 'head of ' || name FROM _chain WHERE head <>
			(SELECT ifnull(max(seq), 0) FROM _changeset
				WHERE chain = no) OR head <>
			(SELECT count(*) FROM _changeset WHERE chain = no);
		SELECT 'part of ' || chain || ' ' || seq FROM _changeset
			LEFT JOIN (SELECT chain, seq, count(*) AS n FROM _touch
				GROUP BY chain, seq) USING (chain, seq)
			WHERE ops <> ifnull(n, 0);"
}
# BYTES EVERY: until it is through; $cuts times it was not.  Each cut leaves
# edges; and now and then all is verified, ledger and signatures too.
through_cuts() {
	homes 1 ""
	line_open -c "$1" -r "${LINKS_RATE:-1000000}"
	cuts=0
	edgy=
	until county sync >out 2>&1; do
		grep -q 'link was cut$' out || edgy="$edgy $(tail -n 1 out)"
		cuts=$((cuts + 1))
		[ $cuts -lt 500 ] || return 1
		edgy="$edgy$(edge "$there" 2>&1)"
		[ $((cuts % 25)) -ne 3 ] || "$yizhan" -C "$there" verify \
			>out 2>&1 || edgy="$edgy $(tail -n 1 out)"
	done
}
homes "" 0
for who in city county; do
	[ $who = city ] && code=520300 || code=520302
	[ $who = city ] && there=county || there=city
	[ $who = city ] && n=$records || n=$((records / 10))
	ok "$who: $n records are written" fill $who $code "$n"
	line_open
	ok "$who: $n records go over at once" county sync
	line_close
	whole=$(bytes)
	for size in 65536:1.35 262144:1.1; do
		most=${size#*:}
		size=${size%%:*}
		# What is over at once says nothing.
		[ "$whole" -gt $((2 * size)) ] || continue
		ok "$who: through cuts every $size bytes" through_cuts "$size"
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
arrived() { ! county status | grep -q waits; }
ok "and status says, while it is up, that nothing waits" wait_for 10 arrived
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
