"""Inputs that lie, are cut, are too large or are something else: not one of them is allowed by accident.

Files are in ``fixtures/hostile``, one a lie; what is large, deep or comes in many forms is made here. Unless
a row is about something else, a plan holds an instance with a public address.
"""

import gzip
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iacgate.policy.catalogue import packaged_root

from tests.acceptance.hostile import (
    FIXTURES,
    LEFT_OUT,
    PUBLIC_IP,
    Ran,
    call,
    instance,
    judge,
    judge_plan,
    open_group,
    plan,
    process,
    written,
)

HOSTILE = FIXTURES / "hostile"
CHECKS = HOSTILE / "checks"
BUDGET = 2.0
"""Seconds."""
PROCESS_BUDGET = 4.0
"""Seconds of the processor with all of the start; with other tests beside it a processor is slower."""
MEGABYTES = 900
MIB = 2**20

# file -> what the sentence on standard error must say
REFUSED = {
    "empty-file": "is empty",
    "empty-object": "neither `planned_values` nor `resource_changes`",
    "empty-list": "not what it should be",
    "null": "not what it should be",
    "number": "not what it should be",
    "white-space": "nothing but white space",
    "text": "not valid JSON",
    "neither-planned-values-nor-changes": "neither `planned_values` nor `resource_changes`",
    "planned-resources-without-changes": "the file is incomplete",
    "planned-resources-without-changes-in-a-module": "the file is incomplete",
    "planned-resources-and-changes-null": "the file is incomplete",
    "planned-resources-and-no-changes": "the file is incomplete",
    "changes-null-and-nothing-planned-known": "no `planned_values` that would show",
    "planned-modules-a-number": "planned_values is malformed",
    "state": "is Terraform state, not a plan",
    "raw-state": "is Terraform state, not a plan",
    "provider-schema": "is a provider schema, not a plan",
    "event-stream": "event stream of `terraform plan -json`",
    "format-version-missing": "has no `format_version`",
    "format-version-null": "has no `format_version`",
    "format-version-9.9": "newer than any this version of iacgate knows",
    "format-version-number": "`format_version` is not a version",
    "format-version-list": "`format_version` is not a version",
    "format-version-text": "`format_version` is not a version",
    "duplicate-top-level-key": 'the key "terraform_version" stands twice',
    "duplicate-resource-changes": 'the key "resource_changes" stands twice',
    "duplicate-resource-changes-escaped": 'the key "resource_changes" stands twice',
    "duplicate-key-in-resource-change": 'the key "type" stands twice',
    "duplicate-change": 'the key "change" stands twice',
    "duplicate-after": 'the key "after" stands twice',
    "duplicate-key-in-after": "after: a key stands twice",
    "duplicate-key-deep-in-after": "after: a key stands twice",
    "duplicate-key-in-before": "before: a key stands twice",
    "duplicate-key-in-after-unknown": "after_unknown: a key stands twice",
    "duplicate-key-in-after-sensitive": "after_sensitive: a key stands twice",
    "duplicate-key-in-configuration": "configuration: a key stands twice",
    "duplicate-key-in-variables": "variables: a key stands twice",
    "two-changes-for-one-address": "two changes for one address: aws_instance.bad",
    "nan": "not valid JSON",
    "infinity": "not valid JSON",
    "minus-infinity": "not valid JSON",
    "1e400": "aws_instance.bad: after is malformed",
    "lone-surrogate": "not valid JSON",
    "lone-low-surrogate": "not valid JSON",
    "integer-of-5000-digits": "aws_instance.bad: after is malformed",
    "invalid-utf-8": "not text in UTF-8 or UTF-16",
    "not-utf-16": "not text in UTF-8 or UTF-16",
    "zip-magic": "binary plan (or another zip file)",
    "gzip-magic": "is gzip-compressed",
    "change-missing": "`resource_changes` is malformed",
    "change-null": "`resource_changes` is malformed",
    "actions-missing": "`resource_changes` is malformed",
    "actions-a-word": "`resource_changes` is malformed",
    "entry-null": "`resource_changes` is malformed",
    "entry-a-word": "`resource_changes` is malformed",
    "changes-an-object": "`resource_changes` is malformed",
    "after-a-list": "aws_instance.bad: after is not an object",
    "after-unknown-not-a-mask": "after_unknown is not made of true, false, lists and objects",
    "after-unknown-a-word": "after_unknown is not made of true, false, lists and objects",
    "errored-a-word": "not what it should be",
    "complete-null": "not what it should be",
    "deferred-without-change": "`deferred_changes` is malformed",
    "configuration-a-list": "configuration is malformed",
    "configuration-references-a-word": "an expression of aws_instance.bad is malformed",
    "deleted-and-yet-planned": "aws_instance.bad: it is to go away, and yet something is planned",
    "forgotten-and-yet-planned": "aws_instance.bad: it is to go away, and yet something is planned",
    "mode-contradicts-address": "aws_instance.bad: the address is not that of its `mode`",
    "mode-unknown": "aws_instance.bad: `mode` is none",
    "type-contradicts-address": "aws_instance.bad: the address is not that of its `type`",
}

# file -> outcome, and the verdict on the public address
JUDGED = {
    "errored": ("error", None),
    "incomplete": ("review", None),
    "not-applyable": ("error", None),
    "deferred": ("review", None),
    "actions-empty": ("error", None),
    "actions-unknown": ("error", None),
    "actions-unknown-on-a-type-without-checks": ("error", None),
    "after-null-on-create": ("review", "unknown"),
    "after-missing-on-create": ("review", "unknown"),
    "after-unknown-true": ("review", "unknown"),
    "integer-2-to-the-64": ("deny", "fail"),
    "integer-10-to-the-40": ("deny", "fail"),
}


