# SPDX-License-Identifier: Apache-2.0
"""What a run can leave behind: processes, mounts, cgroup directories, network interfaces, our own state directories.

snapshot() lists what is there, leaked() what is there beyond an earlier snapshot. Both look at the namespaces that
the caller is in; inside tests/sandbox those hold nothing but the tests, so that every difference is a leak of ours.
"""
import os
import time

CGROUP = "/sys/fs/cgroup"
STATE = ("/run/coffer", "/run/coffer-oci", "/var/lib/coffer")


def _processes():
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                stat = f.read()
            with open(f"/proc/{name}/cmdline") as f:
                line = f.read().replace("\0", " ").strip()
        except OSError:
            continue
        command, _, rest = stat.partition("(")[2].rpartition(")")
        state, start = rest.split()[0], rest.split()[19]
        if state in "ZX":
            line = "zombie"
        # The start time tells a reused number from the process that was there before.
        found[f"process {name} started {start}"] = f"{command}: {line}"
    return found


def _mounts():
    found = {}
    with open("/proc/self/mountinfo") as f:
        for line in f:
            fields = line.split()
            found[f"mount {fields[0]}"] = f"{fields[4]} ({fields[fields.index('-') + 1]})"
    return found


def _groups():
    found = {}
    for top, folders, _ in os.walk(CGROUP):
        for folder in folders:
            path = os.path.join(top, folder)
            found[f"cgroup {path}"] = ""
    return found


def _interfaces():
    return {f"interface {name}": "" for name in os.listdir("/sys/class/net")}


def _state():
    found = {}
    for top in STATE:
        try:
            for name in os.listdir(top):
                found[f"state {top}/{name}"] = ""
        except OSError:
            pass
    return found


def snapshot():
    return {**_processes(), **_mounts(), **_groups(), **_interfaces()}


def leaked(before, patience=1.0, ignore=()):
    """Lines for what is there now and was not there before. Waits up to patience seconds for it to go away."""
    end = time.monotonic() + patience
    while True:
        now = snapshot()
        lines = [f"{key} {now[key]}".strip() for key in now if key not in before]
        lines = [line for line in lines if not any(word in line for word in ignore)]
        if not lines or time.monotonic() > end:
            return lines
        time.sleep(0.02)
