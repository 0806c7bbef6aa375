# SPDX-License-Identifier: Apache-2.0
"""Bad input to coffer: one line that names the layer and the thing, exit 125, nothing left behind."""
import json
import os
import re
import subprocess

import box as boxes
import pytest


@pytest.fixture(scope="module")
def box(rootfs_template, tmp_path_factory):
    top = tmp_path_factory.mktemp("links")
    subprocess.run(["cp", "-a", f"{rootfs_template}/.", top], check=True)
    (top / "etc/out").symlink_to("/../../../../../../../tmp")
    (top / "loop").symlink_to("loop")
    box = boxes.make(top, tmp_path_factory.mktemp("store"))
    box("import", "-", "bare", input=subprocess.run(["tar", "-C", top, "-c", "."], capture_output=True).stdout,
        text=False, check=0)
    return box


@pytest.fixture(autouse=True)
def clean_store(box):
    before = box.contents()
    yield
    assert box.clear() == []
    assert box.contents() == before
    assert os.listdir("/run/coffer/ids") == [] if os.path.exists("/run/coffer/ids") else True


def refused(done, layer, *words, code=125):
    """The one line; words must be in it."""
    lines = done.stderr.splitlines()
    assert done.returncode == code and len(lines) == 1, f"status {done.returncode}\n{done.stderr}"
    assert lines[0].startswith(f"coffer: {layer}: "), lines[0]
    for word in words:
        assert word in lines[0], f"{word!r} is not in: {lines[0]}"
    assert len(lines[0]) < 400
    return lines[0]


