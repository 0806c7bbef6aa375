/* SPDX-License-Identifier: Apache-2.0 */
/* The child's side: give the filter to the kernel, and hand the listener up where there is one. */
#ifndef COFFER_LAYERS_SECCOMP_LOAD_H
#define COFFER_LAYERS_SECCOMP_LOAD_H

#include <linux/filter.h>
#include <stdint.h>

#include "layers/layer.h"
#include "layers/seccomp/cache.h"
#include "layers/seccomp/rules.h"

struct seccomp_handover;

/* Arguments of this wall's operations. Made while planning; the program is filled in before clone. */
struct seccomp_load_filter {
    struct seccomp_rules rules;
    bool nnp; /* process.noNewPrivileges */
    uint8_t key[SECCOMP_KEY_SIZE];
    struct sock_fprog program;
    struct seccomp_handover *handover; /* NULL: no listener is wanted */
};

/* Memory for handing a listener over, in the arena; NULL when memory is out. */
struct seccomp_handover *seccomp_handover_new(struct arena *a);

/* In the child. Load load->program; the listener goes to the parent through ap->send_fd and SLOT_SECCOMP_LISTENER. */
int seccomp_load_filter(struct apply *ap, const struct seccomp_load_filter *load, struct err *err);

#endif
