#!/bin/sh
# Goal of this test: two machines with nothing on them are set up in a real
# browser, as the people would who hold a package, a code and a telephone: the
# first station of a tree, and a county that joins it.  Each step is whole and
# within everybody's reach, the recovery key prints on a sheet of its own, and
# in the end both are stations in touch.  Pictures are left in ui-shots/setup/.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/sshd.sh
. "$top/tests/sshd.sh"
YIZHAN_DATA=$top/src/data
YIZHAN_UI=$top/src/web/ui:$build/src/web/ui
export YIZHAN_DATA YIZHAN_UI
serve_pids=
cleanup() {
	for p in $serve_pids; do kill "$p" 2>/dev/null; done
	sshd_stop
	wait
}

for tool in chromium node npm; do
	command -v "$tool" >/dev/null || {
		echo "1..0 # SKIP no $tool"
		exit 0
	}
done
if sshd_missing; then
	echo "1..0 # SKIP no sshd"
	exit 0
fi

tools=$build/ui-setup-test
mkdir -p "$tools"
cp "$top/packaging/ui/package.json" "$top/packaging/ui/package-lock.json" "$tools"
ok "npm brings the browser's driver" sh -c "cd '$tools' && npm ci \
	--ignore-scripts --no-audit --no-fund --loglevel=error"
ok "sshd starts" sshd_start
for who in city county; do
	mkdir $who
	"$yizhan" -C "$T/$who" serve --listen 127.0.0.1:0 >$who.out 2>$who.err &
	serve_pids="$serve_pids $!"
	ok "the machine of the $who has a page" wait_for 20 grep -q '^http' $who.out
done
address() { sed -n '1s,/$,,p' "$1.out"; }

shots=$build/ui-shots/setup
rm -rf "$shots"
mkdir -p "$shots"
node "$top/tests/ui/setup.mjs" "$tools" "$(address city)" "$(address county)" \
	"$shots" "$yizhan" "$T" "$port" >said 2>why ||
	fail "the browser's story ends well" "$(tail -n 20 why)"
while IFS='	' read -r verdict what detail; do
	case $verdict in
	ok) pass "$what" ;;
	not) fail "$what" "$detail" ;;
	*) echo "# $verdict $what" ;;
	esac
done <said
ok "it was told to its end" grep -q '^# told' said
ok "the county is a station in order" "$yizhan" -C county verify --deep
sed 's/^/# county: /' county.err
tap_done
