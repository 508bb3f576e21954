#!/bin/sh
# Goal of this test: threat T17, no room at any write.  Each of the calls of the
# commands of t18_power.sh that may need room fails with ENOSPC, one after
# another: what the command does is whole, or it says in one line why not; the
# station verifies, nothing that was acknowledged is lost, and the same command,
# once more, does its work.
#
# T17_POINTS=N	at most so many of each system call of a command (default 1; all:
#		100000)
T18_FULL=1
T18_POINTS=${T17_POINTS:-1}
export T18_FULL T18_POINTS
exec sh "${top_srcdir:-.}/tests/threat/t18_power.sh"
