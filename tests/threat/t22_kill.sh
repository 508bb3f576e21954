#!/bin/sh
# Goal of this test: threat T22, SIGKILL at any moment of those who write: a
# command, the daemon with its sealer while browsers save, and either side of a
# session over a real sshd while both stations write on.  What each takes here is
# measured first, and the moments are spread over that, so that most of them hit
# the work, from its beginning to its end; only a kill that ended a living
# process counts.
#
# What was acknowledged before is there after: asked of stock sqlite3 and of the
# program in turn after each kill, and of all the kills together in the end.
# After a session that was killed, the next one completes, and what was
# acknowledged before it is at both stations.  A changeset once seen at a place
# of a chain is never gone, nor another there; stock git fsck and the station's
# own checks find nothing; the two stations agree, and still do once rebuilt.
#
#	T22_KILLS=N	how many (default 100; 40 under sanitizers): half of
#			commands, the others of the daemon and of sessions
#	T22_SEED=N	of the moments (default: the process id; printed)
#
# shellcheck disable=SC2154 # what lib.sh, desk.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
kills=${T22_KILLS:-100}
# Under sanitizers all takes several times as long.
[ -n "${T22_KILLS-}" ] || ! grep -q __asan_init "$yizhan" || kills=40
seed=${T22_SEED:=$$}
echo "# T22_SEED=$T22_SEED"

sshd_needed
city() { "$yizhan" -C "$T/520300" "$@"; }
county() { "$yizhan" -C "$T/520302" "$@"; }
writer=
cleanup() {
	[ -z "$serve_pid" ] || kill -9 "$serve_pid" 2>/dev/null
	touch "$T/stop"
	[ -z "$writer" ] || wait "$writer"
	sshd_stop
}

# --- a city, a county below it -----------------------------------------------
ok "a city is founded" city init 520300 --top --name 遵义市 --divisions none
sshd_begin
ok "it invites a county" city invite 520302 --name 红花岗区 --auto \
	--address "127.0.0.1:$port" --host-key sshd/host.pub -o invitation
city keys --authorized >sshd/keys
ok "the county joins" county join invitation
city keys --authorized >sshd/keys
ok "and syncs" county sync
echo Night-watch-1 | county user add edit1 --role editor
token=$(county user token add edit1 保存)
counter=$(county add org otype=em name=0)
head -c 3000 /dev/urandom >photo.jpg

# --- what was acknowledged ------------------------------------------------------
echo "$counter" >acked # ids
: >tables              # imports: the mark in the names of their rows
set_acked=0 set_tried=0
rows=20 # of an import

