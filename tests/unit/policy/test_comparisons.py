# ruff: noqa: E501 - tables read better in long lines
"""Comparisons: what holds, what does not, absent, unknown, and values of another type."""

import re
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from iacgate.model.values import ABSENT, UNKNOWN
from iacgate.policy.catalogue import load_packaged
from iacgate.policy.comparisons import COMPARISONS, convert
from iacgate.policy.conditions import compile_condition
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, ConditionError, Linked, Trace

PASS, FAIL, OPEN = PASS_TRUTH, FAIL_TRUTH, UNKNOWN_TRUTH


class Alone:
    """A resource of which nothing can be followed further."""

    address, type, actions = "x.y", "x", ("create",)
    source = ""

    def __init__(self, values: Any = None, becomes: Any = UNKNOWN) -> None:
        self.values, self.unknown, self.judged, self.becomes = values or {}, None, self, becomes

    def resolve(self, at: Any) -> Any:
        return self.becomes

    def lacks(self, name: str) -> bool:
        return False

    def trace(self, at: Any) -> Trace:
        return Trace((), "")

    def is_sensitive(self, at: Any) -> bool:
        return False

    def policy_document(self, at: Any) -> Any:
        return None

    def made_of(self, at: Any, parts: int) -> str:
        return self.made.get(parts, "")

    made: dict[int, str] = {}  # noqa: RUF012 - replaced, not changed


def judge(tree: dict[str, Any], values: Any, unknown: Any = None, becomes: Any = UNKNOWN) -> int:
    subject = Alone(values, becomes)
    return compile_condition(tree).judge(values, unknown, (), subject)  # type: ignore[arg-type]


def compare(name: str, operand: Any, kind: str = "", *, fold: bool = False, absent: int = OPEN) -> dict[str, Any]:
    return {"path": ["a"], "compare": name, "value": operand, "kind": kind, "fold": fold, "absent": absent}


@pytest.mark.parametrize(
    ("name", "operand", "kind", "holds", "does_not"),
    [
        ("equals", "x", "string", ["x"], ["X", " x", "", "xx"]),
        ("equals", True, "bool", [True, "true", "1"], [False, "false", "0"]),
        ("equals", 22, "number", [22, 22.0, "22"], [21, "023"]),
        ("equals", "22", "string", ["22", 22, 22.0], ["22.0"]),
        ("equals", "true", "string", ["true", True], ["True", False]),
        ("equals", 1, "", [1], [True, "1"]),
        ("not_equals", "x", "string", ["X", ""], ["x"]),
        ("in", ["a", "b"], "string", ["a", "b"], ["c", "A", ""]),
        ("in", [1, 2], "number", ["1", 2], [3]),
        ("not_in", ["a", "b"], "string", ["c", ""], ["a"]),
        ("greater_than", 5, "number", [6, "5.1", "1e2"], [5, "5", -7]),
        ("at_least", 5, "number", [5, "5"], [4.9]),
        ("less_than", 5, "number", [4, -1], [5]),
        ("at_most", 5, "number", [5], ["6"]),
        ("version_at_least", "1.10", "string", ["1.10", "1.10.1", "2", "v1.11", "1.10.0-rc1"], ["1.9", "1.2", "0.99"]),
        ("version_below", "2", "string", ["1.99.99", "1.7.mysql_aurora.2.03.2"], ["2.0", "2", "10", "8.0.mysql_aurora.3.05.2"]),
        ("like", "github.com/acme/*", "string", ["github.com/acme/x", "github.com/acme/x/y"], ["github.com/acme", "github.com/acme-x/y", "x.github.com/acme/y"]),
        ("like", ["a?[b]*", "c"], "string", ["a?[b]", "a?[b]xx", "c"], ["ax[b]", "a?b", "C", "cc"]),
        ("not_like", ["a*", "b"], "string", ["ba", "A"], ["a", "ab", "b"]),
        ("matches", "^TLS-1-[23]", "string", ["TLS-1-2-x"], ["a TLS-1-2", "tls-1-2"]),
        ("not_matches", "AllUsers$", "string", ["AllUsersX"], ["x/AllUsers"]),
        ("starts_with", "arn:", "string", ["arn:x"], ["ARN:x", " arn:"]),
        ("starts_with", ["a", "b"], "string", ["ax", "bx"], ["cx"]),
        ("ends_with", ["-z"], "string", ["a-z"], ["z"]),
        ("within_cidr", ["10.0.0.0/8"], "string", ["10.1.0.0/16", "10.0.0.0/8", "10.9.9.9"], ["11.0.0.0/8", "0.0.0.0/0", "::/0"]),
        ("overlaps_cidr", ["10.0.0.0/8"], "string", ["0.0.0.0/0", "10.1.2.3/32"], ["11.0.0.0/8", "::/0"]),
        ("open_to_world", True, "string", ["0.0.0.0/0", "::/0", "0.0.0.0/1"], ["10.0.0.0/8", "1.2.3.4"]),
        ("open_to_world", False, "string", ["10.0.0.0/8"], ["0.0.0.0/0"]),
        ("includes_port", [22, 3389], "", ["22", 22, "20-30", "*", "80, 3389", "0-65535", " 22 "], ["23", 2222, "23-3388", "220", "80,443"]),
        ("before", "2027-01-01", "string", ["2026-12-31", "2026-12-31T23:59:59Z"], ["2027-01-01", "2027-01-01T00:00:00+00:00"]),
        ("after", "2027-01-01T00:00:00Z", "string", ["2027-01-01T01:00:01+01:00"], ["2027-01-01T00:30:00+01:00"]),
    ],
)  # fmt: skip
def test_a_comparison_holds_for_just_these_values(
    name: str, operand: Any, kind: str, holds: list[Any], does_not: list[Any]
) -> None:
    tree = compare(name, operand, kind)
    assert [judge(tree, {"a": value}) for value in holds] == [PASS] * len(holds)
    assert [judge(tree, {"a": value}) for value in does_not] == [FAIL] * len(does_not)


