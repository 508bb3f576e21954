#!/bin/sh
# Goal of this test: a full disk (a real one: a tmpfs in a mount namespace of
# the test's own) stops saving and receiving with one sentence, by command and
# over HTTP; reading and dropping go on, nothing acknowledged is lost, and when
# there is room again all goes on by itself.  And where single writes fail for
# want of room, one after another, a command does its work or says so.
#
# T17_POINTS: at most so many writes fail of each sort (all: 100000)
# shellcheck disable=SC2154 # what lib.sh and its kind set
# shellcheck source=tests/lib.sh
if [ -z "${T17_INSIDE-}" ]; then
	# A namespace where this may mount; as root, or as nobody special.
	flags=-m
	[ "$(id -u)" -eq 0 ] || flags=-rm
	T17_INSIDE=1 exec unshare $flags sh "$0" "$@"
fi
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$T/ui
export YIZHAN_DATA YIZHAN_UI
cleanup() {
	desk_stop
	sshd_stop
	wait
	umount "$T/disk" "$T/shelf" 2>/dev/null
}
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/disk/county" "$@"; }
points=${T17_POINTS:-60}

mkdir disk ui
echo '<!doctype html>' >ui/index.html
mount -t tmpfs -o size=160m tmpfs disk || exit 1

# --- a city, and a county on the small disk --------------------------------------
city init 520300 --top >/dev/null
ok "sshd starts" sshd_start
city invite 520302 --address "127.0.0.1:$port" --host-key sshd/host.pub \
	-o invitation >/dev/null 2>&1
city keys --authorized >sshd/keys
fingerprint=$(county join invitation | head -n 1)
city confirm 520302 "$fingerprint" >/dev/null
city keys --authorized >sshd/keys
ok "the county joins" county sync
echo 'Night-watch-1' |
	county user add duty1 --name 值班员甲 --role officer >/dev/null
add() { county add resource.team "name=$1" rkind=R01 level=县级 persons=3; }
ok "it saves" add 甲
id=$(add 乙)
ok "its daemon starts" desk_start disk/county --no-sync
reserve() { stat -c %s disk/county/reserve 2>/dev/null; }
has_reserve() { [ "$(reserve)" -gt 1000000 ]; }
ok "and keeps a reserve" wait_for 10 has_reserve
ok "the officer logs in" login duty1 'Night-watch-1'
save() { # NAME: by HTTP; the status
	code duty1 POST /api/records/resource.team -d "{\"set\":{\"name\":\"$1\",
		\"rkind\":\"R01\",\"level\":\"县级\",\"persons\":\"3\"}}"
}
is "$(save 丙)" 201 "and saves"
held() { county list resource --limit 1000; }
held >before
county doctor >doctor.out 2>&1
like "$(cat doctor.out)" '^! disk: 0\.1 GB are free for .*: make room, or move it' \
	"doctor finds a disk that will soon be full"

# --- full ----------------------------------------------------------------------------
dd if=/dev/zero of=disk/filler bs=1M 2>/dev/null
is "$(df --output=avail disk | tail -n 1 | tr -d ' ')" 0 "the disk is full"
gave_up() { [ "$(reserve)" -eq 0 ]; }
ok "the reserve is given up" wait_for 10 gave_up
one_sentence() { # COMMAND...: refused, in one line about the disk
	rc=0
	"$@" >out 2>err || rc=$?
	[ "$rc" -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q 'the disk is full: nothing new is kept' err
}
ok "a save is refused in one sentence" one_sentence add 丁
is "$(save 戊)" 507 "over HTTP too"
like "$(body duty1 POST /api/records/resource.team -d '{"set":{"name":"己",
	"rkind":"R01","level":"县级","persons":"3"}}')" \
	'"code":"full","message":"the disk is full: nothing new is kept' \
	"in the same words"
held >now
ok "reading goes on" cmp before now
is "$(code duty1 GET "/api/records/resource/$id")" 200 "over HTTP too"
ok "a record can be dropped" county rm resource "$id" --why 重复登记
held >before
rc=0
county doctor >doctor.out 2>&1 || rc=$?
like "$(cat doctor.out)" '^! disk: it was full, and the reserve is used up' \
	"doctor says what to do"
