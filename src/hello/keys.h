/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the first container's program says of itself, and the form in which it says it. "hello --report" prints one
 * "key=value" a line, keys in the order below; a key that says so comes once for each thing, or not at all. In values
 * a newline is written \n, a backslash \\, and other control characters \xHH. "hello --report --wait" then reads its
 * standard input to the end before it exits, so that it can be looked at from outside meanwhile; the line "ready=1" is
 * its last.
 *
 * HELLO_KEYS(X): X(identifier, "key", "group", "label for people"). A form of the value stands beside each; what cannot
 * be read is "?" and the reason.
 */
#ifndef COFFER_HELLO_KEYS_H
#define COFFER_HELLO_KEYS_H

#define HELLO_KEYS(X)                                                                                               \
    X(KERNEL, "kernel", "kernel", "kernel")                       /* "Linux 6.1.0-18-amd64 x86_64" */              \
    X(HOSTNAME, "hostname", "kernel", "host name")                                                                 \
    X(PID, "pid", "processes", "own PID")                                                                          \
    X(PROCESS, "process", "processes", "process tree")            /* each: "PID PPID NAME", depth first */         \
    X(NS_CGROUP, "ns.cgroup", "namespaces", "cgroup")             /* inode number of /proc/self/ns/cgroup */       \
    X(NS_IPC, "ns.ipc", "namespaces", "ipc")                                                                       \
    X(NS_MNT, "ns.mnt", "namespaces", "mount")                                                                     \
    X(NS_NET, "ns.net", "namespaces", "network")                                                                   \
    X(NS_PID, "ns.pid", "namespaces", "pid")                                                                       \
    X(NS_TIME, "ns.time", "namespaces", "time")                                                                    \
    X(NS_USER, "ns.user", "namespaces", "user")                                                                    \
    X(NS_UTS, "ns.uts", "namespaces", "uts")                                                                       \
    X(UID, "uid", "identity", "user id")                          /* "0" */                                        \
    X(HOST_UID, "host_uid", "identity", "on the host")            /* "100000": one level up; "none" */             \
    X(GID, "gid", "identity", "group id")                                                                          \
    X(HOST_GID, "host_gid", "identity", "on the host")                                                             \
    X(GROUPS, "groups", "identity", "other groups")               /* "4 24 27"; absent without any */              \
    X(UID_MAP, "uid_map", "identity", "user id map")              /* each: "INSIDE OUTSIDE COUNT" */               \
    X(GID_MAP, "gid_map", "identity", "group id map")             /* each */                                       \
    X(CGROUP, "cgroup", "limits", "cgroup")                       /* each line of /proc/self/cgroup: "0::/" */     \
    X(LIMIT, "limit", "limits", "limit")                          /* each: "memory.max 536870912" (FILE CONTENT) */ \
    X(RLIMIT, "rlimit", "limits", "rlimit")                       /* each: "nofile 1024 unlimited" (soft, hard) */ \
    X(OOM_SCORE_ADJ, "oom_score_adj", "limits", "OOM score")                                                       \
    X(MOUNT, "mount", "file system", "mount")                     /* each: "TARGET TYPE OPTIONS" */                \
    X(ROOT_WRITABLE, "root_writable", "file system", "/ writable") /* "yes", "no: Read-only file system" */        \
    X(INTERFACE, "interface", "network", "interface")             /* each: "lo up 127.0.0.1/8 ::1/128" */          \
    X(CAP_EFFECTIVE, "cap.effective", "capabilities", "effective") /* "CHOWN KILL", "none", "all" */               \
    X(CAP_PERMITTED, "cap.permitted", "capabilities", "permitted")                                                 \
    X(CAP_INHERITABLE, "cap.inheritable", "capabilities", "inheritable")                                           \
    X(CAP_BOUNDING, "cap.bounding", "capabilities", "bounding")                                                    \
    X(CAP_AMBIENT, "cap.ambient", "capabilities", "ambient")                                                       \
    X(SECCOMP, "seccomp", "system calls", "seccomp mode")         /* "disabled", "strict", "filter" */             \
    X(SECCOMP_FILTERS, "seccomp_filters", "system calls", "filters") /* number */                                  \
    X(NO_NEW_PRIVS, "no_new_privs", "system calls", "no_new_privs") /* "0", "1" */                                 \
    X(LABEL, "label", "labels", "security label")                 /* "docker-default (enforce)", "none" */         \
    X(LANDLOCK, "landlock", "labels", "Landlock layers")          /* number in force; "? not in this kernel" */

enum hello_key {
#define X(identifier, key, group, label) HELLO_##identifier,
    HELLO_KEYS(X)
#undef X
        HELLO_KEY_COUNT,
};

#define HELLO_READY "ready" /* the last line of --report --wait: "ready=1" */

#endif
