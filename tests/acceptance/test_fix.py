"""Every fix that a check offers, made on every example that fails: it passes, and nothing else is touched."""

import difflib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iacgate.cli.main import main
from iacgate.errors import IacgateError
from iacgate.gate.fix_write import write_changes
from iacgate.gate.fixes import FixPlan, find_fixes
from iacgate.gate.judge import PolicySource, Settings, judge, load_policy
from iacgate.model.finding import Verdict
from iacgate.policy.catalogue import lint_files, packaged_root, read_check_files
from iacgate.policy.provider_schema import load
from iacgate.testing.examples import example_plan

ROOT = packaged_root()
SCHEMA = load()
CHECKS = lint_files(ROOT, read_check_files(ROOT))[0]
FAILING = [
    (check["id"], number, text)
    for check in CHECKS
    if any("fix" in case for case in check["cases"])
    for number, text in enumerate(check["examples"]["fail"])
]
DECLINED = {
    # Clients must have moved over before an upgrade may end: that is for people to say.
    ("aws-elasticache-replication-group-encrypted-in-transit", 2): "there is no block to write it into, or",
    # Which bucket takes the logs, only people know.
    ("aws-lb-access-logs", 0): "there is no block to write it into, or",
    ("aws-lb-access-logs", 3): "there is no block to write it into, or",
    # Grants to everybody beside the access list.
    ("aws-s3-bucket-acl-not-public", 2): "judged again with the edit, it does not pass",
    ("aws-s3-bucket-acl-not-public", 5): "judged again with the edit, it does not pass",
    ("aws-s3-bucket-acl-not-public", 7): "judged again with the edit, it does not pass",
    # A resource that is not there.
    ("aws-s3-bucket-public-access-block", 0): "it needs a decision",
    ("aws-s3-bucket-public-access-block", 1): "it needs a decision",
}
"""Failing examples that a fix does not reach, and how the reason begins."""
TERRAFORM = shutil.which("terraform")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> PolicySource:
    """All checks, the strict ones too."""
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text(
        "schema: iacgate/policy/v1\nname: all\nversion: 1\n"
        "policy_sets: [{name: all, rules: [{checks: {}, level: hard-mandatory}]}]\n"
    )
    return load_policy(file)


def fixes_of(directory: Path, policy: PolicySource, check: str = "") -> FixPlan:
    return find_fixes(str(directory), policy, Settings(use_cache=False), lambda one: check in ("", one.check.id))


def apply(plan: FixPlan) -> None:
    for change in plan.changes:
        change.path.write_bytes(change.after)


def failing(directory: Path, policy: PolicySource) -> set[tuple[str, str]]:
    results = judge(str(directory), policy, Settings(use_cache=False)).report.results
    return {(one.check.id, one.subject.address) for one in results if one.verdict is Verdict.FAIL}


def formatted(directory: Path) -> bool:
    if TERRAFORM is None:
        return True
    done = subprocess.run([TERRAFORM, "fmt", "-check", "-recursive", directory], capture_output=True, timeout=60)
    return done.returncode == 0


@pytest.mark.parametrize(("check", "number", "text"), FAILING, ids=[f"{check}-{n}" for check, n, _ in FAILING])
def test_a_failing_example_is_fixed_and_stays_so(
    check: str, number: int, text: str, tmp_path: Path, policy: PolicySource
) -> None:
    file = tmp_path / "main.tf"
    file.write_text(f"# before\n{text.rstrip()}\n# after\n")
    tidy = formatted(tmp_path)
    before = failing(tmp_path, policy)
    plan = fixes_of(tmp_path, policy, check)
    reason = DECLINED.get((check, number))
    if reason is not None:
        assert [one.why for one in plan.declined if one.why.startswith(reason)]
        return
    assert not plan.declined
    assert plan.fixes
    apply(plan)
    after = failing(tmp_path, policy)
    assert after < before
    assert not [one for one, _ in after if one == check]
    assert not tidy or formatted(tmp_path)
    assert fixes_of(tmp_path, policy, check).changes == []
    written = file.read_text().splitlines()
    assert (written[0], written[-1]) == ("# before", "# after")
    names = {edit.site.name for fix in plan.fixes for edit in fix.edits}
    assert untouched(text.splitlines(), names) == untouched(written, names)


def untouched(lines: list[str], names: set[str]) -> list[str]:
    """Attributes but those of these names, without their layout."""
    return [
        " ".join(line.split())
        for line in lines
        if "=" in line and "{" not in line and not any(name in line for name in names)
    ]


