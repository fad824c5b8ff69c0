#!/bin/sh
# Checks of the rockspec; run from the top of the tree.
#   check_rock.sh files          it lists every file of lua/ and every .c of src/, and nothing else
#   check_rock.sh lint           luarocks lint
#   check_rock.sh make VERSION   the rock builds for that Lua, in a copy of the tree, and loads from its own tree

here=$(dirname "$0")
rockspec=rockspec/octostore-scm-1.rockspec
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

files() {
    find lua -name '*.lua' >"$scratch/unsorted"
    find src -name '*.c' >>"$scratch/unsorted"
    sort "$scratch/unsorted" >"$scratch/tree"
    grep -oE '"(lua|src)/[^"]+\.(lua|c)"' "$rockspec" | tr -d '"' | sort >"$scratch/listed"
    if ! diff "$scratch/listed" "$scratch/tree" >"$scratch/difference"; then
        echo "$rockspec and the tree differ (< only in the rockspec, > only in the tree):"
        grep '^[<>]' "$scratch/difference"
        return 1
    fi
}

# A rock without the tree around it: paths, dependencies between files and the module's name are right.
make_rock() {
    version=$1
    lua=$(cd / && sh "$here/luas.sh" interpreter "$version") || return 1
    mkdir "$scratch/source" || return 1
    cp -R src lua rockspec README.md LICENSE "$scratch/source" || return 1
    find "$scratch/source" -name '*.o' -exec rm -f {} +
    (cd "$scratch/source" && luarocks --lua-version "$version" make "$rockspec" --deps-mode=none \
        --tree="$scratch/tree" </dev/null) || return 1
    cd / || return 1
    LUA_PATH="$scratch/tree/share/lua/$version/?.lua;$scratch/tree/share/lua/$version/?/init.lua;;" \
        LUA_CPATH="$scratch/tree/lib/lua/$version/?.so;;" \
        "$lua" -e 'assert(require "octostore".new)
            for _, path in ipairs { package.searchpath and package.searchpath("octostore.native", package.cpath) } do
              assert(path:find("'"$scratch"'", 1, true), path)
            end'
}

here=$(cd "$here" && pwd)
case ${1:-} in
    files) files ;;
    lint) luarocks lint "$rockspec" ;;
    make) make_rock "$2" ;;
    *)
        echo 'usage: check_rock.sh files | lint | make VERSION' >&2
        exit 2
        ;;
esac
