#!/bin/sh
# Goal of this test: an account is as safe as it says.  Tokens of machines do
# what their role may and nothing of people's; a second factor is wanted once
# it is confirmed, and each code does once; sessions and passwords grow old;
# and the audit log shows whatever was done to it, is pruned only when old
# and exported, and nothing is administered of which it cannot say so.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
y() { "$yizhan" -C "$T/home" "$@"; }
sql() { sqlite3 -cmd '.timeout 10000' "$T/home/local.db" "$1"; }
cleanup() {
	chmod -R u+w "$T/home" 2>/dev/null
	desk_stop
	wait
}

y init 520302 --top --name 红花岗区 >/dev/null 2>&1
for a in duty1:1:officer view1:2:viewer sys1:3:system sec1:4:security aud1:5:audit; do
	n=${a#*:}
	echo "Night-watch-${n%:*}" | y user add "${a%%:*}" --role "${a##*:}"
done
ok "the console runs" desk_start home --no-sync
login duty1 Night-watch-1
login sys1 Night-watch-3
login sec1 Night-watch-4
login aud1 Night-watch-5

# --- tokens -----------------------------------------------------------------------
# TOKEN METHOD PATH [CURL-ARGUMENT...]: the status; the body is in bearer.out
bearer() {
	b_token=$1 b_method=$2 b_path=$3
	shift 3
	curl -s -o bearer.out -w '%{http_code}' -X "$b_method" \
		-H "Authorization: Bearer $b_token" "$@" "$url$b_path"
}
made=$(body duty1 POST /api/tokens -d '{"name":"水位计","role":"editor"}')
token=$(echo "$made" | text token)
tid=$(echo "$made" | text id)
like "$token" '^yz_[0-9a-f]{64}$' "an officer makes a token"
is "$(sqlite3 home/local.db .dump | grep -c "$token")" 0 "which is kept nowhere"
is "$(bearer "$token" GET /api/kinds)" 200 "a machine reads with it"
is "$(bearer "$token" POST /api/records/resource.team \
	-d '{"set":{"name":"机器登记","rkind":"R01","level":"县级","persons":"3"}}')" \
	201 "and writes, without a cookie or the page's token"
is "$(bearer "$token" POST /api/records/task -d '{"set":{"title":"x"}}')" 403 \
	"not what its role may not, though its owner may"
is "$(code duty1 POST /api/tokens -d '{"name":"x","role":"system"}')" 403 \
	"no token may more than who makes it"
is "$(code duty1 POST /api/tokens -d '{"name":"x","login":"view1"}')" 403 \
	"nor is one made for another"
for other in view1:viewer duty1:officer aud1:audit sys1:system; do
	is "$(code sec1 POST /api/tokens -d "{\"name\":\"屏\",
		\"login\":\"${other%:*}\",\"role\":\"${other#*:}\"}")" 403 \
		"not even by who gives rights, for ${other%:*}"
done
is "$(sql "SELECT count(*) FROM token WHERE made_by = 'sec1'")" 0 \
	"so he has none of another's power"
call duty1 GET /api/changesets | head -n 1 >ledger
like "$(cut -d, -f 1-8 ledger)" "\"author\":\"duty1 via 水位计 $tid\"" \
	"what a machine writes is signed with its token besides its person"
login view1 Night-watch-2
is "$(code view1 POST /api/tokens -d '{"name":"屏"}')" 201 \
	"everybody makes his own"
is "$(bearer "$token" POST /api/tokens -d '{"name":"y"}')" 403 \
	"a token makes no tokens"
is "$(bearer "$token" POST /api/me/password -d '{}')" 403 "nor passwords"
is "$(bearer "${token}0" GET /api/kinds)" 401 "another is nobody's"
is "$(bearer "yz_" GET /api/kinds)" 401 "nor is half a one"
like "$(body duty1 GET /api/tokens)" "\"id\":\"$tid\".*\"last\":\"20" \
	"it is listed with when it was used"
unlike "$(body duty1 GET /api/tokens)" 'view1' "one's own only"
like "$(body sec1 GET /api/tokens)" 'view1' "or all of them"
is "$(code sys1 DELETE "/api/tokens/$tid")" 404 "nobody else's is revoked"
body sec1 POST /api/users/duty1/role -d '{"role":"viewer"}' >/dev/null
is "$(bearer "$token" POST /api/blobs -d x)" 403 \
	"what its owner may no more, it may no more"
body sec1 POST /api/users/duty1/role -d '{"role":"officer"}' >/dev/null
is "$(code duty1 DELETE "/api/tokens/$tid")" 200 "the owner revokes it"
is "$(bearer "$token" GET /api/kinds)" 401 "and it is dead"
token=$(y user token add duty1 网关 --role viewer)
is "$(bearer "$token" GET /api/station)" 200 "the command line makes one too"
like "$(y user token list)" ' duty1 viewer .* 网关$' "and lists them"
ok "and revokes" y user token revoke "$(y user token list |
	awk '/网关/ { print $1 }')"
