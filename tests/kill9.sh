#!/bin/sh
# Goal of this test: a county writes without pause and syncs over a real sshd
# while the caller or the called side is killed with SIGKILL at a hundred
# random moments.  After each kill both databases open, nothing that a
# command acknowledged is lost, and the next sync completes; in the end both
# stations agree and every check is clean.
#
#	KILL9_ROUNDS=N	how often (default 100; 20 under sanitizers)
#	KILL9_SEED=N	of the moments (default: the process id; printed)
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
rounds=${KILL9_ROUNDS:-100}
# Under sanitizers a session takes several times as long.
[ -n "${KILL9_ROUNDS-}" ] || ! grep -q __asan_init "$yizhan" || rounds=20
seed=${KILL9_SEED:=$$}
echo "# KILL9_SEED=$KILL9_SEED"

sshd_needed
city() { "$yizhan" -C "$T/520300" "$@"; }
county() { "$yizhan" -C "$T/520302" "$@"; }

writer=
cleanup() {
	touch "$T/stop"
	[ -z "$writer" ] || wait "$writer"
	sshd_stop
}

# --- a city, a county below it ----------------------------------------------
ok "a city is founded" city init 520300 --top --name 遵义市 --divisions none
sshd_begin
ok "it invites a county" city invite 520302 --name 红花岗区 --auto \
	--address "127.0.0.1:$port" --host-key sshd/host.pub -o invitation
city keys --authorized >sshd/keys
ok "the county joins" county join invitation
city keys --authorized >sshd/keys
ok "and syncs" county sync

# What the session takes undisturbed, in ms: the moments are within it.
county add org otype=em name=第一局 >acked
began=$(date +%s%N)
ok "a session with something to say" county sync
took=$((($(date +%s%N) - began) / 1000000))
echo "# a session takes $took ms"

# --- the writer: an id counts once the command has ended well ----------------
# Stations write until told to stop; what failed is counted.
write_on() {
	n=0
	while [ ! -e stop ]; do
		n=$((n + 1))
		if id=$(county add org otype=em "name=局$n" 2>>failed); then
			echo "$id" >>acked
		fi
		if [ $((n % 5)) -eq 0 ] &&
			id=$(city add org otype=em "name=市$n" 2>>failed); then
			echo "$id" >>acked_city
		fi
		sleep 0.05 # leave the machine to those who sync
	done
}
: >failed
: >acked_city
write_on &
writer=$!

# Ids of NAME's records that are not in the list of acknowledged ones' copy.
lost() { # STATION ACKED
	"$1" list org --limit 1000000 --json >list 2>&1 ||
		{ echo "$1: $(tail -n 1 list)" && return; }
	sed 's/^{"id":"\([^"]*\)".*/\1/' list | sort >have
	sort "$2" | comm -23 - have
}
no_peer() { sshd_peers && [ -z "$peers" ]; }
# Until the called side is there, or the caller gone.
peer_comes() {
	while no_peer && kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
}

# A session, and a kill at a moment of it.
strike() { # ROUND
	watch=
	[ $(($1 % 3)) -ne 0 ] || watch=--watch
	# shellcheck disable=SC2086
	"$yizhan" -C "$T/520302" sync $watch >sync.out 2>&1 &
	pid=$!
	if [ $(($1 % 2)) -eq 0 ]; then
		moment "$took"
		victim=$pid
	else
		peer_comes
		moment $((took / 3))
		sshd_peers
		victim=${peers##* }
	fi
	if [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null; then
		[ "$victim" = "$pid" ] && caller=$((caller + 1)) ||
			called=$((called + 1))
	else
		late=$((late + 1))
	fi
	[ -z "$watch" ] || kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
moment() { # up to MS milliseconds
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	ms=$((seed / 256 % ($1 + 1)))
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

caller=0 called=0 late=0 round=0 bad_lost="" bad_sync=""
while [ $((caller + called)) -lt "$rounds" ] &&
	[ "$round" -lt $((2 * rounds)) ]; do
	round=$((round + 1))
	strike "$round"
	cp acked acked.now
	cp acked_city acked_city.now
	missing=$(lost county acked.now)$(lost city acked_city.now)
	[ -z "$missing" ] || bad_lost="$bad_lost $round: $missing;"
	wait_for 20 no_peer || bad_sync="$bad_sync $round: a peer stays;"
	if county sync >sync.out 2>&1; then
		missing=$(lost city acked.now)$(lost county acked_city.now)
		[ -z "$missing" ] ||
			bad_sync="$bad_sync $round: did not arrive: $missing;"
	else
		bad_sync="$bad_sync $round: $(cat sync.out);"
	fi
	[ -z "$bad_lost$bad_sync" ] || break
done
touch stop
wait "$writer"
writer=
echo "# killed: caller $caller, called $called, too late $late"
echo "# $(wc -l <acked) records of the county, $(wc -l <acked_city) of the city"
is "$bad_lost" "" "both databases open, and nothing acknowledged is lost"
is "$bad_sync" "" "the next sync completes, and what was written is there"
is "$(cat failed)" "" "no command of the writer failed"
is $((caller + called)) "$rounds" "all the kills hit a session"

# --- the end -------------------------------------------------------------------
ok "the last sync" county sync
is "$(county digest)" "$(city digest)" "the digests agree"
is "$(county list org --limit 1000000 --json | wc -l)" \
	"$(cat acked acked_city | wc -l)" "there are as many as were acknowledged"
for station in city county; do
	ok "verify is clean at the $station" "$station" verify --deep
done
for repo in 52030?/ledger/*.git; do
	ok "git fsck finds nothing in $repo" \
		git --git-dir="$repo" fsck --strict --no-dangling
done
before=$(city digest)
ok "the city is rebuilt" city rebuild
is "$(city digest)" "$before" "to the same digest"
tap_done
