/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device wall on cgroup v2: a BPF_PROG_TYPE_CGROUP_DEVICE program (struct bpf_cgroup_dev_ctx in linux/bpf.h).
 *
 * Registers: r2 type of device, r3 the bits of access that no rule has decided yet, r4 major, r5 minor. The rules come
 * last first. One that matches and allows takes its bits out of r3, and when nothing is left the answer is 1; one that
 * matches and denies a bit that is left answers 0. So a request for several bits (open for reading and writing) is
 * judged bit by bit, as cgroup v1 does it.
 *
 * Two bpf(2) calls, in the caller's process before the clone. No library: the array is the whole program, there is
 * nothing to relocate, and libbpf would bring libelf along.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/cgroup/group.h"

#define INSTRUCTIONS_PER_RULE 8
#define INSTRUCTIONS_AROUND 8

static const struct bpf_insn exit_insn = {.code = BPF_JMP | BPF_EXIT};

static struct bpf_insn load(unsigned reg, int16_t offset)
{
    return (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = reg & 15, .src_reg = 1, .off = offset};
}

static struct bpf_insn alu(unsigned operation, unsigned reg, int32_t imm)
{
    return (struct bpf_insn){.code = (uint8_t)(BPF_ALU | BPF_K | operation), .dst_reg = reg & 15, .imm = imm};
}

static struct bpf_insn alu_reg(unsigned operation, unsigned reg, unsigned from)
{
    return (struct bpf_insn){.code = (uint8_t)(BPF_ALU | BPF_X | operation), .dst_reg = reg & 15, .src_reg = from & 15};
}

static struct bpf_insn jump(unsigned operation, unsigned reg, int32_t imm)
{
    return (struct bpf_insn){.code = (uint8_t)(BPF_JMP | BPF_K | operation), .dst_reg = reg & 15, .imm = imm};
}

/* Append the instructions for one rule; every jump in it that finds no match goes to the end of it. */
static size_t emit_rule(struct bpf_insn *out, const struct device_rule *rule)
{
    size_t n = 0;
    if (rule->type != 'a')
        out[n++] = jump(BPF_JNE, 2, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (rule->major >= 0)
        out[n++] = jump(BPF_JNE, 4, rule->major);
    if (rule->minor >= 0)
        out[n++] = jump(BPF_JNE, 5, rule->minor);
    if (rule->access != DEVICE_ALL && rule->allow) {
        out[n++] = alu(BPF_AND, 3, (int32_t)(DEVICE_ALL & ~rule->access));
        out[n++] = jump(BPF_JNE, 3, 0);
    } else if (rule->access != DEVICE_ALL) {
        out[n++] = alu_reg(BPF_MOV, 1, 3);
        out[n++] = alu(BPF_AND, 1, (int32_t)rule->access);
        out[n++] = jump(BPF_JEQ, 1, 0);
    }
    out[n++] = alu(BPF_MOV, 0, rule->allow);
    out[n++] = exit_insn;
    for (size_t i = 0; i < n; i++)
        if (BPF_CLASS(out[i].code) == BPF_JMP && out[i].code != exit_insn.code)
            out[i].off = (int16_t)(n - i - 1);
    return n;
}

int cgroup_device_program(struct arena *a, const struct device_rules *rules, struct device_program *ret)
{
    struct bpf_insn *v = arena_calloc(a, rules->n * INSTRUCTIONS_PER_RULE + INSTRUCTIONS_AROUND, sizeof *v);
    if (v == NULL)
        return -ENOMEM;
    size_t n = 0;
    if (rules->n > 0) {
        v[n++] = load(2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
        v[n++] = load(4, offsetof(struct bpf_cgroup_dev_ctx, major));
        v[n++] = load(5, offsetof(struct bpf_cgroup_dev_ctx, minor));
        v[n++] = alu_reg(BPF_MOV, 3, 2);
        v[n++] = alu(BPF_RSH, 3, 16);
        v[n++] = alu(BPF_AND, 2, 0xffff);
    }
    for (size_t i = rules->n; i-- > 0;)
        n += emit_rule(v + n, &rules->v[i]);
    v[n++] = alu(BPF_MOV, 0, rules->allow);
    v[n++] = exit_insn;
    *ret = (struct device_program){.v = v, .n = n};
    return 0;
}

static int sys_bpf(int command, union bpf_attr *attr, size_t size)
{
    long r = syscall(SYS_bpf, command, attr, size);
    return r < 0 ? -errno : (int)r;
}

static int query(int group_fd, uint32_t flags, uint32_t *ids, uint32_t *n)
{
    union bpf_attr attr = {0};
    attr.query.target_fd = (uint32_t)group_fd;
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.query_flags = flags;
    attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
    attr.query.prog_cnt = *n;
    int r = sys_bpf(BPF_PROG_QUERY, &attr, sizeof attr);
    if (r < 0 && r != -ENOSPC)
        return r;
    *n = attr.query.prog_cnt;
    return 0;
}

int cgroup_device_query(int group_fd)
{
    uint32_t n = 0;
    int r = query(group_fd, BPF_F_QUERY_EFFECTIVE, NULL, &n);
    return r < 0 ? r : (int)n;
}

static int attach(int group_fd, int program)
{
    union bpf_attr attr = {0};
    attr.target_fd = (uint32_t)group_fd;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return sys_bpf(BPF_PROG_ATTACH, &attr, sizeof attr);
}

static void detach(int group_fd, uint32_t id)
{
    union bpf_attr attr = {0};
    attr.prog_id = id;
    CLEANUP_FD int program = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof attr);
    if (program < 0)
        return;
    attr = (union bpf_attr){0};
    attr.target_fd = (uint32_t)group_fd;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    (void)sys_bpf(BPF_PROG_DETACH, &attr, sizeof attr);
}

int cgroup_device_attach(int group_fd, const struct device_program *program, bool replace, struct err *err)
{
    uint32_t old[64], n_old = ARRAY_LEN(old);
    if (!replace || query(group_fd, 0, old, &n_old) < 0)
        n_old = 0;

    union bpf_attr attr = {0};
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)program->v;
    attr.insn_cnt = (uint32_t)program->n;
    attr.license = (uint64_t)(uintptr_t)"Apache-2.0";
    snprintf(attr.prog_name, sizeof attr.prog_name, "coffer_devices");
    CLEANUP_FD int fd = sys_bpf(BPF_PROG_LOAD, &attr, offsetof(union bpf_attr, prog_name) + sizeof attr.prog_name);
    if (fd < 0)
        return err_set_errno(err, fd, LAYER_CGROUP, "device rules: the kernel does not take the program%s",
                             fd == -EPERM ? " (needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN)" : "");
    int r = attach(group_fd, fd);
    if (r < 0)
        return err_set_errno(err, r, LAYER_CGROUP, "device rules: attach the program to the group");
    /* The new one first: at no time is the group without. */
    for (uint32_t i = 0; i < n_old && i < ARRAY_LEN(old); i++)
        detach(group_fd, old[i]);
    return 0;
}
