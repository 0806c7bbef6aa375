/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name that at most one living thing has: a symbolic link in a directory, named by the name, whose target is the
 * directory of the thing. When that directory is gone the link means nothing and whoever comes next may have the name:
 * a process that dies leaves nothing that anybody must clean.
 */
#ifndef COFFER_ENGINE_CLAIM_H
#define COFFER_ENGINE_CLAIM_H

/* 0, -EEXIST: somebody has it, or another negative errno. target may be relative to dir. */
int claim_take(int dir, const char *name, const char *target);

/* Let go of a name, if it is this target's. */
void claim_release(int dir, const char *name, const char *target);

/* Take away the claims of things that are gone. Best effort. */
void claim_sweep(int dir);

#endif
