"""Every finding of every plan can be explained, and so can every outcome."""

import pytest
from click.testing import CliRunner

from iacgate.cli.main import main

from .gate import FIXTURES, plan, run


def explain(*words: str) -> str:
    result = CliRunner().invoke(main, ["explain", *words], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in (FIXTURES / "plans").glob("*.json")))
def test_every_result_and_the_outcome_are_explained(name: str) -> None:
    _, report = run(plan(name), "--include-passed")
    assert report["decision"]["outcome"] in explain(str(plan(name)))
    for check in sorted({one["check"] for one in (*report["results"], *report["fixed"])}):
        told = explain(check, str(plan(name)))
        assert check in told
        assert "What the check asks" in told


def test_a_finding_is_found_by_fingerprint_address_check_and_alias() -> None:
    broken = plan("net-banking-broken-create")
    _, report = run(broken)
    (one,) = [one for one in report["results"] if one["check"] == "aws-rds-instance-not-public"]
    for words in (one["fingerprint"], one["fingerprint"][:4], one["resource"]["address"], one["check"], "CKV_AWS_17"):
        assert f"{one['check']} on {one['resource']['address']}: fail" in explain(words, str(broken)), words
