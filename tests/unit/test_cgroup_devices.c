/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device wall: the reduced rules, the BPF program made of them, and the lines for cgroup v1, each held against the
 * meaning of the rules as they were written: for each bit of access the last rule that matches decides, else denied.
 * The program runs in an interpreter of its instructions, the lines in a model of the kernel's v1 controller.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/cgroup/cgroup.h"
#include "layers/cgroup/group.h"

/* runc's AllowedDevices, written down a second time. */
static const struct device_rule defaults[] = {
    {true, 'c', -1, -1, DEVICE_MKNOD}, {true, 'b', -1, -1, DEVICE_MKNOD}, {true, 'c', 1, 3, DEVICE_ALL},
    {true, 'c', 1, 8, DEVICE_ALL},     {true, 'c', 1, 7, DEVICE_ALL},     {true, 'c', 5, 0, DEVICE_ALL},
    {true, 'c', 1, 5, DEVICE_ALL},     {true, 'c', 1, 9, DEVICE_ALL},     {true, 'c', 136, -1, DEVICE_ALL},
    {true, 'c', 5, 2, DEVICE_ALL},     {true, 'c', 10, 200, DEVICE_ALL},
};

#define MAX_RULES 32
struct written {
    struct device_rule v[MAX_RULES];
    size_t n;
};

static bool matches(const struct device_rule *r, char type, int64_t major, int64_t minor)
{
    return (r->type == 'a' || r->type == type) && (r->major < 0 || r->major == major) &&
           (r->minor < 0 || r->minor == minor);
}

/* The meaning, as plainly as it can be said. */
static bool meant(const struct written *w, char type, int64_t major, int64_t minor, unsigned access)
{
    for (unsigned bit = 1; bit <= DEVICE_ALL; bit <<= 1) {
        if ((access & bit) == 0)
            continue;
        bool allowed = false;
        for (size_t i = 0; i < w->n; i++)
            if (matches(&w->v[i], type, major, minor) && (w->v[i].access & bit) != 0)
                allowed = w->v[i].allow;
        for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
            if (matches(&defaults[i], type, major, minor) && (defaults[i].access & bit) != 0)
                allowed = defaults[i].allow;
        if (!allowed)
            return false;
    }
    return true;
}

struct document {
    struct oci_resources resources;
    struct oci_device_rule v[MAX_RULES];
    char types[MAX_RULES][2], access[MAX_RULES][4];
};

static void write_down(struct document *d, const struct written *w)
{
    struct oci_device_rule *v = d->v;
    char (*types)[2] = d->types, (*access)[4] = d->access;
    memset(d, 0, sizeof *d);
    for (size_t i = 0; i < w->n; i++) {
        const struct device_rule *r = &w->v[i];
        types[i][0] = r->type;
        types[i][1] = '\0';
        size_t n = 0;
        if ((r->access & DEVICE_READ) != 0)
            access[i][n++] = 'r';
        if ((r->access & DEVICE_WRITE) != 0)
            access[i][n++] = 'w';
        if ((r->access & DEVICE_MKNOD) != 0)
            access[i][n++] = 'm';
        access[i][n] = '\0';
        v[i].allow = (struct oci_bool){true, r->allow};
        v[i].type = r->type == 'a' ? NULL : types[i];
        v[i].access = access[i];
        if (r->major >= 0)
            v[i].major = (struct oci_int){true, r->major};
        if (r->minor >= 0)
            v[i].minor = (struct oci_int){true, r->minor};
    }
    d->resources.devices.v = v;
    d->resources.devices.n = w->n;
    d->resources.devices.set = true;
}

static struct device_rules reduced(struct arena *a, const struct written *w)
{
    struct document d;
    write_down(&d, w);
    struct device_rules rules;
    struct err err = ERR_INIT;
    if (cgroup_device_rules(a, &d.resources, &rules, &err) < 0)
        fail_msg("%s", err.text);
    return rules;
}

