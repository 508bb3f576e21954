#!/bin/sh
# Goal of this test: two watched hops over a real sshd.  A county watches its
# city, the city watches the province.  What the county writes is readable at
# the province, and what the province writes at the county, while both watches
# go on, with nobody asking; also after the link in the middle was cut, and
# with a photo.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
sshd_needed
city_pid='' county_pid=''
cleanup() {
	for p in $city_pid $county_pid; do kill "$p" 2>/dev/null; done
	sshd_stop
}
sshd_begin

province() { "$yizhan" -C "$T/province" "$@"; }
city() { "$yizhan" -C "$T/city" "$@"; }
county() { "$yizhan" -C "$T/county" "$@"; }
# Behind one port: each key opens its parent's home.
door() {
	{
		province keys --authorized
		[ ! -e city ] || city keys --authorized
	} >keys.new && mv keys.new sshd/keys
}
enrol() { # PARENT CODE NAME CHILD
	"$1" invite "$2" --name "$3" --address "127.0.0.1:$port" \
		--host-key sshd/host.pub --auto -o "i-$2" 2>/dev/null
	door
	"$yizhan" -C "$T/$4" join "i-$2" >/dev/null 2>&1
	door
	"$4" sync >/dev/null
}
province init 520000 --top --divisions none --name 贵州省 >/dev/null
enrol province 520300 遵义市 city
enrol city 520302 红花岗区 county
city sync >/dev/null
is "$(province roster | grep -c '^ *5203')" 2 "a province, a city, a county"

"$yizhan" -C "$T/city" sync --watch >city.out 2>&1 &
city_pid=$!
"$yizhan" -C "$T/county" sync --watch >county.out 2>&1 &
county_pid=$!
incident() { # STATION TITLE [F=V...]
	incident_who=$1 incident_title=$2
	shift 2
	"$incident_who" add incident "title=$incident_title" type=11D01 level=4 \
		--incomplete "$@"
}
has() { # STATION KIND TEXT
	"$1" list "$2" --json | grep -q "$3"
}

# --- up and down ---------------------------------------------------------------
id=$(incident county 山洪一)
ok "what the county writes is at the province" \
	wait_for 60 has province incident 山洪一
ok "a team too" county add resource.team name=县队 rkind=R01 persons=3 \
	level=county lon=106.9 lat=27.7
ok "that comes after it" wait_for 60 has province resource 县队
ok "the province writes" province add resource.team name=省队 rkind=R01 \
	persons=3 level=province lon=106.7 lat=26.6
ok "that is at the county" wait_for 60 has county resource 省队
county set incident "$id" title=山洪改 >/dev/null
ok "a change goes up the same way" wait_for 60 has province incident 山洪改
head -c 200000 /dev/urandom >photo
sum=$(sha256sum photo | cut -c1-64)
ok "with a photo" county set incident "$id" files+=@photo
arrived() { province get "$sum" -o got && cmp -s photo got; }
ok "which arrives whole" wait_for 60 arrived

# --- the middle was away ---------------------------------------------------------
kill "$city_pid"
wait "$city_pid"
is "$?" 0 "the city's watch is told to stop"
incident county 山洪二 >/dev/null
ok "what the county writes stays at the city" \
	wait_for 60 has city incident 山洪二
status 1 "and is not at the province" has province incident 山洪二
"$yizhan" -C "$T/city" sync --watch >city.out 2>&1 &
city_pid=$!
ok "it goes on when the city calls again" \
	wait_for 60 has province incident 山洪二
kill -0 "$county_pid"
is "$?" 0 "the county's watch has gone on all the while"
kill "$city_pid" "$county_pid"
wait "$city_pid" "$county_pid"
city_pid='' county_pid=''
like "$(county digest --stream resource)" "[0-9a-f]{64}" "a digest"
is "$(county digest --stream resource)" \
	"$(province digest --stream resource)" \
	"county and province hold the same of what everybody holds"
for s in province city county; do
	ok "$s verifies" "$s" verify
done
tap_done
