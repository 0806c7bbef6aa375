# SPDX-License-Identifier: Apache-2.0
"""The table of messages in docs/process-model.md is the one in src/start/protocol.c, and its diagram knows no other."""
import re

import tree

CODE, DOCUMENT = "src/start/protocol.c", "docs/process-model.md"
ENTRY = re.compile(r"\[MSG_(\w+)\] = \{(.*?)\}", re.DOTALL)


def names(text):
    return tuple(sorted(re.findall(r"BIT\(MSG_(\w+)\)", text)))


def field(body, name):
    match = re.search(rf"\.{name} = ([^,}}]+)", body)
    return match[1].strip() if match else ""


def code_table(text):
    """{message: (from, to, after, not after, once, carries)}"""
    table = {}
    for message, body in ENTRY.findall(text.split("message_rules[MSG_COUNT] = {", 1)[1]):
        parties = [party.lower() for party in re.findall(r"PARTY_(\w+)", body)]
        carries = "descriptor" if field(body, "carries_fd") == "true" else \
            "error" if field(body, "carries_err") == "true" else ""
        table[message] = (parties[0], parties[1], names(field(body, "after")), names(field(body, "not_after")),
                          "once" if field(body, "once") == "true" else "many", carries)
    return table


def document_table(text):
    table = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 7 or not cells[0].isupper():
            continue
        after, not_after = (tuple(sorted(filter(None, re.split(r"[,\s]+", cell)))) for cell in cells[3:5])
        table[cells[0]] = (cells[1], cells[2], after, not_after, cells[5], cells[6])
    return table


def diagram_messages(text):
    """Words in capitals between dashes of an arrow in the diagram."""
    block = text[text.index("```"):text.index("```", text.index("```") + 3)]
    return {word for line in block.splitlines() for word in re.findall(r"─ ([A-Z]+)\*? ─", line)}


def test_table_and_code_agree():
    code = code_table((tree.SOURCE / CODE).read_text())
    document = document_table((tree.SOURCE / DOCUMENT).read_text())
    assert len(code) >= 5
    assert document == code


def test_diagram_shows_messages_of_the_table_only():
    shown = diagram_messages((tree.SOURCE / DOCUMENT).read_text())
    known = set(code_table((tree.SOURCE / CODE).read_text()))
    assert len(shown) >= 4
    assert shown <= known


def test_control_a_changed_table_is_found():
    code = (tree.SOURCE / CODE).read_text()
    document = document_table((tree.SOURCE / DOCUMENT).read_text())
    changed = code.replace("[MSG_GO] = {\"GO\", PARTY_PARENT", "[MSG_GO] = {\"GO\", PARTY_STONE", 1)
    assert changed != code
    assert code_table(changed) != document
    once = re.sub(r"(\[MSG_MAPPED\].*?)\.once = true", r"\1.once = false", code, count=1, flags=re.DOTALL)
    assert once != code
    assert code_table(once) != document
