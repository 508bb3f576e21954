#!/bin/sh
# Goal of this test: a lost appliance comes back, over a real sshd.  A county
# with a recovery key keeps a backup without its private keys; the machine
# burns when its last records are at the city only.  On new hardware the
# backup, its passphrase and the sheet of paper bring all of it back, the burnt
# machine's keys are worth nothing, and what a thief wrote stays out.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
cleanup() { sshd_stop; }
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
county sync >/dev/null
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
grep -hv '^$' burnt/keys/sign burnt/keys/ssh | sort -u >seeds
ok "(the machine had keys)" test -s seeds
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

# --- who cannot come back without ------------------------------------------------------
city invite 520303 --name 汇川区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" --auto -o invitation3 2>/dev/null
door
"$yizhan" -C "$T/other" join invitation3 >/dev/null
door
ok "a county without a recovery key" "$yizhan" -C "$T/other" sync
ok "keeps a backup" "$yizhan" -C "$T/other" backup d.backup --passphrase pass
like "$(cat "$T/.out")" 'are in it' "with its keys, and a line says so"
ok "a root station's backup" city backup c.backup --passphrase pass
like "$(cat "$T/.out")" 'are in it' "has its keys: nothing else could bring it back"
tap_done
