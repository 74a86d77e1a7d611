"""Images of a plan and of HCL, held against their scans: what is decided, and what is said of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.hostile import FIXTURES, Ran, call, judge, plan, written

IMAGES = FIXTURES / "scans" / "images"
DIGEST = "sha256:" + "0123456789abcdef" * 4
PINNED = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/app@{DIGEST}"
TASK = "aws_ecs_task_definition.app"
CHECK = "container-image-scanned"


def task(image: str = PINNED, before: str | None = None, definitions: str | None = None) -> dict[str, Any]:
    def values(image: str) -> dict[str, Any]:
        return {"family": "app", "container_definitions": definitions or json.dumps([{"name": "app", "image": image}])}

    same = before == image
    return {
        "address": TASK,
        "mode": "managed",
        "type": "aws_ecs_task_definition",
        "name": "app",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {
            "actions": ["no-op"] if same else ["create"] if before is None else ["update"],
            "before": None if before is None else values(before),
            "after": values(image),
            "after_unknown": {},
            "before_sensitive": {},
            "after_sensitive": {},
        },
    }


def policy(table: str = "{}", more: str = "") -> str:
    return (
        "schema: iacgate/policy/v1\nname: p\nversion: 1\npolicy_sets:\n  - name: s\n"
        f"    images: {table}\n"
        f"    rules: [{{checks: {{id: {CHECK}}}, level: hard-mandatory}}]\n{more}"
    )


def run(folder: Path, change: dict[str, Any], *scans: str | Path, table: str = "{}", more: str = "") -> Ran:
    words: list[str | Path] = [word for scan in scans for word in ("--import-image-scan", scan)]
    return judge(written(folder, plan(change)), "--policy-set", written(folder, policy(table, more), "p.yaml"), *words)


def of(ran: Ran) -> dict[str, Any]:
    (one,) = [one for one in ran.report["results"] if one["check"] == CHECK]
    return one


def clean(folder: Path, **changes: Any) -> Path:
    scan = json.loads((IMAGES / "ecr.json").read_bytes())
    findings = {"imageScanCompletedAt": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "findings": []}
    return written(folder, {**scan, "imageScanFindings": findings, **changes}, "clean.json")


def test_a_scanned_image_without_an_old_vulnerability_is_allowed(tmp_path: Path) -> None:
    ran = run(tmp_path, task(), clean(tmp_path), table="{max_age: 24h}")
    assert (ran.code, ran.outcome, ran.report["results"]) == (0, "allow", []), ran.out
    (scan,) = ran.report["scans"]
    assert (scan["tool"], scan["images"], scan["findings"], scan["problem"]) == ("ecr", 1, 0, "")


@pytest.mark.parametrize("name", ["ecr.json", "ecr-enhanced.json", "artifact-analysis.json", "defender.json"])
def test_an_old_vulnerability_denies_whoever_found_it(name: str, tmp_path: Path) -> None:
    ran = run(tmp_path, task(), IMAGES / name)
    one = of(ran)
    assert (ran.code, one["verdict"], one["change"]) == (1, "fail", "introduced")
    assert "CVE-2024-" in one["evidence"][1]["actual"]
    assert one["evidence"][0]["actual"] == PINNED


def test_sarif_names_its_image_or_is_given_with_it(tmp_path: Path) -> None:
    assert run(tmp_path, task(), IMAGES / "trivy.sarif").code == 1
    assert run(tmp_path, task(), f"app@{DIGEST}={IMAGES / 'grype.sarif'}").code == 1
    ran = run(tmp_path, task(), IMAGES / "grype.sarif")
    assert (ran.code, of(ran)["verdict"]) == (4, "unknown")


def test_what_nobody_has_scanned_is_unknown_or_what_the_policy_says(tmp_path: Path) -> None:
    ran = run(tmp_path, task())
    assert (ran.code, ran.outcome, of(ran)["verdict"]) == (3, "review", "unknown")
    assert of(ran)["evidence"][0]["needs"] == "no scan of it was given (--import-image-scan)"
    ran = run(tmp_path, task(), table="{unscanned: fail}")
    assert (ran.code, of(ran)["verdict"]) == (1, "fail")
    ran = run(tmp_path, task(f"app@sha256:{'f' * 64}"), clean(tmp_path))
    assert (ran.code, of(ran)["verdict"]) == (3, "unknown")


def test_a_scan_that_did_not_end_leaves_it_unknown(tmp_path: Path) -> None:
    ran = run(tmp_path, task(), clean(tmp_path, imageScanStatus={"status": "IN_PROGRESS"}))
    assert (ran.code, of(ran)["verdict"]) == (3, "unknown")
    assert of(ran)["evidence"][0]["needs"] == "its scan shows nothing: its status is IN_PROGRESS"


def test_the_same_image_as_before_is_an_old_finding_and_another_a_new_one(tmp_path: Path) -> None:
    scan = IMAGES / "ecr.json"
    ran = run(tmp_path, task(before=PINNED), scan)
    assert (ran.code, of(ran)["change"], of(ran)["effect"]) == (0, "pre-existing", "note")
    assert of(run(tmp_path, task(before=f"app@sha256:{'f' * 64}"), scan))["change"] == "introduced"
    ran = run(tmp_path, task(f"app@sha256:{'f' * 64}", before=PINNED), scan)
    assert of(ran)["verdict"] == "unknown"


def test_an_exception_releases_it(tmp_path: Path) -> None:
    more = (
        "exceptions:\n"
        f"  - {{id: e, check: {CHECK}, address: {TASK}, reason: no fix yet, owner: team,"
        " review_by: 2099-01-01, requires: []}\n"
    )
    ran = run(tmp_path, task(), IMAGES / "ecr.json", more=more)
    assert (ran.code, of(ran)["effect"]) == (0, "excepted")


@pytest.mark.parametrize("name", ["ecr.json", "defender.json", "trivy.sarif"])
def test_no_beginning_of_a_scan_reads_as_clean(name: str, tmp_path: Path) -> None:
    data = (IMAGES / name).read_bytes().rstrip()
    for length in range(0, len(data), 97):
        cut = tmp_path / "cut.json"
        cut.write_bytes(data[:length])
        assert run(tmp_path, task(), cut).code == 4, length


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"imageId": 1, "imageId": 2}', "\x00", '{"runs": []}'])
def test_a_foreign_or_empty_file_is_an_error_that_names_it(content: str, tmp_path: Path) -> None:
    ran = run(tmp_path, task(), written(tmp_path, content, "scan.json"))
    assert (ran.code, ran.outcome) == (4, "error")
    assert any("scan.json" in reason for reason in ran.report["decision"]["reasons"])


def test_an_empty_scan_that_names_no_image_needs_a_receipt(tmp_path: Path) -> None:
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "grype", "rules": []}}, "results": []}]}
    scan = written(tmp_path, log, "grype.sarif")
    given = f"app@{DIGEST}={scan}"
    assert run(tmp_path, task(), given).code == 4
    now = datetime.now(UTC).isoformat()
    receipt = written(tmp_path, {"schema": "iacgate/receipt/v1", "tool": "grype", "rules": 9, "time": now}, "r.json")
    words = ("--policy-set", written(tmp_path, policy("{max_age: 1h}"), "p.yaml"), "--receipt", receipt)
    ran = judge(written(tmp_path, plan(task())), *words, "--import-image-scan", given)
    assert ran.code == 0, ran.out


def test_container_definitions_that_cannot_be_read_are_an_error_without_a_word_of_them(tmp_path: Path) -> None:
    ran = run(tmp_path, task(definitions='[{"image": "hunter2-canary"'))
    assert (ran.code, of(ran)["verdict"]) == (4, "error")
    assert "hunter2-canary" not in ran.out + ran.err


def test_a_policy_that_asks_for_nothing_is_refused_and_a_scan_that_nobody_asks_for_is_said(tmp_path: Path) -> None:
    text = policy("{max_age: 1d}").replace(CHECK, "container-image-version")
    ran = judge(written(tmp_path, plan(task())), "--policy-set", written(tmp_path, text, "p.yaml"))
    assert ran.code == 2
    assert "no rule asks for it" in ran.err
    ran = judge(written(tmp_path, plan(task())), "--import-image-scan", IMAGES / "ecr.json")
    assert any("the policy does not ask for them" in note for note in ran.report["notes"])


@pytest.mark.parametrize(
    "table",
    [
        "{max_age: 7}",
        "{fix_within: {critical: 1w}}",
        "{fix_within: {urgent: 1d}}",
        "{match: name}",
        "{allow: all}",
        "7",
    ],
)
def test_a_table_that_says_nothing_that_is_known_is_refused(table: str, tmp_path: Path) -> None:
    assert run(tmp_path, task(), table=table).code == 2


def test_images_in_hcl_are_seen_and_what_is_known_of_encoded_json_is_too(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'variable "team" {}\n'
        'resource "aws_ecs_task_definition" "app" {\n  family = "app"\n'
        f'  container_definitions = jsonencode([{{ name = var.team, image = "{PINNED}" }}])\n}}\n'
    )
    words = ("--policy-set", written(tmp_path, policy(), "p.yaml"), "--import-image-scan", IMAGES / "ecr.json")
    ran = judge(tmp_path, *words)
    assert (of(ran)["verdict"], of(ran)["effect"]) == ("fail", "deny"), ran.out


def test_explain_tells_which_vulnerability_it_is(tmp_path: Path) -> None:
    words = ("--policy-set", written(tmp_path, policy(), "p.yaml"), "--import-image-scan", IMAGES / "ecr.json")
    ran = call("explain", CHECK, written(tmp_path, plan(task())), *words)
    assert "CVE-2024-3094 (critical)" in ran.out, ran


LOOKUP = {
    "address": "data.aws_ami.base",
    "mode": "data",
    "type": "aws_ami",
    "name": "base",
    "provider_name": "registry.terraform.io/hashicorp/aws",
    "schema_version": 0,
    "values": {"id": "ami-0123456789abcdef0", "most_recent": True, "owners": None, "filter": []},
}


@pytest.mark.parametrize(
    ("values", "ami", "verdict"),
    [
        ({}, "ami-0123456789abcdef0", "fail"),
        ({"owners": ["amazon"]}, "ami-0123456789abcdef0", "pass"),
        ({"filter": [{"name": "owner-id", "values": ["111122223333"]}]}, "ami-0123456789abcdef0", "pass"),
        ({"most_recent": False}, "ami-0123456789abcdef0", "pass"),
        ({}, "ami-0fedcba9876543210", "pass"),
    ],
)
def test_a_machine_image_that_was_looked_up_names_its_owner(
    values: dict[str, Any], ami: str, verdict: str, tmp_path: Path
) -> None:
    change = {"actions": ["create"], "before": None, "after": {"ami": ami, "instance_type": "t3.micro"}}
    one = {
        "address": "aws_instance.a",
        "mode": "managed",
        "type": "aws_instance",
        "name": "a",
        "provider_name": LOOKUP["provider_name"],
        "change": {**change, "after_unknown": {}, "before_sensitive": False, "after_sensitive": {}},
    }
    found = {**LOOKUP, "values": {**LOOKUP["values"], **values}}
    given = {
        **plan(one),
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": [found]}}},
    }
    ran = judge(written(tmp_path, given), "--include-passed")
    assert ran.verdicts("aws_instance.a")["aws-ami-owner"] == verdict
