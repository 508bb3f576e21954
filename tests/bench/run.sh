#!/bin/sh
# What the program achieves on this machine, beside git doing the like in the
# same run (design.md, section 12).  No figure fails anything.
#
#	make bench [BENCH_SCALE=0.02] [BENCH_KEEP=DIR]
#
# A province and a city over sshd on a free port of the loopback; the city has
# the roster and the kinds already (and so has git its repository).  Each
# figure is the median of three, but where another number is given.  Bytes: of
# the session for us, of the connection as ssh counts them for git.
# shellcheck disable=SC2086,SC2046
top=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
y=$build/yizhan
b=$build/tests/bench/bench
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
export LC_ALL=C.UTF-8 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
T=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/yizhan-bench.XXXXXX") || exit 1
cd "$T" || exit 1
sshd_pid=
proxy=
watches=
finish() {
	trap - EXIT
	[ -z "$sshd_pid$proxy$watches" ] || kill $sshd_pid $proxy $watches
	wait
	cd / && rm -rf "$T"
}
trap finish EXIT
trap 'exit 1' HUP INT PIPE TERM
die() {
	echo "bench: $*" >&2
	exit 1
}

scale() { # N LEAST
	awk -v n="$1" -v s="${BENCH_SCALE:-1}" -v least="$2" 'BEGIN {
		n = int(n * s); print n < least ? least : n }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
figure() { awk -v k="$1" '$1 == k { print $2 }' "$2"; }
now() { date +%s%N; }

# FILE COMMAND...: append its seconds to FILE.
timed() {
	timed_file=$1
	shift
	timed_from=$(now)
	"$@" >out 2>err || die "$* failed: $(cat out err)"
	echo "$timed_from $(now)" |
		awk '{ printf "%.3f\n", ($2 - $1) / 1e9 }' >>"$timed_file"
}

# A line of the table: WHAT FIGURE UNIT WANTED PEER PEER'S; our share of it.
line() {
	awk -v w="$1" -v f="$2" -v u="$3" -v t="$4" -v p="$5" -v g="$6" '
	BEGIN { printf "%-46s %10s %-13s %-10s %-26s %9s %6s\n", w, f, u, t, p,
		g, (g > 0 && f > 0 ? sprintf("%.2f", f / g) : "") }'
}

# A copied folder is a station restored from a copy, which is not what is
# measured: the anchor is made to fit the file that it is in now.
copy() { # HOME NEW
	cp -a "$1" "$2" || die "cp"
	born=$(stat -c %w "$2/anchor")
	[ "$born" = - ] && born=0 || born=$(date -d "$born" +%s%N)
	anchor=$(sed "s/^file .*/file $(stat -c %i "$2/anchor") $born/" \
		"$2/anchor")
	anchor=$(printf '%s\n' "$anchor" | sed '$d') # its sum
	printf '%s\nsum %.8s\n' "$anchor" "$(printf '%s\n' "$anchor" |
		sha256sum)" >"$2/anchor"
}

for tool in wrk curl node sqlite3; do
	command -v "$tool" >/dev/null || die "no $tool: see packaging/packages"
done

# --- two stations and two repositories ------------------------------------------
records=$(scale 50000 500)
edits=$(scale 1000 50)
many=$(scale 276000 1000)
saves=$(scale 1000 50)
asks=$(scale 200 40)

ssh-keygen -q -t ed25519 -N '' -f host || die "no ssh-keygen"
ssh-keygen -q -t ed25519 -N '' -f git
port=$((20000 + $$ % 20000))
mkdir -p /run/sshd 2>/dev/null
start_sshd() {
	cat >sshd_config <<-END
	Port $port
	ListenAddress 127.0.0.1
	HostKey $T/host
	PidFile $T/sshd.pid
	AuthorizedKeysFile $T/authorized
	StrictModes no
	UsePAM no
	PermitRootLogin yes
	PasswordAuthentication no
	SetEnv YIZHAN_DATA=$YIZHAN_DATA
	END
	"$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)" -D -e -f "$T/sshd_config" \
		2>sshd.log &
	sshd_pid=$!
	sleep 0.5
	kill -0 "$sshd_pid" 2>/dev/null
}
until start_sshd; do
	port=$((port + 1))
	[ "$port" -lt 40100 ] || die "sshd: $(cat sshd.log)"
