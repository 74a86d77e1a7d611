"""Every example of every check, judged as a plan."""

from pathlib import Path

import pytest

from iacgate.policy.catalogue import lint_files, packaged_root, read_check_files
from iacgate.policy.check_file import read_check
from iacgate.policy.provider_schema import load
from iacgate.policy.yaml_nodes import Source
from iacgate.testing.examples import example_plan
from iacgate.testing.judging import fits, judge_check

ROOT = packaged_root()
NEVER_UNKNOWN = {
    "aws-stateful-resource-kept",
    "azure-stateful-resource-kept",
    "google-stateful-resource-kept",
    "hygiene-no-external-data",
    "hygiene-no-http-data",
    "aws-api-gateway-private",
    "aws-backup-vault-locked",
    "azure-app-configuration-customer-managed-key",
    "azure-automation-account-customer-managed-key",
    "azure-defender-plan-kept",
    "azure-key-vault-key-rotation",
    "azure-machine-learning-customer-managed-key",
    "azure-monitor-directory-log-exported-in-account",
    "azure-redis-customer-managed-key",
    "azure-storage-share-soft-delete",
    "azure-synapse-customer-managed-key",
    "google-access-approval-in-account",
    "google-security-center-notifications-in-account",
    "hygiene-provider-source-allowed",
}
"""What a plan does to a resource, whether it makes a partner beside it, of which type a block is, and which providers
there are is always known."""
SCHEMA = load()


def _examples() -> list[tuple[str, str, int, str]]:
    out = []
    for name, content in read_check_files(ROOT):
        if name.startswith("policies/"):
            continue
        check = read_check(content, Source(name), Path(name).stem, SCHEMA)
        assert check is not None, name
        out += [
            (check["id"], label, i, text) for label, texts in check["examples"].items() for i, text in enumerate(texts)
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
    all_three = {"pass", "fail", "unknown"}
    wanted = {check: all_three - {"unknown"} if check in NEVER_UNKNOWN else all_three for check in labels}
    assert {check: found for check, found in labels.items() if found != wanted[check]} == {}


def test_the_library_is_without_a_problem() -> None:
    checks, problems, policies = lint_files(Path("checks"), read_check_files(ROOT))
    assert problems == []
    assert len(checks) >= 400
    assert "baseline" in policies
