#!/bin/sh
# Goal of this test: the console's API is as it describes itself, by another's
# validator and by calling all of it; every operation is open to the roles
# that are meant to have it and to nobody else; forged requests, scripts and
# SQL are refused or come out inert.  The operations and kinds are taken from
# the description, so that none can be forgotten.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$T/ui
export YIZHAN_DATA YIZHAN_UI
y() { "$yizhan" -C "$T/home" "$@"; }
cleanup() {
	desk_stop
	sshd_stop
	wait
}

# The validators, by the lock file; kept between runs.
desk_tools=$build/api-test
mkdir -p "$desk_tools" ui
cp "$top/tests/api/"* "$desk_tools"
echo '<!doctype html>start' >ui/index.html
ok "npm brings the validators" sh -c "cd '$desk_tools' && npm ci \
	--ignore-scripts --no-audit --no-fund --loglevel=error"

y init 520302 --top --name 红花岗区 >/dev/null 2>&1
for a in sys1:system sec1:security aud1:audit duty1:officer edit1:editor \
	view1:viewer new1:none; do
	echo Night-watch-1 | y user add "${a%:*}" --role "${a#*:}"
done
# A station asks to join.
ok "sshd starts" sshd_start
HOST_KEY=$(cut -d ' ' -f 1-2 sshd/host.pub)
ASKED_CODE=520303
y invite $ASKED_CODE --address "127.0.0.1:$port" --host-key sshd/host.pub \
	-o invitation 2>/dev/null
y keys --authorized >sshd/keys
ASKED_FINGERPRINT=$("$yizhan" -C "$T/child" join invitation 2>/dev/null |
	head -n 1)
export HOST_KEY ASKED_CODE ASKED_FINGERPRINT
# And one that is there: of a field of its own record, both have written; and
# what its program wrote into another's is held apart.
sub() { "$yizhan" -C "$T/sub" "$@"; }
y invite 520322 --address "127.0.0.1:$port" --host-key sshd/host.pub \
	-o sub.invitation 2>/dev/null
y keys --authorized >sshd/keys
y confirm 520322 "$(sub join sub.invitation 2>/dev/null | head -n 1)" >/dev/null
y keys --authorized >sshd/keys
ours=$(y add resource.team name=本站队 rkind=R01 level=县级 persons=5)
ok "a station below has joined" sub sync
theirs=$(sub add resource.team name=下站队 rkind=R01 level=县级 persons=6)
ok "and brought something" sub sync
sub set resource "$theirs" status=busy >/dev/null
y set resource "$theirs" status=down >/dev/null
"$build/tests/pen" "$T/sub" resource resource "$ours" name '"改名"' 张三
"$build/tests/pen" "$T/sub" resource resource "$ours" persons 7 张三
ok "and is of another mind" sub sync
is "$(y conflicts | wc -l) $(y quarantine | wc -l)" "2 2" \
	"which shows as a conflict, and what it may not as held"

ok "the console runs" desk_start home --no-sync
URL_OF_DESK=$url
HOST_OF_DESK=${url#http://}
POWERS=$top/tests/data/powers
export URL_OF_DESK HOST_OF_DESK POWERS
desk_script powers.mjs
desk_script openapi.mjs
desk_script hostile.mjs
is "$(sqlite3 home/local.db 'PRAGMA integrity_check')" ok "the people's book is whole"
is "$(cat serve.err)" "" "the server has not complained"
desk_stop
like "$(y verify)" ', 0 faults$' "and what was written holds"
cp -a home copy
ok "a copy of the station runs" desk_start copy --no-sync
URL_OF_DESK=$url
desk_script copy.mjs
desk_stop
tap_done
