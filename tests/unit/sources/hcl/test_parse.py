"""HCL text into syntax: what Terraform's parser takes is read, what it refuses is a problem with its line."""

import time
from typing import Any

import pytest

from iacgate.sources.hcl.json_syntax import parse_json, parse_json_values
from iacgate.sources.hcl.parse import parse_hcl


def expression(text: str) -> Any:
    syntax = parse_hcl(f"x = {text}\n")
    assert not syntax.problems, syntax.problems
    return syntax.body.attributes[0].expression


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<<E\na ${b}\nE\n", ["template", [["value", "a "], ["name", "b"], ["value", "\n"]]]),
        ("<<-E\n    a\n      b\n    E\n", ["value", "a\n  b\n"]),
        ("<<E\nE\n", ["value", ""]),
        ('<<E\n$${a} "q" \\n\nE\n', ["value", '${a} "q" \\n\n']),
        ("<<E\n${~ a ~} x\nE\n", ["template", [["name", "a"], ["value", "x\n"]]]),
        ('<<E\n${f("}")}\nE\n', ["template", [["call", "f", [["value", "}"]], False], ["value", "\n"]]]),
        (
            "<<E\n%{for a in b~}\n${a}\n%{endfor~}\nE\n",
            ["template", [["join", None, "a", ["name", "b"], [["name", "a"], ["value", "\n"]]]]],
        ),
        ('"\\u00e9\\t"', ["value", "é\t"]),
        ('"${a}"', ["name", "a"]),
        ("a.*.b[0]", ["index", ["splat", ["name", "a"], [["attr", "b"]]], ["value", 0]]),
        ("a[*].b[0]", ["splat", ["name", "a"], [["attr", "b"], ["index", ["value", 0]]]]),
        ("-1", ["value", -1]),
        ("1 +\n 2", ["chain", ["value", 1], [["+", ["value", 2]]]]),
        ("{a = 1, (b) = 2}", ["object", [[["value", "a"], ["value", 1]], [["name", "b"], ["value", 2]]]]),
        ("f([1]...)", ["call", "f", [["list", [["value", 1]]]], True]),
        ("provider::aws::arn(a)", ["call", "provider::aws::arn", [["name", "a"]], False]),
    ],
)
def test_expressions(text: str, wanted: Any) -> None:
    assert expression(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        'a = "$${"\nb = 1\nc = "}"\n',
        'a = "%%{"\nb = 1\nc = "}"\n',
        "a = <<E\nx\nE  \nb = 1\nc = <<E\nE\n",
        "a = <<-E\nx\n  E\t\nb = 1\nc = <<E\nE\n",
        'a = "$${${d}}"\nb = 1\nc = 2\n',
        "a = 1 /* } */\nb = 1\nc = 2\n",
        'a = "${f("}")}"\nb = 1\nc = 2\n',
    ],
)
def test_nothing_that_is_written_vanishes_in_a_text(text: str) -> None:
    syntax = parse_hcl(text)
    assert not syntax.problems
    assert [one.name for one in syntax.body.attributes] == ["a", "b", "c"]
    assert syntax.body.attributes[1].expression == ["value", 1]


