"""The pull request comment and the step summary, rendered by a CommonMark and GFM parser."""

import html
import re

import pytest
from markdown_it import MarkdownIt

from iacgate.model.finding import Effect, Evidence
from iacgate.reports import github_summary, markdown
from iacgate.reports.text import clean

from . import sample as s

OURS = {"h3", "h4", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "br"}
OURS |= {"details", "summary", "sub"}


def as_html(text: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)


def tags(rendered: str) -> list[str]:
    return re.findall(r"<(/?[a-zA-Z][a-z0-9]*)[^>]*>", rendered)


def comment(report: s.Report) -> str:
    return markdown.render(report, s.PASSES).decode()


@pytest.mark.parametrize(
    ("workspace", "expected"),
    [
        (None, "<!-- iacgate:report -->"),
        ("prod", "<!-- iacgate:report prod -->"),
        ("org/repo//live/eu", "<!-- iacgate:report org/repo//live/eu -->"),
        ("--><script>", "<!-- iacgate:report %2D%2D%3E%3Cscript%3E -->"),
        ("a\nb", "<!-- iacgate:report a%0Ab -->"),
    ],
)
def test_the_first_line_is_a_marker_of_the_workspace(workspace: str | None, expected: str) -> None:
    assert markdown.marker(workspace) == expected
    assert comment(s.report(workspace=workspace)).split("\n")[0] == expected


def test_long_workspaces_have_different_short_markers() -> None:
    one, other = markdown.marker("x" * 5_000), markdown.marker("x" * 5_001)
    assert one != other
    assert len(one) < 100


@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_hostile_text_makes_no_element_of_its_own(text: str) -> None:
    made = as_html(comment(s.hostile(text)))
    assert {tag.strip("/") for tag in tags(made)} <= OURS
    assert len(re.findall("<tr>", made)) == len(re.findall("<tr>", as_html(comment(s.hostile("harmless")))))


@pytest.mark.parametrize("text", s.HOSTILE.values(), ids=s.HOSTILE)
def test_hostile_text_is_read_as_it_is(text: str) -> None:
    made = re.sub(r"<!--.*?-->", "", as_html(markdown.code(text, 100)))
    assert html.unescape(re.sub(r"<[^>]+>", "", made)).strip() == clean(text, 100).strip()


@pytest.mark.parametrize("pattern", [r"@\w", r"#\d", r"://", r"(?i)www\."])
@pytest.mark.parametrize("name", ["mentions", "links", "html entity"])
def test_hostile_text_makes_no_mention_reference_or_link_in_the_page(pattern: str, name: str) -> None:
    _, _, visible = comment(s.hostile(s.HOSTILE[name])).partition("\n")
    made = html.unescape(as_html(visible))
    assert not re.search(pattern, made)


def test_paired_backticks_of_a_remediation_are_code() -> None:
    assert markdown.prose("Set `a_b = 1` now") == "Set <code>a&#95;b = 1</code> now"
    assert markdown.prose("a ` b") == "a &#96; b"


def test_what_blocks_is_a_table_and_the_rest_is_folded() -> None:
    text = comment(s.sample())
    assert text.count("\n|---|") == 3
    assert text.count("<details>") == text.count("</details>") == 6
    assert text.index("#### Blocking (3)") < text.index("#### Needs review (2)") < text.index("<details>")


def many(number: int, effect: Effect) -> s.Report:
    evidence = (Evidence("path", "|`<@" * 50, "set"),)
    return s.report(*[s.result(address=f"a[{n}]" * 9, effect=effect, evidence=evidence) for n in range(number)])


@pytest.mark.parametrize("effect", Effect)
def test_a_long_comment_stops_at_the_limit_in_whole_rows_and_says_so(effect: Effect) -> None:
    text = comment(many(5_000, effect))
    assert 40_000 < len(text.encode()) <= markdown.COMMENT_LIMIT
    assert re.search(r"… and \d+ more rows left out for length", text)
    assert text.count("<details>") == text.count("</details>")
    assert text.count("<code>") == text.count("</code>")
    assert "scope full" in text


def test_every_row_is_shown_or_counted() -> None:
    text = comment(many(5_000, Effect.DENY))
    left_out = re.search(r"and (\d+) more rows", text)
    assert left_out is not None
    rows = text.count("| high |")
    fixes = 1
    assert rows + int(left_out[1]) in (5_000, 5_000 + fixes)


def test_a_summary_of_many_reports_stays_under_a_mebibyte() -> None:
    out = github_summary.render_all([many(5_000, Effect.DENY)] * 3, s.PLAIN)
    assert 900_000 < len(out) <= 1_000_000
    assert out.count(b"more rows left out") == 3