is "$(bearer "$token" GET /api/station)" 401 "at once"
status 1 "none by which a machine would be an administrator" \
	y user token add sec1 网关
ok "though one that only reads" y user token add sec1 网关 --role viewer

# --- a second factor: oathtool is the telephone ---------------------------------------
is "$(code duty1 POST /api/me/totp -d '{"password":"Wrong-guess-1"}')" 403 \
	"a second factor wants the password"
secret=$(body duty1 POST /api/me/totp -d '{"password":"Night-watch-1"}' |
	tee totp | text secret)
like "$(cat totp)" '"uri":"otpauth://totp/yizhan-520302:duty1\?secret=[A-Z2-7]{32}&issuer=.*"svg":"<' \
	"the secret comes as a picture for the telephone"
at() { oathtool --totp -b "$secret" --now "$(date -ud "@$(($(date +%s) + $1))" \
	'+%Y-%m-%d %H:%M:%S UTC')"; }
ok "until it is confirmed nothing is wanted" login duty1 Night-watch-1
is "$(code duty1 POST /api/me/totp/confirm -d '{"code":"000000"}')" 403 \
	"a wrong code confirms nothing"
# The window is one step to each side: the code before has room for a slow
# machine, and the one used now is dead ever after.
code=$(at 0)
body duty1 POST /api/me/totp/confirm -d "{\"code\":\"$code\"}" >spares
like "$(cat spares)" '"spares":\["[0-9]{5}-[0-9]{5}"(,"[0-9]{5}-[0-9]{5}"){9}\]' \
	"a right one does, and gives ten spare codes"
not_ok "now the password alone" login duty1 Night-watch-1
like "$(cat duty1.login)" '"code":"code"' "is told that a code is wanted"
not_ok "a code that was used" login duty1 Night-watch-1 ",\"code\":\"$code\""
ok "the next one lets him in" login duty1 Night-watch-1 ",\"code\":\"$(at 30)\""
not_ok "one of an hour ago" login duty1 Night-watch-1 ",\"code\":\"$(at -3600)\""
spare=$(grep -oE '[0-9]{5}-[0-9]{5}' spares | head -n 1)
ok "a spare code, where the clock is wrong" \
	login duty1 Night-watch-1 ",\"code\":\"$spare\""