FLAGS = [
    # option, value, layer, words of the message
    ("--memory", "12x", "cgroup", "size"),
    ("--memory", "99999999999999999999", "cgroup", "larger than any size"),
    ("--memory-swap", "1g", "cgroup", "needs --memory"),
    ("--memory-swappiness", "101", "cgroup", "between"),
    ("--memory-reservation", "-5", "cgroup", "size"),
    ("--cpus", "many", "cgroup", "CPUs"),
    ("--cpus", "100000", "cgroup", "CPUs of this host"),
    ("--cpus", "0.001", "cgroup", "0.01"),
    ("--cpu-shares", "x", "cgroup", "number"),
    ("--cpu-quota", "1.5", "cgroup", "number"),
    ("--cpu-period", "1000001", "cgroup", "between"),
    ("--cpuset-cpus", "0-", "cgroup", "list"),
    ("--cpuset-cpus", "4000", "cgroup", "4000"),
    ("--pids-limit", "-2", "cgroup", "between"),
    ("--blkio-weight", "5", "cgroup", "between 10 and 1000"),
    ("--blkio-weight-device", "/dev/null:100", "cgroup", "not a block device"),
    ("--device-read-bps", "/dev/nosuch:1mb", "cgroup", "/dev/nosuch", "No such file"),
    ("--device-read-bps", "/dev/null", "cgroup", "PATH:VALUE"),
    ("--device-write-iops", "/dev/null:1mb", "cgroup", "not a block device"),
    ("--cgroup-parent", "/a/../b", "cgroup", ".."),
    ("--ulimit", "nosuch=1", "limits", "nofile"),
    ("--ulimit", "nofile=5:3", "limits", "soft"),
    ("--ulimit", "nofile=x", "limits", "SOFT"),
    ("--oom-score-adj", "1001", "limits", "between"),
    ("--sysctl", "kernel.hostname", "limits", "NAME=VALUE"),
    ("--sysctl", "kernel.panic=1", "limits", "kernel.panic", "(--sysctl kernel.panic=1)"),
    ("--cap-add", "FLY", "capabilities", "no such capability"),
    ("--cap-drop", "CAP_NET_FLY", "capabilities", "no such capability"),
    ("--user", "nosuch", "capabilities", "no user nosuch"),
    ("--user", "0:nosuch", "capabilities", "no group nosuch"),
    ("--user", "-1", "capabilities", "no user"),
    ("--group-add", "nosuch", "capabilities", "no such group"),
    ("--volume", "/nosuch/source:/m", "rootfs", "/nosuch/source does not exist"),
    ("--volume", "named:/m", "storage", "no named"),
    ("--volume", "/data", "storage", "no named or anonymous"),
    ("--volume", "/etc:relative", "rootfs", "absolute"),
    ("--volume", "/etc:/", "rootfs", "container's /"),
    ("--volume", "/etc:/m:sideways", "rootfs", "unknown option sideways"),
    ("--volume", "/etc:/m:idmap", "idmap", "--userns"),
    ("--volume", "/etc:/m:ro,rw", "rootfs", "rw contradicts ro"),
    ("--volume", "/etc:/m:rslave,private", "rootfs", "private contradicts rslave"),
    ("--volume", "/a:/b:/c:/d", "rootfs", "SOURCE:DESTINATION"),
    ("--mount", "type=bind,target=/m", "rootfs", "no source"),
    ("--mount", "type=bind,source=/etc", "rootfs", "target="),
    ("--mount", "type=bind,source=/etc,target=/m,speed=9", "rootfs", "unknown key", "speed=9"),
    ("--mount", "type=volume,source=x,target=/m", "storage", "type=volume"),
    ("--mount", "source=x,target=/m", "storage", "type=volume"),
    ("--mount", "type=bind,source=/etc,target=/m,readonly=maybe", "rootfs", "true or false"),
    ("--mount", 'type=bind,"source=/etc', "rootfs", "quotation"),
    ("--mount", "type=tmpfs,target=/m,tmpfs-size=big", "rootfs", "size"),
    ("--mount", "type=tmpfs,target=/m,tmpfs-mode=999", "rootfs", "octal"),
    ("--mount", "type=tmpfs,target=/m,source=/etc", "rootfs", "type=bind"),
    ("--mount", "type=bind,source=/etc,target=/m,bind-propagation=loud", "rootfs", "loud"),
    ("--tmpfs", "relative", "rootfs", "absolute"),
    ("--tmpfs", "/t:sideways", "rootfs", "sideways"),
    ("--shm-size", "0", "rootfs", "size"),
    ("--device", "/dev/nosuch", "rootfs", "/dev/nosuch", "No such file"),
    ("--device", "/etc/passwd", "rootfs", "not a device"),
    ("--device", "/dev/null:/dev/x:rwx", "cgroup", "rwx"),
    ("--device", "vendor.com/class=name", "cgroup", "CDI"),
    ("--device-cgroup-rule", "c 1 rwm", "cgroup", "TYPE MAJOR:MINOR"),
    ("--workdir", "relative", "engine", "absolute"),
    ("--env", "=x", "engine", "NAME"),
    ("--env-file", "/nosuch", "engine", "No such file"),
    ("--label", "=x", "engine", "KEY"),
    ("--stop-signal", "SIGNOSUCH", "engine", "no such signal"),
    ("--stop-timeout", "soon", "engine", "seconds"),
    ("--name", "-bad-", "engine", "letters"),
    ("--attach", "stdother", "engine", "stdout"),
    ("--cidfile", "/nosuch/cid", "engine", "No such file"),
    ("--platform", "linux/vax", "image", "is for linux/"),
    ("--hostname", "h" * 65, "namespaces", "64"),
    ("--hostname", "a\n1.2.3.4 evil", "namespaces", "letters"),
    ("--hostname", "a b", "namespaces", "letters"),
    ("--hostname", "", "namespaces", "1 to 64"),
    ("--domainname", "a\tb", "namespaces", "letters"),
    ("--add-host", "a\n6.6.6.6 b:1.2.3.4", "network", "letters"),
    ("--add-host", "a b:1.2.3.4", "network", "letters"),
    ("--dns-search", "a\nnameserver 6.6.6.6", "network", "one word"),
    ("--dns-option", "a b", "network", "one word"),
    ("--pid", "container:nosuch", "namespaces", "no such container"),
    ("--pid", "sideways", "namespaces", "expected private, host"),
    ("--uts", "ns:/nosuch", "namespaces", "/nosuch"),
    ("--ipc", "ns:/etc/passwd", "namespaces", "/etc/passwd"),
    ("--cgroupns", "public", "namespaces", "private, host"),
    ("--network", "bridge", "network", "none"),
    ("--network", "mynet", "network", "no networks"),
    ("--userns", "keep-id", "idmap", "auto"),
    ("--uidmap", "0:1", "idmap", "CONTAINER:HOST:SIZE"),
    ("--uidmap", "0:4294967290:100", "idmap", "below"),
    ("--add-host", "name:notanaddress", "network", "not an IP address"),
    ("--add-host", "gateway:host-gateway", "network", "host-gateway"),
    ("--dns", "example.org", "network", "not an IP address"),
    ("--security-opt", "nosuch=1", "config", "expected seccomp="),
    ("--security-opt", "seccomp", "config", "value after ="),
    ("--security-opt", "seccomp=/nosuch", "seccomp", "/nosuch", "No such file"),
    ("--security-opt", "no-new-privileges=maybe", "capabilities", "true or false"),
    ("--security-opt", "landlock=maybe", "mac", "on, off or auto"),
    ("--security-opt", "compat32=maybe", "seccomp", "yes, no or auto"),
    ("--security-opt", "systempaths=hidden", "rootfs", "unconfined"),
    ("--security-opt", "mask=relative", "rootfs", "absolute"),
    ("--security-opt", "label=sideways", "mac", "label=disable"),
    ("--security-opt", "apparmor=nosuch", "mac", "AppArmor", "(--security-opt apparmor nosuch)"),
    ("--profile", "nosuch", "config", "profile nosuch"),
    ("--profile", "/nosuch.profile", "config", "/nosuch.profile"),
    ("--annotation", "novalue", "config", "KEY=VALUE"),
    ("--annotation", "org.cofferdam.init=true", "config", "coffer's own options"),
]


