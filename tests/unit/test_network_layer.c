/* SPDX-License-Identifier: Apache-2.0 */
/* The network wall: who gets a loopback, what is refused, and reading a namespace back from /proc. */
#include <errno.h>

#include "layers/network/observe.h"
#include "planned.h"

static const struct host host = {.kernel_major = 6, .kernel_minor = 1};

static void only_a_new_namespace_gets_its_loopback(void **state)
{
    (void)state;
    expect_plan(&network_layer, &host, "'linux':{'namespaces':[{'type':'mount'},{'type':'network'}]}",
                "child-late network up lo\n");
    expect_plan(&network_layer, &host, "'linux':{'namespaces':[{'type':'network','path':'/run/netns/x'}]}", "");
    expect_plan(&network_layer, &host, "'linux':{'namespaces':[{'type':'mount'}]}", "");
}

static void devices_are_refused(void **state)
{
    (void)state;
    expect_refusal(&network_layer, &host,
                   "'linux':{'namespaces':[{'type':'network'}],'netDevices':{'eth1':{'name':'eth0'}}}", -ENOTSUP,
                   "linux.netDevices: moving host interface eth1 into a container is not supported by this version");
}

static const char dev[] = "Inter-|   Receive                            |  Transmit\n"
                          " face |bytes    packets errs drop fifo frame |bytes    packets\n"
                          "    lo:    3267      29    0    0    0     0\n"
                          "  eth0: 45679280    1313    0    0    0     0\n"
                          "wlan0.100: 1 2 3\n";

static void what_a_namespace_holds(void **state)
{
    (void)state;
    static const char inet6[] = "00000000000000000000000000000001 01 80 10 80       lo\n"
                                "fd000000000000000000000000000002 04 40 00 82     eth0\n";
    static const char trie[] = "Main:\n  |-- 10.9.9.9\n     /32 host LOCAL\n"
                               "Local:\n  +-- 127.0.0.0/8 2 0 2\n"
                               "        |-- 127.0.0.0\n           /8 host LOCAL\n"
                               "        |-- 127.0.0.1\n           /32 host LOCAL\n"
                               "     |-- 127.255.255.255\n        /32 link BROADCAST\n"
                               "        |-- 192.0.2.2\n           /32 host LOCAL\n"
                               "        |-- 198.51.100.7\n           /32 host LOCAL\n";
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NET "000200C0"
#define MASK "00FFFFFF"
#define GATEWAY "010200C0"
#else
#define NET "C0000200"
#define MASK "FFFFFF00"
#define GATEWAY "C0000201"
#endif
    static const char route[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n"
                                "eth0\t00000000\t" GATEWAY "\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                                "eth0\t" NET "\t00000000\t0001\t0\t0\t0\t" MASK "\t0\t0\t0\n";
    CLEANUP_BUF struct buf out = BUF_INIT;
    network_describe(dev, inet6, trie, route, &out);
    assert_string_equal(buf_str(&out), "lo 127.0.0.1 ::1\n"
                                       "eth0 192.0.2.2 fd00::2\n"
                                       "wlan0.100\n"
                                       "- 198.51.100.7\n");
}

static void a_namespace_whose_loopback_is_down(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf out = BUF_INIT;
    network_describe("a\nb\n    lo: 0 0\n", "", "", "", &out);
    assert_string_equal(buf_str(&out), "lo\n");
}

static void damaged_files_give_less(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "x", "a\nb\n:::\n", "a\nb\n lo", "a\nb\n                    \n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP_BUF struct buf out = BUF_INIT;
        network_describe(texts[i], "zz 1 2\n0 lo\n", "Local:\n |-- 999.1.1.1\n /32 host LOCAL\n", "x", &out);
        assert_null(strstr(buf_str(&out), "999"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_new_namespace_gets_its_loopback),
        cmocka_unit_test(devices_are_refused),
        cmocka_unit_test(what_a_namespace_holds),
        cmocka_unit_test(a_namespace_whose_loopback_is_down),
        cmocka_unit_test(damaged_files_give_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
