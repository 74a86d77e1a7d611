"""Hygiene from the command line: parameters, lock files, secrets that no output holds, every format."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iacgate.cli.main import main
from iacgate.errors import IacgateError
from iacgate.reports.formats import FORMATS

SECRET = "hunter2" * 2
AWS = "registry.terraform.io/hashicorp/aws"
POLICY = """schema: iacgate/policy/v1
name: acme
version: "1"
parameters:
  required_tags: [owner]
  allowed_module_sources: ["github.com/acme/*"]
policy_sets:
  - name: all
    rules: [{checks: {family: hygiene}, level: hard-mandatory}]
"""
PLAN: dict[str, Any] = {
    "format_version": "1.2",
    "planned_values": {"root_module": {}},
    "resource_changes": [
        {
            "address": "aws_sqs_queue.q",
            "mode": "managed",
            "type": "aws_sqs_queue",
            "name": "q",
            "provider_name": AWS,
            "change": {
                "actions": ["create"],
                "before": None,
                "after": {"name": "q", "tags": None},
                "after_unknown": {"tags_all": True, "id": True},
            },
        }
    ],
    "configuration": {
        "provider_config": {"aws": {"name": "aws", "full_name": AWS, "version_constraint": "~> 5.100"}},
        "root_module": {
            "resources": [{"mode": "managed", "type": "aws_sqs_queue", "name": "q", "expressions": {}}],
            "variables": {"dbpassword": {"default": SECRET}},
            "module_calls": {"vpc": {"source": "terraform-aws-modules/vpc/aws", "module": {}}},
        },
    },
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def iacgate(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(one) for one in arguments], standalone_mode=False)
    if isinstance(result.exception, IacgateError):
        return result.exception.exit_code, result.output + str(result.exception)
    assert result.exception is None, result.exception
    return result.return_value or 0, result.output


def report(files: Path, *more: object) -> dict[str, Any]:
    _, output = iacgate(
        "check", files / "plan.json", "--policy-set", files / "policy.yaml", "--format", "json", "--exit-zero", *more
    )
    return json.loads(output)


def verdicts(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["check"], one["resource"]["address"], one["verdict"]) for one in found["results"]}


def test_parameters_of_the_bundle_ask_the_checks_that_wait_for_them(files: Path) -> None:
    found = report(files)
    assert verdicts(found) >= {
        ("hygiene-required-tags", "aws_sqs_queue.q", "fail"),
        ("hygiene-module-source-allowed", "module.vpc", "fail"),
        ("hygiene-module-pinned", "module.vpc", "fail"),
        ("hygiene-no-secrets-in-code", "var.dbpassword", "fail"),
        ("hygiene-provider-locked", f'provider["{AWS}"]', "unknown"),
    }
    assert found["coverage"]["not_asked"] == 2  # no list of providers is given, and no account is owned
    assert (found["coverage"]["resources"], found["coverage"]["evaluated"]) == (1, 1)


def test_a_misspelt_parameter_is_found_by_lint_and_by_check(files: Path) -> None:
    (files / "policy.yaml").write_text(POLICY.replace("required_tags", "required_tag"))
    code, output = iacgate("policy", "lint", files / "policy.yaml")
    assert code == 2
    assert "policy.yaml:5:1: no check has a parameter `required_tag`; did you mean `required_tags`?" in output
    assert iacgate("check", files / "plan.json", "--policy-set", files / "policy.yaml")[0] == 2


@pytest.mark.parametrize(
    ("lock", "verdict"),
    [
        (None, "fail"),
        ('provider "registry.terraform.io/hashicorp/aws" {\n  version = "5.100.0"\n}\n', "fail"),
        ('provider "registry.terraform.io/hashicorp/aws" {\n  hashes = ["h1:x"]\n}\n', None),
    ],
)
def test_the_lock_file_beside_the_code_answers(files: Path, lock: str | None, verdict: str | None) -> None:
    source = files / "code"
    source.mkdir()
    if lock is not None:
        (source / ".terraform.lock.hcl").write_text(lock)
    found = {one["check"]: one["verdict"] for one in report(files, "--source-dir", source)["results"]}
    assert found.get("hygiene-provider-locked") == verdict


def test_a_lock_file_that_cannot_be_read_is_an_error_and_never_clean(files: Path) -> None:
    (files / ".terraform.lock.hcl").write_text("provider {")
    code, output = iacgate(
        "check", files / "plan.json", "--policy-set", files / "policy.yaml", "--source-dir", files, "--exit-zero"
    )
    assert code == 4
    assert "this is not a valid lock file" in output


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_parts_of_the_configuration_and_no_secret(files: Path, name: str) -> None:
    code, output = iacgate("check", files / "plan.json", "--policy-set", files / "policy.yaml", "--format", name)
    assert code == 1
    assert SECRET not in output
    assert "module.vpc" in output
    assert "var.dbpassword" in output


def test_explain_tells_a_finding_on_a_part_step_by_step_without_the_secret(files: Path) -> None:
    for address, words in (("module.vpc", "location is text like"), ("var.dbpassword", "holds no secret")):
        code, output = iacgate("explain", address, files / "plan.json", "--policy-set", files / "policy.yaml")
        assert code == 0
        assert words in output
        assert SECRET not in output


def test_a_check_tells_its_parameters() -> None:
    output = iacgate("checks", "show", "aws-rds-backup-retention")[1]
    assert "Parameter `backup_retention_days` (default: 7)" in output
    assert "looks at  module" in iacgate("checks", "show", "hygiene-module-pinned")[1]


CODE = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  alias  = "eu"
  region = "eu-west-1"
}

module "vpc" {
  source = "terraform-aws-modules/vpc/aws"
}

module "app" {
  source = "./app"
}
"""
APP = """
variable "dbpassword" {
  default = "%s"
}

resource "null_resource" "setup" {
  count = 2
  provisioner "local-exec" {
    command = "./setup.sh"
  }
}

data "external" "version" {
  program = ["./version.sh"]
}
"""
PLACES = {
    ("hygiene-module-pinned", "module.vpc", "main.tf", 16),
    ("hygiene-no-secrets-in-code", "module.app.var.dbpassword", "app/main.tf", 2),
    ("hygiene-no-provisioners", "module.app.null_resource.setup", "app/main.tf", 6),
    ("hygiene-no-external-data", "module.app.data.external.version", "app/main.tf", 13),
}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "main.tf").write_text(CODE)
    (tmp_path / "app" / "main.tf").write_text(APP % SECRET)
    return tmp_path


