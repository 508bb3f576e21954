#!/bin/sh
# Goal of this test: threat T23, a disk that fails to make a write durable.
# Each fsync and fdatasync of a command that writes fails once with EIO, in
# turn, in SQLite and in the ledger, and then all of them for ever.  The
# command ends with 1 and one line.  Three failures it passes over, and only
# these, since nothing that was acknowledged rests on them:
#
#   the folder, synced by SQLite when it has made the WAL: we have done so
#	ourselves before, with the WAL in it, and that failure is fatal;
#   the WAL once more, when the last one to leave copies it into the database:
#	all that is in it was synced at its commit, nothing was written since,
#	and the copying does not begin;
#   the database, after that copying: the WAL stays and is copied again.
#
# What any command ever acknowledged is there afterwards, the station goes on
# by itself, and every check is clean.  (t23_session.sh: so it is between two.)
#
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA

if ! strace -o "$T/probe" true 2>/dev/null; then
	echo "1..0 # SKIP no strace here"
	exit 0
fi
# LeakSanitizer does not work below strace.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
y() { "$yizhan" -C "$T/home" "$@"; }
add() { # NAME [STRACE OPTIONS...]
	name=$1
	shift
	strace -f --seccomp-bpf -qq -y -o trace -e trace=fsync,fdatasync -e signal=none "$@" \
		"$yizhan" -C "$T/home" add org otype=em "name=$name"
}

ok "a station" y init 520300 --top --name 遵义市 --divisions none
: >acked
add 第一局 >>acked
syncs=$(grep -cE 'f(data)?sync\(' trace)
echo "# $syncs fsyncs in a command"
ok "a command that writes has SQLite's and the ledger's" test "$syncs" -ge 4

silent="" several="" passed="" failed=0
try() { # SYSCALL WHEN
	rc=0
	y digest >/dev/null # and what was left in the WAL is copied
	add "局$1$2" -e "inject=$1:error=EIO:when=$2" >out 2>err || rc=$?
	# What was said counts, whatever came after it.
	grep -E '^520300-[0-9a-f]{32}$' out >>acked
	injected=$(grep INJECTED trace) || return 1
	failed=$((failed + 1))
	[ "$rc" -eq 0 ] || [ "$(wc -l <err)" -eq 1 ] || several="$several $1:$2"
	[ "$rc" -ne 1 ] || return 0
	case $injected in
	*"fdatasync("*"<$T/home>)"*) # ours came before it, and was well
		sed '/INJECTED/q' trace | grep -q " fsync(.*<$T/home>) = 0" &&
			passed="$passed folder" && return 0 ;;
	*/yizhan.db-wal*) # the last words: no commit is left to be synced
		tail -n 1 trace | grep -q INJECTED &&
			passed="$passed wal" && return 0 ;;
	*/yizhan.db\>*)
		tail -n 1 trace | grep -q INJECTED && [ -s home/yizhan.db-wal ] &&
			passed="$passed db" && return 0 ;;
	esac
	silent="$silent $1:$2:$rc"
}
# Below valgrind not each in turn: the first of each sort, every fifth.
step=1 least=12 all=" folder wal db"
[ -z "${YIZHAN_VALGRIND-}" ] || step=5 least=3 all=
for call in fsync fdatasync; do
	n=1
	while try "$call" "$n"; do n=$((n + step)); done
done
echo "# $failed failed, $(wc -l <acked) acknowledged"
ok "$least and more of them failed, each once" test "$failed" -ge "$least"
for call in fsync fdatasync; do
	try "$call" 1+
	is "$rc" 1 "$call fails for ever: so does the command"
done
is "$silent" "" "a failure is never taken for success"
[ -n "$all" ] || all=$passed # who knows which came up
is "$passed" "$all" "but those that nothing rests on"
is "$several" "" "and is told in one line"

y list org --limit 1000 --json | sed 's/^{"id":"\([^"]*\)".*/\1/' |
	sort >have
is "$(sort acked | comm -23 - have)" "" "nothing acknowledged is lost"
ok "the next command goes on" y add org otype=em name=最后
ok "every check is clean" y verify --deep
y digest >before
ok "it is rebuilt" y rebuild
is "$(y digest)" "$(cat before)" "and is the same"
tap_done
