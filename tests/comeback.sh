#!/bin/sh
# Goal of this test: a lost appliance comes back, over a real sshd.  A county
# with a recovery key keeps a backup without its private keys; the machine
# burns when its last records are at the city only.  On new hardware the
# backup, its passphrase and the sheet of paper bring all of it back, the burnt
# machine's keys are worth nothing, and what a thief wrote stays out.  Then
# once more with a backup encrypted to the recovery key: the paper alone opens
# it, and nothing else does.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
watch=
cleanup() {
	[ -z "$watch" ] || kill "$watch"
	sshd_stop
}
ok "sshd starts" sshd_start

city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
burnt() { "$yizhan" -C "$T/burnt" "$@"; }
door() {
	city keys --authorized >"$T/keys.new" &&
		mv "$T/keys.new" "$T/sshd/keys"
}
team() {
	county add resource.team "name=$1" rkind=R01 persons=3 level=county \
		lon=106.9 lat=27.7
}
names() { "$yizhan" -C "$T/$1" list resource | sed 's/.*  //' | sort | tr '\n' ' '; }
same() { [ "$(city digest)" = "$(county digest)" ]; }
inc() { awk '$1 == "inc" { print $2 }' county/station; }
backup() { county backup "$1" --passphrase pass >out 2>err; }
restore() { county restore "$1" --passphrase pass; }

echo 'correct horse' >pass
city init 520300 --top --divisions none --name 遵义市 >/dev/null
city invite 520302 --name 红花岗区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" --auto -o invitation 2>/dev/null
door
ok "a county joins, with a recovery key" county join invitation \
	--recovery sheet
door
ok "and syncs" county sync
team 甲 >/dev/null
county sync >/dev/null
team 乙 >/dev/null

# --- without keys --------------------------------------------------------------
ok "from then on a backup" backup a.backup
like "$(cat err)" '^its private keys are not in it: ' "is without, and says so"
is "$(cat out)" a.backup "on stderr: standard output is the name alone"
ok "with keys if asked" county backup --with-keys keys.backup --passphrase pass
status 2 "not both ways" county backup --with-keys --without-keys x.backup \
	--passphrase pass
county sync >/dev/null
team 丙 >/dev/null
county set resource "$(team 丁)" persons=7 >/dev/null
ok "the last records are at the city" county sync
before=$(city list resource --json) old_inc=$(inc)

# --- it burns --------------------------------------------------------------------
mv county burnt
ok "the backup is restored on new hardware" restore a.backup
like "$(cat "$T/.out")" 'keys were not in the backup.*rotate --take' \
	"and says what comes next"
# The seeds as they are in the files, of every key that the machine had.
grep -hxE '[0-9a-f]{64}' burnt/keys/sign burnt/keys/ssh | sort -u >seeds
is "$(wc -l <seeds)" 2 "(the machine had two keys)"
status 1 "none of its keys is in any file" grep -rqaFf seeds county
mv county bare
ok "(the one with keys" restore keys.backup
ok "has them)" cmp county/keys/sign burnt/keys/sign
mv county withkeys && mv bare county
is "$(names county)" "乙 甲 " "it holds what was written before the backup"
like "$(county add resource.team name=x rkind=R01 persons=3 level=county \
	lon=106.9 lat=27.7 2>&1)" 'restored' "until it has caught up it writes nothing"
like "$(county sync 2>&1)" 'not let in' "its new keys open no door"
ok "the sheet of paper asks for them" county rotate --recovery sheet \
	--new sheet2 -o request
sed 's/"restored":true,//' request >altered
status 1 "that it was restored cannot be taken out of the request" \
	city rotate --take altered
ok "the city takes it" city rotate --take request
is "$(names city)" "$(printf '%s\n' 丁 丙 乙 甲 | sort | tr '\n' ' ')" \
	"and goes on holding all that it was sent"
burnt add resource.team name=火 rkind=R01 persons=3 level=county lon=106.9 \
	lat=27.7 >/dev/null
