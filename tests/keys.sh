#!/bin/sh
# Goal of this test: keys over a real sshd.  A county rotates its keys, also
# when the answer is lost and it writes meanwhile; the city revokes them, and
# the door closes, for who is on the line too; the recovery key on paper opens
# it again; and the root part is signed by k of n, by us or by ssh-keygen.
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

city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
door() { city keys --authorized >"$T/keys.new" && mv "$T/keys.new" "$T/sshd/keys"; }
team() { county add resource.team "name=$1" rkind=R01 persons=3 \
	level=county lon=106.9 lat=27.7; }
same() { [ "$(city digest)" = "$(county digest)" ]; }
sign_key() { county keys | awk '$1 == "sign" { print $3 }'; }
inc() { awk '$1 == "inc" { print $2 }' county/station; }

# --- a recovery key, made with the station --------------------------------------
city init 520300 --top --divisions none --name 遵义市 >/dev/null
city invite 520302 --name 红花岗区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" --auto -o invitation 2>/dev/null
door
ok "a county joins and gets a recovery key" \
	county join invitation --recovery sheet
door
like "$(cat sheet)" '^1  [0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4}  [0-9a-f]{2}$' \
	"on paper"
line=$(grep '^yizhan-recovery:' sheet)
like "$line" '^yizhan-recovery:520302:[0-9a-f]{64}$' "and as one line"
# What a telephone reads of them: zbarimg, of a picture.
rsvg-convert -d 300 -p 300 -b white -o sheet.png sheet.svg
is "$(zbarimg -q --nodbus --raw sheet.png)" "$line" "which is in the QR code to be printed"
# A character is two modules, one above the other.
sed '1,/^yizhan-recovery:/d; s/█/B/g; s/▀/U/g; s/▄/L/g' sheet | awk '
	function row(ones,	i, k, s) {
		for (i = 1; i <= length($0); i++)
			for (k = 0; k < 6; k++)
				s = s (index(ones, substr($0, i, 1)) ? 1 : 0)
		for (k = 0; k < 6; k++)
			out = out s "\n"
		n += 6
	}
	length($0) > 20 { row("BU"); row("BL"); w = 6 * length($0) }
	END { printf "P1\n%d %d\n%s", w, n, out }' >sheet.pbm
is "$(zbarimg -q --nodbus --raw sheet.pbm)" "$line" "and in the one made of characters"
status 1 "HOME does not keep it" grep -rqF "${line##*:}" county
status 1 "and no sheet is written over another" \
	"$yizhan" -C "$T/x" init 520400 --top --name x --recovery sheet
ok "the first sync completes" county sync
id=$(team 一队)

# --- rotating -------------------------------------------------------------------
old=$(sign_key) old_inc=$(inc)
ok "rotate" county rotate
is "$(sign_key)" "$old" "until the roster has them the old keys are in use"
ok "and writing goes on" county set resource "$id" persons=4
like "$(county sync)" 'complete$' "the next sync asks"
isnt "$(sign_key)" "$old" "and brings them"
is "$(inc)" "$old_inc" "the incarnation stays"
status 1 "nothing is left of the rotation" test -e county/keys/next
status 1 "sshd lets only the old key in until it is told" county sync
door
ok "then the new one" county sync
county set resource "$id" persons=5 >/dev/null
like "$(county sync)" 'complete$' "what the new key signs arrives"
ok "both hold the same" same
ok "the city's chains verify" city verify
ok "and the county's" county verify
value() { city list resource --json | grep "$id" | grep -c "\"persons\":$1[,}]"; }
is "$(value 5)" 1 "the last value is there"

# --- an answer that is lost --------------------------------------------------------
old=$(sign_key)
county set resource "$id" persons=6 >/dev/null
county sync >/dev/null
ok "a request carried by hand" county rotate -o request
ok "is granted" city rotate --take request
ok "once more is no error" city rotate --take request
door
ok "the county, not knowing, goes on" county set resource "$id" persons=7
ok "and on" county add resource.team name=二队 rkind=R01 persons=3 \
	level=county lon=106.9 lat=27.7
