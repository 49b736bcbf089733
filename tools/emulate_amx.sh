#!/bin/sh
# SPDX-License-Identifier: MIT
# What only a processor with tiles tells, told by Bochs, which emulates one: boots a program that
# runs the AMX GEMM kernel over its tiles (tools/emulate-amx) and says what it found.
# usage: tools/emulate_amx.sh BOCHS
#   BOCHS  folder where Bochs 3.0 was built, configured with --enable-x86-64 --enable-avx
#          --enable-evex --enable-amx --with-nogui
# Needs: gcc with binutils, genisoimage.
set -eu
bochs=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/emulate-amx.XXXXXX")
trap 'rm -rf "$work"' EXIT
test -x "$bochs/bochs" || { echo "missing: $bochs/bochs" >&2; exit 1; }

flags="-std=c17 -D_GNU_SOURCE -DNDEBUG -O2 -ffp-contract=off -ffreestanding -fno-builtin -fno-pic
    -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone
    -mcmodel=small -I. -Iinclude"
level="-mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512vnni
    -mavx512vbmi -mavx512vbmi2 -mavx512bitalg -mavx512bf16 -mavx512fp16 -mamx-tile -mamx-bf16"
# shellcheck disable=SC2086 # the flags are meant to be split
compile() { gcc $flags "$@"; }
# shellcheck disable=SC2086
compile $level -include tools/emulate-amx/bochs.h -c src/cpu/kernels/amx/gemm_bf16_amx.c \
    -o "$work/gemm.o"
for file in tools/emulate-amx/start.S tools/emulate-amx/check.c tools/emulate-amx/memory.c \
    src/cpu/kernels/matrix.c src/base/half.c; do
    compile -c $file -o "$work/$(basename "$file").o"
done
ld -nostdlib -static --gc-sections -e start -Ttext 0x7c00 -o "$work/elf" "$work/start.S.o" \
    "$work"/[!s]*.o
mkdir "$work/iso"
objcopy -O binary "$work/elf" "$work/iso/boot"
genisoimage -quiet -o "$work/cd" -b boot -c catalog -no-emul-boot -boot-load-size 4 \
    -boot-info-table "$work/iso"

cat >"$work/bochsrc" <<END
display_library: nogui
cpu: model=sapphire_rapids, ips=20000000, reset_on_triple_fault=0
clock: sync=none, time0=utc
memory: guest=32, host=32
romimage: file=$bochs/bios/BIOS-bochs-latest
vgaromimage: file=$bochs/bios/VGABIOS-lgpl/VGABIOS-lgpl-latest.bin
ata0-master: type=cdrom, path=$work/cd, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=fatal
END
touch "$work/serial"
"$bochs/bochs" -q -f "$work/bochsrc" >"$work/out" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -rf "$work"' EXIT
tail --pid=$pid -n +1 -f "$work/serial" | sed '/^emulated: /q'
if ! grep -q '^emulated: passed' "$work/serial"; then
    tail -n 5 "$work/out" "$work/log" >&2
    exit 1
fi
