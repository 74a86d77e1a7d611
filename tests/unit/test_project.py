"""The project's own files: what they promise of one another holds."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import iacgate
from iacgate.policy.provider_schema import TypeSchemas

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

DISTRIBUTIONS = {
    "azure": "azure-mgmt-resource",
    "boto3": "boto3",
    "botocore": "boto3",
    "click": "click",
    "detect_secrets": "detect-secrets",
    "google": "google-cloud-asset",
    "hcl2": "python-hcl2",
    "jinja2": "jinja2",
    "lark": "python-hcl2",
    "msgspec": "msgspec",
    "re2": "google-re2",
    "rich": "rich",
    "yaml": "PyYAML",
}
"""Import package -> the dependency that brings it."""


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0] for requirement in requirements}


@pytest.mark.parametrize("file", sorted((ROOT / "src/iacgate/model").rglob("*.py")), ids=lambda file: file.stem)
def test_the_model_imports_the_standard_library_and_itself_only(file: Path) -> None:
    outside = {
        name
        for name in imports(file)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("iacgate.model")
    }
    assert not outside


def test_every_imported_package_is_a_declared_dependency() -> None:
    declared = names(PROJECT["project"]["dependencies"])
    for file in SOURCES:
        for name in imports(file):
            package = name.partition(".")[0]
            if package != "iacgate" and package not in sys.stdlib_module_names:
                assert DISTRIBUTIONS.get(package) in declared, f"{file.relative_to(ROOT)} imports {package}"


def test_checkov_never_comes_into_this_environment() -> None:
    project = PROJECT["project"]
    everything = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    assert not names(everything) & {"checkov", "bc-python-hcl2"}


def test_the_build_hook_gets_what_compiling_the_catalogue_imports() -> None:
    built_with = names(PROJECT["build-system"]["requires"])
    for file in sorted((ROOT / "src/iacgate/policy").rglob("*.py")):
        for name in imports(file):
            package = name.partition(".")[0]
            if package != "iacgate" and package not in sys.stdlib_module_names:
                assert DISTRIBUTIONS[package] in built_with, f"{file.relative_to(ROOT)} imports {package}"


def test_the_program_starts_where_the_entry_point_says() -> None:
    module, _, function = PROJECT["project"]["scripts"]["iacgate"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_the_changelog_has_an_entry_for_this_version() -> None:
    assert f"## [{iacgate.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_the_declared_one_in_full() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_contributing_speaks_of_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {path for path in re.findall(r"[`(]([\w.]+/[\w./-]*)[`)]", text) if "<" not in path}
    named |= set(re.findall(r"`([A-Z]\w+\.md)`", text))
    assert len(named) > 10
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


def test_contributing_and_ci_call_targets_that_the_makefile_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    called = set()
    for file in ("CONTRIBUTING.md", ".ci/run"):
        called |= set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= called
    assert called <= set(phony.split())
    undocumented = [target for target in phony.split() if not re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE)]
    assert not undocumented


def test_the_ci_script_is_executable_bash() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    checked = subprocess.run(["bash", "-n", script], text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr


class TestTrimSchema:
    """``scripts/trim_schema.py`` as a person runs it."""

    OUTPUT = json.dumps(
        {
            "format_version": "1.0",
            "provider_schemas": {
                "registry.terraform.io/hashicorp/aws": {
                    "resource_schemas": {
                        "aws_a": {"version": 0, "block": {"attributes": {"x": {"type": "bool", "required": True}}}},
                        "aws_b": {"version": 0, "block": {}},
                    },
                    "data_source_schemas": {"aws_a": {"version": 0, "block": {}}},
                }
            },
        }
    )

    def run(self, tmp_path: Path, *, given: str = OUTPUT) -> tuple[int, str, Path]:
        written = tmp_path / "out.msgpack"
        script = [sys.executable, str(ROOT / "scripts/trim_schema.py"), "--version", "9.9.9"]
        ended = subprocess.run([*script, "--output", str(written)], input=given, text=True, capture_output=True)
        return ended.returncode, ended.stderr, written

    def test_it_keeps_what_checks_need_and_writes_the_same_bytes_again(self, tmp_path: Path) -> None:
        code, said, written = self.run(tmp_path)
        assert code == 0, said
        first = written.read_bytes()
        shipped = msgspec.msgpack.decode(first, type=TypeSchemas)
        assert (shipped.provider, shipped.version) == ("hashicorp/aws", "9.9.9")
        assert (list(shipped.resources), list(shipped.data)) == (["aws_a", "aws_b"], ["aws_a"])
        assert msgspec.msgpack.decode(zlib.decompress(shipped.resources["aws_a"])) == {"x": ["bool", "R", "", 0]}
        self.run(tmp_path)
        assert written.read_bytes() == first

    @pytest.mark.parametrize(
        ("given", "complaint"),
        [
            ("{}", "not a provider schema"),
            (OUTPUT.replace("hashicorp/aws", "hashicorp/google"), "hashicorp/google"),
        ],
    )
    def test_it_writes_nothing_when_something_is_missing(self, tmp_path: Path, given: str, complaint: str) -> None:
        code, said, written = self.run(tmp_path, given=given)
        assert code == 2
        assert complaint in said
        assert not written.exists()
