#!/bin/sh
# Goal of this test: hard days of the console's server.  Two thousand sockets
# that never finish a request leave it usable, strangers with long bodies do not
# fill its memory; passwords are kept by scrypt, an account and an address at
# which somebody guesses are shut for a quarter of an hour, each by itself, and
# nobody learns which accounts there are; of a thousand guesses next to
# none is looked at (GUESSES=10000 for the long form); and whatever instant
# it is killed at (KILLS times), what it said is saved is saved.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
y() { "$yizhan" -C "$T/home" "$@"; }
cleanup() {
	desk_stop
	wait
}

y init 520302 --top --name 红花岗区 >/dev/null 2>&1
for a in sys1:system sec1:security duty1:officer view1:viewer; do
	echo Night-watch-1 | y user add "${a%:*}" --role "${a#*:}"
done
TOKEN=$(y user token add duty1 保存)
export TOKEN

# --- slow clients -----------------------------------------------------------------
ok "the console runs" desk_start home --no-sync
URL_OF_DESK=$url
export URL_OF_DESK
# (The sanitizers' own memory is not the desk's.)
rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$serve_pid/status")
if ! grep -aq __asan_init "$yizhan"; then
	ok "idle, with little in it, it takes at most 40 MiB: $rss KiB" \
		test "$rss" -le 40960
fi
desk_script slow.mjs

# --- long bodies ------------------------------------------------------------------
PID_OF_DESK=$serve_pid
export PID_OF_DESK
desk_script flood.mjs

# --- how a password is kept ----------------------------------------------------------
sql() { "$build/tests/sql" home/local.db "$1"; }
cat >kept.mjs <<'EOF'
import { scryptSync } from 'node:crypto';
const [form, n, r, p, salt, hash] = process.argv[2].split('$');
const want = Buffer.from(hash, 'base64');
process.exit(form === 'scrypt' && n >= 16384 && r >= 8 && p >= 1 &&
	Buffer.from(salt, 'base64').length >= 16 && want.length >= 32 &&
	scryptSync('Night-watch-1', Buffer.from(salt, 'base64'), want.length,
		{ N: +n, r: +r, p: +p, maxmem: 1 << 30 }).equals(want) ? 0 : 1);
EOF
for a in duty1 view1; do
	sqlite3 home/local.db "SELECT password FROM user WHERE login = '$a'" \
		>$a.kept
	ok "of the password of $a scrypt is kept, as another program derives it" \
		node kept.mjs "$(cat $a.kept)"
done
not_ok "under another salt each" cmp -s duty1.kept view1.kept

# --- who guesses is shut out, and let in again ------------------------------------------
from() { # ADDRESS LOGIN PASSWORD: what is said
	curl -s --interface "$1" "$url/api/login" \
		-d "{\"login\":\"$2\",\"password\":\"$3\"}"
}
for n in 2 3 4 5 6; do
	like "$(from 127.0.0.$n view1 "Wrong-guess-$n")" 'password is wrong' \
		"a guess for one account, from 127.0.0.$n"
done
like "$(from 127.0.0.7 view1 Night-watch-1)" 'too many wrong passwords' \
	"from elsewhere its own password does not open it now"
like "$(from 127.0.0.7 sec1 Night-watch-1)" '"csrf"' \
	"though that address opens another"
sql "UPDATE user SET locked = locked - 14 * 60000 WHERE login = 'view1'"
like "$(from 127.0.0.7 view1 Night-watch-1)" 'too many wrong passwords' \
	"nor after fourteen minutes"
sql "UPDATE user SET locked = locked - 60000 WHERE login = 'view1'"
like "$(from 127.0.0.7 view1 Night-watch-1)" '"csrf"' \
	"after a quarter of an hour it does"
for n in 1 2 3 4 5; do
	from 127.0.0.8 "nobody$n" "Wrong-guess-$n" >/dev/null
done
like "$(from 127.0.0.8 view1 Night-watch-1)" 'too many wrong passwords' \
	"who guesses at many accounts is shut out himself"
