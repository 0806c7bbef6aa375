/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever can write the cache decides what containers may do, so the directory must be the caller's and nobody
 * else's (mode 0700), which is checked on the opened directory; files are opened below it without following links.
 * What the checks on a file's content are for is accidents: a torn write, a full disk, another byte order.
 */
#include "layers/seccomp/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "layers/seccomp/compile.h"

#define SUFFIX ".bpf"
#define NAME_SIZE (2 * SECCOMP_KEY_SIZE + sizeof SUFFIX)
#define MAX_FILES 256 /* a filter takes about 10 KiB, and /run is memory */

struct header {
    char magic[8];
    uint32_t version; /* SECCOMP_COMPILE_VERSION; also tells byte orders apart */
    uint32_t n;       /* instructions that follow */
    uint8_t key[SECCOMP_KEY_SIZE];
    uint64_t sum; /* over the instructions */
};
static const char magic[8] = "COFFERBP";
_Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t), "an instruction is a 64-bit word");

static void add_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

/* What a rule says of its name, after one byte: 1 it follows, 0 it is what the rule before says. */
static void add_saying(struct buf *b, const struct seccomp_rule *r, const struct seccomp_rule *before)
{
    bool same = before != NULL && r->action == before->action && r->n_conds == before->n_conds &&
                (r->n_conds == 0 || r->conds == before->conds);
    buf_add(b, same ? "\0" : "\1", 1);
    if (same)
        return;
    add_u32(b, r->action);
    add_u32(b, r->n_conds);
    for (unsigned k = 0; k < r->n_conds; k++) {
        add_u32(b, r->conds[k].index);
        add_u32(b, (uint32_t)r->conds[k].op);
        buf_add(b, &r->conds[k].a, sizeof r->conds[k].a);
        buf_add(b, &r->conds[k].b, sizeof r->conds[k].b);
    }
}

/*
 * The key is a hash over a text from which all that compiling looks at could be read back. The text is short, since
 * hashing it takes a noticeable part of a start: of a list of calls with one action, only the names are written.
 */
int seccomp_cache_key(const struct seccomp_rules *rules, uint8_t ret[SECCOMP_KEY_SIZE])
{
    CLEANUP_BUF struct buf b = BUF_INIT;
    const struct scmp_version *library = seccomp_version();
    add_u32(&b, SECCOMP_COMPILE_VERSION);
    add_u32(&b, library->major << 16 | library->minor << 8 | library->micro);
    add_u32(&b, seccomp_arch_native());
    add_u32(&b, (uint32_t)rules->n_archs);
    for (size_t i = 0; i < rules->n_archs; i++)
        add_u32(&b, rules->archs[i]);
    add_u32(&b, rules->default_action);
    add_u32(&b, rules->enosys);
    for (size_t i = 0; i < rules->n; i++) {
        add_saying(&b, &rules->v[i], i > 0 ? &rules->v[i - 1] : NULL);
        buf_add(&b, rules->v[i].name, strlen(rules->v[i].name) + 1);
    }
    if (b.failed)
        return -ENOMEM;
    SHA2_CTX sha;
    SHA256Init(&sha);
    SHA256Update(&sha, (const uint8_t *)buf_str(&b), b.len);
    SHA256Final(ret, &sha);
    return 0;
}

/* FNV-1a over words: enough to tell a torn file, and a fortieth of SHA-256's time. */
static uint64_t sum_of(const struct sock_filter *v, size_t n)
{
    uint64_t sum = 0xcbf29ce484222325U;
    for (size_t i = 0; i < n; i++) {
        uint64_t word = 0;
        memcpy(&word, &v[i], sizeof word);
        sum = (sum ^ word) * 0x100000001b3U;
        sum ^= sum >> 29; /* so that high bits, too, reach the rest */
    }
    return sum;
}

