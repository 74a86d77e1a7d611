"""Every example of every check, judged as a plan."""

from pathlib import Path

import pytest

from iacgate.policy.catalogue import lint_files, packaged_root
from iacgate.policy.check_file import read_check
from iacgate.policy.provider_schema import load
from iacgate.policy.yaml_nodes import Source
from iacgate.testing.examples import example_plan
from iacgate.testing.judging import fits, judge_check

ROOT = packaged_root()
SCHEMA = load()


def _examples() -> list[tuple[str, str, int, str]]:
    out = []
    for path in sorted(ROOT.rglob("*.yaml")):
        if path.parent.name in ("policies", "frameworks"):
            continue
        check = read_check(path.read_bytes(), Source(path.name), path.stem, SCHEMA)
        assert check is not None, path
        out += [
            (path.stem, label, i, text) for label, texts in check["examples"].items() for i, text in enumerate(texts)
        ]
    return out


EXAMPLES = _examples()


@pytest.mark.parametrize(
    ("check", "label", "position", "text"), EXAMPLES, ids=[f"{c}-{k}-{i}" for c, k, i, _ in EXAMPLES]
)
def test_an_example_gives_the_verdict_it_stands_under(check: str, label: str, position: int, text: str) -> None:
    verdicts = judge_check(check, example_plan(text, SCHEMA), ROOT)
    assert fits(label, verdicts), (label, verdicts)


def test_every_check_has_examples_of_all_three_verdicts() -> None:
    labels: dict[str, set[str]] = {}
    for check, label, _, _ in EXAMPLES:
        labels.setdefault(check, set()).add(label)
    assert {check: found for check, found in labels.items() if found != {"pass", "fail", "unknown"}} == {}


def test_the_library_is_without_a_problem() -> None:
    files = [(str(path.relative_to(ROOT)), path.read_bytes()) for path in sorted(ROOT.rglob("*.yaml"))]
    checks, problems, policies = lint_files(Path("checks"), files)
    assert problems == []
    assert len(checks) >= 25
    assert "baseline" in policies