not_ok "once" login duty1 Night-watch-1 ",\"code\":\"$spare\""
is "$(sqlite3 home/local.db .dump | grep -c "$spare")" 0 "nor is it kept"
# Ten digits are soon tried: what is kept is dear to try, and another's is of no
# use.
kept() { sqlite3 home/local.db "SELECT lower(hex(hash)) FROM totp_spare
	WHERE login = 'duty1' ORDER BY hash"; }
sum() { printf 'duty1\n%s' "$1" | tr -d - | sha256sum | cut -c 1-64; }
last=$(grep -oE '[0-9]{5}-[0-9]{5}' spares | tail -n 1)
salt=$(sqlite3 home/local.db \
	"SELECT lower(hex(salt)) FROM totp WHERE login = 'duty1'")
cat >spare.mjs <<'EOF'
import { scryptSync } from 'node:crypto';
const [sum, salt] = process.argv.slice(2);
console.log(scryptSync(sum, Buffer.from(salt, 'hex'), 32,
	{ N: 32768, r: 8, p: 1, maxmem: 1 << 30 }).toString('hex'));
EOF
like "$(kept)" "$(node spare.mjs "$(sum "$last")" "$salt")" \
	"what is kept of a spare code is scrypt, as another program derives it"
is "$(kept | wc -l) $(kept | grep -c "$(sum "$last")")" "9 0" \
	"and not its SHA-256"
# An earlier program kept that.
"$build/tests/sql" home/local.db "UPDATE totp SET salt = NULL;
	DELETE FROM totp_spare;
	INSERT INTO totp_spare VALUES ('duty1', x'$(sum 12345-67890)'),
		('duty1', x'$(sum 23456-78901)')"
not_ok "a spare code that is none" \
	login duty1 Night-watch-1 ',"code":"12345-67891"'
is "$(kept | wc -l) $(kept | grep -c -e "$(sum 12345-67890)" \
	-e "$(sum 23456-78901)")" "2 0" \
	"what an earlier program kept is salted when it is first asked"
ok "and is good for one login" login duty1 Night-watch-1 ',"code":"12345 67890"'
not_ok "one" login duty1 Night-watch-1 ',"code":"12345-67890"'
ok "as the other" login duty1 Night-watch-1 ',"code":"23456-78901"'
is "$(kept)" "" "then there is none"
is "$(code sys1 DELETE /api/users/duty1/totp)" 403 \
	"who runs the system takes nobody's off"
is "$(code sec1 DELETE /api/users/duty1/totp)" 200 "who gives rights does"
is "$(code sec1 POST /api/users/duty1/unlock)" 200 \
	"and opens what wrong codes have shut"
ok "then the password is enough" login duty1 Night-watch-1

# --- passwords --------------------------------------------------------------------------
is "$(code duty1 POST /api/me/password \
	-d '{"password":"Wrong-guess-1","new_password":"Night-watch-11"}')" 403 \
	"who is at the screen need not be who logged in"
for n in 12 13 14 15; do
	code duty1 POST /api/me/password -d \
		"{\"password\":\"$(cat now 2>/dev/null || echo Night-watch-1)\",\"new_password\":\"Night-watch-$n\"}" >status
	echo "Night-watch-$n" >now
done
is "$(cat status)" 200 "he changes his password"
is "$(code duty1 POST /api/me/password \
	-d '{"password":"Night-watch-15","new_password":"Night-watch-1"}')" 400 \
	"not to one of the last five"
is "$(code duty1 POST /api/me/password \
	-d '{"password":"Night-watch-15","new_password":"Night-watch-16"}')" 200 \
	"to others"
is "$(code duty1 POST /api/me/password \
	-d '{"password":"Night-watch-16","new_password":"Night-watch-1"}')" 200 \
	"and in the end to the first"
sql "UPDATE user SET changed = changed - 91*86400000 WHERE login = 'duty1'"
not_ok "after 90 days it" login duty1 Night-watch-1
like "$(cat duty1.login)" '"code":"expired"' "has to be replaced"
ok "which is done at once" login duty1 Night-watch-1 \
	',"new_password":"Night-watch-17"'
ok "and is all" login duty1 Night-watch-17

# --- a password that another sets ----------------------------------------------------------
for who in sec1 aud1 sys1; do
	is "$(code sys1 POST /api/users/$who/password \
		-d '{"password":"Taken-over-1"}')" 403 \
		"who runs the system does not become $who by its password"
done
like "$(body sys1 POST /api/users/sec1/password -d '{"password":"Taken-over-1"}')" \
	'sec1 is an administrator.*yizhan user passwd sec1' \
	"and is told where that is done"
ok "nothing has changed for it" login sec1 Night-watch-4
made=$(body duty1 POST /api/tokens -d '{"name":"老屏"}')
is "$(code sys1 POST /api/users/duty1/password -d '{"password":"Known-to-two-1"}')" \
	200 "an officer's he sets"
is "$(code duty1 GET /api/me)" 401 "the sessions are over"
is "$(bearer "$(echo "$made" | text token)" GET /api/station)" 401 \
	"and the tokens dead"
not_ok "it opens nothing" login duty1 Known-to-two-1
like "$(cat duty1.login)" '"code":"once"' "but is to be replaced"
not_ok "not by itself" login duty1 Known-to-two-1 \
	',"new_password":"Known-to-two-1"'
ok "the person chooses another" login duty1 Known-to-two-1 \
	',"new_password":"Night-watch-20"'
ok "which is his" login duty1 Night-watch-20
is "$(code sys1 POST /api/users -d '{"login":"sec2","name":"赵七",
	"password":"Known-to-two-1"}')" 201 "who makes an account knows its password"