city add resource.team name=市队 rkind=R01 level=市级 persons=9 >/dev/null
rc=0
county sync >out 2>err || rc=$?
is "$rc" 3 "a session takes in nothing"
like "$(cat err)" 'its disk is full: again later' "and says why"
dd if=/dev/zero of=disk/filler2 bs=4k 2>/dev/null
ok "with the reserve eaten up too the daemon still answers" \
	test "$(code duty1 GET "/api/records/resource/$id")" = 200

# --- room again ----------------------------------------------------------------------
rm disk/filler disk/filler2
ok "with room again the reserve is back" wait_for 10 has_reserve
ok "it saves" add 庚
is "$(save 辛)" 201 "over HTTP too"
county sync >out 2>&1
ok "the next session is complete" county sync
like "$(county list resource --limit 1000)" 市队 "and brought what was refused"
is "$(county digest | grep resource)" "$(city digest | grep resource)" \
	"both hold the same"
held >now
is "$(comm -23 before now)" "" "nothing that was held is lost"
ok "it verifies" county verify --deep
ok "and the scrub finds nothing" county scrub --alone
desk_stop

# --- one write after another ----------------------------------------------------------
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
lost='' loud='' failed=0
: >acked
try() { # SYSCALL WHEN
	rc=0
	strace -f --seccomp-bpf -qq -o trace -e "trace=$1" -e signal=none \
		-e "inject=$1:error=ENOSPC:when=$2" "$yizhan" \
		-C "$T/disk/county" add org otype=em "name=局$1$2" \
		>out 2>err || rc=$?
	grep -E '^520302-[0-9a-f]{32}$' out >>acked
	grep -q INJECTED trace || return 1
	failed=$((failed + 1))
	[ "$rc" -le 1 ] || loud="$loud $1:$2:$rc"
	[ "$rc" -eq 0 ] || [ "$(wc -l <err)" -eq 1 ] || loud="$loud $1:$2"
}
for call in write pwrite64 openat mkdir rename link ftruncate; do
	n=1
	while [ "$n" -le "$points" ] && try "$call" "$n"; do n=$((n + 1)); done
done
echo "# $failed writes failed, $(wc -l <acked) acknowledged"
ok "dozens of them failed" test "$failed" -ge 40
is "$loud" "" "each is made good or told in one line"
county list org --limit 10000 --json |
	sed 's/^{"id":"\([^"]*\)".*/\1/' | sort >have
lost=$(sort acked | comm -23 - have)
is "$lost" "" "nothing acknowledged is lost"
ok "the next command goes on" county add org otype=em name=最后
ok "it verifies" county verify --deep
county digest >before
ok "it is rebuilt" county rebuild
is "$(county digest)" "$(cat before)" "and is the same"

# --- no room where the nightly backups are kept ------------------------------------
mkdir shelf
mount -t tmpfs -o size=40m tmpfs shelf || exit 1
head -c 9000000 /dev/urandom >photo
ok "a photo makes a backup large" city add resource.team name=丙 rkind=R01 \
	level=市级 persons=3 files=@photo
echo 'Night-watch-1' >pass
nightly() { city backup shelf --keep 14 --passphrase pass; }
copies() { find shelf -type f | sort; }
for _ in 1 2 3; do nightly >made 2>err; done
is "$(copies | wc -l)" 3 "three have room"
oldest=$(copies | head -n 1)
ok "a fourth is made all the same" nightly
newest=$(grep '^shelf/' "$T/.out")
like "$(cat "$T/.out")" 'shelf: no room for another: the 1 oldest were removed' \
	"and says what gave way to it"
not_ok "the oldest" test -e "$oldest"
ok "the new one is restored" "$yizhan" -C "$T/again" restore "$newest" \
	--passphrase pass
photographed=$(city list resource.team --limit 1 --json | cut -d'"' -f4)
for _ in 1 2; do
	head -c 15000000 /dev/urandom >photo
	ok "more than all that is left" city set resource "$photographed" \
		files+=@photo
done
status 1 "then there is no room for one, whatever gives way" nightly
like "$(cat "$T/.out")" 'No space left' "which is said"
is "$(copies)" "$newest" "and the last that was made stays"
city doctor >doctor.out 2>&1
like "$(cat doctor.out)" '^! backup: the one of .* was not made .*No space left' \
	"doctor says so at once"
mount -o remount,size=80m shelf
ok "with room it is made" nightly
city doctor >doctor.out 2>&1
unlike "$(cat doctor.out)" 'was not made' "and doctor is content"
tap_done