done
allow() {
	: >lines
	for home in ${1:-province}; do
		"$y" -C "$home" keys --authorized >>lines || die "keys"
	done
	cat lines git.pub >authorized
}

{
	"$y" -C province init 520000 --top --name 贵州省 &&
	"$y" -C province invite 520300 --name 遵义市 --auto -o invitation \
		--address "127.0.0.1:$port" --host-key host.pub &&
	allow && "$y" -C city join invitation &&
	allow && "$y" -C city sync
} >log 2>&1 || die "$(cat log)"
copy city empty
"$b" fill province 520000 "$records" >fill || die "fill"

GIT_SSH_COMMAND="ssh -v -p $port -i $T/git -o IdentitiesOnly=yes \
	-o UserKnownHostsFile=$T/known -o StrictHostKeyChecking=no -F none"
export GIT_SSH_COMMAND
g() { git -c user.name=n -c user.email=e@invalid -c gc.auto=0 "$@"; }
ssh_bytes() { # of the last command
	sed -n 's/.*Transferred: sent \([0-9]*\), received \([0-9]*\) .*/\1 \2/p' \
		err | awk '{ printf "%.3f\n", ($1 + $2) / 1e6 }'
}
session_bytes() { # of the last sync: MB out and in
	awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^(out|in),$/) {
		m = $(i - 1) == "MB" ? 1 : $(i - 1) == "kB" ? 1e3 : 1e6
		n += $(i - 2) / m } } END { printf "%.3f\n", n }' out
}
mkdir work
"$b" files province work >json || die "files"
{
	g init -q work && g -C work add -A && g -C work commit -qm records &&
	g -C work repack -adq
} >log 2>&1 || die "$(cat log)"
url=ssh://$(id -un)@127.0.0.1$T/work

echo "$(uname -sr), $(nproc) cores; $records records, $(figure json json)" \
	"MB of JSON; scale ${BENCH_SCALE:-1}"; echo
printf '%-46s %10s %-13s %-10s %-26s %9s %6s\n' what here unit wanted peer \
	there ratio

# --- first sync and first clone, by turns ------------------------------------------
for _ in 1 2 3; do
	rm -rf city clone
	copy empty city
	timed first.s "$y" -C city sync
	session_bytes >>first.mb
	timed clone.s g clone -q "$url" clone
	ssh_bytes >>clone.mb
done
s=$(median <first.s)
line "first sync of $records records" "$s" s "" "git clone" \
	"$(median <clone.s)"
line "  on the wire" "$(median <first.mb)" MB "<= 8.5" "git clone" \
	"$(median <clone.mb)"
line "  records received end to end" \
	"$(awk -v n="$records" -v s="$s" 'BEGIN { printf "%.0f", n / s }')" \
	/s ">= 60000" "" ""

# --- a thousand edits and a commit of a thousand files -----------------------------
for part in 0 1 2; do
	"$b" edit province "$edits" "$part" || die "edit"
	timed edits.s "$y" -C city sync
	session_bytes >>edits.mb
	"$b" files province work >/dev/null
	{ g -C work add -A && g -C work commit -qm edits; } >log 2>&1 ||
		die "$(cat log)"
	timed fetch.s g -C clone pull -q
	ssh_bytes >>fetch.mb
done
s=$(median <edits.s)
line "$edits one-field changesets" "$s" s "<= 0.5" "git pull of one commit" \
	"$(median <fetch.s)"
line "  on the wire" "$(median <edits.mb)" MB "<= 0.20" \
	"git pull of one commit" "$(median <fetch.mb)"
"$y" -C province digest >a
"$y" -C city digest >b
cmp -s a b || die "the digests differ"

# --- many small ones end to end, the session's start taken off -----------------------
timed idle.s "$y" -C city sync
small=$((edits * 5))
"$b" edit province "$small" 0 || die "edit"
timed small.s "$y" -C city sync
awk -v n="$small" -v a="$(cat small.s)" -v b="$(cat idle.s)" \
	'BEGIN { printf "%.0f\n", n / (a > b ? a - b : a) }' >small
