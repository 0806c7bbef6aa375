/* SPDX-License-Identifier: Apache-2.0 */
#include "start/protocol.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define BIT(message) (1U << (message))

/* docs/process-model.md draws this table; tests/checks holds the two together. */
const struct message_rule message_rules[MSG_COUNT] = {
    [MSG_ENTERED] = {"ENTERED", PARTY_STONE, PARTY_PARENT, .not_after = BIT(MSG_SLOT) | BIT(MSG_MAPPED) | BIT(MSG_GO),
                     .once = true, .carries_fd = true},
    [MSG_SLOT] = {"SLOT", PARTY_PARENT, PARTY_CHILD, .not_after = BIT(MSG_MAPPED) | BIT(MSG_GO), .carries_fd = true},
    [MSG_MAPPED] = {"MAPPED", PARTY_PARENT, PARTY_CHILD, .not_after = BIT(MSG_GO), .once = true},
    [MSG_RAISED] = {"RAISED", PARTY_CHILD, PARTY_PARENT, .not_after = BIT(MSG_EXEC), .carries_fd = true},
    [MSG_GO] = {"GO", PARTY_PARENT, PARTY_CHILD, .once = true},
    [MSG_CREATED] = {"CREATED", PARTY_CHILD, PARTY_PARENT, .after = BIT(MSG_GO), .not_after = BIT(MSG_EXEC),
                     .once = true},
    [MSG_START] = {"START", PARTY_STARTER, PARTY_CHILD, .once = true},
    [MSG_EXEC] = {"EXEC", PARTY_CHILD, PARTY_PARENT, .once = true},
    [MSG_ERROR] = {"ERROR", PARTY_CHILD, PARTY_PARENT, .once = true, .carries_err = true},
};

static const char *const party_names[] = {
    [PARTY_PARENT] = "parent", [PARTY_CHILD] = "child", [PARTY_STONE] = "stone", [PARTY_STARTER] = "starter"};
static_assert(ARRAY_LEN(party_names) == PARTY_STARTER + 1, "every party has a name");

const char *party_name(enum party party)
{
    return (unsigned)party < ARRAY_LEN(party_names) ? party_names[party] : "unknown";
}

/*
 * Who may send what. The stepping stone reports its errors as the child does, and on a connection of the start socket
 * the starter stands where the parent stood.
 */
static bool may_send(const struct message_rule *rule, enum party from)
{
    return rule->from == from || (rule->from == PARTY_CHILD && from == PARTY_STONE);
}

int protocol_check(const struct protocol *p, enum message type, enum party from, struct err *err)
{
    if ((unsigned)type >= MSG_COUNT)
        return err_set(err, -EPROTO, LAYER_START, "protocol: message %d from the %s is unknown", (int)type,
                       party_name(from));
    const struct message_rule *rule = &message_rules[type];
    if (!may_send(rule, from))
        return err_set(err, -EPROTO, LAYER_START, "protocol: %s is not the %s's to send", rule->name,
                       party_name(from));
    if (rule->once && (p->passed & BIT(type)) != 0)
        return err_set(err, -EPROTO, LAYER_START, "protocol: a second %s", rule->name);
    if ((p->passed & rule->after) != rule->after || (p->passed & rule->not_after) != 0 ||
        (p->passed & BIT(MSG_ERROR)) != 0)
        return err_set(err, -EPROTO, LAYER_START, "protocol: %s out of order (passed 0x%x)", rule->name, p->passed);
    return 0;
}

static size_t frame_size(const struct message_rule *rule)
{
    return rule->carries_err ? sizeof(struct frame) : offsetof(struct frame, err);
}

int protocol_send(struct protocol *p, enum message type, int slot, int fd, const struct err *payload, struct err *err)
{
    int r = protocol_check(p, type, p->self, err);
    if (r < 0)
        return r;
    const struct message_rule *rule = &message_rules[type];
    struct frame frame = {.type = (uint16_t)type, .slot = (int16_t)slot};
    if (rule->carries_err)
        frame.err = *payload;
    if (!rule->carries_fd) {
        /* write(2): a seccomp filter that is in force already hardly ever refuses it. */
        ssize_t w = write(p->socket, &frame, frame_size(rule));
        if (w < 0)
            return err_set_errno(err, -errno, LAYER_START, "protocol: send %s", rule->name);
    } else {
        struct iovec io = {.iov_base = &frame, .iov_len = frame_size(rule)};
        union {
            char bytes[CMSG_SPACE(sizeof(int))];
            struct cmsghdr align;
        } control = {0};
        struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        if (sendmsg(p->socket, &message, MSG_NOSIGNAL) < 0)
            return err_set_errno(err, -errno, LAYER_START, "protocol: send %s", rule->name);
    }
    p->passed |= BIT(type);
    return 0;
}

static int take_fd(struct msghdr *message)
{
    int fd = -EBADF;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

int protocol_receive(struct protocol *p, struct frame *ret, int *ret_fd, struct err *err)
{
    struct frame frame = {0};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec io = {.iov_base = &frame, .iov_len = sizeof frame};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    bool reset = false;
    for (;;) {
        n = recvmsg(p->socket, &message, MSG_CMSG_CLOEXEC);
        /*
         * A peer that ended without having read all that was sent to it resets the connection, and the kernel reports
         * that before the frames which the peer sent, its last word among them. Once; then they can be read.
         */
        if (n < 0 && errno == ECONNRESET && !reset)
            reset = true;
        else if (n >= 0 || errno != EINTR)
            break;
    }
    if (n < 0)
        return err_set_errno(err, -errno, LAYER_START, "protocol: receive");
    CLEANUP_FD int fd = take_fd(&message);
    if (n == 0)
        return 0;
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || (size_t)n < offsetof(struct frame, err) ||
        frame.type >= MSG_COUNT)
        return err_set(err, -EPROTO, LAYER_START, "protocol: a malformed frame of %zd bytes", n);
    const struct message_rule *rule = &message_rules[frame.type];
    if ((size_t)n != frame_size(rule) || rule->carries_fd != (fd >= 0))
        return err_set(err, -EPROTO, LAYER_START, "protocol: a malformed %s", rule->name);
    int r = protocol_check(p, frame.type, rule->from, err);
    if (r < 0)
        return r;
    if (rule->to != p->self)
        return err_set(err, -EPROTO, LAYER_START, "protocol: %s is not for the %s", rule->name, party_name(p->self));
    frame.err.text[sizeof frame.err.text - 1] = '\0';
    p->passed |= BIT(frame.type);
    *ret = frame;
    *ret_fd = TAKE_FD(fd);
    return 1;
}