static void name_of(const uint8_t key[SECCOMP_KEY_SIZE], char ret[NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SECCOMP_KEY_SIZE; i++) {
        ret[2 * i] = digits[key[i] >> 4];
        ret[2 * i + 1] = digits[key[i] & 15];
    }
    memcpy(ret + 2 * SECCOMP_KEY_SIZE, SUFFIX, sizeof SUFFIX);
}

/* The directory, if it is ours alone; else a negative errno. */
static int open_dir(const char *dir)
{
    CLEANUP_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
        return -EPERM;
    return TAKE_FD(fd);
}

bool seccomp_cache_load(struct arena *a, const char *dir, const uint8_t key[SECCOMP_KEY_SIZE], struct sock_fprog *ret)
{
    char name[NAME_SIZE];
    name_of(key, name);
    CLEANUP_FD int dir_fd = open_dir(dir);
    if (dir_fd < 0)
        return false;
    /* O_NONBLOCK: a fifo must not hold up a start before it is seen for what it is. */
    CLEANUP_FD int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return false;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0022) != 0)
        return false;
    struct header h;
    size_t max = BPF_MAXINSNS * sizeof(struct sock_filter);
    if (st.st_size < (off_t)sizeof h || (size_t)st.st_size > sizeof h + max)
        return false;
    size_t size = (size_t)st.st_size - sizeof h;
    if (fd_read_full(fd, &h, sizeof h) != (ssize_t)sizeof h || memcmp(h.magic, magic, sizeof magic) != 0 ||
        h.version != SECCOMP_COMPILE_VERSION || memcmp(h.key, key, sizeof h.key) != 0 || h.n == 0 ||
        size != h.n * sizeof(struct sock_filter))
        return false;
    struct sock_filter *v = arena_alloc(a, size);
    if (v == NULL || fd_read_full(fd, v, size) != (ssize_t)size || sum_of(v, h.n) != h.sum)
        return false;
    *ret = (struct sock_fprog){.len = (unsigned short)h.n, .filter = v};
    return true;
}

/* Keep the cache small: when it is full, start it over. Recompiling what was in use is cheaper than bookkeeping. */
static void make_room(int dir_fd)
{
    int again = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again >= 0 ? fdopendir(again) : NULL;
    if (d == NULL) {
        fd_close(&again);
        return;
    }
    size_t n = 0;
    while (readdir(d) != NULL)
        n++;
    if (n > MAX_FILES + 2) {
        rewinddir(d);
        for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
            if (e->d_name[0] != '.')
                (void)unlinkat(dir_fd, e->d_name, 0);
    }
    (void)closedir(d);
}

static int make_dir(const char *dir)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return 0;
    const char *slash = strrchr(dir, '/');
    char parent[PATH_MAX];
    if (errno != ENOENT || slash == NULL || slash == dir || (size_t)(slash - dir) >= sizeof parent)
        return -errno;
    memcpy(parent, dir, (size_t)(slash - dir));
    parent[slash - dir] = '\0';
    if (mkdir(parent, 0700) < 0 && errno != EEXIST)
        return -errno;
    return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int seccomp_cache_store(const char *dir, const uint8_t key[SECCOMP_KEY_SIZE], const struct sock_fprog *program)
{
    int e = make_dir(dir);
    if (e < 0)
        return e;
    CLEANUP_FD int dir_fd = open_dir(dir);
    if (dir_fd < 0)
        return dir_fd;
    make_room(dir_fd);
    char name[NAME_SIZE];
    name_of(key, name);
    struct header h = {.version = SECCOMP_COMPILE_VERSION, .n = program->len};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.key, key, sizeof h.key);
    h.sum = sum_of(program->filter, program->len);
    CLEANUP_BUF struct buf b = BUF_INIT;
    buf_add(&b, &h, sizeof h);
    buf_add(&b, program->filter, program->len * sizeof(struct sock_filter));
    if (b.failed)
        return -ENOMEM;
    return file_replace(dir_fd, name, b.data, b.len, 0600, 0);
}