is "$(code sec1 POST /api/users/sec2/role -d '{"role":"security"}')" 409 \
	"so it gets none of the three powers"
is "$(code sec1 POST /api/users/sec2/role -d '{"role":"viewer"}')" 200 \
	"though another role"
ok "once its person has chosen one" login sec2 Known-to-two-1 \
	',"new_password":"Night-watch-71"'
is "$(code sec1 POST /api/users/sec2/role -d '{"role":"security"}')" 200 \
	"it does"
echo Known-to-root-1 | y user passwd sec2
is "$(code sec2 GET /api/me)" 401 "at the machine an administrator's is set, too"
not_ok "for one login" login sec2 Known-to-root-1
like "$(cat sec2.login)" '"code":"once"' "after which it is his own"
ok "again" login sec2 Known-to-root-1 ',"new_password":"Night-watch-72"'
is "$(sql "SELECT what, result FROM audit WHERE about = 'sec2' ORDER BY no DESC
	LIMIT 1")" 'passwd|done' "and stands in the log"
echo Known-to-root-1 | y user add view2 --role viewer --once
not_ok "an account made with --once" login view2 Known-to-root-1
like "$(cat view2.login)" '"code":"once"' "begins so"

# --- in whose language ---------------------------------------------------------------------
zh='Accept-Language: zh-CN' # as the pages ask
login sec1 Night-watch-3 || login sec1 Night-watch-4
refusal() { body "$@" | text message; }
bad='{"password":"kurz"}'
is "$(refusal sys1 POST /api/users/duty1/password -d "$bad" -H "$zh")" \
	'密码至少 10 个字符' "who reads Chinese is refused in Chinese"
is "$(refusal sys1 POST /api/users/duty1/password -d "$bad" \
	-H 'Accept-Language: en')" 'a password has at least 10 characters' \
	"who reads English in English"
is "$(refusal sys1 POST /api/users/duty1/password -d "$bad")" \
	'a password has at least 10 characters' "and a program as the manual says"
is "$(refusal duty1 POST /api/records/resource.team -d '{"set":{"name":"队",
	"persons":"many"}}' -H "$zh" | grep -c '不是数字')" 1 \
	"a wrong value, too, with the field before it"
is "$(refusal duty1 GET /api/audit -H "$zh")" '角色 officer 不能这样做' \
	"and what a role may not"
long=值班员值班员值班员值班员值班员
said=$(refusal sec1 POST /api/users/duty1/role -d "{\"role\":\"$long\"}" -H "$zh")
like "$said" '^没有.*值班员值班员.*system' \
	"what is too long to be repeated is cut between characters"
is "$(echo "$said" | grep -c '�')" 0 "and spoils no other"
like "$(body aud1 GET /api/audit)" 'a password has at least 10 characters' \
	"the audit log is in one language"

# --- sessions -----------------------------------------------------------------------------
was() { sql "UPDATE login SET $1 WHERE login = 'duty1'"; }
was 'seen = seen - 9*60000'
is "$(code duty1 GET /api/me)" 200 "nine idle minutes are nothing"
was 'seen = seen - 9*60000'
is "$(code duty1 GET /api/me -H 'X-Yizhan-Background: 1')" 200 \
	"what a page asks by itself"
seen() { sql "SELECT seen FROM login WHERE login = 'duty1'"; }
before=$(seen)
call duty1 GET /api/events -m 1 >stream
is "$(grep -c '^retry' stream) $(seen)" "1 $before" "nor its stream of events"
was 'seen = seen - 2*60000'
is "$(code duty1 GET /api/me)" 401 "keeps no session: after ten it is over"
login duty1 Night-watch-20
is "$(code sec1 POST /api/users/duty1/idle -d '{"minutes":1440}')" 200 \
	"a duty screen may stay longer"
