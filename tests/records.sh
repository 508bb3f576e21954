#!/bin/sh
# Goal of this test: a person at one station adds, changes, finds and drops
# records by commands, as scripts rely on it (exit codes, what is on stdout,
# JSON lines), and everything done is in the record's history.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/forge.sh
. "$top/tests/forge.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
y() { "$yizhan" -C "$T/home" "$@"; }

ok "a station is founded" y init 520302 --top

# --- adding -----------------------------------------------------------------
id=$(y add resource.team name=红花岗区消防救援大队 rkind=R01 persons=32 \
	lon=106.9 lat=27.7 level=县级 skills=water --as 值班员甲 2>err)
like "$id" '^520302-[0-9a-f]{32}$' "add prints the id alone"
is "$(cat err)" "" "and nothing on stderr"
p=$(echo "$id" | cut -c1-11)
json=$(y show resource "$p" --json)
like "$json" '^\{"id":"'"$id"'","kind":"resource","owner":"520302",' \
	"a prefix of four digits finds it; JSON begins with id, kind, owner"
like "$json" '"lon":"106\.9000000"' "decimals are texts"
like "$json" '"persons":32[,}]' "whole numbers are numbers"
like "$json" '"level":"county"' "a label became its code"
like "$json" '"status":"unknown"' "a default is filled in"
like "$json" '"exercise":false' "yes and no are true and false"
like "$json" '"created_by":"值班员甲"' "--as names the person"
ok "labels are Chinese where the locale is" \
	sh -c "LC_ALL=zh_CN.UTF-8 '$yizhan' -C home show resource $p |
		grep -qx '资源类别: 救援队伍 (R01)'"
ok "and English elsewhere" \
	sh -c "'$yizhan' -C home show resource $p | grep -qx 'Persons: 32 person'"

status 1 "what is incomplete is refused" y add resource.team name=x
like "$(y add resource.team name=x 2>&1)" \
	'^yizhan: add: required: .*level 级别.*persons 队伍人数' \
	"with one line that names all that is missing"
is "$(y add resource.team name=x 2>/dev/null)" "" "and nothing on stdout"
status 1 "the register is never let be incomplete" \
	y add resource.team name=x --incomplete
status 1 "an unknown kind is refused" y add resorce name=x
status 2 "no arguments are a usage error" y add
status 2 "an unknown option too" y add org name=x --nonsense
status 1 "too many digits are refused" y set resource "$p" lon=106.12345678

# --- changing ---------------------------------------------------------------
is "$(y set resource "$p" 状态=可用 skills+=medical skills-=water)" "" \
	"set is silent when it has changed something"
like "$(y show resource "$p" --json)" '"skills":\["medical"\]' \
	"elements come and go"
before=$(y show resource "$p" --history --json | wc -l)
like "$(y set resource "$p" status=ready)" nothing "nothing new: it says so"
is "$(y show resource "$p" --history --json | wc -l)" "$before" \
	"and writes nothing"
ok "a field is cleared" y set resource "$p" status_at="2026-11-23 09:05"
like "$(y show resource "$p" --json)" \
	'"status_at":"2026-11-23T09:05:00\+08:00"' "a time is local ISO 8601"
y set resource "$p" status_at=
unlike "$(y show resource "$p" --json)" status_at "cleared is absent"

# --- personal, and the history ----------------------------------------------
y set resource "$p" leader_mobile=13985200000 --as 值班员乙
like "$(y show resource "$p" --history --json | tail -n 1)" \
	'"chain":"520302-[0-9a-f]{8}/personal@520302"' \
	"a private number is in the personal stream"
like "$(y show resource "$p" --history)" '值班员乙 .*signature good' \
	"the history names the person and checks the signature"
cs=$(y show resource "$p" --history --json | tail -n 1 |
	sed 's/.*"changeset":"\([0-9a-f]*\)".*/\1/')
ssh-keygen -q -t ed25519 -N '' -f stranger
forge home personal "$cs" 冒名者
like "$(y show resource "$p" --history)" '冒名者 .*SIGNATURE BAD' \
	"another name put into the ledger is not vouched for"
forge_put home "$cs" "$forge_was"
forge home personal "$cs" 冒名者 stranger
echo "520302@yizhan.invalid $(cat stranger.pub)" >strangers
ok "nor is it when a stranger's key has signed it anew" git -c \
	gpg.format=ssh -c "gpg.ssh.allowedSignersFile=$T/strangers" \
	--git-dir home/ledger/personal.git verify-commit "$forge_oid"
like "$(y show resource "$p" --history)" '冒名者 .*SIGNATURE BAD' \
	"whose signature holds, but is not the station's"
