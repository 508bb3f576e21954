# shellcheck shell=sh
# shellcheck disable=SC2154 # T and yizhan are of lib.sh
# The console's server on a free port of 127.0.0.1, and curl as its browser:
# sourced after lib.sh.  Each WHO has a cookie jar and a token of its own.

serve_pid=
url=

# HOME [ARGUMENT...]: sets $url and $serve_pid.
desk_start() {
	desk_home=$1
	shift
	: >serve.out
	"$yizhan" -C "$desk_home" serve --listen "${desk_listen:-127.0.0.1:0}" \
		"$@" >serve.out 2>>serve.err &
	serve_pid=$!
	wait_for 60 grep -q '^https*://' serve.out || return 1
	url=$(sed -n '1s,/$,,p' serve.out)
	# It names the machine's addresses; tests stay within it.
	[ -z "${desk_listen-}" ] ||
		url=${url%%:*}://${desk_listen%:*}:${url##*:}
}

desk_stop() {
	[ -n "$serve_pid" ] || return 0
	kill "$serve_pid" 2>/dev/null
	desk_rc=0
	wait "$serve_pid" || desk_rc=$?
	serve_pid=
	return "$desk_rc"
}

# WHO METHOD PATH [CURL-ARGUMENT...]: prints body, then the status.
call() {
	call_who=$1 call_method=$2 call_path=$3
	shift 3
	curl -s -b "$call_who.jar" -c "$call_who.jar" -X "$call_method" \
		-H "X-Yizhan-Token: $(cat "$call_who.token" 2>/dev/null)" \
		-w '\n%{http_code}\n' "$@" "$url$call_path"
}
code() { call "$@" | tail -n 1; }
body() { call "$@" | sed '$d'; }
login() { # LOGIN PASSWORD [MORE-MEMBERS]
	body "$1" POST /api/login -d \
		"{\"login\":\"$1\",\"password\":\"$2\"${3-}}" >"$1.login"
	sed -n 's/.*"csrf":"\([^"]*\)".*/\1/p' "$1.login" >"$1.token"
	grep -q '"csrf"' "$1.login"
}
# The first text member of that name on standard input.
text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# A script of tests/api, or of its copy in $desk_tools, whose lines are checks.
desk_script() { # NAME.mjs
	node_rc=0
	node "${desk_tools-$top/tests/api}/$1" >said 2>complained || node_rc=$?
	while IFS= read -r line; do
		case $line in
		"ok "*) pass "${line#ok }" ;;
		"not ok "*) fail "${line#not ok }" ;;
		*) echo "$line" ;;
		esac
	done <said
	grep -q '^ok ' said || node_rc="nothing checked"
	is "$node_rc" 0 "$1 came to its end"
	[ "$node_rc" = 0 ] || sed 's/^/# /' complained
}
