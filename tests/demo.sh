#!/bin/sh
# Goal of this test: the story that "yizhan demo" tells holds from beginning
# to end, over real sshd processes, and leaves nothing behind.
# shellcheck source=tests/lib.sh
. "${top_srcdir:-.}/tests/lib.sh"