was 'seen = seen - 20*3600000, began = began - 20*3600000'
is "$(code duty1 GET /api/me)" 200 "as who gives rights has said"
is "$(code sys1 POST /api/users/duty1/idle -d '{"minutes":1440}')" 403 \
	"who alone may"
is "$(code sec1 POST /api/users/duty1/idle -d '{"minutes":99999}')" 400 \
	"and no week"
body sec1 POST /api/users/duty1/idle -d '{"minutes":0}' >/dev/null
was "seen = seen + 20*3600000, began = began + (20 - 13)*3600000"
is "$(code duty1 GET /api/me)" 401 "others end after 12 hours whatever they do"
cp view1.jar fixed.jar 2>/dev/null || : >fixed.jar
printf '127.0.0.1\tFALSE\t/\tFALSE\t0\tyz\t%064d\n' 0 >>fixed.jar
cp fixed.jar view1.jar
login view1 Night-watch-2
is "$(code fixed GET /api/me)" 401 \
	"a session that another had fixed before login is nobody's after it"

# --- the stream of events ends with what opened it ------------------------------------------
listens() { # NAME CURL-ARGUMENT...: its events; NAME.over once it has ended
	stream=$1
	shift
	rm -f "$stream.over"
	: >"$stream.events"
	(
		curl -sN "$@" "$url/api/events" >"$stream.events" 2>/dev/null
		: >"$stream.over"
	) &
	wait_for 20 grep -q retry "$stream.events"
}
ended() { wait_for 60 test -e "$1.over"; }
login duty1 Night-watch-20
login view1 Night-watch-2
ok "another listens all the while" listens view1 -b view1.jar
ok "one who will log out listens" listens duty1 -b duty1.jar
code duty1 POST /api/logout >/dev/null
y add resource.team name=其后 rkind=R01 level=县级 persons=9 >/dev/null
ok "logging out ends his stream" ended duty1
is "$(grep -c '^event: change' duty1.events)" 0 \
	"which has said nothing of what was written after it"
for way in 'ten idle minutes:seen = seen - 11*60000' \
	'twelve hours in all:began = began - 13*3600000'; do
	login duty1 Night-watch-20
	listens duty1 -b duty1.jar
	was "${way#*:}"
	ok "${way%:*} end it" ended duty1
done
login duty1 Night-watch-20
listens duty1 -b duty1.jar
body sec1 POST /api/users/duty1/role -d '{"role":"viewer"}' >/dev/null
ok "another role ends it" ended duty1
ok "whoever calls again is judged anew" listens duty1 -b duty1.jar
body sec1 POST /api/users/duty1/role -d '{"role":"officer"}' >/dev/null
ok "and the role given back ends that" ended duty1
listens duty1 -b duty1.jar
for n in 1 2 3 4 5; do
	curl -s -o /dev/null --interface 127.0.0.5 "$url/api/login" \
		-d '{"login":"duty1","password":"Wrong-guess-'$n'"}'
done
ok "an account that is shut loses its stream" ended duty1
is "$(code duty1 GET /api/me)" 200 \
	"though not its session: else anybody could throw the officer out"
body sec1 POST /api/users/duty1/unlock >/dev/null
made=$(body duty1 POST /api/tokens -d '{"name":"屏幕"}')
ok "a machine listens" listens machine \
	-H "Authorization: Bearer $(echo "$made" | text token)"
body duty1 DELETE "/api/tokens/$(echo "$made" | text id)" >/dev/null
ok "until its token is revoked" ended machine
listens duty1 -b duty1.jar
is "$(code sys1 POST /api/users/duty1/password \
	-d '{"password":"Night-watch-18"}')" 200 "a password that another sets"
ok "ends it too" ended duty1
ok "the other's was never cut" test ! -e view1.over
n=$(grep -c '^event: change' view1.events)
y add resource.team name=末了 rkind=R01 level=县级 persons=9 >/dev/null
more() { [ "$(grep -c '^event: change' view1.events)" -gt "$n" ]; }
ok "and goes on" wait_for 20 more
code view1 POST /api/logout >/dev/null
login view1 Night-watch-2
login duty1 Night-watch-18 ',"new_password":"Night-watch-19"'

