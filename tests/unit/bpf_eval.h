/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter of classic BPF as seccomp(2) runs it, and as strict about programs as the kernel's checker. */
#ifndef COFFER_TESTS_BPF_EVAL_H
#define COFFER_TESTS_BPF_EVAL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

/* Would the kernel take it: known instructions, jumps inside the program, aligned loads, a return at the end? */
bool bpf_valid(const struct sock_fprog *program);

/* The verdict; *ret_steps, if not NULL, grows by the instructions carried out. */
uint32_t bpf_run(const struct sock_fprog *program, const struct seccomp_data *data, unsigned long *ret_steps);

#endif
