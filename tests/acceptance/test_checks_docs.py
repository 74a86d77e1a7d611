"""`iacgate checks docs`: pages of the packaged checks and of one's own."""

from pathlib import Path

from iacgate.policy.catalogue import load_packaged

from .hostile import call
from .test_policy_test import CHECK, written


def test_the_index_is_printed_where_no_directory_is_named() -> None:
    ran = call("checks", "docs")
    assert ran.code == 0
    assert all(f"[{head.id}](" in ran.out for head in load_packaged().heads)


def test_every_link_of_the_index_leads_to_a_page(tmp_path: Path) -> None:
    assert call("checks", "docs", "--output", tmp_path).code == 0
    pages = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")} - {"README.md"}
    text = (tmp_path / "README.md").read_text("utf-8")
    assert len(pages) == len(load_packaged())
    assert all(f"]({name})" in text for name in pages)


def test_ones_own_checks_stand_beside_the_packaged_ones_or_alone(tmp_path: Path) -> None:
    own = written(tmp_path / "own")
    both, alone = call("checks", "docs", "--dir", own), call("checks", "docs", "--dir", own, "--only-own")
    assert (both.code, alone.code) == (0, 0)
    assert "[own-queue](aws/sqs/own-queue.md)" in both.out
    assert "aws-ec2-instance-private-ip" in both.out
    assert "aws-ec2-instance-private-ip" not in alone.out
    assert "\n1 check.\n" in alone.out
    assert call("checks", "docs", "--only-own").code == 2


def test_pages_of_checks_that_are_no_more_go_and_other_files_stay(tmp_path: Path) -> None:
    own, out = written(tmp_path / "own"), tmp_path / "out"
    written(own, CHECK.replace("own-queue", "own-other"), "own-other")
    words = ("checks", "docs", "--dir", own, "--only-own", "--output", out)
    assert call(*words).code == 0
    (out / "notes.md").write_text("mine")
    (own / "own-other.yaml").unlink()
    before = (out / "aws" / "sqs" / "own-queue.md").read_bytes()
    assert "1 page removed" in call(*words).err
    left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.md"))
    assert left == ["README.md", "aws/sqs/own-queue.md", "notes.md"]
    assert (out / "aws" / "sqs" / "own-queue.md").read_bytes() == before


def test_a_check_that_cannot_be_read_leaves_everything_as_it_was(tmp_path: Path) -> None:
    own = written(tmp_path / "own", CHECK.replace("severity: low", "severity: lowest"))
    ran = call("checks", "docs", "--dir", own, "--only-own", "--output", tmp_path / "out")
    assert (ran.code, (tmp_path / "out").exists()) == (2, False)
    assert "`severity` must be one of" in ran.err
