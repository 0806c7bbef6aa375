/* SPDX-License-Identifier: Apache-2.0 */
/* host-after-clone: write the maps, or have them written. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "layers/idmap/idmap.h"

static int write_map(const struct apply *ap, const struct op *op, const char *text, struct err *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)ap->pid, op->target);
    int r = file_write(AT_FDCWD, path, text);
    if (r == -EPERM)
        return err_set(err, r, LAYER_IDMAP,
                       "%s %s: the kernel refuses; every host id must exist in this user namespace (see "
                       "/proc/self/%s), and mapping host id 0 needs CAP_SETFCAP", op->target, op->value, op->target);
    return r < 0 ? err_set_errno(err, r, LAYER_IDMAP, "%s %s", op->target, op->value) : 0;
}

/* What the program said, on one line, without its trailing newline. */
static void read_message(int fd, char *buf, size_t size)
{
    ssize_t n = fd_read_full(fd, buf, size - 1);
    buf[n > 0 ? n : 0] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
}

static int spawn(char **argv, int message, pid_t *ret)
{
    /* newuidmap is setuid root and looks at nothing in the environment. */
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static char *const envp[] = {path, NULL};
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&actions, message, STDERR_FILENO);
    if (r == 0)
        r = posix_spawnp(ret, argv[0], &actions, NULL, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int run_program(const struct apply *ap, const struct op *op, struct err *err)
{
    char **argv = (char **)op->args; /* our own array; only the slot for the pid is filled, on the stack */
    size_t n = 0;
    while (argv[0] != NULL && (n < 2 || argv[n] != NULL))
        n++;
    CLEANUP_FREE char **copy = calloc(n + 1, sizeof *copy);
    if (copy == NULL)
        return err_set(err, -ENOMEM, LAYER_IDMAP, "out of memory");
    memcpy(copy, argv, n * sizeof *copy);
    char pid_text[16];
    snprintf(pid_text, sizeof pid_text, "%d", (int)ap->pid);
    copy[1] = pid_text;

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set_errno(err, -errno, LAYER_IDMAP, "%s: pipe", op->target);
    CLEANUP_FD int reader = ends[0], writer = ends[1];
    pid_t pid = -1;
    int r = spawn(copy, writer, &pid);
    fd_close(&writer);
    if (r == -ENOENT)
        return err_set(err, r, LAYER_IDMAP,
                       "%s is not installed (Debian: uidmap); without it and without CAP_SET%cID only your own id can "
                       "be mapped, one to one", op->target, op->target[3] == 'u' ? 'U' : 'G');
    if (r < 0)
        return err_set_errno(err, r, LAYER_IDMAP, "%s", op->target);
    char message[200];
    read_message(reader, message, sizeof message);
    int status = 0;
    while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (r < 0)
        return err_set_errno(err, -errno, LAYER_IDMAP, "%s: wait", op->target);
    if (status == 0)
        return 0;
    return err_set(err, -EPERM, LAYER_IDMAP, "%s %s: refused%s%s; /etc/sub%cid must grant you these ids", op->target,
                   op->value, message[0] != '\0' ? ": " : "", message, op->target[3]);
}

int idmap_apply(struct apply *ap, struct err *err)
{
    plan_each(op, ap->plan, LAYER_IDMAP, STEP_HOST_AFTER_CLONE) {
        int r = 0;
        switch ((enum idmap_op)op->kind) {
        case IDMAP_SETGROUPS:
            r = write_map(ap, op, op->value, err);
            break;
        case IDMAP_WRITE:
            r = write_map(ap, op, op->args, err);
            break;
        case IDMAP_RUN:
            r = run_program(ap, op, err);
            break;
        }
        if (r < 0)
            return r;
    }
    return 0;
}
