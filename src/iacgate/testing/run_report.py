"""What running examples came to, for people, for programs (``iacgate/policy-test/v1``) and for CI (JUnit)."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from xml.etree import ElementTree

from iacgate.errors import Problem
from iacgate.reports.text import ADDRESS_LIMIT, clean, encode_json
from iacgate.reports.wording import count
from iacgate.testing.example_run import CheckRun, ExampleRun

__all__ = ["FORMATS", "SCHEMA", "otherwise", "summary_line"]

SCHEMA = "iacgate/policy-test/v1"


def otherwise(runs: Sequence[CheckRun]) -> int:
    """How many examples did not come out as they should."""
    return sum(not example.as_expected for run in runs for example in run.examples)


def summary_line(runs: Sequence[CheckRun], warnings: Sequence[Problem]) -> str:
    """``38 checks, 431 examples: 430 as expected, 1 not``."""
    total, wrong = sum(len(run.examples) for run in runs), otherwise(runs)
    line = f"{count(len(runs), 'check')}, {count(total, 'example')}: {total - wrong} as expected, {wrong} not"
    warned = len(warnings) + sum(len(run.warnings) for run in runs)
    return f"{line}; {count(warned, 'warning')}" if warned else line


def _terminal(runs: Sequence[CheckRun], warnings: Sequence[Problem]) -> bytes:
    """Checks with something to say, then all warnings of files, then how many there were."""
    lines: list[str] = []
    for run in runs:
        wrong = [example for example in run.examples if not example.as_expected]
        if wrong or run.warnings:
            lines.append(f"{run.id}  ({_place(run)})")
        for example in wrong:
            lines.append(f"  {_place(run, example)}: {_name(example)}: {_outcome(example)}")
            lines += [f"    {clean(why)}" for why in example.why]
        lines += [f"  warning: {clean(warning)}" for warning in run.warnings]
    lines += [clean(str(warning)) for warning in warnings]
    return "".join(f"{line}\n" for line in [*lines, summary_line(runs, warnings)]).encode(errors="replace")


def _json(runs: Sequence[CheckRun], warnings: Sequence[Problem]) -> bytes:
    """One object, as ``docs/guide/writing-checks.md`` says."""
    wrong = otherwise(runs)
    total = sum(len(run.examples) for run in runs)
    document = {
        "schema": SCHEMA,
        "summary": {"checks": len(runs), "examples": total, "as_expected": total - wrong, "otherwise": wrong},
        "checks": [
            {
                "id": run.id,
                "file": str(run.file),
                "examples": [
                    {
                        "expected": example.label,
                        "number": example.number,
                        "line": example.line,
                        "got": example.got,
                        "as_expected": example.as_expected,
                        "why": example.why,
                    }
                    for example in run.examples
                ],
                "warnings": run.warnings,
            }
            for run in runs
        ],
        "warnings": [str(warning) for warning in warnings],
    }
    return encode_json(document) + b"\n"


def _junit(runs: Sequence[CheckRun], warnings: Sequence[Problem]) -> bytes:
    """A suite a check, a case an example. Warnings are output of their suite; those of files are a suite's own."""
    root = ElementTree.Element("testsuites", name="iacgate policy test")
    for run in runs:
        wrong = [example for example in run.examples if not example.as_expected]
        counts = {"tests": str(len(run.examples)), "failures": str(len(wrong)), "errors": "0", "skipped": "0"}
        suite = ElementTree.SubElement(root, "testsuite", {"name": clean(run.id, ADDRESS_LIMIT), **counts})
        for example in run.examples:
            place = {"file": clean(str(run.file), ADDRESS_LIMIT), "line": str(example.line)}
            named = {"classname": clean(run.id, ADDRESS_LIMIT), "name": _name(example)}
            case = ElementTree.SubElement(suite, "testcase", {**named, **place})
            if not example.as_expected:
                failure = ElementTree.SubElement(case, "failure", message=_outcome(example), type="otherwise")
                failure.text = "\n".join(clean(why) for why in example.why)
        if run.warnings:
            ElementTree.SubElement(suite, "system-err").text = "\n".join(clean(warning) for warning in run.warnings)
    if warnings:
        counts = {"tests": "0", "failures": "0", "errors": "0", "skipped": "0"}
        suite = ElementTree.SubElement(root, "testsuite", {"name": "files", **counts})
        ElementTree.SubElement(suite, "system-err").text = "\n".join(clean(str(warning)) for warning in warnings)
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root) + b"\n"


def _name(example: ExampleRun) -> str:
    return f"{example.label} example {example.number}"


def _place(run: CheckRun, example: ExampleRun | None = None) -> str:
    file = clean(str(run.file), ADDRESS_LIMIT)
    return f"{file}:{example.line}" if example is not None else file


def _outcome(example: ExampleRun) -> str:
    return f"expected {example.label}, got {', '.join(example.got) or 'no verdict'}"


FORMATS: Mapping[str, Callable[[Sequence[CheckRun], Sequence[Problem]], bytes]] = MappingProxyType(
    {"terminal": _terminal, "json": _json, "junit": _junit}
)
"""Formats by name. The warnings are those of ``policy lint``."""
