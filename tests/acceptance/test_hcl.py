"""``iacgate check DIR``: HCL before there is a plan."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from iacgate.cli.main import main

PUBLIC_DB = "aws-rds-instance-not-public"


class Ran(NamedTuple):
    code: int
    report: dict[str, Any]
    err: str

    def verdicts(self, check: str = PUBLIC_DB) -> dict[str, str]:
        return {
            f"{one['resource'].get('root', '')}:{one['resource']['address']}".removeprefix(":"): one["verdict"]
            for one in self.report["results"]
            if one["check"] == check
        }


def check(directory: Path, *words: str) -> Ran:
    import os

    os.environ["XDG_CACHE_HOME"] = str(directory.parent / "cache")
    result = CliRunner().invoke(
        main, ["check", str(directory), "--format", "json", "--include-passed", *words], standalone_mode=False
    )
    code = result.return_value if result.exception is None else getattr(result.exception, "exit_code", 99)
    report = json.loads(result.stdout) if result.stdout.startswith("{") else {}
    return Ran(code, report, result.stderr + str(result.exception or ""))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(**files: str) -> Path:
        top = tmp_path / "top"
        top.mkdir(exist_ok=True)
        for name, text in files.items():
            path = top / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return top

    return write


def db(value: str, name: str = "a", more: str = "") -> str:
    sound = (
        '  storage_encrypted   = true\n  backup_retention_period = 7\n  enabled_cloudwatch_logs_exports = ["audit"]\n'
    )
    body = f"{sound}  publicly_accessible = {value}\n{more}"
    return f'resource "aws_db_instance" "{name}" {{\n{body}}}\n'


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (db("true"), "fail"),
        (db("false"), "pass"),
        (db('"true"'), "fail"),
        (db("null"), "pass"),
        (db("null").replace("  publicly_accessible = null\n", ""), "pass"),
        ('variable "v" {}\n' + db("var.v"), "unknown"),
        ('variable "v" {\n  default = true\n}\n' + db("var.v"), "fail"),
        ('variable "v" {\n  type = bool\n  default = "false"\n}\n' + db("var.v"), "pass"),
        ('variable "v" {\n  type = object({p = optional(bool, true)})\n  default = {}\n}\n' + db("var.v.p"), "fail"),
        ('variable "v" {\n  type = list(object({p = bool}))\n  default = [{p = true}]\n}\n' + db("var.v[0].p"), "fail"),
        ("locals {\n  l = !local.m\n  m = false\n}\n" + db("local.l"), "fail"),
        ("locals {\n  l = local.m\n  m = local.l\n}\n" + db("local.l"), "unknown"),
        (db("var.nowhere"), "unknown"),
        (db("terraform.workspace == \"prod\" ? false : true"), "unknown"),
        (db("terraform.workspace == \"prod\" ? true : true"), "fail"),
        (db("aws_db_instance.b.publicly_accessible") + db("true", "b"), "fail"),
        (db("data.aws_db_instance.b.publicly_accessible") + 'data "aws_db_instance" "b" {}\n', "unknown"),
        (db("false && var.nowhere"), "pass"),
        (db('contains(["a", "b"], "b")'), "fail"),
        (db("timestamp() == \"\""), "unknown"),
        (db("provider::x::y()"), "unknown"),
        (db('can(regex("^a", "abc"))'), "fail"),
        (db('file("/etc/hostname") == "" ? true : true'), "fail"),
        (db('fileexists("/etc/hostname")'), "unknown"),
        ('variable "v" {\n  default = null\n}\n' + db("var.v + 1 == 2"), "unknown"),
        (db("100000000000000000000 == 100000000000000000000"), "fail"),
        (db("1e400 == 1"), "pass"),
        ('variable "v" {\n  type = list(string)\n  default = []\n}\n' + db("var.v == []"), "unknown"),
        (db('(true ? 1 : "a") == "1"'), "fail"),
        ('locals {\n  a = [{b = [{c = true}]}]\n}\n' + db("local.a[*].b[*].c == [[true]] ? true : true"), "fail"),
    ],
)  # fmt: skip
def test_what_is_known_is_judged_and_the_rest_is_unknown(text: str, verdict: str, tree: Any) -> None:
    ran = check(tree(main_dot_tf=text))
    assert ran.verdicts()["aws_db_instance.a"] == verdict, ran
    assert ran.report["decision"]["posture"] is True
    assert ran.code == (1 if verdict == "fail" else 0)


@pytest.mark.parametrize(
    ("block", "addresses"),
    [
        ("count = 2", ["aws_db_instance.a[0]", "aws_db_instance.a[1]"]),
        ("count = 0", []),
        ("count = true ? 1 : 0", ["aws_db_instance.a[0]"]),
        ('for_each = toset(["x", "y/z"])', ['aws_db_instance.a["x"]', 'aws_db_instance.a["y/z"]']),
        ("for_each = {k = 1}", ['aws_db_instance.a["k"]']),
        ("for_each = var.nowhere", ["aws_db_instance.a"]),
        ("count = length(var.nowhere)", ["aws_db_instance.a"]),
    ],
)
def test_instances(block: str, addresses: list[str], tree: Any) -> None:
    ran = check(tree(main_dot_tf=db("true", more=f"  {block}\n")))
    assert sorted(ran.verdicts()) == addresses
    assert ran.report["coverage"]["resources"] == len(addresses)


def test_dynamic_blocks_over_what_is_known(tree: Any) -> None:
    text = """
