"""Edits of a block's text: what is written where, and that nothing else moves."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iacgate.sources.hcl.edit import EditError, Place, Site, edit_block
from iacgate.sources.hcl.parse import parse_hcl

ON = Site((), "on", True)
CASES = {
    "a value": ("{\n  on = false\n}", ON, "{\n  on = true\n}"),
    "a text": ('{\n  on = "false"\n}', ON, "{\n  on = true\n}"),
    "in brackets": ("{\n  on = (false)\n}", ON, "{\n  on = true\n}"),
    "a heredoc": ("{\n  on = <<-EOT\n    x\n  EOT\n  z  = 1\n}", ON, "{\n  on = true\n  z  = 1\n}"),
    "a comment behind": ("{\n  on = false # no\n}", ON, "{\n  on = true # no\n}"),
    "comments in a column": (
        "{\n  on = false # no\n  of = true  // yes\n}", ON, "{\n  on = true # no\n  of = true // yes\n}"
    ),
    "a layout of its own": ("{\n  on=false     # no\n  other   = 1\n}", ON, "{\n  on=true     # no\n  other   = 1\n}"),
    "one line": ("{ on = false }", ON, "{ on = true }"),
    "one line with another": ("{ a = 1 }", ON, "{\n  a  = 1\n  on = true\n}"),
    "nothing": ("{}", ON, "{\n  on = true\n}"),
    "nothing on two lines": ("{\n}", ON, "{\n  on = true\n}"),
    "a comment alone": ("{ # open\n  # todo\n}", ON, "{ # open\n  on = true\n\n  # todo\n}"),
    "a longer name": (
        "{\n  a = 1 # x\n  b = 2 # y\n}", Site((), "name", "n"),
        '{\n  a    = 1 # x\n  b    = 2 # y\n  name = "n"\n}',
    ),
    "names in disorder": ("{\n  a   = 1\n  b = 2\n}", ON, "{\n  a   = 1\n  b = 2\n  on = true\n}"),
    "before the blocks": ("{\n  a = 1\n\n  b {\n  }\n}", ON, "{\n  a  = 1\n  on = true\n\n  b {\n  }\n}"),
    "blocks only": ("{\n  b {\n  }\n}", ON, "{\n  on = true\n\n  b {\n  }\n}"),
    "before what it depends on": (
        "{\n  a = 1\n\n  depends_on = [x.y]\n}", ON, "{\n  a  = 1\n  on = true\n\n  depends_on = [x.y]\n}",
    ),
    "after a map": ("{\n  a = {\n    b = 1\n  }\n}", ON, "{\n  a = {\n    b = 1\n  }\n  on = true\n}"),
    "after a heredoc": ("{\n  a = <<EOT\n  on = 1\nEOT\n}", ON, "{\n  a  = <<EOT\n  on = 1\nEOT\n  on = true\n}"),
    "tabs": ("{\n\ta = 1\n}", ON, "{\n\ta  = 1\n\ton = true\n}"),
    "line ends of Windows": (
        "{\r\n  a   = 1\r\n  bcd = 2\r\n}", ON, "{\r\n  a   = 1\r\n  bcd = 2\r\n  on  = true\r\n}"
    ),
    "other scripts": ('{\n  ä = "日本 # {" # ü\n}', ON, '{\n  ä  = "日本 # {" # ü\n  on = true\n}'),
    "a block that is there": (
        "{\n  m {\n    a = 1\n  }\n}", Site((Place("m", 0),), "on", True),
        "{\n  m {\n    a  = 1\n    on = true\n  }\n}",
    ),
    "the second of two": (
        "{\n  m { on = false }\n  m { on = false }\n}", Site((Place("m", 1),), "on", True),
        "{\n  m { on = false }\n  m { on = true }\n}",
    ),
    "a block on one line": (
        "{\n  m { a = 1 }\n}", Site((Place("m", 0),), "on", True), "{\n  m {\n    a  = 1\n    on = true\n  }\n}",
    ),
    "a block that is not there": (
        "{\n  a = 1\n}", Site((Place("m", None),), "on", True), "{\n  a = 1\n\n  m {\n    on = true\n  }\n}",
    ),
    "blocks in blocks": (
        "{}", Site((Place("m", None), Place("n", None)), "on", True),
        "{\n  m {\n    n {\n      on = true\n    }\n  }\n}",
    ),
    "an element": ('{\n  l = ["a"]\n}', Site((), "l", "b", True), '{\n  l = ["a", "b"]\n}'),
    "the first element": ("{\n  l = []\n}", Site((), "l", "b", True), '{\n  l = ["b"]\n}'),
    "a list that is not there": ("{\n}", Site((), "l", "b", True), '{\n  l = ["b"]\n}'),
    "an element of lines": (
        '{\n  l = [\n    "a",\n  ]\n}', Site((), "l", "b", True), '{\n  l = [\n    "a",\n    "b",\n  ]\n}',
    ),
    "a text to be escaped": ("{\n}", Site((), "t", 'a"${b}%{c}'), '{\n  t = "a\\"$${b}%%{c}"\n}'),
}  # fmt: skip
UNFORMATTED = {"a layout of its own", "names in disorder", "tabs", "line ends of Windows"}
TERRAFORM = shutil.which("terraform")
HEAD = 'resource "x" "y" '


@pytest.mark.parametrize("name", CASES)
def test_an_edit_is_what_a_careful_author_would_write(name: str) -> None:
    text, site, wanted = CASES[name]
    edited = edit_block(HEAD + text, [site])
    assert edited == HEAD + wanted
    assert edit_block(edited, [site._replace(add=False)] if not site.add else []) == edited
    assert not parse_hcl(edited).problems


@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_terraform_fmt_has_nothing_to_add(tmp_path: Path) -> None:
    for number, name in enumerate(sorted(CASES.keys() - UNFORMATTED)):
        text, site, _ = CASES[name]
        (tmp_path / f"{number}.tf").write_text(edit_block(HEAD + text, [site]) + "\n", newline="")
    done = subprocess.run([TERRAFORM or "", "fmt", "-check", "-diff", tmp_path], capture_output=True, timeout=60)
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("{\n  l = [ # why\n    1,\n  ]\n}", Site((), "l", 2, True)),
        ("{\n  l = 1\n}", Site((), "l", 2, True)),
        ("{\n  a {\n  }\n}", Site((Place("a", 1),), "b", 2)),
        ("{", ON),
        ("{\n}\nresource {\n}", ON),
    ],
)
def test_what_cannot_be_edited_for_certain_is_refused(text: str, site: Site) -> None:
    with pytest.raises(EditError):
        edit_block(HEAD + text, [site])


_NAMES = st.sampled_from(["a", "bcd", "long_name", "x1"])
_VALUES = st.sampled_from(["1", '"t"', "[1, 2]", "{ q = 1 }", "{\n    q = 1\n  }", "<<E\n on = false\nE", "var.a[0]"])
_COMMENTS = st.sampled_from(["", " # c", "  // on = 1", " /* ä */"])
_GAPS = st.sampled_from(["", "\n", "  # on = false\n", "  b {\n    on = false\n  }\n"])


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(_NAMES, _VALUES, _COMMENTS, _GAPS), max_size=4, unique_by=lambda row: row[0]),
    there=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_nothing_but_the_attribute_and_its_layout_changes(
    rows: list[tuple[str, str, str, str]], there: bool, newline: str
) -> None:
    lines = [
        f"  {name} = {value}{'' if value.startswith('<<') else comment}\n{gap}" for name, value, comment, gap in rows
    ]
    if there:
        lines.insert(len(lines) // 2, "  on = false # ü\n")
    text = f"{HEAD}{{\n{''.join(lines)}}}".replace("\n", newline)
    before, after = parse_hcl(text), parse_hcl(edit_block(text, [ON]))
    assert not after.problems
    old, new = before.body.blocks[0].body, after.body.blocks[0].body
    assert {one.name: one.expression for one in new.attributes} == {
        **{one.name: one.expression for one in old.attributes},
        "on": ["value", True],
    }
    assert [one.type for one in new.blocks] == [one.type for one in old.blocks]
    was, now = shown(text), shown(edit_block(text, [ON]))
    if there:
        assert now == ["on = true # ü" if line == "on = false # ü" else line for line in was]
    else:
        now.remove("on = true")
        assert now == was
    assert edit_block(edit_block(text, [ON]), [ON]) == edit_block(text, [ON])
    assert ("\r\n" in edit_block(text, [ON])) == (newline == "\r\n" and "\n" in text)


def shown(text: str) -> list[str]:
    """Lines without what is only layout."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]
