#!/bin/sh
# Goal of this test: a bit that turns in any file of the data folder never
# becomes an answer: what is asked afterwards comes out as before or fails.
# The scrub then puts it right, with one peer reachable; and where whole
# sectors are gone, it brings back from there what it cannot mend, and what the
# replica and the ledger have both lost.
#
# T19_FLIPS: how many (1,000 for the long form); T19_SEED: where they begin.
# shellcheck disable=SC2154 # what lib.sh and its kind set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
cleanup() { sshd_stop; }
flips=${T19_FLIPS:-24}
seed=${T19_SEED:-$$}
echo "# $flips flips from seed $seed"

city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }

# --- a city and a county, with something of everything -------------------------
city init 520300 --top >/dev/null
ok "sshd starts" sshd_start
city invite 520302 --address "127.0.0.1:$port" --host-key sshd/host.pub \
	-o invitation >/dev/null 2>&1
city keys --authorized >sshd/keys
fingerprint=$(county join invitation | head -n 1)
city confirm 520302 "$fingerprint" >/dev/null
city keys --authorized >sshd/keys
ok "the county joins" county sync
head -c 40000 /dev/urandom >photo
rows() { # PREFIX FROM TO
	echo '名称,类别,级别,队伍人数'
	seq "$2" "$3" | sed "s/.*/$1&,R01,县级,&/"
}
rows 消防队 1 120 >teams.csv
county import resource.team teams.csv --as 李四 >/dev/null
city add resource.team name=市队 rkind=R01 level=市级 persons=9 >/dev/null
id=$(county add resource.team name=红花岗大队 rkind=R01 level=县级 persons=32 \
	files=@photo --as 李四)
for n in 1 2 3 4 5 6; do
	county set resource "$id" persons=$n --as 李四 >/dev/null
done
ok "all is at both" county sync
ok "and receipts too" county sync

# What people ask.
ask() {
	county digest && county list resource --limit 1000 && county find 消防 --limit 200 &&
		county show resource "$id" --history &&
		county log >log && sort log && county conflicts && county quarantine
}
ask >want 2>/dev/null
ok "the county answers" test "$(wc -l <want)" -gt 200
ok "a scrub finds nothing" county scrub
like "$(cat "$T/.out")" ' 0 things put right, 0 to be fetched again, 0 beyond' \
	"and says so"

# --- bits ------------------------------------------------------------------------
rnd() { # N: 0 to N - 1, from the seed on
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	r=$((seed >> 8))
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	r=$(((r << 22) ^ (seed >> 8)))
	r=$((r % $1))
}
# A file by its bytes, or any file: into $file and $size.
pick() { # BY
	find county -type f -size +0 ! -name '*-wal' ! -name '*-shm' \
		-printf '%s %p\n' | LC_ALL=C sort -k 2 >files
	if [ "$1" -eq 0 ]; then
		rnd "$(awk '{ n += $1 } END { print n }' files)"
		awk -v at="$r" '{ if (at < $1) { print; exit } at -= $1 }' \
			files >file
	else
		rnd "$(wc -l <files)"
		sed -n "$((r + 1))p" files >file
	fi
	read -r size file <file
}
turn() { # FILE OFFSET BIT
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	chmod u+w "$1"
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((byte ^ (1 << $3))))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
# Asked of, it says what it said before, or fails: 0 the same, 1 another answer,
# 2 none.
answer() {
	ask >got 2>err || return 2
	cmp -s want got
}
mended() { # of scrub.out
	sed -n 's/.*checked, \([0-9]*\) things put right, .*/\1/p' scrub.out
}
wrong=0 left=0 found=0 harmless=0 brought=0 i=0
: >trouble
while [ "$i" -lt "$flips" ]; do
	i=$((i + 1))
	pick $((i % 2))
	rnd "$size"
	at=$r
	rnd 8
	what="$file byte $at bit $r"
	turn "$file" "$at" "$r"
	# Sometimes somebody asks before the scrub comes.
	refused=0
	if [ $((i % 4)) -lt 2 ]; then
		answer && rc=0 || rc=$?
		[ $rc -ne 2 ] || refused=1
		if [ $rc -eq 1 ]; then
			wrong=$((wrong + 1))
			echo "answered wrongly: $what: $(diff want got |
				head -n 3)" >>trouble
		fi
	fi
	county scrub >scrub.out 2>&1
	rc=$?
	n=$(mended)
	if [ $rc -ne 0 ] || ! answer; then
		# A station whose anchor is damaged goes on after a session.
		brought=$((brought + 1)) refused=1
		cp scrub.out scrub.first
		county sync >sync.out 2>&1
		county scrub >scrub.out 2>&1
		rc=$?
		if ! answer || [ $rc -ne 0 ]; then
			left=$((left + 1))
			echo "not right again: $what: $(cat scrub.first \
				scrub.out err sync.out | head -n 12)
