/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls without a wrapper in glibc 2.36, each named sys_ and returning a non-negative result or a negative
 * errno. Calls that glibc wraps (fsopen, open_tree, move_mount, mount_setattr, pidfd_open, ...) are used from
 * <sys/mount.h> and <sys/pidfd.h> directly.
 */
#ifndef COFFER_SYS_CALLS_H
#define COFFER_SYS_CALLS_H

#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2(2). flags gets O_CLOEXEC. */
int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/* clone3(2). Returns twice; args->pidfd must point at an int. */
pid_t sys_clone3(struct clone_args *args, size_t size);

/* landlock(7). sys_landlock_abi(): the ABI version, 0 where there is no Landlock, or a negative errno. */
int sys_landlock_abi(void);
int sys_landlock_create_ruleset(const struct landlock_ruleset_attr *attr, size_t size, uint32_t flags);
int sys_landlock_add_rule(int ruleset, enum landlock_rule_type type, const void *attr, uint32_t flags);
int sys_landlock_restrict_self(int ruleset, uint32_t flags);

int sys_close_range(unsigned first, unsigned last, unsigned flags);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_seccomp(unsigned operation, unsigned flags, void *args);
int sys_capset(const void *header, const void *data);
int sys_capget(void *header, void *data);

#endif