# --- the audit log ---------------------------------------------------------------------------
not_ok "who guesses wrong" login view1 Wrong-guess-9
log=$(body aud1 GET /api/audit)
like "$log" '"whole":true,|"faults":\[\],"whole":true' "the log is whole"
sql "SELECT what, about, result FROM audit" >all
for line in '/api/tokens|duty1|done' "/api/tokens/\*|$tid|done" \
	'/api/users/\*/idle|duty1|done' '/api/users/\*/totp|duty1|done' \
	'/api/me/password||done' 'login||the login or the password is wrong' \
	'login||done' 'add|duty1|done'; do
	like "$(cat all)" "^$(echo "$line" | sed 's/|/\\|/g')\$" "it has $line"
done
ok "verify agrees" y verify
like "$(y verify)" '^[0-9]+ entries of the audit log checked$' "having looked"
fault() { # WHAT SQL PATTERN
	rm -f kept.db
	sql ".backup kept.db" # the log of writes is not in the file yet
	cp home/audit kept
	sql "$2"
	status 3 "$1: verify exits 3" y verify
	like "$(y verify)" "$3" "and says what"
	like "$(body aud1 GET /api/audit)" '"whole":false' "so does the console"
	sql 'DELETE FROM audit; DELETE FROM audit_base'
	sql "ATTACH 'kept.db' AS k; INSERT INTO audit SELECT * FROM k.audit;
		INSERT INTO audit_base SELECT * FROM k.audit_base"
	cp kept home/audit
}
n=$(sql 'SELECT max(no) FROM audit')
fault "a changed entry" "UPDATE audit SET login = 'x' WHERE no = 3" \
	'^audit log: entry 3 was changed$'
fault "one taken out" 'DELETE FROM audit WHERE no = 7' \
	'^audit log: entries 7 to 7 are gone$'
fault "a tail cut off" "DELETE FROM audit WHERE no > $n - 5" \
	"^audit log: entries $((n - 4)) to $n are gone$"
fault "a head cut off, as if pruned" "INSERT INTO audit_base SELECT no, hash
	FROM audit WHERE no = 9; DELETE FROM audit WHERE no < 10" \
	'^audit log: it begins behind entry 9, but HOME/audit was signed for'
ok "all put back, it is whole" y verify
sed 's/^last [0-9]*/last 5/' kept >home/audit
status 3 "a false word of where it ends: verify exits 3" y verify
rm home/audit
status 3 "none at all too" y verify
cp kept home/audit
sql "DELETE FROM audit WHERE no > $n - 5"
login view1 Night-watch-2
sql 'SELECT no FROM audit ORDER BY no DESC LIMIT 1' >no
is "$(cat no)" $((n + 2)) "what was cut off leaves its numbers unused for ever"
is "$(sql "SELECT what, result FROM audit WHERE no = $n + 1")" \
	"log|entries $((n - 4)) to $n are gone" "and the next entry of all says so"
like "$(y verify)" "^audit log: entries $((n - 4)) to $n are gone$" \
	"so the gap stays to be seen"
sql 'DELETE FROM audit; DELETE FROM audit_base'
sql "ATTACH 'kept.db' AS k; INSERT INTO audit SELECT * FROM k.audit"
cp kept home/audit

# --- kept for 180 days, exported before it is pruned -------------------------------------------------
call aud1 GET '/api/audit/export?_through=10' | sed '$d' | sed '$d' >exported
is "$(wc -l <exported)" 10 "the audit administrator exports the oldest entries"
prune() { code aud1 POST /api/audit/prune \
	-d "{\"through\":\"10\",\"sha256\":\"$(sha256sum <"$1" | cut -c1-64)\"}"; }
is "$(prune exported)" 403 "none is pruned before it is 180 days old"
# (test_audit.c has clocks of its own for the rest)
sql "UPDATE audit SET at = at - 181*86400000 WHERE no <= 10"
is "$(code sys1 POST /api/audit/prune -d '{"through":"10","sha256":""}')" 403 \
	"nor by another administrator at all"
is "$(code sys1 GET /api/audit/export)" 403 "who does not see it either"

# --- no log, no act ----------------------------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ]; then
	mv home/audit.lock kept.lock
	mkdir home/audit.lock # which nobody can open for writing
