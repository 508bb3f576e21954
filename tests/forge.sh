# shellcheck shell=sh
# What somebody who can write a station's disk does to a changeset that lies
# there: sourced after lib.sh.
# shellcheck disable=SC2154 # build is of lib.sh

# HOME ID OID: this commit is that changeset from now on.
forge_put() {
	"$build/tests/sql" "$1/yizhan.db" \
		"UPDATE _changeset SET oid = x'$3' WHERE id = x'$2'"
}

# HOME STREAM ID: its commit into $forge_was, once the daemon has sealed it.
forge_find() {
	for forge_try in $(seq 300); do
		forge_was=$(sqlite3 -cmd '.timeout 30000' "$1/yizhan.db" \
			"SELECT lower(hex(oid)) FROM _changeset WHERE id = x'$3'")
		git --git-dir "$1/ledger/$2.git" cat-file -e "$forge_was" \
			2>/dev/null && return
		sleep 0.1
	done
	echo "changeset $3 is not sealed after $forge_try tries" >&2
	return 1
}

# HOME STREAM ID WHO [KEY]: the changeset has another author from now on; with
# KEY, a private key file, it is signed anew by that.  $forge_was is the commit
# that it was, $forge_oid the one that it is.
forge() {
	forge_repo=$1/ledger/$2.git
	forge_find "$1" "$2" "$3" || return
	git --git-dir "$forge_repo" cat-file commit "$forge_was" |
		sed "s/^author [^<]*</author $4 </" >forged
	if [ -n "${5-}" ]; then
		awk '/^gpgsig / { s = 1; next } s && /^ / { next }
			{ s = 0; print }' forged >forged.text
		rm -f forged.text.sig
		ssh-keygen -q -Y sign -n git -f "$5" forged.text 2>/dev/null
		awk 'FNR == NR { sig = sig (n++ ? "\n " : "gpgsig ") $0; next }
			$0 == "" && !done { print sig; done = 1 }
			{ print }' forged.text.sig forged.text >forged
	fi
	forge_oid=$(git --git-dir "$forge_repo" hash-object -t commit -w --stdin \
		<forged)
	forge_put "$1" "$3" "$forge_oid"
}