def test_every_hostile_plan_has_a_row() -> None:
    assert {path.stem for path in HOSTILE.glob("*.json")} == {*REFUSED, *JUDGED}


@pytest.mark.parametrize("name", REFUSED)
def test_a_lie_is_refused_in_one_sentence_that_names_the_file(name: str) -> None:
    path = HOSTILE / f"{name}.json"
    ran = judge(path)
    _is_refused(ran, path)
    assert REFUSED[name] in ran.err, ran.err
    assert ran.seconds < BUDGET


@pytest.mark.parametrize(
    "name",
    [
        "empty-file",
        "empty-object",
        "state",
        "event-stream",
        "nan",
        "duplicate-key-in-after",
        "change-missing",
        "mode-unknown",
        "planned-resources-without-changes",
    ],
)
def test_the_program_ends_with_4_and_no_traceback(name: str) -> None:
    path = HOSTILE / f"{name}.json"
    ran = process("check", path)
    assert (ran.code, ran.out) == (4, ""), ran
    assert REFUSED[name] in ran.err, ran.err
    assert "Traceback" not in ran.err
    assert ran.seconds < PROCESS_BUDGET


@pytest.mark.parametrize("name", JUDGED)
def test_a_doubtful_plan_is_judged_and_never_allowed(name: str) -> None:
    ran = judge(HOSTILE / f"{name}.json")
    outcome, verdict = JUDGED[name]
    assert ran.outcome == outcome, ran.report["decision"]
    assert ran.code != 0
    assert ran.verdicts().get(PUBLIC_IP) == verdict
    coverage = ran.report["coverage"]
    assert coverage["evaluated"] + coverage["not_applicable"] == coverage["resources"] == 1


@pytest.mark.parametrize(
    "name", ["state", "raw-state", "provider-schema", "event-stream", "empty-object", "format-version-missing"]
)
def test_what_is_no_plan_is_told_which_command_makes_one(name: str) -> None:
    assert "terraform show -json tfplan > plan.json" in judge(HOSTILE / f"{name}.json").err


@pytest.mark.parametrize("kind", [["--kind", "plan"], []])
def test_state_is_not_judged_as_a_plan(kind: list[str]) -> None:
    ran = judge(HOSTILE / "state.json", *kind)
    assert ran.code == 4
    assert "is Terraform state" in ran.err


def test_a_refusal_is_in_the_report_and_no_exit_zero_hides_it() -> None:
    ran = judge(HOSTILE / "nan.json", "--exit-zero")
    assert ran.code == 4
    assert ran.report["decision"]["outcome"] == "error"
    assert ran.report["summary"]["error"] == 1


def test_one_refused_plan_among_good_ones_is_what_counts() -> None:
    ran = judge(FIXTURES / "plans" / "empty.json", HOSTILE / "nan.json", FIXTURES / "plans" / "update.json")
    assert ran.code == 4
    assert [json.loads(line)["decision"]["outcome"] for line in ran.out.splitlines()] == ["allow", "error", "deny"]


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "nowhere.json", "cannot be read: no such file or directory"),
        (lambda folder: folder, "holds no HCL"),
        (lambda folder: _link(folder / "loop.json", folder / "loop.json"), "cannot be read"),
        (lambda folder: _link(folder / "dangling.json", folder / "gone"), "cannot be read"),
        (lambda folder: Path("/dev/null"), "is empty"),
        (lambda folder: written(folder, b"\0" * 4096), "not"),
        (lambda folder: folder / ("x" * 300), "cannot be read"),
    ],
    ids=["missing", "directory", "link to itself", "dangling link", "/dev/null", "zeros", "name too long"],
)
def test_a_path_with_nothing_to_read_is_an_error(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    path = make(tmp_path)
    ran = judge(path)
    assert ran.code == 4, ran
    assert says in ran.err, ran.err


def test_standard_input_that_is_empty_or_closed_is_an_error() -> None:
    with Path(os.devnull).open("rb") as nothing:
        ran = process("check", "-", stdin=nothing)
    assert (ran.code, ran.err.splitlines()[0]) == (4, "iacgate: error: - is empty")


def test_no_path_at_all_is_wrong_use() -> None:
    assert process("check").code == 2


def _link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


# --- cut anywhere ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 1], ids=["compact", "indented"])
def test_every_prefix_of_a_plan_is_an_error(indent: int | None, tmp_path: Path) -> None:
    whole = json.dumps(plan(instance()), indent=indent).encode()
    assert judge_plan(tmp_path, whole).code == 1
    assert judge_plan(tmp_path, whole + b"\n").code == 1
    for length in range(len(whole)):
        ran = judge_plan(tmp_path, whole[:length], "--quiet")
        assert ran.code == 4, f"the first {length} bytes gave {ran.code}: …{whole[max(0, length - 40) : length]!r}"
        assert "internal error" not in ran.err, ran.err


@pytest.mark.parametrize("tail", ["x", "{}", "]", ",", "\0", "//"])
def test_anything_after_a_plan_is_an_error(tail: str, tmp_path: Path) -> None:
    assert judge_plan(tmp_path, json.dumps(plan(instance(public=False))) + tail).code == 4


# --- encodings -------------------------------------------------------------------------------------------------------

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-16 LE with BOM (PowerShell)": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "UTF-16 BE with BOM": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 LE without BOM": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE without BOM": lambda text: text.encode("utf-16-be"),
    "UTF-32 with BOM": lambda text: text.encode("utf-32"),
    "UTF-8 BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "UTF-16 LE with BOM and CRLF": lambda text: b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le"),
    "trailing white space": lambda text: text.encode() + b"\r\n\t ",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["update", "addresses"])