forge_put home "$cs" "$forge_was"
like "$(y show resource "$p" --history | tail -n 3)" \
	'值班员乙 .*signature good' "what was there before is good"
ok "stock git reads the changeset of the public part" \
	sh -c "git --git-dir=home/ledger/resource.git cat-file -p \
	\$(git --git-dir=home/ledger/resource.git for-each-ref \
	--format='%(objectname)' refs/chains | head -n 1):ops | grep -q '$id'"
not_ok "which has no private number" sh -c "git --git-dir=home/ledger/resource.git \
	log --all -p | grep -q 13985200000"

# --- attachments --------------------------------------------------------------
echo 预案 >plan.txt
hash=$(sha256sum plan.txt | cut -d' ' -f1)
ok "a file is attached" y set resource "$p" files=@plan.txt
is "$(y get "$hash")" 预案 "get prints it"
ok "or writes it" y get "$hash" -o copy.txt
ok "unchanged" cmp plan.txt copy.txt
status 1 "what is not there is not got" y get "$(printf '0%.0s' $(seq 64))"

# --- finding -----------------------------------------------------------------
b=$(y add resource.shelter name=官井小学 cap_person=300 \
	level=乡镇级 lon=106.95 lat=27.7)
is "$(y list resource | wc -l)" 2 "list has both"
is "$(y list resource.shelter)" "$b  官井小学" "a sub-kind has its own"
is "$(y list resource status=可用 | cut -c1-39)" "$id" "a filter by label"
is "$(y list resource persons= | cut -c1-39)" "$b" "a filter for no value"
is "$(y list resource --sort name --limit 1 | cut -c1-39)" "$b" "sorted, one"
is "$(y find 消防 | cut -d' ' -f1,3)" "$id resource" "find by two characters"
is "$(y find 井 | cut -c1-39)" "$b" "find by one"
is "$(y find 没有)" "" "what is nowhere is not found"
is "$(y near 106.9 27.7 10 | cut -c1-8 | tr -d ' ' | tr '\n' ' ')" \
	"0.00 4.92 " "near has the nearest first, in km"
is "$(y near 106.9 27.7 1 rkind=R04)" "" "and nothing beyond the distance"

# --- reports are never changed ------------------------------------------------
inc=$(y add incident title=舟水桥山体滑坡 type=11D01 level=4 state=处置中 \
	occurred_at=2026-11-23T16:00 learned_at=2026-11-23T16:05 \
	place=舟水桥街道 division=520302 source=hotline sensitive=否)
like "$(y show incident "$inc" --json)" '"incident_no":"520302-[0-9]{8}-001"' \
	"an incident gets its number"
status 1 "an emergency may be incomplete, but not by oversight" \
	y add incident title=山洪
e=$(y add incident title=山洪 --incomplete)
like "$(y show incident "$e" --json)" '"title":"山洪"' "then it is there"
unlike "$(y show incident "$e" --json)" '"place"|"level"' "with its gaps"
status 1 "a title it must have" y add incident place=深溪镇 --incomplete
status 1 "and what is given must be right" \
	y add incident title=山洪 level=很大 --incomplete
like "$(y set report 520302-0000 x=y 2>&1)" 'no report' "there is no report"
plan=$(y add duty_log item=other at=2026-11-23T16:01 content=接报 \
	shift=x 2>&1)
like "$plan" 'yizhan: add: ' "a reference to nothing is refused"

# --- dropping -----------------------------------------------------------------
status 2 "a drop needs --why" y rm resource "$p"
ok "a record is dropped" y rm resource "$p" --why 重复登记
is "$(y list resource | cut -c1-39)" "$b" "it is not listed"
is "$(y list resource --removed | wc -l)" 2 "unless asked for"
is "$(y find 消防)" "" "nor found"
is "$(y near 106.9 27.7 1)" "" "nor near"
like "$(y show resource "$p" --json)" \
	'"removed":true,"removed_reason":"重复登记"' "show tells why"
status 1 "it is not dropped twice" y rm resource "$p" --why again

# --- defining -----------------------------------------------------------------
ok "the root defines a field" y add field kind=resource.shelter field=wells \
	type=int label_zh=水井数 label_en=Wells min=0
ok "which is used at once" y set resource "$b" 水井数=2
like "$(y show resource "$b")" '^Wells: 2$' "and shown"
status 1 "its bounds hold" y set resource "$b" wells=-1
f=$(y list field field=wells | cut -c1-39)
status 1 "its type never changes" y set field "$f" type=text
status 1 "it is never dropped" y rm field "$f" --why no
ok "after all this a scrub finds nothing in records, index and counts" \
	y scrub --alone
like "$(cat "$T/.out")" ' 0 things put right, 0 to be fetched again, 0 beyond' \
	"and says so"
tap_done