# What is amiss at the county, by stock sqlite3: the program has not yet put
# right what the kill left.
amiss_by_sqlite() {
	sqlite3 520302/yizhan.db "SELECT id FROM _record JOIN org USING (rec)
		WHERE kind = 'org' AND NOT coalesce(removed, 0)" 2>&1 |
		sort >have
	sort acked | comm -23 - have | head -n 3
	n=$(sqlite3 520302/yizhan.db "SELECT name FROM org JOIN _record
		USING (rec) WHERE id = '$counter' AND kind = 'org'" 2>&1)
	[ "$n" -ge "$set_acked" ] 2>/dev/null && [ "$n" -le "$set_tried" ] ||
		echo "the counter is $n"
}
# And by the program: which ids of a list STATION lacks.
lost() { # STATION ACKED
	"$1" list org --limit 1000000 --json >list 2>&1 ||
		{ echo "$1: list: $(tail -n 1 list)" && return; }
	sed 's/^{"id":"\([^"]*\)".*/\1/' list | sort >have
	sort "$2" | comm -23 - have | head -n 3
}
amiss_by_list() {
	lost county acked
	n=$(grep -F "$counter" list | sed 's/.*"name":"\([0-9]*\)".*/\1/')
	[ "$n" -ge "$set_acked" ] 2>/dev/null && [ "$n" -le "$set_tried" ] ||
		echo "the counter is $n"
	while read -r mark; do
		[ "$(grep -c "\"name\":\"$mark\"" list)" -eq "$rows" ] ||
			echo "of $mark not all rows are there"
	done <tables
}
# Changesets by place: what was ever seen stays.
: >places.520302
: >places.520300
places() { # STATION
	sqlite3 -cmd '.timeout 30000' "$1/yizhan.db" "SELECT c.name, s.seq, hex(s.id) FROM
		_changeset AS s JOIN _chain AS c ON c.no = s.chain" 2>&1 |
		sort >places.now
	comm -23 "places.$1" places.now | sed 's/^/gone or another: /' | head -n 3
	mv places.now "places.$1"
}

bad=
count=0 # kills that hit, all in all
after_kill() { # WHAT
	if [ $((count % 2)) -eq 0 ]; then
		amiss=$(amiss_by_sqlite)
	else
		amiss=$(amiss_by_list)
	fi
	[ $((count % 5)) -ne 0 ] || amiss=$amiss$(places 520302)
	[ -z "$amiss" ] || bad="$bad $1, kill $count: $amiss;"
}

# --- moments -----------------------------------------------------------------------
# Each sort of work has the time that it takes, in microseconds, as it was when
# nobody disturbed it: longer after a kill that hit, shorter after one that came
# too late, so that about four in five hit, from its beginning to its end.
clock() { began=$(date +%s%N); }
clocked() { took=$((($(date +%s%N) - began) / 1000)); }
moment() { # TIME
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	us=$((seed / 256 * 1000 / 8388608 * $1 / 1000))
	sleep "$((us / 1000000)).$(printf %06d $((us % 1000000)))"
}
hit=0 late=0
# After wait: was it the kill that ended it?
was_hit() { # STATUS
	if [ "$1" -eq 137 ]; then
		hit=$((hit + 1))
		count=$((count + 1))
		took=$((took + took / 32))
		return 0
	fi
	late=$((late + 1))
	took=$((took - took / 8))
	return 1
}
told() { # WHAT WANTED
	amiss_by_sqlite >amiss
	echo "# $1: $hit hit, $late came too late; $(wc -l <acked) records," \
		"$(wc -l <tables) imports, set no. $set_acked acknowledged;" \
		"$(wc -l <have) records there"
	[ ! -s amiss ] || bad="$bad in the end: $(cat amiss);"
	is "$hit" "$2" "$2 kills of $1 hit a living process"
	is "$bad" "" "nothing acknowledged before any of them is lost"
	bad='' hit=0 late=0
}

# --- of a command that writes -----------------------------------------------------
command_begins() { # ROUND: sets $what
	case $(($1 % 5)) in
	0) what='set'
		set_tried=$((set_tried + 1))
		"$yizhan" -C "$T/520302" set org "$counter" \
			"name=$set_tried" >out 2>err & ;;
	1) what=import
		{
			echo otype,name
			i=0
			while [ $i -lt $rows ]; do
				echo "em,表$1"
				i=$((i + 1))
			done
		} >rows.csv
		"$yizhan" -C "$T/520302" import org rows.csv >out 2>err & ;;
	2) what=attach
		echo "$1" >>photo.jpg
		"$yizhan" -C "$T/520302" add org otype=em "name=照$1" \
			files=@photo.jpg >out 2>err & ;;
	*) what=add
		"$yizhan" -C "$T/520302" add org otype=em "name=局$1" \
			>out 2>err & ;;
	esac
	pid=$!
}
command_ends() { # STATUS
	case $what in
	add | attach) # a whole line is said, whatever came after it
		grep -E '^520302-[0-9a-f]{32}$' out >>acked ;;
	set) [ "$1" -ne 0 ] || set_acked=$set_tried ;;
	import) [ "$1" -ne 0 ] || echo "表$round" >>tables ;;
	esac
	[ "$1" -eq 0 ] || [ "$1" -eq 137 ] ||
		bad="$bad $what ended with $1: $(cat err);"
}
for round in 1 2 3 5; do # one of each
	clock
	command_begins "$round"
	rc=0
	wait "$pid" || rc=$?
	clocked
	command_ends "$rc"
	echo "# $what takes $((took / 1000)) ms"
	eval "took_$what=\$took"
done
is "$bad" "" "undisturbed, commands write"

