"""Conditions on one attribute: comparisons, presence, emptiness, patterns and port ranges."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, UNKNOWN, Marker
from iacgate.policy.comparisons import COMPARISONS, convert
from iacgate.policy.lookup import fetch, getter, make_evidence, shown, wrong_type
from iacgate.policy.networks import is_service_tag, port_status, protocol_number
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, Linked, Node

if TYPE_CHECKING:
    from iacgate.policy.subject import Path, Subject

__all__ = [
    "compile_comparison",
    "compile_covers",
    "compile_is_empty",
    "compile_is_set",
    "compile_pattern_for",
    "compile_ports",
]

_FIELD = re.compile(r"\{(\w+)\}")
_ANYTHING = "\0" * 64
"""Stands for any text where a name ends in ``*`` or is not known: only a pattern's own ``*`` takes it in."""


def _wanted(tree: dict[str, Any], negated: bool) -> str:
    """What a comparison (or its opposite) asks for, in words; made only where something is to be said."""
    name, operand = tree["compare"], tree["value"]
    if name == "open_to_world":
        return "a range open to the internet" if operand is not negated else "a range not open to the internet"
    comparison = COMPARISONS[name]
    return (comparison.negated if negated else comparison.words).format(shown(operand))


def _or_service_tag(test: Callable[[Any], bool], wanted: bool) -> Callable[[Any], bool]:
    """Azure's rules take service tags instead of address ranges; those that are not the internet are closed."""

    def tagged(value: Any) -> bool:
        try:
            return test(value)
        except ValueError:
            if isinstance(value, str) and is_service_tag(value):
                return wanted is False
            raise

    return tagged


def _absence(absent: Any) -> Callable[[Subject], int]:
    """What absence means to a subject: mostly the same for all, else by the version of its provider."""
    if isinstance(absent, int):
        return lambda _subject: absent
    rules = [(truth, constraint) for truth, constraint in absent["by_version"]]
    return lambda subject: subject.absence_by_version(rules)


def _versions(tree: dict[str, Any]) -> str:
    """Why absence may be unknown though the check says what it means: the default changed."""
    absent = tree.get("absent")
    if not isinstance(absent, dict):
        return ""
    return "its default is another with provider versions " + " and ".join(text for _, text in absent["by_version"])


