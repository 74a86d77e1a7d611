"""``--inventory``: what a plan cannot know is answered, with its age; what is no inventory is refused."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from iacgate.cli.main import main
from iacgate.errors import IacgateError
from iacgate.gate.judge import load_policy

from .gate import FIXTURES, plan, run

BRANCH, NET_BANKING = FIXTURES / "inventories" / "branch.json", FIXTURES / "inventories" / "net-banking.json"
POLICY = """schema: iacgate/policy/v1
name: own
version: "1"
policy_sets:
  - name: all
    inventory: {inventory}
    rules:
      - {{checks: {{}}, level: hard-mandatory}}
"""


@pytest.fixture(scope="module", name="branch")
def make_branch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index(BRANCH, tmp_path_factory.mktemp("index") / "branch.idx")


def index(inventory: Path, output: Path) -> Path:
    result = CliRunner().invoke(
        main, ["inventory", "index", str(inventory), "--output", str(output)], standalone_mode=False
    )
    assert result.exception is None, result.output
    return output


def unknown(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["check"], one["resource"]["address"]) for one in report["results"] if one["verdict"] == "unknown"}


def verdicts(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(one["check"], one["resource"]["address"]): one["verdict"] for one in report["results"]}


LINKED = {
    ("aws-s3-bucket-policy-requires-tls", "aws_s3_bucket.archive"): "fail",
    ("aws-s3-bucket-public-access-block", "aws_s3_bucket.archive"): "fail",
    ("aws-s3-bucket-policy-requires-tls", "aws_s3_bucket.exports"): "pass",
    ("aws-s3-bucket-public-access-block", "aws_s3_bucket.trail"): "pass",
    ("aws-vpc-flow-logs", "aws_vpc.main"): "pass",
}


def test_an_index_settles_what_old_resources_are_linked_to(branch: Path) -> None:
    _, alone = run(plan("legacy-nochange"), "--include-passed")
    _, known = run(plan("legacy-nochange"), "--include-passed", "--inventory", branch)
    assert LINKED.keys() <= unknown(alone)
    found = verdicts(known)
    assert {pair: found[pair] for pair in LINKED} == LINKED
    changed = {pair for pair, verdict in verdicts(alone).items() if found[pair] != verdict}
    assert changed <= unknown(alone)


def test_an_inventory_itself_answers_as_its_index_does(branch: Path) -> None:
    reports = [run(plan("legacy-nochange"), "--inventory", one)[1] for one in (branch, BRANCH)]
    assert verdicts(reports[0]) == verdicts(reports[1])


def test_a_literal_subnet_is_found(branch: Path) -> None:
    pair = ("aws-ec2-instance-private-ip", "aws_instance.subnet_literal")
    assert pair in unknown(run(plan("references"))[1])
    found = run(plan("references"), "--include-passed", "--inventory", branch)[1]
    assert verdicts(found)[pair] == "pass"


def test_a_plan_of_another_account_gets_no_answer_but_by_ids(branch: Path) -> None:
    _, report = run(plan("references"), "--include-passed", "--inventory", branch, "--account", "444455556666")
    assert verdicts(report)["aws-ec2-instance-private-ip", "aws_instance.subnet_literal"] == "pass"
    assert report["coverage"]["not_asked"] == run(plan("references"))[1]["coverage"]["not_asked"]


def test_the_platform_is_settled(tmp_path: Path) -> None:
    for name in ("net-banking-create", "net-banking-broken-create"):
        _, alone = run(plan(name))
        _, known = run(plan(name), "--inventory", index(NET_BANKING, tmp_path / name))
        assert len(unknown(known)) <= len(unknown(alone))
        pairs = sum(known["summary"][key] for key in ("pass", "fail", "unknown"))
        assert len(unknown(known)) <= 0.01 * pairs
        assert known["coverage"]["not_asked"] < alone["coverage"]["not_asked"]


def test_a_bare_account_excuses_nothing_that_was_planted(tmp_path: Path) -> None:
    bare = index(FIXTURES / "inventories" / "net-banking-bare.json", tmp_path / "bare.idx")
    _, alone = run(plan("net-banking-broken-create"))
    _, known = run(plan("net-banking-broken-create"), "--inventory", bare)
    found = verdicts(known)
    assert {
        pair for pair, verdict in verdicts(alone).items() if verdict == "fail" and found.get(pair) != "fail"
    } == set()
    assert known["coverage"]["not_asked"] < alone["coverage"]["not_asked"]


def test_the_report_says_which_inventory_answered_and_how_old_it_is(branch: Path) -> None:
    _, report = run(plan("legacy-nochange"), "--inventory", branch)
    found = report["input"]["inventory"]
    assert {key: found[key] for key in ("path", "collected_at", "scopes", "complete", "used")} == {
        "path": str(branch),
        "collected_at": "2025-06-02T05:30:00Z",
        "scopes": ["aws/123456789012/eu-central-1", "aws/123456789012/global"],
        "complete": True,
        "used": True,
    }
    assert len(found["sha256"]) == 64
    age = (datetime.now(UTC) - datetime(2025, 6, 2, 5, 30, tzinfo=UTC)).total_seconds()
    assert abs(found["age_seconds"] - age) < 600
    assert any("inventory" in evidence.get("source", "") for one in report["results"] for evidence in one["evidence"])
    shown = invoke("check", plan("legacy-nochange"), "--inventory", branch).output
    assert f"Inventory {branch} (" in shown.replace("\n  ", " ")
    assert run(plan("legacy-nochange"))[1]["input"]["inventory"] is None


def invoke(*words: Any) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], standalone_mode=False)


def process(*words: Any) -> subprocess.CompletedProcess[bytes]:
    code = "from iacgate.cli.main import run; run()"
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, timeout=60)


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("truncated", truncated),
        ("appended", lambda data: data + b"x"),
        ("empty", lambda data: b""),
        ("another version", lambda data: data.replace(b"index-1", b"index-9", 1)),
        ("a plan", lambda data: plan("update").read_bytes()),
        ("text", lambda data: b"hello"),
        ("an inventory cut off", lambda data: truncated(BRANCH.read_bytes())),
        ("nothing in it", lambda data: b"{}"),
    ],
)
def test_what_is_no_whole_index_ends_in_an_error(branch: Path, tmp_path: Path, name: str, damage: Any) -> None:
    file = tmp_path / "index"
    file.write_bytes(damage(branch.read_bytes()))
    result = process("check", plan("legacy-nochange"), "--inventory", file)
    assert result.returncode == 4
    assert result.stderr.count(b"error:") == 1, name
    assert b"Traceback" not in result.stderr


def test_every_damaged_block_of_records_ends_in_an_error_where_it_is_asked_for(branch: Path, tmp_path: Path) -> None:
    data = branch.read_bytes()
    length = int.from_bytes(data[48:56], "little")
    damaged = bytearray(data)
    for place in range(56 + length, len(data)):
        damaged[place] ^= 0xFF
    file = tmp_path / "index"
    file.write_bytes(bytes(damaged))
    code, report = 0, {}
    result = invoke("check", plan("legacy-nochange"), "--inventory", file, "--format", "json")
    code, report = result.return_value, json.loads(result.stdout)
    assert (code, report["decision"]["outcome"]) == (4, "error")


def test_a_missing_inventory_ends_in_an_error(tmp_path: Path) -> None:
    assert process("check", plan("update"), "--inventory", tmp_path / "none").returncode == 4


def policy(tmp_path: Path, inventory: str) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.format(inventory=inventory), "utf-8")
    return file


def young(tmp_path: Path, hours: float) -> Path:
    document = json.loads(BRANCH.read_text("utf-8"))
    document["collected_at"] = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    file = tmp_path / f"{hours}.json"
    file.write_text(json.dumps(document), "utf-8")
    return file


@pytest.mark.parametrize(
    ("rule", "hours", "used", "error"),
    [
        ("{max_age: 24h}", 2, True, False),
        ("{max_age: 24h}", 25, False, False),
        ("{max_age: 24h, required: true}", 2, True, False),
        ("{max_age: 24h, required: true}", 25, False, True),
        ("{required: true}", 9_000, True, False),
        ("{max_age: 7d, required: true}", 9_000, False, True),
    ],
)
def test_an_inventory_older_than_the_policy_takes_answers_nothing(
    tmp_path: Path, rule: str, hours: float, used: bool, error: bool
) -> None:
    words = [plan("legacy-nochange"), "--policy-set", policy(tmp_path, rule)]
    _, without = run(plan("legacy-nochange"))
    code, report = run(*words, "--inventory", young(tmp_path, hours))
    assert report["input"]["inventory"]["used"] is used
    settled = unknown(without) - unknown(report)
    assert bool(settled) is used
    assert (report["decision"]["outcome"] == "error") is error
    assert (code == 4) is error
    said = [*report["decision"]["reasons"], *report["notes"]]
    assert any("the policy takes it for" in one for one in said) is not used


def test_a_policy_that_requires_an_inventory_gets_one_or_ends_in_an_error(tmp_path: Path) -> None:
    code, report = run(plan("update"), "--policy-set", policy(tmp_path, "{required: true}"))
    assert code == 4
    assert any("requires an inventory" in one for one in report["decision"]["reasons"])


@pytest.mark.parametrize("rule", ["{max_age: 1}", "{max_age: soon}", "{required: maybe}", "{colour: red}", "[]", "24h"])
def test_a_rule_that_is_none_is_refused(tmp_path: Path, rule: str) -> None:
    with pytest.raises(IacgateError) as caught:
        load_policy(policy(tmp_path, rule))
    assert caught.value.exit_code == 2


def test_of_several_sets_the_strictest_rule_holds(tmp_path: Path) -> None:
    file = policy(tmp_path, "{max_age: 24h}")
    more = "  - {name: more, inventory: {max_age: 7d, required: true}, rules: [{checks: {}, level: advisory}]}\n"
    file.write_text(file.read_text("utf-8") + more, "utf-8")
    code, _ = run(plan("legacy-nochange"), "--policy-set", file, "--inventory", young(tmp_path, 30))
    assert code == 4


def test_explain_says_where_the_value_comes_from(branch: Path) -> None:
    result = invoke("explain", "aws_s3_bucket.archive", plan("legacy-nochange"), "--inventory", branch)
    assert result.exception is None
    assert "aws-s3-bucket-public-access-block on aws_s3_bucket.archive: fail" in result.output
    result = invoke("explain", "aws_vpc.main", plan("legacy-nochange"), "--inventory", branch)
    assert "aws-vpc-flow-logs on aws_vpc.main: pass" in result.output


HCL = """
provider "aws" {
  region = var.region
}
variable "region" { default = "eu-central-1" }
resource "aws_instance" "i" {
  ami       = "ami-0f1e2d3c4b5a69788"
  subnet_id = "subnet-0123456789abcdef0"
}
resource "aws_ebs_volume" "v" {
  availability_zone = "eu-central-1a"
  size              = 1
}
"""


def test_a_directory_of_hcl_is_answered_and_remembered_by_the_inventory(tmp_path: Path, branch: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(HCL, "utf-8")
    private, encrypted = (
        ("aws-ec2-instance-private-ip", "aws_instance.i"),
        ("aws-ebs-volume-encrypted", "aws_ebs_volume.v"),
    )
    bank = index(NET_BANKING, tmp_path / "bank.idx")
    for _ in range(2):  # the second time it is remembered
        alone = verdicts(run(root, "--include-passed")[1])
        _, known = run(root, "--include-passed", "--inventory", branch)
        _, other = run(root, "--include-passed", "--inventory", bank)
        assert (alone[private], alone[encrypted]) == ("unknown", "fail")
        assert (verdicts(known)[private], verdicts(known)[encrypted]) == ("pass", "fail")
        assert (verdicts(other)[private], verdicts(other)[encrypted]) == ("unknown", "pass")
        assert known["input"]["inventory"]["path"] == str(branch)


def test_a_provider_in_another_region_of_hcl_gets_no_answer(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(HCL.replace('default = "eu-central-1"', 'default = "us-east-1"'), "utf-8")
    _, known = run(root, "--include-passed", "--inventory", NET_BANKING)
    assert verdicts(known)["aws-ebs-volume-encrypted", "aws_ebs_volume.v"] == "fail"


def test_a_remembered_report_is_not_used_once_the_inventory_is_too_old(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(HCL, "utf-8")
    inventory = young(tmp_path, 30)
    pair = ("aws-ec2-instance-private-ip", "aws_instance.i")
    for rule, verdict in (("{max_age: 48h}", "pass"), ("{max_age: 24h}", "unknown")):
        _, report = run(root, "--include-passed", "--inventory", inventory, "--policy-set", policy(tmp_path, rule))
        assert verdicts(report)[pair] == verdict


def test_nothing_sensitive_of_an_inventory_enters_the_index(tmp_path: Path) -> None:
    document = json.loads(BRANCH.read_text("utf-8"))
    place = {key: document["resources"][0][key] for key in ("account", "region")}
    secret = {"id": "db", "password": "canary-hunter2", "storage_encrypted": True, "user_data": "canary-hunter2"}
    document["resources"] += [
        {"type": kind, "cloud_id": kind, "attributes": secret, **place} for kind in ("aws_db_instance", "aws_instance")
    ]
    source = tmp_path / "i.json"
    source.write_text(json.dumps(document), "utf-8")
    made = index(source, tmp_path / "i.idx")
    for path in (made, source):
        report = tmp_path / "report"
        run(plan("legacy-nochange"), "--inventory", path, "--report", f"json={report}")
        assert b"canary" not in report.read_bytes()


def test_an_index_never_takes_the_place_of_its_inventory(tmp_path: Path) -> None:
    file = tmp_path / "i.json"
    file.write_bytes(BRANCH.read_bytes())
    assert process("inventory", "index", file, "--output", file).returncode == 2
    assert process("check", plan("update"), "--inventory", file, "--output", file).returncode == 2
    assert file.read_bytes() == BRANCH.read_bytes()


@pytest.mark.parametrize("account", ["12", "no such/eu-central-1/x", "123456789012/EU"])
def test_an_account_that_is_none_is_refused(account: str) -> None:
    assert process("check", plan("update"), "--inventory", BRANCH, f"--account={account}").returncode == 2


def test_without_an_inventory_nothing_of_it_is_imported() -> None:
    code = (
        "import sys; from iacgate.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "print(*sorted(m for m in sys.modules if m.startswith('iacgate')), file=sys.stderr)"
    )
    words = [sys.executable, "-c", code, "check", str(plan("update")), "-q"]
    loaded = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stderr.split()
    assert "iacgate.policy.evaluate" in loaded
    ours = (
        "inventory_json",
        "index_file",
        "posture",
        "inventory_subject",
        "plan_scope",
        "same_resource",
        "asked_types",
    )
    assert [one for one in loaded if one.rpartition(".")[2] in ours or one == "iacgate.gate.inventory"] == []
