# ruff: noqa: E501 - tables read better in long lines
"""Kleene logic against brute force: a truth value is said only when every completion of the unknowns has it."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iacgate.policy.conditions import compile_condition

from tests.unit.policy.test_comparisons import FAIL, OPEN, PASS, Alone, judge

NAMES = ("p", "q", "r")
LISTS = ("l", "m")


def flag(path: list[str], absent: int = FAIL) -> dict[str, Any]:
    return {"path": path, "compare": "equals", "value": True, "kind": "bool", "absent": absent}


LEAVES = st.one_of(
    st.builds(flag, st.sampled_from(NAMES).map(lambda name: [name]), st.sampled_from([PASS, FAIL])),
    st.builds(lambda form, name, negate: {form: [name], "satisfies": {"not": flag([])} if negate else flag([])},
              st.sampled_from(["every", "some"]), st.sampled_from(LISTS), st.booleans()),
    st.builds(lambda name: {"path": [name], "is_set": True}, st.sampled_from(NAMES)),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
KNOWN = st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in NAMES})
ITEMS = st.fixed_dictionaries({name: st.lists(st.sampled_from([True, False]), max_size=2) for name in LISTS})


def completions(values: dict[str, Any], unknown: dict[str, Any]) -> Any:
    """Everything that the unknowns may become: flags, elements, whole lists of up to two."""
    places, choices = [], []
    for name, mask in unknown.items():
        if mask is True:
            places.append((name, -1))
            choices.append(
                [True, False, None]
                if name in NAMES
                else [list(p) for n in range(3) for p in product((True, False), repeat=n)]
            )
        else:
            for index, hidden in enumerate(mask):
                if hidden:
                    places.append((name, index))
                    choices.append([True, False])
    for picked in product(*choices):
        out = {key: list(value) if isinstance(value, list) else value for key, value in values.items()}
        for (name, index), value in zip(places, picked, strict=True):
            if index < 0:
                out[name] = value
            else:
                out[name][index] = value
        yield out


@given(TREES, KNOWN, ITEMS, st.data())
def test_what_is_said_of_a_condition_is_true_of_every_completion(
    tree: Any, known: Any, items: Any, data: st.DataObject
) -> None:
    values: dict[str, Any] = {**known, **items}
    unknown: dict[str, Any] = {}
    for name in data.draw(st.sets(st.sampled_from([*NAMES, *LISTS]), max_size=3)):
        if name in LISTS and values[name] and data.draw(st.booleans()):
            hidden = [data.draw(st.booleans()) for _ in values[name]]
            values[name] = [None if hide else item for item, hide in zip(values[name], hidden, strict=True)]
            unknown[name] = hidden
        else:
            values[name], unknown[name] = None, True
    said = judge(tree, values, unknown)
    outcomes = {judge(tree, complete) for complete in completions(values, unknown)}
    assert OPEN not in outcomes
    assert said == OPEN or outcomes == {said}


@given(TREES, KNOWN, ITEMS)
def test_without_unknowns_logic_is_that_of_two_values(tree: Any, known: Any, items: Any) -> None:
    values = {**known, **items}

    def holds(part: Any) -> bool:
        if "all" in part:
            return all(holds(one) for one in part["all"])
        if "any" in part:
            return any(holds(one) for one in part["any"])
        if "not" in part:
            return not holds(part["not"])
        if "is_set" in part:
            return values[part["path"][0]] is not None
        for form, fold in (("every", all), ("some", any)):
            if form in part:
                negate = "not" in part["satisfies"]
                return fold(item is not negate for item in values[part[form][0]])
        value = values[part["path"][0]]
        return bool(part["absent"] == PASS if value is None else value)

    assert judge(tree, values) == (PASS if holds(tree) else FAIL)


def test_kleene_is_weaker_where_one_unknown_stands_twice() -> None:
    # Every completion passes; strong Kleene logic looks at each part alone and says unknown. Sound, and by its nature.
    tree = {"any": [flag(["p"]), {"not": flag(["p"])}]}
    assert judge(tree, {}, {"p": True}) == OPEN
    assert {judge(tree, {"p": value}) for value in (True, False, None)} == {PASS}


@pytest.mark.parametrize(
    ("form", "items", "mask", "truth"),
    [("every", [], None, PASS), ("some", [], None, FAIL), ("every", [True, None], [False, True], OPEN), ("every", [False, None], [False, True], FAIL),
     ("some", [True, None], [False, True], PASS), ("some", [False, None], [False, True], OPEN), ("every", None, True, OPEN), ("some", None, True, OPEN),
     ("every", [None], [False], FAIL), ("some", [None], [False], FAIL), ("every", {"a": True}, {"b": True}, OPEN), ("some", {"a": True}, {"b": True}, PASS)],
)  # fmt: skip
def test_a_quantifier_over_partly_known_elements(form: str, items: Any, mask: Any, truth: int) -> None:
    assert judge({form: ["l"], "satisfies": flag([])}, {"l": items}, {"l": mask} if mask else None) == truth


@pytest.mark.parametrize("absent", [PASS, FAIL, OPEN])
def test_a_quantifier_on_nothing_gives_what_the_check_says(absent: int) -> None:
    for form in ("every", "some"):
        for nothing in ({}, {"l": None}, {"l": []}):
            assert judge({form: ["l"], "satisfies": flag([]), "absent": absent}, nothing) == absent


@pytest.mark.parametrize(
    ("values", "unknown", "every", "some"),
    [({"a": [{"b": [True]}, {"b": [False]}]}, None, FAIL, PASS), ({"a": [{"b": [True]}, {"b": []}]}, None, PASS, PASS),
     ({"a": [{"b": []}, {}]}, None, PASS, FAIL), ({"a": [{"b": [True]}, {}]}, {"a": [{}, {"b": True}]}, OPEN, PASS),
     ({"a": [{"b": [False]}, {}]}, {"a": [{}, {"b": True}]}, FAIL, OPEN), ({"a": [{"b": [True]}, None]}, {"a": [{}, True]}, OPEN, PASS)],
)  # fmt: skip
def test_a_walk_through_elements_of_elements(values: Any, unknown: Any, every: int, some: int) -> None:
    assert judge({"every": ["a[]", "b"], "satisfies": flag([])}, values, unknown) == every
    assert judge({"some": ["a[]", "b"], "satisfies": flag([])}, values, unknown) == some


@given(TREES, KNOWN, ITEMS)
def test_what_fails_or_is_unknown_can_be_explained(tree: Any, known: Any, items: Any) -> None:
    subject = Alone({**known, **items})
    node = compile_condition(tree)
    out: list[Any] = []
    truth = node.judge(subject.values, {"p": True}, (), subject)  # type: ignore[arg-type]
    if truth != PASS:
        node.explain(subject.values, {"p": True}, (), subject, False, truth, out)  # type: ignore[arg-type]
        assert all(one.expected for one in out)
