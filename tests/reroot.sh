#!/bin/sh
# Goal of this test: the day on which two of three root keys are lost.  New ones
# sign the next root part, and each station takes it when a person there has
# typed its fingerprint: not before, not another, and whatever a thief signs
# with the lost ones.  Until then it works on by the roster it has.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
sshd_needed

watch_pid=
cleanup() {
	sshd_stop
	[ -z "$watch_pid" ] || kill "$watch_pid" 2>/dev/null
}
sshd_begin

for home in city one two three thief back; do
	eval "$home() { \"\$yizhan\" -C \"\$T/$home\" \"\$@\"; }"
done
door() { city keys --authorized >"$T/keys.new" && mv "$T/keys.new" "$T/sshd/keys"; }
team() { # STATION NAME
	"$1" add resource.team "name=$2" rkind=R01 persons=3 level=county \
		lon=106.9 lat=27.7
}
version() { "$1" roster | sed -n 's/^roster version \([0-9]*\).*/\1/p'; }
invite() { # CODE NAME STATION
	city invite "$1" --name "$2" --address "127.0.0.1:$port" \
		--host-key "$T/sshd/host.pub" --auto -o "i$1" 2>/dev/null
	door
	"$3" join "i$1" >/dev/null && door
}
has() { "$1" list resource --json | grep -q "$2"; }
# What of --json of a station's status is of the root part that waits.
waiting() { "$1" status --json | tr -d '\n' |
	grep -o '"what":"unpinned"[^}]*'; }
printed() { sed -n 's/.*fingerprint \([0-9-]\{47\}\).*/\1/p' "$1" | head -n 1; }

# --- a federation of three root keys ---------------------------------------------
for key in root-a root-b root-c new-a new-b new-c bad; do
	ssh-keygen -q -t ed25519 -N '' -f "$key"
done
cat root-a.pub root-b.pub root-c.pub >roots
cat new-a.pub new-b.pub new-c.pub >news
city init 520300 --top --name 遵义市 --root-keys roots --threshold 2 \
	--divisions none >/dev/null
city roster propose -o first >/dev/null
city roster sign first --key root-a >/dev/null
city roster sign first --key root-b >/dev/null
ok "two of three root keys found it" city roster adopt first --divisions none
ok "a county joins" invite 520302 红花岗区 one
ok "and another" invite 520303 汇川区 two
for home in one two; do
	"$home" sync >/dev/null
	team "$home" "$home 队" >/dev/null
	"$home" sync >/dev/null
done
before=$(version city)
cp -r city thief # where somebody works who has found the lost keys

# --- two are lost ----------------------------------------------------------------
mkdir found && mv root-b root-c found
like "$(city roster root-keys news --threshold 2)" 'waits for root keys' \
	"others are to take their place"
city roster propose -o next >/dev/null
city roster sign next --key root-a >/dev/null
city roster sign next --key new-a >/dev/null
like "$(city roster adopt next 2>&1)" "signed by 1 root keys" \
	"before two of the new have signed, it is not to be had at all"
city roster sign next --key new-b >signed
fingerprint=$(printed signed)
city roster adopt next 2>why
like "$(cat why)" "have not signed it.*roster pin" \
	"then it waits for a person to pin it"
is "$(printed why)" "$fingerprint" "and is named by its fingerprint"
is "$(version city)" "$before" "it does not count yet"
like "$(city roster pin 12345 2>&1)" "8 groups of 5" "a few digits pin nothing"
not_ok "nor is anything kept of them" test -e city/pins
ok "the root station pins it" city roster pin "$fingerprint"
ok "and adopts it" city roster adopt next
is "$(version city)" $((before + 1)) "it counts"
like "$(city roster --allowed-signers)" "$(cut -d' ' -f2 new-c.pub | tr + .)" \
	"and so do its keys"

# --- who has not pinned it --------------------------------------------------------
team city 市队 >/dev/null
team one 红花岗二队 >/dev/null
like "$(one sync)" 'complete$' "a county that has not works on with the city"
ok "what is new there arrives here" has one 市队
ok "and the other way" has city 红花岗二队
is "$(version one)" "$before" "by the roster it has"
like "$(waiting one)" "$fingerprint" "what waits is named to it"
like "$(one status)" "$fingerprint.*roster pin" "with what to do"
like "$(one doctor)" "came from 520300.*$fingerprint" "doctor says so, too"
ok "what nobody announced is put aside" one roster pin --remove "$fingerprint"
is "$(waiting one)" "" "and waits no more"
one sync >/dev/null
like "$(waiting one)" "$fingerprint" "until it comes again"
is "$(waiting city)" "" "where it is pinned nothing waits"

# --- pinned, while on the line ------------------------------------------------------
"$yizhan" -C "$T/one" sync --watch >watch.out 2>&1 &
watch_pid=$!
watched() { sshd_peers && [ -n "$peers" ]; }
ok "the county is on the line" wait_for 20 watched
other=$(echo "$fingerprint" | tr 0123456789 1234567890)
one roster pin "$other" >out
like "$(cat out)" 'as soon as it comes' "another fingerprint is pinned by mistake"
like "$(tr '\n' ' ' <out)" "$fingerprint that is another.*--remove $other" \
	"which is said where one waits"
like "$(one sync 2>&1)" 'complete$|on the line' "a session brings nothing for that"
is "$(version one)" "$before" "it stays as it was"
ok "that pin is taken back" one roster pin --remove "$other"
not_ok "once" one roster pin --remove "$other"
wait_for 20 watched || fail "the county is on the line again"
echo "$fingerprint" | tr - '\n' >groups
one roster pin <groups >out
like "$(cat out)" "version $((before + 1)) waits, from 520300" \
	"whoever pins sees what waits"