class TestWhereAValueComesFrom:
    """An edit stands where the value is written, or there is none."""

    VOLUME = 'resource "aws_ebs_volume" "a" {\n  availability_zone = "a"\n  encrypted         = %s\n}\n'

    def plan(self, tmp_path: Path, policy: PolicySource, files: dict[str, str]) -> FixPlan:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return fixes_of(tmp_path, policy, "aws-ebs-volume-encrypted")

    @pytest.mark.parametrize(
        ("files", "edited", "line"),
        [
            ({"main.tf": VOLUME % "var.e", "v.tf": 'variable "e" { default = false }\n'}, "v.tf", "default = true"),
            (
                {"main.tf": 'module "m" {\n  source = "./m"\n  e      = false\n}\n',
                 "m/main.tf": 'variable "e" {}\n' + VOLUME % "var.e"},
                "main.tf", "  e      = true",
            ),
            (
                {"main.tf": 'module "m" {\n  source = "./m"\n}\n',
                 "m/main.tf": 'variable "e" {\n  default = false # not yet\n}\n' + VOLUME % "var.e"},
                "m/main.tf", "  default = true # not yet",
            ),
            (
                {"main.tf": 'variable "x" {\n  default = false\n}\nmodule "m" {\n  source = "./m"\n  e = var.x\n}\n',
                 "m/main.tf": 'variable "e" {}\n' + VOLUME % "var.e"},
                "main.tf", "  default = true",
            ),
            (
                {"main.tf": VOLUME % "true", "a_override.tf": VOLUME % "false"},
                "a_override.tf", "encrypted         = true",
            ),
            (
                {"main.tf": VOLUME % "false", "a_override.tf": 'resource "aws_ebs_volume" "a" {\n  size = 1\n}\n'},
                "main.tf", "encrypted         = true",
            ),
        ],
        ids=["default", "argument", "default of a module", "through two modules", "override", "beside an override"],
    )  # fmt: skip
    def test_it_is_edited_there(
        self, files: dict[str, str], edited: str, line: str, tmp_path: Path, policy: PolicySource
    ) -> None:
        plan = self.plan(tmp_path, policy, files)
        assert [one.shown for one in plan.changes] == [edited]
        assert line in plan.changes[0].after.decode()
        before, after = (text.decode().splitlines() for text in (plan.changes[0].before, plan.changes[0].after))
        assert len([one for one in difflib.ndiff(before, after) if one.startswith("+")]) == 1

    @pytest.mark.parametrize(
        ("files", "why"),
        [
            ({"main.tf": VOLUME % "!true"}, "`encrypted` is computed (main.tf:3)"),
            ({"main.tf": VOLUME % "local.e" + "locals {\n  e = false\n}\n"}, "`encrypted` is computed"),
            (
                {"main.tf": (VOLUME % "each.value").replace("{", "{\n  for_each = {x = true, y = false}", 1)},
                "`encrypted` is computed",
            ),
            (
                {"main.tf": 'module "m" {\n  source = "./m"\n  e = !true\n}\n',
                 "m/main.tf": 'variable "e" {}\n' + VOLUME % "var.e"},
                "`e` is computed by the caller (main.tf:3)",
            ),
            (
                {"main.tf": VOLUME % "var.e" + 'variable "e" {\n  type = bool\n}\n', "terraform.tfvars": "e = false\n"},
                "the variable `e` has no plain default",
            ),
            (
                {"main.tf": VOLUME % "var.e" + 'variable "e" {\n  default = false\n}\n',
                 "terraform.tfvars": "e = false\n"},
                "judged again with the edit, it does not pass",
            ),
            (
                {"main.tf.json": '{"resource": {"aws_ebs_volume": {"a": {"availability_zone": "a"}}}}'},
                "main.tf.json is JSON",
            ),
            (
                {".terraform/modules/modules.json": '{"Modules": [{"Key": "m", "Dir": ".terraform/modules/m"}]}',
                 ".terraform/modules/m/main.tf": VOLUME % "false", "main.tf": 'module "m" {\n  source = "x/y/z"\n}\n'},
                ".terraform/modules/m/main.tf stands outside",
            ),
        ],
    )  # fmt: skip
    def test_or_it_is_declined(self, files: dict[str, str], why: str, tmp_path: Path, policy: PolicySource) -> None:
        plan = self.plan(tmp_path, policy, files)
        assert not plan.changes
        assert [one.why[: len(why)] for one in plan.declined] == [why]

    def test_a_variable_that_decides_something_else_as_well_is_left_alone(
        self, tmp_path: Path, policy: PolicySource
    ) -> None:
        text = self.VOLUME % "var.e" + 'variable "e" { default = false }\n'
        text += 'resource "aws_db_instance" "d" {\n  publicly_accessible = var.e\n}\n'
        plan = self.plan(tmp_path, policy, {"main.tf": text})
        assert [one.why for one in plan.declined] == ["judged again with the edit, another verdict changes"]

    def test_a_count_that_hangs_on_the_variable_is_left_alone(self, tmp_path: Path, policy: PolicySource) -> None:
        text = self.VOLUME % "var.e" + 'variable "e" { default = false }\n'
        text += 'resource "aws_sqs_queue" "d" {\n  count = var.e ? 1 : 0\n}\n'
        plan = self.plan(tmp_path, policy, {"main.tf": text})
        assert [one.why for one in plan.declined] == ["the edit changes which resources there are"]

    def test_a_module_outside_of_the_directory_is_not_touched(self, tmp_path: Path, policy: PolicySource) -> None:
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "main.tf").write_text(self.VOLUME % "false")
        plan = self.plan(tmp_path / "root", policy, {"main.tf": 'module "m" {\n  source = "../m"\n}\n'})
        assert not plan.changes
        assert "outside of the directory" in plan.declined[0].why

    def test_instances_share_one_edit(self, tmp_path: Path, policy: PolicySource) -> None:
        text = (self.VOLUME % "false").replace("{", "{\n  count             = 3", 1)
        plan = self.plan(tmp_path, policy, {"main.tf": text})
        assert len(plan.fixes) == 3
        assert plan.changes[0].after.decode() == text.replace("false", "true")

    def test_of_several_blocks_only_those_that_need_it_are_edited(self, tmp_path: Path, policy: PolicySource) -> None:
        text = (
            'resource "aws_instance" "a" {\n  root_block_device {\n    encrypted = true\n  }\n'
            '  ebs_block_device {\n    device_name = "a"\n    encrypted   = true\n  }\n'
            '  ebs_block_device {\n    device_name = "b"\n  }\n}\n'
        )
        (tmp_path / "main.tf").write_text(text)
        plan = fixes_of(tmp_path, policy, "aws-ec2-instance-block-devices-encrypted")
        assert plan.changes[0].after.decode() == text.replace('"b"\n', '"b"\n    encrypted   = true\n')

    def test_a_dynamic_block_is_edited_once(self, tmp_path: Path, policy: PolicySource) -> None:
        text = (
            'resource "aws_launch_template" "a" {\n  dynamic "network_interfaces" {\n    for_each = [1, 2]\n'
            "    content {\n      associate_public_ip_address = true\n    }\n  }\n}\n"
        )
        (tmp_path / "main.tf").write_text(text)
        plan = fixes_of(tmp_path, policy, "aws-ec2-launch-template-private-ip")
        assert plan.changes[0].after.decode() == text.replace("= true", "= false")


