#!/bin/sh
# For t02_fork: what an auditor does with the proof of a fork: by git alone, and
# with the program where there is neither the chain nor a station.
#
#	t02_pair.sh YIZHAN HOME STREAM
#
# Prints, of each of the two, the chain, the seq and the id that its commit
# says, and fails, having said at what, unless git finds the signature of both
# good, the program that they prove a fork, and nothing that was altered proves
# anything.
set -eu
yizhan() { "$program" "$@"; }
program=$1
places="0 1 2 3 4 5 6 7"
[ -z "${YIZHAN_VALGRIND-}" ] || places="1 5"
repo=$2/ledger/$3.git
tmp=$(mktemp -d "${TMPDIR:-/tmp}/yizhan-pair.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
yizhan -C "$2" roster --allowed-signers >"$tmp/signers"
pair=$(git --git-dir "$repo" for-each-ref --format='%(refname)' \
	'refs/forks/*/*/pair')
[ "$(echo "$pair" | grep -c .)" -eq 1 ]
git init -q --bare "$tmp/alone.git"
for side in a b; do
	git --git-dir "$repo" cat-file blob "$pair:$side.commit" >"$tmp/commit"
	# Of a repository that has nothing else: the two prove it alone.
	oid=$(git --git-dir "$tmp/alone.git" hash-object -t commit -w --stdin \
		<"$tmp/commit")
	git --git-dir "$tmp/alone.git" -c gpg.format=ssh \
		-c gpg.ssh.allowedSignersFile="$tmp/signers" \
		verify-commit "$oid" 2>"$tmp/said"
	grep -q 'Good "git" signature for 520302@' "$tmp/said"
	sha256=$(awk '/^gpgsig / { s = 1; next } s && /^ / { next }
		{ s = 0; print }' "$tmp/commit" | sha256sum | cut -c1-16)
	awk -v id="$sha256" '/^Chain: / { chain = $2 } /^Seq: / { seq = $2 }
		END { print chain, seq, id }' "$tmp/commit"
done

# --- offline, by "yizhan verify proof" ------------------------------------------
no() {
	echo "t02_pair: $1" >&2
	exit 1
}
nowhere() { yizhan -C "$tmp/nowhere" verify proof "$@"; }
# WHAT DIR [ROSTER]: exit 1, nothing said but one line.
refused() {
	rc=0
	nowhere "$2" --roster "${3-$tmp/roster}" >"$tmp/out" 2>"$tmp/said" || rc=$?
	[ "$rc" -eq 1 ] && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/said")" -eq 1 ] ||
		no "$1: exit $rc, $(cat "$tmp/out" "$tmp/said")"
}
# FILE AT: one bit of that byte turned.
turn() {
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %03o $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
altered() { rm -rf "$tmp/bad" && cp -r "$tmp/proof" "$tmp/bad"; }

chain=$(awk '/^Chain: / { print $2 }' "$tmp/commit")
yizhan -C "$2" verify proof "$chain" --write "$tmp/proof"
yizhan -C "$2" roster --write "$tmp/roster"
for part in a.commit a.ops b.commit b.ops; do
	git --git-dir "$repo" cat-file blob "$pair:$part" |
		cmp - "$tmp/proof/$part"
done
yizhan -C "$2" verify proof "$tmp/proof" >"$tmp/at-home"
nowhere "$tmp/proof" --roster "$tmp/roster" >"$tmp/out"
cmp "$tmp/at-home" "$tmp/out"
[ ! -e "$tmp/nowhere" ] || no "a station was made"
grep -q "^520302 signed two histories of $chain, which part at seq 4:" \
	"$tmp/out" || no "it says: $(cat "$tmp/out")"
for side in a b; do
	id=$(awk '/^gpgsig / { s = 1; next } s && /^ / { next }
		{ s = 0; print }' "$tmp/proof/$side.commit" | sha256sum)
	grep -q "^${id%% *} " "$tmp/out" || no "$side is not named by its id"
done
newest=$(find "$tmp/roster" -name 'root-*[0-9]' ! -name '*.sig' | sort -V |
	tail -n 1)
grep -q "^by the roster of version .*$(sha256sum "$newest" | cut -c1-64)" \
	"$tmp/out" || no "the roster is not named by its hash"

for part in a.commit a.ops b.commit b.ops; do
	size=$(wc -c <"$tmp/proof/$part")
	for i in $places; do
		altered
		turn "$tmp/bad/$part" $((i * (size - 1) / 7))
		refused "$part, byte $((i * (size - 1) / 7)) turned" "$tmp/bad"
	done
	altered
	rm "$tmp/bad/$part"
	refused "without $part" "$tmp/bad"
done
altered
cp "$tmp/bad/a.commit" "$tmp/bad/b.commit"
cp "$tmp/bad/a.ops" "$tmp/bad/b.ops"
refused "one given twice" "$tmp/bad"
git --git-dir "$repo" cat-file commit "refs/chains/${chain%%/*}/all" \
	>"$tmp/bad/b.commit"
git --git-dir "$repo" cat-file blob "refs/chains/${chain%%/*}/all:ops" \
	>"$tmp/bad/b.ops"
refused "two of different places" "$tmp/bad"
# Rosters that do not say whose the key is.
refused "no roster" "$tmp/proof" "$tmp/proof"
for code in 520302 520303; do
	yizhan -C "$tmp/$code" init "$code" --top --name other \
		--divisions none >/dev/null
	yizhan -C "$tmp/$code" roster --write "$tmp/roster.$code"
	refused "by a roster of others, of $code" "$tmp/proof" \
		"$tmp/roster.$code"
done
turn "$newest" 40
refused "by a roster with a byte turned" "$tmp/proof"