here() { [ "$(version one)" = $((before + 1)) ]; }
ok "typed group by group it counts, with nobody calling" wait_for 30 here
kill "$watch_pid"
wait "$watch_pid"
watch_pid=
is "$(waiting one)" "" "nothing waits any more"
status 0 "the roster is in order" one roster
not_ok "a pin whose root part is here stays" \
	one roster pin --remove "$fingerprint"
like "$(one sync)" 'complete$' "the next session is whole"
is "$(one digest)" "$(city digest)" "both hold the same"
is "$(one roster)" "$(city roster)" "and know the same stations"

# --- a thief with the lost keys ----------------------------------------------------
thief resume --alone >/dev/null
thief roster root-keys bad.pub --threshold 1 >/dev/null
thief roster propose -o theirs >/dev/null
thief roster sign theirs --key found/root-b >/dev/null
thief roster sign theirs --key found/root-c >/dev/null
thief roster sign theirs --key bad >theirs.signed
ok "who has the lost keys signs a root part of his own" thief roster adopt theirs
ssh-keygen -q -t ed25519 -N '' -f audit
thief roster auditor add 贼 audit.pub --root --owners 520300 >/dev/null
thief roster propose -o more >/dev/null
ok "and, by himself, more" sh -c \
	"'$yizhan' -C '$T/thief' roster sign more --key bad && \
	'$yizhan' -C '$T/thief' roster adopt more"
ok "a county that has not pinned takes it" two roster adopt theirs
two roster adopt more >/dev/null
is "$(version two)" $((before + 2)) "and what follows"
one roster adopt theirs >out 2>&1
is "$(version one)" $((before + 1)) "one that has does not go by it"
like "$(two sync)" 'complete$' "those two go on together all the same"
is "$(version city)" $((before + 1)) "the city holds its own"
is "$(version two)" $((before + 2)) "and the county the thief's"
like "$(two status)" "$fingerprint" "it hears of the other"
ok "a person there pins that" two roster pin "$fingerprint"
like "$(two sync)" 'complete$' "the next session"
is "$(version two)" $((before + 1)) "takes it in the place of the thief's"
status 0 "of which nothing is left to decide" two roster
is "$(two digest)" "$(city digest)" "all hold the same"
signs() { two roster --allowed-signers | grep -qF "$(cut -d' ' -f2 "$1.pub")"; }
not_ok "nobody's goes by the thief's keys" signs bad
two roster pin "$(printed theirs.signed)" >/dev/null
ok "of two that are here and pinned the last counts" signs bad
like "$(two roster pin "$fingerprint")" "version $((before + 1)) counts here" \
	"so whoever pinned a wrong one pins the right one"
not_ok "and the wrong one counts no more" signs bad
not_ok "what builds on the thief's changes nothing" two roster adopt more
is "$(version two)" $((before + 1)) "it stays"

# --- the new keys at work ----------------------------------------------------------
mkdir three && echo rot >three/pins
like "$(invite 520304 播州区 three 2>&1)" 'pins is damaged: yizhan scrub$' \
	"a disk that rots while a county joins is named"
like "$(three scrub)" 'pins is damaged: .*move it away' "with what to do"
rm three/pins
ok "who joins now needs no paper for it, nor to begin anew" three join i520304
door
three sync >/dev/null
is "$(version three)" $((before + 1)) "it has the new root part"
is "$(cat three/pins)" "$(cat one/pins)" "pinned by its invitation"
ok "and verifies" three verify
city roster auditor add 审计署 audit.pub --root --owners 520300 >/dev/null
city roster propose -o later >/dev/null
city roster sign later --key new-b >/dev/null
city roster sign later --key new-c >/dev/null
ok "two of the new keys sign what comes next" city roster adopt later
for home in one two three; do
	"$home" sync >/dev/null
	is "$(version "$home")" $((before + 2)) "$home takes that by itself"
done

# --- what is kept of it ------------------------------------------------------------
was=$(two digest)
mv two/yizhan.db two.db
rm -f two/yizhan.db-wal two/yizhan.db-shm
ok "a replica that is lost is folded anew" two scrub
is "$(version two)" $((before + 2)) "by the same roster"
is "$(two digest)" "$was" "to the same"
echo correct-horse-battery >pass
ok "a backup" one backup b --passphrase pass
ok "comes back" back restore b --passphrase pass
is "$(cat back/pins)" "$(cat one/pins)" "with what was pinned"
is "$(version back)" $((before + 2)) "and the roster"
sed 's/^root ./root +/' one/pins >damaged
sed '2s/1/0/; t; 2s/3/2/; t; 2s/5/4/; t; 2s/7/6/; t; 2s/9/8/' one/pins >turned
cp turned one/pins
like "$(one scrub)" 'pins put right' "a turned bit is found"
is "$(cat one/pins)" "$(cat back/pins)" "and turned back"
cp damaged one/pins
like "$(one scrub)" 'pins put right' "more is written anew"
is "$(cat one/pins)" "$(cat back/pins)" "as the replica has it"
cp damaged one/pins
sqlite3 one/yizhan.db "DELETE FROM _meta WHERE name = 'pins'"
like "$(one scrub)" '! pins is damaged.*roster pin' "if that has lost it, it is said"
is "$(version one)" $((before + 2)) "and stops nothing"
like "$(sqlite3 one/local.db "SELECT what, about FROM audit WHERE
	what = 'roster pin'")" "roster pin\|$fingerprint" "who pinned is in the log"
tap_done
