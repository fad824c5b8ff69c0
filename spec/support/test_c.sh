#!/bin/sh
# test_c.sh WORD DIRECTORY
# Runs the C unit tests in DIRECTORY, one program for each spec/c/*.c, and ends with one line
# "WORD: N passed, N failed". A program prints such counts itself, last; one that prints none, or dies
# without a failed test, counts as a failure. Output is shown of those that fail only.
# TEST_C_WRAPPER, if set, is a command to run them under.

word=$1
directory=$2
passed=0
failed=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

for source in spec/c/*.c; do
    [ -e "$source" ] || continue
    program=$directory/$(basename "$source" .c)
    # shellcheck disable=SC2086 # the wrapper is a command with its arguments
    ${TEST_C_WRAPPER:-} "$program" >"$log" 2>&1 </dev/null
    status=$?
    counts=$(sed -n 's/^\([a-z0-9_]*: \)\{0,1\}\([0-9]*\) passed, \([0-9]*\) failed$/\2 \3/p' "$log" | tail -n 1)
    good=${counts%% *}
    bad=${counts##* }
    if [ -z "$counts" ] || { [ "$status" != 0 ] && [ "$bad" = 0 ]; }; then
        good=${good:-0}
        bad=1
    fi
    if [ "$bad" != 0 ]; then
        echo "failed: $program (status $status)"
        grep -vE '^([a-z0-9_]+: )?[0-9]+ passed, [0-9]+ failed$' "$log" |
            sed -n -e 's/^/    /' -e '1,40p' -e '41s/.*/    .../p'
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
done

if [ "$((passed + failed))" = 0 ]; then
    echo "failed: no C unit test ran"
    failed=1
fi
echo "$word: $passed passed, $failed failed"
[ "$failed" = 0 ]
