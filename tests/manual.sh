#!/bin/sh
# Goal of this test: the manual that an administrator reads in Chinese says no
# less than the one in English: the same commands with the same options in the
# same order, the same files, variables and exit states; both have what the
# program itself says that it takes; and groff has no complaint about either.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
en=$top/src/yizhan.8 zh=$top/src/po/zh_CN/yizhan.8

# PAGE: without fonts and escapes, options as they are typed.
typed() {
	sed 's/\\f[BIPR]//g; s/\\c$//; s/\\-/-/g; s/\\%//g
		s/\(^\.\| \)Fl /\1-/g; s/\(^\.\| \)-o\b/\1-o/g' "$1"
}
# PAGE: each command with its options, a line each, as the entry's head has it.
heads() {
	awk '
	function tell(  n, i, f, out, name) {
		n = split(head, f, " ")
		for (i = 1; i <= n; i++) {
			if (f[i] == "Ic" || (f[i] == "Cm" && f[i + 1] ~ /^[a-z]/))
				name = 1
			else if (f[i] == "Fl") {
				name = 0
				out = out " -" f[++i]
			} else if (f[i] ~ /^[A-Z.|\\]/ || f[i] !~ /^[a-z-]+$/)
				name = 0
			else if (name)
				out = out " " f[i]
		}
		print substr(out, 2)
		head = ""
	}
	/^\.It (Xo )?Ic / { head = $0; more = /^\.It Xo/; on = 1 }
	on && !/^\.It / { head = head " " $0 }
	on && (more ? /^\.Xc/ : !/\\$/) { on = 0; tell() }' "$1"
}
options() {
	typed "$1" | grep -Eo -- '(^|[^a-z-])--[a-z][a-z-]+' |
		grep -o -- '--.*' | sort -u
}
files() {
	typed "$1" | grep -Eo '(/(etc|var|usr|run|api)|HOME|keys|refs|sync|divisions)/[A-Za-z0-9_./@-]*' |
		sed 's/[.,]*$//' | sort -u
}
# The rest of what is typed and stays as it is: variables, units, addresses.
others() {
	typed "$1" | grep -Eo -e '\b[A-Z]+_[A-Z_]+\b' \
		-e '\byizhan-[a-z]+@?\.[a-z]+|\b[0-9]+(\.[0-9]+)*:[0-9]+' \
		-e '\b[0-9]+ (MiB|GiB|天|days)' |
		sed '/BYTES_PER_S/d; s/ days/ 天/' | sort -u
}
states() { sed -n '/^\.Sh \(EXIT STATUS\|退出状态\)/,/^\.El/s/^\.It //p' "$1"; }
sections() { grep -c '^\.S[hs] ' "$1"; }
examples() {
	sed -n "/^\.Bd/,/^\.Ed/p" "$1" |
		sed 's/\\-/-/g; s/^city\$/市$/; s/^county\$/县$/'
}

heads $en >en.heads
heads $zh >zh.heads
like "$(cat en.heads)" '^backup --keep --passphrase --to-recovery --recovery ' \
	"(the heads are read)"
is "$(cat zh.heads)" "$(cat en.heads)" \
	"both pages have the same commands and options, in the same order"
for what in options files others states sections examples; do
	isnt "$($what $en)" "" "(there are $what)"
	is "$($what $zh)" "$($what $en)" "both have the same $what"
done

# What the program says of itself.
missing=
for c in $("$yizhan" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p'); do
	grep -Eq "^$c( |\$)" zh.heads || missing="$missing $c"
	for o in $("$yizhan" "$c" --help | grep -Eo -- '--[a-z][a-z-]*' | sort -u); do
		grep -E "^$c( |\$)" zh.heads | grep -Eq -- " $o( |\$)" ||
			missing="$missing $c$o"
	done
done
is "$missing" "" "every command and option that --help names is in both"

# What would be noticed: an entry or an option left out.
sed '/^\.Op Fl -keep /d' $zh >less
isnt "$(heads less)" "$(cat en.heads)" "an option left out of a head shows"
sed 's/clock\\-is/clock/' $zh >less
isnt "$(options less)" "$(options $en)" "or out of the text"

for page in $en $zh; do
	is "$(groff -ww -Kutf8 -Tutf8 -mandoc $page 2>&1 >rendered)" "" \
		"groff renders ${page#"$top"/} without a warning"
done
# Without what makes letters bold.
LC_ALL=C.UTF-8 sed "s/.$(printf '\010')//g; s/$(printf '\033')\[[0-9;]*m//g" \
	rendered >plain
like "$(cat plain)" '断线多久都能独立工作' "in Chinese"
is "$(LC_ALL=C.UTF-8 grep '^.\{81\}' plain | grep -v '\$ yizhan ')" "" \
	"and breaks its lines"
sed '/^\.mso zh\.tmac/d' $zh >less
isnt "$(groff -ww -Kutf8 -Tutf8 -mandoc less 2>&1 >rendered)" "" \
	"(which would show if it did not)"
tap_done
