# shellcheck shell=sh
# Throw-away machines over one root folder; sourced, as root.
#
#	layers_below SCRIPT BASE ARGUMENT...	run SCRIPT again in a mount
#		namespace of its own, with $layers a folder that goes with it
#	layer NAME	$layers/NAME becomes a copy of BASE in which anything may
#		be done: an overlay where one can be mounted, else whole

layers_below() {
	[ "$(id -u)" -eq 0 ] || { echo "Bail out! root is wanted"; exit 1; }
	layers=$(mktemp -d "${TMPDIR:-/tmp}/yizhan-layers.XXXXXX") || exit 1
	layers_script=$1 base=$(realpath "$2")
	shift 2
	export layers base
	layers_rc=0
	unshare -m --propagation private sh "$layers_script" "$@" || layers_rc=$?
	# The mounts went with the namespace.
	rm -rf --one-file-system "$layers"
	exit "$layers_rc"
}

layer() {
	layer_at=$layers/$1
	mkdir -p "$layer_at" "$layers/$1.rw"
	if mount -t tmpfs -o size=4g layer "$layers/$1.rw" &&
		mkdir "$layers/$1.rw/up" "$layers/$1.rw/work" &&
		mount -t overlay -o "lowerdir=$base,upperdir=$layers/$1.rw/up" \
			-o "workdir=$layers/$1.rw/work" layer "$layer_at"; then
		: # as it should be
	elif [ "$base" != / ]; then
		echo "# no overlay here: $1 is a copy of $base"
		cp -a "$base/." "$layer_at" && mount --bind "$layer_at" "$layer_at"
	else
		echo "Bail out! no overlay can be laid over / here"
		return 1
	fi || return 1
	mount -t proc proc "$layer_at/proc" &&
		mount -t tmpfs -o mode=755 run "$layer_at/run" &&
		mount -t tmpfs -o mode=1777 tmp "$layer_at/tmp" &&
		mount -t tmpfs -o mode=755 dev "$layer_at/dev" || return 1
	# Nodes of its own: what changes their modes changes nobody else's.
	mknod -m 666 "$layer_at/dev/null" c 1 3 &&
		mknod -m 666 "$layer_at/dev/zero" c 1 5 &&
		mknod -m 666 "$layer_at/dev/full" c 1 7 &&
		mknod -m 666 "$layer_at/dev/random" c 1 8 &&
		mknod -m 666 "$layer_at/dev/urandom" c 1 9 &&
		mknod -m 666 "$layer_at/dev/tty" c 5 0 || return 1
	ln -s /proc/self/fd "$layer_at/dev/fd"
	ln -s fd/0 "$layer_at/dev/stdin"
	ln -s fd/1 "$layer_at/dev/stdout"
	ln -s fd/2 "$layer_at/dev/stderr"
	mkdir "$layer_at/dev/shm" "$layer_at/dev/pts" "$layer_at/run/sshd" &&
		mount -t devpts -o newinstance,ptmxmode=666 pts \
			"$layer_at/dev/pts" && ln -s pts/ptmx "$layer_at/dev/ptmx"
	# Nothing is started by a package here, and each has keys of its own.
	printf '#!/bin/sh\nexit 101\n' >"$layer_at/usr/sbin/policy-rc.d"
	chmod +x "$layer_at/usr/sbin/policy-rc.d"
	rm -f "$layer_at"/etc/ssh/ssh_host_*
	chroot "$layer_at" ssh-keygen -q -A
}
