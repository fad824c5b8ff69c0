#!/bin/sh
# test.sh BUILD NAME...
# What `make test` runs when everything is built in BUILD: the C unit tests, then all specs on each of the
# Luas named. Each suite ends with its counts on one line; fails when any of them fails.

build=$1
shift
here=$(dirname "$0")
bad=

sh "$here/test_c.sh" c "$build/c" || bad=" c"
for name in "$@"; do
    word=lua$name
    [ "$name" != luajit ] || word=luajit
    if lua=$(sh "$here/luas.sh" interpreter "$name"); then
        sh "$here/suite.sh" "$word" "$lua" --cpath="$build/$name/?.so" || bad="$bad $word"
    else
        echo "$word: 0 passed, 1 failed"
        bad="$bad $word"
    fi
done

if [ -n "$bad" ]; then
    echo "test: failed:$bad"
    exit 1
fi
echo "test: everything passed (C, and Lua $*)"
