/* SPDX-License-Identifier: Apache-2.0 */
/* The same quantity in the units of cgroup v1 (which the specification speaks) and of v2. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "layers/cgroup/group.h"

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000

/*
 * The quadratic formula, which current runc and crun use: it takes the least, the default (1024 to 100) and the
 * greatest value to their counterparts. The older linear one made 39 of the default, so that a container with default
 * shares got less than half of what any plain process beside it got.
 */
uint64_t cgroup_shares_to_weight(uint64_t shares)
{
    if (shares <= SHARES_MIN)
        return 1;
    if (shares >= SHARES_MAX)
        return WEIGHT_MAX;
    double l = log2((double)shares);
    return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

uint64_t cgroup_weight_to_shares(uint64_t weight)
{
    if (weight <= 1)
        return SHARES_MIN;
    if (weight >= WEIGHT_MAX)
        return SHARES_MAX;
    /* l * l + 125 * l = 612 * (log10(weight) + 7/34), solved for l */
    double c = 612.0 * (log10((double)weight) + 7.0 / 34.0);
    return (uint64_t)(exp2((sqrt(125.0 * 125.0 + 4 * c) - 125.0) / 2) + 0.5);
}

/* Linear, 10..1000 to 1..10000, as in runc and crun. */
uint64_t cgroup_blkio_to_io_weight(uint64_t weight)
{
    return weight <= 10 ? 1 : 1 + (weight - 10) * 9999 / 990;
}

uint64_t cgroup_io_to_blkio_weight(uint64_t weight)
{
    return weight <= 1 ? 10 : 10 + ((weight - 1) * 990 + 9998) / 9999;
}

int cgroup_swap_to_v2(int64_t swap, int64_t memory, bool *ret_set, int64_t *ret)
{
    bool set = true;
    int64_t v = swap;
    if (swap == 0 && memory < 0) {
        v = -1; /* v1 lifts both together, and callers count on it */
    } else if (swap == 0) {
        set = false;
    } else if (swap > 0) {
        if (memory == 0 || (memory > 0 && swap < memory))
            return -EINVAL;
        if (memory > 0)
            v = swap - memory;
    } else {
        v = -1;
    }
    *ret_set = set;
    *ret = v;
    return 0;
}

const char *cgroup_size_text(int64_t bytes, char *buf, size_t size)
{
    static const char units[] = {'\0', 'k', 'm', 'g', 't', 'p'};
    size_t unit = 0;
    if (bytes < 0) {
        snprintf(buf, size, "unlimited");
        return buf;
    }
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < ARRAY_LEN(units)) {
        bytes /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(buf, size, "%" PRId64, bytes);
    else
        snprintf(buf, size, "%" PRId64 "%c", bytes, units[unit]);
    return buf;
}
