#!/bin/sh
# Goal of this test: a city and a county over a real sshd on loopback.
# Joining by fingerprint, news both ways, attachments, receipts that
# ssh-keygen accepts, another host key, an unknown key, a peer that says it is
# somebody else, --limit, --watch, and kill -9 of either side: nothing
# acknowledged is lost, and the next sync completes.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA

sshd_pid=
watch_pid=
proxy_pid=
cleanup() {
	for p in $sshd_pid $watch_pid $proxy_pid; do kill "$p" 2>/dev/null; done
	[ -z "$sshd_pid" ] || kill -CONT "$sshd_pid" 2>/dev/null
}

# --- an sshd of our own ------------------------------------------------------
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f host
start_sshd() { # on some free port
	for try in 1 2 3 4 5 6 7 8; do
		port=$((20000 + ($$ * 7 + try * 1313) % 12000))
		cat >sshd.conf <<-C
			Port $port
			ListenAddress 127.0.0.1
			HostKey $T/host
			PidFile none
			AuthorizedKeysFile $T/keys
			StrictModes no
			UsePAM no
			PasswordAuthentication no
			KbdInteractiveAuthentication no
			LogLevel ERROR
		C
		/usr/sbin/sshd -D -e -f sshd.conf </dev/null >/dev/null 2>sshd.log &
		sshd_pid=$!
		wait_for 1 sh -c "ssh-keyscan -p $port 127.0.0.1 | grep -q ssh" &&
			kill -0 "$sshd_pid" 2>/dev/null && return 0
		kill "$sshd_pid" 2>/dev/null
	done
	return 1
}
ok "sshd starts" start_sshd

city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
keys() { city keys --authorized >keys.new && mv keys.new keys; }
team() { # NAME [F=V...]: the county adds one
	team_name=$1
	shift
	county add resource.team "name=$team_name" rkind=R01 persons=3 \
		level=county lon=106.9 lat=27.7 "$@"
}
same() { [ "$(city digest)" = "$(county digest)" ]; }

# --- joining -----------------------------------------------------------------
city init 520300 --top >/dev/null
ok "the city invites" city invite 520302 --name 红花岗区 \
	--address "127.0.0.1:$port" --host-key host.pub -o invitation
keys
# What the county says is kept on the way.
sed -i "s,command=\",command=\"tee $T/asked | ," keys
# And sshd is kept from answering, so that the first is under way.
kill -STOP "$sshd_pid"
county join invitation >joined 2>&1 &
first=$!
wait_for 10 test -s county/station
status 1 "two at once do not join in one HOME" county join invitation \
	--recovery second
is "$(cat .out)" "yizhan: join: another set-up is under way in $T/county" \
	"which the second is told"
not_ok "and makes no sheet, which would be the wrong one" test -e second
kill -CONT "$sshd_pid"
ok "the first goes on" wait "$first"
fp=$(head -n 1 joined)
like "$fp" '^([0-9]{5}-){7}[0-9]{5}$' "join prints the fingerprint"
like "$(city status --json)" "\"fingerprint\":\"$fp\"" "the city sees the same"
# And once more, but the line is gone before its last word.
head -c -1 asked | city peer --invited 520302 >/dev/null 2>&1
unlike "$(city status --json)" '"trouble":"' "it lacks no line"
head -c 30 asked | city peer --invited 520302 >/dev/null 2>&1
unlike "$(city status)" 'cut' "nor if that fails as it asks again"
like "$(city status)" 'has asked and waits: .*yizhan confirm 520302$' \
	"but somebody who compares and confirms"
like "$(city doctor)" '^! child: 520302 asked at .*yizhan confirm 520302$' \
	"which doctor says too"
like "$(county status)" "waits for 520300 to confirm it: read $fp to" \
	"and the county's own status"