burnt sync >/dev/null 2>&1
burnt sync >/dev/null 2>&1
unlike "$(names city)" 火 "at a door left open the old keys write in vain"
door
like "$(burnt sync 2>&1)" 'not let in' "at one that asks the roster they are refused"
like "$(county sync)" 'complete$' "the county is let in"
is "$(names county)" "$(names city)" "its own tail came from the city"
is "$(county list resource --json)" "$before" "and is as it was"
isnt "$(inc)" "$old_inc" "it goes on under a new incarnation"
team 戊 >/dev/null
like "$(county sync)" 'complete$' "and writes"
like "$(names city)" 戊 "which counts"
ok "both hold the same" same
ok "the city verifies" city verify --deep
ok "and the county" county verify --deep
ok "the next backup" backup b.backup
like "$(cat err)" 'are not in it' "is without keys again"

# --- it is stolen ------------------------------------------------------------------
last=$(county log --json | grep -c "$(inc)/resource")
team 贼 >/dev/null
county sync >/dev/null
like "$(names city)" 贼 "a thief writes with the county's keys"
rm -r burnt
mv county burnt
ok "the city revokes them, from before that" city revoke 520302 --why 失窃 \
	--chain "520302-$(awk '$1 == "inc" { print $2 }' burnt/station)/resource=$last"
unlike "$(names city)" 贼 "and it counts no more"
ok "the backup is restored" restore b.backup
ok "the second sheet asks" county rotate --recovery sheet2 -o request
ok "the city takes it" city rotate --take request
door
like "$(county sync)" 'complete$' "the county is back"
unlike "$(names city) $(names county)" 贼 "without what the thief wrote"
like "$(names county)" 戊 "and with all that it wrote itself"
team 己 >/dev/null
like "$(county sync)" 'complete$' "it writes"
like "$(names city)" 己 "and counts"
ok "both hold the same" same

# --- paper alone -------------------------------------------------------------------------
paper() { # HOME FILE SHEET
	"$yizhan" -C "$T/$1" restore "$2" --recovery "$3"
}
# WHAT PATTERN HOME FILE [SHEET]: refused in one line, nothing written
refused() {
	rc=0
	paper "$3" "$4" "${5-sheet2}" >out 2>err || rc=$?
	if [ "$rc" -eq 1 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -Eq -- "$2" err && [ ! -e "$T/$3" ]; then
		pass "$1"
	else
		fail "$1" "exit $rc: $(cat out err; ls "$T/$3" 2>&1)"
	fi
}
audit() { # every entry, and its hash
	sqlite3 county/local.db 'SELECT no, at, run, login, peer,
		what, about, result, hex(hash) FROM audit ORDER BY no'
}
for a in 1 2 3; do
	echo "Night-watch-$a" | county user add "duty$a" --role officer >/dev/null
done
audit >logged
ok "(the audit log has entries)" test "$(wc -l <logged)" -ge 3
like "$(county verify)" "^$(wc -l <logged) entries of the audit log checked" \
	"(and holds)"
mkdir nightly
ok "a backup to the recovery key takes no secret" \
	county backup nightly --keep 3 --to-recovery
sealed=$(find nightly -name 'yizhan-520302-*.backup')
is "$(sed -n '/^yizhan-recovery:520302:/s///p' sheet2 | head -n 1 | wc -c)" 65 \
	"(the sheet has its seed)"
seed=$(sed -n '/^yizhan-recovery:520302:/s///p' sheet2)
status 1 "which the station does not have" grep -rqF "$seed" county
# By a tool that knows nothing of this program: who is it for?
county_key=$(sed -n '1s/.*"recovery":"\([^"]*\)".*/\1/p' county/backup-keys)
is "$(echo "$county_key" | cut -d ' ' -f 2 | base64 -d | tail -c 32 | sha256sum |
	cut -d ' ' -f 1)" "$(od -An -tx1 -j 16 -N 32 "$sealed" | tr -d ' \n')" \
	"the file says whose it is, as the roster does"
