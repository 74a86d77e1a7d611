"""Plans mutated at random: nothing crashes, nothing hangs, and a violation that is still there is never allowed.

The same mutations always: a failure can be run again by its number. A longer campaign:
``IACGATE_FUZZ=20000 pytest tests/acceptance/test_fuzz.py``.
"""

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.hostile import CODES, FIXTURES, Ran, instance, judge_plan, open_group

ROUNDS = int(os.environ.get("IACGATE_FUZZ", "40"))
VIOLATIONS = (instance("fuzz"), open_group("fuzz"))
LARGEST = 70_000
PLANS = [path for path in sorted((FIXTURES / "plans").glob("*.json")) if path.stat().st_size < LARGEST]
ODD = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**64,
    10**40,
    0.5,
    "",
    "x",
    "true",
    "aws_instance.fuzz",
    "0.0.0.0/0",
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"a": {"b": [1]}},
    "\x00",
    "é\U0001f600",
    "x" * 5000,
    ["no-op"],
    ["delete"],
    "data",
    "managed",
)


def test_there_are_plans_to_mutate_and_what_is_injected_is_a_violation(tmp_path: Path) -> None:
    assert len(PLANS) > 10
    for number, violation in enumerate(VIOLATIONS):
        ran = judge_plan(tmp_path, {"format_version": "1.2", "resource_changes": [violation]})
        assert ran.code == 1, (number, ran)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_mutated_plan_never_crashes_hangs_or_hides_a_violation(path: Path, tmp_path: Path) -> None:
    for number in range(ROUNDS):
        rng = random.Random(f"{path.name}/{number}")
        tree = _with_violations(path, rng)
        for _ in range(rng.choice((1, 1, 2, 5))):
            tree = _mutate(tree, rng)
        data = json.dumps(tree, indent=rng.choice((None, None, 1)), ensure_ascii=rng.random() < 0.5)
        _hold(judge_plan(tmp_path, data.encode(errors="surrogatepass")), tree, (path.name, number))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_mutated_bytes_never_crash_hang_or_hide_a_violation(path: Path, tmp_path: Path) -> None:
    for number in range(ROUNDS):
        rng = random.Random(f"{path.name}/bytes/{number}")
        data = bytearray(json.dumps(_with_violations(path, rng), separators=(",", ":")).encode())
        for _ in range(rng.choice((1, 1, 2, 8))):
            _mutate_bytes(data, rng)
        try:
            tree = json.loads(bytes(data))
        except (ValueError, RecursionError):
            tree = None
        ran = judge_plan(tmp_path, bytes(data))
        _hold(ran, tree, (path.name, number))
        if tree is None:
            assert ran.code == 4, f"{path.name}, round {number}: not JSON, and yet {ran.code}"


ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(ODD)
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["address", "change", "after", "actions", "references", "constant_value", "values", "resources", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(PLANS), places=st.lists(st.tuples(st.integers(0, 10**6), VALUES), min_size=1, max_size=3))
def test_any_value_anywhere_never_crashes_hangs_or_hides_a_violation(
    path: Path, places: list[tuple[int, Any]], tmp_path: Path
) -> None:
    tree = _with_violations(path, random.Random(path.name))
    for number, value in places:
        slots = list(_slots(tree))
        parent, key = slots[number % len(slots)]
        parent[key] = value
    data = json.dumps(tree).encode()
    _hold(judge_plan(tmp_path, data), tree, (path.name, places))


def _hold(ran: Ran, tree: Any, case: object) -> None:
    assert ran.code in CODES - {2}, f"{case}: {ran}"
    assert "internal error" not in ran.err, f"{case}: {ran.err}"
    assert "Traceback" not in ran.err, f"{case}: {ran.err}"
    assert ran.seconds < 2, f"{case}: {ran.seconds:.1f} s"
    if ran.code == 4 and not ran.out:
        assert ran.err.startswith("iacgate: error: "), f"{case}: {ran}"
    if _still_violates(tree):
        assert ran.code != 0, f"{case}: allowed, and a violation is in it"


def _still_violates(tree: Any) -> bool:
    changes = tree.get("resource_changes") if isinstance(tree, dict) else None
    return isinstance(changes, list) and any(violation in changes for violation in VIOLATIONS)


def _with_violations(path: Path, rng: random.Random) -> dict[str, Any]:
    tree = json.loads(path.read_bytes())
    changes = tree.setdefault("resource_changes", [])
    for violation in VIOLATIONS:
        changes.insert(rng.randrange(len(changes) + 1), copy.deepcopy(violation))
    return tree


def _slots(tree: Any) -> Any:
    """Every place of a tree: (container, key). Without recursion, because trees may be deep."""
    stack = [tree]
    while stack:
        one = stack.pop()
        pairs = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, value in pairs:
            yield one, key
            stack.append(value)


def _mutate(tree: Any, rng: random.Random) -> Any:
    slots = list(_slots(tree))
    if rng.random() < 0.35:  # near the top, where structure is
        slots = [slot for slot in slots if slot[0] is tree or slot[0] is tree.get("resource_changes")] or slots
    if not slots:
        return tree
    parent, key = rng.choice(slots)
    match rng.randrange(9):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(parent[key]))
        case 1:
            parent[f"{key}{rng.choice(('', '2', '_wo'))}"] = copy.deepcopy(parent[key])
        case 2 | 3:
            parent[key] = copy.deepcopy(rng.choice(ODD))
        case 4:
            parent[key] = [parent[key]] if rng.random() < 0.5 else {str(rng.choice(("x", key))): parent[key]}
        case 5:
            other, place = rng.choice(slots)
            first, second = copy.deepcopy(parent[key]), copy.deepcopy(other[place])
            parent[key], other[place] = second, first
        case 6:
            other, place = rng.choice(slots)
            parent[key] = copy.deepcopy(other[place])
        case 7:
            parent[key] = _retyped(parent[key])
        case 8:
            for _ in range(rng.choice((3, 20, 60))):
                parent[key] = [parent[key]] if rng.random() < 0.5 else {"a": parent[key]}
    return tree


def _retyped(value: Any) -> Any:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return [value]
        case list():
            return {str(place): item for place, item in enumerate(value)}
        case dict():
            return list(value.values())
        case _:
            return {}


def _mutate_bytes(data: bytearray, rng: random.Random) -> None:
    at, length = rng.randrange(len(data) or 1), rng.choice((1, 1, 2, 8, 200))
    match rng.randrange(6) if data else None:
        case 0:
            data[at] = rng.randrange(256)
        case 1:
            del data[at : at + length]
        case 2:
            data[at:at] = data[at : at + length]
        case 3:
            other = rng.randrange(len(data))
            data[at : at + length] = data[other : other + length]
        case 4:
            data[at] = rng.choice(b'{}[]",:0123456789truefalsn\\ \n-.eE')
        case 5 if rng.random() < 0.2:
            del data[max(1, at) :]