@pytest.mark.parametrize("option, value, layer, words", [(o, v, la, w) for o, v, la, *w in FLAGS],
                         ids=[f"{o[2:]}-{v[:24]}" for o, v, *_ in FLAGS])
def test_bad_value(box, option, value, layer, words):
    line = refused(box("run", "--rm", f"{option}={value}", "box", "true"), layer, *words)
    # A value that the kernel refuses later is named by what it was to be set for.
    assert option.lstrip("-") in line or value.removeprefix("ns:").partition(":")[0] in line


REFUSED = {
    "--detach": "foreground", "-d": "foreground", "--publish=80:80": "network", "-p=80": "network", "-P": "network",
    "--expose=80": "network", "--link=x": "network", "--ip=10.0.0.1": "network", "--ip6=::1": "network",
    "--mac-address=02::1": "network", "--network-alias=x": "network", "--link-local-ip=x": "network",
    "--restart=always": "background", "--health-cmd=true": "health", "--health-interval=1s": "health",
    "--health-retries=1": "health", "--health-start-interval=1s": "health", "--health-start-period=1s": "health",
    "--health-timeout=1s": "health", "--log-driver=syslog": "logs", "--log-opt=a=b": "logs", "--volumes-from=x": "volumes",
    "--volume-driver=x": "volumes", "--storage-opt=size=1g": "size", "--gpus=all": "CDI", "--kernel-memory=1g": "--memory",
    "--pull=always": "coffer load", "--isolation=process": "Linux", "--detach-keys=ctrl-a": "background",
    "--sig-proxy=false": "signals", "--cpu-count=1": "Windows", "--cpu-percent=1": "Windows",
    "--io-maxbandwidth=1": "Windows", "--io-maxiops=1": "Windows", "--runtime=runc": "runtime",
    "--disable-content-trust": "pulls nothing", "--use-api-socket": "no daemon",
}