status 1 "until it is confirmed the county is not let in" county sync
like "$(county sync 2>&1)" \
	"^yizhan: sync: 520300 \\(127.0.0.1:$port\\): our key is not let in as .*: it has not confirmed this station yet; there: yizhan confirm 520302\$" \
	"and one line says so, and what is missing"
status 1 "another fingerprint is refused" city confirm 520302 \
	12345-12345-12345-12345-12345-12345-12345-12345
groups=$(echo "$fp" | tr - ' ')
status 1 "so is a group too few" city confirm 520302 "${groups% *}"
# shellcheck disable=SC2086
typed() { printf '%s\n' $groups | city confirm 520302; }
ok "the right one is not, typed group by group" typed
sqlite3 city/local.db 'SELECT what, about, result FROM audit' >acts
is "$(grep -cxF 'confirm|520302|done' acts)" 1 "the audit log has who did it"
keys
ok "the first sync completes" county sync
ok "and both hold the same" same

# --- news both ways ------------------------------------------------------------
head -c 300000 /dev/urandom >photo
sum=$(sha256sum photo | cut -c1-64)
id=$(team 红花岗区消防救援大队 files+=@photo)
city set list "$(city list list --json | head -n 1 | cut -d'"' -f4)" \
	note=改 >/dev/null
out=$(county sync)
like "$out" '^sync: 520300: 1 changesets sent, 1 received, 1 attachments sent' \
	"one goes up, one comes down, and the photo"
like "$out" ', complete$' "complete is said"
ok "both hold the same" same
city get "$sum" -o got
ok "the photo arrived whole" cmp photo got
like "$(county sync)" ' 0 changesets sent, 0 received, .* complete$' \
	"then there is nothing to send"
unlike "$(county status)" 'waits|stuck|trouble' "and nothing waits"
# Who closes the line at once cuts off his own last message on its way: sshd hands
# over no more when it reads both in one.  On this line it always does; and where
# an attachment is asked for, the caller's Bye is the last word of all.
"$build/tests/proxy" -g 100 line "$port" &
proxy_pid=$!
wait_for 10 test -s line
county link 520300 --address "127.0.0.1:$(cat line)" >/dev/null
heard=0
for n in 1 2 3; do
	head -c 20000 /dev/urandom >noise
	team "第${n}队" files+=@noise >/dev/null
	county sync >/dev/null
	case $(city status) in
	*trouble*) ;;
	*) heard=$((heard + 1)) ;;
	esac
done
is "$heard" 3 "the one who was called knows that it was complete, each time"
county link 520300 --address "127.0.0.1:$port" >/dev/null
kill "$proxy_pid"
proxy_pid=

# --- receipts, by stock tools ----------------------------------------------------
git="git --git-dir county/ledger/resource.git"
$git show refs/receipts/520300/520302:receipt >r
$git show refs/receipts/520300/520302:receipt.sig >r.sig
county roster --allowed-signers >signers
ok "ssh-keygen accepts the city's receipt" sh -c "ssh-keygen -Y verify \
	-f signers -I 520300@yizhan.invalid -n yizhan-receipt -s r.sig <r"
like "$(cat r)" '^520302-[0-9a-f]{8}/resource 5 [0-9a-f]{64}$' \
	"which names the chain's head"
ok "git finds no fault in the ledger" $git fsck --strict

# --- who may not ---------------------------------------------------------------
cp keys keys.good
sed 's/--as 520302/--as 520399/' keys.good >keys
like "$(county sync 2>&1)" 'it says it is 520302, but its key is that of 520399' \
	"a station cannot say it is another"
cp keys.good keys
kill "$sshd_pid"
wait "$sshd_pid" 2>/dev/null
mv host host.old
ssh-keygen -q -t ed25519 -N '' -f host <<-Y >/dev/null
	y