like "$(from 127.0.0.7 view1 Night-watch-1)" '"csrf"' "nobody else is"
sql "UPDATE guess SET locked = locked - 15 * 60000 WHERE peer = '127.0.0.8'"
like "$(from 127.0.0.8 view1 Night-watch-1)" '"csrf"' \
	"for a quarter of an hour"

# --- nobody is told which accounts there are ----------------------------------------------
# Ticks of the processor that so many wrong guesses cost.
cost() { # LOGIN...
	cost_was=$(awk '{ print $14 + $15 }' "/proc/$serve_pid/stat")
	for who in "$@"; do
		for n in 1 2 3; do
			cost_from=$((${cost_from:-0} + 1))
			from "127.0.1.$cost_from" "$who" "Wrong-guess-$n" >said.$n
		done
	done
	echo $(($(awk '{ print $14 + $15 }' "/proc/$serve_pid/stat") - cost_was))
}
known=$(cost duty1 view1 sys1 sec1)
cost_from=100
unknown=$(cost ghost1 ghost2 ghost3 ghost4)
echo "# twelve wrong guesses cost $known ticks, of unknown logins $unknown"
ok "an unknown login takes as much work as a wrong password" \
	test "$((unknown * 2))" -ge "$known"
is "$(from 127.0.2.1 ghost9 Wrong-guess-1)" \
	"$(from 127.0.2.2 sys1 Wrong-guess-1)" "and is told the same"
sql "UPDATE user SET failures = 0, locked = 0"

for n in 1 2 3 4 5; do
	from 127.0.3.$n ghost9 "Wrong-guess-$n" >/dev/null
	from 127.0.3.$n sys1 "Wrong-guess-$n" >/dev/null
done
like "$(from 127.0.3.6 sys1 Wrong-guess-6)" 'too many' \
	"an account that is guessed at is shut"
is "$(from 127.0.3.6 ghost9 Wrong-guess-6)" \
	"$(from 127.0.3.6 sys1 Wrong-guess-6)" "and so is what is none"
sql "UPDATE user SET failures = 0, locked = 0"

# --- whoever is guessed at comes in where he is known --------------------------------------
counted() { sqlite3 -cmd '.timeout 20000' home/local.db \
	"SELECT n FROM counted WHERE name = 'password'"; }
like "$(from 127.0.0.9 duty1 Night-watch-1)" '"csrf"' "an officer at his desk"
before=$(counted)
for n in $(seq 40); do
	from "127.0.4.$n" duty1 "Wrong-guess-$n" >/dev/null
done
is $(($(counted) - before)) 5 "of forty guesses from forty desks five are looked at"
like "$(from 127.0.4.99 duty1 Night-watch-1)" 'yizhan user unlock' \
	"elsewhere he is told what to do"
like "$(from 127.0.0.9 duty1 Night-watch-1)" '"csrf"' "at his own he comes in"
like "$(from 127.0.0.1 duty1 Night-watch-1)" '"csrf"' "and at the machine itself"
like "$(from 127.0.4.99 duty1 Wrong-guess-1)" 'too many' \
	"which gives the others no more"
for n in 1 2 3 4 5; do
	from 127.0.0.9 duty1 "Wrong-guess-$n" >/dev/null
	from 127.0.0.9 view1 Night-watch-1 >/dev/null # his own, to begin anew
done
like "$(from 127.0.0.9 duty1 Night-watch-1)" 'too many' \
	"at his desk, too, five are enough"
ok "the machine opens it" y user unlock duty1
like "$(from 127.0.0.9 duty1 Night-watch-1)" '"csrf"' "at once"
like "$(from 127.0.4.99 duty1 Night-watch-1)" '"csrf"' "everywhere"
is "$(sqlite3 home/local.db "SELECT login <> '', peer, about, result FROM audit
	WHERE what = 'unlock' ORDER BY no DESC LIMIT 1")" \
	'1|command line|duty1|done' "and that is in the log"