is "$(sign_key)" "$old" "under its old key"
before=$(county log --json | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' | sort)
like "$(county sync)" 'complete$' "it logs in with the key to come"
isnt "$(sign_key)" "$old" "has it"
is "$(county log --json | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' | sort)" \
	"$before" "what it wrote meanwhile is signed anew, its ids are the same"
like "$(county sync)" 'complete$' "it arrives"
ok "both hold the same" same
ok "and verify" sh -c "'$yizhan' -C '$T/city' verify && \
	'$yizhan' -C '$T/county' verify"
is "$(city list resource --json | grep -c 二队)" 1 "nothing is lost"
sed 's/"inc":"./"inc":"0/; s/"code":"520302"/"code":"520303"/' request >forged
status 1 "an altered request is refused" city rotate --take forged

# --- revoking ------------------------------------------------------------------------
"$yizhan" -C "$T/county" sync --watch >watch.out 2>&1 &
watch_pid=$!
watched() { sshd_peers && [ -n "$peers" ]; }
ok "the county is on the line" wait_for 10 watched
status 1 "a county cannot revoke its city" county revoke 520300
status 1 "what does not exist is not lowered" \
	city revoke 520302 --chain "520302-$(inc)/resource=999"
ok "revoke" city revoke 520302 --why 失窃
told() { grep -q 'was revoked' watch.out; }
ok "who is on the line is told" wait_for 20 told
gone() { sshd_peers; [ -z "$peers" ]; }
ok "and put out" wait_for 20 gone
kill "$watch_pid"
wait "$watch_pid"
watch_pid=
like "$(county set resource "$id" persons=9 2>&1)" 'was revoked' \
	"it knows, and writes nothing more"
status 1 "sshd asked the roster again: the door is closed" \
	sh -c "'$yizhan' -C '$T/city' keys --authorized | grep -q 520302"
like "$(county sync 2>&1)" 'revoked' "a door left open does not help"
door
like "$(county sync 2>&1)" 'not let in' "one that is closed less"
ok "all that was there is still there" sh -c \
	"'$yizhan' -C '$T/city' list resource --json | grep -q 二队"
like "$(city roster)" '520302 .*revoked' "the roster shows it"

# --- the recovery key ------------------------------------------------------------------
status 1 "the keys here cannot bring back what was revoked" county rotate
grep '^[1-4] ' sheet >typed
sed 's/^3  \(.\)/3  x/' typed >mistyped
status 1 "a mistyped sheet is refused" county rotate --recovery mistyped
ok "the sheet, typed in, does" county rotate --recovery typed --new sheet2 \
	-o request2
ok "the city takes it" city rotate --take request2
door
like "$(county sync)" 'complete$' "the county is back"
isnt "$(inc)" "$old_inc" "under a new incarnation"
county set resource "$id" persons=10 >/dev/null
like "$(county sync)" 'complete$' "and writes"
ok "both hold the same" same
is "$(value 10)" 1 "what it wrote counts"
status 1 "the old sheet is worth nothing now" county rotate --recovery sheet
rm -r county/keys
ok "the new one is, also where the keys are lost" \
	county rotate --recovery sheet2 -o request3
ok "the city takes that too" city rotate --take request3
door
like "$(county sync)" 'complete$' "and the county is back again"
county set resource "$id" persons=11 >/dev/null
like "$(county sync)" 'complete$' "and writes"
ok "both hold the same" same
is "$(value 11)" 1 "and it counts"

# --- k of n -------------------------------------------------------------------------------
for k in a b c; do ssh-keygen -q -t ed25519 -N '' -C "$k" -f "root-$k"; done
cat root-a.pub root-b.pub root-c.pub >root.pub
top() { "$yizhan" -C "$T/top" "$@"; }
ok "a federation of three root keys, two of whom sign" \
	top init 520000 --top --name 贵州省 --divisions none \
	--root-keys root.pub --threshold 2
status 1 "no root key is here" test -e top/keys/root
ok "propose" top roster propose -o doc
like "$(tail -c 20 doc)" '"version":1\}$' "the file is the document"
ok "one signs" top roster sign doc --key root-a
status 1 "which is too few" top roster adopt doc
cp doc doc2
ok "one with ssh-keygen" ssh-keygen -q -Y sign -n yizhan-roster -f root-b doc2
ok "two are enough" top roster adopt doc doc2.sig --divisions none
like "$(top roster)" 'version 1, 1 stations' "it counts"
ok "and can be written in" top add resource.team name=省队 rkind=R01 \
	persons=3 level=province lon=106.7 lat=26.6
ok "the station enrols with its own key from day to day" top invite 520300 \
	--address "127.0.0.1:$port" --host-key "$T/sshd/host.pub" -o i
ssh-keygen -q -t ed25519 -N '' -f audit
like "$(top roster auditor add 审计署 audit.pub --streams resource,command \
	--owners 520000 --root)" 'waits for root keys' \
	"an auditor of the root part waits"
like "$(top rotate)" 'proposed' "so do new keys of the root station"
top roster propose -o doc3 >/dev/null
like "$(cat doc3)" '审计署.*"keys":\[.*"proof":\{"by"' "both in one document"
ssh-keygen -q -Y sign -n yizhan-roster -f audit doc3
status 1 "signed by another key" top roster adopt doc3
mv doc3.sig doc3.other
top roster sign doc3 --key root-c >/dev/null
ok "the third may sign as well" top roster sign doc3 --key root-b
old=$(top keys | head -n 1)
ok "adopt" top roster adopt doc3
isnt "$(top keys | head -n 1)" "$old" "the root station has its new keys"
ok "and writes with them" top add resource.team name=省二队 rkind=R01 \
	persons=3 level=province lon=106.7 lat=26.6
ok "its chains verify" top verify
status 1 "a document is not adopted twice" top roster adopt doc3
newest() { # the root part that counts, as auditors get it
	rm -rf written && top roster --write written &&
		cat "written/root-$(top roster | sed -n \
			's/^roster version \([0-9]*\).*/\1/p')"
}
like "$(newest)" '"auditors":\[\{"name":"审计署","owners":\["520000"\]' \
	"the auditor is in the root part"
# A key may have a + in it, which is no pattern.
like "$(newest)" "\"ssh\":\"$(cut -d' ' -f1,2 audit.pub | sed 's/+/[+]/g')\",\"streams\":\[\"command\",\"resource\"\]" \
	"with his key, and what he may read"
like "$(top roster auditor remove audit.pub --root)" 'waits for root keys' \
	"that he is no more waits, too"
top roster propose -o doc5 >/dev/null
top roster sign doc5 --key root-b >/dev/null
status 1 "for more than one" top roster adopt doc5
like "$(newest)" 审计署 "until then he stays"
top roster sign doc5 --key root-c >/dev/null
ok "two take him off" top roster adopt doc5
like "$(newest)" '^\{"auditors":\[\],' "and he is gone"
status 1 "who is not there is not taken off" \
	top roster auditor remove audit.pub --root
like "$(top roster peer add 520000 520300 --root 2>&1)" 'not in the roster' \
	"peers have to be stations"
head -n 2 root.pub >two.pub
top roster root-keys two.pub --threshold 1 >/dev/null
top roster propose -o doc4 >/dev/null
top roster sign doc4 --key root-a >/dev/null
status 1 "one cannot take the rule down to one" top roster adopt doc4
top roster sign doc4 --key root-b >/dev/null
ok "two can" top roster adopt doc4

# --- a recovery key for who has none ------------------------------------------------
city invite 520303 --name 汇川区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" --auto -o invitation3 2>/dev/null
door
other() { "$yizhan" -C "$T/other" "$@"; }
other join invitation3 >/dev/null
door
other sync >/dev/null
ok "a county without a recovery key gets one with its next keys" \
	other rotate --new first
ok "on paper" grep -q '^yizhan-recovery:520303:' first
like "$(other sync)" 'complete$' "once the city has let them in"
door
other sync >/dev/null
status 1 "it is not replaced without it" other rotate --new second
not_ok "nor is a sheet printed in vain" test -e second
city revoke 520303 --why 失窃 >/dev/null
ok "revoked, the county asks by the sheet" \
	other rotate --recovery first --new second -o request4
ok "the city takes it" city rotate --take request4
door
like "$(other sync)" 'complete$' "and the county is back"

# --- all of it in the audit logs ---------------------------------------------------
acts() { # HOME WHAT|ABOUT|RESULT ...
	home=$1
	shift
	sqlite3 "$home/local.db" 'SELECT what, about, result FROM audit' >acts
	for act in "$@"; do
		ok "the log of $home has $act" grep -qxF "$act" acts
	done
}
acts county 'join|520300|done' 'rotate||done' 'new keys|520302|done'
acts city 'invite|520302|done' \
	'rotate --take|request|done' 'revoke|520302|done'
acts top 'roster adopt|doc|done' 'roster auditor|audit.pub|done' \
	'roster root-keys|two.pub|done' 'rotate||done'
for home in county city top; do
	ok "and is whole" "$yizhan" -C "$T/$home" verify
done
tap_done