/* Runs the program as the kernel would; fails the test on anything that the verifier would refuse. */
static bool run(const struct device_program *p, char type, int64_t major, int64_t minor, unsigned access)
{
    struct bpf_cgroup_dev_ctx ctx = {
        .access_type = access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
        .major = (uint32_t)major,
        .minor = (uint32_t)minor,
    };
    uint64_t reg[11] = {0};
    bool known[11] = {[1] = true};
    size_t pc = 0;
    for (;;) {
        assert_true(pc < p->n);
        const struct bpf_insn *in = &p->v[pc++];
        uint64_t other = BPF_SRC(in->code) == BPF_X ? reg[in->src_reg] : (uint64_t)(int64_t)in->imm;
        switch (in->code) {
        case BPF_LDX | BPF_MEM | BPF_W: {
            uint32_t word = 0;
            assert_int_equal(in->src_reg, 1);
            assert_in_range(in->off, 0, sizeof ctx - sizeof word);
            memcpy(&word, (const char *)&ctx + in->off, sizeof word);
            reg[in->dst_reg] = word;
            known[in->dst_reg] = true;
            break;
        }
        case BPF_ALU | BPF_X | BPF_MOV:
            assert_true(known[in->src_reg]);
            reg[in->dst_reg] = (uint32_t)other;
            known[in->dst_reg] = true;
            break;
        case BPF_ALU | BPF_K | BPF_MOV:
            reg[in->dst_reg] = (uint32_t)other;
            known[in->dst_reg] = true;
            break;
        case BPF_ALU | BPF_K | BPF_AND:
            assert_true(known[in->dst_reg]);
            reg[in->dst_reg] = (uint32_t)reg[in->dst_reg] & (uint32_t)other;
            break;
        case BPF_ALU | BPF_K | BPF_RSH:
            assert_true(known[in->dst_reg]);
            reg[in->dst_reg] = (uint32_t)reg[in->dst_reg] >> other;
            break;
        case BPF_JMP | BPF_K | BPF_JNE:
        case BPF_JMP | BPF_K | BPF_JEQ:
            assert_true(known[in->dst_reg] && in->off >= 0);
            if ((reg[in->dst_reg] == other) == (in->code == (BPF_JMP | BPF_K | BPF_JEQ)))
                pc += (size_t)in->off;
            break;
        case BPF_JMP | BPF_EXIT:
            assert_true(known[0] && reg[0] <= 1);
            return reg[0] == 1;
        default:
            fail_msg("instruction %zu: code %#x is not one that the generator uses", pc - 1, in->code);
        }
    }
}

/* security/device_cgroup.c: a default and a list of exceptions. */
struct v1_model {
    bool allow;
    struct device_rule v[128];
    size_t n;
};

static void v1_write(struct v1_model *m, const char *line)
{
    bool allow = strncmp(line, "allow ", 6) == 0;
    line = strchr(line, ' ') + 1;
    if (*line == 'a') {
        m->allow = allow;
        m->n = 0;
        return;
    }
    struct device_rule r = {.type = *line, .major = -1, .minor = -1};
    char major[16], minor[16], access[4];
    assert_int_equal(sscanf(line, "%*c %15[^:]:%15s %3s", major, minor, access), 3);
    if (*major != '*')
        r.major = atoi(major);
    if (*minor != '*')
        r.minor = atoi(minor);
    r.access = (strchr(access, 'r') != NULL ? DEVICE_READ : 0) | (strchr(access, 'w') != NULL ? DEVICE_WRITE : 0) |
               (strchr(access, 'm') != NULL ? DEVICE_MKNOD : 0);
    assert_true(m->n < ARRAY_LEN(m->v) && allow != m->allow);
    m->v[m->n++] = r;
}

/* match_exception(): one entry has to have all bits; match_exception_partial(): one entry with any of them. */
static bool v1_says(const struct v1_model *m, char type, int64_t major, int64_t minor, unsigned access)
{
    for (size_t i = 0; i < m->n; i++)
        if (matches(&m->v[i], type, major, minor) &&
            (m->allow ? (access & m->v[i].access) != 0 : (access & ~m->v[i].access) == 0))
            return !m->allow;
    return m->allow;
}

static const int32_t majors[] = {1, 5, 8, 10, 136, 254}, minors[] = {0, 1, 2, 3, 5, 7, 8, 9, 200};

/* How many requests of the whole small world are answered otherwise than meant. */
static size_t differences(const struct written *w, const struct device_rules *rules, const struct device_program *p)
{
    size_t n = 0;
    for (size_t major = 0; major < ARRAY_LEN(majors); major++)
        for (size_t minor = 0; minor < ARRAY_LEN(minors); minor++)
            for (const char *type = "bc"; *type != '\0'; type++)
                for (unsigned access = 1; access <= DEVICE_ALL; access++) {
                    bool want = meant(w, *type, majors[major], minors[minor], access);
                    bool is = p != NULL ? run(p, *type, majors[major], minors[minor], access)
                                        : cgroup_device_allowed(rules, *type, majors[major], minors[minor], access);
                    n += is != want;
                }
    return n;
}

