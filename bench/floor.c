/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a container start: the kernel objects that coffer-oci makes for the bundle of bench/bundle.py, made by
 * hard-coded calls and nothing else. No JSON, no libraries, no state, no error messages beyond a line number, no
 * handshake: what remains is what the kernel takes. It is a yardstick and must not be used for anything else.
 *
 *   floor ROOTFS FILTER PROGRAM
 *
 * FILTER is a compiled seccomp filter, an array of struct sock_filter; "-" loads none.
 * Keep it in step with the runtime: bench/compare-calls prints where the two differ.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST(call)                                                                    \
    ({                                                                                \
        long r_ = (long)(call);                                                       \
        if (r_ < 0) {                                                                 \
            dprintf(2, "floor: line %d: %s: %s\n", __LINE__, #call, strerror(errno)); \
            _exit(125);                                                               \
        }                                                                             \
        r_;                                                                           \
    })

#define CGROUP "/sys/fs/cgroup"
/* Those that limits, devices and accounting need; freezing is done in the v2 tree of a hybrid host. */
static const char *const v1_hierarchies[] = {"pids", "devices", "memory", "cpuset", "cpuacct", "cpu"};
static const char *const v1_shown[] = {"cpu", "cpuacct", "cpuset", "devices", "memory", "pids"};
static const struct {
    const char *hierarchy, *file, *value;
} settings[] = {
    {"memory", "memory.limit_in_bytes", "536870912"},
    {"cpu", "cpu.cfs_period_us", "100000"},
    {"cpu", "cpu.cfs_quota_us", "100000"},
    {"pids", "pids.max", "1024"},
    {"devices", "devices.deny", "a"},
    {"devices", "devices.allow", "c *:* m"},
    {"devices", "devices.allow", "b *:* m"},
    {"devices", "devices.allow", "c 1:3 rwm"},
    {"devices", "devices.allow", "c 1:5 rwm"},
    {"devices", "devices.allow", "c 1:7 rwm"},
    {"devices", "devices.allow", "c 1:8 rwm"},
    {"devices", "devices.allow", "c 1:9 rwm"},
    {"devices", "devices.allow", "c 5:0 rwm"},
    {"devices", "devices.allow", "c 5:2 rwm"},
    {"devices", "devices.allow", "c 136:* rwm"},
    {"devices", "devices.allow", "c 10:200 rwm"},
};
static const char *const masked_paths[] = {
    "proc/acpi",         "proc/asound",      "proc/interrupts",  "proc/kcore", "proc/keys",    "proc/latency_stats",
    "proc/sched_debug",  "proc/scsi",        "proc/timer_list",  "proc/timer_stats", "sys/devices/virtual/powercap",
    "sys/firmware"};
static const char *const readonly_paths[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE
   SETFCAP */
#define CAPABILITIES 0xa80425fbU

static bool have_v1, have_v2;
static char group[64];

static const char *group_path(const char *hierarchy, const char *file)
{
    static char path[256];
    snprintf(path, sizeof path, CGROUP "/%s/%s/%s", hierarchy, group, file);
    return path;
}

static const char *v2_tree(void)
{
    return have_v1 ? "unified" : ".";
}

/* ---- parent: groups ---- */

/* A cpuset is empty until it is told what it holds: what its parent does. */
static void fill_cpuset(const char *file)
{
    char text[256], path[64];
    snprintf(path, sizeof path, CGROUP "/cpuset/%s", file);
    int from = (int)MUST(open(path, O_RDONLY | O_CLOEXEC)), to = (int)MUST(open(group_path("cpuset", file), O_WRONLY));
    ssize_t n = MUST(read(from, text, sizeof text));
    MUST(write(to, text, (size_t)n));
    close(from);
    close(to);
}

static void make_groups(void)
{
    for (size_t i = 0; have_v1 && i < LEN(v1_hierarchies); i++)
        MUST(mkdir(group_path(v1_hierarchies[i], ""), 0755));
    if (have_v2)
        MUST(mkdir(group_path(v2_tree(), ""), 0755));
    if (have_v1) {
        fill_cpuset("cpuset.cpus");
        fill_cpuset("cpuset.mems");
    }
    for (size_t i = 0; have_v1 && i < LEN(settings); i++) {
        int fd = (int)MUST(open(group_path(settings[i].hierarchy, settings[i].file), O_WRONLY | O_CLOEXEC));
        MUST(write(fd, settings[i].value, strlen(settings[i].value)));
        close(fd);
    }
}

static void remove_groups(void)
{
    for (size_t i = 0; have_v1 && i < LEN(v1_hierarchies); i++)
        MUST(rmdir(group_path(v1_hierarchies[i], "")));
    if (have_v2)
        MUST(rmdir(group_path(v2_tree(), "")));
}

/* ---- child: mounts ---- */

/* options: "key=value" or "key", ended by NULL. Returns a detached mount. */
static int new_mount(const char *type, const char *const *options, unsigned attributes)
{
    int fs = (int)MUST(fsopen(type, FSOPEN_CLOEXEC));
    for (; options != NULL && *options != NULL; options++) {
        char key[32];
        const char *equals = strchr(*options, '=');
        if (equals == NULL) {
            MUST(fsconfig(fs, FSCONFIG_SET_FLAG, *options, NULL, 0));
            continue;
        }
        snprintf(key, sizeof key, "%.*s", (int)(equals - *options), *options);
        MUST(fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0));
    }
    MUST(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    int fd = (int)MUST(fsmount(fs, FSMOUNT_CLOEXEC, attributes));
    close(fs);
    return fd;
}

static void attach(int mount, int root, const char *path)
{
    MUST(move_mount(mount, "", root, path, MOVE_MOUNT_F_EMPTY_PATH));
    close(mount);
}

static void mount_cgroups(int root, unsigned attributes)
{
    if (!have_v1) {
        if (have_v2)
            attach(new_mount("cgroup2", NULL, attributes | MOUNT_ATTR_RDONLY), root, "sys/fs/cgroup");
        return;
    }
    int top = new_mount("tmpfs", (const char *const[]){"mode=755", NULL}, attributes);
    attach((int)MUST(dup(top)), root, "sys/fs/cgroup");
    for (size_t i = 0; i < LEN(v1_shown); i++) {
        const char *const options[] = {v1_shown[i], NULL};
        MUST(mkdirat(top, v1_shown[i], 0755));
        attach(new_mount("cgroup", options, attributes | MOUNT_ATTR_RDONLY), top, v1_shown[i]);
    }
    if (have_v2) {
        MUST(mkdirat(top, "unified", 0755));
        attach(new_mount("cgroup2", NULL, attributes | MOUNT_ATTR_RDONLY), top, "unified");
    }
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    MUST(mount_setattr(top, "", AT_EMPTY_PATH, &readonly, sizeof readonly));
    close(top);
}

static void make_devices(int root)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } nodes[] = {{"dev/null", 1, 3}, {"dev/zero", 1, 5},   {"dev/full", 1, 7},
                 {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
    static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
                                           {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
                                           {"pts/ptmx", "dev/ptmx"}};
    umask(0);
    for (size_t i = 0; i < LEN(nodes); i++)
        MUST(mknodat(root, nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
    umask(022);
    for (size_t i = 0; i < LEN(links); i++)
        MUST(symlinkat(links[i][0], root, links[i][1]));
}

static void mask_paths(int root)
{
    int empty = new_mount("tmpfs", (const char *const[]){"nr_blocks=1", "nr_inodes=1", NULL}, MOUNT_ATTR_RDONLY);
    int null = (int)MUST(openat(root, "dev/null", O_PATH | O_CLOEXEC));
    for (size_t i = 0; i < LEN(masked_paths); i++) {
        struct stat st;
        int at = openat(root, masked_paths[i], O_PATH | O_CLOEXEC);
        if (at < 0)
            continue;
        MUST(fstat(at, &st));
        int over = (int)MUST(open_tree(S_ISDIR(st.st_mode) ? empty : null, "",
                                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
        MUST(move_mount(over, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
        close(over);
        close(at);
    }
    close(null);
    close(empty);
    struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
    for (size_t i = 0; i < LEN(readonly_paths); i++) {
        int tree = open_tree(root, readonly_paths[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (tree < 0)
            continue;
        MUST(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof readonly));
        attach(tree, root, readonly_paths[i]);
    }
}

static void make_root(const char *rootfs)
{
    const unsigned safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    struct mount_attr private = {.propagation = MS_PRIVATE};
    MUST(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
    int root = (int)MUST(open_tree(AT_FDCWD, rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    MUST(mount_setattr(root, "", AT_EMPTY_PATH | AT_RECURSIVE, &private, sizeof private));
    MUST(move_mount(root, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH));

    attach(new_mount("proc", NULL, safe), root, "proc");
    attach(new_mount("tmpfs", (const char *const[]){"mode=755", "size=65536k", NULL},
                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME),
           root, "dev");
    MUST(mkdirat(root, "dev/pts", 0755));
    MUST(mkdirat(root, "dev/mqueue", 0755));
    MUST(mkdirat(root, "dev/shm", 0755));
    attach(new_mount("devpts", (const char *const[]){"newinstance", "ptmxmode=0666", "mode=0620", "gid=5", NULL},
                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC),
           root, "dev/pts");
    attach(new_mount("sysfs", NULL, safe | MOUNT_ATTR_RDONLY), root, "sys");
    mount_cgroups(root, safe);
    attach(new_mount("mqueue", NULL, safe), root, "dev/mqueue");
    attach(new_mount("tmpfs", (const char *const[]){"mode=1777", "size=65536k", NULL}, safe), root, "dev/shm");
    make_devices(root);
    mask_paths(root);

    MUST(fchdir(root));
    MUST(syscall(SYS_pivot_root, ".", "."));
    MUST(umount2(".", MNT_DETACH));
    MUST(chdir("/"));
    close(root);
}

/* ---- child: the rest ---- */

static void loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    MUST(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
}

static void join_groups(const int *tasks)
{
    for (size_t i = 0; have_v1 && i < LEN(v1_hierarchies); i++)
        MUST(write(tasks[i], "0", 1));
    MUST(unshare(CLONE_NEWCGROUP));
}

static void drop_privilege(const struct sock_fprog *filter)
{
    for (int c = 0; c <= CAP_LAST_CAP; c++)
        if (c > 31 || (CAPABILITIES >> c & 1) == 0)
            MUST(prctl(PR_CAPBSET_DROP, c, 0, 0, 0));
    MUST(syscall(SYS_setgroups, 0, NULL));
    MUST(syscall(SYS_setresgid, 0, 0, 0));
    MUST(syscall(SYS_setresuid, 0, 0, 0));
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = CAPABILITIES, .permitted = CAPABILITIES}};
    MUST(syscall(SYS_capset, &header, data));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (filter->len > 0)
        MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter));
}

static _Noreturn void child(char **argv, const int *tasks, const struct sock_fprog *filter)
{
    join_groups(tasks);
    MUST(setsid());
    MUST(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "_ses.floor"));
    MUST(sethostname("bench", 5));
    loopback_up();
    make_root(argv[1]);
    int fd = (int)MUST(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    MUST(write(fd, "0", 1));
    close(fd);
    drop_privilege(filter);
    MUST(syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */));
    MUST(execve(argv[3], argv + 3, (char *[]){"PATH=/bin", NULL}));
    _exit(125);
}

static struct sock_fprog read_filter(const char *path)
{
    struct sock_fprog program = {.len = 0};
    if (strcmp(path, "-") == 0)
        return program;
    int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
    struct stat st;
    MUST(fstat(fd, &st));
    program.filter = malloc((size_t)st.st_size);
    MUST(read(fd, program.filter, (size_t)st.st_size));
    program.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
    close(fd);
    return program;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    have_v1 = access(CGROUP "/memory/tasks", F_OK) == 0;
    have_v2 = access(have_v1 ? CGROUP "/unified/cgroup.procs" : CGROUP "/cgroup.procs", F_OK) == 0;
    snprintf(group, sizeof group, "coffer-floor-%d", (int)getpid());
    struct sock_fprog filter = read_filter(argv[2]);
    make_groups();

    int tasks[LEN(v1_hierarchies)];
    for (size_t i = 0; have_v1 && i < LEN(v1_hierarchies); i++)
        tasks[i] = (int)MUST(open(group_path(v1_hierarchies[i], "tasks"), O_WRONLY | O_CLOEXEC));
    int v2 = have_v2 ? (int)MUST(open(group_path(v2_tree(), ""), O_PATH | O_DIRECTORY | O_CLOEXEC)) : -1;
    int pidfd = -1;
    struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS |
                                       CLONE_PIDFD | (have_v2 ? CLONE_INTO_CGROUP : 0),
                              .pidfd = (uint64_t)(uintptr_t)&pidfd,
                              .exit_signal = SIGCHLD,
                              .cgroup = (uint64_t)(have_v2 ? v2 : 0)};
    long pid = MUST(syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0)
        child(argv, tasks, &filter);
    siginfo_t info;
    MUST(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED));
    remove_groups();
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
