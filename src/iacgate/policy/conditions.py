"""Conditions in three-valued logic, compiled to closures (strong Kleene; ``docs/reference/check-format.md``).

A condition's truth is an integer so that logic is arithmetic: ``PASS`` 0, ``UNKNOWN`` 1, ``FAIL`` 2;
all = max, any = min, not = 2 - x. Each condition compiles to two closures: ``judge`` gives the truth
and nothing else; ``explain`` is called only when there is something to explain, and gathers evidence.

Both take a scope: the value, its mask of unknowns, its path from the resource's root, and the
:class:`Subject` that is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN, Marker
from iacgate.policy.comparisons import COMPARISONS, convert
from iacgate.policy.iam import PolicyDocumentError, from_json
from iacgate.policy.networks import port_status, protocol_number

__all__ = [
    "FAIL_TRUTH",
    "PASS_TRUTH",
    "UNKNOWN_TRUTH",
    "ConditionError",
    "Links",
    "Node",
    "Subject",
    "Trace",
    "compile_condition",
    "path_text",
]

PASS_TRUTH, UNKNOWN_TRUTH, FAIL_TRUTH = 0, 1, 2

if TYPE_CHECKING:
    Path = tuple[str | int, ...]
    Judge = Callable[[Any, Any, Path, "Subject"], int]
    Explain = Callable[[Any, Any, Path, "Subject", bool, int, list[Evidence]], None]


if TYPE_CHECKING:

    class Subject(Protocol):
        """What a condition needs to know of the resource it is applied to."""

        address: str
        type: str
        actions: tuple[str, ...]
        values: dict[str, Any]
        unknown: Any
        judged: Any
        """The resource that the check is about; on a partner that a relation leads to it is not the partner."""

        def resolve(self, at: Path) -> Any:
            """What an unknown is after following references: ``ABSENT``, ``UNKNOWN`` or ``Linked``."""

        def trace(self, at: Path) -> Trace:
            """The references behind an unknown, for people."""

        def is_sensitive(self, at: Path) -> bool:
            """The plan marks the value sensitive."""

        def policy_document(self, at: Path) -> tuple[dict[str, Any], Any] | None:
            """The policy document behind an unknown attribute, when a data source of the plan makes it."""

        def named_by(self, types: list[str], their: str, matches: list[str], missing: int | None) -> Links:
            """Resources whose attribute ``their`` names this one."""

        def names(self, types: list[str], value: Any, at: Path, matches: list[str], missing: int | None) -> Links:
            """Resources that the value at ``at`` of this one names."""

        def others(self, types: list[str]) -> Sequence[Subject]:
            """All resources of these types in the same world."""


class ConditionError(Exception):
    """A value is not of a kind that the condition can speak of. The message holds no value."""


class Trace(NamedTuple):
    """How far an unknown could be followed."""

    chain: tuple[str, ...]
    needs: str


class Linked(NamedTuple):
    """A value that is not known, but is the identity of a resource of this plan: it is set."""

    address: str


class Links(NamedTuple):
    """The partners of a resource: surely linked ones, and ones of which it cannot be told."""

    certain: Sequence[Subject]
    possible: Sequence[Subject]
    one_of: bool
    """The link is to exactly one of ``possible``: when all agree, that is the answer."""
    missing: int
    """Truth when there is no partner at all."""
    evidence: Evidence
    """What to show when there is none."""
    open: bool = False
    """There may be partners that nobody knows of: an element of the attribute is unknown."""


class Node(NamedTuple):
    """A compiled condition."""

    judge: Judge
    explain: Explain
    relational: bool
    """It looks beyond the resource itself, so an unchanged resource can change its verdict."""


def compile_condition(tree: dict[str, Any]) -> Node:
    """Compile a condition in the normal form that ``condition_syntax`` makes of YAML."""
    (kind,) = [key for key in tree if key in _COMPILERS]
    return _COMPILERS[kind](tree)


# --- paths -----------------------------------------------------------------------------------------------------------


def path_text(path: Path) -> str:
    """A path as Terraform would write it: ``ingress[0].cidr_blocks[1]``, ``tags["cost centre"]``."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif step.replace("-", "_").isidentifier():
            out += f".{step}" if out else step
        else:
            out += f'["{step}"]'
    return out