line "one-op changesets end to end ($small, once)" "$(cat small)" /s \
	">= 5000" "" ""
line "  a session with nothing to say (once)" "$(cat idle.s)" s "" "" ""

# --- in process -----------------------------------------------------------------------
for _ in 1 2 3; do
	rm -rf other
	copy empty other
	"$b" receive province other >>large || die "receive"
done
grep '^receive.records' large | cut -d' ' -f2 | median >large.n
grep '^receive.seal' large | cut -d' ' -f2 | median >large.seal
line "records received in process, edits too" "$(cat large.n)" /s "" "" ""
line "  and sealed" "$(cat large.seal)" s "" "" ""
copy city other2
"$b" edit province "$small" 0 || die "edit"
"$b" receive province other2 >few || die "receive"
line "one-op changesets received in process (once)" \
	"$(figure receive.changesets few)" /s "" "" ""
rm -rf other other2
for _ in 1 2 3; do
	"$b" save city "$saves" >>saves || die "save"
	"$b" fsync . "$saves" >>saves
done
line "saves, one by one, durable" \
	"$(grep '^save' saves | cut -d' ' -f2 | median)" /s ">= 500" \
	"write and fdatasync" "$(grep '^fsync' saves | cut -d' ' -f2 | median)"
for _ in 1 2 3; do
	timed digest.s "$y" -C city digest
	timed rebuild.s "$y" -C city rebuild
done
line "digest of $records records" "$(median <digest.s)" s "" "" ""
line "rebuild of $records records" "$(median <rebuild.s)" s "" "" ""

# --- asking among many -------------------------------------------------------------------
"$b" fill empty 520000 "$many" >fill || die "fill"
line "register written, signed, sealed ($many, once)" "$(figure fill fill)" \
	/s "" "" ""
"$b" ask empty "$asks" >ask || die "ask"
line "near: 50 km and a category among $many" "$(figure near.median ask)" ms \
	"<= 2" "" ""
line "  95th of a hundred" "$(figure near.p95 ask)" ms "" "" ""
line "find: two characters among $many" "$(figure find.median ask)" ms \
	"<= 5" "" ""
line "  95th of a hundred" "$(figure find.p95 ask)" ms "" "" ""
line "list: a page of 50" "$(figure list.median ask)" ms "" "" ""
line "  95th of a hundred" "$(figure list.p95 ask)" ms "" "" ""


# --- the console among as many, 50 clients at once ------------------------------------------
rss() { awk -v k="$1:" '$1 == k { printf "%.1f", $2 / 1024 }' "/proc/$serving/status"; }
serving=
serve_home() { # HOME
	: >serve.out
	"$y" -C "$1" serve --listen 127.0.0.1:0 --no-sync >serve.out 2>serve.err &
	serving=$!
	n=0
	until grep -q ^http serve.out; do
		n=$((n + 1))
		[ "$n" -lt 300 ] || die "serve: $(cat serve.err)"
		sleep 0.2
	done
	at=$(sed 's,/$,,' serve.out)
}
unserve() {
	kill "$serving" && wait "$serving"
	serving=
}
"$y" -C idle init 520302 --top >log 2>&1 || die "$(cat log)"
serve_home idle
sleep 2
line "console: memory, nobody there, empty" "$(rss VmRSS)" MB "<= 40" "" ""
unserve
echo Night-watch-1 | "$y" -C empty user add duty1 --role officer || die "user"
token=$("$y" -C empty user token add duty1 bench) || die "token"
some=$("$y" -C empty list resource.team --limit 1 --json |
	sed -n 's/^{"id":"\([^"]*\)".*/\1/p')
serve_home empty
# The same question, as many screens ask it; and ever others, which no kept
# answer serves: _x makes them so.
cat >same.lua <<END
wrk.headers["Authorization"] = "Bearer $token"
done = function(summary, latency, requests)
	io.write(string.format("p95 %.2f\nrate %.0f\nbad %d\n",
		latency:percentile(95) / 1000,
		summary.requests / summary.duration * 1e6,
		summary.errors.status))