@pytest.mark.parametrize(
    ("name", "operand", "holds", "does_not"),
    [
        ("contains", "a", [["a"], ["b", "a"], {"a": 1}, "xax"], [[], ["A"], [None], {"b": "a"}, "x"]),
        ("contains", True, [[True]], [[1], ["true"]]),
        ("contains_all", ["a", "b"], [["b", "a", "c"], {"a": 0, "b": 0}], [["a"], []]),
        ("contains_any", ["a", "b"], [["b"], ["z", "a"]], [["z"], []]),
        ("subset_of", ["a", "b"], [["a"], [], ["b", "a", "a"]], [["a", "z"], [None]]),
    ],
)
def test_a_comparison_of_collections(name: str, operand: Any, holds: list[Any], does_not: list[Any]) -> None:
    tree = compare(name, operand)
    assert [judge(tree, {"a": value}) for value in holds] == [PASS] * len(holds)
    assert [judge(tree, {"a": value}) for value in does_not] == [FAIL] * len(does_not)


@pytest.mark.parametrize(
    ("name", "operand", "value"),
    [("equals", "AbC", "aBc"), ("in", ["X"], "x"), ("starts_with", "ARN", "arn:x"), ("ends_with", ["Z"], "az"),
     ("contains", "A", ["a"]), ("contains", "A", "xa"), ("contains_all", ["A"], ["a"]), ("contains_any", ["A"], ["a"]),
     ("subset_of", ["A"], ["a"])],
)  # fmt: skip
def test_ignore_case_folds_both_sides(name: str, operand: Any, value: Any) -> None:
    assert judge(compare(name, operand, fold=True), {"a": value}) == PASS
    assert judge(compare(name, operand), {"a": value}) == FAIL


@pytest.mark.parametrize("name", [name for name, one in COMPARISONS.items() if one.folds])
def test_what_folds_says_so(name: str) -> None:
    assert COMPARISONS[name].folds


OPERANDS = {"any": "x", "list": ["x"], "number": 1, "string": "x", "strings": "x", "bool": True, "regex": "x", "patterns": "x",
            "cidrs": ["10.0.0.0/8"], "ports": [22], "version": "1", "time": "2027-01-01"}  # fmt: skip


