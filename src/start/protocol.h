/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent-child protocol of a start, as a table: who sends which message, after which others, how often. Both ends
 * hold a struct protocol and check every frame against the table when they send it and when they receive it; a frame
 * out of order is an error, and so is an end of file anywhere but after MSG_EXEC.
 *
 * A frame is one datagram of a SOCK_SEQPACKET socket pair: struct frame, cut at the size that its type has. At most
 * one descriptor travels with a frame (SCM_RIGHTS), and only with the types that carry one.
 */
#ifndef COFFER_START_PROTOCOL_H
#define COFFER_START_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum message {
    MSG_ENTERED, /* stepping stone: the container's process is there; carries its pidfd */
    MSG_SLOT,    /* a descriptor made after clone, for the slot in frame.slot */
    MSG_MAPPED,  /* the id maps are written and all slots are sent */
    MSG_RAISED,  /* a descriptor that the child made, for the parent's slot in frame.slot */
    MSG_GO,      /* the container is on record: go on */
    MSG_CREATED, /* everything is built; waiting to be started */
    MSG_START,   /* start the program (on a connection of the start socket) */
    MSG_EXEC,    /* the next thing is execve; an end of file now means that it worked */
    MSG_ERROR,   /* the start failed; frame.err says where and why */
    MSG_COUNT,
};

enum party { PARTY_PARENT, PARTY_CHILD, PARTY_STONE, PARTY_STARTER };

struct message_rule {
    const char *name;
    enum party from, to;
    uint32_t after; /* bits of messages, all of which must have passed */
    uint32_t not_after; /* bits of messages, none of which may have passed */
    bool once;
    bool carries_fd;
    bool carries_err;
};

extern const struct message_rule message_rules[MSG_COUNT];

struct frame {
    uint16_t type;
    int16_t slot;
    struct err err; /* only in MSG_ERROR; not sent with the others */
};

struct protocol {
    int socket;
    enum party self;
    uint32_t passed; /* bits of the messages that went either way */
};

/* The name of a party: "parent", "child", "stone", "starter". */
const char *party_name(enum party party);

/* Would this message from this sender be in order now? 0 or -EPROTO with err set (layer start). */
int protocol_check(const struct protocol *p, enum message type, enum party from, struct err *err);

/* Send one frame. fd: descriptor for types that carry one, else -1. No allocation; usable between clone and exec. */
int protocol_send(struct protocol *p, enum message type, int slot, int fd, const struct err *payload,
                  struct err *err);

/*
 * Receive one frame. *ret_fd gets a received descriptor (close-on-exec) or -EBADF. Returns 1 for a frame, 0 for end of
 * file, negative errno otherwise. A MSG_ERROR is a frame like any other: the caller takes frame.err.
 */
int protocol_receive(struct protocol *p, struct frame *ret, int *ret_fd, struct err *err);

#endif