sed -n '1s/,"sig".*/}/p' county/backup-keys >signed
sig=$(sed -n '1s/.*"sig":"\([^"]*\)".*/\1/p' county/backup-keys)
{
	printf 'SSHSIG\0\0\0\1\0\0\0\063'
	echo "$county_key" | cut -d ' ' -f 2 | base64 -d
	printf '\0\0\0\015yizhan-backup\0\0\0\0\0\0\0\006sha512'
	printf '\0\0\0\123\0\0\0\013ssh-ed25519\0\0\0\100'
	echo "$sig" | base64 -d
} | base64 -w 70 | sed '1i-----BEGIN SSH SIGNATURE-----
$a-----END SSH SIGNATURE-----' >signed.sig
echo "520302@yizhan.invalid $county_key" >allowed
ok "and ssh-keygen that its paper signed the key it is encrypted to" \
	ssh-keygen -Y verify -f allowed -I 520302@yizhan.invalid \
	-n yizhan-backup -s signed.sig <signed
cp county/backup-keys keys.good
sed "s/\"key\":\"./\"key\":\"$(sed -n '1s/.*"key":"\(.\).*/\1/p' \
	county/backup-keys | tr 0-9a-f 1-9a-f0)/" keys.good >county/backup-keys
status 1 "another's key in its place is not used" \
	county backup x.backup --to-recovery
like "$(cat "$T/.out")" 'not here: once, with the sheet' "and a line says what to do"
status 1 "nor does the sheet before help" \
	county backup x.backup --recovery sheet
like "$(cat "$T/.out")" 'not the recovery key of 520302 that the roster knows' \
	"which is no more the station's"
ok "the sheet itself does" county backup x.backup --recovery sheet2
ok "once and for all" county backup once.backup --to-recovery
printf '\n' >empty
ok "with an empty passphrase file too" \
	county backup empty.backup --passphrase empty --to-recovery
is "$(head -c 15 empty.backup)" yizhan-sealed-1 "it is to the recovery key"
status 1 "but not with one that is not there" \
	county backup z.backup --passphrase nowhere --to-recovery
is "$(wc -l <"$T/.out"):$(grep -c nowhere "$T/.out")" 1:1 "which one line says"
status 1 "nor with one that cannot be read" \
	county backup z.backup --passphrase . --to-recovery
is "$(wc -l <"$T/.out")" 1 "which one line says too"
not_ok "and nothing is written" test -e z.backup
ok "where there is a passphrase" \
	county backup y.backup --passphrase pass --to-recovery
is "$(head -c 15 y.backup)" yizhan-cipher-1 "it is used"
team 庚 >/dev/null
county set resource "$(team 辛)" persons=9 >/dev/null
like "$(county sync)" 'complete$' "the last records are at the city"
before=$(county list resource --json)

rm -rf burnt
mv county burnt
refused "another station's sheet is refused" 'not the key that it was encrypted to' \
	x "$sealed" sheet
refused "what is no sheet too" 'recovery key is missing' x "$sealed" pass
size=$(stat -c %s "$sealed")
for cut in 0 10 90 $((size / 2)) $((size - 1)); do
	head -c "$cut" "$sealed" >cut.backup
	refused "cut after $cut of $size bytes" cut x cut.backup
done
for at in 5 20 50 85 100 $((size / 2)) $((size - 3)); do
	cp "$sealed" flipped
	byte=$(od -An -tu1 -j "$at" -N 1 "$sealed")
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 1)))" |
		dd of=flipped bs=1 seek="$at" conv=notrunc 2>/dev/null
	refused "a bit flipped at $at" 'flipped: ' x flipped
done
status 1 "a passphrase does not open it" \
	"$yizhan" -C "$T/x" restore "$sealed" --passphrase pass