def test_an_encoding_changes_no_verdict(encoding: str, name: str, tmp_path: Path) -> None:
    text = json.dumps(json.loads((FIXTURES / "plans" / f"{name}.json").read_bytes()), indent=1, ensure_ascii=False)
    plain, other = judge_plan(tmp_path, text), judge_plan(tmp_path, ENCODINGS[encoding](text))
    assert (other.code, other.report["results"], other.report["coverage"]) == (
        plain.code,
        plain.report["results"],
        plain.report["coverage"],
    )
    assert plain.report["results"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_in_every_encoding_a_cut_plan_is_an_error(encoding: str, tmp_path: Path) -> None:
    data = ENCODINGS[encoding](json.dumps(plan(instance()), indent=1))
    for length in range(1, len(data) - 8, 97):
        ran = judge_plan(tmp_path, data[:length], "--quiet")
        assert ran.code == 4, f"{length} of {len(data)} bytes: {ran}"


def test_order_and_spelling_of_keys_change_no_verdict(tmp_path: Path) -> None:
    whole = plan(instance())
    backwards = json.dumps(whole, sort_keys=True).replace('"after"', '"\\u0061fter"').replace('"type"', '"t\\u0079pe"')
    ran, other = judge_plan(tmp_path, whole), judge_plan(tmp_path, backwards)
    assert (ran.code, ran.report["results"]) == (other.code, other.report["results"])


# --- too large, too deep ---------------------------------------------------------------------------------------------

SLOT = "«slot»"


def _slot(whole: dict[str, Any]) -> tuple[bytes, bytes]:
    before, after = json.dumps(whole, ensure_ascii=False).encode().split(f'"{SLOT}"'.encode())
    return before, after


UNKNOWN = {"after": {}, "after_unknown": {"associate_public_ip_address": True}}
PLACES: dict[str, dict[str, Any]] = {
    "under an extra key": plan(instance(), extra=SLOT),
    "in a resource change": plan(instance(extra=SLOT)),
    "in a change": plan(instance(change={"extra": SLOT})),
    "in an attribute nobody looks at": plan(
        instance(change={"after": {"associate_public_ip_address": True, "tags": SLOT}})
    ),
    "as the attribute that is judged": plan(instance(change={"after": {"associate_public_ip_address": SLOT}})),
    "as after": plan(instance(change={"after": SLOT})),
    "as before": plan(instance(change={"actions": ["update"], "before": SLOT})),
    "as after_unknown": plan(instance(change={"after_unknown": SLOT})),
    "as after_sensitive": plan(instance(change={"after_sensitive": SLOT})),
    "as a variable's value": plan(instance(), variables={"a": {"value": SLOT}}),
    "as variables": plan(instance(), variables=SLOT),
    "as configuration": plan(instance(change=UNKNOWN), configuration=SLOT),
    "in the configuration": plan(
        instance(change=UNKNOWN), configuration={"root_module": {"variables": {"a": {"default": SLOT}}}}
    ),
    "in the prior state": plan(instance(change=UNKNOWN), prior_state={"values": {"root_module": {"resources": SLOT}}}),
    "as planned_values": plan(resource_changes=LEFT_OUT, planned_values={"root_module": SLOT}),
    "as output_changes": plan(instance(), output_changes=SLOT),
    "as checks": plan(instance(), checks=SLOT),
}


@pytest.mark.parametrize("shape", ["list", "object"])
@pytest.mark.parametrize("place", PLACES)
def test_nesting_20_000_deep_is_an_error_at_once(place: str, shape: str, tmp_path: Path) -> None:
    opening, closing = ("[", "]") if shape == "list" else ('{"a":', "}")
    before, after = _slot(PLACES[place])
    data = before + (opening * 20_000 + "0" + closing * 20_000).encode() + after
    path = written(tmp_path, data)
    ran = judge(path)
    _is_refused(ran, path)
    assert "nested too deeply" in ran.err
    assert ran.seconds < BUDGET


@pytest.mark.parametrize("depth", [100, 500, 900, 960, 970, 975, 980, 985, 990, 995])
@pytest.mark.parametrize("place", PLACES)
def test_nesting_near_the_limit_is_judged_or_refused_but_never_lost(place: str, depth: int, tmp_path: Path) -> None:
    before, after = _slot(PLACES[place])
    ran = judge_plan(tmp_path, before + b'{"a":' * depth + b"[]" + b"}" * depth + after)
    assert ran.code in ((0, 4) if place == "as planned_values" else (1, 3, 4)), ran
    assert "internal error" not in ran.err, ran.err


def test_nesting_is_an_error_of_the_program_too(tmp_path: Path) -> None:
    before, after = _slot(PLACES["under an extra key"])
    ran = process("check", written(tmp_path, before + b"[" * 20_000 + b"]" * 20_000 + after))
    assert ran.code == 4
    assert ran.seconds < PROCESS_BUDGET


def _keys(number: int) -> bytes:
    some = 100_000
    parts = (b",".join([b'"%07d":0' % i for i in range(at, at + some)]) for at in range(0, number, some))
    return b"{" + b",".join(parts) + b"}"


LARGE: dict[str, Callable[[Path], Path]] = {
    "1 GB of white space": lambda folder: _sparse(folder, 2**30),
    "250 MB of white space": lambda folder: _large(folder, b"", b" " * (250 * MIB), b""),
    "250 MB of white space before a plan": lambda folder: _large(
        folder, b"", b" " * (250 * MIB), json.dumps(plan(instance())).encode()
    ),
    "200 MB of white space among changes": lambda folder: _large(
        folder, *_around(plan(resource_changes=SLOT), b"[" + b" " * (200 * MIB) + b"]")
    ),
    "a string of 300 MB": lambda folder: _large(folder, b'{"x":"', b"a" * (300 * MIB), b'"}'),
    "a string of 200 MB under an extra key": lambda folder: _at(folder, "under an extra key", _text(200)),
    "a string of 200 MB in an attribute": lambda folder: _at(folder, "in an attribute nobody looks at", _text(200)),
    "a string of 200 MB in the configuration": lambda folder: _at(folder, "in the configuration", _text(200)),
    "a string of 200 MB in a variable": lambda folder: _at(folder, "as a variable's value", _text(200)),
    "10 million keys at the top": lambda folder: _large(folder, b"", _keys(10_000_000), b""),
    "10 million keys under an extra key": lambda folder: _at(folder, "under an extra key", _keys(10_000_000)),
    "10 million keys in an attribute": lambda folder: _at(folder, "in an attribute nobody looks at", _keys(10_000_000)),
    "10 million keys in a change": lambda folder: _at(folder, "in a change", _keys(10_000_000)),
    "10 million variables": lambda folder: _at(folder, "as variables", _keys(10_000_000)),
    "10 million keys in the configuration": lambda folder: _at(folder, "in the configuration", _keys(10_000_000)),
    "60 million numbers for changes": lambda folder: _large(
        folder, *_around(plan(resource_changes=SLOT), b"[{}," + b"0," * 60_000_000 + b"0]")
    ),
    "a change, and 60 million numbers": lambda folder: _large(
        folder,
        *_around(
            plan(resource_changes=SLOT), b"[" + json.dumps(instance()).encode() + b"," + b"0," * 60_000_000 + b"0]"
        ),
    ),
    "4 million changes of nothing": lambda folder: _large(
        folder,
        *_around(
            plan(resource_changes=SLOT),
            b"[" + b",".join([b'{"address":".","type":"","change":{"actions":[]}}'] * 4_000_000) + b"]",
        ),
    ),
    "20 million checks": lambda folder: _at(folder, "as checks", b"[" + b"{}," * 20_000_000 + b"{}]"),
    "a gzip bomb": lambda folder: _gzip_bomb(folder),  # noqa: PLW0108 - it is defined below
    "a zip bomb": lambda folder: _zip_bomb(folder),  # noqa: PLW0108
    "no end": lambda folder: Path("/dev/zero"),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_is_refused_within_time_and_memory(name: str, tmp_path: Path) -> None:
    path = LARGE[name](tmp_path)
    try:
        ran = process("check", "--quiet", path)
    finally:
        if path.parent == tmp_path:
            path.unlink()
    assert ran.code == 4, ran
    assert ran.err.startswith(f"iacgate: error: {path}"), ran.err[:300]
    assert len(ran.err) < 500
    assert ran.megabytes < MEGABYTES, f"{ran.megabytes} MB"
    assert ran.seconds < PROCESS_BUDGET, f"{ran.seconds:.1f} s"


def test_the_size_that_is_allowed_is_the_callers(tmp_path: Path) -> None:
    path = written(tmp_path, plan(instance()))
    size = path.stat().st_size
    assert judge(path, "--max-input-bytes", str(size)).code == 1
    assert judge(path, "--max-input-bytes", str(size - 1)).code == 4


@pytest.mark.parametrize("word", ["auth", "token=", "sensitive", '\\"secret\\":{'])
def test_a_long_string_with_a_word_many_times_takes_no_longer(word: str, tmp_path: Path) -> None:
    before, after = _slot(PLACES["in the configuration"])
    ran = judge_plan(tmp_path, before + b'"' + word.encode() * (2 * MIB // len(word)) + b'"' + after)
    assert ran.code in (1, 3), ran.err
    assert ran.seconds < BUDGET


def _text(mib: int) -> bytes:
    return b'"' + b"auth" * (mib * MIB // 4) + b'"'


def _around(whole: dict[str, Any], middle: bytes) -> tuple[bytes, bytes, bytes]:
    before, after = _slot(whole)
    return before, middle, after


def _at(folder: Path, place: str, middle: bytes) -> Path:
    return _large(folder, *_around(PLACES[place], middle))


def _large(folder: Path, *parts: bytes) -> Path:
    path = folder / "large.json"
    with path.open("wb") as file:
        file.writelines(parts)
    return path


def _sparse(folder: Path, size: int) -> Path:
    path = folder / "sparse.json"
    path.touch()
    os.truncate(path, size)
    return path


def _gzip_bomb(folder: Path) -> Path:
    path = folder / "plan.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(b" " * MIB)
    return path


def _zip_bomb(folder: Path) -> Path:
    path = folder / "tfplan"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("tfplan", b" " * (300 * MIB))
    return path


# --- actions and accounting ------------------------------------------------------------------------------------------

STAYS = {"before": {"associate_public_ip_address": True}, "after": {"associate_public_ip_address": True}}
ACTIONS: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "create": (instance(), "deny", "fail"),
    "replace": (instance(change={"actions": ["delete", "create"], "before": {}}), "deny", "fail"),
    "create before destroy": (instance(change={"actions": ["create", "delete"], "before": {}}), "deny", "fail"),
    "update that makes it public": (
        instance(change={"actions": ["update"], "before": {"associate_public_ip_address": False}}),
        "deny",
        "fail",
    ),
    "update of what was public": (instance(change={**STAYS, "actions": ["update"]}), "review", "fail"),
    "no-op of what was public": (instance(change={**STAYS, "actions": ["no-op"]}), "allow", "fail"),
    "no-op that is none": (
        instance(change={"actions": ["no-op"], "before": {"associate_public_ip_address": False}}),
        "deny",
        "fail",
    ),
    "no-op from nothing": (instance(change={"actions": ["no-op"]}), "deny", "fail"),
    "read of a managed resource": (instance(change={"actions": ["read"]}), "deny", "fail"),
    "create and no-op": (instance(change={"actions": ["create", "no-op"]}), "deny", "fail"),
    "delete": (instance(change={"actions": ["delete"], "before": STAYS["before"], "after": None}), "allow", None),
    "forget": (instance(change={"actions": ["forget"], "before": STAYS["before"], "after": None}), "allow", None),
    "deposed, to be destroyed": (
        instance(deposed="a1b2c3d4", change={"actions": ["delete"], "before": STAYS["before"], "after": None}),
        "allow",
        None,
    ),
    "deposed, and yet created": (instance(deposed="a1b2c3d4"), "deny", "fail"),
    "moved and made public": (
        instance(
            previous_address="aws_instance.old",
            change={"actions": ["update"], "before": {"associate_public_ip_address": False}},
        ),
        "deny",
        "fail",
    ),
    "moved as it was": (
        instance(previous_address="aws_instance.old", change={**STAYS, "actions": ["no-op"]}),
        "allow",
        "fail",
    ),
    "imported and made public": (
        instance(
            change={"actions": ["update"], "importing": {"id": "i-1"}, "before": {"associate_public_ip_address": False}}
        ),
        "deny",
        "fail",
    ),
    "imported as it is": (
        instance(change={**STAYS, "actions": ["no-op"], "importing": {"id": "i-1"}}),
        "allow",
        "fail",
    ),
    "create with what was there": (instance(change={**STAYS, "actions": ["create"]}), "deny", "fail"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_whatever_a_plan_does_to_an_instance_it_is_judged_or_accounted_for(name: str, tmp_path: Path) -> None:
    change, outcome, verdict = ACTIONS[name]
    ran = judge_plan(tmp_path, plan(_encrypted(change)))
    coverage = ran.report["coverage"]
    assert ran.outcome == outcome, ran.report["decision"]
    assert ran.verdicts().get(PUBLIC_IP) == verdict, ran.report["results"]
    assert (coverage["resources"], coverage["evaluated"], coverage["not_applicable"]) == (
        1,
        int(verdict is not None),
        int(verdict is None),
    )
    assert verdict or coverage["not_applicable_reasons"], "what is not judged has a reason"


def _encrypted(change: dict[str, Any]) -> dict[str, Any]:
    for side in ("before", "after"):
        if change["change"].get(side) is not None:
            change["change"][side] = {"root_block_device": [{"encrypted": True}], **change["change"][side]}
    return change


def test_a_deposed_object_does_not_hide_the_current_one(tmp_path: Path) -> None:
    gone = instance(deposed="a1b2c3d4", change={"actions": ["delete"], "before": {}, "after": None})
    for changes in ([gone, instance()], [instance(), gone]):
        ran = judge_plan(tmp_path, plan(*changes))
        assert (ran.outcome, ran.verdicts()[PUBLIC_IP], ran.report["coverage"]["resources"]) == ("deny", "fail", 2)


ELSEWHERE = {
    "unknown resource type": {"type": "aws_flux_capacitor", "address": "aws_flux_capacitor.a"},
    "unknown provider": {"type": "acme_thing", "address": "acme_thing.a", "provider_name": "example.com/acme/acme"},
    "no provider": {"type": "acme_thing", "address": "acme_thing.a", "provider_name": LEFT_OUT},
    "data source": {"mode": "data", "address": "data.aws_instance.a", "change": {"actions": ["read"]}},
    "data source in a module named data": {
        "mode": "data",
        "address": "module.data.data.aws_instance.a",
        "change": {"actions": ["read"]},
    },
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_no_check_knows_is_accounted_for_with_a_reason(name: str, tmp_path: Path) -> None:
    ran = judge_plan(tmp_path, plan(instance("a", **ELSEWHERE[name]), instance()))
    coverage = ran.report["coverage"]
    assert (coverage["resources"], coverage["evaluated"], coverage["not_applicable"]) == (2, 1, 1)
    assert sum(coverage["not_applicable_reasons"].values()) == 1
    assert ran.outcome == "deny"


KEYS = [
    "a",
    "a.b",
    'quo"te',
    "br[0]ack",
    "]",
    "].x[",
    "a/b",
    "${x}",
    "%{if}",
    "back\\slash",
    "nl\nx",
    "tab\t",
    "é中\U0001f600",
    " ",
    "",
]


@pytest.mark.parametrize("key", KEYS)
def test_an_instance_is_found_whatever_its_modules_key(key: str, tmp_path: Path) -> None:
    from iacgate.model.address import quote_key

    address = f"module.net{quote_key(key)}.module.in.aws_instance.bad{quote_key(key)}"
    ran = judge_plan(tmp_path, plan(instance(address=address, module_address=f"module.net{quote_key(key)}.module.in")))
    assert ran.code == 1
    assert ran.verdicts(address)[PUBLIC_IP] == "fail", "the address in the report is the plan's"


def test_a_managed_resource_in_a_module_named_data_is_judged(tmp_path: Path) -> None:
    ran = judge_plan(tmp_path, plan(instance(address="module.data.aws_instance.bad", module_address="module.data")))
    assert ran.verdicts("module.data.aws_instance.bad")[PUBLIC_IP] == "fail"


# --- types -----------------------------------------------------------------------------------------------------------

TYPES: dict[str, tuple[Any, str | None]] = {
    "true": (True, "fail"),
    "false": (False, None),
    "the string true": ("true", "fail"),
    "the string false": ("false", None),
    "the string TRUE": ("TRUE", "error"),
    "the string False": ("False", "error"),
    "another string": ("yes", "error"),
    "an empty string": ("", "error"),
    "one": (1, "error"),
    "zero": (0, "error"),
    "a fraction": (0.5, "error"),
    "a huge integer": (10**40, "error"),
    "an empty list": ([], "error"),
    "a list": ([True], "error"),
    "an object": ({"value": True}, "error"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_bool_of_another_type_is_converted_as_terraform_would_or_an_error(name: str, tmp_path: Path) -> None:
    value, verdict = TYPES[name]
    ran = judge_plan(tmp_path, plan(instance(public=value)))
    assert ran.verdicts().get(PUBLIC_IP) == verdict, ran.report["results"]
    assert ran.code == {"fail": 1, "unknown": 3, "error": 4, None: 0}[verdict]


RULES: dict[str, tuple[Any, set[int]]] = {
    "ports as strings": ({"from_port": "22", "to_port": "22"}, {1}),
    "ports as fractions": ({"from_port": 22.0, "to_port": 22.0}, {1}),
    "ports no numbers": ({"from_port": "ssh", "to_port": "ssh"}, {4}),
    "ports a list": ({"from_port": [22]}, {4}),
    "ports huge": ({"from_port": -(10**40), "to_port": 10**40}, {1, 4}),
    "protocol a number": ({"protocol": 6}, {1}),
    "protocol all": ({"protocol": "-1", "from_port": 0, "to_port": 0}, {1}),
    "protocol an object": ({"protocol": {}}, {3, 4}),
    "one range instead of a list": ({"cidr_blocks": "0.0.0.0/0"}, {1, 4}),
    "ranges an object": ({"cidr_blocks": {"a": "0.0.0.0/0"}}, {1, 4}),
    "a range that is none": ({"cidr_blocks": ["everywhere"]}, {4}),
    "a range that is a number": ({"cidr_blocks": [0]}, {4}),
    "a range written oddly": ({"cidr_blocks": ["000.0.0.0/0"]}, {1, 4}),
    "host bits set": ({"cidr_blocks": ["1.2.3.4/0"]}, {1, 4}),
    "IPv6": ({"cidr_blocks": [], "ipv6_cidr_blocks": ["::/0"]}, {1}),
    "IPv6 written out": ({"cidr_blocks": [], "ipv6_cidr_blocks": ["0000:0000:0000:0000:0000:0000:0000:0000/0"]}, {1}),
    "IPv4 among IPv6": ({"cidr_blocks": [], "ipv6_cidr_blocks": ["0.0.0.0/0"]}, {1, 4}),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_open_to_the_world_is_never_allowed_whatever_its_types(name: str, tmp_path: Path) -> None:
    values, codes = RULES[name]
    group = open_group()
    group["change"]["after"]["ingress"][0].update(values)
    assert judge_plan(tmp_path, plan(group)).code in codes


@pytest.mark.parametrize("rules", [{"cidr_blocks": ["0.0.0.0/0"]}, "open", 1, [["0.0.0.0/0"]], ["open"]])
def test_ingress_of_another_shape_is_never_allowed(rules: Any, tmp_path: Path) -> None:
    group = open_group()
    group["change"]["after"]["ingress"] = rules
    assert judge_plan(tmp_path, plan(group)).code in (1, 4)


# --- nothing of the input is echoed ----------------------------------------------------------------------------------

CANARY = "CANARY-echo-7d1e"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "value",
    [f'"{CANARY}"', f'{{"{CANARY}": 1, "{CANARY}": 2}}', f'["{CANARY}", {{"{CANARY}": "{CANARY}"}}]', f'"{CANARY}'],
)
def test_no_message_holds_a_value_of_the_input(place: str, value: str, tmp_path: Path) -> None:
    before, after = _slot(PLACES[place])
    ran = judge_plan(tmp_path, before + value.encode() + after)
    assert CANARY not in ran.err, ran.err
    if place != "as the attribute that is judged":
        assert CANARY not in ran.out


# --- checks and policies ---------------------------------------------------------------------------------------------

REFUSED_CHECKS = {
    "duplicate-key": "the key `title` stands twice",
    "duplicate-key-in-condition": "the key `equals` stands twice",
    "unknown-operator": "unknown operator `equalz`",
    "unknown-attribute": "aws_instance has no attribute `associate_public_ip_adress`",
    "unknown-nested-attribute": "aws_instance has no attribute `root_block_device.encryptd`",
    "unknown-key": "unknown key `exec`",
    "anchors-bomb": "anchors and aliases",
    "python-object": "tags (!…) are not allowed",
    "catastrophic-regex": "without nested repetition",
    "back-reference": "RE2 syntax",
    "broken-regex": "RE2 syntax",
    "not-a-number": "this value cannot be read",
    "infinite": "this value cannot be read",
    "two-documents": "another document",
    "merge-key": "unknown key `<<`",
    "complex-key": "a key must be a plain word",
    "two-comparisons": "exactly one comparison",
    "no-absent": "`absent: pass|fail|unknown`",
    "no-condition": "`resource` with `condition`, or `cases`",
    "message-with-code": "`message` may use",
    "id-of-another": "`id` must be the file's name",
    "no-examples": "`examples` is missing",
    "a-list": "a check must be a mapping",
    "empty": "the file is empty",
    "only-a-comment": "the file is empty",
    "unclosed": "not valid YAML",
    "tab-indented": "not valid YAML",
}
MADE_CHECKS: dict[str, tuple[bytes, str]] = {
    "20,000 lists deep": (b"a: " + b"[" * 20_000 + b"]" * 20_000, "nested more than 100 deep"),
    "400,000 lists deep, unclosed": (b"a: " + b"[" * 400_000, "nested more than 100 deep"),
    "mappings deep": (b"a: " + b"{a: " * 20_000 + b"}" * 20_000, "nested more than 100 deep"),
    "300,000 aliases": (b"a: [" + b"*a," * 300_000 + b"]", "anchors and aliases"),
    "150,000 tags": (b"a: [" + b"!x 1," * 150_000 + b"]", "tags (!"),
    "80,000 keys": (b"".join(b"k%d: 1\n" % i for i in range(80_000)), "more than any check or policy"),
    "2 MB of comment": (b"#" * 2_000_000, "larger than 1024 KiB"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "not UTF-8"),
    "a NUL": (b"a: 1\0\n", "not valid YAML"),
    "an integer of 6,000 digits": (b"id: " + b"9" * 6000, "`id` must be a text"),
    "binary": (bytes(range(256)), "not UTF-8"),
}


def test_every_hostile_check_has_a_row() -> None:
    assert {path.stem for path in CHECKS.glob("*.yaml")} == set(REFUSED_CHECKS)


@pytest.mark.parametrize("name", REFUSED_CHECKS)
def test_a_check_that_lies_is_refused_when_it_is_loaded(name: str, tmp_path: Path) -> None:
    own = tmp_path / "checks"
    own.mkdir()
    shutil.copy(CHECKS / f"{name}.yaml", own)
    linted = call("policy", "lint", own)
    assert (linted.code, linted.seconds < BUDGET) == (2, True), linted
    assert f"{own / name}.yaml:" in linted.out
    assert REFUSED_CHECKS[name] in linted.out, linted.out
    ran = judge_plan(tmp_path, plan(), "--policy-set", _policy(tmp_path))
    assert (ran.code, ran.out) == (2, ""), ran
    assert REFUSED_CHECKS[name] in ran.err, ran.err
    assert "internal error" not in ran.err


@pytest.mark.parametrize("name", MADE_CHECKS)
def test_a_check_that_would_unfold_or_never_end_is_refused_at_once(name: str, tmp_path: Path) -> None:
    content, says = MADE_CHECKS[name]
    (tmp_path / "own.yaml").write_bytes(content)
    ran = call("policy", "lint", tmp_path)
    assert ran.code == 2, ran.err
    assert says in ran.out, ran.out[:500]
    assert len(ran.out) < 50_000
    assert ran.seconds < BUDGET


def test_all_problems_of_all_files_are_listed_at_once() -> None:
    ran = call("policy", "lint", CHECKS)
    assert ran.code == 2
    assert {Path(line.split(":")[0]).stem for line in ran.out.splitlines()} == set(REFUSED_CHECKS)


def test_nothing_that_a_check_names_is_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for number, tag in enumerate(("apply:os.system", "new:os.system", "apply:pathlib.Path.touch")):
        (tmp_path / f"own-{number}.yaml").write_text(f"id: !!python/object/{tag} ['touch {trap}']\n")
    assert call("policy", "lint", tmp_path).code == 2
    assert not trap.exists()


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "checks"
    packaged = next(packaged_root().rglob(f"{PUBLIC_IP}.yaml"))
    for folder in ("a", "b"):
        (own / folder).mkdir(parents=True)
        (own / folder / "own.yaml").write_text(packaged.read_text().replace(f"id: {PUBLIC_IP}", "id: own"))
    linted = call("policy", "lint", own)
    assert (linted.code, "the id `own` stands in" in linted.out) == (2, True), linted
    assert judge_plan(tmp_path, plan(), "--policy-set", _policy(tmp_path)).code == 2


def test_an_id_of_the_packaged_library_cannot_be_taken_over(tmp_path: Path) -> None:
    own = tmp_path / "checks"
    own.mkdir()
    packaged = next(packaged_root().rglob(f"{PUBLIC_IP}.yaml"))
    (own / packaged.name).write_text(packaged.read_text().replace("equals: false", "equals: true"))
    ran = judge_plan(tmp_path, plan(instance()), "--policy-set", _policy(tmp_path))
    assert ran.code == 2
    assert PUBLIC_IP in ran.err


@pytest.mark.parametrize("content", [None, {"notes.txt": "x"}], ids=["empty", "no check in it"])
def test_a_directory_without_checks_is_refused(content: dict[str, str] | None, tmp_path: Path) -> None:
    own = tmp_path / "checks"
    own.mkdir()
    for name, text in (content or {}).items():
        (own / name).write_text(text)
    assert call("policy", "lint", own).code == 2
    ran = judge_plan(tmp_path, plan(instance()), "--policy-set", _policy(tmp_path))
    assert ran.code == 2, ran


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert call("policy", "lint", tmp_path / "nowhere").code == 2
    assert judge_plan(tmp_path, plan(), "--policy-set", _policy(tmp_path)).code == 2


RULES_OF = "    rules:\n      - {checks: {tier: baseline}, level: hard-mandatory}\n"
POLICIES: dict[str, tuple[str, str]] = {
    "enforces nothing": ("  - name: a\n    rules: []\n", "enforces nothing"),
    "no rules": ("  - name: a\n", "enforces nothing"),
    "all off": ('  - name: a\n    rules:\n      - {checks: {tier: baseline}, level: "off"}\n', "enforces nothing"),
    "a check that does not exist": (
        "  - name: a\n    rules:\n      - {checks: {id: aws-no-such-check}, level: advisory}\n",
        "there is no check `aws-no-such-check`",
    ),
    "selects nothing": (
        "  - name: a\n    rules:\n      - {checks: {id: aws-lb-waf, severity: low}, level: advisory}\n",
        "enforces nothing",
    ),
    "a control that no check has": (
        "  - name: a\n    rules:\n      - {checks: {control: nobody-1.0}, level: advisory}\n",
        "no check is mapped to `nobody-1.0`",
    ),
    "no policy set": ("  []\n", "nothing would be enforced"),
    "unknown level": (
        "  - name: a\n    rules:\n      - {checks: {tier: baseline}, level: mandatory}\n",
        "`level` must be one of",
    ),
    "unknown key": (f"  - name: a\n    skip: everything\n{RULES_OF}", "unknown key `skip`"),
    "duplicate key": (f"  - name: a\n{RULES_OF}{RULES_OF}", "the key `rules` stands twice"),
    "unknown as allow": (f"  - name: a\n    unknown: {{hard-mandatory: allow}}\n{RULES_OF}", "must be one of"),
    "errored as allow": (f"  - name: a\n    on_incomplete: {{errored: allow}}\n{RULES_OF}", "must be one of"),
    "date that is none": (
        "  - name: a\n    rules:\n      - {checks: {tier: baseline}, level: advisory, enforce_from: 2027-02-30}\n",
        "must be a date",
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_that_enforces_nothing_or_what_is_not_there_ends_with_2(name: str, tmp_path: Path) -> None:
    sets, says = POLICIES[name]
    policy = tmp_path / "policy.yaml"
    policy.write_text(f'schema: iacgate/policy/v1\nname: own\nversion: "1"\npolicy_sets:\n{sets}')
    ran = judge_plan(tmp_path, plan(instance()), "--policy-set", policy)
    assert (ran.code, ran.out) == (2, ""), ran
    assert says in ran.err, ran.err


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "7", "schema: iacgate/policy/v9\n", "x: !!python/name:os.system\n", "a: &a [*a]\n"]
)
def test_a_policy_file_that_is_none_ends_with_2(content: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(content)
    ran = judge_plan(tmp_path, plan(instance()), "--policy-set", policy)
    assert ran.code == 2, ran
    assert str(policy) in ran.err


@pytest.mark.parametrize("option", ["--policy-set", "--config"])
def test_a_file_of_the_gate_that_is_missing_ends_with_2(option: str, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        assert judge_plan(tmp_path, plan(instance(public=False)), option, path).code == 2


def _policy(folder: Path) -> Path:
    path = folder / "policy.yaml"
    path.write_text(
        f'schema: iacgate/policy/v1\nname: own\nversion: "1"\nchecks: [checks]\npolicy_sets:\n  - name: a\n{RULES_OF}'
    )
    return path


# --- configuration in the scanned tree -------------------------------------------------------------------------------

TEMPTING = [".iacgate.yaml", ".iacgate.yml", "iacgate.yaml", "iacgate.yml"]
BRIBE = "policy_set: mine.yaml\nmax_input_bytes: 1\nplugins: [evil]\nskip: ['*']\n"


@pytest.mark.parametrize("name", TEMPTING)
@pytest.mark.parametrize("where", ["beside the plan", "in the working directory", "in the source directory"])
def test_configuration_that_lies_in_what_is_scanned_is_ignored_with_a_note(
    name: str, where: str, tmp_path: Path
) -> None:
    folders = {
        one: tmp_path / one.replace(" ", "-")
        for one in ("beside the plan", "in the working directory", "in the source directory")
    }
    for folder in folders.values():
        folder.mkdir()
    (folders[where] / name).write_text(BRIBE)
    path = written(folders["beside the plan"], plan(instance()))
    here = Path.cwd()
    os.chdir(folders["in the working directory"])
    try:
        ran = judge(path, "--source-dir", folders["in the source directory"])
    finally:
        os.chdir(here)
    assert ran.code == 1
    assert any(f"{name} is ignored" in note for note in ran.report["notes"]), ran.report["notes"]


def test_the_note_is_printed_for_people_and_the_program_obeys_nothing_it_finds(tmp_path: Path) -> None:
    (tmp_path / ".iacgate.yaml").write_text(BRIBE)
    (tmp_path / "iacgate.py").write_text("raise SystemExit(0)\n")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(0)\n")
    ran = process("check", written(tmp_path, plan(instance())), cwd=tmp_path)
    assert ran.code == 1, ran
    assert ".iacgate.yaml is ignored" in " ".join(ran.out.split())


def test_configuration_that_is_named_is_used_without_a_note(tmp_path: Path) -> None:
    config = tmp_path / ".iacgate.yaml"
    config.write_text("workspace: prod\n")
    ran = judge_plan(tmp_path, plan(instance()), "--config", config)
    assert (ran.report["input"]["workspace"], ran.report["notes"]) == ("prod", [])


@pytest.mark.parametrize(
    "content",
    [
        "skip: ['*']\n",
        "plugins: [evil]\n",
        "workspace: 7\n",
        "max_input_bytes: -1\n",
        "[]\n",
        "",
        "digest_key: plain-text\n",
        "workspace: a\nworkspace: b\n",
        "x: !!python/name:os.system\n",
    ],
)
def test_configuration_that_says_what_the_gate_does_not_know_ends_with_2(content: str, tmp_path: Path) -> None:
    config = tmp_path / "gate.yaml"
    config.write_text(content)
    ran = judge_plan(tmp_path, plan(instance(public=False)), "--config", config)
    assert ran.code == 2, ran
    assert "plain-text" not in ran.err, "a secret is not echoed"


# --- help ------------------------------------------------------------------------------------------------------------


def _is_refused(ran: Ran, path: Path) -> None:
    assert ran.code == 4, ran
    first, *hint = ran.err.splitlines()
    assert first.startswith(f"iacgate: error: {path}"), ran.err
    assert "internal error" not in ran.err
    assert len(hint) <= 1, ran.err
    assert all(line.startswith("  ") for line in hint)
    assert ran.report["input"]["kind"] == "unreadable" or ran.report["decision"]["outcome"] == "error"


def test_the_time_limit_of_these_tests_is_measured(tmp_path: Path) -> None:
    start = time.perf_counter()
    ran = judge_plan(tmp_path, plan(instance()))
    assert 0 < ran.seconds <= time.perf_counter() - start
