#!/bin/sh
# Goal of this test: threat T23 between two stations, over a real sshd: a disk
# that fails to make a write durable while a session is on.  Each fsync and
# fdatasync of the called side fails once with EIO, in turn: what it has said to
# hold is what is durable there, all else still waits at the caller.  Each fsync
# of the calling side's anchor fails: nothing leaves before.  The next session
# completes.  (t23_fsync.sh: a command that writes.)
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA

if ! strace -o "$T/probe" true 2>/dev/null; then
	echo "1..0 # SKIP no strace here"
	exit 0
fi
sshd_needed
# LeakSanitizer does not work below strace.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
y() { "$yizhan" -C "$T/home" "$@"; }
ok "a station" y init 520300 --top --name 遵义市 --divisions none

# --- who receives ---------------------------------------------------------------
# The forced command of the called side is strace: each fsync of a session fails
# once, in turn.  The caller believes the receiver only what became durable.
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
# Below valgrind some of them.
step=1 least=4 bad=2
[ -z "${YIZHAN_VALGRIND-}" ] || step=5 least=2 bad=1
for call in fsync fdatasync; do
	n=1
	while round "$call" "$n" && [ "$n" -lt 12 ]; do n=$((n + step)); done
done
echo "# $failed failed in $written sessions, $ended of which ended badly"
ok "$least and more of a session's syncs failed, each once" \
	test "$failed" -ge "$least"
ok "and ended sessions" test "$ended" -ge "$bad"
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
