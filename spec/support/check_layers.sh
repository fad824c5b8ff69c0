#!/bin/sh
# check_layers.sh CORE_OBJECT...
# Checks that the layers of src/ hold; run from the top of the tree. Fails and names each breach when
#   - an object of the core refers to a symbol that is neither in another one of them, nor jansson's
#     (json_*), nor in core_symbols.allow;
#   - a file of the core includes a system header that is not on the list below;
#   - a layer includes a header of a layer above it, or one other than the binding includes Lua's.

here=$(dirname "$0")
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

core_headers='errno float inttypes limits stdarg stdbool stddef stdint stdio stdlib string jansson'

# "OBJECT: SYMBOL" for what the core's objects need and none of them has. The variants of a function
# that compilers and C libraries substitute (fortified, of a C standard) count as the function.
foreign_symbols() {
    case $(uname -s) in Darwin) strip='s/: _/: /' ;; *) strip= ;; esac
    nm -A -g "$@" | sed "$strip" >"$scratch/symbols"
    awk '$(NF - 1) ~ /^[A-TV-Z]$/ { print $NF }' "$scratch/symbols" | sort -u >"$scratch/defined"
    awk '$(NF - 1) == "U" { sub(/:.*/, "", $1); print $1 ": " $NF }' "$scratch/symbols" >"$scratch/needed"
    sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$here/core_symbols.allow" >>"$scratch/defined"
    awk 'NR == FNR { known[$1] = 1; next }
         { name = $2; sub(/^__isoc[0-9]+_/, "", name)
           if (name ~ /^__.*_chk$/) { sub(/^__/, "", name); sub(/_chk$/, "", name) } }
         !($2 in known) && !(name in known) && $2 !~ /^json_/' "$scratch/defined" "$scratch/needed"
}

# "FILE:LINE: #include ..." for every include in the files of one layer.
includes() {
    [ ! -d "src/$1" ] ||
        find "src/$1" -name '*.[ch]' -exec grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null {} +
}

# layer_may_not LAYER REGEX WHY: the includes of a layer that match are breaches.
layer_may_not() {
    includes "$1" | grep -E "$2" | sed "s,\$,   <- $3,"
}

{
    if [ $# -gt 0 ]; then
        foreign_symbols "$@" | sed 's/$/   <- a symbol the core may not use (core_symbols.allow)/'
    fi

    allowed=$(echo "$core_headers" | tr ' ' '|')
    includes core | grep -vE "include[[:space:]]*(<($allowed)\\.h>|\"core/)" |
        sed 's,$,   <- not for the core: it is pure,'

    lua='include[[:space:]]*[<"](lua[0-9.]*/)?(lua|luaconf|lualib|lauxlib|luajit)\.h'
    layer_may_not transport "$lua" 'Lua is for src/lua only'
    layer_may_not engine "$lua" 'Lua is for src/lua only'
    layer_may_not transport 'include[[:space:]]*"(engine|lua)/' 'a layer above the transport'
    layer_may_not engine 'include[[:space:]]*"lua/' 'a layer above the engine'
} >"$scratch/breaches"

if [ -s "$scratch/breaches" ]; then
    echo 'the layers of src/ do not hold:' >&2
    sed 's/^/  /' "$scratch/breaches" >&2
    exit 1
fi
