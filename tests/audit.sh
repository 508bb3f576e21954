#!/bin/sh
# Goal of this test: an auditor needs stock tools and FORMAT.md only.  git
# reads and verifies every changeset; a verifier in plain shell walks whole
# chains; and what was altered behind the program's back, in whatever depth,
# is refused by git, by that verifier, and by "yizhan verify".
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
GIT_CONFIG_NOSYSTEM=1 HOME=$T
export GIT_CONFIG_NOSYSTEM HOME
git config --global gpg.format ssh
git config --global gpg.ssh.allowedSignersFile "$T/signers"
y() { "$yizhan" -C "$T/home" "$@"; }

# --- the verifier, from FORMAT.md ---------------------------------------------

# The commit without its signature, and the signature, armoured.
unsigned() { awk '/^gpgsig / { s = 1; next } s && /^ / { next } { s = 0; print }' "$1"; }
signature() { awk '/^gpgsig / { s = 1; sub("gpgsig", "") }
	s && /^ / { print substr($0, 2); next } s { exit }' "$1"; }
# The value of a trailer: those stand after the second empty line.
trailer() { awk -v n="$1: " '$0 == "" { b++ }
	b >= 2 && index($0, n) == 1 { print substr($0, length(n) + 1) }' "$2"; }

wrong() { echo "seq $seq, commit $c: $1"; }

# GIT-DIR REF STREAM: prints each fault; nothing if the chain is whole.
verify_chain() {
	name=${2#refs/chains/} seq=0 prev='' parent=''
	writer=${name%%-*} owner=${name#*/}
	chain=${name%%/*}/$3
	[ "$owner" = all ] || chain=$chain@$owner
	for c in $(git --git-dir "$1" rev-list --reverse "$2"); do
		seq=$((seq + 1))
		git --git-dir "$1" cat-file commit "$c" >c
		git --git-dir "$1" cat-file tree "$c^{tree}" >tree
		git --git-dir "$1" cat-file blob "$c:ops" >ops
		[ "$(git hash-object -t commit --stdin <c)" = "$c" ] ||
			wrong "the commit has another address"
		[ "$(git hash-object -t tree --stdin <tree)" = \
			"$(sed -n '1s/^tree //p' c)" ] ||
			wrong "the tree has another address"
		[ "$(git --git-dir "$1" ls-tree "$c")" = "$(printf \
			'100644 blob %s\tops' "$(git hash-object ops)")" ] ||
			wrong "the tree is not one entry, ops"
		[ "$(sed '/^author/,$d' c | sed -n 's/^parent //p')" = "$parent" ] ||
			wrong "the parent is not the commit before"
		unsigned c >text
		signature c >sig
		[ "$(trailer Chain text)" = "$chain" ] || wrong "another chain"
		[ "$(trailer Seq text)" = "$seq" ] || wrong "Seq"
		[ "$(trailer Prev text)" = "$prev" ] || wrong "Prev"
		[ "$(trailer Ops text)" = "$(sha256sum <ops | cut -c1-64)" ] ||
			wrong "Ops"
		grep -q "^committer $writer <$writer@yizhan.invalid> [0-9]* +0800$" \
			text || wrong "the committer is not $writer"
		ssh-keygen -Y verify -f signers -I "$writer@yizhan.invalid" \
			-n git -s sig <text >/dev/null 2>&1 ||
			wrong "the signature does not hold"
		prev=$(sha256sum <text | cut -c1-64)
		parent=$c
	done
	head=$prev length=$seq
}

# HOME: every chain of every stream; how many changesets goes to the file count.
verify_home() {
	total=0
	for repo in "$1"/ledger/*.git; do
		stream=$(basename "$repo" .git)
		for ref in $(git --git-dir "$repo" for-each-ref \
			--format='%(refname)' refs/chains); do
			verify_chain "$repo" "$ref" "$stream"
			total=$((total + length))
		done
	done
	echo $total >count
}

# --- a station with something in it -------------------------------------------
ok "a province is founded" \
	y init 520000 --name 贵州省 --top --divisions none
id=$(y add resource.team name=省森林消防总队 rkind=R01 persons=320 \
	lon=106.7 lat=26.6 level=省级 skills=water --as 值班员甲)
like "$id" '^520000-[0-9a-f]{32}$' "a record is added"
ok "and changed" y set resource "$id" status=ready skills+=medical
ok "and has a private number" y set resource "$id" leader_mobile=13985200000
ok "and is dropped" y rm resource "$id" --why 重复登记
y roster --allowed-signers >signers
repo=$T/home/ledger/resource.git
ref=$(git --git-dir "$repo" for-each-ref --format='%(refname)' refs/chains)
like "$ref" '^refs/chains/520000-[0-9a-f]{8}/all$' \
	"the chain's ref is where FORMAT.md says"

# --- git alone ----------------------------------------------------------------
log=$(git --git-dir "$repo" log --show-signature "$ref" 2>&1)
is "$(echo "$log" | grep -c '^Good "git" signature for 520000@yizhan.invalid')" \
	3 "git log --show-signature finds each signature good"
like "$log" '^Author: 值班员甲 <[a-z0-9._-]+@520000\.yizhan\.invalid>$' \
	"and shows the person"
like "$log" "^ +Chain: $(echo "${ref#refs/chains/}" | cut -d/ -f1)/resource$" \
	"and the trailers"
like "$(git --git-dir "$repo" show "$ref:ops")" \
	'^\{"drop":"重复登记","id":"'"$id"'","kind":"resource"\}$' \
	"an operation is readable as it is"
for s in roster resource personal; do
	g=$T/home/ledger/$s.git
	# Without quotes: a list of commits.
	# shellcheck disable=SC2046
	ok "git verify-commit accepts all of $s" git --git-dir "$g" \
		verify-commit $(git --git-dir "$g" rev-list --glob=refs/chains)
	ok "git fsck --strict has no objection to $s" \
		git --git-dir "$g" fsck --strict --no-dangling
done
git --git-dir home/ledger/roster.git show refs/rosters/root:roster >root-1
git --git-dir home/ledger/roster.git show refs/rosters/root:signatures >root-1.sig
ok "ssh-keygen accepts the roster" sh -c 'ssh-keygen -Y verify -f signers \
	-I root@yizhan.invalid -n yizhan-roster -s root-1.sig <root-1'
y roster --write docs
ok "which is the one that the command writes" cmp root-1 docs/root-1

# --- the verifier -------------------------------------------------------------
is "$(verify_home home)" "" "the shell verifier finds no fault"
is "$(y verify | tail -n 1)" "$(cat count) changesets checked, 0 faults" \
	"nor does the program, in as many changesets"
verify_chain "$repo" "$ref" resource
like "$(y log)" "^$(echo "$head" | cut -c1-16) .*/resource seq 3," \
	"the id that the shell found is the one that the program shows"

# --- altered: a blob under its old name ---------------------------------------
cp -r home kept
blob=$(git --git-dir "$repo" rev-parse "$ref~1:ops")
altered=$(git --git-dir "$repo" cat-file blob "$blob" |
	sed s/ready/reads/ | git --git-dir "$repo" hash-object -w --stdin)
object() { echo "$repo/objects/$(echo "$1" | cut -c1-2)/$(echo "$1" | cut -c3-)"; }
ok "an op is altered: a good zlib stream under the old name" \
	mv -f "$(object "$altered")" "$(object "$blob")"
not_ok "git fsck refuses it" git --git-dir "$repo" fsck --strict
status 3 "yizhan verify refuses it" y verify
like "$(y verify)" '^520000-[0-9a-f]{8}/resource seq 2: ' "and says where"
like "$(verify_home home)" '^seq 2, .*: Ops$' "and so does the shell"

# --- altered: blob, tree and commit, with the old signature -------------------
restore() { rm -rf home && cp -r kept home; }
# HOME is altered so that COMMIT, changed by the sed script, takes the place of
# the chain's head.
replace_head() { # SED-SCRIPT OPS-FILE
	b=$(git --git-dir "$repo" hash-object -w "$2")
	t=$(printf '100644 blob %s\tops\n' "$b" | git --git-dir "$repo" mktree)
	git --git-dir "$repo" cat-file commit "$ref" |
		sed -e "s/^tree .*/tree $t/" -e "$1" >c
	n=$(git --git-dir "$repo" hash-object -t commit -w --stdin <c)
	git --git-dir "$repo" update-ref "$ref" "$n"
}
restore
git --git-dir "$repo" cat-file blob "$ref:ops" | sed s/重复/错误/ >ops-2
replace_head "s/^Ops: .*/Ops: $(sha256sum <ops-2 | cut -c1-64)/" ops-2
ok "blob, tree and commit are rewritten, and git fsck is content" \
	git --git-dir "$repo" fsck --strict --no-dangling
not_ok "git verify-commit refuses it" git --git-dir "$repo" verify-commit "$ref"
status 3 "yizhan verify refuses it" y verify
like "$(verify_home home)" '^seq 3, .*: the signature does not hold$' \
	"and so does the shell"
status 1 "yizhan rebuild does not take it in" y rebuild
y show resource "$id" >after 2>&1
like "$(cat after)" 重复登记 "the replica still has what was signed"

restore
replace_head "s/^Ops: .*/Ops: $(sha256sum <ops-2 | cut -c1-64)/;
	/^gpgsig/,/END SSH/d" ops-2
status 3 "without any signature: refused" y verify
like "$(verify_home home)" 'the signature does not hold$' "by both"

# --- altered: the chain is cut short ------------------------------------------
restore
git --git-dir "$repo" update-ref "$ref" "$ref~1"
ok "a ref moved back: git cannot know" git --git-dir "$repo" verify-commit "$ref"
status 3 "but the replica does" y verify
restore
ok "put back as it was, all is well" y verify
tap_done