def test_an_ordinary_user_is_told_at_once(user_coffer, user_dir):
    line = refused(user_coffer("run", "--rm", "box", "true"), "engine", "run needs root", "coffer-oci")
    assert line == refused(user_coffer("hello"), "engine")
    assert not list(user_dir.rglob("images"))


def test_program_that_is_a_link_to_itself(box):
    refused(box("run", "--rm", "box", "/loop"), "start", "/loop", code=126)


@pytest.mark.parametrize("option", REFUSED)
def test_refused_by_name(box, option):
    done = box("run", "--rm", option, "box", "true")
    line = refused(done, done.stderr.split(": ")[1], REFUSED[option])
    name = {"-d": "--detach", "-p": "--publish", "-P": "--publish-all"}.get(option.split("=")[0], option.split("=")[0])
    assert f"{name}:" in line or f"{name} " in line or f"{name}=" in line


@pytest.mark.parametrize("option", ["--restart=no", "--pull=never", "--isolation=default", "--log-driver=none",
                                    "--no-healthcheck", "--sig-proxy", "--detach=false", "--quiet", "-q"])
def test_what_is_so_anyway_is_accepted(box, option):
    box("run", "--rm", option, "box", "true", check=0)


# docker run --help of Docker 29, long names. Each is honoured, or refused by its own name.
DOCKER_RUN = """add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns
cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems
detach detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops
disable-content-trust dns dns-opt dns-option dns-search domainname entrypoint env env-file expose gpus group-add
health-cmd health-interval health-retries health-start-interval health-start-period health-timeout help hostname init
interactive io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver
log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name net net-alias network
network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform privileged publish publish-all pull
quiet read-only restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty
ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir""".split()


def test_every_option_of_docker_run_is_known(box):
    unknown = [name for name in DOCKER_RUN
               if "unknown option" in box("run", f"--{name}", "--nosuch-option").stderr.replace("--nosuch-option", "")
               and f"--{name}" in box("run", f"--{name}", "--nosuch-option").stderr]
    assert unknown == []


@pytest.mark.parametrize("arguments, layer, words", [
    (["run", "--memroy=1g", "box"], "cli", ["--memroy", "did you mean --memory"]),
    (["run", "-Z", "box"], "cli", ["-Z"]),
    (["rum", "box"], "cli", ["rum", "did you mean run"]),
    (["--nosuch", "run", "box"], "cli", ["--nosuch"]),
    (["run"], "cli", ["usage"]),
    (["run", "--memory"], "cgroup", ["--memory", "missing"]),
    (["run", "--rm=perhaps", "box"], "engine", ["true or false"]),
    (["run", "--rm", "nosuch-image"], "image", ["nosuch-image"]),
    (["run", "--rm", "UPPER/case"], "image", ["UPPER/case"]),
    (["run", "--rm", "--userns", "auto", "--uidmap", "0:1:1", "box"], "idmap", ["contradicts"]),
    (["run", "--rm", "--uts", "host", "-h", "x", "box"], "namespaces", ["contradicts"]),
    (["run", "--rm", "--network", "host", "--sysctl", "net.ipv4.ip_forward=1", "box", "true"], "namespaces",
     ["network namespace"]),
    (["run", "--rm", "-m", "64m", "--memory-swap", "32m", "box", "true"], "cgroup", ["--memory-swap 32m"]),
    (["run", "--rm", "--cpus", "1", "--cpu-quota", "5000", "box", "true"], "cgroup", ["--cpu-quota"]),
    (["run", "--rm", "-v", "/etc:/m", "--tmpfs", "/m/../m", "box", "true"], "rootfs", ["mounted twice"]),
    (["run", "--rm", "-it", "box", "true"], "engine", ["--tty", "terminal"]),
    (["run", "--rm", "--entrypoint=", "bare"], "engine", ["no program"]),
    (["run", "--rm", "bare"], "engine", ["no program"]),
    (["explain", "nosuch"], "insight", ["nosuch"]),
    (["explain", "999999999"], "insight", ["999999999"]),
    (["profile", "show", "nosuch"], "config", ["nosuch"]),
    (["load", "--input", "/nosuch"], "image", ["/nosuch"]),
    (["import", "/nosuch", "x"], "image", ["/nosuch"]),
    (["import", "--change", "EXPLODE now", "/dev/null", "x"], "image", ["EXPLODE"]),
    (["ps", "--format", "xml"], "cli", ["json"]),
    (["kill", "-s", "NOSUCH", "x"], "cli", ["no such signal"]),
])
def test_bad_command(box, arguments, layer, words):
    refused(box(*arguments), layer, *words)


