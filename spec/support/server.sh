#!/bin/sh
# server.sh [path]
# The real OctoStore server for the conformance specs. Finds it where spec/support/servers.lua looks:
# OCTOSTORE_SERVER_BIN, the cache, PATH. Not found, it is built by a recent cargo into the cache.
# Without one, one line says what is left out. With OCTOSTORE_REQUIRE_REAL=1 that is a failure, and before
# it, a recent cargo is installed when root on a Debian-like system has one. OCTOSTORE_NO_INSTALL=1 forbids
# to build and to install.
#   server.sh path   prints where the server is, or fails; builds nothing

version=0.14.4
cargo_minor=85 # of 1.x: the oldest that builds the server's dependencies
cache=${OCTOSTORE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/octostore-lua}
root=$cache/server-$version

find_server() {
    if [ -n "${OCTOSTORE_SERVER_BIN:-}" ]; then
        [ -x "$OCTOSTORE_SERVER_BIN" ] && echo "$OCTOSTORE_SERVER_BIN"
    elif [ -x "$root/bin/octostore" ]; then
        echo "$root/bin/octostore"
    else
        command -v octostore
    fi
}

find_cargo() {
    for cargo in cargo "${CARGO_HOME:-${HOME:-/root}/.cargo}/bin/cargo"; do
        minor=$("$cargo" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
        if [ "${minor:-0}" -ge "$cargo_minor" ]; then
            echo "$cargo"
            return 0
        fi
    done
    return 1
}

# bookworm has a recent cargo as cargo-web, later releases as cargo.
install_cargo() {
    [ "${OCTOSTORE_REQUIRE_REAL:-}" = 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-get -q -o Acquire::Retries=3 update >/dev/null 2>&1
    for package in cargo cargo-web; do
        minor=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: 1\.\([0-9]*\).*/\1/p')
        if [ "${minor:-0}" -ge "$cargo_minor" ]; then
            echo "installing: $package"
            DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends \
                "$package" ca-certificates >/dev/null </dev/null
            return
        fi
    done
    return 1
}

# Built beside its place and moved there whole, so that an interrupted build leaves nothing half done.
build_server() {
    echo "building the octostore server $version with cargo, once, about 5 minutes; kept in $root"
    mkdir -p "$cache" || return 1
    "$1" install octostore --locked --version "$version" --root "$root.new" --quiet </dev/null &&
        rm -rf "$root" && mv "$root.new" "$root"
}

if found=$(find_server); then
    [ "${1:-}" != path ] || echo "$found"
    exit 0
fi
[ "${1:-}" != path ] || exit 1

if [ -n "${OCTOSTORE_SERVER_BIN:-}" ]; then
    echo "OCTOSTORE_SERVER_BIN is not an executable file: $OCTOSTORE_SERVER_BIN" >&2
    exit 1
fi
if [ "${OCTOSTORE_NO_INSTALL:-}" != 1 ]; then
    if ! cargo=$(find_cargo) && install_cargo; then
        cargo=$(find_cargo)
    fi
    if [ -n "$cargo" ]; then
        build_server "$cargo" && exit 0
        echo 'cargo could not build the octostore server' >&2
        exit 1
    fi
fi
echo "left out: the conformance specs against the real server; get it with cargo 1.$cargo_minor or newer" \
    "(Debian: cargo-web): cargo install octostore --locked --version $version --root $root" >&2
[ "${OCTOSTORE_REQUIRE_REAL:-}" != 1 ]
