#!/bin/sh
# Goal of this test: a station that has lost its rosters in the replica and in
# the ledger, of which it lets nobody in and judges nothing, gets them again
# from whom it calls, and only the ones that were there: not another
# federation's, not those of yesterday, not half of them, nor anything from a
# stranger.  What was frozen stays so.
# shellcheck disable=SC2154 # what lib.sh and its kind set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
sshd_needed
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
cleanup() { sshd_stop; }
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
let_in() { # HOME: the county and its sibling, by that station
	city keys --authorized | sed "s,$T/city,$T/$1," >sshd/new
	mv sshd/new sshd/keys
}
join() { # CODE HOME
	city invite "$1" --address "127.0.0.1:$port" --host-key sshd/host.pub \
		-o invitation >/dev/null 2>&1
	city keys --authorized >sshd/keys
	fingerprint=$("$yizhan" -C "$2" join invitation | head -n 1)
	city confirm "$1" "$fingerprint" >/dev/null
	city keys --authorized >sshd/keys
	"$yizhan" -C "$2" sync
}
# Both copies of the county's rosters: the ledger's objects of them, and rows of
# the replica.
lose_ledger() {
	git -C county/ledger/roster.git rev-list --objects --glob='refs/rosters/*' |
		while read -r object _; do
			rm -f "county/ledger/roster.git/objects/$(echo "$object" |
				sed 's,^..,&/,')"
		done
}
lose_replica() { # [WHERE]
	"$build/tests/sql" county/yizhan.db "DELETE FROM _roster ${1-}"
}
lose() { # [WHERE]
	lose_ledger
	lose_replica "${1-}"
}
# As before, by what it answers and what a look at everything finds.
right() {
	county digest >got && cmp -s want got && county verify --deep
}

city init 520300 --top --name 遵义市 --divisions none >/dev/null
sshd_begin
ok "a county joins" join 520302 county
cp -r city yesterday
# A stranger's city has the same code, and other keys.
"$yizhan" -C stranger init 520300 --top --name 别处 --divisions none >/dev/null
ok "its sibling joins later" join 520303 sibling
county add resource.team name=红花岗大队 rkind=R01 level=县级 persons=32 >/dev/null
city add resource.team name=市队 rkind=R01 level=市级 persons=9 >/dev/null
ok "all is at both" county sync
county digest >want
ok "it verifies" county verify --deep
like "$(cat county/trust)" '^counts root [0-9]+ [0-9a-f]{64}$' \
	"the newest root part is noted beside it"
ok "nothing is left to find" county scrub
cp -r county whole

# --- lost in one of the two -------------------------------------------------------
lose_ledger
ok "what only the ledger has lost" county scrub --alone
ok "is as it was" right
lose_replica
ok "what only the replica has lost" county scrub --alone
ok "is as it was too" right

# --- nobody to ask ------------------------------------------------------------------
lose
status 1 "lost in both it believes not even its parent at once" county sync
like "$(cat "$T/.out")" 'rosters that were here are lost: yizhan scrub' "and says so"
status 1 "alone it stays so" county scrub --alone
like "$(cat "$T/.out")" 'without --alone they are fetched' "and says how not"
like "$(county doctor)" '! station: .*roster.* lost.*yizhan scrub' \
	"the doctor says what to do"
: >sshd/keys
status 1 "while the parent lets nobody in it stays so" county scrub
like "$(cat "$T/.out")" 'scrub again when a peer can be reached' "and is said"

# --- liars ----------------------------------------------------------------------------
state() { # what the county holds of rosters
	"$build/tests/sql" county/yizhan.db "PRAGMA wal_checkpoint(TRUNCATE)"
	cat county/trust
	find county/ledger/roster.git -type f | sort | xargs sha256sum
	ls county
}
refused() { # WHO WHY
	state >before
	status 1 "$1 is not believed" county scrub
	like "$(grep -v '^  ' "$T/.out")" "$2" "and that is said"
	is "$(wc -l <"$T/.out")" 1 "in one line"
	state >after
	ok "nothing has changed" cmp before after
}
let_in stranger
refused "another federation" 'are another federation'
let_in yesterday
refused "the roster of yesterday" 'older than those that were here'
for n in 200 700 1500; do
	# The line ends with head, whatever the called side still waits for.
	city keys --authorized | sed "s,command=\"\([^\"]*\)\",command=\"exec 3<\&0; \
(\1 <\&3 2>/dev/null \&) | head -c $n\"," >sshd/keys
	refused "one that is cut after $n bytes" '520300: the link was cut'
done

# --- the parent ------------------------------------------------------------------------
let_in city
ok "the parent is" county scrub
like "$(cat "$T/.out")" 'rosters were lost .* fetched from 520300' "and that is said"
ok "all is as it was" right
ok "and noted as it was" cmp county/trust whole/trust
ok "a scrub finds nothing more" county scrub
like "$(cat "$T/.out")" ' 0 things put right, 0 to be fetched again, 0 beyond' \
	"and says so"
ok "the station goes on" county add resource.team name=新队 rkind=R01 level=县级 \
	persons=1
ok "and speaks to its parent" county sync
is "$(county digest)" "$(city digest)" "both have the same"
county digest >want

# --- only some of them --------------------------------------------------------------------
lose "WHERE version = 1"
ok "where the first is lost in both it is fetched" county scrub
ok "all is as it was" right
lose "WHERE version = (SELECT max(version) FROM _roster)"
ok "and the last" county scrub
ok "all is as it was" right
# Sectors of the whole database, too.
size=$(stat -c %s county/yizhan.db)
rm -rf county/ledger/roster.git/objects
mkdir -p county/ledger/roster.git/objects/pack
head -c "$((size / 2))" /dev/urandom |
	dd of=county/yizhan.db bs=4096 conv=notrunc 2>/dev/null
ok "and with half of the database gone" county scrub
ok "all is as it was" right

# --- what says which they were ---------------------------------------------------------------
sed -i '2s/root [0-9]*/root 9/' county/trust
ok "a note that is damaged is written anew" county scrub
ok "as it was" cmp county/trust whole/trust
sed -i '$d' county/trust
ok "one that is cut short too, though all lines that it has are good" county scrub
ok "as it was" cmp county/trust whole/trust
rm county/trust
county status >/dev/null
ok "a station that has none writes it when it is opened" \
	cmp county/trust whole/trust
lose
rm county/trust
status 1 "without it nobody is believed" county scrub
like "$(cat "$T/.out")" 'restore the last backup' "and that is said"
tap_done
