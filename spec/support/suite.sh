#!/bin/sh
# suite.sh WORD LUA [options of busted]
# Runs busted under the interpreter LUA over spec/ (or the files given) and ends with one line
# "WORD: N passed, N failed[, N skipped]". SUITE_WRAPPER, if set, is a command to run it under.
# An interpreter that dies counts as a failure; so does a run without tests.

word=$1
lua=$2
shift 2
unset OCTOSTORE_BASE_URL OCTOSTORE_TOKEN # the specs have servers of their own
OCTOSTORE_TEST_RESULT=$(mktemp) || exit 1
export OCTOSTORE_TEST_RESULT
trap 'rm -f "$OCTOSTORE_TEST_RESULT"' EXIT

# shellcheck disable=SC2086 # the wrapper is a command with its arguments
${SUITE_WRAPPER:-} "$lua" spec/support/run_busted.lua -o spec/support/busted_output.lua "$@" </dev/null
status=$?

passed=0 failed=0 skipped=0
if [ -s "$OCTOSTORE_TEST_RESULT" ]; then
    read -r passed failed skipped <"$OCTOSTORE_TEST_RESULT"
fi
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    echo "failed: $lua ended with status $status"
    failed=1
fi
if [ "$passed" = 0 ] && [ "$failed" = 0 ] && [ "$skipped" = 0 ]; then
    echo "failed: $word left no result"
    failed=1
fi

line="$word: $passed passed, $failed failed"
[ "$skipped" = 0 ] || line="$line, $skipped skipped"
echo "$line"
[ "$failed" = 0 ]
