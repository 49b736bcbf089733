/* SPDX-License-Identifier: MIT */
/*
 * A PC's BIOS loads the first 2048 bytes at 0x7c00; they load the others and enter 64-bit mode: the
 * first 2 MB mapped, vectors and tiles enabled.
 */
    .code16
    .globl start
start:
    jmp 1f
    .org 12
lba: .long 0 /* of this file on the CD, and its bytes: genisoimage -boot-info-table */
bytes: .long 0
    .org 64
1:  xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    ljmp $0, $1f
1:  movl bytes, %ebx
    addl $2047, %ebx
    shrl $11, %ebx
    movl lba, %eax
    movl %eax, block
    jmp 2f
1:  incl block
    addw $0x80, segment
    movw $packet, %si
    movb $0x42, %ah
    int $0x13
    jc 3f
2:  decw %bx
    jnz 1b
    cli
    jmp 4f
3:  hlt
    jmp 3b
packet: .word 16, 1, 0
segment: .word 0x7c0
block: .long 0, 0
4:  movl $0x1000, %edi /* three page tables */
    movl %edi, %cr3
    xorl %eax, %eax
    movw $0xc00, %cx
    rep stosl
    movl $0x2003, 0x1000
    movl $0x3003, 0x2000
    movl $0x83, 0x3000
    movl $0x40620, %eax /* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax /* long mode */
    wrmsr
    lgdtl gdt_at
    movl $0x80000023, %eax /* PG, NE, MP, PE */
    movl %eax, %cr0
    ljmp $8, $2f
    .code64
2:  movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x9f000, %esp
    movl $__bss_start, %edi
    movl $_end, %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb
    xorl %ecx, %ecx
    xorl %edx, %edx
    movl $0x600e7, %eax /* x87, SSE, AVX, AVX-512, tiles */
    xsetbv
    call check
3:  hlt
    jmp 3b

    .balign 8
gdt:
    .quad 0, 0x00209a0000000000, 0x0000920000000000
gdt_at:
    .word 23
    .long gdt

    .section .note.GNU-stack, "", @progbits
