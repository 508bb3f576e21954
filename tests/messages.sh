#!/bin/sh
# Goal of this test: every message of the program has a Chinese one of the
# same form, and people see it where their locale is Chinese, even on a
# system that never generated zh_CN.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
cd "$top" || exit 1
po=src/po/zh_CN.po

ok "the messages are extracted" sh src/po/extract "$T/all.pot"
ok "the messages are found" test -s "$T/all.pot"
ok "the catalogue is well-formed, and its formats are those of the program" \
	msgfmt --check -o /dev/null $po
is "$(msgattrib --only-fuzzy $po)" "" "no translation is a guess"
msgmerge -q --no-fuzzy-matching -o "$T/merged.po" $po "$T/all.pot"
is "$(msgattrib --untranslated --no-wrap "$T/merged.po" |
	sed '1,/^$/d' | grep '^msgid')" "" "every message is translated"
is "$(msgattrib --only-obsolete --no-wrap "$T/merged.po" |
	sed '1,/^$/d' | grep 'msgid')" "" "none is translated that is gone"
# An err is English until it is shown: it is kept, sent and compared.
is "$(grep -Pzlr --include='*.c' 'err_(set|sys|within)\([^;{]*[ (]_\("' src)" "" \
	"none is translated before it is shown"

usage() { env -u LC_ALL "$@" "$yizhan" --help | head -n 1; }
zh='用法：yizhan [-C 目录] 命令 [参数 ...]'
en='usage: yizhan [-C HOME] COMMAND [ARGUMENT ...]'
is "$(usage LANG=zh_CN.UTF-8)" "$zh" "LANG=zh_CN.UTF-8 is enough"
is "$(usage LC_ALL=zh_CN.UTF-8)" "$zh" "so is LC_ALL"
is "$(usage LANG=C.UTF-8 LANGUAGE=zh_CN)" "$zh" "so is LANGUAGE"
is "$(usage LANG=zh_CN.GB18030)" "$zh" "what is printed is UTF-8"
is "$(usage LC_ALL=C.UTF-8)" "$en" "other locales see English"
is "$(usage LANG=zh_CN.UTF-8 LC_ALL=C)" "$en" "LC_ALL comes first"
unlike "$(LC_ALL=zh_CN.UTF-8 "$yizhan" join /nonexistent 2>&1)" '\?\?' \
	"what the system says is UTF-8 too, not question marks"
tap_done
