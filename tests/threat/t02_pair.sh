#!/bin/sh
# For t02_fork: what an auditor does with the proof of a fork, by git alone.
#
#	t02_pair.sh YIZHAN HOME STREAM
#
# Prints, of each of the two, the chain, the seq and the id that its commit
# says, and fails unless git finds the signature of both good.
set -eu
repo=$2/ledger/$3.git
tmp=$(mktemp -d "${TMPDIR:-/tmp}/yizhan-pair.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
"$1" -C "$2" roster --allowed-signers >"$tmp/signers"
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