Y
/usr/sbin/sshd -D -e -f sshd.conf </dev/null >/dev/null 2>sshd.log &
sshd_pid=$!
wait_for 5 ssh-keyscan -p "$port" 127.0.0.1
like "$(county sync 2>&1)" \
	"^yizhan: sync: 520300 \\(127.0.0.1:$port\\): host key differs from the one" \
	"another host key is refused"
like "$(county status)" 'trouble +host key differs' "and status shows it"
like "$(LC_ALL=zh_CN.UTF-8 county status)" '主机密钥与登记的不同' \
	"in Chinese to who reads that, though it was noted in English"
shown=$(county sync 2>&1 |
	sed -n 's/.* it is \([-0-9]*\): if .* yizhan link 520300 --host-key FILE$/\1/p')
isnt "$shown" "" "the line says which it is, and what to do if that is right"
like "$(county doctor)" "parent: .* it is $shown: if .*yizhan link 520300" \
	"so does the doctor"
ssh-keygen -yf host >new.pub
is "$(city keys --host-key new.pub | sed -n 's/^host key *//p')" "$shown" \
	"who reads the city's keys out reads the same"
ssh-keyscan -t ed25519 -p "$port" 127.0.0.1 2>/dev/null |
	grep -o 'ssh-ed25519 .*' >taken
like "$(county link 520300 --host-key taken)" "^  host key   $shown\$" \
	"what was fetched over the line is compared once more"
like "$(county sync)" 'complete$' "after that the sync completes"
kill "$sshd_pid"
wait "$sshd_pid" 2>/dev/null
like "$(county sync 2>&1)" \
	'Connection refused: if .* yizhan link 520300 --address HOST:PORT$' \
	"where nobody answers the line tells how another address is set"
cp host.old host
ssh-keygen -yf host >old.pub
county link 520300 --host-key old.pub >/dev/null
/usr/sbin/sshd -D -e -f sshd.conf </dev/null >/dev/null 2>sshd.log &
sshd_pid=$!
wait_for 5 ssh-keyscan -p "$port" 127.0.0.1
unlike "$(county sync; county status)" 'trouble' "the old one is fine again"
status 2 "a limit of nothing is a usage error" county sync --limit 0

# --- a limit ---------------------------------------------------------------------
head -c 60000 /dev/urandom >noise
team 有照片的队 files+=@noise >/dev/null
began=$(date +%s%N)
like "$(county sync --limit 40000)" 'complete$' "a limited sync completes"
took=$((($(date +%s%N) - began) / 1000000))
ok "60 kB take 1.5 s and more at 40 kB/s ($took ms)" test "$took" -ge 1450

# --- watching ----------------------------------------------------------------------
"$yizhan" -C "$T/county" sync --watch >watch.out 2>&1 &
watch_pid=$!
there() { city list resource --json | grep -q "$1"; }
back() { county show resource "$id" --json | grep -q "$1"; }
county set resource "$id" name=新名 >/dev/null
ok "what the county writes shows at the city" wait_for 10 there 新名
city set resource "$id" status=busy >/dev/null
ok "what the city writes shows at the county" wait_for 10 back busy
kill "$watch_pid"
wait "$watch_pid"
is "$?" 0 "told to stop, it says Bye"
watch_pid=

# --- kill -9 -------------------------------------------------------------------------
i=0
while [ $i -lt 8 ]; do
	i=$((i + 1))
	team "队$i" >/dev/null
	county set resource "$id" "remark=第$i次" >/dev/null
	"$yizhan" -C "$T/county" sync >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$i"
	if [ $((i % 2)) -eq 0 ]; then
		kill -9 "$pid"
	else
		called=$(pgrep -f "$T/city peer --as" | head -n 1)
		[ -z "$called" ] || kill -9 "$called"
	fi
	wait "$pid" 2>/dev/null
done
like "$(county sync)" 'complete$' "after kill -9 of either side, it completes"
ok "both hold the same" same
is "$(city list resource --json | grep -c '"name":"队')" 8 "all of it"
ok "the city's chains verify" city verify
tap_done
