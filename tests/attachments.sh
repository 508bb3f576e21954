#!/bin/sh
# Goal of this test: attachments over a real sshd.  One of 4 MB over a line that
# is cut every 256 KB goes on where it was and costs at most 1.1 times its
# bytes, up and down.  A session that carries 50,000 records and the largest
# attachment both ways takes less than 64 MB of memory at either end.
#
#	ATTACH_RECORDS=N	each way (default 50000; 2000 under sanitizers)
#
# shellcheck disable=SC2154 # what lib.sh and sshd.sh set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
records=${ATTACH_RECORDS:-50000}
weighs=yes
if grep -q __asan_init "$yizhan"; then # its tables are larger
	weighs=
	records=${ATTACH_RECORDS:-2000}
fi

sshd_needed
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }

proxy=
cleanup() {
	[ -z "$proxy" ] || kill "$proxy" 2>/dev/null
	sshd_stop
}

# --- a city and a county; the called side's memory is written to called ------------
city init 520300 --top --name 遵义市 >/dev/null
sshd_begin
city invite 520302 --name 红花岗区 --auto --address "127.0.0.1:$port" \
	--host-key sshd/host.pub -o invitation >/dev/null 2>&1
city keys --authorized >sshd/keys
county join invitation >/dev/null
city keys --authorized |
	sed "s|command=\"|&env time -a -o $T/called -f %M |" >sshd/keys
ok "a county and its city are in step" county sync

# WHO BYTES NAME: a record there with an attachment of noise; $hash is its name.
attach() {
	head -c "$2" /dev/urandom >"$3.jpg"
	hash=$(sha256sum "$3.jpg" | cut -d ' ' -f 1)
	"$yizhan" -C "$T/$1" add resource.team "name=$3" rkind=R01 persons=3 \
		level=county lon=106.9 lat=27.7 "附件=@$3.jpg" >/dev/null
}
# HOME NAME: it has the very bytes.
has() { "$yizhan" -C "$T/$1" get "$hash" | cmp - "$2.jpg"; }

# --- cuts ------------------------------------------------------------------------
rm -f line.port
"$build/tests/proxy" -l "$T/line.log" -c 262144 "$T/line.port" "$port" &
proxy=$!
ok "a line that is cut every 256 KB" wait_for 5 test -s line.port
through_cuts() {
	: >line.log
	cuts=0
	until county sync >out 2>&1; do
		cuts=$((cuts + 1))
		[ $cuts -lt 60 ] && grep -q 'link was cut$' out || return 1
	done
	bytes=$(awk '{ n += $1 + $2 } END { print n + 0 }' line.log)
}
county link 520300 --address "127.0.0.1:$(cat line.port)" >/dev/null
for way in "county city" "city county"; do
	from=${way% *}
	to=${way#* }
	ok "$from has an attachment of 4 MB" attach "$from" 4000000 "$from"
	ok "it goes to $to through cuts" through_cuts
	is "$((cuts > 10))" 1 "$cuts of them"
	ok "every byte arrives" has "$to" "$from"
	ok "$bytes bytes are at most 1.1 times its own" \
		test "$bytes" -le 4400000
done
county link 520300 --address "127.0.0.1:$port" >/dev/null

# --- memory ------------------------------------------------------------------------
ok "the city writes $records records" \
	"$build/tests/bench/bench" fill city 520300 "$records"
ok "and so does the county" \
	"$build/tests/bench/bench" fill county 520302 "$records"
attach city 16777216 city-large
mine=$hash
attach county 16777216 county-large
called_is_written() { [ "$(wc -l <called)" -gt "$before" ]; }
before=$(wc -l <called)
ok "all of it goes over in one session" env time -o caller -f %M \
	"$yizhan" -C "$T/county" sync
ok "the county's attachment too" has city county-large
hash=$mine
ok "and the city's" has county city-large
is "$(city digest)" "$(county digest)" "both hold the same"
wait_for 20 called_is_written
echo "# KiB at most: caller $(cat caller), called $(tail -n 1 called)"
if [ -n "$weighs" ]; then
	ok "the caller took less than 64 MB" test "$(cat caller)" -lt 65536
	ok "and so did the called side" test "$(tail -n 1 called)" -lt 65536
fi
tap_done
