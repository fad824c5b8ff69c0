#!/bin/sh
# bootstrap.sh PURPOSE
# Makes sure that what a purpose needs is there. PURPOSE is one of
#   build   compiler, libcurl, jansson          demo    build, Lua 5.4, and the embedded service
#   test    demo, every Lua (or those in LUAS), busted, SQLite, Redis
#   check   test, linters, valgrind, LuaRocks
# On a Debian-like system and as root it installs what is missing; otherwise it says what to
# install and fails. OCTOSTORE_NO_INSTALL=1 forbids installing. Quiet when nothing is missing.

here=$(dirname "$0")
all_luas='5.1 luajit 5.2 5.3 5.4'

missing=
need() { # PACKAGE COMMAND...: the package is missing when the command fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

lua_has() { # NAME MODULE...
    lua=$(sh "$here/luas.sh" interpreter "$1") || return 1
    shift
    for module in "$@"; do
        "$lua" -e "require '$module'" || return 1
    done
}

# The names of Debian's packages for a Lua and for its headers.
lua_package() { [ "$1" = luajit ] && echo luajit2 || echo "lua$1"; }
header_package() {
    case $1 in
        luajit) echo libluajit2-5.1-dev ;;
        5.1) echo liblua5.1-0-dev ;;
        *) echo "liblua$1-dev" ;;
    esac
}

need_build() {
    need gcc command -v "${CC:-gcc}"
    need libc6-dev sh -c 'echo "#include <stdlib.h>" | "${CC:-gcc}" -E -'
    need pkg-config command -v pkg-config
    need libcurl4-openssl-dev pkg-config --exists libcurl
    need libjansson-dev pkg-config --exists jansson
}

need_lua() {
    need "$(lua_package "$1")" sh "$here/luas.sh" interpreter "$1"
    need "$(header_package "$1")" sh "$here/luas.sh" cflags "$1"
    need lua-cjson lua_has "$1" cjson
    need lua-socket lua_has "$1" socket
}

# The HTTP front of the embedded service runs on LuaJIT or Lua 5.1: Debian's lua-http is for these.
has_front() { lua_has luajit http.server cjson socket || lua_has 5.1 http.server cjson socket; }
need_front() {
    has_front >/dev/null 2>&1 && return
    need luajit2 sh "$here/luas.sh" interpreter luajit
    need lua-http false
    need lua-cjson false
    need lua-socket false
}

need_demo() {
    need_build
    need_lua 5.4
    need_front
}

need_test() {
    need_build
    need_front
    for name in ${LUAS:-$all_luas}; do
        need_lua "$name"
        need lua-busted lua_has "$name" busted
        need lua-dbi-sqlite3 lua_has "$name" DBI dbd.sqlite3
    done
    need redis-server command -v redis-server
}

need_check() {
    need_test
    need_lua 5.4
    need clang command -v clang
    need clang-format command -v clang-format
    need valgrind command -v valgrind
    need cppcheck command -v cppcheck
    need shellcheck command -v shellcheck
    need lua-check command -v luacheck
    need luarocks command -v luarocks
}

# Sets missing to what `need` found. Releases that have no luajit2 any more have it as luajit.
find_missing() {
    missing=
    "need_$1"
    # shellcheck disable=SC2086 # a list of package names
    missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ' | sed 's/ *$//')
    case $missing in
        *luajit2*)
            if has_candidate luajit && ! has_candidate luajit2; then
                missing=$(echo "$missing" | sed -e 's/libluajit2-/libluajit-/g' -e 's/luajit2/luajit/g')
            fi
            ;;
    esac
}

has_candidate() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'; }

# The names of packages may depend on the lists that the update brings.
install_missing() { # PURPOSE
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q -o Acquire::Retries=3 update || return 1
    find_missing "$1"
    echo "installing: $missing" >&3
    # shellcheck disable=SC2086 # a list of package names
    apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --no-install-recommends $missing
}

case $* in
    build | demo | test | check) ;;
    *)
        echo 'usage: bootstrap.sh build | demo | test | check' >&2
        exit 2
        ;;
esac

find_missing "$1"
[ -n "$missing" ] || exit 0

if [ "${OCTOSTORE_NO_INSTALL:-}" != 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    log=$(mktemp) || exit 1
    trap 'rm -f "$log"' EXIT
    if ! install_missing "$1" 3>&1 >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        exit 1
    fi
    find_missing "$1"
    [ -n "$missing" ] || exit 0
    echo "installed, and still not usable: $missing" >&2
    exit 1
fi

{
    echo 'Not everything that is needed is installed. On Debian and its like, as root:'
    echo "  apt-get install --no-install-recommends $missing"
    if [ "$1" = test ] && [ -z "${LUAS:-}" ]; then
        echo 'or take only a Lua that you have: make test LUAS=5.4'
    fi
} >&2
exit 1