@pytest.mark.parametrize("command", ["kill", "rm", "stop"])
def test_no_such_container(box, command):
    refused(box(command, "nosuch"), "engine", "no such container", code=1)


def test_no_such_image_to_remove(box):
    refused(box("rmi", "nosuch"), "image", "nosuch", code=1)


def test_broken_archive(box):
    refused(box("load", input="this is no archive"), "image")


@pytest.mark.parametrize("command, code", [("nosuch", 127), ("/nosuch", 127), ("/etc/passwd", 126)])
def test_program_that_cannot_run(box, command, code):
    refused(box("run", "box", command), "start", command, code=code)


def test_script_without_an_interpreter(box, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/nosuch/interpreter\n")
    script.chmod(0o755)
    refused(box("run", "--rm", "-v", f"{script}:/script", "box", "/script"), "start", "/script", code=127)


def test_container_name_that_is_taken(box):
    process = box.start(["--rm", "--name", "taken"])
    refused(box("run", "--rm", "--name", "taken", "box", "true"), "engine", "taken", "another container")
    box("kill", "taken", check=0)
    process.wait(20)


def test_cidfile_that_exists_is_kept(box, tmp_path):
    (tmp_path / "cid").write_text("mine")
    refused(box("run", "--rm", "--cidfile", tmp_path / "cid", "box", "true"), "engine", "--cidfile", "File exists")
    assert (tmp_path / "cid").read_text() == "mine"


def test_cidfile_goes_with_a_failed_run(box, tmp_path):
    box("run", "--cidfile", tmp_path / "cid", "box", "nosuch", check=127)
    assert not (tmp_path / "cid").exists()


def seccomp_file(tmp_path, document):
    path = tmp_path / "seccomp.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return f"seccomp={path}"


@pytest.mark.parametrize("document, words", [
    ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["frobnicate"], "action": "SCMP_ACT_ERRNO"}]},
     ["frobnicate"]),
    ({"defaultAction": "SCMP_ACT_MAYBE"}, ["SCMP_ACT_MAYBE"]),
    ("{", []),
    ("[]", []),
])
def test_bad_seccomp_profile(box, tmp_path, document, words):
    done = box("run", "--rm", "--security-opt", seccomp_file(tmp_path, document), "box", "true")
    refused(done, "seccomp", *words)


def test_mount_point_through_a_link_stays_inside(box, tmp_path):
    marks = [name for name in os.listdir("/tmp") if name == "escape"]
    out = box.sh(["--tmpfs", "/etc/out/escape"], "grep escape /proc/mounts | cut -d' ' -f2")
    assert out == "/tmp/escape" and [name for name in os.listdir("/tmp") if name == "escape"] == marks


def test_mount_point_that_is_a_link_to_itself(box):
    refused(box("run", "--rm", "--tmpfs", "/loop/x", "box", "true"), "rootfs", "/loop/x")


def test_working_directory_through_a_link_stays_inside(box):
    assert box.sh(["-w", "/etc/out"], "pwd -P") == "/tmp"


