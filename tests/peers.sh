#!/bin/sh
# Goal of this test: ways beside the tree, over a real sshd.  The roster lists a
# county and the province as peers, and two counties side by side: each may
# call the other, gets what both may hold and nothing else, and is let in and
# spoken to no longer than the roster says so.  Whom it does not list is shut
# out by sshd, and told why where a door was left open.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
sshd_needed
watch=
cleanup() {
	[ -z "$watch" ] || kill "$watch" 2>/dev/null
	sshd_stop
}
sshd_begin

province() { "$yizhan" -C "$T/province" "$@"; }
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
sibling() { "$yizhan" -C "$T/sibling" "$@"; }
# One sshd is everybody's: behind its port stands whose door it is.
door() { # STATION
	"$1" keys --authorized >"$T/keys.new" && mv "$T/keys.new" "$T/sshd/keys"
}
# Stations that are called: away, or behind the port.
far=127.0.0.1:1 near=127.0.0.1:$port
calls() { # CALLER CODE OTHER-CODE...: CODE answers, the others are away
	calls_who=$1 calls_code=$2
	shift 2
	"$calls_who" link "$calls_code" --address "$near" \
		--host-key "$T/sshd/host.pub" >/dev/null
	for calls_other in "$@"; do
		"$calls_who" link "$calls_other" --address "$far" \
			--host-key "$T/sshd/host.pub" >/dev/null
	done
	"$calls_who" sync 2>&1
}
enrol() { # PARENT CODE NAME CHILD
	"$1" invite "$2" --name "$3" --address "$near" \
		--host-key "$T/sshd/host.pub" --auto -o "i-$2" 2>/dev/null
	door "$1"
	"$yizhan" -C "$T/$4" join "i-$2" >/dev/null 2>&1
	door "$1"
	"$4" sync >/dev/null
}
team() { # STATION NAME
	"$1" add resource.team "name=$2" rkind=R01 persons=3 level=county \
		lon=106.9 lat=27.7
}
incident() { "$1" add incident "title=$2" type=11D01 level=4 --incomplete; }
has() { # STATION KIND TEXT
	"$1" list "$2" --json | grep -c "$3"
}

province init 520000 --top --divisions none --name 贵州省 >/dev/null
enrol province 520300 遵义市 city
enrol city 520302 红花岗区 county
enrol city 520303 汇川区 sibling
door province
city sync >/dev/null
is "$(province roster | grep -c '^ *5203')" 3 "a province, a city, two counties"

# --- whom the roster does not list ------------------------------------------------
door province
status 1 "sshd at the province does not know the county" \
	grep -q 520302 sshd/keys
like "$(calls county 520000 520300)" '520000.*not let in' "nor lets it in"
# A door left open: the forced command as for any child.
sed -n 's/520300/520302/p' sshd/keys | sed "s|ssh-ed25519 [^ ]*|$(county keys |
	awk '$1 == "ssh" { print $2, $3 }')|" >>sshd/keys
like "$(calls county 520000 520300)" \
	'neither parent nor child.*does not list them as peers' \
	"a door left open does not help: it is told why"

# --- past the city --------------------------------------------------------------------
like "$(city roster peer add 520000 520302 2>&1)" 'not below' \
	"a city has no say over the province"
ok "the province lists the county as its peer" \
	province roster peer add 520302 520000
like "$(province roster)" '^peers 520000 520302$' "roster shows it"
door province
ok "and sshd lets it in" grep -q -- '--as 520302' sshd/keys
team county 越级队 >/dev/null
incident county 山洪 >/dev/null
incident sibling 邻县塌方 >/dev/null
team province 省队 >/dev/null
like "$(calls county 520000 520300)" '520000.* in, complete' \
	"the city is away: the county calls the province"
is "$(has province resource 越级队)" 1 "what it writes is there"
is "$(has province incident 山洪)" 1 "its incidents too"
is "$(has county resource 省队)" 1 "and what the province writes is here"
like "$(county roster)" '^peers 520000 520302$' "it has learnt of it itself"

# --- side by side ---------------------------------------------------------------------
ok "the city lists its two counties as peers" city roster peer add 520303 520302
door city
calls sibling 520300 >/dev/null
calls county 520300 520000 >/dev/null
door sibling
ok "sshd at the one lets the other in" grep -q -- '--as 520302' sshd/keys
team county 邻县可见队 >/dev/null
team sibling 汇川队 >/dev/null
incident county 只在本县 >/dev/null
like "$(calls county 520303 520300 520000)" '520303.* in, complete' \
	"the one calls the other"
is "$(has sibling resource 邻县可见队)" 1 "what everybody may hold goes over"
is "$(has county resource 汇川队)" 1 "both ways"
is "$(has sibling incident 只在本县) $(has county incident 邻县塌方)" "0 0" \
	"an incident of one county does not reach the other"
like "$(sibling sync 2>&1 | head -n 1)" '520300' \
	"who was not given an address calls nobody but its parent"

# --- by itself ------------------------------------------------------------------------
county link 520300 --address "$far" >/dev/null
county link 520303 --address "$far" >/dev/null
county link 520000 --address "$near" >/dev/null
door province
incident county 夜里的山洪 >/dev/null
"$yizhan" -C "$T/county" sync --watch >watch.out 2>&1 &
watch=$!
arrived() { [ "$(has province incident 夜里的山洪)" = 1 ]; }
ok "a watch whose parent is away goes past it by itself" wait_for 20 arrived
kill "$watch"
wait "$watch"
is "$?" 0 "and ends when it is told to"
watch=
door sibling

# --- no longer ---------------------------------------------------------------------------
ok "the city lists them no more" city roster peer remove 520302 520303
status 1 "which it can do once" city roster peer remove 520302 520303
sqlite3 city/local.db 'SELECT what, about, result FROM audit' >acts
ok "the audit log has the one that was done" \
	grep -qxF 'roster peer|520302 520303|done' acts
sqlite3 county/local.db 'SELECT what, about, result FROM audit' >acts
ok "and who set up a link" grep -qE '^link\|520[0-9]+\|done$' acts
cp sshd/keys open
door city
calls sibling 520300 >/dev/null
door sibling
like "$(calls county 520303 520300 520000)" '520303.*not let in' \
	"then the door is closed"
cp open sshd/keys
like "$(calls county 520303 520300 520000)" 'does not list them as peers' \
	"and one left open does not help"
door province
like "$(calls county 520000 520300 520303)" '520000.* in, complete' \
	"the other way stays open"
for s in province city county sibling; do
	ok "$s verifies" "$s" verify
done
tap_done