def _mask_at(mask: Any, step: str | int) -> Any:
    if mask is True or not mask:
        return mask
    if isinstance(step, int):
        return mask[step] if isinstance(mask, list) and step < len(mask) else None
    return mask.get(step) if isinstance(mask, dict) else None


def _wrong_type(at: Path, what: str) -> ConditionError:
    return ConditionError(f"{path_text(at) or 'the resource'} is {what}, which the provider's schema does not allow")


def _fetch(value: Any, mask: Any, at: Path, steps: tuple[str, ...], subject: Subject) -> tuple[Any, Any, Path]:
    """Walk to a value, through blocks and lists of one. The value may be a marker or ``Linked``."""
    for name in steps:
        if isinstance(value, list):
            if not value:
                return ABSENT, None, at
            if len(value) > 1:
                raise ConditionError(f"{path_text(at)} has several elements; the check looks at one")
            mask, at, value = _mask_at(mask, 0), (*at, 0), value[0]
        if mask is True:
            return subject.resolve(at), True, at
        if value is None:
            return ABSENT, None, at
        if not isinstance(value, dict):
            raise _wrong_type(at, "no object")
        at = (*at, name)
        value, mask = value.get(name), _mask_at(mask, name)
        if mask is True or (value is None and mask):
            return subject.resolve(at), True, at
        if value is None:
            return ABSENT, None, at
    if not steps and (value is None or mask is True):
        return (subject.resolve(at), True, at) if mask else (ABSENT, None, at)
    return value, mask, at


def _getter(steps: tuple[str, ...]) -> Callable[[Any, Any, Path, Subject], Any]:
    """Like ``_fetch`` for the value alone; the common one-step path is written out for speed."""
    if len(steps) != 1:
        return lambda value, mask, at, subject: _fetch(value, mask, at, steps, subject)[0]
    name = steps[0]

    def get(value: Any, mask: Any, at: Path, subject: Subject) -> Any:
        if type(value) is not dict or (mask and type(mask) is not dict):
            return _fetch(value, mask, at, steps, subject)[0]
        found = value.get(name)
        if mask and (known := mask.get(name)) and (known is True or found is None):
            return subject.resolve((*at, name))
        return ABSENT if found is None else found

    return get


def _elements(
    value: Any, mask: Any, at: Path, steps: tuple[str, ...], subject: Subject
) -> tuple[Any, list[tuple[Any, Any, Path]]]:
    """All elements of a collection. The first part is ``ABSENT``, ``UNKNOWN`` or ``None`` (there they are)."""
    for position, step in enumerate(steps):
        if step.endswith("[]"):
            inner, rest = (*steps[:position], step[:-2]), steps[position + 1 :]
            whole, outer = _elements(value, mask, at, inner, subject)
            if whole is not None:
                return whole, []
            out: list[tuple[Any, Any, Path]] = []
            unknown = False
            for item, item_mask, item_at in outer:
                whole, below = _elements(item, item_mask, item_at, rest, subject)
                unknown = unknown or whole is UNKNOWN
                out += below
                if whole is UNKNOWN:
                    out.append((None, True, item_at))
            return (None if out else ABSENT), out
    value, mask, at = _fetch(value, mask, at, steps, subject)
    if value is ABSENT:
        return ABSENT, []
    if value is UNKNOWN or type(value) is Linked:
        return UNKNOWN, [(None, True, at)]
    if isinstance(value, list):
        pairs = [(item, _mask_at(mask, index), (*at, index)) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        pairs = [(item, _mask_at(mask, key), (*at, key)) for key, item in value.items()]
        if isinstance(mask, dict):
            pairs += [(None, True, (*at, key)) for key, part in mask.items() if part is True and key not in value]
    else:
        raise _wrong_type(at, "one value, not a list")
    return (None, pairs) if pairs else (ABSENT, [])


# --- evidence --------------------------------------------------------------------------------------------------------


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_show(item) for item in value)
    return f'"{value}"' if isinstance(value, str) else str(value)


