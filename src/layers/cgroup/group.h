/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the cgroup wall.
 *
 * Theory of operation. locate.c says where the container's group is in each hierarchy. settings.c turns the
 * configuration's resources into a list of settings: a value for a file of one controller; v1.c and v2.c know the files
 * of their version, and a hybrid host uses both, controller by controller. plan.c makes operations of them; apply.c
 * makes the groups and writes the files before the clone, and puts the child into them after it. Devices are apart:
 * devices.c reduces the rules, which become lines for v1, or through bpf.c a program for v2.
 *
 * Placement is what costs: a pid written to cgroup.procs waits for an RCU grace period (cgroup_threadgroup_rwsem,
 * milliseconds). It is avoided on v2 by CLONE_INTO_CGROUP, and on v1 because the child itself, while it has a single
 * thread, writes "0" to each "tasks" file, for which the kernel takes no such lock. Those files are opened by the
 * parent: the kernel checks the opener's credentials, so a child in a user namespace may write there.
 */
#ifndef COFFER_LAYERS_CGROUP_GROUP_H
#define COFFER_LAYERS_CGROUP_GROUP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "layers/cgroup/cgroup.h"
#include "layers/layer.h"
#include "oci/config.h"
#include "sys/host.h"

#define BIT(controller) (UINT32_C(1) << (controller))

const char *cgroup_controller_name(enum cgroup_controller c, bool v2);

/* ---- locate.c: the container's group in one hierarchy ---- */
struct place {
    const char *mount;  /* "/sys/fs/cgroup/memory" */
    const char *parent; /* below it, "" or "/coffer" */
    const char *name;   /* last component */
    uint32_t controllers;
    bool v2;
    bool named;   /* a v1 hierarchy without controllers: a service manager's */
    bool ours;    /* at our default place */
};

struct places {
    struct place v[40];
    size_t n; /* the v2 tree, where there is one, comes first */
};

int cgroup_locate(struct arena *a, const struct oci_config *config, const struct host *host, const char *id,
                  struct places *ret, struct err *err);

/* ---- values.c: conversions between the versions ---- */
uint64_t cgroup_shares_to_weight(uint64_t shares);    /* cpu.shares 2..262144 -> cpu.weight 1..10000 */
uint64_t cgroup_weight_to_shares(uint64_t weight);    /* the inverse, to the nearest */
uint64_t cgroup_blkio_to_io_weight(uint64_t weight);  /* 10..1000 -> 1..10000 */
uint64_t cgroup_io_to_blkio_weight(uint64_t weight);
/* memory+swap and memory to swap alone; -1: unlimited, 0: not set. -EINVAL: swap without memory, or less than it. */
int cgroup_swap_to_v2(int64_t swap, int64_t memory, bool *ret_set, int64_t *ret);
const char *cgroup_size_text(int64_t bytes, char *buf, size_t size); /* "512m", "unlimited" */

/* ---- settings.c, v1.c, v2.c ---- */
enum {
    SET_BYTES = 1 << 0,    /* the number is a size: print it as one */
    SET_UNLIMITED = 1 << 1, /* asks for no limit: nothing is lost where the file does not exist */
    SET_SWAP = 1 << 2,     /* on a host without swap this file may be missing and nothing is lost */
    SET_OPTIONAL = 1 << 3, /* a refinement of another setting where the kernel has it */
    SET_LINES = 1 << 4,    /* one write for each line of the value */
    SET_AGAIN = 1 << 5,    /* update only: may fail before a later setting was changed; tried again after it */
};

struct setting {
    struct setting *next;
    enum cgroup_controller controller;
    bool v2;
    unsigned flags;
    const char *what;  /* "memory limit" */
    const char *file, *value;
    const char *other_file, *other_value; /* tried when file does not exist */
    const char *hint;  /* why the file may not exist, or the value be refused */
    int64_t number;    /* for the text of an error */
};

struct settings {
    struct arena *arena;
    const struct host *host;
    struct err *err;
    struct setting *first, *last;
    int failed; /* the first refusal; later additions do nothing */
};

/* Every setting that resources ask for, or a refusal. Devices are not among them. */
int cgroup_settings(const struct oci_resources *resources, struct settings *s);

enum cgroup_version { CGROUP_ABSENT, CGROUP_V1, CGROUP_V2 };
enum cgroup_version cgroup_version_of(const struct host *host, enum cgroup_controller c);

