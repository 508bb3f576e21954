#!/bin/sh
# Goal of this test: a backup made while the station goes on saving is the
# state of one moment: restored it verifies, prints the digest of a moment that
# was, and lacks nothing that was saved before.  A wrong passphrase, a cut and
# a flipped byte are each refused in one line, and nothing is written.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
saver=
cleanup() { [ -z "$saver" ] || kill "$saver" 2>/dev/null; }

city() { "$yizhan" -C "$T/city" "$@"; }
backup() { city backup --passphrase pass "$@"; }
restore() { # HOME FILE
	"$yizhan" -C "$T/$1" restore "$2" --passphrase "${3-pass}"
}
# WHAT PATTERN HOME FILE [PASS]: refused in one line, nothing written
refused() {
	rc=0
	restore "$3" "$4" ${5+"$5"} >out 2>err || rc=$?
	if [ "$rc" -eq 1 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q -- "$2" err && [ ! -e "$T/$3" ]; then
		pass "$1"
	else
		fail "$1" "exit $rc: $(cat out err; ls "$T/$3" 2>&1)"
	fi
}

echo 'correct horse' >pass
echo 'battery staple' >other
city init 520300 --top >/dev/null

# --- while saving -------------------------------------------------------------
printf '附件' >photo
team() {
	city add resource.team "name=$1" rkind=R01 level=县级 persons=3 \
		${2+"$2"}
}
ok "a record with an attachment" team 甲 files=@photo
n=0
: >saved
(while :; do
	n=$((n + 1))
	team "队$n" >/dev/null && echo "$n" >>saved
done) &
saver=$!
wait_for 20 test -s saved
before=$(wc -l <saved)
ok "a backup is made while others save" backup a.backup
after=$(($(wc -l <saved) + 1))
ok "and another" backup b.backup
kill "$saver"
wait "$saver" 2>/dev/null
saver=
is "$(stat -c %a a.backup)" 600 "it is for its owner's eyes"
not_ok "no name stands in it plain" grep -qa 队1 a.backup
not_ok "nothing is left in HOME" test -e city/backup.tmp

ok "it is restored" restore a a.backup
like "$(cat "$T/.out")" '^station 520300 is back in .*/a as it was at 20' \
	"and says of when it is"
y() { "$yizhan" -C "$T/a" "$@"; }
ok "it verifies" y verify --deep
held=$(y list resource --limit 100000 | grep -c 队)
ok "all that was saved before is there, nothing of later ($before <= $held <= $after)" \
	test "$before" -le "$held" -a "$held" -le "$after"
digest=$(y digest)
ok "it can be folded again" y rebuild
is "$(y digest)" "$digest" "to the same digest"
not_ok "there is no anchor" test -e a/anchor
blob=$(printf '附件' | sha256sum | cut -d ' ' -f 1)
is "$(y get "$blob")" 附件 "the attachment is there"
is "$(stat -c %a a/keys/sign)" 600 "keys are for their owner alone"
GIT_CONFIG_NOSYSTEM=1 HOME=$T git config --global --add safe.directory '*'
ok "stock git finds the ledger whole" env HOME="$T" \
	git --git-dir=a/ledger/resource.git fsck --strict

# --- refused ------------------------------------------------------------------
refused "a wrong passphrase is refused" 'passphrase is not the one' x a.backup \
	other
refused "what is no backup too" 'not a backup' x pass
size=$(stat -c %s a.backup)
for cut in 0 10 40 $((size / 2)) $((49 + 65552)) $((size - 1)); do
	head -c "$cut" a.backup >cut.backup
	refused "cut after $cut of $size bytes" 'cut' x cut.backup
done
for at in 5 20 40 60 $((size / 2)) $((size - 3)); do
	cp a.backup flipped
	byte=$(od -An -tu1 -j "$at" -N 1 a.backup)
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 1)))" |
		dd of=flipped bs=1 seek="$at" conv=notrunc 2>/dev/null
	refused "a bit flipped at $at" 'flipped: ' x flipped
done
status 1 "not over a station" restore city a.backup
like "$(cat "$T/.out")" 'is not empty.*move it away' "it says so"
mkdir full && echo x >full/x
status 1 "nor into a folder with something in it" restore full a.backup
is "$(ls full)" x "which stays as it is"
status 1 "a short passphrase is refused" sh -c \
	"echo short | $yizhan -C $T/city backup x.backup --passphrase -"
not_ok "and nothing is made" test -e x.backup

# --- keys, keeping, doctor ----------------------------------------------------
ok "without keys" backup --without-keys c.backup
ok "it is restored" restore c c.backup
like "$(cat "$T/.out")" 'rotate' "and says what to do"
isnt "$(cat c/keys/sign)" "$(cat city/keys/sign)" "with other keys"
not_ok "and no root key" test -e c/keys/root
mkdir nightly
for day in 1 2 3; do
	touch "nightly/yizhan-520300-2026010$day-031500.backup"
done
touch nightly/other.backup
ok "into a folder, keeping two" backup nightly --keep 2
is "$(find nightly -name 'yizhan-*' | wc -l)" 2 "two are kept"
ok "the newest of the old ones" test -e nightly/yizhan-520300-20260103-031500.backup
ok "and what is no backup of ours" test -e nightly/other.backup
# Years ahead: the clock was wrong when they were written, and is right now.
for day in 1 2; do
	touch -d "2099-01-0$day" \
		"nightly/yizhan-520300-2099010$day-031500.backup"
done
new=$(backup nightly --keep 2 2>/dev/null)
ok "copies named for years to come do not push out the new one" test -e "$new"
is "$(find nightly -name 'yizhan-*' | wc -l)" 2 "two are kept again"
ok "and the new one is restored" restore ahead "$new"
next=$(backup nightly --keep 2 2>/dev/null)
is "$(find nightly -name 'yizhan-*' | sort)" "$new
$next" "after the next there are the two that were written last"
# The other way round, it stands years back now.
touch -d 2099-01-01 "$new" "$next"
ok "one is kept" backup nightly --keep 1
is "$(find nightly -name 'yizhan-*' -size +0 | sort)" "$(grep ^nightly "$T/.out")" \
	"which is the one just written"
status 2 "a file is not thinned out" backup x.backup --keep 2
# Within a second one may follow another: all names of ten minutes are taken.
mkdir taken
now=$(($(date +%s) + 28800))
seq "$now" $((now + 600)) | sed 's/^/@/' | date -u -f - \
	+taken/yizhan-520300-%Y%m%d-%H%M%S.backup | xargs touch
for n in 1 2; do
	backup taken >>names 2>/dev/null
done
is "$(sort -u names | wc -l):$(find taken -type f | wc -l)" 2:603 \
	"a backup never takes the name of another"
is "$(find taken -type f -size +0 | wc -l)" 2 "and none is written over"
ok "names sort as backups were made" sort -c names
sum=$(sha256sum <a.backup)
status 1 "a file that is there is not written over" backup a.backup
like "$(cat "$T/.out")" 'a.backup is there already' "which is said"
is "$(sha256sum <a.backup)" "$sum" "and it stays as it was"
like "$(city doctor)" '^  backup: the last is of 20' "doctor knows of it"
mkdir city/backup.tmp && touch city/backup.tmp/left
ok "what a killed one has left is no matter" backup d.backup
not_ok "and goes" test -e city/backup.tmp
tap_done