static struct written random_rules(unsigned *seed)
{
    struct written w = {.n = (size_t)(rand_r(seed) % 7)};
    for (size_t i = 0; i < w.n; i++)
        w.v[i] = (struct device_rule){
            .allow = rand_r(seed) % 2 == 0,
            .type = "abc"[rand_r(seed) % 3],
            .major = rand_r(seed) % 3 == 0 ? -1 : majors[(size_t)rand_r(seed) % ARRAY_LEN(majors)],
            .minor = rand_r(seed) % 2 == 0 ? -1 : minors[(size_t)rand_r(seed) % ARRAY_LEN(minors)],
            .access = 1 + (unsigned)rand_r(seed) % DEVICE_ALL,
        };
    return w;
}

static void program_says_what_was_meant(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct written w = random_rules(&seed);
        struct device_rules rules = reduced(&a, &w);
        struct device_program p;
        assert_int_equal(cgroup_device_program(&a, &rules, &p), 0);
        assert_int_equal(differences(&w, &rules, NULL), 0);
        assert_int_equal(differences(&w, &rules, &p), 0);
    }
}

/* What the meaning says of one device: 'r' and 'w' as bits, or -1: one of them or both. */
static int said(const struct cgroup_device_meaning *m, char type, int32_t major, int32_t minor)
{
    const struct cgroup_device_range *best = NULL;
    for (size_t i = 0; i < m->n_named; i++) {
        const struct cgroup_device_range *r = &m->named[i];
        if (r->type != type || (r->major >= 0 && r->major != major) || (r->minor >= 0 && r->minor != minor))
            continue;
        if (best == NULL || (r->major >= 0) + (r->minor >= 0) > (best->major >= 0) + (best->minor >= 0))
            best = r;
    }
    if (best != NULL)
        return (best->read ? DEVICE_READ : 0) | (best->write ? DEVICE_WRITE : 0);
    return (type == 'b' ? m->other_block : m->other_character) ? -1 : 0;
}

static void the_meaning_is_complete(void **state)
{
    (void)state;
    unsigned seed = 3, open = 0;
    for (int round = 0; round < 3000; round++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct written w = random_rules(&seed);
        struct document d;
        struct cgroup_device_meaning m;
        struct err err = ERR_INIT;
        write_down(&d, &w);
        assert_int_equal(cgroup_device_meaning(&a, &d.resources, false, &m, &err), 0);
        open += m.other_block;
        for (size_t major = 0; major < ARRAY_LEN(majors); major++)
            for (size_t minor = 0; minor < ARRAY_LEN(minors); minor++)
                for (const char *type = "bc"; *type != '\0'; type++) {
                    int want = (meant(&w, *type, majors[major], minors[minor], DEVICE_READ) ? DEVICE_READ : 0) |
                               (meant(&w, *type, majors[major], minors[minor], DEVICE_WRITE) ? DEVICE_WRITE : 0);
                    int is = said(&m, *type, majors[major], minors[minor]);
                    assert_true(is == want || (is == -1 && want != 0));
                }
    }
    assert_true(open > 100 && open < 2900);
}

static struct cgroup_device_meaning meaning_of(struct arena *a, const struct written *w, bool in_force)
{
    struct document d;
    struct cgroup_device_meaning m;
    struct err err = ERR_INIT;
    write_down(&d, w);
    assert_int_equal(cgroup_device_meaning(a, &d.resources, in_force, &m, &err), 0);
    return m;
}

static void everything_is_known_when_it_is_said_in_parts(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    static const struct written parts = {
        {{false, 'a', -1, -1, DEVICE_ALL}, {true, 'b', -1, -1, DEVICE_ALL}, {true, 'c', -1, -1, DEVICE_ALL}}, 3};
    struct cgroup_device_meaning m = meaning_of(&a, &parts, false);
    assert_true(m.other_block && m.other_character);
    assert_int_equal(m.n_named, 0);
    static const struct written nothing = {{{false, 'a', -1, -1, DEVICE_ALL}}, 1};
    m = meaning_of(&a, &nothing, false);
    assert_false(m.other_block || m.other_character);
    assert_int_equal(m.n_named, 9); /* the default ones, mknod aside */
    for (size_t i = 0; i < m.n_named; i++)
        assert_true(m.named[i].usual);
    assert_int_equal(meaning_of(&a, &nothing, true).n_named, 0); /* read back: no rule is added */
    static const struct written disk = {{{false, 'a', -1, -1, DEVICE_ALL}, {true, 'b', 8, -1, DEVICE_READ}}, 2};
    m = meaning_of(&a, &disk, false);
    assert_int_equal(m.n_named, 10);
    assert_string_equal(cgroup_device_range_text(&a, &m.named[0]), "b 8:* r");
    assert_false(m.named[0].usual || m.other_block);
    static const struct written made = {{{false, 'a', -1, -1, DEVICE_ALL}, {true, 'b', 8, 0, DEVICE_MKNOD}}, 2};
    assert_int_equal(meaning_of(&a, &made, false).n_named, 9); /* a node that nobody may open */
}

