#!/bin/sh
# For "make check-valgrind": tests whose program, wherever it is started, runs
# below valgrind.
#
#	valgrind.sh begin	in the build folder: makes valgrind/, a build
#				folder whose yizhan runs so, all else being
#				that of the real one
#	valgrind.sh run TEST	a test program itself below valgrind
#	valgrind.sh tool	the file that such a process executes
#	valgrind.sh judge	what all of them said: 1 if anything was found
#
# Of a process that was killed what was found up to then counts; of one that
# ended, what it lost, too.  Nobody's exit status is trusted to tell.  What sshd
# and other programs lose that ours starts is theirs.
dir=$PWD/valgrind
here=$(cd "$(dirname "$0")" && pwd)
flags="--error-exitcode=9 --suppressions=$here/valgrind.supp --leak-check=full --show-leak-kinds=definite
	--errors-for-leak-kinds=definite --vgdb=no --trace-children-skip=/usr/sbin/*,/usr/bin/*,/bin/*
	--log-file=$dir/logs/%p.%q{YIZHAN_STARTED}" # pids come again in a long run
# What is lost "indirectly" hangs on a block that is lost, one that is suppressed
# too.
found='ERROR SUMMARY: [1-9]|definitely lost: [1-9]|^==[0-9]+== (Invalid |Conditional jump|Use of uninit|Syscall param|Mismatched free|Source and destination overlap|Argument .* fishy)|default action of signal (4|6|7|8|11)|valgrind: '

begin() {
	rm -rf "$dir"
	mkdir -p "$dir/logs" || return
	chmod 1777 "$dir/logs" # a test runs the program as nobody
	for f in "$PWD"/*; do
		case ${f##*/} in
		valgrind | yizhan) ;;
		*) ln -s "$f" "$dir" ;;
		esac
	done
	cat >"$dir/yizhan" <<-END
	#!/bin/sh
	LD_PRELOAD='$PWD/tests/valgrind.so'
	read -r YIZHAN_STARTED _ </proc/uptime # a test counts programs
	export LD_PRELOAD YIZHAN_STARTED
	case " \$* " in
	*" keys --authorized "*)
		# What it prints of itself, for sshd, is to name this instead.
		$(command -v valgrind) $(echo $flags) --trace-children=yes '$PWD/yizhan' "\$@" \\
			>'$dir/keys.'\$\$ && sed 's,$PWD/yizhan,$dir/yizhan,' \\
			'$dir/keys.'\$\$ ;;
	*) exec $(command -v valgrind) $(echo $flags) --trace-children=yes '$PWD/yizhan' "\$@" ;;
	esac
	END
	chmod +x "$dir/yizhan"
}

tool() {
	valgrind -q --log-file=/dev/null sleep 600 &
	pid=$!
	until exe=$(readlink "/proc/$pid/exe") && [ -z "${exe##*/memcheck-*}" ]; do
		kill -0 "$pid" || return
	done
	kill "$pid"
	echo "$exe"
}

sum() { # PATTERN: of the numbers before which it stands
	sed -n "s/.*$1 \\([0-9,]*\\).*/\\1/p" all | tr -d , |
		awk '{ n += $1 } END { print n + 0 }'
}

judge() {
	cd "$dir/logs" || return
	set -- *
	[ -e "$1" ] || { echo "valgrind: nothing ran"; return 1; }
	ended=$(grep -l 'ERROR SUMMARY' -- * | wc -l)
	cat -- * >../all
	bad=$(grep -lE "$found" -- *)
	cd ..
	echo "valgrind: $# processes, $(($# - ended)) of which were killed:" \
		"$(sum 'ERROR SUMMARY:') errors," \
		"$(sum 'definitely lost:') bytes definitely lost"
	[ -z "$bad" ] && return
	for log in $bad; do
		echo "valgrind: $PWD/logs/$log:"
		head -n 60 "logs/$log"
	done
	return 1
}

case $1 in
run)
	shift
	read -r YIZHAN_STARTED _ </proc/uptime
	export YIZHAN_STARTED
	# shellcheck disable=SC2086
	exec valgrind $flags "$@" ;;
begin | tool | judge) "$1" ;;
*) exit 2 ;;
esac
