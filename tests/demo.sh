#!/bin/sh
# Goal of this test: the story that "yizhan demo" tells holds from beginning
# to end, over real sshd processes; its stations can be started again; and
# nothing is left running.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$top/src/web/ui:$build/src/web/ui
TMPDIR=$T
export YIZHAN_DATA YIZHAN_UI TMPDIR

pid=
cleanup() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; }
left() { ps -eo pid,args | grep -F "$T/" | grep -v grep; }

# Each line that it prints as held or not is a check of ours.
"$yizhan" demo --once "$T/d" >out 2>err
rc=$?
while IFS= read -r line; do
	case $line in
	"   ok  "*) pass "${line#   ok  }" ;;
	"   NO  "*) fail "${line#   NO  }" "$(grep -FA 1 -- "$line" out)" ;;
	esac
done <out
is "$rc" 0 "demo --once exits 0 when every check held"
is "$(cat err)" "" "and has nothing to complain of"
ok "it went through all its steps" grep -q '^12  ' out
is "$(left)" "" "no process is left behind"

"$yizhan" demo "$T/d" >again 2>err &
pid=$!
ok "it starts the stations again" wait_for 60 grep -q Ctrl-C again
not_ok "and they agree as before" grep -q '^   NO' again
like "$(head -n 1 again)" "there already" "and says that they were there"

# What it prints is all that a visitor has.
for station in 520000 520300 520302 520303; do
	url=$(sed -n "s,^  \\(http://127[^ ]*\\)/  $station .*,\\1,p" again)
	like "$(curl -s "$url/")" '<!doctype html>' \
		"$station's console is at the address that it prints"
done
password=$(sed -n 's/^demonstration logins, .* password \(.*\):$/\1/p' again)
who=$(sed -n '/^demonstration logins/,$s/^  \([a-z0-9]*\) .*/\1/p' again | head -n 5)
isnt "$(echo "$who" | wc -w)" 0 "it prints logins"
for login in $who; do
	like "$(curl -s "$url/api/login" \
		-d "{\"login\":\"$login\",\"password\":\"$password\"}")" '"csrf":"' \
		"$login logs in with the password that it prints"
done
ok "a county reaches its city" "$yizhan" -C d/520302 sync
kill -INT "$pid"
wait "$pid"
is "$?" 0 "interrupted it ends well"
pid=
is "$(left)" "" "and takes its sshd processes with it"

rm -r d/520303
status 1 "half a demonstration is refused" "$yizhan" demo --once "$T/d"
YIZHAN_DATA=$T/none
status 1 "what cannot be founded fails" "$yizhan" demo --once
like "$(cat "$T/.out")" '^step 1 did not hold' "and the step is named"

tap_done
