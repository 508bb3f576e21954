# shellcheck shell=sh
# A real sshd on a free port of 127.0.0.1 for shell tests: sourced after
# lib.sh.  It lets in whom $T/sshd/keys names; sshd_start sets $port and
# $sshd_pid, and the public host key is $T/sshd/host.pub.

sshd_bin=/usr/sbin/sshd

# Why it cannot run here, if so.
sshd_missing() {
	[ -x "$sshd_bin" ] || { echo "no sshd"; return 0; }
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	return 1
}

sshd_is_up() {
	ssh-keyscan -T 2 -t ed25519 -p "$port" 127.0.0.1 2>/dev/null |
		grep -q ssh-ed25519
}

# sshd: 1 if it is ours and answers
sshd_try() { # PORT
	port=$1
	"$sshd_bin" -D -e -f /dev/null -o "Port=$port" \
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

# Processes below PID, a line each.
below() { # PID
	for below_pid in $(pgrep -P "$1"); do
		echo "$below_pid"
		(below "$below_pid")
	done
}

# The called sides: yizhan below our sshd.
sshd_peers() {
	for sshd_p in $(below "$sshd_pid"); do
		case $(readlink "/proc/$sshd_p/exe" 2>/dev/null) in
		*/yizhan) echo "$sshd_p" ;;
		esac
	done
}