@pytest.mark.parametrize("name", COMPARISONS)
def test_absence_gives_what_the_check_says_and_an_unknown_is_unknown(name: str) -> None:
    operand = OPERANDS[COMPARISONS[name].operand]
    for absent in (PASS, FAIL, OPEN):
        tree = compare(name, operand, absent=absent)
        assert judge(tree, {}) == judge(tree, {"a": None}) == absent
        assert judge(tree, {}, {"a": True}) == judge(tree, {"a": None}, {"a": True}) == judge(tree, {}, True) == OPEN
        assert judge(tree, {}, {"a": True}, ABSENT) == absent
        assert judge(tree, {}, {"a": True}, Linked("x.z")) == OPEN


@pytest.mark.parametrize(
    "name", ["open_to_world", "within_cidr", "overlaps_cidr", "before", "version_below", "at_least"]
)
def test_an_empty_text_that_cannot_be_read_is_as_good_as_absent(name: str) -> None:
    # State and older providers write "" for what is not set: `ipv6_cidr_block = ""`.
    kind = "number" if name == "at_least" else "string"
    tree = compare(name, OPERANDS[COMPARISONS[name].operand], kind, absent=FAIL)
    assert judge(tree, {"a": ""}) == FAIL
    assert judge({**tree, "absent": PASS}, {"a": ""}) == PASS


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [("equals", "bool", "yes"), ("equals", "bool", 1), ("equals", "bool", "True"), ("equals", "number", "x"), ("equals", "number", True),
     ("at_least", "number", "1_000"), ("at_least", "number", " 1"), ("at_least", "number", "\u0663"), ("equals", "string", ["x"]),
     ("equals", "string", {"x": 1}), ("open_to_world", "string", "everywhere"), ("within_cidr", "string", "010.0.0.0/8"),
     ("version_at_least", "string", "latest"), ("before", "string", "soon"), ("contains", "", 3), ("subset_of", "", "x")],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error_that_does_not_show_it(name: str, kind: str, value: Any) -> None:
    operand = {"equals": "x", "at_least": 1, "contains": 3, "subset_of": ["x"]}.get(
        name, OPERANDS[COMPARISONS[name].operand]
    )
    with pytest.raises(ConditionError) as raised:
        judge(compare(name, operand, kind), {"a": value})
    assert str(value) not in str(raised.value) or value in ("x", ["x"], 1, 3)
    assert str(raised.value).startswith("a is of another type")


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [("string", 1.0, "1"), ("string", 0.5, "0.5"), ("string", 10, "10"), ("string", False, "false"), ("number", "1e3", 1000.0),
     ("number", "-7", -7), ("number", "2.50", 2.5), ("bool", "0", False), ("", [1], [1])],
)  # fmt: skip
def test_conversion_is_that_of_terraform(kind: str, value: Any, converted: Any) -> None:
    assert convert(value, kind) == converted
    assert type(convert(value, kind)) is type(converted)


@pytest.mark.parametrize(
    ("name", "value", "mask", "truth"),
    [
        ("contains", ["a", None], [False, True], PASS),
        ("contains", ["z", None], [False, True], OPEN),
        ("contains", ["z", None], [False, False], FAIL),
        ("contains_all", ["a", "b", None], [False, False, True], PASS),
        ("contains_all", ["a", None], [False, True], OPEN),
        ("contains_any", ["b", None], [False, True], PASS),
        ("contains_any", [None], [True], OPEN),
        ("subset_of", ["a", None], [False, True], OPEN),
        ("subset_of", ["z", None], [False, True], FAIL),
        ("contains", {"z": "1"}, {"a": True}, OPEN),
    ],
)
def test_what_the_known_elements_prove_already(name: str, value: Any, mask: Any, truth: int) -> None:
    operand = "a" if name == "contains" else ["a", "b"]
    assert judge(compare(name, operand), {"a": value}, {"a": mask}) == truth


@pytest.mark.parametrize(
    ("value", "unknown", "becomes", "truth"),
    [("x", None, UNKNOWN, PASS), ("", None, UNKNOWN, FAIL), (None, None, UNKNOWN, FAIL), ([], None, UNKNOWN, FAIL),
     ({}, None, UNKNOWN, FAIL), ([None], None, UNKNOWN, PASS), (False, None, UNKNOWN, PASS), (0, None, UNKNOWN, PASS),
     (None, {"a": True}, UNKNOWN, OPEN), (None, {"a": True}, ABSENT, FAIL), (None, {"a": True}, Linked("x.z"), PASS),
     ([None], {"a": [True]}, UNKNOWN, PASS), ({"b": 1}, {"a": {"c": True}}, UNKNOWN, PASS)],
)  # fmt: skip
def test_is_set(value: Any, unknown: Any, becomes: Any, truth: int) -> None:
    assert judge({"path": ["a"], "is_set": True}, {"a": value}, unknown, becomes) == truth
    assert judge({"path": ["a"], "is_set": False}, {"a": value}, unknown, becomes) == FAIL - truth