class TestCommand:
    """``iacgate fix`` prints or writes, and ends with 0 unless it could not look."""

    TEXT = 'resource "aws_sqs_queue" "q" {\n  sqs_managed_sse_enabled = false # ünsafe\n}\n'

    def run(self, *words: str | Path) -> Result:
        return CliRunner().invoke(main, ["fix", *map(str, words)], standalone_mode=False)

    @pytest.mark.parametrize("text", [TEXT, TEXT.rstrip(), TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT])
    @pytest.mark.parametrize("name", ["main.tf", "a b.tf", 'q"ü.tf'])
    def test_the_patch_is_one_that_git_applies(
        self, name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "infra").mkdir()
        file = tmp_path / "infra" / name
        file.write_bytes(text.encode())
        monkeypatch.chdir(tmp_path)
        done = self.run("infra")
        assert done.exception is None
        assert file.read_bytes() == text.encode()
        subprocess.run(["git", "apply", "-"], input=done.stdout_bytes, check=True, timeout=60)
        assert file.read_bytes() == text.replace("= false", "= true ").encode().replace(b"true  #", b"true #")

    def test_write_changes_the_file_and_keeps_its_mode(self, tmp_path: Path) -> None:
        file = tmp_path / "main.tf"
        file.write_text(self.TEXT)
        file.chmod(0o640)
        done = self.run(tmp_path, "--write")
        assert done.exception is None
        assert done.stdout == ""
        assert "1 finding fixed in 1 file, 1 not" in done.stderr  # no provider is constrained
        assert file.read_text() == self.TEXT.replace("false", "true")
        assert file.stat().st_mode & 0o777 == 0o640
        assert sorted(tmp_path.iterdir()) == [file]

    def test_what_is_not_fixed_is_named_with_the_reason(self, tmp_path: Path) -> None:
        (tmp_path / "main.tf").write_text('resource "aws_vpc" "v" {\n  cidr_block = "10.0.0.0/16"\n}\n')
        done = self.run(tmp_path)
        assert done.exception is None
        assert "not fixed: aws-vpc-flow-logs on aws_vpc.v: it needs a decision" in done.stderr

    def test_filters_by_check_or_alias_and_by_address(self, tmp_path: Path) -> None:
        text = self.TEXT + self.TEXT.replace('"q"', '"r"')
        (tmp_path / "main.tf").write_text(text)
        done = self.run(tmp_path, "--write", "--address", "aws_sqs_queue.r", "--check", "aws-sqs-queue-encrypted")
        assert done.exception is None
        half = len(self.TEXT)
        assert (tmp_path / "main.tf").read_text() == text[:half] + text[half:].replace("false", "true")
        assert self.run(tmp_path, "--check", "no-such-check").exception is not None

    def test_with_a_plan_only_its_findings_are_fixed(self, tmp_path: Path) -> None:
        text = self.TEXT + self.TEXT.replace('"q"', '"r"')
        source = tmp_path / "root"
        source.mkdir()
        (source / "main.tf").write_text(text)
        planned = self.TEXT + 'resource "aws_sqs_queue" "gone" {\n  sqs_managed_sse_enabled = false\n}\n'
        (tmp_path / "plan.json").write_bytes(example_plan(planned, SCHEMA).json)
        done = self.run(source, "--plan", tmp_path / "plan.json", "--write")
        assert done.exception is None
        assert (source / "main.tf").read_text() == text.replace("false", "true", 1)
        assert "aws_sqs_queue.gone: the HCL in the directory does not show it" in done.stderr

    def test_a_file_behind_a_link_is_not_written(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside.tf"
        outside.write_text(self.TEXT)
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "main.tf").symlink_to(outside)
        done = self.run(tmp_path / "root", "--write")
        assert "behind a link" in done.stderr
        assert outside.read_text() == self.TEXT

    def test_a_directory_that_cannot_be_read_as_a_whole_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "main.tf").write_text(self.TEXT)
        (tmp_path / "broken.tf").write_text('resource "a" {')
        done = self.run(tmp_path, "--write")
        assert getattr(done.exception, "exit_code", 0) == 4
        assert (tmp_path / "main.tf").read_text() == self.TEXT

    def test_suggestions_for_forges_replace_whole_lines(self, tmp_path: Path) -> None:
        (tmp_path / "main.tf").write_text(self.TEXT + 'resource "aws_efs_file_system" "f" {\n}\n')
        comments = json.loads(self.run(tmp_path, "--format", "github").stdout)["comments"]
        assert [(one["path"], one.get("start_line"), one["line"], one["side"]) for one in comments] == [
            ("main.tf", None, 2, "RIGHT"), ("main.tf", None, 4, "RIGHT"),
        ]  # fmt: skip
        assert comments[0]["body"].endswith("```suggestion\n  sqs_managed_sse_enabled = true # ünsafe\n```")
        assert comments[1]["body"].endswith('"f" {\n  encrypted = true\n```')
        threads = json.loads(self.run(tmp_path, "--format", "gitlab").stdout)
        assert threads[0]["position"]["new_line"] == 2
        assert "```suggestion:-0+0\n" in threads[0]["body"]

    def test_json_names_what_is_fixed_and_what_is_not(self, tmp_path: Path) -> None:
        (tmp_path / "main.tf").write_text(self.TEXT + 'resource "aws_vpc" "v" {\n  cidr_block = "10.0.0.0/16"\n}\n')
        found = json.loads(self.run(tmp_path, "--format", "json").stdout)
        assert [one["check"] for one in found["fixed"]] == ["aws-sqs-queue-encrypted"]
        assert {one["check"] for one in found["declined"]} == {
            "aws-vpc-default-security-group-managed", "aws-vpc-flow-logs", "hygiene-provider-constrained"}  # fmt: skip
        assert found["edits"][0]["fingerprints"] == [found["fixed"][0]["fingerprint"]]


class TestWriting:
    """All files are looked at before the first is written."""

    def test_a_file_that_changed_meanwhile_stops_everything(self, tmp_path: Path, policy: PolicySource) -> None:
        for name in "ab":
            (tmp_path / f"{name}.tf").write_text(TestCommand.TEXT.replace('"q"', f'"{name}"'))
        plan = fixes_of(tmp_path, policy)
        assert len(plan.changes) == 2
        (tmp_path / "b.tf").write_text("# mine\n")
        before = (tmp_path / "a.tf").read_bytes()
        with pytest.raises(IacgateError, match="has changed since it was judged"):
            write_changes(plan.changes, tmp_path)
        assert (tmp_path / "a.tf").read_bytes() == before

    def test_a_file_that_became_a_link_stops_everything(self, tmp_path: Path, policy: PolicySource) -> None:
        file, other = tmp_path / "a.tf", tmp_path / "b.txt"
        file.write_text(TestCommand.TEXT)
        plan = fixes_of(tmp_path, policy)
        file.rename(other)
        file.symlink_to(other)
        with pytest.raises(IacgateError, match="is a link"):
            write_changes(plan.changes, tmp_path)
        assert other.read_text() == TestCommand.TEXT
