#!/bin/sh
# Goal of this test: the console's pages in a real browser, at a county whose
# city is a real station over a real sshd.  Log in, find a depot by two
# characters, change it, see that at the city, decide a conflict, attach a
# photo, switch the language, all by keyboard, and go on when the line is
# cut; axe-core has nothing serious to say, and nothing is asked of the
# outside.  Pictures of every page are left in ui-shots/ of the build folder.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$top/src/web/ui:$build/src/web/ui
export YIZHAN_DATA YIZHAN_UI
serve_pids=
cleanup() {
	for p in $serve_pids; do kill "$p" 2>/dev/null; done
	sshd_stop
	wait
}

for tool in chromium node npm sqlite3; do
	command -v "$tool" >/dev/null || {
		echo "1..0 # SKIP no $tool"
		exit 0
	}
done
if sshd_missing; then
	echo "1..0 # SKIP no sshd"
	exit 0
fi

# --- what every page says it says in Chinese too ----------------------------------
ok "every message of the pages is in zh.js" node "$top/tests/ui/messages.mjs" \
	"$top/src/web/ui"

# --- the browser's driver, by the lock file ----------------------------------------
tools=$build/ui-test
mkdir -p "$tools"
cp "$top/packaging/ui/package.json" "$top/packaging/ui/package-lock.json" "$tools"
ok "npm brings the browser's driver" sh -c "cd '$tools' && npm ci \
	--ignore-scripts --no-audit --no-fund --loglevel=error"

# --- nothing that an old browser does not know --------------------------------------
is "$(node "$top/tests/ui/syntax.mjs" "$tools" "$top/src/web/ui" \
	"$build/src/web/ui")" "" \
	"the pages are of Chromium 100, and colours and sizes stand in tokens.css"

# --- a city and a county -------------------------------------------------------------
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
keys() { city keys --authorized >"$T/sshd/keys"; }
ok "sshd starts" sshd_start
city init 520300 --top --name 遵义市 >/dev/null
city invite 520302 --name 红花岗区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" -o invitation >/dev/null 2>&1
keys
fp=$(county join invitation | head -n 1)
city confirm 520302 "$fp" >/dev/null
keys
ok "the county's first sync completes" county sync

at() { TZ=CST-8 date -d "$1" '+%F %H:%M'; } # stations' clocks
n=0
for place in 南关街道 老城街道 深溪镇 金鼎山镇 海龙镇 忠庄街道 长征街道 新蒲镇; do
	n=$((n + 1))
	county add resource.depot "name=${place}物资储备库" rkind=R03 level=county \
		store_type=own status=ready area=$((n * 150)) phone=0851-2822334$n \
		"address=遵义市红花岗区${place}${n}号" lon=106.9$((n * 37 % 10)) \
		lat=27.6$((n * 53 % 10)) exercise=否 --as 管理员丁 >id.$n || exit 1
	county add resource.team "name=${place}救援队" rkind=R01 level=town \
		persons=$((n * 4 + 7)) status="$([ $((n % 3)) -eq 0 ] && echo busy ||
			echo ready)" lon=106.8$((n * 71 % 10)) lat=27.7$((n * 29 % 10)) \
		phone=0851-2823117$n exercise=否 --as 管理员丁 >team.$n
	county add resource.shelter "name=${place}中心小学" rkind=R04 level=town \
		status=ready cap_person=$((n * 110)) lon=106.9$((n * 17 % 10)) \
		lat=27.7$((n * 43 % 10)) exercise=否 --as 管理员丁 >/dev/null
done
ok "an incident" county add incident incident_no=520302-1 \
	title=南关街道居民楼燃气泄漏 type=12000 level=3 state=responding \
	"learned_at=$(at '-84 min')" "occurred_at=$(at '-90 min')" \
	place=南关街道红军路12号 division=520302001 source=hotline dead=0 missing=0 \
	injured=4 trapped=0 evacuated=136 lon=106.92 lat=27.68 sensitive=否 \
	exercise=否 --as 值班员甲
ok "one that is not complete" county add incident --incomplete title=深溪镇山体滑坡阻断道路 \
	type=11000 state=reported "learned_at=$(at '-9 min')" exercise=否 \
	--as 值班员甲
ok "an exercise" county add incident incident_no=520302-2 \
	title=海龙镇水库险情处置 type=11A03 level=2 state=responding \
	"learned_at=$(at '-200 min')" "occurred_at=$(at '-200 min')" place=海龙水库 \
	division=520302 source=superior dead=0 missing=0 injured=0 trapped=0 \
	sensitive=否 exercise=是 --as 值班员甲
county add org name=红花岗区应急管理局 otype="$(sed -n '2s/	.*//p' \
	"$YIZHAN_DATA/codes/org_type.tsv")" --as 值班员甲 >org