def test_accounts_through_links_stay_inside(box, rootfs_template, tmp_path):
    """An image whose /etc/passwd is a link to the host's file gets no user from there."""
    top = tmp_path / "evil"
    subprocess.run(["cp", "-a", f"{rootfs_template}/.", top], check=True)
    secret = tmp_path / "host-passwd"
    secret.write_text("hostuser:x:4321:4321::/:/bin/sh\n")
    (top / "etc/passwd").unlink()
    (top / "etc/passwd").symlink_to("../" * 20 + str(secret).lstrip("/"))
    tar = subprocess.run(["tar", "-C", top, "-c", "."], capture_output=True, check=True).stdout
    box("import", "-", "evil", input=tar, text=False, check=0)
    refused(box("run", "--rm", "-u", "hostuser", "evil", "true"), "capabilities", "hostuser")
    box("rmi", "evil", check=0)


# --- profiles ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, words", [
    ("capabilitys = CHOWN", [":1:", "did you mean capabilities"]),
    ("\n# x\ncapabilities = FLY", [":3:", "FLY"]),
    ("no_new_privs = maybe", ["yes or no"]),
    ("no_new_privs += yes", ["one value"]),
    ("include = nosuch", [":1", "nosuch"]),
    ("include = docker\ncapabilities -= SYS_ADMIN", [":2:", "CAP_SYS_ADMIN"]),
    ("just words", ["key = value"]),
    ("pids_limit =", ["no value"]),
    ("mounts += relative tmpfs tmpfs", ["DESTINATION"]),
    ("include = default\ndevices += allow everything", ["TYPE MAJOR:MINOR"]),
    ("include = default\nrlimits += nofile=many", ["NAME=SOFT"]),
])
def test_bad_profile(box, tmp_path, text, words):
    path = tmp_path / "my.profile"
    path.write_text(text + "\n")
    refused(box("run", "--rm", "--profile", path, "box", "true"), "config", "my.profile", *words)


def test_profiles_that_include_each_other(box, tmp_path):
    (tmp_path / "a.profile").write_text(f"include = {tmp_path}/b.profile\n")
    (tmp_path / "b.profile").write_text(f"include = {tmp_path}/a.profile\n")
    refused(box("run", "--rm", "--profile", tmp_path / "a.profile", "box", "true"), "config", "nested too deeply")


@pytest.mark.parametrize("flags, layer", [
    ([], "capabilities"), (["-u", "0"], "capabilities"), (["-u", "1000", "--cap-add", "SYS_ADMIN"], "capabilities"),
    (["-u", "1000", "--cap-add", "ALL"], "capabilities"), (["-u", "1000", "--privileged"], "capabilities"),
    (["-u", "1000", "--security-opt", "seccomp=unconfined"], "seccomp"),
    (["-u", "1000", "--security-opt", "no-new-privileges=false"], "capabilities"),
    (["-u", "1000", "--security-opt", "systempaths=unconfined"], "rootfs"),
    (["-u", "1000", "--security-opt", "unmask=ALL"], "rootfs"),
    (["-u", "1000", "--security-opt", "landlock=off"], "mac"),
    (["-u", "1000", "--pid", "host"], "namespaces"), (["-u", "1000", "--network", "host"], "namespaces"),
    (["-u", "1000", "--device", "/dev/null"], "cgroup"), (["-u", "1000", "-v", "/:/m"], "rootfs"),
    (["-u", "1000", "--uidmap", "1000:0:1"], "idmap"), (["-u", "1000", "--read-only=false"], "rootfs"),
    (["-u", "1000", "--pid", "ns:/proc/1/ns/pid"], "namespaces"), (["-u", "1000", "--ulimit", "core=-1"], "limits"),
    (["-u", "1000", "--sysctl", "net.ipv4.ip_forward=1"], "limits"),
    (["-u", "1000", "--security-opt", "compat32=yes"], "seccomp"),
])
def test_restricted_cannot_be_loosened(box, flags, layer):
    line = refused(box("run", "--rm", "--profile", "restricted", *flags, "box", "true"), layer, "restricted")
    assert re.search(r"line \d+", line)
