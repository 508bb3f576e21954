#!/bin/sh
# Goal of this test: threat T10, a malicious server that has the right key.  The
# key exchange and the login are well; then, instead of a station, a program
# speaks that means harm: text, zeros or noise without end, an endless standard
# error, also to one who listens more slowly than it is said, a byte now and then,
# nothing at all, half a Hello.  Each call ends by itself with 1 and one clean
# line, the program stays small, and the station goes on.
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
sshd_needed
cleanup() { sshd_stop; }
sshd_begin

city() { "$yizhan" -C "$T/city" "$@"; }
door() { city keys --authorized >"$T/keys.new" && mv "$T/keys.new" "$T/sshd/keys"; }

# One county for each, so that they can wait side by side.
cat >hostile <<'END'
01 text yes
02 zeros cat /dev/zero
03 noise cat /dev/urandom
04 errors yes >&2
05 drip while :; do printf '\001'; sleep 1; done
06 silence sleep 600
07 half-a-Hello printf '\001\000\024YIZHAN\001\001520300'; sleep 600
08 both yes >&2 & cat /dev/urandom
09 an-end true
10 a-long-frame printf '\301\100\000'; cat /dev/zero
11 faster-than-we yes >&2
END
city init 520300 --top --divisions none --name 遵义市 >/dev/null
while read -r i name what; do
	city invite "5203$i" --name "县$i" --address "127.0.0.1:$port" \
		--host-key "$T/sshd/host.pub" --auto -o "i-$i" 2>/dev/null
done <hostile
door
while read -r i name what; do
	"$yizhan" -C "$T/5203$i" join "i-$i" >/dev/null 2>&1 </dev/null
done <hostile
door
while read -r i name what; do
	"$yizhan" -C "$T/5203$i" sync </dev/null
	"$yizhan" -C "$T/5203$i" add org otype=em name=局 >/dev/null
done <hostile >joined
is "$(grep -c 'complete$' joined)" 11 "eleven counties join"

cp sshd/keys good
while read -r i name what; do
	printf '%s\n' "$what" >"evil-$i"
	grep -- "--as 5203$i" good |
		sed "s|command=\"[^\"]*\"|command=\"sh $T/evil-$i\"|"
done <hostile >sshd/keys
is "$(grep -c evil- sshd/keys)" 11 "each then meets another stranger"

# Bounds of the machine, not measures of speed: an idle one takes 28 s.
bound=120
[ -z "${YIZHAN_VALGRIND-}" ] || bound=1200
# Each look at the line takes it so long that more has come; below valgrind it
# is slow enough.
cat >slow <<END
#!/bin/sh
ASAN_OPTIONS=detect_leaks=0 exec strace -f --seccomp-bpf -qq -o /dev/null \
	-e trace=recvfrom -e inject=recvfrom:delay_exit=5000 -e signal=none \
	"$yizhan" "\$@"
END
chmod +x slow
call() { # COUNTY
	run=$yizhan
	[ "$1" -ne 11 ] || [ -n "${YIZHAN_VALGRIND-}" ] || run=./slow
	timeout "$bound" /usr/bin/time -o "used-$1" -f '%M %e' \
		"$run" -C "$T/5203$1" sync >"out-$1" 2>"err-$1"
	echo $? >"rc-$1"
}
calls=
while read -r i name what; do
	call "$i" </dev/null &
	calls="$calls $!"
done <hostile
# shellcheck disable=SC2086
wait $calls
most=65536
# The tables of sanitizers and of valgrind are larger.
[ -z "${YIZHAN_VALGRIND-}" ] && ! grep -q __asan_init "$yizhan" || most=1000000
while read -r i name what; do
	is "$(cat "rc-$i")" 1 "$name: the call fails"
	is "$(grep -c '^yizhan: sync: 520300' "err-$i") $(wc -l <"err-$i")" \
		"1 1" "with one line"
	unlike "$(LC_ALL=C cat -v "err-$i")" '\^|M-' "that is clean"
	read -r kib took <<-END
		$(tail -n 1 "used-$i")
	END
	echo "# $took s, $kib KiB: $(cat "err-$i")"
	ok "and a small program" test "$kib" -lt "$most"
done <hostile

cp good sshd/keys
while read -r i name what; do
	"$yizhan" -C "$T/5203$i" sync </dev/null
done <hostile >again
is "$(grep -c 'complete$' again)" 11 "the right one is welcome afterwards"
is "$(city list org --json | grep -c '^{"id":')" 11 "and gets what waited"
tap_done