like "$(cat "$T/.out")" 'encrypted to a recovery key: --recovery SHEET' "and one line says what does"
status 1 "nor a sheet what wants a passphrase" paper x y.backup sheet2
not_ok "nothing was written" test -e x
# Typed at a terminal, the second line wrong at first.
sed -n 's/^[1-4]  //p' sheet2 | sed '2{
h
s/^...../0000 /
G
}' >typed
ok "typed at a terminal the paper opens it" script -qec \
	"$yizhan -C $T/county restore $sealed" /dev/null <typed
like "$(cat "$T/.out")" 'not as it was printed' "and a mistyped line is asked for again"
is "$(names county)" "$(printf '%s\n' 丁 丙 乙 甲 戊 己 | sort | tr '\n' ' ')" \
	"it holds what was written before the backup"
is "$(audit | head -n "$(wc -l <logged)")" "$(cat logged)" \
	"and the audit log, every entry as it was"
county verify >verified 2>&1 || :
like "$(cat verified)" "^$(audit | wc -l) entries of the audit log checked" \
	"which is looked at"
unlike "$(cat verified)" '^audit log: ' "and proves itself whole, under keys that were burnt"
ok "the same sheet asks for new keys" county rotate --recovery sheet2 -o request
ok "the city takes it" city rotate --take request
door
like "$(county sync)" 'complete$' "the county is back"
is "$(county list resource --json)" "$before" "and its own tail came from the city"
ok "both hold the same" same
ok "it verifies" county verify --deep
echo Night-watch-4 | county user add duty4 --role officer >/dev/null
ok "the audit log goes on under the new keys" county verify

# --- while somebody stays on the line ---------------------------------------------
at_city() { names city | grep -q "$1"; }
"$yizhan" -C "$T/county" sync --watch >watched 2>&1 &
watch=$!
team 壬 >/dev/null
ok "what stays on the line carries what is written" wait_for 60 at_city 壬
city revoke 520302 --why 换机 >/dev/null
door
ok "until the key is revoked: then it says so, and what to do" wait_for 60 \
	grep -q 'was revoked; here: yizhan rotate --recovery SHEET' watched
ok "the paper asks for new keys" county rotate --recovery sheet2 -o request
like "$(county sync 2>&1)" 'not taken yet; at the parent: yizhan rotate --take' \
	"which are not let in until they are taken there, as a line says"
ok "the city takes them" city rotate --take request
door
like "$(county sync)" 'complete$' "a sync by hand brings them into use"
team 癸 >/dev/null
ok "and what stayed on the line all the time goes on with them" \
	wait_for 90 at_city 癸
unlike "$(county status)" 'not let in' "nor does status say otherwise"
kill "$watch"
wait "$watch"
watch=
is "$(audit | head -n "$(wc -l <logged)")" "$(cat logged)" "after what it held"
login=$(sqlite3 county/local.db 'SELECT login FROM audit WHERE no = 2')
"$build/tests/sql" county/local.db "UPDATE audit SET login = 'x' WHERE no = 2"
status 3 "(a changed entry is found)" county verify
"$build/tests/sql" county/local.db "UPDATE audit SET login = '$login' WHERE no = 2"
ok "and the next night's backup is to the same paper" \
	county backup nightly --keep 3 --to-recovery
is "$(find nightly -name 'yizhan-*' | wc -l)" 2 "beside the one before"

# --- who cannot come back without ------------------------------------------------------
city invite 520303 --name 汇川区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" --auto -o invitation3 2>/dev/null
door
"$yizhan" -C "$T/other" join invitation3 >/dev/null
door
ok "a county without a recovery key" "$yizhan" -C "$T/other" sync
ok "keeps a backup" "$yizhan" -C "$T/other" backup d.backup --passphrase pass
like "$(cat "$T/.out")" 'are in it' "with its keys, and a line says so"
like "$("$yizhan" -C "$T/other" backup d.backup --to-recovery 2>&1)" \
	'has no recovery key to encrypt to' "it has none to encrypt to"
ok "a root station's backup" city backup c.backup --passphrase pass
like "$(cat "$T/.out")" 'are in it' "has its keys: nothing else could bring it back"
tap_done
