# SPDX-License-Identifier: Apache-2.0
"""The manual pages name exactly what the programs take."""
import re
import subprocess
from pathlib import Path

import box as boxes
import pytest

MAN = Path(__file__).resolve().parents[2] / "man"


def help_of(*command):
    return subprocess.run([boxes.BUILD / "coffer", *command, "--help"], capture_output=True, text=True, check=True,
                          env={"COLUMNS": "100"}).stdout


def options(text):
    return set(re.findall(r"(?<![\w-])--([a-z0-9][a-z0-9-]*)", text))


def manual(name):
    return (MAN / name).read_text().replace("\\-", "-").replace("\\fR", " ").replace("\\fB", "").replace("\\fI", "")


def test_run():
    page = manual("coffer-run.1")
    described = page.partition(".SH OPTIONS")[2].partition(".SH EXIT")[0]
    assert options(described) == options(help_of("run"))


def test_explain():
    assert options(manual("coffer-explain.1").partition(".SH OPTIONS")[2]) == options(help_of("explain"))


def test_commands_and_global_options():
    page, overview = manual("coffer.1"), help_of()
    commands = re.findall(r"^  (\w+) ", overview.partition("Commands:")[2].partition("Options:")[0], re.M)
    described = re.findall(r"^\.TP\n\.B (\w+)$", page.partition(".SH COMMANDS")[2].partition(".SH OPTIONS")[0], re.M)
    assert described == commands
    assert options(page.partition(".SH OPTIONS")[2].partition(".SH EXIT")[0]) == options(
        overview.partition("\nOptions:")[2]) - {"help"}


def test_oci_commands_and_global_options():
    page = manual("coffer-oci.1")
    overview = subprocess.run([boxes.BUILD / "coffer-oci", "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  (\w+) ", overview.partition("commands:")[2].partition("options:")[0], re.M)
    described = re.findall(r"^\.TP\n(\w+)", page.partition(".SH COMMANDS")[2].partition(".SH OPTIONS")[0], re.M)
    assert sorted(described) == sorted(commands)
    assert options(page.partition(".SH OPTIONS")[2].partition(".SH EXIT")[0]) == options(
        overview.partition("options:")[2])


def test_keys_of_profiles(tmp_path):
    keys = re.findall(r"^\.TP\n\.B (\w+)$", manual("coffer.profile.5").partition(".SH KEYS")[2], re.M)
    assert len(keys) > 20
    for key in keys:  # each is known: the complaint is about the value
        (tmp_path / "p.profile").write_text(f"{key} = ,,,\nnosuchkey = 1\n")
        done = subprocess.run([boxes.BUILD / "coffer", "--root", tmp_path / "store", "profile", "show",
                               tmp_path / "p.profile"], capture_output=True, text=True)
        assert f"unknown key {key}" not in done.stderr and done.returncode != 0
    source = (MAN.parent / "src/engine/profile_keys.c").read_text()
    assert keys == re.findall(r'^    \{"(\w+)", PROFILE_', source, re.M)


@pytest.mark.parametrize("page", sorted(p.name for p in MAN.glob("coffer*")))
def test_pages_are_well_formed(page):
    text = (MAN / page).read_text()
    assert re.search(r"^\.TH ", text, re.M) and all(len(line) <= 200 for line in text.splitlines())
    assert not re.search(r"(?<!\\)--", re.sub(r"^\.\\\".*$", "", text, flags=re.M))