variable "open" { default = ["0.0.0.0/0"] }
resource "aws_security_group" "a" {
  dynamic "ingress" {
    for_each = {ssh = 22}
    iterator = rule
    content {
      from_port   = rule.value
      to_port     = rule.value
      protocol    = "tcp"
      cidr_blocks = var.open
      description = rule.key
    }
  }
}
"""
    found = check(tree(main_dot_tf=text)).verdicts("aws-vpc-security-group-no-world-ingress-to-admin-ports")
    assert found == {"aws_security_group.a": "fail"}


MODULE = """
variable "public" {}
variable "name" { default = "n" }
resource "aws_db_instance" "a" {
  publicly_accessible = var.public
  identifier          = var.name
}
output "public" { value = aws_db_instance.a.publicly_accessible }
"""


class TestModules:
    def test_inputs_go_in_outputs_come_out_and_the_callers_are_shown(self, tree: Any) -> None:
        root = """
module "one" {
  source = "./modules/db"
  public = false
}
module "two" {
  source   = "./modules/db"
  for_each = toset(["x"])
  public   = !module.one.public
}
"""
        ran = check(tree(main_dot_tf=root, modules__db__main_dot_tf=MODULE))
        assert ran.verdicts() == {
            "module.one.aws_db_instance.a": "pass",
            'module.two["x"].aws_db_instance.a': "fail",
        }
        (found,) = [one for one in ran.report["results"] if one["verdict"] == "fail" and one["check"] == PUBLIC_DB]
        caller = {"file": "main.tf", "line": 6, "end_line": 10}
        assert found["location"] == {"file": "modules/db/main.tf", "line": 4, "end_line": 7, "callers": [caller]}

    def test_a_module_that_nobody_calls_is_a_root_of_its_own(self, tree: Any) -> None:
        ran = check(tree(envs__prod__main_dot_tf=db("true"), envs__test__main_dot_tf=db("false")))
        assert ran.verdicts() == {"envs/prod:aws_db_instance.a": "fail", "envs/test:aws_db_instance.a": "pass"}
        prints = {one["fingerprint"] for one in ran.report["results"] if one["check"] == PUBLIC_DB}
        assert len(prints) == 2
        assert ran.report["coverage"]["resources"] == 2

    def test_a_lone_root_has_the_fingerprint_of_its_plan(self, tree: Any) -> None:
        from iacgate.policy.fingerprint import fingerprint

        ran = check(tree(main_dot_tf=db("true")))
        (found,) = [one for one in ran.report["results"] if one["check"] == PUBLIC_DB]
        assert found["fingerprint"] == fingerprint(PUBLIC_DB, None, "aws_db_instance.a")

    def test_a_source_that_is_not_here_is_said(self, tree: Any) -> None:
        ran = check(tree(main_dot_tf='module "far" {\n  source = "a/b/c"\n}\n' + db("module.far.x")))
        assert ran.verdicts() == {"aws_db_instance.a": "unknown"}
        assert any("module.far is not judged: it is not installed here" in note for note in ran.report["notes"])

    def test_an_installed_module_is_read(self, tree: Any) -> None:
        listed = {"Modules": [{"Key": "", "Dir": "."}, {"Key": "far", "Dir": ".terraform/modules/far"}]}
        top = tree(main_dot_tf='module "far" {\n  source = "a/b/c"\n  public = true\n}\n')
        (top / ".terraform/modules/far").mkdir(parents=True)
        (top / ".terraform/modules/far/main.tf").write_text(MODULE)
        (top / ".terraform/modules/modules.json").write_text(json.dumps(listed))
        assert check(top).verdicts() == {"module.far.aws_db_instance.a": "fail"}

    def test_a_module_that_calls_itself_ends(self, tree: Any) -> None:
        ran = check(tree(main_dot_tf='module "m" {\n  source = "./."\n}\n' + db("true")))
        assert ran.code == 4
        assert "nested more than" in str(ran.report["decision"]["reasons"])

    def test_a_bad_file_of_a_module_without_instances_is_an_error(self, tree: Any) -> None:
        call = 'module "m" {\n  source = "./m"\n  count = 0\n}\n'
        ran = check(tree(main_dot_tf=call, m__main_dot_tf="a {\n"))
        assert (ran.code, "m/main.tf:1" in str(ran.report["decision"]["reasons"])) == (4, True)

    def test_keys_that_are_null_are_no_instances(self, tree: Any) -> None:
        more = '  for_each = {for k in ["a", null] : k => k}\n'
        assert check(tree(main_dot_tf=db("true", more=more))).code in (0, 1)

    def test_overrides_take_the_place(self, tree: Any) -> None:
        assert check(tree(main_dot_tf=db("true"), override_dot_tf=db("false"))).verdicts() == {
            "aws_db_instance.a": "pass"
        }

    def test_a_tofu_file_takes_the_place_of_the_tf_file_of_its_name(self, tree: Any) -> None:
        assert check(tree(main_dot_tf=db("true"), main_dot_tofu=db("false"))).verdicts() == {
            "aws_db_instance.a": "pass"
        }

    def test_json_is_read_like_native_syntax(self, tree: Any) -> None:
        body = {"publicly_accessible": "${true}", "count": 1}
        text = json.dumps({"resource": {"aws_db_instance": {"a": body}}})
        assert check(tree(main_dot_tf_dot_json=text)).verdicts() == {"aws_db_instance.a[0]": "fail"}


class TestVariables:
    TEXT = 'variable "v" {}\n' + db("var.v")

    @pytest.mark.parametrize(
        ("files", "verdict"),
        [
            ({"terraform_dot_tfvars": "v = true\n"}, "fail"),
            ({"terraform_dot_tfvars_dot_json": '{"v": true}'}, "fail"),
            ({"x_dot_auto_dot_tfvars": "v = false\n", "terraform_dot_tfvars": "v = true\n"}, "pass"),
            ({"other_dot_tfvars": "v = true\n"}, "unknown"),
        ],
    )
    def test_files_that_terraform_reads_by_itself(self, files: dict[str, str], verdict: str, tree: Any) -> None:
        assert check(tree(main_dot_tf=self.TEXT, **files)).verdicts() == {"aws_db_instance.a": verdict}

    def test_a_named_file_comes_last(self, tree: Any) -> None:
        top = tree(main_dot_tf=self.TEXT, terraform_dot_tfvars="v = false\n", prod_dot_vars="v = true\n")
        assert check(top, "--var-file", str(top / "prod.vars")).verdicts() == {"aws_db_instance.a": "fail"}

    def test_a_named_file_that_cannot_be_used_is_a_usage_error(self, tree: Any) -> None:
        top = tree(main_dot_tf=self.TEXT)
        assert check(top, "--var-file", str(top / "nowhere")).code == 2


def chain(step: str, length: int, last: str) -> str:
    """Locals that lean on one another."""
    lines = [f"  l{number} = {step.format(number + 1)}" for number in range(length)]
    return "\n".join(["locals {", *lines, f"  l{length} = {last}", "}", ""])


class TestBadFiles:
    def test_one_bad_file_is_an_error_with_its_line_and_the_rest_is_judged(self, tree: Any) -> None:
        ran = check(tree(bad_dot_tf="resource {\n", good_dot_tf=db("true")))
        assert ran.code == 4
        assert ran.report["decision"]["outcome"] == "error"
        assert "bad.tf:1: `{` is never closed" in ran.report["decision"]["reasons"]
        assert ran.verdicts() == {"aws_db_instance.a": "fail"}

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("a.tf", b"a = \xff\n", "not text in UTF-8"),
            ("a.tf", 'a {\n  b = "x\n'.encode("utf-16"), "not text in UTF-8"),
            ("a.tf", b'resource "a" {}\n', "two labels"),
            ("a.tf", b'resource "a" "b" {}\nresource "a" "b" {}\n', "declared twice (first in a.tf, line 1)"),
            ("a.tf", b"locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n", "defined twice"),
            ("a.tf", b"a = 1\n", "outside of any block"),
            ("a.tf.json", b'{"resource": {}', "not valid JSON"),
        ],
    )
    def test_what_cannot_be_read_is_an_error(self, name: str, content: bytes, words: str, tree: Any) -> None:
        top = tree(good_dot_tf=db("false", "g"))
        (top / name).write_bytes(content)
        ran = check(top)
        assert ran.code == 4
        assert words in str(ran.report["decision"]["reasons"])

    def test_a_pipe_named_like_hcl_does_not_hang(self, tree: Any) -> None:
        top = tree(good_dot_tf=db("false"))
        os.mkfifo(top / "pipe.tf")
        ran = check(top)
        assert (ran.code, "no regular file" in str(ran.report["decision"]["reasons"])) == (4, True)

    @pytest.mark.parametrize(
        "text",
        [
            chain('"${{local.l{0}}}${{local.l{0}}}"', 60, '"xxxxxxxxxxxxxxxx"') + db('local.l0 == ""'),
            chain("[local.l{0}, local.l{0}]", 60, "1") + db("length(flatten(local.l0)) == 1"),
            chain("local.l{0}", 3_000, "true") + db("local.l0"),
            db("true", more="  count = 1000000000\n"),
            db("length(range(1000000000)) == 1"),
            db("length([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]) == 1"),
            db('can(regex("(a+)+$", join("", [for n in range(5000) : "a"])))'),
        ],
        ids=["doubling text", "doubling lists", "a long chain", "count", "range", "nested loops", "regular expression"],
    )  # fmt: skip
    def test_what_grows_without_end_is_stopped(self, text: str, tree: Any) -> None:
        import time

        start = time.process_time()
        ran = check(tree(main_dot_tf=text))
        assert ran.code in (0, 1, 4)
        assert time.process_time() - start < 8

    def test_requests_are_notes_and_configuration_in_the_tree_is_not_obeyed(self, tree: Any) -> None:
        top = tree(main_dot_tf="# iacgate:waive aws-rds-instance-not-public because\n" + db("true"))
        (top / ".iacgate.yaml").write_text("policy_set: none.yaml\n")
        ran = check(top)
        assert ran.code == 1
        assert any("main.tf:1: a request, not a waiver" in note for note in ran.report["notes"])
        assert any("ignored" in note for note in ran.report["notes"])


CANARY = "Tr0ub4dor-canary-value"
SECRET = f'variable "s" {{\n  sensitive = true\n  default = "{CANARY}"\n}}\n'


@pytest.mark.parametrize(
    "text",
    [
        SECRET + 'locals { l = "${var.s}" }\n' + db("local.l"),
        SECRET + 'module "m" {\n  source = "./m"\n  public = var.s\n}\n',
        db(f'sensitive("{CANARY}")'),
        f'output "o" {{\n  value = "{CANARY}"\n  sensitive = true\n}}\n' + db("true"),
        f'provider "aws" {{\n  secret_key = "{CANARY}"\n}}\n' + db("true"),
        f'resource "aws_db_instance" "a" {{\n  publicly_accessible = true\n  password = "{CANARY}"\n}}\n',
        f'resource "aws_db_instance" "b" {{\n  password = "{CANARY}"\n}}\n' + db("aws_db_instance.b.password"),
    ],
    ids=["local", "module input", "function", "output", "provider", "schema", "another's attribute"],
)  # fmt: skip
@pytest.mark.parametrize("format_name", ["json", "terminal", "sarif", "markdown"])
def test_what_is_marked_sensitive_is_never_shown(text: str, format_name: str, tree: Any) -> None:
    top = tree(main_dot_tf=text, m__main_dot_tf=MODULE)
    result = CliRunner().invoke(main, ["check", str(top), "--format", format_name, "--include-passed"])
    assert result.output
    assert CANARY not in result.output
    assert "bug in iacgate" not in result.output


def strict(folder: Path) -> list[str]:
    """A policy that enforces every check."""
    policy = folder / "policy.yaml"
    policy.write_text(
        "schema: iacgate/policy/v1\nname: p\nversion: '1'\npolicy_sets:\n  - name: p\n"
        "    rules: [{checks: {tier: [baseline, strict]}, level: hard-mandatory}]\n"
    )
    return ["--policy-set", str(policy)]


class TestMemory:
    """A second run says the same and reads nothing; whatever changed is judged anew."""

    def test_what_has_not_changed_is_not_read_again(self, tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        top = tree(main_dot_tf='variable "v" {}\n' + db("true") + db("var.v", "b"))
        first = check(top)
        monkeypatch.setattr("iacgate.sources.hcl.read.read_directory", lambda *_, **__: pytest.fail("read again"))
        assert check(top) == first

    @pytest.mark.parametrize("change", ["file", "new file", "tfvars", "policy", "module", "new module file", "option"])
    def test_what_changed_is_judged_anew(self, change: str, tree: Any, tmp_path: Path) -> None:
        call = 'module "m" {\n  source = "../shared"\n  public = false\n}\n'
        top = tree(main_dot_tf='variable "v" {\n  default = false\n}\n' + db("var.v") + call)
        shared = tmp_path / "shared"
        shared.mkdir()
        (shared / "main.tf").write_text(MODULE)
        words: list[str] = []
        before = check(top)
        assert check(top) == before
        match change:
            case "file":
                (top / "main.tf").write_text(db("true"))
            case "new file":
                (top / "more.tf").write_text(db("true", "more"))
            case "tfvars":
                (top / "terraform.tfvars").write_text("v = true\n")
            case "policy":
                words = strict(tmp_path)
            case "module":
                (shared / "main.tf").write_text(MODULE.replace("var.public", "true"))
            case "new module file":
                (shared / "more.tf").write_text(db("true", "more"))
            case "option":
                (tmp_path / "v.tfvars").write_text("v = true\n")
                words = ["--var-file", str(tmp_path / "v.tfvars")]
        assert check(top, *words).report["results"] != before.report["results"]

    def test_a_lock_file_that_came_is_seen(self, tree: Any, tmp_path: Path) -> None:
        aws = 'aws = {\n      source = "hashicorp/aws"\n      version = "5.1.0"\n    }\n'
        required = f"terraform {{\n  required_providers {{\n    {aws}  }}\n}}\n"
        top = tree(main_dot_tf=required + db("false"))
        before = check(top, *strict(tmp_path))
        name = "registry.terraform.io/hashicorp/aws"
        (top / ".terraform.lock.hcl").write_text(
            f'provider "{name}" {{\n  version = "5.1.0"\n  hashes = ["h1:x"]\n}}\n'
        )
        assert check(top, *strict(tmp_path)).report["results"] != before.report["results"]

    def test_what_functions_read_is_not_remembered(self, tree: Any) -> None:
        top = tree(main_dot_tf=db('file("${path.module}/v.txt") == "true"'), v_dot_txt="true")
        assert check(top).verdicts() == {"aws_db_instance.a": "fail"}
        (top / "v.txt").write_text("false")
        assert check(top).verdicts() == {"aws_db_instance.a": "pass"}

    def test_a_damaged_cache_is_made_anew(self, tree: Any) -> None:
        top = tree(main_dot_tf=db("true"))
        first = check(top)
        for entry in (top.parent / "cache").rglob("*"):
            if entry.is_file():
                entry.write_bytes(b"\x00damaged")
        assert check(top).report["results"] == first.report["results"]

    def test_no_cache_keeps_nothing(self, tree: Any) -> None:
        top = tree(main_dot_tf=db("true"))
        check(top, "--no-cache")
        assert not list((top.parent / "cache").rglob("hcl/**/*"))

    def test_a_cache_that_cannot_be_written_changes_nothing(self, tree: Any) -> None:
        top = tree(main_dot_tf=db("true"))
        (top.parent / "cache").write_text("in the way")
        assert check(top).verdicts() == {"aws_db_instance.a": "fail"}


def test_a_file_is_no_directory(tree: Any) -> None:
    top = tree(main_dot_tf=db("true"))
    for words in ((), ("--kind", "hcl")):
        ran = check(top / "main.tf", *words)
        assert (ran.code, "is one file of a module" in ran.err) == (2, True)
