#!/bin/sh
# Goal of this test: a station that an earlier program left is opened by this
# one: its databases are brought up to date, everything in it is as it was, and
# it goes on; and databases of a later program are refused and left alone.
# tests/data/README.md says what the earlier program was.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
# shellcheck source=tests/desk.sh
. "$top/tests/desk.sh"
YIZHAN_DATA=$top/src/data
export YIZHAN_DATA
cleanup() { desk_stop; }
y() { "$yizhan" -C "$T/home" "$@"; }
sql() { "$build/tests/sql" "$T/home/$1.db" "$2"; }
level() { sqlite3 "$T/home/$1.db" 'PRAGMA user_version'; }
unpack() { rm -rf home && tar -xf "$top/tests/data/home-1.tar.xz"; }
digest=$(cat "$top/tests/data/home-1.digest")

# What this program makes of a new station.
"$yizhan" -C new init 520302 --top >/dev/null 2>&1
"$yizhan" -C new status >/dev/null
now=$(sqlite3 new/yizhan.db 'PRAGMA user_version')
now_local=$(sqlite3 new/local.db 'PRAGMA user_version')

# --- as the earlier program left it --------------------------------------------------
ok "an earlier program's station is unpacked" unpack
ok "its local.db is behind" test "$(level local)" -lt "$now_local"
like "$(y status)" '^520302 红花岗区 \(child\)' "it opens, and knows its child"
is "$(level local)" "$now_local" "now local.db is up to date"
is "$(y digest)" "$digest" "what it holds is as the earlier program had it"
ok "all of it verifies" y verify --deep
is "$(y user list)" 'duty1 officer 值班员甲' "its people have their accounts"
is "$(y conflicts | grep -c 'cap_person: \(320\|280\) ')" 2 \
	"what was to be decided still is"
like "$(y add resource.team name=x rkind=R01 persons=3 level=市级 2>&1)" \
	'restored from a copy' "it knows that it is unpacked from a copy"
ok "told to go on it does" y resume --alone
id=$(y add resource.team name=新队 rkind=R01 persons=3 level=市级)
like "$id" '^520300-[0-9a-f]{32}$' "and writes"
ok "the console opens" desk_start home --no-sync
ok "who had a password logs in with it" login duty1 Night-watch-1
like "$(body duty1 GET "/api/records/resource/$id")" '"title":"新队"' "and reads"
ok "it ends well" desk_stop
ok "all of it verifies, the new too" y verify --deep
y digest >held
ok "the ledger makes the same database anew" y rebuild
is "$(y digest)" "$(cat held)" "to the last bit"

# --- yizhan.db as still earlier programs had it ------------------------------------------
# They are made of it by taking away what each migration adds.
back_to() { # LEVEL
	unpack
	[ "$1" -ge 3 ] || sql yizhan 'DROP TABLE _aside; DROP TABLE _fetched;
		DROP TABLE _incarnation; PRAGMA user_version = 2'
	[ "$1" -ge 2 ] || sql yizhan 'DROP TABLE _key; DROP TABLE _fork;
		DROP INDEX _continues_other; DROP TABLE _continues;
		DROP TABLE _loose; DROP TABLE _cut;
		ALTER TABLE _changeset DROP COLUMN key; PRAGMA user_version = 1'
}
timeline() { # of the console, all on one page: ids and authors
	body duty1 GET '/api/changesets?_limit=200' |
		grep -o '"id":"[0-9a-f]*"\|"author":"[^"]*"\|"subject":"[^"]*"'
}
for old in 2 1; do
	ok "yizhan.db of level $old" back_to $old
	is "$(level yizhan)" $old "(it is)"
	is "$(y digest)" "$digest" "opens, and holds what it held"
	is "$(level yizhan)" "$now" "and is up to date"
	ok "all of it verifies" y verify --deep
	ok "it goes on" y resume --alone
	ok "and writes" y add resource.team name=x rkind=R01 persons=3 level=市级
	ok "and verifies" y verify --deep
done
for index in _record_owner _resource_by_rkind _resource_by_status; do
	is "$(sqlite3 home/yizhan.db "SELECT count(*) FROM sqlite_schema
		WHERE name = '$index'")" 1 "$index is made for it"
done
unpack
ok "an earlier program's station begins at once with the console" \
	desk_start home --no-sync
ok "whose timeline" login duty1 Night-watch-1
timeline >shown
ok "it ends" desk_stop
is "$(sqlite3 home/yizhan.db 'SELECT count(*) FROM _changeset
	WHERE author IS NULL OR subject IS NULL')" 0 \
	"has been taken from the ledger once"
for stream in command resource personal oversight roster; do
	git -C "home/ledger/$stream.git" log --all --grep='^Chain: ' \
		--format=%an 2>/dev/null
done | sort >authors
ok "and says who wrote what, as git does" \
	cmp authors <<-END
	$(sed -n 's/^"author":"\([^"]*\)"$/\1/p' shown | sort)
	END
sql yizhan 'UPDATE _changeset SET author = NULL, subject = NULL'
ok "where it is not, the ledger itself is read" desk_start home --no-sync
login duty1 Night-watch-1
timeline >again
desk_stop
ok "and says the same" cmp shown again

# Daemon, receivers and commands all begin anew after an upgrade.
back_to 1
many=
for n in 1 2 3 4 5 6 7 8; do
	y digest >"many.$n" 2>&1 &
	many="$many $!"
done
for pid in $many; do wait "$pid"; done
is "$(sort -u many.*)" "$(echo "$digest" | sort)" \
	"of eight at one moment one brings it up to date, and all read it"

# --- of a later program ------------------------------------------------------------------------
refused() { # FILE
	unpack
	y status >/dev/null
	was=$(level "$1")
	sql "$1" 'PRAGMA user_version = 99'
	status 1 "a later program's $1.db is refused" y status
	is "$(cat .out)" "yizhan: status: $1.db is of a newer program (level 99, this one knows $was): install that version again" \
		"in one line that says what to do"
	status 1 "by the daemon too" "$yizhan" -C "$T/home" serve \
		--listen 127.0.0.1:0 --no-sync
	is "$(level "$1")" 99 "and left alone"
	sql "$1" "PRAGMA user_version = $was"
	is "$(y digest)" "$digest" "so that the later program finds all of it"
}
refused yizhan
refused local
sql local "UPDATE setting SET value = '99' WHERE name = 'console'"
status 1 "a later program's accounts are refused" \
	"$yizhan" -C "$T/home" serve --listen 127.0.0.1:0 --no-sync
like "$(cat .out)" 'local.db is of a newer program \(console 99, this one knows' \
	"likewise"
tap_done