static void v1_lines_say_what_was_meant(void **state)
{
    (void)state;
    unsigned seed = 2, refused = 0, split = 0;
    for (int round = 0; round < 2000; round++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct written w = random_rules(&seed);
        struct device_rules rules = reduced(&a, &w);
        struct oci_strs lines;
        struct err err = ERR_INIT;
        int r = cgroup_device_lines(&a, &rules, &lines, &err);
        if (r < 0) {
            assert_int_equal(r, -ENOTSUP);
            assert_non_null(strstr(err.text, "cgroup v1 cannot"));
            refused++;
            continue;
        }
        struct v1_model m = {.allow = true};
        for (size_t i = 0; i < lines.n; i++)
            v1_write(&m, lines.v[i]);
        for (size_t major = 0; major < ARRAY_LEN(majors); major++)
            for (size_t minor = 0; minor < ARRAY_LEN(minors); minor++)
                for (const char *type = "bc"; *type != '\0'; type++)
                    for (unsigned access = 1; access <= DEVICE_ALL; access++) {
                        bool want = meant(&w, *type, majors[major], minors[minor], access);
                        bool is = v1_says(&m, *type, majors[major], minors[minor], access);
                        /*
                         * The kernel wants all bits of a request in one entry: bits that two rules allow apart are
                         * refused together. It is on the safe side, and all that v1 can do.
                         */
                        if (is != want && want && (access & (access - 1)) != 0 && !m.allow) {
                            split++;
                            continue;
                        }
                        assert_int_equal(is, want);
                    }
    }
    /* Both ways must have been taken, or this test tests less than it says. */
    assert_in_range(refused, 1, 1999);
    assert_true(split > 0);
}

/* Negative control: a program with one instruction spoilt has to be found out. */
static void a_spoilt_program_is_found(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct written w = {.n = 2, .v = {{false, 'a', -1, -1, DEVICE_ALL}, {true, 'b', 8, -1, DEVICE_READ}}};
    struct device_rules rules = reduced(&a, &w);
    struct device_program p;
    assert_int_equal(cgroup_device_program(&a, &rules, &p), 0);
    assert_int_equal(differences(&w, &rules, &p), 0);
    size_t spoilt = 0, found = 0;
    for (size_t i = 0; i < p.n; i++)
        if (p.v[i].code == (BPF_JMP | BPF_K | BPF_JNE) && (p.v[i].dst_reg == 4 || p.v[i].dst_reg == 5)) {
            struct bpf_insn good = p.v[i];
            p.v[i].imm = 254;
            spoilt++;
            found += differences(&w, &rules, &p) > 0;
            p.v[i] = good;
        }
    assert_true(spoilt > 5);
    assert_int_equal(found, spoilt);
}

