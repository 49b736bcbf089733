#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks for, or installs, what the build needs. docs/dependencies.md says why each is there.
set -eu

apt_packages="gcc meson ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev
libjansson-dev libpcre2-dev libutf8proc-dev libyaml-dev libarchive-dev libssl-dev libedit-dev
libcurl4-openssl-dev libmicrohttpd-dev libcmocka-dev python3"
brew_packages="meson ninja pkg-config protobuf-c jansson pcre2 utf8proc libyaml libarchive
openssl@3 libedit libmicrohttpd curl cmocka"
libraries="jansson libprotobuf-c libpcre2-8 libutf8proc yaml-0.1 libarchive libcrypto libedit
libcurl libmicrohttpd cmocka"

check() {
    for tool in meson ninja pkg-config protoc-c python3; do
        command -v "$tool" >/dev/null 2>&1 || { echo "missing: $tool"; return 1; }
    done
    for library in $libraries; do
        pkg-config --exists "$library" || { echo "missing: library $library"; return 1; }
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
    if command -v apt-get >/dev/null 2>&1; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        # shellcheck disable=SC2086 # the list is meant to be split
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $apt_packages "$@"
    elif command -v brew >/dev/null 2>&1; then
        # shellcheck disable=SC2086
        brew install $brew_packages
    else
        echo "neither apt-get nor brew is here; install by hand:" $apt_packages >&2
        exit 1
    fi
}

case "${1:-}" in
check) check ;;
install) shift; install "$@" ;;
*) echo "usage: tools/deps.sh check|install [more packages]" >&2; exit 64 ;;
esac