def compile_comparison(tree: dict[str, Any]) -> Node:
    """One comparison of ``comparisons.COMPARISONS``, converting values as Terraform would."""
    comparison = COMPARISONS[tree["compare"]]
    steps = tuple(tree["path"])
    operand = tree["value"]
    fold = tree.get("fold", False)
    test = comparison.make(operand, fold)
    if tree.get("service_tags"):
        test = _or_service_tag(test, operand)
    absent = _absence(tree.get("absent", UNKNOWN_TRUTH))
    kind = tree.get("kind", "")
    secret = tree.get("secret", False)
    python_type = {"bool": bool, "string": str}.get(kind)
    get = getter(steps)

    def scalar(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found = get(value, mask, at, subject)
        if found is ABSENT:
            return absent(subject)
        if found is UNKNOWN or type(found) is Linked:
            return UNKNOWN_TRUTH
        try:
            if type(found) is not python_type:
                if isinstance(found, list | dict):
                    raise ValueError("a collection")
                found = convert(found, kind)
            return PASS_TRUTH if test(found) else FAIL_TRUTH
        except ValueError:
            if found == "" and kind != "bool":  # older providers keep what is not set as an empty text
                return absent(subject)
            raise wrong_type((*at, *steps), "of another type") from None

    def collection(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found, found_mask, place = fetch(value, mask, at, steps, subject)
        if found is ABSENT:
            return absent(subject)
        if found is UNKNOWN or type(found) is Linked:
            return UNKNOWN_TRUTH
        try:
            if not found_mask or not _any_unknown(found_mask):
                return PASS_TRUTH if test(found) else FAIL_TRUTH
            return _with_unknown_elements(tree["compare"], test, found, operand)
        except ValueError:
            raise wrong_type(place, "of another type") from None

    judge = collection if comparison.whole else scalar

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = fetch(v, u, at, steps, s)
        seen = make_evidence(value, place, _wanted(tree, negated), s, want, secret=secret)
        if value is ABSENT and want == UNKNOWN_TRUTH and (versions := _versions(tree)):
            seen = seen._replace(needs=f"{seen.path} is left out, and {versions}: lock the provider, or set it")
        out.append(seen)

    return Node(judge, explain, False)


def _any_unknown(mask: Any) -> bool:
    if isinstance(mask, list):
        return any(_any_unknown(item) for item in mask)
    if isinstance(mask, dict):
        return any(_any_unknown(item) for item in mask.values())
    return bool(mask)


def _with_unknown_elements(name: str, test: Callable[[Any], bool], value: Any, operand: Any) -> int:
    """Some elements are unknown: what the known ones prove already."""
    known = [item for item in value if item is not None] if isinstance(value, list) else value
    holds = test(known)
    if name == "subset_of":
        return UNKNOWN_TRUTH if holds else FAIL_TRUTH
    return PASS_TRUTH if holds else UNKNOWN_TRUTH


def compile_is_set(tree: dict[str, Any]) -> Node:
    """Whether an attribute is set: not null, not empty."""
    steps = tuple(tree["path"])
    wanted: bool = tree["is_set"]
    secret = tree.get("secret", False)
    get = getter(steps)
    truth_set, truth_unset = (PASS_TRUTH, FAIL_TRUTH) if wanted else (FAIL_TRUTH, PASS_TRUTH)

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found = get(value, mask, at, subject)
        if found is ABSENT or (isinstance(found, str | list | dict) and not found):
            return truth_unset
        return UNKNOWN_TRUTH if found is UNKNOWN else truth_set

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = fetch(v, u, at, steps, s)
        value = ABSENT if value in ("", [], {}) else value
        out.append(make_evidence(value, place, "set" if wanted is not negated else "not set", s, want, secret=secret))

    return Node(judge, explain, False)


def compile_is_empty(tree: dict[str, Any]) -> Node:
    """Whether a list, set or map has no elements."""
    steps = tuple(tree["path"])
    wanted: bool = tree["is_empty"]

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found = fetch(value, mask, at, steps, subject)[0]
        if found is UNKNOWN or type(found) is Linked:
            return UNKNOWN_TRUTH
        empty = found is ABSENT or (isinstance(found, list | dict | str) and not found)
        return PASS_TRUTH if empty is wanted else FAIL_TRUTH

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = fetch(v, u, at, steps, s)
        shown = value if isinstance(value, Marker) else f"{len(value)} elements" if hasattr(value, "__len__") else value
        out.append(make_evidence(shown, place, "empty" if wanted is not negated else "not empty", s, want))

    return Node(judge, explain, False)


def compile_pattern_for(tree: dict[str, Any]) -> Node:
    """Whether a wildcard pattern covers an attribute of the resource that is judged."""
    get = getter(tuple(tree["path"]))
    steps, name = tuple(tree["path"]), tree["pattern_for"]
    own = getter((name,))
    absent: int = tree.get("absent", UNKNOWN_TRUTH)

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        from fnmatch import fnmatchcase

        pattern = get(value, mask, at, subject)
        if pattern is ABSENT:
            return absent
        judged = subject.judged
        covered = own(judged.values, judged.unknown, (), judged)
        if pattern == "*":
            return PASS_TRUTH
        if not isinstance(pattern, str) or not isinstance(covered, str):
            return UNKNOWN_TRUTH
        if "*" not in pattern:
            return PASS_TRUTH if pattern in covered else FAIL_TRUTH
        literal = pattern.replace("[", "[[]").replace("?", "[?]")
        return PASS_TRUTH if fnmatchcase(covered, literal) else FAIL_TRUTH

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = fetch(v, u, at, steps, s)
        out.append(
            make_evidence(value, place, f"a pattern that {'leaves out' if negated else 'covers'} its `{name}`", s, want)
        )

    return Node(judge, explain, True)


def compile_covers(tree: dict[str, Any]) -> Node:
    """Whether a list of IAM patterns takes in all of some names, which are made of the resource that is judged.

    An element that is not known counts for a name that nothing known takes in, if it can only be made of the
    identity of the resource that is judged. What is put behind the identity, a plan does not show.
    """
    steps, wanted = tuple(tree["path"]), tree["covers"]
    getters = {field: getter((field,)) for name in wanted for field in _FIELD.findall(name)}
    expected = shown(wanted)

    def left_over(patterns: list[Any], judged: Subject) -> tuple[int, bool]:
        """How many names no known pattern takes in, and whether all that they are made of is known."""
        values = {field: get(judged.values, judged.unknown, (), judged) for field, get in getters.items()}
        known = {field: value if isinstance(value, str) else _ANYTHING for field, value in values.items()}
        names = [_FIELD.sub(lambda match: known[match[1]], name.replace("*", _ANYTHING)) for name in wanted]
        missing = sum(not any(_takes_in(one, name) for one in patterns if isinstance(one, str)) for name in names)
        return missing, _ANYTHING not in known.values()

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found, found_mask, place = fetch(value, mask, at, steps, subject)
        if found is ABSENT:
            return FAIL_TRUTH
        if not isinstance(found, list):
            return UNKNOWN_TRUTH
        missing, certain = left_over(found, subject.judged)
        if not missing:
            return PASS_TRUTH
        later = [one for one in found_mask if one] if isinstance(found_mask, list) else []
        if later:
            own = len(later) >= missing and subject.made_of(place, len(later)) == subject.judged.address
            return PASS_TRUTH if own else UNKNOWN_TRUTH
        return FAIL_TRUTH if certain else UNKNOWN_TRUTH

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = fetch(v, u, at, steps, s)
        words = f"a list that {'does not take' if negated else 'takes'} in {expected}"
        out.append(make_evidence(value, place, words, s, want))

    return Node(judge, explain, True)


def _takes_in(pattern: str, name: str) -> bool:
    """Whether an IAM pattern matches whatever a name can stand for; the partition of an ARN does not count."""
    from fnmatch import fnmatchcase

    return fnmatchcase(_no_partition(name), _no_partition(pattern).replace("[", "[[]"))


def _no_partition(arn: str) -> str:
    parts = arn.split(":", 2)
    return f"arn::{parts[2]}" if len(parts) == 3 and parts[0] == "arn" else arn


def compile_ports(tree: dict[str, Any]) -> Node:
    """Whether the port range of a rule holds one of some ports."""
    spec = tree["ports"]
    get_low, get_high, get_protocol = (getter(tuple(spec[key])) for key in ("from", "to", "protocol"))
    low_steps = tuple(spec["from"])
    ports: list[int] = spec["include"]
    wanted = frozenset(spec["protocols"])
    listed = ", ".join(str(port) for port in ports[:6]) + (", …" if len(ports) > 6 else "")

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        protocol = get_protocol(value, mask, at, subject)
        if isinstance(protocol, list | dict):
            raise wrong_type((*at, *spec["protocol"]), "no protocol")
        unknown_protocol = protocol is UNKNOWN or type(protocol) is Linked
        number = None if unknown_protocol else -1 if protocol is ABSENT else protocol_number(protocol)
        if number == -1:
            return PASS_TRUTH
        if number is not None and number not in wanted:
            return FAIL_TRUTH
        low, high = get_low(value, mask, at, subject), get_high(value, mask, at, subject)
        bounds: list[Any] = []
        for bound in (low, high):
            try:
                known = not isinstance(bound, Marker) and type(bound) is not Linked
                bounds.append(convert(bound, "number") if known else None)
            except ValueError:
                raise wrong_type((*at, *low_steps), "no port number") from None
        truth = port_status(bounds[0], bounds[1], ports, unknown_low=low is UNKNOWN, unknown_high=high is UNKNOWN)
        if number is None:  # unknown, or a name we do not know: it might be all protocols
            return UNKNOWN_TRUTH
        return truth

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        low, high, protocol = (get(v, u, at, s) for get in (get_low, get_high, get_protocol))
        unknowns = [
            (steps, found)
            for steps, found in zip((spec["from"], spec["to"], spec["protocol"]), (low, high, protocol), strict=True)
            if found is UNKNOWN
        ]
        expected = f"{'without' if negated else 'with'} port {listed}"
        if want == UNKNOWN_TRUTH and unknowns:
            out.append(make_evidence(UNKNOWN, (*at, *unknowns[0][0]), expected, s, want))
            return
        everything = protocol is ABSENT or protocol_number(protocol) == -1
        span = "all ports" if everything else f"{shown(protocol)} {_bound(low)}-{_bound(high)}".replace('"', "")
        secret = any(s.is_sensitive((*at, *spec[key])) for key in ("from", "to", "protocol"))
        out.append(make_evidence(span, (*at, *low_steps), expected, s, want, secret=secret))

    return Node(judge, explain, False)


def _bound(value: Any) -> str:
    return "" if isinstance(value, Marker) else str(value)