static void program_is_this_array(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    struct device_rule v[] = {{true, 'c', 1, 3, DEVICE_ALL}, {true, 'b', 8, -1, DEVICE_READ},
                              {false, 'a', -1, 1, DEVICE_WRITE}};
    struct device_rules rules = {.allow = false, .v = v, .n = ARRAY_LEN(v)};
    struct device_program p;
    assert_int_equal(cgroup_device_program(&a, &rules, &p), 0);
    const struct bpf_insn golden[] = {
        {.code = 0x61, .dst_reg = 2, .src_reg = 1, .off = 0}, /* r2 = access_type */
        {.code = 0x61, .dst_reg = 4, .src_reg = 1, .off = 4}, /* r4 = major */
        {.code = 0x61, .dst_reg = 5, .src_reg = 1, .off = 8}, /* r5 = minor */
        {.code = 0xbc, .dst_reg = 3, .src_reg = 2},           /* w3 = w2 */
        {.code = 0x74, .dst_reg = 3, .imm = 16},              /* w3 >>= 16 */
        {.code = 0x54, .dst_reg = 2, .imm = 0xffff},          /* w2 &= 0xffff */
        {.code = 0x55, .dst_reg = 5, .off = 5, .imm = 1},     /* deny *:1 w */
        {.code = 0xbc, .dst_reg = 1, .src_reg = 3},
        {.code = 0x54, .dst_reg = 1, .imm = 4},
        {.code = 0x15, .dst_reg = 1, .off = 2, .imm = 0},
        {.code = 0xb4, .dst_reg = 0, .imm = 0},
        {.code = 0x95},
        {.code = 0x55, .dst_reg = 2, .off = 5, .imm = 1}, /* allow b 8:* r */
        {.code = 0x55, .dst_reg = 4, .off = 4, .imm = 8},
        {.code = 0x54, .dst_reg = 3, .imm = 5},
        {.code = 0x55, .dst_reg = 3, .off = 2, .imm = 0},
        {.code = 0xb4, .dst_reg = 0, .imm = 1},
        {.code = 0x95},
        {.code = 0x55, .dst_reg = 2, .off = 4, .imm = 2}, /* allow c 1:3 rwm */
        {.code = 0x55, .dst_reg = 4, .off = 3, .imm = 1},
        {.code = 0x55, .dst_reg = 5, .off = 2, .imm = 3},
        {.code = 0xb4, .dst_reg = 0, .imm = 1},
        {.code = 0x95},
        {.code = 0xb4, .dst_reg = 0, .imm = 0}, /* deny the rest */
        {.code = 0x95},
    };
    assert_int_equal(p.n, ARRAY_LEN(golden));
    for (size_t i = 0; i < p.n; i++)
        if (memcmp(&p.v[i], &golden[i], sizeof golden[i]) != 0)
            fail_msg("instruction %zu: code %#x dst %d src %d off %d imm %d", i, p.v[i].code, p.v[i].dst_reg,
                     p.v[i].src_reg, p.v[i].off, p.v[i].imm);
}

static void what_never_decides_is_dropped(void **state)
{
    (void)state;
    CLEANUP_ARENA struct arena a = ARENA_INIT;
    /* Docker's --privileged: one rule for everything, and nothing is left to ask. */
    struct written all = {.n = 1, .v = {{true, 'a', -1, -1, DEVICE_ALL}}};
    struct device_rules rules = reduced(&a, &all);
    assert_true(rules.allow);
    assert_int_equal(rules.n, 0);
    /* Deny everything: what stays are the default rules, mknod for both types being one. */
    struct written none = {.n = 1, .v = {{false, 'a', -1, -1, DEVICE_ALL}}};
    rules = reduced(&a, &none);
    assert_false(rules.allow);
    assert_int_equal(rules.n, ARRAY_LEN(defaults) - 1);
    /* The same as no rules at all. */
    struct written empty = {.n = 0};
    struct device_rules same = reduced(&a, &empty);
    assert_int_equal(same.n, rules.n);
    assert_false(same.allow);
    assert_memory_equal(same.v, rules.v, rules.n * sizeof *rules.v);
}

static void bad_rules_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct oci_device_rule rule;
        const char *text;
    } table[] = {
        {{.allow = {true, true}, .type = (char *)"c"}, "device rule 0: access is missing; give letters of rwm"},
        {{.allow = {true, true}, .access = (char *)"rx"}, "device rule 0: access rx is not letters of rwm"},
        {{.type = (char *)"p", .access = (char *)"r"}, "device rule 0: type p is not one of a, b, c"},
        {{.type = (char *)"b", .access = (char *)"r", .major = {true, -2}},
         "device rule 0: there is no such device number"},
        {{.type = (char *)"b", .access = (char *)"r", .minor = {true, INT64_C(1) << 31}},
         "device rule 0: there is no such device number"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        CLEANUP_ARENA struct arena a = ARENA_INIT;
        struct oci_device_rule rule = table[i].rule;
        struct oci_resources resources = {.devices = {.v = &rule, .n = 1, .set = true}};
        struct device_rules rules = {.n = 77};
        struct err err = ERR_INIT;
        assert_int_equal(cgroup_device_rules(&a, &resources, &rules, &err), -EINVAL);
        assert_string_equal(err.text, table[i].text);
        assert_int_equal(err.layer, LAYER_CGROUP);
        assert_int_equal(rules.n, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_says_what_was_meant), cmocka_unit_test(v1_lines_say_what_was_meant),
        cmocka_unit_test(a_spoilt_program_is_found),   cmocka_unit_test(program_is_this_array),
        cmocka_unit_test(what_never_decides_is_dropped), cmocka_unit_test(bad_rules_are_refused),
        cmocka_unit_test(the_meaning_is_complete),
        cmocka_unit_test(everything_is_known_when_it_is_said_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