else
	chmod u-w home/audit.lock
fi
is "$(code sys1 POST /api/users -d '{"login":"ghost1","name":"鬼",
	"password":"Night-watch-9"}')" 500 "where the log cannot be written"
is "$(sql "SELECT count(*) FROM user WHERE login = 'ghost1'")" 0 \
	"nothing is administered"
not_ok "and nobody comes in" login view1 Night-watch-2
is "$(code sec1 GET /api/kinds)" 200 "what only reads goes on"
if [ "$(id -u)" -eq 0 ]; then
	rmdir home/audit.lock
else
	chmod u+w home/audit.lock
fi
is "$(code sys1 POST /api/users -d '{"login":"ghost1","name":"鬼",
	"password":"Night-watch-9"}')" 201 "when it can be again, all is well"
is "$(cat serve.err)" "" "the server has not complained"

# --- beyond this machine: HTTPS only --------------------------------------------------------------------------
desk_stop
desk_listen=0.0.0.0:0
ok "it listens to others" desk_start home --no-sync
url=$(echo "$url" | sed 's/0\.0\.0\.0/127.0.0.1/')
like "$url" '^https://' "by HTTPS"
tls=$(curl -sk -D - -o tls.body "$url/api/login" \
	-d '{"login":"view1","password":"Night-watch-2"}')
like "$tls" '^Set-Cookie: __Host-yz=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict; Secure' \
	"the cookie goes nowhere else"
like "$tls" '^Strict-Transport-Security: max-age=31536000' "and it stays HTTPS"
cookie=$(echo "$tls" | sed -n 's/^Set-Cookie: \([^;]*\).*/\1/p')
is "$(curl -sk -o /dev/null -w '%{http_code}' -H "Cookie: $cookie" \
	"$url/api/me")" 200 "with which he is known"
is "$(curl -sk -o /dev/null -w '%{http_code}' \
	-H "Cookie: $(echo "$cookie" | sed 's/__Host-//')" "$url/api/me")" 401 \
	"but not under the name that plain HTTP uses"
not_ok "plain HTTP is not spoken there" curl -s "http://${url#https://}/"
not_ok "nor TLS 1.1" curl -sk --tls-max 1.1 "$url/"

# --- a certificate that the office gives -------------------------------------------------------------------------
not_ok "who trusts nobody new does not trust the one it made" curl -s "$url/"
is "$(curl -s -o /dev/null -w '%{http_code}' --cacert home/keys/console.crt \
	"$url/api/me")" 401 "who was given that does"
desk_stop
issue() { # NAME: its own authority, and NAME.crt with NAME.key
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 9 -subj "/CN=authority $1" -keyout "$1.ca.key" \
		-out "$1.ca.crt" && openssl req -new -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=console \
		-keyout "$1.key" -out "$1.csr" &&
		echo subjectAltName=IP:127.0.0.1 >"$1.san" && openssl x509 -req \
		-in "$1.csr" -CA "$1.ca.crt" -CAkey "$1.ca.key" \
		-CAcreateserial -days 9 -extfile "$1.san" -out "$1.crt"
} 2>/dev/null
ok "(an office has an authority)" issue office
ok "(others have one)" issue others
cp office.crt home/keys/console.crt
cp office.key home/keys/console.key
ok "with a pair put into keys it starts" desk_start home --no-sync
url=$(echo "$url" | sed 's/0\.0\.0\.0/127.0.0.1/')
is "$(curl -s -o /dev/null -w '%{http_code}' --cacert office.ca.crt \
	"$url/api/me")" 401 "and who trusts the office's authority sees the console"
not_ok "who trusts another does not" curl -s --cacert others.ca.crt "$url/"
is "$(cat home/keys/console.crt home/keys/console.key)" \
	"$(cat office.crt office.key)" "what was put there stays"
desk_stop
is "$(cat serve.err)" "" "all that without complaint"
cp others.key home/keys/console.key
status 1 "a pair that does not fit is refused" \
	"$yizhan" -C home serve --listen 0.0.0.0:0 --no-sync
like "$(cat .out)" '^yizhan: serve: console.key is not the key of console.crt: put the right pair into ' \
	"and what is wrong said"
tap_done
