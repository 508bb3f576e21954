#!/bin/sh
# Goal of this test: threat T18, killed at any write.  The making of a station,
# a save with its seal, a session that receives, a scrub, a backup, a restore and
# the making and giving up of the reserve are each killed with SIGKILL before
# their first, their next, ... write, fsync, rename and whatever else changes a
# file.  After each the station opens and verifies, nothing that was acknowledged
# is lost, a backup or a restored station is there whole or not at all, and the
# same command, once more, does its work and clears away what was left.
#
# T18_POINTS=N	at most so many kills for each system call of a command, evenly
#		spread over its calls (default 3; all: 100000)
# T18_ONLY=...	only these of: init save receive backup restore scrub full
# T18_FULL=1	instead of the kill each of these calls that may need room fails
#		with ENOSPC, and the command makes it good or says so in one line
#		(t17_points.sh, threat T17)
#
# shellcheck disable=SC2154 # what lib.sh sets
# shellcheck source=tests/lib.sh
if [ -z "${T18_INSIDE-}" ]; then
	# A namespace where this may mount; as root, or as nobody special.
	flags=-m
	[ "$(id -u)" -eq 0 ] || flags=-rm
	T18_INSIDE=1 exec unshare $flags sh "$0" "$@"
fi
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
daemon=
cleanup() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null
	sshd_stop
	wait
	cd "$T" && umount -l "$T/small" "$T/disk" 2>/dev/null
}
points=${T18_POINTS:-3}
if [ -z "${T18_FULL-}" ]; then
	instead="kill"
	calls="write pwrite64 fsync fdatasync rename renameat2 link unlink
		unlinkat mkdir rmdir ftruncate truncate fallocate syncfs"
else
	instead="ENOSPC"
	calls="write pwrite64 openat mkdir rename renameat2 link ftruncate
		fallocate fsync fdatasync"
fi

# A kill leaves the page cache as it is, so what lies below does not matter.
mkdir disk small
mount -t tmpfs -o size=800m tmpfs disk && mount -t tmpfs -o size=64m tmpfs small ||
	exit 1
y() { "$yizhan" -C "$T/disk/home" "$@"; }
back() { "$yizhan" -C "$T/disk/back" "$@"; }
cd disk || exit 1
ok "a station" y init 520300 --top --name 遵义市 --divisions none \
	--recovery sheet
printf '附件' >photo
ok "with an attachment" y add resource.team name=甲 rkind=R01 level=县级 \
	persons=3 files=@photo

# CALL N COMMAND...: killed before its N-th call, or that fails; false if it has
# fewer.  What it ends with is in $rc.
hit() {
	call=$1 when=$2
	shift 2
	hits=$((hits + 1)) rc=0
	rm -f hit
	"$build/tests/nth_call" hit "$call" "$when" $instead "$@" \
		>out 2>err || rc=$?
	[ -e hit ]
}
# Which calls of the trace changed something: "CALL N", those that failed and
# those that only looked left out, and at most $points of each call.
places() {
	sed -n 's/^[0-9]* *\([a-z0-9]*\)(/\1 /p' trace | awk -v most="$points" -v \
		full="${T18_FULL-}" '
		{ n[$1]++ }
		/ = -1 E/ || ($1 == "openat" && !/O_CREAT/) ||
			(full != "" && /^write [12],/) { next }
		{ at[$1, ++k[$1]] = n[$1] }
		END { for (c in k) {
			step = int((k[c] + most - 1) / most)
			for (i = 1; i <= k[c]; i += step) print c, at[c, i]
		} }'
}
# NAME COMMAND...: before each kill "before_NAME", after it "after_NAME",
# which prints what is wrong.
sweep() {
	name=$1
	shift
	"before_$name"
	# LeakSanitizer does not work below strace.
	ASAN_OPTIONS=detect_leaks=0 strace -f --seccomp-bpf -qq -o trace \
		-e "trace=$(echo $calls | tr ' ' ,)" -e signal=none "$@" \
		>out 2>err || :
	places >places
	rc=0
	wrong=$("after_$name")
	hits=0 missed=0
	while read -r call at <&3; do
		"before_$name"
		hit "$call" "$at" "$@" || missed=$((missed + 1))
		what=$("after_$name")
		if [ -n "${T18_FULL-}" ]; then
			# 3: something is left to look at, which is said.
			case $rc in 0 | 1 | 3) ;; *) what="$what exit $rc" ;; esac
			# Of a backup that is made but not logged it is said
			# what is in it, too.
			[ "$rc" -ne 1 ] || [ "$(grep -vc \
				'^its private keys are in it: ' err)" -eq 1 ] ||
				what="$what said: $(cat err)"
		elif [ -e hit ] && [ "$rc" -ne 137 ]; then
			what="$what it lived on: exit $rc"
		fi
		[ -z "$what" ] || wrong="$wrong