void settings_add(struct settings *s, const struct setting *setting);
void settings_refuse(struct settings *s, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *settings_number(struct settings *s, int64_t n); /* decimal, in the arena */
void settings_v1_memory(struct settings *s, const struct oci_memory *m);
void settings_v2_memory(struct settings *s, const struct oci_memory *m);
void settings_v1_cpu(struct settings *s, const struct oci_cpu *c);
void settings_v2_cpu(struct settings *s, const struct oci_cpu *c);
void settings_v1_io(struct settings *s, const struct oci_block_io *b);
void settings_v2_io(struct settings *s, const struct oci_block_io *b);
void settings_v1_network(struct settings *s, const struct oci_net_cls *n);

/* ---- devices.c ---- */
enum { DEVICE_MKNOD = BPF_DEVCG_ACC_MKNOD, DEVICE_READ = BPF_DEVCG_ACC_READ, DEVICE_WRITE = BPF_DEVCG_ACC_WRITE };
#define DEVICE_ALL (DEVICE_MKNOD | DEVICE_READ | DEVICE_WRITE)

struct device_rule {
    bool allow;
    char type; /* 'a', 'b' or 'c' */
    int32_t major, minor; /* -1: any */
    unsigned access;
};

/* Rules in order; for every bit of access the last one that matches decides, and `allow` where none does. */
struct device_rules {
    bool allow;
    struct device_rule *v;
    size_t n;
};

/* The configuration's rules and runc's default ones after them, reduced: what never decides is dropped. */
int cgroup_device_rules(struct arena *a, const struct oci_resources *resources, struct device_rules *ret,
                        struct err *err);

/* The configuration's rules and no others. */
int cgroup_device_rules_alone(struct arena *a, const struct oci_resources *resources, struct device_rules *ret,
                              struct err *err);

/* What the kernel should say to this request; the meaning that programs and lines are tested against. */
bool cgroup_device_allowed(const struct device_rules *rules, char type, int64_t major, int64_t minor, unsigned access);

/*
 * The same for cgroup v1: lines to write in order, each "allow " or "deny " and what goes into devices.allow or
 * devices.deny. -ENOTSUP with a text where v1, whose exceptions are all of one kind, cannot express the rules.
 */
int cgroup_device_lines(struct arena *a, const struct device_rules *rules, struct oci_strs *ret, struct err *err);

/* A rule as v1 writes it: "c 1:3 rwm". */
char *cgroup_device_text(struct arena *a, const struct device_rule *rule, char type);

/* ---- bpf.c ---- */
struct device_program {
    struct bpf_insn *v;
    size_t n;
};
int cgroup_device_program(struct arena *a, const struct device_rules *rules, struct device_program *ret);
/* Load and attach; with `replace`, programs that were attached to this very group before are detached afterwards. */
int cgroup_device_attach(int group_fd, const struct device_program *program, bool replace, struct err *err);
/* Number of device programs in force for the group, its ancestors' included; negative errno. */
int cgroup_device_query(int group_fd);

/* ---- plan.c, apply.c ---- */
enum op_kind {
    OP_GROUP,   /* make the group; args: struct group_op; slot: the v2 directory or the v1 tasks file */
    OP_WRITE,   /* args: struct setting */
    OP_LINES,   /* v1 device lines; args: struct oci_strs */
    OP_PROGRAM, /* v2 device program; args: struct device_program */
    OP_OWN,     /* give the v2 group to the container's root; number: uid */
    OP_NOTE,    /* something that is left out, and why; for the reader */
    OP_JOIN,    /* child: write "0" to the descriptor in slot */
    OP_UNSHARE, /* child: new cgroup namespace */
};

struct group_op {
    const struct place *place;
    const char *needed;     /* what cannot do without this group, "memory limit 512m"; NULL: nothing asked for */
    uint32_t enable_must, enable_may; /* v2: controllers that the parent has to hand out, or should */
    bool inherit_cpuset;    /* v1: cpus and mems have to be copied down */
    const char *mark;       /* v2: whose group this is, for undo */
};

int cgroup_plan(const struct oci_config *config, const struct host *host, const char *id, const char *bundle,
                struct plan *plan, struct err *err);
int cgroup_host_before_clone(struct apply *ap, struct err *err);
int cgroup_child_early(struct apply *ap, struct err *err);
int cgroup_observe(struct arena *a, pid_t pid, int pidfd, const struct host *host, struct oci_config *ret,
                   struct err *err);
int cgroup_undo(const struct undo *undo, struct err *err);

/*
 * Write one setting into the group, whose directory is group_fd and whose path is group; a negative descriptor: by the
 * path alone. The same for v1 device lines, which go into devices.allow and devices.deny.
 */
int cgroup_write_setting(int group_fd, const char *group, const struct setting *s, struct err *err);
int cgroup_write_device_lines(int group_fd, const char *group, const struct oci_strs *lines, struct err *err);
/* "memory limit 512m" */
char *cgroup_setting_text(struct arena *a, const struct setting *s);

/* ---- observe.c: the groups that a process is in ---- */
struct member {
    const char *mount, *path, *own; /* path of the process's group below the mount, ours likewise; "" for the root */
    uint32_t controllers;
    bool v2;
};
struct membership {
    struct member v[40];
    size_t n;
};
int cgroup_membership(struct arena *a, pid_t pid, const struct host *host, struct membership *ret);

/* ---- make.c: directories ---- */
/*
 * Make the group of op. *ret_fd is its directory, or on v1 -EBADF where opening it was not necessary: its path does.
 * -EEXIST: processes are in it. -EACCES, -EPERM, -EROFS: not ours to make; err need not be filled then.
 */
int cgroup_make(const struct host *host, const struct group_op *op, int *ret_fd, struct err *err);
int cgroup_open(const struct place *place, int *ret_fd); /* the existing group, or -ENOENT */

/* Whose group it is (v2). check: 1 this one's, 0 another's, negative errno: -ENODATA without mark, -EOPNOTSUPP. */
char *cgroup_mark(struct arena *a, const char *id, const char *owner);
void cgroup_mark_set(const struct host *host, int group_fd, const char *mark);
int cgroup_mark_check(const struct host *host, int group_fd, const char *mark);

/* ---- tree.c: groups with what is below them ---- */
typedef int pid_fn(pid_t pid, void *arg);
/* For each process in the group and its sub-groups. A negative result of fn ends it. */
int cgroup_tree_each_pid(int group_fd, pid_fn *fn, void *arg);
bool cgroup_tree_has_process(int group_fd, bool v2);
/* Remove the group and its sub-groups, deepest first: 0 (also when it is not there) or a negative errno, -EBUSY. */
int cgroup_tree_remove(int parent_fd, const char *name);
/* Wait until no process is in the v2 group. 0 or -ETIMEDOUT. */
int cgroup_tree_wait_empty_v2(int group_fd, int timeout_ms);

#endif