wanted=$((kills / 2))
while [ "$hit" -lt "$wanted" ] && [ "$round" -lt $((4 * kills)) ]; do
	round=$((round + 1))
	command_begins "$round"
	eval "took=\$took_$what"
	moment "$took"
	kill -9 "$pid" 2>/dev/null
	rc=0
	wait "$pid" 2>/dev/null || rc=$?
	command_ends "$rc"
	if was_hit "$rc"; then after_kill "$what"; fi
	# And one that nobody disturbs, to be lost later.
	[ $((round % 3)) -ne 0 ] ||
		county add org otype=em "name=后$round" >>acked ||
		bad="$bad the next command failed;"
	eval "took_$what=\$took"
	[ -z "$bad" ] || break
done
told "a command" "$wanted"

# --- of the daemon, while a browser saves and it seals ---------------------------
# Until the daemon is gone, or so often.
save_on() { # ROUND [TIMES]
	times=${2:--1}
	while [ "$times" -ne 0 ]; do
		times=$((times - 1))
		n=$((n + 1))
		curl -s -X POST -H "Authorization: Bearer $token" \
			-w '\n%{http_code}\n' "$url/api/records/org" \
			-d "{\"set\":{\"otype\":\"em\",\"name\":\"页$1-$n\"}}" >said ||
			return
		case $(tail -n 1 said) in
		20?) text id <said >>acked.page ;;
		*) cat said >>refused ;;
		esac
	done
}
: >acked.page
: >refused
daemon_begins() {
	: >serve.out
	"$yizhan" -C "$T/520302" serve --no-sync --listen 127.0.0.1:0 \
		>serve.out 2>>serve.err &
	serve_pid=$!
}
daemon_listens() {
	until grep -q '^http' serve.out; do
		kill -0 "$serve_pid" 2>/dev/null || break
		sleep 0.01
	done
	url=$(sed -n 's,/$,,p' serve.out)
}
sealed() {
	[ "$(sqlite3 -cmd '.timeout 30000' 520302/yizhan.db \
		'SELECT count(*) FROM _unsealed')" = 0 ]
}
round=0 n=0
wanted=$((kills / 4))
clock
daemon_begins
daemon_listens
clocked
took_begin=$took
clock
save_on 0 4
ok "what a browser saves is sealed soon" wait_for 60 sealed
clocked
took_save=$took
echo "# it listens after $((took_begin / 1000)) ms," \
	"has sealed $((took_save / 1000)) ms later"
ok "and it ends" desk_stop
while [ "$hit" -lt "$wanted" ] && [ "$round" -lt $((4 * kills)) ]; do
	round=$((round + 1))
	daemon_begins
	# Every fourth while it begins.
	took=$took_begin
	if [ $((round % 4)) -ne 0 ]; then
		took=$took_save
		daemon_listens
		save_on "$round" &
		writer=$!
	fi
	moment "$took"
	kill -9 "$serve_pid" 2>/dev/null
	rc=0
	wait "$serve_pid" 2>/dev/null || rc=$?
	serve_pid=
	[ -z "$writer" ] || wait "$writer"
	writer=
	cat acked.page >>acked
	: >acked.page
	[ "$rc" -eq 137 ] || bad="$bad the daemon ended with $rc: $(cat serve.err);"
	hit=$((hit + 1)) count=$((count + 1))
	after_kill daemon
	[ -z "$bad" ] || break
done
told "the daemon" "$wanted"
is "$(cat refused)" "" "and every save was acknowledged or cut off"