$call:$at: $what"
	done 3<places
	all=$((all + hits - missed))
	echo "# $name: $hits places, $((hits - missed)) hit;" \
		"$(cut -d ' ' -f 1 places | sort | uniq -c | tr -s ' \n' ' ')"
	ok "$name: it was stopped in many places" test "$hits" -ge 8
	# What there is to do differs: a scrub's first run mends more than those
	# after it, so some that were counted do not come again.
	ok "mostly" test "$missed" -le $((1 + hits / 2))
	is "$wrong" "" "$name: and each time all is well"
}
all=0
# NAME COMMAND...: its sweep, if it is one of those asked for.
part() {
	case " ${T18_ONLY:-init save receive backup restore scrub full} " in
	*" $1 "*) sweep "$@" ;;
	esac
}
holds() { # HOME: it opens, verifies, and says the same as before
	"$yizhan" -C "$T/disk/$1" verify >said 2>&1 || {
		echo "verify: $(cat said)"
		return
	}
	[ "$("$yizhan" -C "$T/disk/$1" digest 2>&1)" = "$digest" ] ||
		echo "the digest is another"
}

# --- a station that is made ----------------------------------------------------
fresh() { "$yizhan" -C "$T/disk/fresh" "$@"; }
make() { fresh init 520303 --top --name 汇川区 --divisions none; }
before_init() { rm -rf fresh; }
after_init() {
	# It is there whole, or it is made by the same command.
	fresh list org >said 2>&1 || make >said 2>&1 || echo "again: $(cat said)"
	# Between the first entry of the audit log and the file that says where it
	# ends, verify says what it says when somebody has removed that file.
	fresh verify >said 2>&1 || [ "$(grep -v checked said)" = "audit log:\
 HOME/audit, which says where it ends, is not there" ] ||
		echo "verify: $(cat said)"
	fresh add org otype=em name=局 >said 2>&1 || echo "save: $(cat said)"
}
part init "$yizhan" -C "$T/disk/fresh" init 520303 --top --name 汇川区 \
	--divisions none
rm -rf fresh

digest=$(y digest)

