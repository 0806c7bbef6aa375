/* SPDX-License-Identifier: Apache-2.0 */
/* The finished init program as bytes; see embed.h. */
    .section .rodata
    .global start_init_program, start_init_program_end
    .balign 16
start_init_program:
    .incbin INIT_PROGRAM
start_init_program_end:
    .section .note.GNU-stack, "", @progbits
#if defined(__x86_64__)
    /* Assembly must say itself that it is ready for control-flow enforcement, or the whole executable is not. */
    .section .note.gnu.property, "a"
    .balign 8
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 3, 0
#endif