# --- of a session, while both stations write --------------------------------------
no_peer() { sshd_peers && [ -z "$peers" ]; }
# Stations write until told to stop; what failed is kept.
write_on() {
	n=0
	while [ ! -e stop ]; do
		n=$((n + 1))
		if id=$(county add org otype=em "name=报$n" 2>>failed); then
			echo "$id" >>acked
		fi
		if [ $((n % 5)) -eq 0 ] &&
			id=$(city add org otype=em "name=市$n" 2>>failed); then
			echo "$id" >>acked_city
		fi
		sleep 0.05 # leave the machine to those who sync
	done
}
# Every third watches: it would go on.  The called side's end goes to sshd, so
# that one is hit who is gone at once.
strike() { # caller | called
	watch=
	[ $((round % 3)) -ne 0 ] || watch=--watch
	# shellcheck disable=SC2086
	"$yizhan" -C "$T/520302" sync $watch >sync.out 2>&1 &
	pid=$!
	if [ "$1" = called ]; then
		while no_peer && kill -0 "$pid" 2>/dev/null; do sleep 0.005; done
	fi
	moment "$took"
	was=0 ended=0
	if [ "$1" = caller ]; then
		kill -9 "$pid" 2>/dev/null
	else
		sshd_peers
		[ -z "$peers" ] || ! kill -9 "${peers##* }" 2>/dev/null ||
			was=137
		[ -z "$watch" ] || kill "$pid" 2>/dev/null
	fi
	wait "$pid" 2>/dev/null || ended=$?
	# The called side was gone, or had said all: then the caller says so.
	[ "$1" = caller ] || [ -n "$watch" ] || [ "$was" -ne 0 ] ||
		[ "$ended" -eq 0 ] ||
		bad="$bad nobody killed it: $(cat sync.out);"
	case $1$watch$ended in
	caller*) was=$ended ;;
	called0) was=0 ;; # it had said all
	esac
}
# What was acknowledged before the strike, at the station whose it is and, once
# a session has ended well, at the other.
arrived() {
	lost city acked.now
	lost county acked_city.now
}
: >failed
: >acked_city
write_on &
writer=$!
clock
ok "undisturbed, a session ends" county sync
clocked
echo "# it takes $((took / 1000)) ms"
for side in caller called; do
	eval "took_$side=\$took"
done
round=0
wanted=$((kills - count))
while [ "$hit" -lt "$wanted" ] && [ "$round" -lt $((4 * kills)) ]; do
	round=$((round + 1))
	side=caller
	[ $((round % 2)) -eq 0 ] || side=called
	eval "took=\$took_$side"
	cp acked acked.now
	cp acked_city acked_city.now
	strike "$side"
	if was_hit "$was"; then
		amiss=$(lost county acked.now
			lost city acked_city.now
			places 520300
			places 520302)
		[ -z "$amiss" ] || bad="$bad $side, kill $count: $amiss;"
	elif [ "$ended" -eq 0 ] && [ -z "$watch" ]; then
		# Complete is what it said.
		amiss=$(arrived)
		[ -z "$amiss" ] || bad="$bad complete without: $amiss;"
	fi
	eval "took_$side=\$took"
	wait_for 20 no_peer || bad="$bad $side, kill $count: a receiver stays;"
	if county sync >sync.out 2>&1; then
		amiss=$(arrived)
		[ -z "$amiss" ] || bad="$bad did not arrive: $amiss;"
	else
		bad="$bad $side, kill $count, the next: $(cat sync.out);"
	fi
	[ -z "$bad" ] || break
done
touch stop
wait "$writer"
writer=
told "a session" "$wanted"
is "$(cat failed)" "" "and no command of those who wrote on failed"

# --- the end ------------------------------------------------------------------------
is "$count" "$kills" "that were $kills kills"
ok "the last sync" county sync
is "$(county digest)" "$(city digest)" "the digests agree"
is "$(amiss_by_list)$(amiss_by_sqlite)" "" "all that was acknowledged is there"
is "$(lost city acked)$(lost county acked_city)" "" "and at the other station"
is "$(places 520302)$(places 520300)" "" \
	"no place of a chain has lost its changeset or got another"
for station in city county; do
	ok "verify is clean at the $station" "$station" verify --deep
done
for repo in 52030?/ledger/*.git; do
	ok "git fsck finds nothing in $repo" \
		git --git-dir="$repo" fsck --strict --no-dangling
done
for ref in $(git --git-dir=520302/ledger/resource.git for-each-ref \
	--format='%(refname)' 'refs/chains/520302-*/*'); do
	git --git-dir=520302/ledger/resource.git log \
		--format='%(trailers:key=Seq,valueonly)' "$ref" | grep . >seqs
	is "$(sort -u seqs | wc -l)" "$(head -n 1 seqs)" \
		"no seq of ${ref#refs/chains/} was used twice or left out"
done
is "$(git --git-dir=520302/ledger/resource.git for-each-ref refs/forks)" "" \
	"and nothing was cut off"
before=$(city digest)
ok "the city is rebuilt" city rebuild
is "$(city digest)" "$before" "to the same digest"
tap_done