# --- a backup -------------------------------------------------------------------
mkdir nightly
before_backup() { rm -f nightly/*; }
whole() { # FILE
	rm -rf back
	back restore "$1" --recovery sheet >said 2>&1 || {
		echo "restore: $(cat said)"
		return
	}
	holds back
}
after_backup() {
	holds home
	for f in nightly/*.backup; do
		[ ! -e "$f" ] || whole "$f"
	done
	y backup nightly --to-recovery >file 2>said || {
		echo "again: $(cat said)"
		return
	}
	[ -z "$(find nightly ! -name '*.backup' -type f)" ] ||
		echo "left: $(ls nightly)"
	[ ! -e home/backup.tmp ] || echo "left: backup.tmp"
}
part backup "$yizhan" -C "$T/disk/home" backup nightly --to-recovery
rm -f nightly/*
ok "another is whole" sh -c \
	"'$yizhan' -C home backup nightly --to-recovery >file"
is "$(whole "$(cat file)")" "" "and restores"

# --- a restore ------------------------------------------------------------------
cp "$(cat file)" good.backup
before_restore() { rm -rf back; }
after_restore() {
	# A station is there whole, or there is none and it is made.
	[ -e back/station ] ||
		back restore good.backup --recovery sheet >said 2>&1 ||
		echo "again: $(cat said)"
	holds back
	[ -z "$(find back/restore.tmp -type f 2>&1 | grep -v 'No such')" ] ||
		echo "left: restore.tmp"
}
part restore "$yizhan" -C "$T/disk/back" restore good.backup --recovery sheet
# One that fails with half of it in its place takes that half back.
rm -rf back
ASAN_OPTIONS=detect_leaks=0 strace -f --seccomp-bpf -qq -o trace \
	-e trace=rename -e signal=none \
	"$yizhan" -C "$T/disk/back" restore good.backup --recovery sheet \
	>out 2>err
at=$(grep -n restore.tmp/station trace | cut -d : -f 1)
rm -rf back
status 1 "a restore fails when all but the last is in its place" \
	"$build/tests/nth_call" hit rename "$at" EIO \
	"$yizhan" -C "$T/disk/back" restore good.backup --recovery sheet
is "$(ls back 2>/dev/null)" "" "it takes back what it had moved"
ok "the same command, once more, does it" \
	back restore good.backup --recovery sheet
rm -rf back
mkdir -p back/keys && echo x >back/keys/sign
status 1 "what a person has put there is not taken for its own" \
	back restore good.backup --recovery sheet
is "$(cat back/keys/sign)" x "and stays"

# --- a scrub --------------------------------------------------------------------
victim=$(find home/ledger/resource.git/objects -type f | sort | head -n 1)
cp "$victim" victim.good
before_scrub() { # two kinds of damage
	chmod u+w "$victim"
	flip "$victim" 20
	flip home/yizhan.db 20481
}
flip() { # FILE AT: one bit of that byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 4)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
after_scrub() {
	[ "$(y digest 2>&1)" = "$digest" ] || echo "the digest is another"
	rc=0
	y scrub --alone >said 2>&1 || rc=$?
	[ "$rc" -eq 0 ] || [ "$rc" -eq 3 ] || echo "again: $(cat said)"
	cmp -s "$victim" victim.good || echo "the object is not as it was"
	holds home
}
part scrub "$yizhan" -C "$T/disk/home" scrub --alone
ok "another finds nothing" y scrub --alone

# --- a save ---------------------------------------------------------------------
: >acked
before_save() { :; }
after_save() {
	grep -E '^520300-[0-9a-f]{32}$' out >>acked
	y verify >said 2>&1 || echo "verify: $(cat said)"
	y add org otype=em name=局 >>acked 2>said || echo "again: $(cat said)"
}
part save "$yizhan" -C "$T/disk/home" add org otype=em name=局
y add org otype=em name=局 >>acked
y list org --limit 100000 --json | sed 's/^{"id":"\([^"]*\)".*/\1/' | sort >have
is "$(sort acked | comm -23 - have)" "" "nothing acknowledged is lost"
ok "they were some" test "$(wc -l <acked)" -ge 1

# --- a session that receives ------------------------------------------------------
child() { "$yizhan" -C "$T/disk/child" "$@"; }
ok "sshd starts" sshd_start
y invite 520302 --name 红花岗区 --address "127.0.0.1:$port" \
	--host-key "$T/sshd/host.pub" --auto -o invitation 2>/dev/null
y keys --authorized >"$T/sshd/keys"
child join invitation >said 2>&1
y keys --authorized >"$T/sshd/keys"
ok "a county joins" child sync
before_receive() { # something new, and a photo
	head -c 9000 /dev/urandom >photo
	y add resource.team name=乙 rkind=R01 level=市级 persons=3 \
		files=@photo >/dev/null
}
after_receive() {
	child verify >said 2>&1 || echo "verify: $(cat said)"
	child sync >said 2>&1 || echo "again: $(cat said)"
	[ "$(child digest 2>&1)" = "$(y digest 2>&1)" ] ||
		echo "the two differ"
	child verify --deep >said 2>&1 || echo "verify: $(cat said)"
}
part receive "$yizhan" -C "$T/disk/child" sync
sshd_stop
echo "# $all places in all"
[ -z "${T18_FULL-}" ] || { tap_done; exit; }

# --- the reserve ----------------------------------------------------------------
# On a disk of 64 MiB it is 4; a file like the daemon's is as good as its own.
cp -a home "$T/small/home"
rm "$T/small/home/anchor"
s() { "$yizhan" -C "$T/small/home" "$@"; }
ok "a station on a small disk" s resume --alone
fill() {
	rm -f "$T/small/filler"
	s rm org "$(tail -n 1 acked)" --why x >/dev/null 2>&1 || :
	fallocate -l 4194304 "$T/small/home/reserve"
	dd if=/dev/zero of="$T/small/filler" bs=64k 2>/dev/null || :
}
before_full() { fill; }
after_full() {
	s verify >said 2>&1 || echo "full: $(cat said)"
	[ "$(stat -c %s "$T/small/home/reserve")" -eq 0 ] ||
		echo "the reserve is kept though the disk is full"
	s add org otype=em name=局 >said 2>&1 && echo "it saves though full"
	grep -q 'the disk is full: nothing new is kept' said ||
		echo "again: $(cat said)"
	rm "$T/small/filler"
	s add org otype=em name=局 >said 2>&1 || echo "with room: $(cat said)"
}
fill
victim=$(s list org --json --limit 1 | sed 's/^{"id":"\([^"]*\)".*/\1/')
part full "$yizhan" -C "$T/small/home" set org "$victim" name=满
rm -f "$T/small/filler"

held() { [ "$(stat -c %b "$T/small/home/reserve")" -ge 8192 ]; }
serve() { # PREFIX...
	"$@" "$yizhan" -C "$T/small/home" serve --no-sync \
		--listen 127.0.0.1:0 >serve.out 2>&1 &
	daemon=$!
}
for call in fallocate openat; do
	rm -f "$T/small/home/reserve"
	case $call in
	# The one that makes the file is not known by number; by path it is.
	openat) serve strace -f -qq -o trace -P "$T/small/home/reserve" \
		-e trace=openat -e inject=openat:signal=SIGKILL:when=1 ;;
	*) serve strace -f -qq -o trace -e trace=$call \
		-e "inject=$call:signal=SIGKILL:when=1" ;;
	esac
	wait "$daemon" 2>/dev/null
	is "$?" 137 "the daemon was killed at $call, about to make the reserve"
	daemon=
	ok "the station verifies" s verify
	not_ok "there is none, or an empty one" held
	serve env
	ok "the next daemon makes it whole" wait_for 20 held
	kill "$daemon"
	wait "$daemon" 2>/dev/null
	daemon=
done
tap_done
