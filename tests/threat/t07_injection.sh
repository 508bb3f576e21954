#!/bin/sh
# Goal of this test: threat T07, words that a shell or an option parser would
# act on.  Two hundred hostile strings are given as a station's code, as
# addresses of whom to call, as names, as records' values, as
# SSH_ORIGINAL_COMMAND and as the command itself.  strace sees every execve:
# only yizhan itself was ever started, no file appears, and what is refused is
# refused with one line.
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

ok "a station" "$yizhan" -C "$T/home" init 520300 --top --name 遵义市 \
	--divisions none
# And a county that calls it, as far as anybody answers there.
ssh-keygen -q -t ed25519 -N '' -f host
"$yizhan" -C "$T/home" invite 520302 --name 红花岗区 --address 127.0.0.1:1 \
	--host-key host.pub --auto -o i-520302 2>/dev/null
"$yizhan" -C "$T/county" join i-520302 >/dev/null 2>&1
ok "and a county below it" test -s county/station

# --- the strings: every wrapping of every command ----------------------------
canary=$T/canary
for cmd in "touch $canary" "id>$canary" "/bin/sh -c 'touch $canary'" \
	"cp /etc/passwd $canary" "exec touch $canary" \
	"git-upload-pack '$T/home/ledger/roster.git'" "sftp-server" \
	"scp -t $canary" "rm -rf $T/home" "cat</dev/null>$canary"; do
	cat <<END
$cmd
;$cmd
520302;$cmd
520302|$cmd
520302&&$cmd
520302||$cmd
520302 & $cmd &
\$($cmd)
520302\$($cmd)
\`$cmd\`
520302\`$cmd\`
'; $cmd; '
"; $cmd; "
--as=520302;$cmd
-oProxyCommand=$cmd
--upload-pack=$cmd
../../../../bin/sh -c '$cmd'
{$cmd,}
520302%0a$cmd
yizhan peer; $cmd
END
done >words
is "$(sort -u words | wc -l | tr -d ' ')" 200 "two hundred strings"
least=500
if [ -n "${YIZHAN_VALGRIND-}" ]; then # one of each wrapping but one
	sed -n '1~11p' words >some
	mv some words
	least=80
fi

# --- everything that takes a word ---------------------------------------------
# sshd gives what the caller wants to run in SSH_ORIGINAL_COMMAND.
cat >all.sh <<'EOF'
n=0 called=
while IFS= read -r s; do
	SSH_ORIGINAL_COMMAND="$s" "$yizhan" -C "$T/home" peer --as "$s" \
		</dev/null
	"$yizhan" "$s"
	# The client: as it is, and with a port, so that it is called.
	"$yizhan" -C "$T/county" link 520300 --address "$s"
	"$yizhan" -C "$T/county" link "$s" --address 127.0.0.1:1
	n=$((n + 1))
	[ $((n % 10)) -eq 0 ] || continue
	SSH_ORIGINAL_COMMAND="$s" "$yizhan" -C "$T/home" peer --as 520302 \
		</dev/null
	"$yizhan" -C "$T/home" confirm "$s" "$s"
	"$yizhan" -C "$T/home" invite "$s" --address "$s" -o "$T/i"
	"$yizhan" -C "$T/home" invite 520302 --name "$s" --address "$s" \
		--host-key "$s" -o "$T/i"
	"$yizhan" -C "$T/home" add org otype=em "name=$s" --as "$s"
	"$yizhan" -C "$T/home" find "$s"
	"$yizhan" -C "$T/home" get "$s" -o "$T/g"
	"$yizhan" -C "$T/county" link 520300 --address "$s:1" && called=$called.
	"$yizhan" -C "$T/county" sync
	"$yizhan" -C "$T/county" sync "$s"
	"$yizhan" -C "$T/county" sync --limit "$s"
done <words >out 2>err
echo "$called" >called
:
EOF
ok "all of them are tried" strace -f -qq --seccomp-bpf -e trace=execve,execveat \
	-e signal=none -o trace sh all.sh
is "$(cat called)" "" "none of them is taken for an address"
runs=$(grep -c "execve(\"$yizhan\"" trace)
echo "# $runs runs"
ok "that is over $least runs" test "$runs" -gt "$least"
# Below valgrind each run is two or three of its own, and no more.
if [ -n "${YIZHAN_VALGRIND-}" ]; then
	is "$(grep -cF "execve(\"$YIZHAN_VALGRIND\"" trace)" "$runs" \
		"each of them is one process of valgrind's"
	grep -vE "execve\(\"($YIZHAN_VALGRIND|[a-z/]*/valgrind(\.bin)?)\"" trace >others
	mv others trace
fi
is "$(grep -E 'exec(ve|veat)\(' trace | grep -vF "execve(\"$yizhan\"" |
	grep -v 'execve("[^"]*/sh", \["sh", "all.sh"\]')" "" \
	"nothing else was ever started"
not_ok "no command has left a trace" test -e "$canary"
ok "the station is as it was" "$yizhan" -C "$T/home" verify --deep
ok "and so is the county" "$yizhan" -C "$T/county" verify --deep
is "$(grep -cvE '^(yizhan: |usage: yizhan )' err)" 0 \
	"every refusal is a line of ours"
unlike "$(cat err)" 'SQL|syntax error|near "' "no database saw a word as SQL"
tap_done
