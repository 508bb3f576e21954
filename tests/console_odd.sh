#!/bin/sh
# Goal of this test: what only looks like something that the console asks for is
# refused in one line, and nothing is done: bodies that are no object, numbers
# that are none or do not fit, names with characters that do not show, and
# whoever calls this machine by another name; and a folder has one server, even
# after that was killed.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
y() { "$yizhan" -C "$T/home" "$@"; }
cleanup() {
	desk_stop
	wait
}

y init 520302 --top --name 红花岗区 >/dev/null 2>&1
for a in sys1:system sec1:security aud1:audit duty1:officer; do
	echo Night-watch-1 | y user add "${a%:*}" --role "${a#*:}"
done
ok "the console runs" desk_start home --no-sync
for a in sys1 sec1 aud1 duty1; do
	ok "$a logs in" login "$a" Night-watch-1
done

# WHO METHOD PATH WHAT [CURL-ARGUMENT...]: it is refused, in a line that says so.
refused() {
	what=$4
	call "$1" "$2" "$3" "$(shift 4; printf '%s' "${1--s}")" \
		"$(shift 4; printf '%s' "${2--s}")" >said
	is "$(tail -n 1 said)" 400 "$what"
	like "$(sed '$d' said)" '^.{1,400}$' "in a line"
}

# --- bodies ------------------------------------------------------------------------
for b in '[1]' '"x"'; do
	refused duty1 POST /api/records/resource.team "the body $b is no object" -d "$b"
	like "$(cat said)" 'one JSON object is wanted' "which it says"
done

# --- numbers -----------------------------------------------------------------------
for n in 99999999999999999999 5x '' 0x10; do
	refused duty1 GET "/api/records/resource?_limit=$n" "_limit=$n is no number"
	refused aud1 GET "/api/audit?_below=$n" "nor is _below=$n"
done
is "$(code duty1 GET '/api/records/resource?_limit=5')" 200 "5 is one"
for n in 0x1p3 nan; do
	refused duty1 GET "/api/near?lon=$n&lat=27&km=5" "lon=$n is no number"
done
is "$(code duty1 GET '/api/near?lon=1.069e2&lat=27&km=5')" 200 "1.069e2 is one"
for b in '{}' '{"minutes":"5"}' '{"minutes":307445734561826}'; do
	refused sec1 POST /api/users/duty1/idle "an idle time of $b is none" -d "$b"
done
is "$(sqlite3 home/local.db "SELECT idle FROM user WHERE login = 'duty1'")" 0 \
	"and none is set"
is "$(code sec1 POST /api/users/duty1/idle -d '{"minutes":30}')" 200 \
	"half an hour is one"

# --- names -------------------------------------------------------------------------
for n in '\u202e' '\u2028' '\u0085'; do
	refused sys1 POST /api/users "a name with $n is none" \
		-d '{"login":"new1","name":"甲'"$n"'乙","password":"Night-watch-2"}'
	refused duty1 POST /api/tokens "nor of a token" \
		-d '{"login":"duty1","name":"甲'"$n"'乙","role":"viewer"}'
done
is "$(code sys1 POST /api/users -d '{"login":"new1","name":"欧阳·Ås é",
	"password":"Night-watch-2"}')" 201 "a name of many letters is one"

# --- by what name this machine is called ----------------------------------------------
as() { # HOST: a login of somebody whose browser thinks that this is HOST
	curl -s -o said -w '%{http_code}' -H "Host: $1" -H "Origin: http://$1" \
		-H 'Sec-Fetch-Site: same-origin' "$url/api/login" \
		-d '{"login":"duty1","password":"Night-watch-1"}'
}
port=${url##*:}
for h in evil.example "evil.example:$port" "127.0.0.1.evil.example:$port" \
	"localhost.evil.example" "[evil]:$port"; do
	is "$(as "$h")" 403 "by the name $h nobody logs in"
done
like "$(cat said)" 'this machine is not called' "which it says"
for h in "127.0.0.1:$port" "localhost:$port" "[::1]:$port" "LOCALHOST"; do
	is "$(as "$h")" 200 "as $h he does"
done

# --- one server ---------------------------------------------------------------------
status 1 "a second server of the folder is refused" \
	y serve --no-sync --listen 127.0.0.1:0
is "$(wc -l <.out) $(grep -c 'running already' .out)" "1 1" "in one line"
is "$(code duty1 GET /api/me)" 200 "the first goes on"
kill -9 "$serve_pid"
wait "$serve_pid" 2>/dev/null
serve_pid=
ok "once that was killed, another starts" desk_start home --no-sync
desk_stop
is "$(cat serve.err)" "" "the server has not complained"
tap_done