end
END
{
	cat same.lua
	cat <<-'END'
	local word = { "消防", "医院", "学校", "仓库", "物资", "救援", "社区",
		"中心", "避难", "卫生", "广场", "公园", "红花", "遵义" }
	local n, question = 0, QUESTION
	request = function()
		n = n + 1
		local w = word[n % #word + 1]:gsub(".", function(c)
			return string.format("%%%02X", c:byte()) end)
		return wrk.format("GET", (question:gsub("WORD", function()
			return w end):gsub("NN", string.format("%02d", n % 19 + 1)))
			.. "&_x=" .. math.random(1000000))
	end
	END
} >others.lua
ask_many() { # WHAT SCRIPT PATH
	sed "s|QUESTION|\"$3\"|" "$2" >question.lua
	wrk -t1 -c50 -d5 -s question.lua "$at$3" >wrk.out
	line "console: $1, p95" "$(figure p95 wrk.out)" ms "<= 20" \
		"requests/s" "$(figure rate wrk.out)"
	[ "$(figure bad wrk.out)" = 0 ] || die "$(cat wrk.out)"
}
list='/api/records/resource?_limit=50'
find='/api/find?q=%E6%B6%88%E9%98%B2'
ask_many "a list of 50, 50 clients" same.lua "$list"
ask_many "two characters, 50 clients" same.lua "$find"
ask_many "  ever another search" others.lua '/api/find?q=WORD'
ask_many "  ever another list" others.lua "$list"
ask_many "  ever another, by title" others.lua "$list\\&_sort=name"
ask_many "  ever another, of a category" others.lua "$list\\&rkind=RNN"
ask_many "  ever another, of an owner" others.lua "$list\\&owner=${some%%-*}"
while :; do
	"$y" -C empty set resource "$some" "persons=1$(date +%S)" >saved 2>&1
	sleep 1
done &
saver=$!
ask_many "  a list while one saves each second" same.lua "$list"
ask_many "  the overview's figures, meanwhile" same.lua \
	'/api/tally/resource?by=rkind,status,exercise'
kill "$saver" && wait "$saver" 2>/dev/null
curl -sN -H "Authorization: Bearer $token" "$at/api/events" >events &
listens=$!
heard() { grep -c '^event: change' events; }
until grep -q retry events; do sleep 0.1; done
sleep 1
n=0
while [ "$n" -lt 11 ]; do
	n=$((n + 1))
	before=$(heard)
	"$y" -C empty set resource "$some" "persons=1$n" >saved 2>&1 ||
		die "$(cat saved)"
	from=$(now)
	until [ "$(heard)" -gt "$before" ]; do sleep 0.01; done
	echo "$from $(now)" | awk '{ printf "%.0f\n", ($2 - $1) / 1e6 }' >>event.ms
done
kill "$listens" && wait "$listens" 2>/dev/null
line "console: a command's write -> event (11)" "$(median <event.ms)" ms \
	"<= 1000" "" ""
line "  the slowest" "$(sort -n event.ms | tail -n 1)" ms "<= 1000" "" ""
line "console: memory, busy" "$(rss VmHWM)" MB "<= 150" "" ""
cat >guess.mjs <<-'END'
	// Known and unknown logins by turns; guesses are forgotten in between.
	const at = process.argv[2], sums = { duty1: 0, ghost9: 0 };
	import { execFileSync } from 'node:child_process';
	const turns = 40;
	for (let i = 0; i < turns; i++)
		for (const login of Object.keys(sums)) {
			execFileSync('sqlite3', ['-cmd', '.timeout 9000', 'empty/local.db',
				'DELETE FROM guess; DELETE FROM known; DELETE FROM stranger;' +
				'UPDATE user SET failures = 0, locked = 0']);
			const began = performance.now();
			await (await fetch(`${at}/api/login`, { method: 'POST',
				body: JSON.stringify({ login, password: 'Wrong-guess-1' }) })).text();
			sums[login] += performance.now() - began;
		}
	console.log(`known ${(sums.duty1 / turns).toFixed(2)}`);
	console.log(`unknown ${(sums.ghost9 / turns).toFixed(2)}`);