status 1 "for a login that is nobody's it says so" y user unlock ghost9

# --- from more addresses than are remembered ------------------------------------------------
for n in 1 2 3 4 5; do
	from 127.0.5.$n sys1 "Wrong-guess-$n" >/dev/null
	from 127.0.5.9 "nobody$n" "Wrong-guess-$n" >/dev/null
	from 127.0.6.$n ghost9 "Wrong-guess-$n" >/dev/null
done
now=$(date +%s)000
sql "INSERT INTO guess WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
	SELECT i + 1 FROM n WHERE i < 6000)
	SELECT '2001:db8::' || i, 4, 0, '', $now + 3600000 + i FROM n"
sql "INSERT INTO stranger WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
	SELECT i + 1 FROM n WHERE i < 6000)
	SELECT randomblob(32), 4, 0, $now + 3600000 + i FROM n"
from 127.0.5.20 view1 Wrong-guess-1 >/dev/null
from 127.0.5.21 ghost8 Wrong-guess-1 >/dev/null
is "$(sqlite3 home/local.db 'SELECT count(*) FROM guess')" 4096 \
	"of six thousand addresses that guess 4,096 are remembered"
is "$(sqlite3 home/local.db 'SELECT count(*) FROM stranger')" 4096 \
	"and as many logins that are nobody's"
like "$(from 127.0.5.9 view1 Night-watch-1)" 'too many' \
	"an address that is shut stays so, whatever others do"
like "$(from 127.0.5.30 sys1 Night-watch-1)" 'too many' \
	"and so does an account that is guessed at"
is "$(from 127.0.5.30 ghost9 Wrong-guess-1)" \
	"$(from 127.0.5.30 sys1 Wrong-guess-1)" "and a login that is nobody's"
is "$(sqlite3 home/local.db "SELECT count(*) FROM guess
	WHERE peer IN ('127.0.5.20', '127.0.5.21')")" 1 \
	"who comes when all is full is counted while he is the last"
like "$(from 127.0.5.31 sec1 Night-watch-1)" '"csrf"' "nobody else is shut out"
sql "DELETE FROM guess; DELETE FROM stranger"
sql "UPDATE user SET failures = 0, locked = 0"

# --- guesses -----------------------------------------------------------------------
before=$(counted)
desk_script guess.mjs
n=$(($(counted) - before))
echo "# $n passwords were evaluated"
ok "at most 20 of them were looked at" test "$n" -le 20
ok "and some were" test "$n" -ge 1
desk_stop
is "$(cat serve.err)" "" "the server has not complained"

# --- killed ----------------------------------------------------------------------------
: >saved
lost=0
ROUND=0
while [ "$ROUND" -lt "${KILLS:-8}" ]; do
	ROUND=$((ROUND + 1))
	export ROUND
	rm -f saving
	desk_start home --no-sync || {
		fail "it starts again after kill $ROUND" "$(cat serve.err)"
		break
	}
	URL_OF_DESK=$url
	node "$top/tests/api/save.mjs" 2>/dev/null &
	saver=$!
	wait_for 60 test -e saving
	# Somewhere in the middle of it: the moment is the kernel's choice.
	awk -v r="$(od -An -N2 -tu2 /dev/urandom)" \
		'BEGIN { system("sleep " r / 65536 * 0.3) }'
	kill -9 "$serve_pid"
	wait "$serve_pid" 2>/dev/null
	serve_pid=
	wait "$saver"
	y list resource --json | grep -o '"id":"[^"]*"' | cut -d '"' -f 4 |
		sort >there
	sort saved | comm -23 - there >gone
	lost=$((lost + $(wc -l <gone)))
done
echo "# $(wc -l <saved) saved in $ROUND rounds"
ok "many records were said to be saved" test "$(wc -l <saved)" -gt "$ROUND"
is "$lost" 0 "after every kill each of them is there"
like "$(y verify)" ', 0 faults$' "and the ledger holds"
tap_done
