# shellcheck shell=sh
# shellcheck disable=SC2154 # T and yizhan are of lib.sh
# A real sshd on a free port of 127.0.0.1 for shell tests: sourced after
# lib.sh.  It lets in whom $T/sshd/keys names; sshd_start sets $port and
# $sshd_pid, and the public host key is $T/sshd/host.pub.  Options in
# $sshd_more ("-o NAME=VALUE ...") come before those here, and so count.

sshd_bin=/usr/sbin/sshd

# Why it cannot run here, if so.
sshd_missing() {
	[ -x "$sshd_bin" ] || { echo "no sshd"; return 0; }
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	return 1
}

# A test that is nothing without one begins with this, and where it wants it, when
# its cleanup() is there, goes on with sshd_begin.
sshd_needed() {
	if sshd_why=$(sshd_missing); then
		echo "1..0 # SKIP $sshd_why"
		exit 0
	fi
}
sshd_begin() {
	sshd_start && return
	fail "sshd starts" "$(cat "$T/sshd/log")"
	tap_done
}

sshd_is_up() {
	ssh-keyscan -T 2 -t ed25519 -p "$port" 127.0.0.1 2>/dev/null |
		grep -q ssh-ed25519
}

# sshd: 1 if it is ours and answers
sshd_try() { # PORT
	port=$1
	# shellcheck disable=SC2086
	"$sshd_bin" -D -e -f /dev/null ${sshd_more-} -o "Port=$port" \
		-o ListenAddress=127.0.0.1 -o "HostKey=$T/sshd/host" \
		-o "AuthorizedKeysFile=$T/sshd/keys" -o PidFile=none \
		-o StrictModes=no -o PasswordAuthentication=no \
		-o KbdInteractiveAuthentication=no \
		-o PermitRootLogin=prohibit-password \
		-o "UsePAM=$sshd_pam" -o Ciphers=aes256-ctr \
		-o MACs=hmac-sha2-512 -o MaxStartups=100 \
		2>"$T/sshd/log" &
	sshd_pid=$!
	wait_for 10 sshd_is_up_or_gone
	kill -0 "$sshd_pid" 2>/dev/null
}

sshd_is_up_or_gone() { ! kill -0 "$sshd_pid" 2>/dev/null || sshd_is_up; }

sshd_start() {
	mkdir -p "$T/sshd"
	[ -e "$T/sshd/host" ] ||
		ssh-keygen -q -t ed25519 -N '' -C test -f "$T/sshd/host"
	: >>"$T/sshd/keys"
	# Without PAM it refuses a user whose password is locked.
	sshd_pam=no
	if getent shadow "$(id -un)" 2>/dev/null | grep -q '^[^:]*:!'; then
		sshd_pam=yes
	fi
	sshd_from=$((20000 + $$ % 9000))
	for sshd_i in 1 2 3 4 5 6 7 8; do
		sshd_try $((sshd_from + 331 * sshd_i)) && return 0
	done
	return 1
}

sshd_stop() {
	[ -z "${sshd_pid-}" ] || kill "$sshd_pid" 2>/dev/null || :
}

# The called sides into $peers: yizhan below our sshd, or valgrind's own program
# with it.  Without a process of its own, so that it can be asked often.
sshd_peers() {
	peers=
	sshd_below "$sshd_pid"
}
sshd_below() { # PID
	sshd_kids=
	if [ -r "/proc/$1/task/$1/children" ]; then
		read -r sshd_kids <"/proc/$1/task/$1/children" || :
	fi 2>/dev/null
	set -- $sshd_kids
	while [ $# -gt 0 ]; do
		# shellcheck disable=SC3013 # every sh here has -ef
		[ ! "/proc/$1/exe" -ef "${YIZHAN_VALGRIND:-$yizhan}" ] || peers="$peers $1"
		sshd_below "$1"
		shift
	done
}