def _evidence(value: Any, at: Path, expected: str, subject: Subject, want: int, *, secret: bool = False) -> Evidence:
    chain: tuple[str, ...] = ()
    needs = ""
    if value is ABSENT and want == UNKNOWN_TRUTH:
        needs = f"{path_text(at)} is left out, and what applies then is settled outside of this plan; set it"
    if type(value) is Linked:
        value = UNKNOWN
    if value is UNKNOWN:
        chain, needs = subject.trace(at)
    elif not isinstance(value, Marker) and (secret or subject.is_sensitive(at)):
        value = SENSITIVE
    return Evidence(path_text(at), value, expected, "", chain, needs)


def _of_partner(evidence: list[Evidence], address: str, since: int) -> None:
    for index in range(since, len(evidence)):
        if not evidence[index].address:
            evidence[index] = evidence[index]._replace(address=address)


# --- logic -----------------------------------------------------------------------------------------------------------


def _compile_logic(tree: dict[str, Any]) -> Node:
    conjunction = "all" in tree
    nodes = [compile_condition(child) for child in tree["all" if conjunction else "any"]]
    judges = tuple(node.judge for node in nodes)

    def judge_all(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        worst = PASS_TRUTH
        for judge in judges:
            truth = judge(value, mask, at, subject)
            if truth == FAIL_TRUTH:
                return FAIL_TRUTH
            if truth > worst:
                worst = truth
        return worst

    def judge_any(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        best = FAIL_TRUTH
        for judge in judges:
            truth = judge(value, mask, at, subject)
            if truth == PASS_TRUTH:
                return PASS_TRUTH
            if truth < best:
                best = truth
        return best

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        since, parts = len(out), 0
        for node in nodes:
            truth = node.judge(v, u, at, s)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                node.explain(v, u, at, s, negated, want, out)
                parts += 1
        if conjunction is negated and parts > 1:
            out[since:] = [one._replace(alternative=True) for one in out[since:]]

    return Node(judge_all if conjunction else judge_any, explain, any(node.relational for node in nodes))


def _compile_not(tree: dict[str, Any]) -> Node:
    node = compile_condition(tree["not"])
    judge = node.judge

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        node.explain(v, u, at, s, not negated, want, out)

    return Node(lambda v, u, at, s: FAIL_TRUTH - judge(v, u, at, s), explain, node.relational)


# --- one attribute ---------------------------------------------------------------------------------------------------


def _compile_comparison(tree: dict[str, Any]) -> Node:
    comparison = COMPARISONS[tree["compare"]]
    steps = tuple(tree["path"])
    operand = tree["value"]
    fold = tree.get("fold", False)
    test = comparison.make(operand, fold)
    absent: int = tree.get("absent", UNKNOWN_TRUTH)
    kind = tree.get("kind", "")
    secret = tree.get("secret", False)
    python_type = {"bool": bool, "string": str}.get(kind)
    get = _getter(steps)

    def scalar(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found = get(value, mask, at, subject)
        if found is ABSENT:
            return absent
        if found is UNKNOWN or type(found) is Linked:
            return UNKNOWN_TRUTH
        try:
            if type(found) is not python_type:
                if isinstance(found, list | dict):
                    raise ValueError("a collection")
                found = convert(found, kind)
            return PASS_TRUTH if test(found) else FAIL_TRUTH
        except ValueError:
            if found == "":  # older providers keep what is not set as an empty text
                return absent
            raise _wrong_type((*at, *steps), "of another type") from None

    def collection(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found, found_mask, place = _fetch(value, mask, at, steps, subject)
        if found is ABSENT:
            return absent
        if found is UNKNOWN or type(found) is Linked:
            return UNKNOWN_TRUTH
        try:
            if not found_mask or not _any_unknown(found_mask):
                return PASS_TRUTH if test(found) else FAIL_TRUTH
            return _with_unknown_elements(tree["compare"], test, found, operand)
        except ValueError:
            raise _wrong_type(place, "of another type") from None

    judge = collection if comparison.whole else scalar
    shown = _show(operand)
    if tree["compare"] == "open_to_world":
        words = ("a range open to the internet", "a range not open to the internet")
        expected, negated_words = words if operand else words[::-1]
    else:
        expected, negated_words = comparison.words.format(shown), comparison.negated.format(shown)

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = _fetch(v, u, at, steps, s)
        out.append(_evidence(value, place, negated_words if negated else expected, s, want, secret=secret))

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


def _compile_is_set(tree: dict[str, Any]) -> Node:
    steps = tuple(tree["path"])
    wanted: bool = tree["is_set"]
    secret = tree.get("secret", False)
    get = _getter(steps)
    truth_set, truth_unset = (PASS_TRUTH, FAIL_TRUTH) if wanted else (FAIL_TRUTH, PASS_TRUTH)

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found = get(value, mask, at, subject)
        if found is ABSENT or (isinstance(found, str | list | dict) and not found):
            return truth_unset
        return UNKNOWN_TRUTH if found is UNKNOWN else truth_set

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = _fetch(v, u, at, steps, s)
        value = ABSENT if value in ("", [], {}) else value
        out.append(_evidence(value, place, "set" if wanted is not negated else "not set", s, want, secret=secret))

    return Node(judge, explain, False)


def _compile_is_empty(tree: dict[str, Any]) -> Node:
    steps = tuple(tree["path"])
    wanted: bool = tree["is_empty"]

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        found = _fetch(value, mask, at, steps, subject)[0]
        if found is UNKNOWN or type(found) is Linked:
            return UNKNOWN_TRUTH
        empty = found is ABSENT or (isinstance(found, list | dict | str) and not found)
        return PASS_TRUTH if empty is wanted else FAIL_TRUTH

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = _fetch(v, u, at, steps, s)
        shown = value if isinstance(value, Marker) else f"{len(value)} elements" if hasattr(value, "__len__") else value
        out.append(_evidence(shown, place, "empty" if wanted is not negated else "not empty", s, want))

    return Node(judge, explain, False)


def _compile_pattern_for(tree: dict[str, Any]) -> Node:
    get = _getter(tuple(tree["path"]))
    steps, name = tuple(tree["path"]), tree["pattern_for"]
    own = _getter((name,))
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
        literal = pattern.replace("[", "[[]").replace("?", "[?]")
        return PASS_TRUTH if fnmatchcase(covered, literal) else FAIL_TRUTH

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        value, _, place = _fetch(v, u, at, steps, s)
        out.append(
            _evidence(value, place, f"a pattern that {'leaves out' if negated else 'covers'} its `{name}`", s, want)
        )

    return Node(judge, explain, True)


# --- quantifiers -----------------------------------------------------------------------------------------------------


def _compile_quantifier(tree: dict[str, Any]) -> Node:
    every = "every" in tree
    steps = tuple(tree["every" if every else "some"])
    absent: int = tree.get("absent", PASS_TRUTH if every else FAIL_TRUTH)
    node = compile_condition(tree["satisfies"])
    inner = node.judge
    stop = FAIL_TRUTH if every else PASS_TRUTH
    pick = max if every else min
    first = PASS_TRUTH if every else FAIL_TRUTH

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        whole, elements = _elements(value, mask, at, steps, subject)
        if whole is ABSENT:
            return absent
        if whole is UNKNOWN:
            return UNKNOWN_TRUTH
        result = first
        for item, item_mask, item_at in elements:
            result = pick(result, inner(item, item_mask, item_at, subject))
            if result == stop:
                return result
        return result

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        whole, elements = _elements(v, u, at, steps, s)
        if whole is not None:
            place = elements[0][2] if elements else (*at, *(step.removesuffix("[]") for step in steps))
            out.append(_evidence(whole, place, "not set" if negated else "set", s, want))
            return
        for item, item_mask, item_at in elements:
            truth = inner(item, item_mask, item_at, s)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                node.explain(item, item_mask, item_at, s, negated, want, out)

    return Node(judge, explain, node.relational)


def _compile_ports(tree: dict[str, Any]) -> Node:
    spec = tree["ports"]
    get_low, get_high, get_protocol = (_getter(tuple(spec[key])) for key in ("from", "to", "protocol"))
    low_steps = tuple(spec["from"])
    ports: list[int] = spec["include"]
    wanted = frozenset(spec["protocols"])
    shown = ", ".join(str(port) for port in ports[:6]) + (", …" if len(ports) > 6 else "")

    def judge(value: Any, mask: Any, at: Path, subject: Subject) -> int:
        protocol = get_protocol(value, mask, at, subject)
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
                raise _wrong_type((*at, *low_steps), "no port number") from None
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
        expected = f"{'without' if negated else 'with'} port {shown}"
        if want == UNKNOWN_TRUTH and unknowns:
            out.append(_evidence(UNKNOWN, (*at, *unknowns[0][0]), expected, s, want))
            return
        everything = protocol is ABSENT or protocol_number(protocol) == -1
        span = "all ports" if everything else f"{_show(protocol)} {_bound(low)}-{_bound(high)}".replace('"', "")
        secret = any(s.is_sensitive((*at, *spec[key])) for key in ("from", "to", "protocol"))
        out.append(_evidence(span, (*at, *low_steps), expected, s, want, secret=secret))

    return Node(judge, explain, False)


def _bound(value: Any) -> str:
    return "" if isinstance(value, Marker) else str(value)


# --- beyond the resource ---------------------------------------------------------------------------------------------


def _judge_links(links: Links, judge: Judge, subject: Subject) -> int:
    for partner in (*links.certain, *links.possible):
        partner.judged = subject.judged
    truths = [judge(partner.values, partner.unknown, (), partner) for partner in links.certain]
    maybe = [judge(partner.values, partner.unknown, (), partner) for partner in links.possible]
    if links.one_of and maybe and not truths:
        return maybe[0] if len(set(maybe)) == 1 else UNKNOWN_TRUTH
    if not truths:  # none of the possible ones may be a partner, or any of them
        return links.missing if all(truth == links.missing for truth in maybe) else UNKNOWN_TRUTH
    best = min(truths)
    if best == FAIL_TRUTH and (links.open or any(truth != FAIL_TRUTH for truth in maybe)):
        return UNKNOWN_TRUTH
    return best


def _compile_related(tree: dict[str, Any]) -> Node:
    spec = tree["related"]
    types, matches = spec["type"], spec["matches"]
    missing, absent = spec.get("missing"), spec.get("absent", UNKNOWN_TRUTH)
    node = compile_condition(spec["satisfies"]) if spec.get("satisfies") else _ALWAYS
    their = spec.get("their")
    our = tuple(spec.get("our", ()))
    wanted = " or ".join(types)

    def links(v: Any, u: Any, at: Path, s: Subject) -> Links | Marker:
        if their:
            return s.named_by(types, their, matches, missing)
        value, _, place = _fetch(v, u, at, our, s)
        if value is ABSENT or value in ("", []):
            return ABSENT
        return s.names(types, value, place, matches, missing)

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        found = links(v, u, at, s)
        return absent if isinstance(found, Marker) else _judge_links(found, node.judge, s)

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        found = links(v, u, at, s)
        expected = f"{'no' if negated else 'a'} linked {wanted}" + (
            " that satisfies the check" if spec.get("satisfies") else ""
        )
        if isinstance(found, Marker):
            out.append(_evidence(ABSENT, (*at, *our), expected, s, want))
            return
        before = len(out)
        for partner in [*found.certain, *found.possible]:
            truth = node.judge(partner.values, partner.unknown, (), partner)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                since = len(out)
                node.explain(partner.values, partner.unknown, (), partner, negated, want, out)
                if len(out) == since:
                    out.append(Evidence("", partner.type, expected))
                _of_partner(out, partner.address, since)
        if len(out) == before or (found.possible and want == UNKNOWN_TRUTH):
            out.append(found.evidence._replace(expected=expected))

    return Node(judge, explain, True)


def _compile_exists(tree: dict[str, Any]) -> Node:
    spec = tree["exists"]
    node = compile_condition(spec["satisfies"]) if spec.get("satisfies") else _ALWAYS

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        best = FAIL_TRUTH
        for one in s.others(spec["type"]):
            one.judged = s.judged
            best = min(best, node.judge(one.values, one.unknown, (), one))
        return best

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        since = len(out)
        for one in s.others(spec["type"]):
            truth = node.judge(one.values, one.unknown, (), one)
            if (FAIL_TRUTH - truth if negated else truth) == want:
                here = len(out)
                node.explain(one.values, one.unknown, (), one, negated, want, out)
                _of_partner(out, one.address, here)
        if len(out) == since:
            wanted = " or ".join(spec["type"])
            out.append(Evidence("", ABSENT, f"{'no' if negated else 'one'} {wanted} in this configuration"))

    return Node(judge, explain, True)


@lru_cache(maxsize=512)
def _parsed_policy(text: str) -> dict[str, Any]:
    return from_json(text)


class _Inside:
    """A subject inside a policy document: nothing there can be followed further."""

    def __init__(self, subject: Subject, at: Path) -> None:
        self._subject, self._at = subject, at
        self.address, self.type, self.actions = subject.address, subject.type, subject.actions
        self.values, self.unknown, self.judged = subject.values, subject.unknown, subject.judged

    def resolve(self, at: Path) -> Any:
        return UNKNOWN

    def trace(self, at: Path) -> Trace:
        return self._subject.trace(self._at)

    def is_sensitive(self, at: Path) -> bool:
        return self._subject.is_sensitive(self._at)


def _compile_policy_document(tree: dict[str, Any]) -> Node:
    steps = tuple(tree["policy_document"])
    absent: int = tree.get("absent", UNKNOWN_TRUTH)
    node = compile_condition(tree["satisfies"])

    def document(v: Any, u: Any, at: Path, s: Subject) -> tuple[Any, Any, Path]:
        value, _, place = _fetch(v, u, at, steps, s)
        if value is ABSENT or value == "":
            return ABSENT, None, place
        if value is UNKNOWN or type(value) is Linked:
            known = s.policy_document(place)
            return (known[0], known[1], place) if known else (UNKNOWN, None, place)
        try:
            if not isinstance(value, str):
                raise PolicyDocumentError("the policy is not text")
            return _parsed_policy(value), None, place
        except PolicyDocumentError as error:
            raise ConditionError(f"{path_text(place)}: {error}") from None

    def judge(v: Any, u: Any, at: Path, s: Subject) -> int:
        found, mask, place = document(v, u, at, s)
        if found is ABSENT:
            return absent
        if found is UNKNOWN:
            return UNKNOWN_TRUTH
        return node.judge(found, mask, place, _Inside(s, place))  # type: ignore[arg-type]

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        found, mask, place = document(v, u, at, s)
        if isinstance(found, Marker):
            out.append(_evidence(found, place, "a policy document that is known", s, want))
            return
        node.explain(found, mask, place, _Inside(s, place), negated, want, out)  # type: ignore[arg-type]

    return Node(judge, explain, True)


def _compile_action(tree: dict[str, Any]) -> Node:
    wanted = frozenset(tree["action"])

    def done(subject: Subject) -> set[str]:
        actions = set(subject.actions)
        return actions | {"replace"} if {"create", "delete"} <= actions else actions

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        words = ", ".join(sorted(wanted))
        out.append(Evidence("", ", ".join(s.actions), f"other than {words}" if negated else words))

    return Node(lambda v, u, at, s: PASS_TRUTH if done(s) & wanted else FAIL_TRUTH, explain, False)


_ALWAYS = Node(lambda v, u, at, s: PASS_TRUTH, lambda v, u, at, s, negated, want, out: None, False)

_COMPILERS: dict[str, Callable[[dict[str, Any]], Node]] = {
    "all": _compile_logic,
    "any": _compile_logic,
    "not": _compile_not,
    "compare": _compile_comparison,
    "pattern_for": _compile_pattern_for,
    "is_set": _compile_is_set,
    "is_empty": _compile_is_empty,
    "every": _compile_quantifier,
    "some": _compile_quantifier,
    "ports": _compile_ports,
    "related": _compile_related,
    "exists": _compile_exists,
    "policy_document": _compile_policy_document,
    "action": _compile_action,
}