for person in '王建国 leader 0851-28221101 01' '李秀英 officer 0851-28221102 02'; do
	# shellcheck disable=SC2086 # four words
	set -- $person
	county add contact "name=$1" org="$(cat org)" post=值班 "mobile=139852000$4" \
		"office_phone=$3" --as 值班员甲 >contact
	county add duty_shift "duty_date=$(at now | cut -c 1-10)" \
		"start_time=$(at '-5 hour')" "end_time=$(at '+7 hour')" "role=$2" \
		"person=$(cat contact)" "phone=$3" --as 值班员甲 >/dev/null
done
ok "both stations hold it" county sync
county set resource "$(cat id.2)" status=busy --as 值班员甲 >/dev/null
city set resource "$(cat id.2)" status=down --as 市调度员 >/dev/null
# Two that nobody decides while the story is told.
county set resource "$(cat team.4)" persons=31 --as 值班员甲 >/dev/null
was=$(date +%s) # so that the page can tell their times apart
turned() { [ "$(date +%s)" != "$was" ]; }
wait_for 3 turned
city set resource "$(cat team.4)" persons=26 --as 市调度员 >/dev/null
county set resource "$(cat id.7)" lon=106.931 lat=27.655 --as 值班员甲 >/dev/null
city set resource "$(cat id.7)" lon=106.945 lat=27.661 --as 市调度员 >/dev/null
county sync >/dev/null
# A third station, under a program that does not ask whose a record is.
next() { "$yizhan" -C "$T/next" "$@"; }
city invite 520303 --address "127.0.0.1:$port" --host-key "$T/sshd/host.pub" \
	-o next.invitation >/dev/null 2>&1
keys
fp=$(next join next.invitation | head -n 1)
city confirm 520303 "$fp" >/dev/null
keys
next sync >/dev/null
pen() { "$build/tests/pen" "$T/next" "$@" 张三; }
ok "a neighbour writes into the county's record" \
	pen resource resource "$(cat id.3)" name '"汇川区接管"'
ok "and into the vocabulary" pen roster kind \
	"520303-$(printf '%032d' 1)" label_zh '"汇川区的类型"'
ok "twice" pen roster kind "520303-$(printf '%032d' 2)" label_zh '"又一类型"'
ok "and calls the city" next sync
ok "the county hears of it" county sync
is "$(county quarantine | grep -c '520303')" 3 "and holds it apart"
like "$(county conflicts)" 'status' "two who did not know of each other differ"
for who in city county; do
	echo 'Night-watch-1' | $who user add duty1 --name 值班员甲 --role officer
	echo 'Night-watch-1' | $who user add sys1 --name 系统管理员 --role system
	echo 'Night-watch-1' | $who user add sec1 --name 安全管理员 --role security
	echo 'Night-watch-1' | $who user add aud1 --name 审计管理员 --role audit
done >/dev/null
for who in city county; do
	"$yizhan" -C "$T/$who" serve --listen 127.0.0.1:0 >$who.out 2>$who.err &
	serve_pids="$serve_pids $!"
	ok "the console of the $who listens" wait_for 20 grep -q '^http' $who.out
done

# --- the browser ------------------------------------------------------------------------
shots=$build/ui-shots
# Not the folder: ui_setup.sh may be leaving its own in it.
rm -f "$shots"/*.png
mkdir -p "$shots"
mkfifo line.cut
(
	read -r word <line.cut
	# The line is cut: who would let in a new session, then those there are.
	[ "$word" = cut ] && sessions=$(pgrep -P "$sshd_pid")
	# shellcheck disable=SC2086 # several
	kill "$sshd_pid" $sessions
) &
heard() { # STORY
	while IFS='	' read -r verdict what detail; do
		case $verdict in
		ok) pass "$what" ;;
		not) fail "$what" "$detail" ;;
		*) echo "# $verdict $what" ;;
		esac
	done <said
	ok "$1 was told to its end" grep -q '^# told' said
}
story() { # NAME ARGUMENT...: UI_ONLY names the one that is wanted
	name=$1
	shift
	[ "${UI_ONLY:-$name}" = "$name" ] || return 0
	NODE_PATH=$tools/node_modules node "$top/tests/ui/$name.mjs" "$tools" \
		"$(sed 's,/$,,' county.out)" "$(sed 's,/$,,' city.out)" "$shots" \
		"$@" >said 2>why ||
		fail "the story of $name ends well" "$(tail -n 20 why)"
	heard "the story of $name"
}
story console "$(cat id.1)" "$T/line.cut" "$yizhan" "$T/county" "$(cat id.3)"
# It ends with the line cut.
if [ "${UI_ONLY:-console}" != console ]; then
	wait_for 30 pgrep -P "$sshd_pid" >/dev/null
	echo cut >line.cut
fi
wait "$sshd_pid"
# A new door, for who joins in the story: the county knocks at the old one.
ok "sshd starts anew" sshd_try $((port + 7))
cat >door.sh <<EOF
"$yizhan" -C "$T/city" keys --authorized >"$T/sshd/keys"
EOF
story pages "$yizhan" "$T/county" "$T/city" "$(cat id.1)" "$T/door.sh" \
	"$port" "$(cut -d ' ' -f 1-2 sshd/host.pub)"
sed 's/^/# county: /' county.err
tap_done
