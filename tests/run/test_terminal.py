# SPDX-License-Identifier: Apache-2.0
"""coffer run -it, driven from a pseudo-terminal as a person's terminal would."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import box as boxes
import pytest


@pytest.fixture(scope="module")
def box(rootfs_template, tmp_path_factory):
    return boxes.make(rootfs_template, tmp_path_factory.mktemp("store"))


@pytest.fixture(autouse=True)
def clean_store(box):
    before = box.contents()
    yield
    assert box.clear() == []
    assert box.contents() == before


class Terminal:
    """Our end of a terminal in which `coffer run` runs."""

    def __init__(self, box, flags, *command, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.resize(rows, columns, tell=False)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.output = b""

        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(box.argv("run", "--rm", *flags, "box", *command), stdin=slave, stdout=slave,
                                        stderr=slave, preexec_fn=own_terminal)

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            try:
                self.output += os.read(self.master, 65536)
            except OSError:
                pass
        return bool(ready)

    def expect(self, pattern, seconds=20):
        """Read until the output so far holds the pattern; what came up to its end is taken away."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.output, re.S)):
            assert time.monotonic() < end, f"no {pattern!r} in {self.output[-2000:]!r}"
            self.read()
        self.output = self.output[found.end():]
        return found

    def send(self, data):
        """Write all of it, reading meanwhile, as a terminal does."""
        view = memoryview(data)
        while view:
            _, writable, _ = select.select([], [self.master], [], 0.01)
            if writable:
                view = view[os.write(self.master, view[:1024]):]
            self.read(0)

    def wait(self, seconds=20):
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running: {self.output[-2000:]!r}"
            self.read()
        while self.read(0):
            pass
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def terminal(box):
    made = []

    def make(flags, *command, **size):
        made.append(Terminal(box, flags, *command, **size))
        return made[-1]
    yield make
    for each in made:
        each.close()


def test_shell_on_a_terminal(terminal):
    t = terminal(["-it"], "sh")
    t.expect(rb"# ")
    t.send(b"tty; test -t 0 && test -t 1 && test -t 2 && echo all\r")
    t.expect(rb"/dev/pts/0|/dev/console")
    t.expect(rb"\nall\r\n")
    t.send(b"exit 6\r")
    assert t.wait() == 6


def test_window_size_from_the_start_and_when_it_changes(terminal):
    t = terminal(["-it"], "sh", "-c", "stty size; trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done",
                 rows=31, columns=97)
    t.expect(rb"31 97\r\nready")
    t.resize(12, 45)
    t.expect(rb"12 45")
    assert t.wait() == 0


def test_terminal_is_given_back_as_it_was(terminal):
    t = terminal(["-it"], "sh", "-c", "echo ready; read x")
    t.expect(rb"ready")
    raw = termios.tcgetattr(t.slave)
    assert not raw[3] & termios.ICANON and not raw[3] & termios.ECHO
    t.send(b"\r")
    assert t.wait() == 0
    assert termios.tcgetattr(t.slave) == t.before


def test_terminal_is_given_back_after_an_error(terminal):
    t = terminal(["-it"], "nosuch")
    assert t.wait() == 127
    assert termios.tcgetattr(t.slave) == t.before
    assert b"coffer: start: nosuch" in t.output


def test_control_c_goes_to_the_program(terminal):
    t = terminal(["-it"], "sh", "-c", "trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 0.05; done")
    t.expect(rb"ready")
    t.send(b"\x03")
    t.expect(rb"interrupted")
    assert t.wait() == 9


def test_control_d_ends_input(terminal):
    t = terminal(["-it"], "cat")
    t.send(b"line\r")
    t.expect(rb"line\r\nline\r\n")
    t.send(b"\x04")
    assert t.wait() == 0


def test_paste_of_a_mebibyte(terminal):
    # Raw inside: the program sees every byte. It reads slowly at first, so that every buffer on the way fills.
    t = terminal(["-it"], "sh", "-c", "stty raw -echo; echo ready; sleep 0.3; head -c 1048576 | md5sum")
    t.expect(rb"ready")
    time.sleep(0.05)
    data = bytes(range(1, 256)) * 4112 + b"x" * 16
    import hashlib
    t.send(data[:1048576])
    assert len(data) >= 1048576
    digest = t.expect(rb"([0-9a-f]{32})")[1].decode()
    assert digest == hashlib.md5(data[:1048576]).hexdigest()
    assert t.wait() == 0


def test_binary_output_byte_for_byte(terminal):
    t = terminal(["-it"], "sh", "-c", "stty raw; echo begin; dd if=/dev/urandom of=/tmp/x bs=64k count=16 2>/dev/null; "
                 "cat /tmp/x; echo end; md5sum < /tmp/x")
    assert t.wait() == 0
    import hashlib
    body = re.search(rb"begin\n(.*)end\n([0-9a-f]{32})", t.output, re.S)
    assert body and hashlib.md5(body[1]).hexdigest() == body[2].decode() and len(body[1]) == 1 << 20


def test_output_without_input(box, terminal):
    t = terminal(["-t", "--name", "deaf"], "sh", "-c", "test -t 1 && echo terminal; cat; echo end")
    t.expect(rb"terminal")
    t.send(b"not for the program\r")
    time.sleep(0.2)
    box("kill", "deaf", check=0)
    assert t.wait() == 128 + signal.SIGKILL
    assert b"end" not in t.output and t.output.count(b"not for the program") <= 1


def test_last_output_is_not_lost(terminal):
    for _ in range(5):
        t = terminal(["-it"], "sh", "-c", "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; echo the end")
        assert t.wait() == 0
        assert t.output.endswith(b"the end\r\n") and t.output.count(b"line ") == 300


def test_detached_child_does_not_hold_the_end(terminal):
    """A background process keeps the terminal open until PID 1 ends; the end of PID 1 is the end."""
    t = terminal(["-it"], "sh", "-c", "(trap '' HUP; sleep 30) & echo done")
    assert t.wait(10) == 0
    assert b"done" in t.output


def test_term_and_environment(terminal):
    t = terminal(["-it"], "sh", "-c", "echo [$TERM]")
    t.expect(rb"\[xterm\]")
    assert t.wait() == 0


def test_full_screen_program(terminal):
    t = terminal(["-it"], "vi", "/tmp/file", rows=10, columns=40)
    t.expect(rb"~")
    t.send(b"ihello")
    t.expect(rb"hello")
    t.send(b"\x1b")
    time.sleep(0.5)  # a lone escape and the beginning of a key's sequence differ by time only
    t.send(b":wq\r")
    assert t.wait() == 0