$(diff want got | head -n 5)" >>trouble
			cp got want
		fi
	fi
	if [ "$refused" -eq 1 ] || [ "${n:-1}" -gt 0 ]; then
		found=$((found + 1))
	else
		harmless=$((harmless + 1))
		echo "$file" | sed 's,/[0-9a-f][0-9a-f]/.*,/...,' >>unused
	fi
done
echo "# $flips bits turned: $found found, $harmless harmless;" \
	"$((found - left)) of $found put right, $brought after a session;" \
	"$wrong wrong answers"
[ ! -e unused ] || sort unused | uniq -c | sort -rn | head -n 20 | sed 's/^/# harmless: /'
is "$wrong" 0 "nothing is ever answered wrongly"
ok "of $found found 99 in 100 are put right" test $((left * 100)) -le "$found"
sed 's/^/# /' trouble

# The smallest files, which a random offset seldom meets: what stops every
# command is put right too.
for f in keys/ssh:53:7 keys/sign:2:1 station:7:0 station:18:2 anchor:20:1 \
	ledger/resource.git/HEAD:3:3 ledger/roster.git/config:9:1; do
	at=${f#*:}
	turn "county/${f%%:*}" "${at%:*}" "${at#*:}"
	county scrub >scrub.out 2>&1
	county sync >sync.out 2>&1
	ask >got 2>err
	ok "a bit of ${f%%:*} is turned back" cmp want got
	ok "and then all is well" county scrub
done

# --- sectors -----------------------------------------------------------------------
ok "before the sectors it is well" county scrub
erase() { # FILE OFFSET
	chmod u+w "$1"
	head -c 512 /dev/urandom |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
for f in county/ledger/*.git/objects/pack/*.pack; do
	erase "$f" $(($(stat -c %s "$f") / 2))
	erase "$f" $(($(stat -c %s "$f") / 4))
done
f=$(find county/blobs -type f | head -n 1)
erase "$f" 20000
ok "sectors of the ledger and of an attachment are brought back" county scrub
like "$(cat "$T/.out")" '[1-9][0-9]* things put right, 0 to be fetched' \
	"and said"
ok "it verifies" county verify --deep
ask >got 2>err
ok "and answers as before" cmp want got
erase county/yizhan.db 8192
erase county/yizhan.db 40960
erase county/yizhan.db 400000
erase county/yizhan.db 0
not_ok "a replica with lost sectors answers nothing" ask
ok "it is folded anew from the ledger" county scrub
like "$(cat "$T/.out")" 'yizhan.db was damaged: folded anew' "and said"
ask >got 2>err
ok "and answers as before" cmp want got
# --- both copies -------------------------------------------------------------------
# Of rosters, of which the replica and the ledger have one each: as objects of
# their own, in packs, and in the database's pages.
rosters=county/ledger/roster.git
git -C $rosters rev-list --objects --glob='refs/rosters/*' | cut -c 1-40 >objects
while read -r object; do
	file=$rosters/objects/$(echo "$object" | sed 's,^..,&/,')
	[ ! -e "$file" ] || erase "$file" 0
	for f in "$rosters"/objects/pack/*.idx; do
		[ -e "$f" ] || continue
		at=$(git show-index <"$f" | sed -n "s/^\([0-9]*\) $object .*/\1/p")
		[ -z "$at" ] || erase "${f%.idx}.pack" "$at"
	done
done <objects
LC_ALL=C grep -abo '"scope":"[r5]' county/yizhan.db | cut -d : -f 1 >places
ok "the rosters stand in both" test -s objects -a -s places
while read -r at; do erase county/yizhan.db $((at / 512 * 512)); done <places
not_ok "with sectors of both gone nothing is answered" ask
ok "the scrub fetches them" county scrub
like "$(cat "$T/.out")" 'rosters were lost .* fetched from 520300' "and says so"
ok "it verifies" county verify --deep
ask >got 2>err
ok "and answers as before" cmp want got
ok "the station goes on" county add resource.team name=新队 rkind=R01 \
	level=县级 persons=1
ok "and speaks to its parent" county sync
tap_done
