/* SPDX-License-Identifier: Apache-2.0 */
/* The message table: what is in order passes, what is not is refused at both ends. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "start/protocol.h"

struct pair {
    struct protocol parent, child;
};

static int setup(void **state)
{
    static struct pair pair;
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -1;
    pair = (struct pair){.parent = {.socket = sockets[0], .self = PARTY_PARENT},
                         .child = {.socket = sockets[1], .self = PARTY_CHILD}};
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    fd_close(&pair->parent.socket);
    fd_close(&pair->child.socket);
    return 0;
}

static void pass(struct protocol *from, struct protocol *to, enum message type)
{
    struct err err = ERR_INIT;
    struct frame frame;
    int fd = -EBADF;
    assert_int_equal(protocol_send(from, type, -1, -1, NULL, &err), 0);
    assert_int_equal(protocol_receive(to, &frame, &fd, &err), 1);
    assert_int_equal(frame.type, type);
}

static void an_ordinary_start_passes(void **state)
{
    struct pair *p = *state;
    pass(&p->parent, &p->child, MSG_MAPPED);
    pass(&p->parent, &p->child, MSG_GO);
    pass(&p->child, &p->parent, MSG_CREATED);
    pass(&p->child, &p->parent, MSG_EXEC);
    fd_close(&p->child.socket);
    struct frame frame;
    struct err err = ERR_INIT;
    int fd = -EBADF;
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), 0);
}

static void an_error_arrives_as_it_was(void **state)
{
    struct pair *p = *state;
    struct err sent = {.code = -EROFS, .layer = LAYER_ROOTFS, .step = STEP_CHILD_ROOTFS, .text = "mount /x"};
    struct err err = ERR_INIT;
    struct frame frame;
    int fd = -EBADF;
    assert_int_equal(protocol_send(&p->child, MSG_ERROR, -1, -1, &sent, &err), 0);
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), 1);
    assert_memory_equal(&frame.err, &sent, sizeof sent);
    /* Nothing may follow it. */
    assert_int_equal(protocol_send(&p->child, MSG_EXEC, -1, -1, NULL, &err), -EPROTO);
}

static void descriptors_travel_and_close_on_exec(void **state)
{
    struct pair *p = *state;
    struct err err = ERR_INIT;
    struct frame frame;
    CLEANUP_FD int null = open("/dev/null", O_RDONLY);
    CLEANUP_FD int fd = -EBADF;
    assert_int_equal(protocol_send(&p->parent, MSG_SLOT, 7, null, NULL, &err), 0);
    assert_int_equal(protocol_receive(&p->child, &frame, &fd, &err), 1);
    assert_int_equal(frame.slot, 7);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void out_of_order_is_refused_by_the_sender(void **state)
{
    struct pair *p = *state;
    struct err err = ERR_INIT;
    /* Not before GO; not somebody else's; not twice; not after MAPPED. */
    assert_int_equal(protocol_send(&p->child, MSG_CREATED, -1, -1, NULL, &err), -EPROTO);
    assert_int_equal(protocol_send(&p->child, MSG_GO, -1, -1, NULL, &err), -EPROTO);
    assert_int_equal(protocol_send(&p->parent, MSG_MAPPED, -1, -1, NULL, &err), 0);
    assert_int_equal(protocol_send(&p->parent, MSG_MAPPED, -1, -1, NULL, &err), -EPROTO);
    assert_int_equal(protocol_send(&p->parent, MSG_SLOT, 0, 0, NULL, &err), -EPROTO);
    assert_int_equal(err.layer, LAYER_START);
}

/* A peer that does not check what it sends: the receiver does. */
static void raw(const struct protocol *p, const void *data, size_t n)
{
    assert_int_equal(send(p->socket, data, n, 0), (ssize_t)n);
}

static void the_receiver_trusts_nothing(void **state)
{
    struct pair *p = *state;
    struct err err = ERR_INIT;
    struct frame frame, sent = {.type = MSG_CREATED, .slot = -1};
    int fd = -EBADF;
    const size_t head = offsetof(struct frame, err);

    raw(&p->child, &sent, head); /* CREATED before GO */
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), -EPROTO);
    sent.type = MSG_GO; /* the parent's own message coming back */
    raw(&p->child, &sent, head);
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), -EPROTO);
    sent.type = MSG_COUNT;
    raw(&p->child, &sent, head);
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), -EPROTO);
    sent.type = MSG_EXEC;
    raw(&p->child, &sent, head - 1); /* too short */
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), -EPROTO);
    raw(&p->child, &sent, sizeof sent); /* too long for its type */
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), -EPROTO);
    sent.type = MSG_RAISED; /* the descriptor is missing */
    raw(&p->child, &sent, head);
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), -EPROTO);
    sent.type = MSG_ERROR; /* a text without an end */
    memset(sent.err.text, 'x', sizeof sent.err.text);
    raw(&p->child, &sent, sizeof sent);
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), 1);
    assert_int_equal(strlen(frame.err.text), sizeof frame.err.text - 1);
}

/* The child fails while GO is on its way to it: what it said must not be lost in the reset. */
static void the_last_word_of_a_peer_that_did_not_listen(void **state)
{
    struct pair *p = *state;
    struct err sent = {.code = -EROFS, .layer = LAYER_ROOTFS, .step = STEP_CHILD_ROOTFS, .text = "mount /x"};
    struct err err = ERR_INIT;
    struct frame frame;
    int fd = -EBADF;
    assert_int_equal(protocol_send(&p->parent, MSG_GO, -1, -1, NULL, &err), 0);
    assert_int_equal(protocol_send(&p->child, MSG_ERROR, -1, -1, &sent, &err), 0);
    fd_close(&p->child.socket);
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), 1);
    assert_string_equal(frame.err.text, "mount /x");
    assert_int_equal(protocol_receive(&p->parent, &frame, &fd, &err), 0);
}

/* Every row of the table can happen: the state in which it is in order is one that the rows themselves allow. */
static void every_message_can_be_in_order(void **state UNUSED)
{
    for (enum message m = 0; m < MSG_COUNT; m++) {
        const struct message_rule *rule = &message_rules[m];
        assert_non_null(rule->name);
        assert_int_equal(rule->after & rule->not_after, 0);
        struct protocol p = {.passed = rule->after};
        struct err err = ERR_INIT;
        assert_int_equal(protocol_check(&p, m, rule->from, &err), 0);
        if (rule->once) {
            p.passed |= 1U << m;
            assert_int_equal(protocol_check(&p, m, rule->from, &err), -EPROTO);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_ordinary_start_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_arrives_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_travel_and_close_on_exec, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_order_is_refused_by_the_sender, setup, teardown),
        cmocka_unit_test_setup_teardown(the_receiver_trusts_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_word_of_a_peer_that_did_not_listen, setup, teardown),
        cmocka_unit_test(every_message_can_be_in_order),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
