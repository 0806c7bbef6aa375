# SPDX-License-Identifier: Apache-2.0
"""The network wall in real containers: nothing of the host's network, and a loopback that is up."""
import socket
import subprocess

import pytest
from attempts import attempt, fails_without_the_wall, refused, shell


@pytest.fixture
def listener():
    """A TCP port on the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def empty_namespace():
    """The path of a network namespace that somebody made and left as it was: its loopback is down."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE)
    holder.stdout.readline()
    yield f"/proc/{holder.pid}/ns/net"
    holder.kill()
    holder.wait()
    holder.stdout.close()


def network(bundle, **entry):
    """Replace the network namespace of the document; without members: share the host's."""
    namespaces = [n for n in bundle.config["linux"]["namespaces"] if n["type"] != "network"]
    bundle.config["linux"]["namespaces"] = namespaces + ([{"type": "network", **entry}] if entry else [])
    # A fresh sysfs needs a network namespace of one's own; nobody here looks at /sys.
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if not m["destination"].startswith("/sys")]


def cannot_reach_the_host(oci, bundle, port):
    assert attempt(oci, bundle, "tcp", port) == "ECONNREFUSED"


def test_the_hosts_loopback_is_out_of_reach(oci, bundle, listener):
    cannot_reach_the_host(oci, bundle, listener)


def test_control_the_hosts_network(oci, bundle, listener):
    network(bundle)
    fails_without_the_wall(cannot_reach_the_host, oci, bundle, listener)


def has_a_loopback(oci, bundle):
    assert attempt(oci, bundle, "loopback") == "ok"


def test_the_loopback_is_up(oci, bundle):
    has_a_loopback(oci, bundle)


def test_control_a_namespace_that_nobody_set_up(oci, bundle, empty_namespace):
    network(bundle, path=empty_namespace)
    fails_without_the_wall(has_a_loopback, oci, bundle)


def test_only_the_loopback(oci, bundle):
    names = [line.split(":")[0].strip() for line in shell(oci, bundle, "cat /proc/net/dev").splitlines()[2:]]
    assert names == ["lo"]


def test_devices_are_refused_by_name(oci, bundle):
    bundle.config["linux"]["netDevices"] = {"eth7": {}}
    refused(oci, bundle, "network", "linux.netDevices: moving host interface eth7 into a container is not supported")
