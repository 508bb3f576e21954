# shellcheck shell=sh
# TAP for shell tests: sourced first, ended with tap_done.
#
#	. "${top_srcdir:-.}/tests/lib.sh"
#	ok "the folder is made" mkdir a
#	not_ok "it is not made twice" mkdir a
#	is "$(ls)" a "it is alone"
#	status 2 "no command is a usage error" "$yizhan"
#	tap_done
#
# A test runs in a folder of its own, $T, which is removed at the end; top and
# build are the absolute source and build folders, yizhan the program.  A
# script that ends before tap_done has no plan, which counts as an error.

top=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
yizhan=$build/yizhan
T=$(mktemp -d "${TMPDIR:-/tmp}/yizhan-test.XXXXXX") || exit 1
cd "$T" || exit 1
export top build yizhan T
export LC_ALL=C.UTF-8
unset LANGUAGE
tap_n=0
tap_bad=0

# Redefine to stop what the test has started.
cleanup() { :; }
tap_exit() {
	tap_rc=$?
	trap - EXIT
	cleanup
	cd / && rm -rf "$T"
	exit "$tap_rc"
}
trap tap_exit EXIT
trap 'exit 1' HUP INT PIPE TERM

pass() { # WHAT
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

fail() { # WHAT [DETAIL]
	tap_n=$((tap_n + 1))
	tap_bad=$((tap_bad + 1))
	echo "not ok $tap_n - $1"
	[ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

# WHAT COMMAND...: it must exit 0.  Its output is shown if it does not.
ok() {
	tap_what=$1
	shift
	if "$@" >"$T/.out" 2>&1; then
		pass "$tap_what"
	else
		fail "$tap_what" "exit $? from: $*
$(tail -n 20 "$T/.out")"
	fi
}

# WHAT COMMAND...: it must fail.
not_ok() {
	tap_what=$1
	shift
	if "$@" >"$T/.out" 2>&1; then
		fail "$tap_what" "exit 0 from: $*"
	else
		pass "$tap_what"
	fi
}

# WANT WHAT COMMAND...: it must exit WANT.
status() {
	tap_want=$1 tap_what=$2 tap_rc=0
	shift 2
	"$@" >"$T/.out" 2>&1 || tap_rc=$?
	if [ "$tap_rc" -eq "$tap_want" ]; then
		pass "$tap_what"
	else
		fail "$tap_what" "exit $tap_rc, not $tap_want, from: $*
$(tail -n 20 "$T/.out")"
	fi
}

is() { # GOT WANT WHAT
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3" "got  $1
want $2"
	fi
}

isnt() { # GOT UNWANTED WHAT
	if [ "$1" != "$2" ]; then pass "$3"; else fail "$3" "got $1"; fi
}

like() { # TEXT PATTERN WHAT: an extended regular expression
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		pass "$3"
	else
		fail "$3" "no match for $2 in:
$1"
	fi
}

unlike() { # TEXT PATTERN WHAT
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		fail "$3" "a match for $2 in:
$1"
	else
		pass "$3"
	fi
}

# SECONDS COMMAND...: try five times a second until it exits 0.  Below valgrind
# all takes many times as long.
wait_for() {
	tap_slower=${YIZHAN_VALGRIND:+10}
	tap_left=$(($1 * 5 * ${tap_slower:-1}))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tap_left=$((tap_left - 1))
		[ "$tap_left" -gt 0 ] || return 1
		sleep 0.2
	done
}

tap_done() {
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
	exit
}
