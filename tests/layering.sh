#!/bin/sh
# Goal of this test: arrows between the rooms point one way, each outside
# library is met where it may be, and a file exports its own names only.
. "${top_srcdir:-.}/tests/lib.sh"
cd "$top" || exit 1

none() { # WHAT FINDINGS
	if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi
}

# Rooms.  Headers of sync, and a room's own, are included by name alone; the
# others' with the room before them.
breaches() { # PATTERN-OF-ALLOWED FILE...
	allowed=$1
	shift
	grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" |
		grep -Ev "\"($allowed)\"" | grep -v '"config\.h"'
}
headers() { # FOLDER, as a pattern
	(cd "$1" && printf '%s|' *.h | sed 's/|$//; s/\./\\./g')
}

none "base includes nothing of the product" \
	"$(breaches 'base/[a-z0-9_]+\.h' src/base/*.[ch])"
none "sync includes only base and sync" \
	"$(breaches "base/[a-z0-9_]+\\.h|$(headers sync)" sync/*.[ch])"
none "model includes only base, sync and model" "$(breaches \
	"(base|model)/[a-z0-9_]+\\.h|$(headers sync)|$(headers src/model)" \
	src/model/*.[ch])"
none "nobody but src/ includes what the commands share" \
	"$(grep -n '"cmd\.h"' src/*/*.[ch] sync/*.[ch])"

# Outside libraries: header, then the files that may meet it.
while read -r header files; do
	found=$(grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$header" \
		-r src sync --include='*.[ch]')
	strangers=
	for f in $found; do
		case " $files " in
		*" ${f%.[ch]} "*) ;;
		*) strangers="$strangers $f" ;;
		esac
	done
	none "<$header> is met only in $files" "$strangers"
done <<'TABLE'
sqlite3 src/base/db_impl src/base/db_page
git2 sync/lane sync/lane_library
openssl/ src/base/cipher src/base/digest src/base/exchange sync/sign src/web/certificate src/web/password
archive src/base/archive
libssh2 sync/link_ssh
zlib sync/pack
zstd sync/run
jansson src/base/json
microhttpd src/web/http_impl
expat src/base/xml
iconv src/base/text
qrencode src/web/qr
TABLE

# Exports.  A file's names begin with its own name, or with that up to an
# underscore (roster_parse.c is of the noun roster); else the table says
# which noun's header declares what it implements.
exports() {
	find src sync -name '*.c' | sort | while read -r c; do
		o=$build/${c%.c}.o
		[ -f "$o" ] || continue
		stem=$(basename "$c" .c)
		case $c in src/cmd_*) stem=cmd ;; src/main.c) stem=main ;; esac
		nm -g --defined-only "$o" | awk -v file="$c" -v stem="$stem" \
			-v also="$(echo "$nouns" | sed -n "s/^$stem //p")" '
			BEGIN {
				n = split(stem, part, "_")
				for (i = 1; i <= n; i++) {
					p = p (i > 1 ? "_" : "") part[i]
					good[p] = 1
				}
				n = split(also, part, " ")
				for (i = 1; i <= n; i++)
					good[part[i]] = 1
			}
			$2 ~ /^[A-TV-Z]$/ && $3 !~ /^__/ {
				for (p in good)
					if ($3 == p || index($3, p "_") == 1)
						next
				print file ": " $3
			}'
	done
}
# file, then the nouns whose names it may export besides its own
nouns='act replica
chain stream
digest_state replica
fold replica
fork replica
history replica
judge replica
main cmd
op ops
rebuild replica
receive replica
refold replica
seal replica
truncate replica
verify replica'
objects=$(find "$build/src" "$build/sync" -name '*.o' | wc -l)
ok "there are objects to look at" test "$objects" -gt 10
none "each file exports only names of its noun" "$(exports)"

tap_done
