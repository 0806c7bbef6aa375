/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf_eval.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool bpf_valid(const struct sock_fprog *program)
{
    if (program->len == 0 || program->len > BPF_MAXINSNS)
        return false;
    for (unsigned i = 0; i < program->len; i++) {
        const struct sock_filter *f = &program->filter[i];
        unsigned left = program->len - i - 1; /* instructions behind this one */
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (f->k % 4 != 0 || f->k > sizeof(struct seccomp_data) - 4)
                return false;
            break;
        case BPF_ALU | BPF_AND | BPF_K:
        case BPF_RET | BPF_K:
            break;
        case BPF_JMP | BPF_JA:
            if (f->k >= left)
                return false;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
        case BPF_JMP | BPF_JGE | BPF_K:
        case BPF_JMP | BPF_JGT | BPF_K:
        case BPF_JMP | BPF_JSET | BPF_K:
            if (f->jt >= left || f->jf >= left)
                return false;
            break;
        default:
            return false;
        }
    }
    return program->filter[program->len - 1].code == (BPF_RET | BPF_K);
}

uint32_t bpf_run(const struct sock_fprog *program, const struct seccomp_data *data, unsigned long *ret_steps)
{
    uint32_t a = 0;
    for (unsigned pc = 0; pc < program->len; pc++) {
        const struct sock_filter *f = &program->filter[pc];
        if (ret_steps != NULL)
            ++*ret_steps;
        bool taken = false;
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + f->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= f->k;
            continue;
        case BPF_RET | BPF_K:
            return f->k;
        case BPF_JMP | BPF_JA:
            pc += f->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            taken = a == f->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            taken = a >= f->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            taken = a > f->k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            taken = (a & f->k) != 0;
            break;
        default:
            abort(); /* bpf_valid() was not asked */
        }
        pc += taken ? f->jt : f->jf;
    }
    abort();
}
