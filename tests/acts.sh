#!/bin/sh
# Goal of this test: whatever an administrator does by command stands in the
# station's audit log, before it is done and how it ended, under the login of
# who did it; a station without a log begins one; the log stays whole; and
# where it cannot be written nothing is done.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
y() { "$yizhan" -C "$T/home" "$@"; }
entries() { sqlite3 "${1-home}/local.db" \
	'SELECT login, peer, what, about, result FROM audit ORDER BY no'; }
# The last entries of the log: what, about, result.
last() { entries | tail -n "$1" | cut -d '|' -f 3- | tr '\n' ' '; }
who=$(id -un)
from=$(cat /proc/self/loginuid 2>/dev/null)
[ "${from:-4294967295}" = 4294967295 ] || who=$(id -un "$from")
unset SUDO_USER

# --- what is done ---------------------------------------------------------------
ssh-keygen -q -t ed25519 -N '' -f key
echo correct-horse-battery >pass
ok "a station is founded" y init 520300 --top --divisions none --name 遵义市
is "$(entries)" "$who|command line|init|520300|done" \
	"which begins its audit log, with who did it from where"
ok "it verifies" y verify
ok "a child is invited" y invite 520302 --name 红花岗区 --host-key key.pub -o i
is "$(last 2)" "invite|520302|asked invite|520302|done " "invite is in the log"
ok "an auditor is listed" y roster auditor add 审计署 key.pub --streams resource
is "$(last 2)" "roster auditor|key.pub|asked roster auditor|key.pub|done " \
	"so is roster auditor"
ok "new keys" y rotate
is "$(last 2)" "rotate||asked rotate||done " "rotate"
ok "a backup" y backup a.backup --passphrase pass
is "$(last 2)" "backup|a.backup|asked backup|a.backup|done " "backup"
ssh-keygen -q -t ed25519 -N '' -f keys
ok "other root keys" y roster root-keys keys.pub --threshold 1
is "$(last 2)" \
	"roster root-keys|keys.pub|asked roster root-keys|keys.pub|done " \
	"roster root-keys"
ok "the log is whole" y verify

# --- stopped as the log begins ------------------------------------------------------
# HOME/audit is what init renames last.  LeakSanitizer does not work below strace.
ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e trace=rename \
	-e signal=none "$yizhan" -C whole init 520302 --top --divisions none --name 红花岗区 >/dev/null
n=$(grep -c ' rename(' trace)
like "$(tail -n 1 trace)" 'whole/audit"' "(the last is HOME/audit)"
for place in $((n - 1)) "$n"; do
	rm -rf cut hit
	"$build/tests/nth_call" hit rename "$place" kill "$yizhan" -C cut init \
		520302 --top --divisions none --name 红花岗区 >/dev/null 2>&1
	ok "an init is killed as its log begins" test -e hit
	ok "the next act is done" "$yizhan" -C cut roster auditor add 审计署 \
		key.pub --streams resource
	is "$(entries cut | tail -n 1 | cut -d '|' -f 3-)" \
		"roster auditor|key.pub|done" "and logged"
	ok "and nothing is amiss with the log" "$yizhan" -C cut verify
	# What HOME/audit was called before it had its name.
	is "$(find cut -name 'audit.*' ! -name audit.lock | wc -l)" 1 \
		"(something was left)"
	ok "a scrub" "$yizhan" -C cut scrub --alone
	is "$(find cut -name 'audit.*' ! -name audit.lock)" "" "removes it"
done

# --- what is refused ----------------------------------------------------------------
refused() { # ABOUT WHY COMMAND...
	about=$1 why=$2
	shift 2
	"$yizhan" -C "$T/home" "$@" >out 2>err && fail "$* is refused"
	name=$1
	[ "$1" != roster ] || name="$1 $2"
	[ "${2-}" != --take ] || name="$1 $2"
	like "$(last 2)" "^$name\|$about\|asked $name\|$about\|.*$why" \
		"$name, refused, is there with the reason"
}
refused 520303 'has not asked|has asked' confirm 520303 1
refused 520303 'not in the roster' revoke 520303 --why x
refused /nonexistent '/nonexistent' rotate --take /nonexistent
refused /nonexistent '/nonexistent' roster adopt /nonexistent
refused '520301 520302' 'not in the roster' roster peer add 520301 520302
refused 520300 . roster decide 520300 0123abcd
refused 520302 'no other station 520302' link 520302 --rate 9000
refused "" 'not restored' resume --alone
refused 520300-0123abcd/resource . resolve 520300-0123abcd/resource 0123abcd
n=$(entries | wc -l)
y link >/dev/null
y roster >/dev/null
y roster propose -o doc >/dev/null
y status >/dev/null
y revoke 2>/dev/null
y roster peer add 5 2>/dev/null
is "$(entries | wc -l)" "$n" "what only looks, or was mistyped, is not"
ok "the log is whole" y verify

# --- a station that comes back --------------------------------------------------------
ok "the backup is restored" "$yizhan" -C "$T/back" restore a.backup \
	--passphrase pass
is "$(entries back | tail -n 1 | cut -d '|' -f 2-)" \
	"command line|restore|a.backup|done" "restore stands in what came back"
is "$(entries back | head -n 1 | cut -d '|' -f 3-)" "init|520300|done" \
	"behind what was there before"
ok "and that log is whole" "$yizhan" -C "$T/back" verify
mv back kept
ok "before there was a log" "$build/tests/sql" kept/local.db 'DELETE FROM audit'
rm kept/audit
mv kept back
status 1 "an act" "$yizhan" -C "$T/back" revoke 520303
is "$(entries back | cut -d '|' -f 3,4)" "revoke|520303
revoke|520303" "begins one"
ok "which is whole" "$yizhan" -C "$T/back" verify

# --- who ----------------------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ] && [ "$who" = root ]; then
	SUDO_USER=wang "$yizhan" -C "$T/home" resume --alone 2>/dev/null
	is "$(entries | tail -n 1 | cut -d '|' -f 1)" wang \
		"through sudo it is the person, not root"
else
	SUDO_USER=wang "$yizhan" -C "$T/home" resume --alone 2>/dev/null
	is "$(entries | tail -n 1 | cut -d '|' -f 1)" "$who" \
		"who is not root is nobody else by saying so"
fi

# --- no log, no act ----------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ]; then
	rm home/audit.lock
	mkdir home/audit.lock # which nobody can open for writing
else
	chmod u-w home/audit.lock
fi
status 1 "where the log cannot be written" y backup b.backup --passphrase pass
like "$(cat "$T/.out")" 'audit' "which is said"
not_ok "nothing is done" test -e b.backup
tap_done
