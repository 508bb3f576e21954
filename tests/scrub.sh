#!/bin/sh
# Goal of this test: what has rotted at a city beyond turning bits back is
# brought again from a child: at once from one that is on the line, whether the
# parent is away or has never had it; and else when the child calls next.
# shellcheck disable=SC2154 # what lib.sh and its kind set
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
watch_pid=
cleanup() {
	[ -z "$watch_pid" ] || kill "$watch_pid" 2>/dev/null
	sshd_stop
}
province() { "$yizhan" -C "$T/province" "$@"; }
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
keys() { # STATION...: whose children and peers are let in
	for station in "$@"; do "$station" keys --authorized; done >sshd/new
	mv sshd/new sshd/keys
}
join() { # PARENT CHILD CODE NAME
	"$1" invite "$3" --name "$4" --address "127.0.0.1:$port" --host-key sshd/host.pub \
		-o invitation >/dev/null 2>&1
	keys province city 2>/dev/null
	fingerprint=$("$2" join invitation | head -n 1)
	"$1" confirm "$3" "$fingerprint" >/dev/null
	keys province city 2>/dev/null
	"$2" sync
}
erase() { # FILE...: more than a turned bit is gone of each
	for f in "$@"; do
		chmod u+w "$f"
		head -c 24 /dev/urandom | dd of="$f" bs=1 conv=notrunc \
			seek=$(($(stat -c %s "$f") / 3)) 2>/dev/null
	done
}
# What came from the county: its changesets, and the photo.
rot() {
	find city/ledger/resource.git/objects -type f ! -name '*.idx' >objects
	# shellcheck disable=SC2046
	erase $(cat objects) city/blobs/*/*
}

province init 520000 --top --name 贵州省 --divisions none >/dev/null
ok "sshd starts" sshd_start
ok "a city joins" join province city 520300 遵义市
ok "a county joins" join city county 520302 红花岗区
ok "the city speaks to the province" city sync

# --- a parent that is away, a child on the line ------------------------------------
"$yizhan" -C "$T/county" sync --watch >watch.out 2>&1 &
watch_pid=$!
head -c 30000 /dev/urandom >photo
hash=$(sha256sum <photo | cut -d ' ' -f 1)
id=$(county add resource.team name=红花岗大队 rkind=R01 level=县级 persons=32 \
	files=@photo)
for n in 1 2 3 4 5 6; do county set resource "$id" persons=$n >/dev/null; done
arrived() { city show resource "$id" --json | grep -q '"persons":6' &&
	city get "$hash" >/dev/null; }
ok "what it writes has come to the city" wait_for 20 arrived
city verify --deep >/dev/null && city digest >want
keys city # and so the province lets in nobody
status 1 "the province is away" city sync
rot
status 3 "what the county wrote is damaged at the city" city scrub --alone
like "$(cat "$T/.out")" ' [1-9][0-9]* to be fetched again, ' \
	"and is wanted"
ok "the scrub has it brought by the county" city scrub
like "$(cat "$T/.out")" ' [1-9][0-9]* things put right, 0 to be fetched again' \
	"and says so"
ok "all is there" city verify --deep
is "$(city digest)" "$(cat want)" "as it was"
ok "the photo too" sh -c "'$yizhan' -C city get $hash | cmp - photo"
ok "the county is on the line still" kill -0 "$watch_pid"

# --- a parent that has never had it --------------------------------------------------
province keys --authorized >>sshd/keys
county set resource "$id" persons=7 >/dev/null
arrived() { city show resource "$id" --json | grep -q '"persons":7'; }
ok "more has come" wait_for 20 arrived
city digest >want
not_ok "which the province has not got" sh -c \
	"'$yizhan' -C province show resource $id --json | grep -q '\"persons\":7'"
rot
ok "the scrub asks both" city scrub
ok "all is there" city verify --deep
is "$(city digest)" "$(cat want)" "as it was"

# --- a child that is not on the line -------------------------------------------------
kill "$watch_pid"
wait "$watch_pid" 2>/dev/null
watch_pid=
keys city
rot
status 3 "while nobody is there it stays wanted" city scrub
is "$(city digest)" "$(cat want)" "what the records say is as before"
ok "the county calls" county sync
ok "and with that all is there" city scrub
like "$(cat "$T/.out")" ' 0 to be fetched again, 0 beyond help' "and said"
ok "it verifies" city verify --deep
tap_done