def places(output: str) -> set[tuple[str, str, str, int]]:
    return {
        (one["check"], one["resource"]["address"], one["location"]["file"], one["location"]["line"])
        for one in json.loads(output)["results"]
        if one["location"]
    }


def test_hcl_is_asked_the_same_before_there_is_a_plan_and_says_where(code: Path) -> None:
    _, output = iacgate("check", code, "--format", "json")
    assert places(output) >= PLACES
    assert SECRET not in output
    providers = {one["resource"]["address"] for one in json.loads(output)["results"] if one["subject"] == "provider"}
    assert providers == {
        'provider["registry.terraform.io/hashicorp/external"]',
        'provider["registry.terraform.io/hashicorp/null"]',
    }


def test_parts_of_a_plan_are_found_in_the_code_behind_it(code: Path) -> None:
    found = json.loads(json.dumps(PLAN))
    found["configuration"]["root_module"]["module_calls"]["app"] = {
        "source": "./app",
        "module": {"variables": {"dbpassword": {"default": SECRET}}},
    }
    (code / "plan.json").write_text(json.dumps(found))
    _, output = iacgate("check", code / "plan.json", "--source-dir", code, "--format", "json")
    assert {one for one in PLACES if one[1].startswith(("module.vpc", "module.app.var"))} <= places(output)
