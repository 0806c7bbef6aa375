/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return result(syscall(SYS_openat2, dirfd, path, &how, sizeof how));
}

pid_t sys_clone3(struct clone_args *args, size_t size)
{
    return result(syscall(SYS_clone3, args, size));
}

int sys_landlock_abi(void)
{
    int r = result(syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION));
    return r == -ENOSYS || r == -EOPNOTSUPP ? 0 : r;
}

int sys_landlock_create_ruleset(const struct landlock_ruleset_attr *attr, size_t size, uint32_t flags)
{
    return result(syscall(SYS_landlock_create_ruleset, attr, size, flags));
}

int sys_landlock_add_rule(int ruleset, enum landlock_rule_type type, const void *attr, uint32_t flags)
{
    return result(syscall(SYS_landlock_add_rule, ruleset, type, attr, flags));
}

int sys_landlock_restrict_self(int ruleset, uint32_t flags)
{
    return result(syscall(SYS_landlock_restrict_self, ruleset, flags));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return result(syscall(SYS_close_range, first, last, flags));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
    return result(syscall(SYS_pivot_root, new_root, put_old));
}

int sys_seccomp(unsigned operation, unsigned flags, void *args)
{
    return result(syscall(SYS_seccomp, operation, flags, args));
}

int sys_capset(const void *header, const void *data)
{
    return result(syscall(SYS_capset, header, data));
}

int sys_capget(void *header, void *data)
{
    return result(syscall(SYS_capget, header, data));
}
