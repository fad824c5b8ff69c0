#!/bin/sh
# run.sh: builds the baseline and runs the bench; `make bench` builds the modules first.
# BENCH_ROUNDS and BENCH_PAIRS set its length. Fails only when something did not run.

set -e
mkdir -p build/bench
# shellcheck disable=SC2046 # flags of the compiler
"${CC:-gcc}" -std=c99 -O2 -Wall -Wextra -Wshadow -Wconversion -Werror -o build/bench/baseline spec/bench/baseline.c \
    $(pkg-config --cflags --libs libcurl)
LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;'
export LUA_PATH
exec "$(sh spec/support/luas.sh interpreter 5.4)" spec/bench/report.lua
