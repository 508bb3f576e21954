#!/bin/sh
# Goal of this test: threat T05 through the relay.  sshd's forced command hands
# its streams over to a receiver behind a socket, and the bombs of t05_bombs
# have no effect there either: no receiver takes 300 MB, none touches a file
# outside the station's folder, and the daemon beside it does not notice.  Who
# is not the station's user, or says anything else first, is not heard.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"

# --- the bombs: each check of t05_bombs is one of this test's -------------------
said=$T/said
# Each starts two programs.
[ -z "${YIZHAN_VALGRIND-}" ] || export T05_EVERY=4
chatter="^(Listening|Communication|Connection|Spawned|Execing|Child) " # of systemd
top_builddir=$build "$build/tests/threat/t05_bombs" "$T/trace" >"$said" 2>"$T/stderr"
rc=$?
while read -r line; do
	case $line in
	'ok '*) pass "${line#* - }" ;;
	'not ok '*) fail "${line#* - }" "$(grep -Ev "$chatter" "$T/stderr" | tail)" ;;
	'# '*) echo "$line" ;;
	esac
done <"$said"
is "$rc" 0 "the bombs come to their end"

# --- what was touched ---------------------------------------------------------
dir=$(sed -n 's/^# dir //p' "$said")
# Calls that did something, by what they may change.
grep -v ' = -1 E' trace >calls
if [ -n "${YIZHAN_VALGRIND-}" ]; then # each of ours is one more of valgrind's
	is "$(grep -cF "execve(\"$YIZHAN_VALGRIND\"" calls)" \
		"$(grep -cF "execve(\"$build/yizhan\"" calls)" \
		"what was run below valgrind is the program"
	its="$build/logs|${build%/*}/(yizhan|tests/valgrind\.so)|$top/tests/valgrind\.supp|${TMPDIR:-/tmp}/valgrind_proc_"
	grep -vE "execve\(\"($YIZHAN_VALGRIND|[a-z/]*/valgrind(\.bin)?)\"|\"($its)" \
		calls >others
	mv others calls
fi
grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^[0-9]+ +(unlink|rename|mkdir|rmdir|link|symlink|mknod|chmod|chown|fchmodat|fchownat|truncate|utime|setxattr|bind|connect)' \
	calls >changes
isnt "$(grep -c "\"$dir/" changes)" 0 "the trace shows the station's own files"
is "$(grep -v "\"$dir/520000[/\"]" changes | head -n 5)" "" \
	"nothing outside the station's folder was written, made or removed"
is "$(grep -E '^[0-9]+ +open' calls | grep -oE '"[^"]*"' | tr -d '"' |
	grep -Ev "^($dir/520000(/|\$)|/usr/|/lib|/proc/|/sys/|/dev/(null|urandom)|$build/|/etc/(machine-id|ld\.so|nsswitch|passwd|group|localtime|locale|ssl)|\\.\$)" |
	sort -u | head -n 5)" "" "nor was anything of others read"
is "$(grep -c 'execve(' calls)" "$(grep -c "execve(\"$build/yizhan\"" calls)" \
	"and no other program was run"

# --- who else comes ---------------------------------------------------------------
"$yizhan" -C "$T/home" init 520300 --top --divisions none --name x >/dev/null
receive() { "$yizhan" -C "$T/home" peer --received; }
like "$(receive </dev/null 2>&1)" 'no connection from' \
	"without a socket there is nobody to believe"
systemd-socket-activate -a --inetd -l "$T/sock" \
	"$yizhan" -C "$T/home" peer --received 2>"$T/log" &
listener=$!
cleanup() { kill "$listener"; }
ok "the socket is there" wait_for 60 test -S "$T/sock"
echo as 520302 | curl -sS -m 5 --unix-socket "$T/sock" telnet://x
ok "a bare line without streams is not heard" \
	wait_for 60 grep -q 'no relay speaks' "$T/log"
like "$("$yizhan" -C "$T/home" peer --as 520302 --through "$T/sock" </dev/null 2>&1)" \
	'yizhan: peer: ' "through the relay complaints reach the caller"
like "$("$yizhan" -C "$T/home" peer --as 520302 --through "$T/none" </dev/null 2>&1)" \
	"the receiver at $T/none: No such file" \
	"a receiver that is away is said to be"
status 2 "a station that is none is not named to it" \
	"$yizhan" -C "$T/home" peer --as 52030x --through "$T/sock"
if [ "$(id -u)" -eq 0 ]; then
	# A socket that others can reach is still no way in.
	chmod 711 "$T"
	chmod 777 "$T/sock"
	: >"$T/log"
	setpriv --reuid 65534 --clear-groups "$yizhan" -C / peer \
		--as 520302 --through "$T/sock" </dev/null >/dev/null 2>&1
	ok "who is not the station's user is not heard" wait_for 60 \
		grep -q "from this station's user" "$T/log"
else
	pass "who is not the station's user: root alone can play another"
fi
tap_done