@pytest.mark.parametrize(
    ("value", "unknown", "becomes", "truth"),
    [([], None, UNKNOWN, PASS), (None, None, UNKNOWN, PASS), ({}, None, UNKNOWN, PASS), (["x"], None, UNKNOWN, FAIL),
     ([None], {"a": [True]}, UNKNOWN, FAIL), (None, {"a": True}, UNKNOWN, OPEN), (None, {"a": True}, ABSENT, PASS),
     (None, {"a": True}, Linked("x.z"), OPEN)],
)  # fmt: skip
def test_is_empty(value: Any, unknown: Any, becomes: Any, truth: int) -> None:
    assert judge({"path": ["a"], "is_empty": True}, {"a": value}, unknown, becomes) == truth


def test_a_path_leads_through_lists_of_one_and_stops_at_what_is_not_there() -> None:
    tree = {**compare("equals", "x", "string", absent=FAIL), "path": ["a", "b", "c"]}
    assert judge(tree, {"a": [{"b": [{"c": "x"}]}]}) == PASS
    assert judge(tree, {"a": {"b": {"c": "x"}}}) == PASS
    for nothing in ({}, {"a": []}, {"a": None}, {"a": [{}]}, {"a": [None]}, {"a": [{"b": []}]}):
        assert judge(tree, nothing) == FAIL
    assert judge(tree, {"a": [{"b": []}]}, {"a": [{"b": True}]}) == OPEN
    assert judge(tree, {"a": [{}]}, {"a": [True]}) == OPEN
    with pytest.raises(ConditionError, match="several elements"):
        judge(tree, {"a": [{}, {}]})
    with pytest.raises(ConditionError, match="no object"):
        judge(tree, {"a": "text"})


@pytest.mark.parametrize(
    ("pattern", "name", "truth"),
    [("*", "prod/app", PASS), ("prod/*", "prod/app", PASS), ("prod", "live/prod-app", PASS), ("qa", "prod/app", FAIL), ("prod?app", "prod/app", FAIL),
     ("[p]rod/app", "prod/app", FAIL), ("Prod/*", "prod/app", FAIL), (None, "prod/app", FAIL)],
)  # fmt: skip
def test_a_pattern_covers_a_name_by_asterisks_alone(pattern: Any, name: str, truth: int) -> None:
    tree = {"path": ["filter"], "pattern_for": "name", "absent": FAIL}
    assert judge(tree, {"filter": pattern, "name": name}) == truth
    assert judge(tree, {"filter": "x"}, {"filter": True, "name": True}) == OPEN


BUCKET = ["arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/*"]