END
node guess.mjs "$at" >guess || die "guess"
line "console: a wrong password, login known" "$(figure known guess)" ms \
	"within 5%" "login unknown" "$(figure unknown guess)"
unserve

# --- lines: two watched hops, a limit, a flood, cuts -----------------------------------------
hops=$(scale 100 10)
flood=$(scale 20 2)
limit=$(scale 2000000 200000)
county() { "$y" -C county "$@"; }
line_open() { # PROXY-OPTION...: between county and city
	line_close
	rm -f line.port
	: >line.log
	"$build/tests/proxy" -l line.log "$@" line.port "$port" &
	proxy=$!
	while [ ! -s line.port ]; do sleep 0.1; done
	county link 520300 --address "127.0.0.1:$(cat line.port)" >/dev/null
}
line_close() {
	[ -z "$proxy" ] || { kill "$proxy"; wait "$proxy" 2>/dev/null; }
	proxy=
}
line_bytes() { awk '{ n += $1 + $2 } END { print n + 0 }' line.log; }
watch_end() {
	[ -z "$watches" ] || { kill $watches; wait $watches; } 2>/dev/null
	watches=
}
rm -rf city county province clone work empty
{
	"$y" -C province init 520000 --top --name 贵州省 &&
	"$y" -C province invite 520300 --name 遵义市 --auto -o invitation \
		--address "127.0.0.1:$port" --host-key host.pub &&
	allow && "$y" -C city join invitation && allow &&
	"$y" -C city sync &&
	"$y" -C city invite 520302 --name 红花岗区 --auto -o invitation2 \
		--address "127.0.0.1:$port" --host-key host.pub &&
	allow "province city" && county join invitation2 &&
	allow "province city" && county sync && "$y" -C city sync &&
	county sync
} >log 2>&1 || die "$(cat log)"

"$y" -C city sync --watch >watch.log 2>&1 &
watches=$!
"$y" -C county sync --watch >watch2.log 2>&1 &
watches="$watches $!"
"$b" arrive county province 3 resource >/dev/null || die "arrive" # both are up
"$b" arrive county province "$hops" resource >hops || die "arrive"
line "county's click readable at the province ($hops)" \
	"$(figure arrive.median hops)" ms "<= 500" "" ""
line "  95th of a hundred" "$(figure arrive.p95 hops)" ms "" "" ""
watch_end

"$b" flood county "$flood" || die "flood"
line_open -r 64000
"$y" -C county sync --watch >watch.log 2>&1 &
watches=$!
sleep 8 # the line is full and its rate known
"$b" arrive county city 8 command >urgent || die "arrive"
line "a command past $flood MB on a 64 kB/s line (8)" \
	"$(figure arrive.median urgent)" ms "<= 3000" "" ""
line "  the slowest" "$(figure arrive.worst urgent)" ms "<= 3000" "" ""
watch_end
line_open
timed limit.s county sync --limit "$limit"
line_close
mv line.log limit.log
# Without what a session takes that has nothing to say: login and end.
line_open
timed rest.s county sync
line_close
line "--limit $limit: bytes on the line" \
	"$(awk -v s="$(cat limit.s)" -v rest="$(cat rest.s)" \
		'{ n += $1 } END { printf "%.0f", n / (s - rest) }' limit.log)" \
	/s "+-5%" "" ""

"$b" fill city 520300 "$records" >fill || die "fill"
again() {
	rm -rf county && copy county1 county
}
mv county county1
again
line_open
county sync >log 2>&1 || die "$(cat log)"
line_close
whole=$(line_bytes)
line "first sync of $records records, uncut" "$whole" B "" "" ""
for size in 65536:1.35 262144:1.10; do
	again
	line_open -c "${size%:*}"
	cuts=0
	until county sync >log 2>&1; do
		cuts=$((cuts + 1))
		[ "$cuts" -lt 1000 ] || die "$(cat log)"
	done
	line_close
	line "  cut $cuts times, every ${size%:*} bytes" \
		"$(awk -v a="$(line_bytes)" -v b="$whole" \
			'BEGIN { printf "%.3f", a / b }')" times \
		"<= ${size#*:}" "" ""
done
"$y" -C city digest >a
county digest >b
cmp -s a b || die "the digests differ"
