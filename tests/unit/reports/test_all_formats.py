"""What every format must do, whatever the report holds."""

import re
import subprocess
import sys
from itertools import product

import msgspec
import pytest

from iacgate.errors import UsageError
from iacgate.model.decision import Outcome
from iacgate.model.finding import Change, Effect, Evidence, Result, Verdict
from iacgate.model.values import Marker
from iacgate.reports.formats import FORMATS, load
from iacgate.reports.interface import RenderOptions

from . import sample as s

each_format = pytest.mark.parametrize("name", FORMATS)


def rendered(name: str, report: s.Report, options: RenderOptions = s.PLAIN) -> str:
    return load(name).render(report, options).decode("utf-8")


def everything() -> tuple[Result, ...]:
    """One result for every verdict, change and effect, with every marker."""
    evidence = tuple(Evidence("path", marker, "set") for marker in Marker)
    return tuple(
        s.result(address=f"a.b[{n}]", verdict=verdict, change=change, effect=effect, evidence=evidence)
        for n, (verdict, change, effect) in enumerate(product(Verdict, [*Change, None], Effect))
    )


@each_format
@pytest.mark.parametrize("outcome", Outcome)
def test_renders_every_verdict_change_effect_and_outcome(name: str, outcome: Outcome) -> None:
    report = s.report(*everything(), outcome=outcome, fixed=everything())
    assert rendered(name, report, s.PASSES).endswith("\n")


@each_format
@pytest.mark.parametrize("outcome", Outcome)
def test_renders_a_report_without_results(name: str, outcome: Outcome) -> None:
    report = s.report(outcome=outcome, reasons=(), workspace=None)
    text = rendered(name, report)
    assert outcome.value in text.lower() or (name == "github" and outcome is Outcome.ALLOW and text == "")


@each_format
@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_survives_hostile_text_everywhere(name: str, text: str) -> None:
    assert rendered(name, s.hostile(text), s.PASSES._replace(colour=True))


@each_format
@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_prints_nothing_that_a_terminal_or_a_pipeline_obeys(name: str, text: str) -> None:
    out = rendered(name, s.hostile(text), s.PASSES)
    assert not set(map(chr, [*range(32), *range(0x7F, 0xA0)])) - {"\n"} & set(out)
    assert "##" not in out.replace("\n### ", "\n").replace("\n#### ", "\n")
    if name != "github":
        assert not re.search(r"^\s*::", out, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("json", "sarif")])
@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_formats_for_people_print_no_invisible_or_bidirectional_characters(name: str, text: str) -> None:
    assert rendered(name, s.hostile(text), s.PASSES).replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["terminal", "sarif", "junit", "github"])
def test_cuts_large_values_to_a_line(name: str) -> None:
    assert len(rendered(name, s.report(s.result(evidence=(Evidence("p", "x" * 1_000_000, "set"),))))) < 10_000


@each_format
def test_never_prints_a_stand_in_as_python(name: str) -> None:
    assert "Marker" not in rendered(name, s.sample(), s.PASSES)


@each_format
def test_lists_passes_only_when_asked(name: str) -> None:
    report = s.report(s.result(address="aws_db_instance.good", verdict=Verdict.PASS, effect=Effect.NONE, change=None))
    assert "aws_db_instance.good" not in rendered(name, report)
    if name != "github":
        assert "good" in rendered(name, report, s.PASSES)


@each_format
def test_lists_a_finding_even_if_its_effect_is_none(name: str) -> None:
    report = s.report(s.result(address="aws_db_instance.odd", effect=Effect.NONE))
    if name != "github":
        assert "odd" in rendered(name, report)


@each_format
def test_gives_the_same_bytes_twice(name: str) -> None:
    assert rendered(name, s.sample()) == rendered(name, s.sample())


@pytest.mark.parametrize("name", ["terminal", "sarif", "junit", "markdown", "github", "github-summary"])
def test_puts_the_source_directory_before_files(name: str) -> None:
    placed = s.report(s.result(location=s.Location("main.tf", 12, 20, base="envs/prod/")))
    assert "envs/prod/main.tf" in rendered(name, placed)


@each_format
def test_joins_several_reports(name: str) -> None:
    reports = [s.sample(), s.report(s.result(address="aws_db_instance.second"), path="second.json", workspace="second")]
    out = load(name).render_all(reports, s.PLAIN).decode()
    assert "module.db" in out
    assert "second" in out


def test_json_is_one_object_a_line_for_several_reports() -> None:
    lines = load("json").render_all([s.sample(), s.sample()], s.PLAIN).splitlines()
    assert [msgspec.json.decode(line)["schema"] for line in lines] == ["iacgate/report/v1"] * 2


def test_an_unknown_format_is_a_usage_error_that_names_the_formats() -> None:
    with pytest.raises(UsageError) as caught:
        load("yaml")
    assert "terminal" in caught.value.hint


def imported_by(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import iacgate.reports.formats", {f"iacgate.reports.{name}" for name in ("json", "terminal", "sarif")}),
        ("import iacgate.reports.terminal", {"rich", "xml", "urllib.request", "logging"}),
        ("import iacgate.reports.json", {"rich", "xml", "urllib", "logging"}),
    ],
)
def test_imports_only_what_is_asked_for(code: str, unwanted: set[str]) -> None:
    assert not imported_by(code) & unwanted
