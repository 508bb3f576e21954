#!/bin/sh
# Goal of this test: every fuzz target runs over its corpus, its folder in
# tests/fuzz/corpus, without a fault.  "make fuzz" looks for new inputs.
. "${top_srcdir:-.}/tests/lib.sh"

for source in "$top"/tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	ok "$name: $(ls "$top/tests/fuzz/corpus/${name#fuzz_}" | wc -l) inputs" \
		"$build/tests/fuzz/$name" \
		"$top/tests/fuzz/corpus/${name#fuzz_}"/*
done
tap_done
