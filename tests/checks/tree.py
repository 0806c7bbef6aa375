# SPDX-License-Identifier: Apache-2.0
"""What the checks of the source tree share: its files, and C source without comments and strings."""
import os
import re
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("COFFER_BUILD", SOURCE / "build"))


MADE = re.compile(r"build|\.git$|\.cache$")


def files(top=SOURCE):
    """Every file of the tree that is tracked or would be: paths relative to top, as strings."""
    try:
        listed = subprocess.run(["git", "-C", str(top), "-c", f"safe.directory={top}", "ls-files", "-co",
                                 "--exclude-standard", "-z"], capture_output=True, text=True, check=True)
        names = listed.stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # no git here, or an unpacked archive: what a build makes is left out
        names = [str(p.relative_to(top)) for p in top.rglob("*")
                 if not MADE.match(p.relative_to(top).parts[0]) and "__pycache__" not in p.parts]
    return sorted(n for n in set(names) if n and (top / n).is_file())


def c_files(top=SOURCE, below=("src/", "bench/", "tests/")):
    return [n for n in files(top) if n.endswith((".c", ".h")) and n.startswith(below)]


_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_of(text):
    """C source with comments blank and strings empty; line numbers stay."""
    def blank(match):
        token = match[0]
        if token[0] in "\"'":
            return token[0] * 2
        return "\n" * token.count("\n") or " "
    return _TOKEN.sub(blank, text)


def write(top, name, text):
    """A file of a made-up tree for a negative control."""
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
