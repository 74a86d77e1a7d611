"""Which resources another scanner's finding is about."""

from pathlib import Path

import pytest

from iacgate.gate.scan_places import Resources
from iacgate.model.finding import Location
from iacgate.model.scan import ScannerFinding

from tests.unit.policy.plans import change, plan_of

FILES = ("main.tf", "modules/a/main.tf", "modules/a/extra.tf")
PLACES = {
    "aws_s3_bucket.b": Location("main.tf", 1, 4),
    "aws_s3_bucket.c[0]": Location("main.tf", 6, 9),
    "aws_s3_bucket.c[1]": Location("main.tf", 6, 9),
    'module.a["x"].aws_sqs_queue.q': Location("modules/a/main.tf", 1, 9),
    'module.a["y"].aws_sqs_queue.q': Location("modules/a/main.tf", 1, 9),
    "module.a.aws_s3_bucket.b": Location("modules/a/extra.tf", 3, 5),
    "module.z.aws_s3_bucket.elsewhere": Location("../modules/z/main.tf", 3, 5),
}
ROOT_C = ["aws_s3_bucket.c[0]", "aws_s3_bucket.c[1]"]
BOTH_Q = ['module.a["x"].aws_sqs_queue.q', 'module.a["y"].aws_sqs_queue.q']


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose root has files of the same names as its root module in ``infra``."""
    (tmp_path / ".git").mkdir()
    for name in (*(f"infra/{name}" for name in FILES), "main.tf", "modules/z/main.tf", "infra/other.tf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def about(source_dir: Path | None, **said: object) -> list[str]:
    plan = plan_of(*(change(address, "create", {}) for address in PLACES))
    finding = ScannerFinding("R", "t", None, "m")._replace(**said)  # type: ignore[arg-type]
    resources = Resources(plan.resource_changes, source_dir, PLACES if source_dir else {})
    return [one.address for one in resources.about(finding)]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("aws_s3_bucket.b", ["aws_s3_bucket.b"]),
        ("aws_s3_bucket.c", ROOT_C),
        ("aws_s3_bucket.c[1]", ["aws_s3_bucket.c[1]"]),
        ("aws_s3_bucket.c[7]", []),
        ("module.a.aws_sqs_queue.q", BOTH_Q),
        ('module.a["x"].aws_sqs_queue.q', ['module.a["x"].aws_sqs_queue.q']),
        ("aws_sqs_queue.q", BOTH_Q),
        ("aws_sqs_queue.none", []),
        ("data.aws_s3_bucket.b", []),
        ("not an address", []),
    ],
)
def test_by_address(address: str, found: list[str]) -> None:
    assert about(None, address=address) == found


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("aws_sqs_queue.q", BOTH_Q),
        ("aws_s3_bucket.b", []),
        ("aws_s3_bucket.none", []),
    ],
)
def test_by_block_where_one_module_has_it(block: str, found: list[str]) -> None:
    assert about(None, block=block) == found


@pytest.mark.parametrize(
    ("file", "base", "line", "found"),
    [
        ("infra/main.tf", "", 7, ROOT_C),
        ("modules/a/main.tf", "", 5, BOTH_Q),
        ("modules/a/extra.tf", "", 4, ["module.a.aws_s3_bucket.b"]),
        ("modules/a/extra.tf", "", 6, []),
        ("./modules/../modules/a/extra.tf", "", 4, ["module.a.aws_s3_bucket.b"]),
        ("main.tf", "", 7, []),  # of the root module, or of the repository: not told
        ("main.tf", "{}/infra", 7, ROOT_C),
        ("main.tf", "{}", 7, []),
        ("/builds/x/infra/main.tf", "", 7, ROOT_C),
        ("/builds/x/modules/a/extra.tf", "", 4, ["module.a.aws_s3_bucket.b"]),
        ("../../path/modules/a/extra.tf", "", 4, ["module.a.aws_s3_bucket.b"]),
        ("/builds/x/other.tf", "", 4, []),
        ("nothing/main.tf", "", 7, []),
        ("modules/z/main.tf", "", 4, ["module.z.aws_s3_bucket.elsewhere"]),
        ("../../../../etc/passwd", "", 4, []),
        ("a" * 5_000, "", 4, []),
    ],
)
def test_by_place(file: str, base: str, line: int, found: list[str], repository: Path) -> None:
    where = Location(file, line, line)
    assert about(repository / "infra", location=where, base=base.format(repository)) == found


def test_a_path_of_another_machine_is_not_shortened_where_other_roots_cannot_be_seen(repository: Path) -> None:
    (repository / ".git").rmdir()
    place = Location("/builds/other/modules/a/extra.tf", 4, 4)
    assert about(repository / "infra", location=place) == []
    assert about(repository / "infra", location=place._replace(file="modules/a/extra.tf"))


def test_line_one_alone_is_what_a_tool_writes_that_knows_no_line(repository: Path) -> None:
    place = Location("infra/main.tf", 1, 1)
    assert about(repository / "infra", location=place) == []
    assert about(repository / "infra", location=place._replace(end_line=2)) == ["aws_s3_bucket.b"]


def test_a_place_tells_blocks_of_one_name_apart(repository: Path) -> None:
    place = Location("modules/a/extra.tf", 3, 3)
    assert about(repository / "infra", block="aws_s3_bucket.b", location=place) == ["module.a.aws_s3_bucket.b"]


def test_without_a_source_directory_a_place_leads_nowhere() -> None:
    assert about(None, location=Location("infra/main.tf", 7, 7)) == []
