"""Which root modules a changed file belongs to."""

from pathlib import Path

import pytest

from iacgate.sources.root_modules import root_modules

TREE = {
    "live/prod/main.tf": 'module "net" {\n  source = "../../modules/net"\n}\n',
    "live/prod/terraform.tfvars": "",
    "live/test/main.tf.json": '{"module": {"net": {"source": "../../modules/net/"}}}',
    "live/alone/main.tofu": 'module "x" { source = "registry.example/net/aws" }',
    "modules/net/main.tf": 'module "inner" { source="./inner" }',
    "modules/net/inner/main.tf": "resource",  # half written
    "modules/unused/main.tf": "",
    "values/prod.tfvars": "",
    "stacks/app/infra/main.tf": "",
    "stacks/app/values/prod.tfvars": "",
    "circle/a/main.tf": 'module "b" { source = "../b" }',
    "circle/b/main.tf": 'module "a" { source = "../a" }',
    "self/main.tf": 'module "self" { source = "./" }',
    ".terraform/modules/net/main.tf": 'module "net" { source = "../../../modules/unused" }',
}
ROOTS = ["live/alone", "live/prod", "live/test"]
ALL = sorted([*ROOTS, "circle/a", "circle/b", "modules/unused", "self", "stacks/app/infra"])


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "roots"),
    [
        ("live/prod/main.tf", ["live/prod"]),
        ("live/prod/terraform.tfvars", ["live/prod"]),
        ("live/alone/main.tofu", ["live/alone"]),
        ("modules/net/main.tf", ["live/prod", "live/test"]),
        ("modules/net/inner/main.tf", ["live/prod", "live/test"]),
        ("modules/unused/main.tf", ["modules/unused"]),
        ("stacks/app/values/prod.tfvars", ["stacks/app/infra"]),
        ("circle/a/main.tf", ["circle/a"]),
        ("self/main.tf", ["self"]),
    ],
)
def test_a_file_belongs_to_what_is_planned_with_it(file: str, roots: list[str], top: Path) -> None:
    assert [str(one.relative_to(top)) for one in root_modules([top / file], top)] == roots


def test_values_that_lie_beside_nothing_may_be_meant_for_any_root(top: Path) -> None:
    found = [str(one.relative_to(top)) for one in root_modules([top / "values" / "prod.tfvars"], top)]
    assert found == ALL


def test_several_files_name_each_root_once_and_in_order(top: Path) -> None:
    files = [top / "modules/net/main.tf", top / "live/test/main.tf.json", top / "live/alone/main.tofu"]
    assert [str(one.relative_to(top)) for one in root_modules(files, top)] == ROOTS


def test_where_there_is_no_configuration_there_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "a.tfvars").write_text("")
    assert root_modules([tmp_path / "a.tfvars"], tmp_path) == []


def test_what_lies_outside_is_not_looked_for(top: Path, tmp_path: Path) -> None:
    assert root_modules([top / "values" / "prod.tfvars"], top / "live") == []