@pytest.mark.parametrize(
    ("patterns", "truth"),
    [
        (["arn:aws:s3:::data", "arn:aws:s3:::data/*"], PASS),
        (["arn:aws-cn:s3:::data", "arn:aws-cn:s3:::data/*"], PASS),
        (["arn:*:s3:::data", "arn:*:s3:::data*"], PASS),
        (["arn:aws:s3:::da*"], PASS),
        (["*"], PASS),
        (["arn:*"], PASS),
        (["arn:aws:s3:::dat?", "arn:aws:s3:::dat?/*"], PASS),
        (["arn:aws:s3:::data"], FAIL),
        (["arn:aws:s3:::data/*"], FAIL),
        (["arn:aws:s3:::data", "arn:aws:s3:::data/logs/*"], FAIL),
        (["arn:aws:s3:::data", "arn:aws:s3:::data/?"], FAIL),
        (["arn:aws:s3:::data", "arn:aws:s3:::data/*.pdf"], FAIL),
        (["arn:aws:s3:::DATA", "arn:aws:s3:::DATA/*"], FAIL),
        (["arn:aws:s3:::other", "arn:aws:s3:::other/*"], FAIL),
        (["arn:aws:sqs:::data", "arn:aws:sqs:::data/*"], FAIL),
        (["arn:aws:s3:::dat[a]", "arn:aws:s3:::data/[a]*"], FAIL),
        (["arn:aws:s3:::data", "arn:aws:s3:::data/${aws:username}/*"], FAIL),
        ([], FAIL),
        (None, FAIL),
    ],
)
def test_covers_wants_all_of_each_name(patterns: list[str] | None, truth: int) -> None:
    tree = {"path": ["resource"], "covers": BUCKET}
    subject = Alone({"bucket": "data"})
    node = compile_condition(tree)
    assert node.judge({"resource": patterns}, None, (), subject) == truth  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bucket", "patterns", "made", "truth"),
    [
        (None, ["*"], {}, PASS),
        (None, ["arn:aws:s3:::*"], {}, PASS),
        (None, ["arn:aws:s3:::data", "arn:aws:s3:::data/*"], {}, OPEN),
        ("data", [None, None], {2: "x.y"}, PASS),
        (None, [None, None], {2: "x.y"}, PASS),
        ("data", [None, None], {2: "x.z"}, OPEN),
        ("data", [None, None], {1: "x.y"}, OPEN),
        ("data", [None], {1: "x.y"}, OPEN),
        ("data", [None, "arn:aws:s3:::data"], {1: "x.y"}, PASS),
        ("data", [None, "arn:aws:s3:::other"], {1: "x.y"}, OPEN),
        ("data", [None, None, None], {2: "x.y"}, OPEN),
    ],
)
def test_covers_counts_what_can_only_be_made_of_the_judged(
    bucket: str | None, patterns: list[str | None], made: dict[int, str], truth: int
) -> None:
    subject = Alone({"bucket": bucket})
    subject.made = made
    mask = {"resource": [one is None for one in patterns]}
    node = compile_condition({"path": ["resource"], "covers": BUCKET})
    assert node.judge({"resource": patterns}, mask, (), subject) == truth  # type: ignore[arg-type]
    assert node.judge({}, {"resource": True}, (), subject) == OPEN  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "truth"),
    [("*", PASS), ("Internet", PASS), ("any", PASS), ("0.0.0.0/0", PASS), ("VirtualNetwork", FAIL),
     ("Storage.WestEurope", FAIL), ("10.0.0.0/8", FAIL)],
)  # fmt: skip
def test_a_service_tag_is_no_internet_where_rules_take_service_tags(source: str, truth: int) -> None:
    tree = {**compare("open_to_world", True, "string"), "service_tags": True}
    assert judge(tree, {"a": source}) == truth
    with pytest.raises(ConditionError):
        judge(tree, {"a": "10.0.0.0/33"})


def _patterns() -> list[str]:
    """All regular expressions of the library."""
    catalogue = load_packaged()
    found: set[str] = set()

    def walk(tree: Any) -> None:
        if isinstance(tree, list):
            for item in tree:
                walk(item)
        elif isinstance(tree, dict):
            if tree.get("compare") in ("matches", "not_matches") and isinstance(tree["value"], str):
                found.add(tree["value"])
            for item in tree.values():
                walk(item)

    for number in range(len(catalogue)):
        for case in catalogue.conditions(number):
            walk([case.condition, case.when])
    return sorted(found)


@settings(max_examples=300)
@given(st.data())
def test_a_short_text_is_matched_as_by_the_linear_engine(data: Any) -> None:
    pattern = data.draw(st.sampled_from(_PATTERNS))
    text = data.draw(st.one_of(st.from_regex(re.compile(pattern, re.ASCII)), st.text(st.characters(max_codepoint=127))))
    made = COMPARISONS["matches"].make(pattern, False)
    assert made(text) == (re2.compile(pattern).search(text) is not None)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


_PATTERNS = [pattern for pattern in _patterns() if _compiles(pattern)]


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [("a$", "a\n", False), (r"\d", "٣", False), ("[[:digit:]]", "5", True), ("(a*)*b".replace("(a*)*", "a*"), "a" * 5000, False)],
)  # fmt: skip
def test_where_the_engines_differ_the_linear_one_counts(pattern: str, text: str, holds: bool) -> None:
    assert COMPARISONS["matches"].make(pattern, False)(text) is holds
