#!/bin/sh
# The Luas of this system.
#   luas.sh list               names of those whose headers are installed (5.1 luajit 5.2 5.3 5.4)
#   luas.sh cflags NAME        the compiler's flags for the headers of one
#   luas.sh interpreter NAME   the path of its interpreter

names='5.1 luajit 5.2 5.3 5.4'

# The names under which distributions know a Lua, as package of pkg-config and as command.
aliases() {
    case $1 in
        luajit) echo luajit ;;
        *) echo "lua$1 lua-$1 lua$(echo "$1" | tr -d .)" ;;
    esac
}

pkg_config_name() {
    for alias in $(aliases "$1"); do
        if pkg-config --exists "$alias" 2>/dev/null; then
            echo "$alias"
            return 0
        fi
    done
    return 1
}

case $1 in
    list)
        found=
        for name in $names; do
            pkg_config_name "$name" >/dev/null && found="$found $name"
        done
        echo "${found# }"
        ;;
    cflags)
        if ! package=$(pkg_config_name "$2"); then
            echo "no headers of Lua $2 found through pkg-config (known names: $names)" >&2
            exit 1
        fi
        pkg-config --cflags "$package"
        ;;
    interpreter)
        for alias in $(aliases "$2"); do
            command -v "$alias" && exit 0
        done
        echo "no interpreter of Lua $2 found" >&2
        exit 1
        ;;
    *)
        echo "usage: luas.sh list | cflags NAME | interpreter NAME" >&2
        exit 2
        ;;
esac
