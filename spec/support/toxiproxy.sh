#!/bin/sh
# toxiproxy.sh [path]
# The proxy of the chaos run, which breaks connections on demand. Finds it in the cache, else has Go build it
# there. Without one, one line says what is left out. With OCTOSTORE_REQUIRE_REAL=1 that is a failure, and before
# it Go is installed when root on a Debian-like system. OCTOSTORE_NO_INSTALL=1 forbids to build and to install.
#   toxiproxy.sh path   prints where it is, or fails; builds nothing

cache=${OCTOSTORE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/octostore-lua}
root=$cache/toxiproxy
program=$root/server

if [ -x "$program" ]; then
    [ "${1:-}" != path ] || echo "$program"
    exit 0
fi
[ "${1:-}" != path ] || exit 1

# The minor number of Go 1.x, where there is one.
go_minor() { go version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p'; }

install_go() {
    [ "${OCTOSTORE_REQUIRE_REAL:-}" = 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo 'installing: golang-go'
    apt-get -q -o Acquire::Retries=3 update >/dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends \
        golang-go ca-certificates >/dev/null </dev/null
}

# Later versions ask for a Go that Debian's stable release has not.
version_for() { [ "$1" -ge 23 ] && echo v2.12.0 || echo v2.5.0; }

# Built beside its place and moved there whole.
build() {
    version=$(version_for "$1")
    echo "building toxiproxy $version with Go, once; kept in $root"
    mkdir -p "$cache" || return 1
    GOBIN=$root.new GOFLAGS=-mod=mod go install "github.com/Shopify/toxiproxy/v2/cmd/server@$version" </dev/null &&
        rm -rf "$root" && mv "$root.new" "$root"
}

if [ "${OCTOSTORE_NO_INSTALL:-}" != 1 ]; then
    minor=$(go_minor)
    if [ "${minor:-0}" -lt 17 ] && install_go; then
        minor=$(go_minor)
    fi
    if [ "${minor:-0}" -ge 17 ]; then
        build "$minor" && exit 0
        echo 'Go could not build toxiproxy' >&2
    fi
fi
echo "left out: the chaos run; it needs toxiproxy, which Go 1.17 or newer builds (Debian: golang-go)" >&2
[ "${OCTOSTORE_REQUIRE_REAL:-}" != 1 ]
