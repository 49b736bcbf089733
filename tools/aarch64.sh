#!/bin/sh
# SPDX-License-Identifier: MIT
# `make aarch64`: builds for 64-bit ARM on a Debian machine of another architecture and runs the
# unit tests under qemu's user emulation. Libraries are unpacked below the build folder by an apt
# of its own state, so nothing of another architecture is installed and no root is needed.
# `tools/aarch64.sh BUILD TEST..` runs the tests named; --engine those of kernels and engine.
# Needs: gcc-aarch64-linux-gnu, qemu-user-static, and what tools/deps.sh installs.
set -eu
status=0
# What depends on the machine: kernels, engine, interpreter. Minutes instead of an hour.
engine="kcheck passes isa vector_exp native_steps native_vision native_index native_recurrent
flexible attention_divide pool interp_ops interp_nn engine accuracy"
cd "$(dirname "$0")/.."
build=$PWD/${1:-build-aarch64}
[ $# -eq 0 ] || shift
sysroot=$build-sysroot

packages="libc6-dev libgcc-s1 libjansson-dev libprotobuf-c-dev libpcre2-dev libutf8proc-dev
libyaml-dev libarchive-dev libedit-dev libcmocka-dev libssl-dev libcurl4-openssl-dev
libmicrohttpd-dev"

unpack() {
    apt=$sysroot.apt
    rm -rf "$sysroot" "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$sysroot"
    : >"$apt/status"
    set -- -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt/cache" -o APT::Install-Recommends=false -o APT::Sandbox::User=
    apt-get "$@" update
    # shellcheck disable=SC2086 # the list is meant to be split
    apt-get "$@" -y --download-only install $packages
    for deb in "$apt"/cache/archives/*.deb; do
        dpkg-deb --extract "$deb" "$sysroot"
    done
    rm -rf "$apt"
    echo "$packages" >"$sysroot/.complete"
}

for tool in aarch64-linux-gnu-gcc qemu-aarch64-static apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || {
        echo "missing: $tool (apt-get install gcc-aarch64-linux-gnu qemu-user-static)" >&2
        exit 1
    }
done
# A list that has grown since wants a sysroot of its own.
test "$(cat "$sysroot/.complete" 2>/dev/null)" = "$packages" || unpack
printf "[constants]\nsysroot = '%s'\n" "$sysroot" >"$sysroot/paths.ini"
if ! test -f "$build/build.ninja"; then
    meson setup "$build" --cross-file "$sysroot/paths.ini" --cross-file tools/cross/aarch64.ini
fi
ninja -C "$build"
# shellcheck disable=SC2086 # the list is meant to be split
[ "${1:-}" != --engine ] || set -- $engine
meson test -C "$build" --suite unit --timeout-multiplier 10 --print-errorlogs "$@" || status=$?
exec python3 tools/count_tests.py "$build/meson-logs/testlog.txt" "$status"
