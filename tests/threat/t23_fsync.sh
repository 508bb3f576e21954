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
# by itself, and every check is clean.  So it is with a station that receives.
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
for call in fsync fdatasync; do
	n=1
	while try "$call" "$n"; do n=$((n + 1)); done
done
echo "# $failed failed, $(wc -l <acked) acknowledged"
ok "a dozen of them failed, each once" test "$failed" -ge 12
for call in fsync fdatasync; do
	try "$call" 1+
	is "$rc" 1 "$call fails for ever: so does the command"
done
is "$silent" "" "a failure is never taken for success"
is "$passed" " folder wal db" "but those that nothing rests on"
is "$several" "" "and is told in one line"

y list org --limit 1000 --json | sed 's/^{"id":"\([^"]*\)".*/\1/' |
	sort >have
is "$(sort acked | comm -23 - have)" "" "nothing acknowledged is lost"
ok "the next command goes on" y add org otype=em name=最后
ok "every check is clean" y verify --deep
y digest >before
ok "it is rebuilt" y rebuild
is "$(y digest)" "$(cat before)" "and is the same"

# --- who receives ---------------------------------------------------------------
# The forced command of the called side is strace: each fsync of a session fails
# once, in turn.  The caller believes the receiver only what became durable.
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
cleanup() { sshd_stop; }
sshd_begin
county() { "$yizhan" -C "$T/county" "$@"; }
door() { y keys --authorized >keys.new && mv keys.new sshd/keys; }
y invite 520302 --name 红花岗区 --address "127.0.0.1:$port" \
	--host-key sshd/host.pub --auto -o invitation 2>/dev/null
door
county join invitation >/dev/null 2>&1
door
county sync >/dev/null
cat >receiver <<END
#!/bin/sh
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
read -r call when <$T/fails
exec strace -f --seccomp-bpf -qq -y -o $T/received -e trace=fsync,fdatasync -e signal=none \\
	-e "inject=\$call:error=EIO:when=\$when" \\
	"$yizhan" -C $T/home peer --as 520302
END
chmod +x receiver
sed "s|command=\"[^\"]*\"|command=\"$T/receiver\"|" sshd/keys >keys.bad
cp sshd/keys keys.good
waits() { # changesets that the county knows not to be there
	county status --json | sed -n 's/.*"what":"peer".*"waiting":\([0-9]*\).*/\1/p'
}
there() { y list org --limit 10000 --json | grep -c '"name":"县局'; }

is "$(waits)" 0 "nothing of the county waits"
lying="" ended=0 failed=0 written=0
round() { # SYSCALL WHEN
	county add org otype=em "name=县局$1$2" >/dev/null
	written=$((written + 1))
	echo "$1 $2" >fails
	cp keys.bad sshd/keys
	rm -f received
	county sync >/dev/null 2>&1 || ended=$((ended + 1))
	injected=$(grep INJECTED received) || return 1
	failed=$((failed + 1))
	# What is durable there, as the next to open it finds it.
	has=$(there) left=$(waits)
	[ $((written - has)) -le "$left" ] || lying="$lying $1:$2:$has:$left"
}
for call in fsync fdatasync; do
	n=1
	while round "$call" "$n" && [ "$n" -lt 12 ]; do n=$((n + 1)); done
done
echo "# $failed failed in $written sessions, $ended of which ended badly"
ok "several of a session's syncs failed, each once" test "$failed" -ge 4
ok "and ended sessions" test "$ended" -ge 2
is "$lying" "" "what was not durable still waits at the county"
cp keys.good sshd/keys
like "$(county sync)" 'complete$' "the next session completes"
is "$(waits) $(there)" "0 $written" "then all of it is there"
ok "the receiver verifies" y verify --deep

# --- who sends ------------------------------------------------------------------
# What leaves is in the anchor before, durably: a restored station that had said
# more than its anchor knows would use places twice (T20).
send() { # WHEN
	county add org otype=em "name=县发$1" >/dev/null
	rc=0
	strace -f --seccomp-bpf -qq -y -o sent -e trace=fsync -e signal=none \
		-e "inject=fsync:error=EIO:when=$1" \
		"$yizhan" -C "$T/county" sync >out 2>err || rc=$?
	injected=$(grep INJECTED sent) || return 1
	case $injected in
	*"<$T/county/anchor"* | *"<$T/county>)"*)
		anchors=$((anchors + 1))
		[ "$rc" -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] ||
			said="$said $1:$rc"
		! y list org --limit 10000 --json | grep -q "县发$1\"" ||
			left="$left $1" ;;
	esac
}
anchors=0 said="" left="" n=1
while send "$n" && [ "$n" -lt 20 ]; do n=$((n + 1)); done
ok "the anchor's syncs failed, the file's and the folder's" \
	test "$anchors" -ge 2
is "$said" "" "each ended the session with 1 and one line"
is "$left" "" "and nothing had left"
like "$(county sync)" 'complete$' "the next session completes"
tap_done
