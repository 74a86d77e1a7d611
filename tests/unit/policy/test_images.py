"""Images of a resource: where they stand, in JSON too, and what scans show of them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from iacgate.model.finding import Evidence, Severity
from iacgate.model.image import parse_image
from iacgate.model.image_scan import ImageScan, Vulnerability
from iacgate.model.values import UNKNOWN
from iacgate.policy.conditions import compile_condition
from iacgate.policy.image_file import DEFAULT_RULES
from iacgate.policy.image_scans import ImageScans, image_rules
from iacgate.policy.images import images_of
from iacgate.policy.subject import ConditionError

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
PINNED = f"registry.example.com/app@{DIGEST}"
PASS, NOT_KNOWN, FAIL = 0, 1, 2


class Subject(SimpleNamespace):
    """One resource, and nothing of its plan."""

    def __init__(self, kind: str, values: Any, unknown: Any = None, encoded: Any = None) -> None:
        super().__init__(type=kind, address=f"{kind}.a", actions=("create",), values=values, unknown=unknown)
        self.judged, self._encoded, self.image_scans = self, encoded, scans()

    def resolve(self, at: Any) -> Any:
        return UNKNOWN

    def encoded(self, at: Any) -> Any:
        return self._encoded

    def lacks(self, name: str) -> bool:
        return False

    def trace(self, at: Any) -> Any:
        return (), "apply"

    def is_sensitive(self, at: Any) -> bool:
        return False


def scans(*given: ImageScan, **rules: Any) -> ImageScans:
    table = {**DEFAULT_RULES, **rules}
    return ImageScans(given, image_rules([table]), NOW)


def ecs(text: str) -> Any:
    return Subject("aws_ecs_task_definition", {"container_definitions": text})


def named(subject: Any) -> list[tuple[Any, ...]]:
    return [(image.at, image.text) for image in images_of(subject)]


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('[{"image": "a"}, {"name": "x", "Image": "b"}]', ["a", "b"]),
            ('[{"name": "x"}, {"image": null}, {"image": ""}]', []),
            ("[]", []),
            ("", []),
            ("null", []),
        ],
    )
    def test_container_definitions_are_read_in_any_case(self, text: str, expected: list[str]) -> None:
        assert [text for _, text in named(ecs(text))] == expected

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('[{"image": "secret-value"', "it cannot be read"),
            ('[{"image": "a", "image": "b"}]', "it says a key twice"),
            ('[{"image": "a", "Image": "b"}]', "it says a key twice"),
            ('{"image": "secret-value"}', "no list"),
            ('["secret-value"]', "no object"),
            ('[{"image": 7}]', "no text"),
            ("[" * 100_000, "it cannot be read"),
        ],
    )
    def test_what_cannot_be_read_is_an_error_without_a_word_of_it(self, text: str, says: str) -> None:
        with pytest.raises(ConditionError, match=says) as error:
            named(ecs(text))
        assert "secret-value" not in str(error.value)

    def test_unknown_json_is_an_unknown_image(self) -> None:
        subject = Subject("aws_ecs_task_definition", {}, {"container_definitions": True})
        assert named(subject) == [(("container_definitions",), UNKNOWN)]

    def test_json_that_is_known_in_part_is_read_as_far_as_it_is(self) -> None:
        document = [{"image": "a"}, {}], [None, {"image": True}]
        subject = Subject("aws_ecs_task_definition", {}, {"container_definitions": True}, document)
        assert named(subject) == [
            (("container_definitions", 0, "image"), "a"),
            (("container_definitions", 1, "image"), UNKNOWN),
        ]

    def test_an_unknown_container_among_known_ones_is_an_unknown_image(self) -> None:
        subject = Subject("azurerm_container_group", {"container": [{"image": "a"}, {}]}, {"container": [{}, True]})
        assert [text for _, text in named(subject)] == ["a", UNKNOWN]

    def test_blocks_in_blocks_are_walked_through(self) -> None:
        spec = {"container": [{"image": "a"}], "init_container": [{"image": "b"}]}
        values = {"spec": [{"job_template": [{"spec": [{"template": [{"spec": [spec]}]}]}]}]}
        assert [text for _, text in named(Subject("kubernetes_cron_job_v1", values))] == ["a", "b"]

    def test_images_that_the_cloud_itself_resolves_are_left_out(self) -> None:
        values = {"environment": [{"image": "aws/codebuild/standard:7.0"}]}
        assert named(Subject("aws_codebuild_project", values)) == []


@pytest.mark.parametrize(
    ("images", "truth"),
    [
        ([PINNED], PASS),
        ([PINNED, "nginx:1"], FAIL),
        ([], PASS),
        ([PINNED, None], NOT_KNOWN),
        (["nginx:1", None], FAIL),
    ],
)
def test_every_image_must_satisfy_and_an_unknown_one_is_unknown(images: list[str | None], truth: int) -> None:
    subject = Subject(
        "azurerm_container_group",
        {"container": [{"image": one} for one in images]},
        {"container": [{"image": one is None} for one in images]},
    )
    node = compile_condition({"images": "every", "satisfies": {"path": ["digest"], "is_set": True}})
    assert node.judge(subject.values, subject.unknown, (), subject) == truth


@pytest.mark.parametrize("text", ["Nginx", "n" * 1_000_000, "${local.image}", "ng\u0131nx"])
def test_what_is_no_reference_is_an_error_of_the_check(text: str) -> None:
    subject = Subject("aws_lambda_function", {"image_uri": text})
    for tree in ({"images": "scanned"}, {"images": "every", "satisfies": {"path": ["digest"], "is_set": True}}):
        with pytest.raises(ConditionError, match=r"^image_uri is no image reference: ") as error:
            compile_condition(tree).judge(subject.values, None, (), subject)
        assert len(str(error.value)) < 120


def cve(severity: Severity | None = Severity.CRITICAL, days: float | None = 40, name: str = "CVE-1") -> Vulnerability:
    since = "" if days is None else (NOW - timedelta(days=days)).isoformat()
    return Vulnerability(name, severity, "xz", "5.6.0", "5.6.1", since)


def scan(*found: Vulnerability, digest: str = DIGEST, age: float | None = 1, **more: Any) -> ImageScan:
    time = "" if age is None else (NOW - timedelta(days=age)).isoformat()
    return ImageScan((digest,), time=time, vulnerabilities=found, **more)


def truth(given: ImageScans, image: str = PINNED) -> int:
    return given.look_up(parse_image(image)).truth


class TestScans:
    @pytest.mark.parametrize(
        ("found", "rules", "expected"),
        [
            ((), {}, PASS),
            ((cve(days=14),), {}, PASS),
            ((cve(days=16),), {}, FAIL),
            ((cve(Severity.HIGH, 29),), {}, PASS),
            ((cve(Severity.HIGH, 31),), {}, FAIL),
            ((cve(Severity.MEDIUM, 4_000),), {}, PASS),
            ((cve(None, 31),), {}, FAIL),
            ((cve(days=0),), {"fix_within": {**DEFAULT_RULES["fix_within"], "critical": 0}}, FAIL),
            ((cve(days=None),), {}, FAIL),
            ((cve(days=None),), {"undated": "unknown"}, NOT_KNOWN),
            ((cve(Severity.LOW, None),), {}, PASS),
            ((cve(days=-3),), {}, FAIL),
            ((cve(days=-3),), {"undated": "unknown"}, NOT_KNOWN),
        ],
    )
    def test_how_long_a_vulnerability_may_be_open(
        self, found: tuple[Vulnerability, ...], rules: dict[str, Any], expected: int
    ) -> None:
        assert truth(scans(scan(*found), **rules)) == expected

    @pytest.mark.parametrize(
        ("given", "rules", "expected"),
        [
            ([], {}, NOT_KNOWN),
            ([], {"unscanned": "fail"}, FAIL),
            ([scan(digest=OTHER)], {}, NOT_KNOWN),
            ([scan(problem="its status is FAILED")], {}, NOT_KNOWN),
            ([scan(problem="its status is FAILED"), scan()], {}, PASS),
            ([scan(cve(), problem="its status is FAILED"), scan()], {}, FAIL),
            ([scan(age=8)], {"max_age": 7 * 86_400}, NOT_KNOWN),
            ([scan(age=8)], {}, PASS),
            ([scan(cve(), age=8), scan()], {"max_age": 7 * 86_400}, FAIL),
            ([scan(age=None)], {"max_age": 7 * 86_400}, NOT_KNOWN),
            ([scan(age=-1)], {}, NOT_KNOWN),
        ],
    )
    def test_only_a_whole_and_recent_scan_of_the_very_image_clears_it(
        self, given: list[ImageScan], rules: dict[str, Any], expected: int
    ) -> None:
        assert truth(scans(*given, **rules)) == expected

    def test_a_tag_is_matched_only_where_the_policy_says_so(self) -> None:
        one = scan(tags=("registry.example.com/app:1.4",))
        assert truth(scans(one), "registry.example.com/app:1.4") == NOT_KNOWN
        assert truth(scans(one, match="tag"), "registry.example.com/app:1.4") == PASS
        assert truth(scans(one, match="tag"), "registry.example.com/app") == NOT_KNOWN
        assert truth(scans(one, match="tag"), f"registry.example.com/app:1.4@{OTHER}") == NOT_KNOWN

    def test_of_several_policy_sets_the_stricter_word_wins(self) -> None:
        lax = {**DEFAULT_RULES, "match": "tag", "undated": "unknown", "max_age": 9}
        strict = {**DEFAULT_RULES, "unscanned": "fail", "max_age": 5}
        strict["fix_within"] = {**DEFAULT_RULES["fix_within"], "medium": 0, "high": None}
        rules = image_rules([lax, strict])
        assert (rules.max_age, rules.match_tags, rules.unscanned_fails, rules.undated_fails) == (5, False, True, True)
        assert (rules.fix_within["medium"], rules.fix_within["high"]) == (0, 30 * 86_400)

    def test_the_evidence_names_image_vulnerability_package_fix_and_age(self) -> None:
        subject = Subject("aws_lambda_function", {"image_uri": PINNED})
        subject.image_scans = scans(scan(cve(), cve(Severity.HIGH, None, "CVE-2")))
        out: list[Evidence] = []
        compile_condition({"images": "scanned"}).explain(subject.values, None, (), subject, False, FAIL, out)
        assert [(one.path, one.actual, one.expected) for one in out] == [
            ("image_uri", PINNED, "scanned"),
            (
                'image_uri["CVE-1 xz"]',
                "CVE-1 (critical) in xz 5.6.0, known since 2026-01-29, fixed in 5.6.1",
                "fixed within 15 days (it is 40 days)",
            ),
            (
                'image_uri["CVE-2 xz"]',
                "CVE-2 (high) in xz 5.6.0, the scan does not say since when, fixed in 5.6.1",
                "fixed within 30 days",
            ),
        ]