@pytest.mark.parametrize(
    "text",
    [
        '"${\n b\n}"', '"${b /* c */}"', '"x ${~ b ~} y"', "5-12", "[5 -12]", "b[length(b)-12]", "(\n b\n - c\n)",
        "(b # x\n # z\n && c)", "[for k,\nv in b : v]", "{for k, v in b : k\n=> v}", "!!b", "b[ * ].c",
        "core::max(1,2)",

        "<<_E\nx\n_E\n", "<<E\n${ # it's \"x\n b }\nE\n", "(b\n  ? 1\n  : 2)",
        "[\n1,\n# c\n2,\n]", "{\n a = 1,\n\n b = 2\n}",
        "99999999999999999999999", "f(\n1,\n2,\n)", "b == 1 ? [\n1] : {\n}",
    ],
)  # fmt: skip
def test_what_terraform_takes_is_no_problem(text: str) -> None:
    assert not parse_hcl(f"a = {text}\n").problems


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a {\n  b = 1\n", 1, "`{` is never closed"),
        ("a {\n  b = [1,\n\n", 2, "`[` is never closed"),
        ("a = 1\nb = )\n", 2, "`)` is not expected here"),
        ("a {\n b = 1\n c = 2\n b = 3\n}\n", 4, "stands twice (first in line 2)"),
        ("a = 1\n@\n", 2, "`@` is not expected here"),
        ("a = <<E\n${b\nE\n", 1, "a template in it is not valid"),
        ("a = <<E\n%{if b}\nE\n", 1, "a template in it is not valid"),
        ("a = 1\nb = " + "(" * 10_000 + "1" + ")" * 10_000, 2, "levels deep"),
        ("a = " + "[" * 200 + "1" + "]" * 200, 1, "levels deep"),
        ("a = " + "{b = " * 3_000, 1, "levels deep"),
    ],
    ids=range(10),
)
def test_what_terraform_refuses_is_a_problem_at_its_line(text: str, line: int, words: str) -> None:
    (problem,) = parse_hcl(text).problems
    assert (problem.line, words in problem.message) == (line, True), problem


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa = 1\n",
        "a = 1",
        "a = 1\r\nb = <<E\r\nx\r\nE\r\n",
        "größe = 1\nb = größe\n",
        "名前 = 1\n",
        "/*" + "x\n" * 1_000_000 + "*/\na = 1\n",
        "#" + "x" * 5_000_000 + "\na = 1\n",
        "# only a comment",
        "",
        "\n\n",
        "a = " + " || ".join(["true"] * 2_000) + "\n",
        "a = <<E\n" + "\n" * 500_000 + "E\n",
        "a = [" + ", ".join(["1"] * 20_000) + "]\n",
    ],
    ids=[
        "byte order mark", "no end of line", "CRLF", "unicode identifier", "CJK identifier", "long comment",
        "long line comment", "only a comment", "empty", "blank", "long chain", "blank lines in a heredoc", "long list",
    ],
)  # fmt: skip
def test_what_terraform_takes_is_read_in_time(text: str) -> None:
    start = time.process_time()
    assert not parse_hcl(text).problems
    assert time.process_time() - start < 5


def test_a_file_beyond_the_limit_is_refused() -> None:
    (problem,) = parse_hcl("#" + "x" * (9 * 1024 * 1024)).problems
    assert "larger than" in problem.message


def test_places_count_characters_of_the_text() -> None:
    text = 'resource "a" "ä" { # é\n  b = "ü" # kept\n  c {\n    d = [\n      1,\n    ]\n  }\n}\n'
    block = parse_hcl(text).body.blocks[0]
    b, d = block.body.attributes[0], block.body.blocks[0].body.attributes[0]
    assert (block.line, block.end_line, block.labels) == (1, 8, ["a", "ä"])
    assert (text[b.start : b.end], b.line, b.end_line) == ('"ü"', 2, 2)
    assert (text[d.start : d.end], d.line, d.end_line) == ("[\n      1,\n    ]", 4, 6)
    assert (text[block.open], text[block.close]) == ("{", "}")


def test_comments_that_speak_to_the_gate_are_kept_as_requests() -> None:
    syntax = parse_hcl("a = 1 # iacgate:waive aws-x: because\n// iacgate: no\nb = 2\n")
    assert syntax.requests == [(1, "iacgate:waive aws-x: because"), (2, "iacgate: no")]


class TestJson:
    def test_blocks_labels_and_templates(self) -> None:
        text = '{"resource": {"t": {"n": [{"a": "${var.x}", "b": "lit", "c": ["$${no}"], "d": 1}]}}}'
        (block,) = parse_json(text).body.blocks
        assert (block.type, block.labels) == ("resource", ["t", "n"])
        found = {one.name: one.expression for one in block.body.attributes}
        assert found["a"] == ["attr", ["name", "var"], "x"]
        assert (found["b"], found["d"]) == (["value", "lit"], ["value", 1])
        assert found["c"][0] == "list"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"resource": {}, "resource": {}}', "a key stands twice"),
            ('{"resource": {"t": {"n": {"a": 1, "a": 2}}}}', "a key stands twice"),
            ('{"resource": ', "not valid JSON"),
            ("[]", "not an object"),
            ("{} {}", "not valid JSON"),
            ('{"a": NaN}', "not valid JSON"),
            ('{"x": 1}', "no block that Terraform knows"),
            ('{"locals": {"a": "${"}}', "template"),
            ('{"a": ' + "[" * 5_000, "not valid JSON"),
            ('{"resource": {"t": 1}}', "is no object"),
        ],
    )
    def test_what_is_wrong_is_a_problem(self, text: str, words: str) -> None:
        assert any(words in problem.message for problem in parse_json(text).problems), parse_json(text).problems

    def test_lines_are_those_of_the_keys(self) -> None:
        (block,) = parse_json('{\n "variable": {\n  "v": {\n   "default": 1\n  }\n }\n}\n').body.blocks
        assert (block.line, block.end_line, block.body.attributes[0].line) == (3, 5, 4)

    def test_values_are_taken_as_they_are(self) -> None:
        attributes = parse_json_values('{"a": "${no}", "b": {"c": [1]}}').body.attributes
        assert attributes[0].expression == ["value", "${no}"]
