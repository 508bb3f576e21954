#!/bin/sh
# Goal of this test: threat T22, kill -9 at any moment; tests/kill9.sh is it,
# here a few rounds so that the threat has its name.
KILL9_ROUNDS=${KILL9_ROUNDS:-10}
export KILL9_ROUNDS
. "${top_srcdir:-.}/tests/kill9.sh"
