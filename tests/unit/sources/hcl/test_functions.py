"""Terraform's functions: the table that Terraform itself filled in, soundness over it, and hostile arguments."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts.check_functions import (
    ERROR,
    call,
    context_of,
    evaluated,
    make_files,
    parse,
    read_table,
    recorded,
    value_of,
)

from iacgate.sources.hcl.conversion import identity
from iacgate.sources.hcl.functions.encoding import json_text
from iacgate.sources.hcl.functions.signature import MAX_ELEMENTS, MAX_TEXT, FileContext
from iacgate.sources.hcl.functions.table import functions
from iacgate.sources.hcl.values import EvaluationError, SetValue, Unknown, holds_unknown

ROWS = read_table()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> FileContext:
    directory = tmp_path_factory.mktemp("configuration")
    make_files(directory)
    return context_of(directory)


def ours(expression: str, context: FileContext) -> Any:
    return value_of(parse(expression), context)


def test_every_expression_comes_to_what_terraform_made_of_it(context: FileContext) -> None:
    wrong = {}
    for row in ROWS:
        made = evaluated(row["expression"], context.root)
        wanted = (row["ours"], made[1]) if "ours" in row else recorded(row)
        if made != wanted:
            wrong[row["expression"]] = (made, wanted)
    assert not wrong


def test_the_table_calls_every_function_and_explains_every_difference() -> None:
    expressions = [row["expression"] for row in ROWS]
    uncalled = {name for name in functions() if not any(one.startswith(f"{name}(") for one in expressions)}
    assert uncalled == {"base64gzip", "bcrypt", "plantimestamp", "rsadecrypt", "templatestring", "uuid"}
    assert len(set(expressions)) == len(expressions) > 300
    assert all(row.get("because") for row in ROWS if "ours" in row)


@pytest.mark.parametrize(
    "name", ["base64gzip", "bcrypt", "issensitive", "plantimestamp", "rsadecrypt", "timestamp", "uuid"]
)
def test_what_cannot_be_known_is_unknown_and_says_what_would_tell(name: str, context: FileContext) -> None:
    made = call(name, ["x"], context)
    assert isinstance(made, Unknown)
    assert made.origin.why


# ---- soundness: an answer to arguments that are known in part is what every completion gives ----


def holes(value: Any) -> Iterator[Any]:
    """The value with one part of it, or all of it, unknown."""
    yield Unknown()
    if isinstance(value, list):
        for at, one in enumerate(value):
            yield from (type(value)([*value[:at], hole, *value[at + 1 :]]) for hole in holes(one))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from ({**value, key: hole} for hole in holes(one))


def covers(partial: Any, complete: Any) -> bool:
    """The complete value is one of those that the partial one may be."""
    if isinstance(partial, Unknown):
        return True
    if not holds_unknown(partial):
        return json_text(partial) == json_text(complete)
    if isinstance(partial, SetValue):
        return isinstance(complete, SetValue) and len(partial) >= len(complete)
    if isinstance(partial, list):
        same = isinstance(complete, list) and len(partial) == len(complete)
        return same and all(map(covers, partial, complete))
    return partial.keys() == complete.keys() and all(covers(partial[key], complete[key]) for key in partial)


def test_what_is_told_of_arguments_known_in_part_holds_whatever_they_turn_out_to_be(context: FileContext) -> None:
    wrong, told = [], 0
    for row in ROWS:
        kind, name, *rest = parse(row["expression"])
        if (
            kind != "call"
            or recorded(row)[0] == ERROR
            or rest[1]  # expanded by the evaluator
            or name not in functions()
            or not functions()[name].accepts_unknown
        ):
            continue
        arguments = [value_of(one, context) for one in rest[0]]
        if holds_unknown(arguments) or name == "templatefile":
            continue
        complete = call(name, arguments, context)
        for partial_arguments in list(holes(arguments))[1:]:
            try:
                partial = call(name, partial_arguments, context)
            except EvaluationError as error:
                wrong.append((row["expression"], partial_arguments, error))
                continue
            told += not isinstance(partial, Unknown)
            if not covers(partial, complete):
                wrong.append((row["expression"], partial_arguments, partial))
    assert not wrong
    assert told > 200


U = Unknown()


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("length", [[U]], 1),
        ("length", [{"a": U}], 1),
        ("length", [SetValue([U])], 1),
        ("length", [SetValue(["a", U])], U),
        ("length", [U], U),
        ("merge", [{"a": U}, {"b": 1}], {"a": U, "b": 1}),
        ("merge", [U, {"b": 1}], U),
        ("keys", [{"b": U, "a": U}], ["a", "b"]),
        ("values", [{"b": U, "a": 1}], [1, U]),
        ("coalesce", [U, "x"], U),
        ("coalesce", ["x", U], "x"),
        ("coalesce", [None, "", "x", U], "x"),
        ("coalesce", [1, U], U),  # the unknown may be text, then one is "1"
        ("coalescelist", [[], [U]], [U]),
        ("coalescelist", [U, [1]], U),
        ("concat", [U, [1]], U),
        ("concat", [[U], [1]], [U, 1]),
        ("flatten", [[[1], U]], U),
        ("flatten", [[[1], [{"a": U}]]], [1, {"a": U}]),
        ("contains", [[U], "a"], U),
        ("contains", [["a", U], "a"], True),
        ("contains", [["a"], U], U),
        ("element", [[U, "a"], 1], "a"),
        ("element", [["a"], U], U),
        ("slice", [[U, "a", "b"], 1, 2], ["a"]),
        ("reverse", [[U, 1]], [1, U]),
        ("reverse", [SetValue([U, 1])], U),
        ("lookup", [{"a": U}, "b", "x"], "x"),
        ("lookup", [{"a": "x"}, "a", U], "x"),
        ("one", [[U]], U),
        ("one", [SetValue(["a", U])], U),
        ("zipmap", [["a"], [U]], {"a": U}),
        ("zipmap", [[U], [1]], U),
        ("toset", [["a", U]], SetValue(["a", U])),
        ("tolist", [["a", U]], ["a", U]),
        ("tolist", [[1, U]], [U, U]),
        ("tolist", [[{"a": 1, "b": "x"}, {"a": U, "b": "y"}]], [{"a": U, "b": "x"}, {"a": U, "b": "y"}]),
        ("tomap", [{"a": "x", "b": U}], {"a": "x", "b": U}),
        ("alltrue", [[False, U]], False),
        ("alltrue", [[True, U]], U),
        ("anytrue", [[True, U]], True),
        ("setproduct", [["a"], [U]], [["a", U]]),
        ("chunklist", [["a", U], 1], [["a"], [U]]),
        ("upper", [U], U),
        ("jsonencode", [{"a": U}], U),
        ("distinct", [["a", U]], U),
    ],
)
def test_arguments_known_in_part(name: str, arguments: list[Any], wanted: Any, context: FileContext) -> None:
    made = call(name, arguments, context)
    assert type(made) is type(wanted)
    assert repr(made) == repr(wanted)


def test_an_unknown_result_tells_where_its_arguments_come_from(context: FileContext) -> None:
    origin = Unknown().origin._replace(chain=("aws_vpc.main.cidr_block",))
    made = call("coalesce", [Unknown(origin), "x"], context)
    assert made.origin.chain == ("aws_vpc.main.cidr_block",)


# ---- hostile arguments ----

LONG = "a" * (MAX_TEXT // 2)
MANY = list(range(MAX_ELEMENTS))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("format", ["%1000000000d", 1]),
        ("format", ["%99999999999999999999d", 1]),
        ("format", ["%.1000000000f", 1]),
        ("format", ["%s%[1]s%[1]s", LONG]),
        ("formatlist", ["%1000000d", MANY[:10]]),
        ("indent", [2**40, "a\nb"]),
        ("join", [LONG, ["a"] * 10]),
        ("replace", ["a" * 10_000, "a", "b" * 1000]),
        ("replace", ["a" * 10_000, "/a/", "b" * 1000]),
        ("replace", ["a" * 10_000, "", "b" * 1000]),
        ("range", [10**18]),
        ("range", [0, 1, 1e-300]),
        ("setproduct", [MANY[:1000]] * 2),
        ("setproduct", [[1, 2]] * 64),
        ("concat", [MANY, MANY]),
        ("merge", [{f"{base}{at}": 1 for at in MANY} for base in "ab"]),
        ("flatten", [[MANY, MANY]]),
        ("split", [",", "," * (MAX_ELEMENTS + 1)]),
        ("split", ["", "a" * (MAX_ELEMENTS + 1)]),
        ("jsonencode", [["<" * 100_000] * 4]),
        ("jsondecode", ["[" * 100_000]),
        ("jsondecode", ["1e999999999"]),
        ("jsondecode", ["1" * 10_000]),
        ("tonumber", ["1e999999"]),
        ("tonumber", ["1" * 5000]),
        ("tostring", [10**5000]),
        ("parseint", ["9" * 100_000, 10]),
        ("pow", [10, 10**6]),
        ("log", [-1, 10]),
        ("timeadd", ["2020-01-01T00:00:00Z", "9" * 900 + "h"]),
        ("csvdecode", ['a\n"' + '""' * 100_000]),
        ("csvdecode", ["," * 400 + "\n" + ("," * 400 + "\n") * 400]),
        ("yamldecode", ["[" * 10_000 + "]" * 10_000]),
        (
            "yamldecode",
            [
                "a: &a [x,x,x,x,x,x,x,x,x]\n"
                + "".join(
                    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(9)
                )
            ],
        ),
        ("yamldecode", ["a: &a [*a]"]),
        ("cidrsubnet", ["10.0.0.0/8", 10**12, 0]),
        ("cidrsubnets", ["10.0.0.0/8", 10**12]),
        ("regex", ["(" * 100_000, "a"]),
        ("base64decode", ["/w=="]),
        ("sha256", ["\ud800"]),
        ("title", [{}]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_arguments_are_refused_at_once(name: str, arguments: list[Any], context: FileContext) -> None:
    started = time.monotonic()
    with pytest.raises(EvaluationError):
        call(name, arguments, context)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("regex", ["^(a+)+$", "a" * 100_000 + "b"]),
        ("replace", ["a" * 50_000, "/(a|a)*b/", "x"]),
        ("regexall", ["(x+x+)+y", "x" * 50_000]),
        ("toset", [[str(one) for one in MANY]]),
        ("distinct", [[str(one) for one in MANY]]),
        ("setunion", [MANY, MANY]),
        ("matchkeys", [MANY, MANY, MANY]),
        ("strrev", ["e\u0301" * 100_000]),
        ("trim", [LONG, LONG]),
        ("regexall", ["a(?:.*z)?", LONG]),  # every match looks at all that follows
        ("regexall", ["a", "a" * (MAX_ELEMENTS + 2)]),
        ("replace", [LONG, "/(a)(?:.*z)?/", "$1"]),
        ("fileset", [".", "*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_arguments_take_no_more_than_linear_time(name: str, arguments: list[Any], context: FileContext) -> None:
    (context.root / ("abcdefghijklmno" * 16)).touch()
    started = time.monotonic()
    try:
        call(name, arguments, context)
    except EvaluationError:
        pass
    finally:
        (context.root / ("abcdefghijklmno" * 16)).unlink()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "row", [row for row in ROWS if recorded(row)[0] == ERROR][:60], ids=lambda row: row["expression"]
)
def test_an_error_holds_nothing_of_the_arguments(row: dict[str, Any], context: FileContext) -> None:
    secret = "hunter2-correct-horse"
    _, name, arguments, _ = parse(row["expression"])
    values = [secret if isinstance(one, str) else one for one in (value_of(one, context) for one in arguments)]
    said = ""
    try:
        call(name, values, context)
    except EvaluationError as error:
        said = f"{error} {error.__cause__ or ''}"
    assert secret not in said


# ---- files ----

READERS = [name for name in functions() if name.startswith("file") and name not in ("fileset", "fileexists")]


@pytest.fixture
def jail(tmp_path: Path) -> FileContext:
    root = tmp_path / "root"
    (root / "module").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "a.txt").write_text("secret")
    (root / "near.txt").write_text("near")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "directory").symlink_to(tmp_path / "secrets")
    (root / "inner.txt").symlink_to(root / "near.txt")
    (root / "large").write_bytes(b"a" * (MAX_TEXT + 1))
    os.mkfifo(root / "pipe")
    return FileContext(root / "module", root, lambda template, variables: template)


@pytest.mark.parametrize("name", [*READERS, "fileexists"])
@pytest.mark.parametrize(
    "path",
    [
        "../../secret.txt",
        "../link.txt",
        "../directory/a.txt",
        "/etc/passwd",
        "/dev/zero",
        "~/x",
        "../../nowhere",
        "a\0b",
    ],
)
def test_no_file_outside_of_the_scanned_directory_is_read(name: str, path: str, jail: FileContext) -> None:
    made = call(name, [path], jail)
    assert isinstance(made, Unknown)
    assert "outside" in made.origin.why


@pytest.mark.parametrize("path", ["../large", "../pipe"])
def test_large_and_irregular_files_are_unknown(path: str, jail: FileContext) -> None:
    assert isinstance(call("file", [path], jail), Unknown)


def test_files_inside_are_read_also_through_links(jail: FileContext) -> None:
    assert call("file", ["../near.txt"], jail) == "near"
    assert call("file", ["../inner.txt"], jail) == "near"
    assert call("fileexists", ["../near.txt"], jail) is True
    assert call("fileexists", ["../nowhere"], jail) is False
    with pytest.raises(EvaluationError):
        call("file", ["../nowhere"], jail)


def test_a_set_of_files_does_not_follow_links_nor_leave_the_scanned_directory(jail: FileContext) -> None:
    assert isinstance(call("fileset", ["..", "**"], jail), Unknown)
    assert isinstance(call("fileset", ["../..", "*"], jail), Unknown)
    assert isinstance(call("fileset", [".", "../*"], jail), Unknown)
    assert call("fileset", ["..", "near*"], jail) == ["near.txt"]


def test_a_template_is_rendered_with_what_is_known_of_its_variables(context: FileContext) -> None:
    seen = []
    watching = context._replace(render=lambda template, variables: seen.append((template, variables)))
    variables = {"name": Unknown(), "n": 1}
    call("templatefile", ["greeting.tftpl", variables], watching)
    call("templatestring", ["${name}", variables], watching)
    assert [one for _, one in seen] == [variables, variables]
    assert seen[1][0] == "${name}"
    assert isinstance(call("templatefile", ["../x", variables], watching), Unknown)


def test_one_and_true_are_not_the_same() -> None:
    assert identity(1) == identity(1.0)
    assert identity(1) != identity(True)
    assert identity([0]) != identity([False])


def test_the_recorded_table_is_one_json_object_a_line() -> None:
    assert all(json.loads(json.dumps(row)) == row and "expression" in row and "result" in row for row in ROWS)
