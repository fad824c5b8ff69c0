#!/bin/sh
# check.sh [full]
# What `make check` runs: lint, format, warnings as errors by gcc and clang, the layers, sanitizers, valgrind
# and the rock. Shows the output of the checks that fail, and ends with "check: N passed, N failed".
#   full           runs all specs with the sanitized module, and those of CHECK_SPECS under valgrind too
#   CHECK_SPECS    the specs run with the sanitized module (those of them that exist)

here=$(dirname "$0")
make=${MAKE:-make}
work=build/check
CHECK_SPECS=${CHECK_SPECS:-spec/native_spec.lua spec/client*_spec.lua spec/transport spec/driver spec/engine
    spec/scoped_spec.lua spec/session_spec.lua}

passed=0
failed=0
check() { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$work/log" 2>&1 </dev/null; then
        echo "ok      $name"
        passed=$((passed + 1))
    else
        echo "FAILED  $name"
        sed -n -e 's/^/    /' -e '1,80p' -e '81s/.*/    .../p' "$work/log"
        failed=$((failed + 1))
    fi
}

shell_scripts() {
    find spec -name '*.sh' -exec sh -n {} \; -exec shellcheck -s sh -S warning {} + &&
        bash -n .ci/run && shellcheck -s bash -S warning .ci/run
}

format() {
    find src spec -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
}

build() { # DIRECTORY COMPILER [VARIABLE=VALUE...]
    directory=$1
    compiler=$2
    shift 2
    $make --no-print-directory B="$work/$directory" CC="$compiler" WERROR=1 "$@" all ctests
}

# The modules export luaopen_octostore_native and nothing else, and bring no Lua of their own.
exports() {
    for module in "$1"/*/octostore/native.so; do
        nm -D --defined-only "$module" | awk '{ print $NF }' | grep -vx luaopen_octostore_native && return 1
        if readelf -d "$module" | grep -E 'NEEDED.*lua'; then return 1; fi
    done
}

existing_specs() {
    for spec in $CHECK_SPECS; do
        [ ! -e "$spec" ] || echo "$spec"
    done
}

sanitized_module() { # SPEC...
    lua=$(sh "$here/luas.sh" interpreter 5.4) || return 1
    if [ $# = 0 ]; then
        echo "none of these exists: $CHECK_SPECS"
        return 1
    fi
    # Lua itself is not sanitized, so the runtime has to come first.
    SUITE_WRAPPER="env LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=1"
    export SUITE_WRAPPER
    sh "$here/suite.sh" sanitized "$lua" --cpath="$work/asan/5.4/?.so" "$@"
}

valgrind_options='--quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect'
valgrind_options="$valgrind_options --errors-for-leak-kinds=definite,indirect"

valgrind_module() { # NAME
    lua=$(sh "$here/luas.sh" interpreter "$1") || return 1
    SUITE_WRAPPER="valgrind $valgrind_options"
    export SUITE_WRAPPER
    # shellcheck disable=SC2046 # a list of files
    sh "$here/suite.sh" "valgrind" "$lua" --cpath="$work/gcc/$1/?.so" $(existing_specs)
}

# Two threads in one process: that of Lua and the engine's.
threads() { # SECONDS
    lua=$(sh "$here/luas.sh" interpreter 5.4) || return 1
    LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua;;' CHURN_WRAPPER="env LD_PRELOAD=$(gcc -print-file-name=libtsan.so)" \
        "$lua" spec/engine/run_churn.lua "$lua" "$work/tsan/5.4/?.so" "$1"
}

mkdir -p "$work" || exit 1

check 'shell scripts' shell_scripts
check 'luacheck' luacheck --quiet --no-color lua spec rockspec
check 'clang-format' format
check 'cppcheck' cppcheck --quiet --enable=warning,performance,portability --std=c99 --inline-suppr \
    --suppress=normalCheckLevelMaxBranches --error-exitcode=1 -Isrc src
check 'gcc without warnings, layers' build gcc gcc
check 'clang without warnings, layers' build clang clang
check 'exported symbols' exports "$work/gcc"
check 'build with ASan and UBSan' build asan gcc LUAS=5.4 SANITIZE=address,undefined
check 'build with TSan' build tsan gcc LUAS=5.4 SANITIZE=thread
check 'engine under TSan' threads 5
check 'C unit tests under ASan and UBSan' sh "$here/test_c.sh" asan "$work/asan/c"
check 'C unit tests under valgrind' \
    env TEST_C_WRAPPER="valgrind $valgrind_options" sh "$here/test_c.sh" valgrind "$work/gcc/c"
if [ "${1:-}" != full ]; then
    # shellcheck disable=SC2046 # a list of files
    check 'module under ASan and UBSan' sanitized_module $(existing_specs)
else
    check 'module under ASan and UBSan, all specs' sanitized_module spec
    check 'module under valgrind, Lua 5.4' valgrind_module 5.4
    check 'module under valgrind, Lua 5.1' valgrind_module 5.1
fi
check 'rockspec lists the tree' sh "$here/check_rock.sh" files
check 'luarocks lint' sh "$here/check_rock.sh" lint
check 'luarocks make, Lua 5.4' sh "$here/check_rock.sh" make 5.4
check 'luarocks make, Lua 5.1' sh "$here/check_rock.sh" make 5.1

echo "check: $passed passed, $failed failed"
[ "$failed" = 0 ]
