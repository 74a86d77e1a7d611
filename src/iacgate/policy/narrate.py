"""A condition told part by part: as it stands, for documentation, or with the truth of each part for one resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.finding import Evidence
from iacgate.policy.comparisons import COMPARISONS
from iacgate.policy.conditions import compile_condition
from iacgate.policy.lookup import shown
from iacgate.policy.subject import ConditionError

if TYPE_CHECKING:
    from iacgate.policy.subject import Subject

__all__ = ["Part", "Step", "narrate", "outline"]

_TRUTHS = ("pass", "unknown", "fail")


class Part(NamedTuple):
    """One part of a condition in words."""

    depth: int
    text: str
    tree: dict[str, Any]
    logic: bool
    """It only joins the parts below it."""


class Step(NamedTuple):
    """One part of a condition and what it comes to."""

    depth: int
    truth: str
    """``pass``, ``unknown``, ``fail`` or ``error``."""
    text: str
    evidence: tuple[Evidence, ...]
    """What the part saw; only of parts that are no mere logic."""


def outline(tree: dict[str, Any], depth: int = 0, *, inside: bool = False) -> Iterator[Part]:
    """The parts of a condition in normal form, first to last.

    ``inside`` goes into quantifiers, relations and documents as well, whose parts speak of something else
    than the resource and so cannot be judged for it by themselves.
    """
    match tree:
        case {"all": children}:
            head = "all of these"
        case {"any": children}:
            head = "at least one of these"
        case {"not": {"any": children}}:
            head = "none of these"
        case {"not": child}:
            head, children = "not", [child]
        case _:
            opening = _opening(tree) if inside else None
            if opening is None or opening.inner is None:
                yield Part(depth, describe(tree), tree, False)
                return
            yield Part(depth, opening.text + opening.joint.rstrip(), tree, False)
            yield from outline(opening.inner, depth + 1, inside=inside)
            return
    yield Part(depth, head, tree, True)
    for child in children:
        yield from outline(child, depth + 1, inside=inside)


def narrate(tree: dict[str, Any], subject: Subject, depth: int = 0) -> Iterator[Step]:
    """The parts of a condition in normal form, first to last, each with its truth for ``subject``."""
    for part in outline(tree, depth):
        truth, evidence = _judge(part.tree, subject)
        yield Step(part.depth, truth, part.text, () if part.logic else evidence)


def _judge(tree: dict[str, Any], subject: Subject) -> tuple[str, tuple[Evidence, ...]]:
    node = compile_condition(tree)
    try:
        truth = node.judge(subject.values, subject.unknown, (), subject)
        out: list[Evidence] = []
        node.explain(subject.values, subject.unknown, (), subject, truth == 0, 2 if truth == 0 else truth, out)
    except ConditionError as error:
        return "error", (Evidence("", str(error), "a value the check can read"),)
    return _TRUTHS[truth], tuple(one for number, one in enumerate(out) if one not in out[:number])


def describe(tree: dict[str, Any]) -> str:
    """One part of a condition in words."""
    opening = _opening(tree)
    if opening is not None:
        return opening.text + (opening.joint + describe(opening.inner) if opening.inner else "")
    match tree:
        case {"compare": name, "path": path, "value": value}:
            comparison = COMPARISONS[name]
            if name == "open_to_world":
                words = "open to the internet" if value else "not open to the internet"
            else:
                words = comparison.words.format(shown(value))
            return f"{_path(path)} is {words}{_absent(tree) if path else ''}"
        case {"is_set": wanted, "path": path}:
            return f"{_path(path)} is {'set' if wanted else 'not set'}"
        case {"is_empty": wanted, "path": path}:
            return f"{_path(path)} is {'empty' if wanted else 'not empty'}"
        case {"holds_secret": wanted, "path": path}:
            return f"{_path(path)} holds {'a' if wanted else 'no'} secret in the clear"
        case {"pattern_for": name, "path": path}:
            return f"{_path(path)} is a pattern that covers `{name}`{_absent(tree)}"
        case {"covers": names, "path": path}:
            return f"{_path(path)} takes in {shown(names)}"
        case {"ports": spec}:
            return f"ports {', '.join(map(str, spec['include']))} are in {_path(spec['from'])} to {_path(spec['to'])}"
        case {"images": "scanned"}:
            return "every image is scanned, and nothing in it is known for longer than the policy allows"
        case {"not_exposed": spec}:
            ports = f" on ports {', '.join(map(str, spec['ports']))}" if "ports" in spec else ""
            return f"no way is open from the {spec['to']} to it{ports}"
        case {"action": words}:
            return f"the plan does {' or '.join(words)}"
        case {"all": parts}:
            return "(" + " and ".join(describe(part) for part in parts) + ")"
        case {"any": parts}:
            return "(" + " or ".join(describe(part) for part in parts) + ")"
        case {"not": inner}:
            return f"not {describe(inner)}"
        case _:
            raise AssertionError(sorted(tree))


class _Opening(NamedTuple):
    """What a part says before the condition inside of it."""

    text: str
    joint: str
    inner: dict[str, Any] | None


def _opening(tree: dict[str, Any]) -> _Opening | None:
    match tree:
        case {"every": path, "satisfies": inner}:
            return _Opening(f"every {_path(path)}{_absent(tree)}", ": ", inner)
        case {"some": path, "satisfies": inner}:
            return _Opening(f"some {_path(path)}{_absent(tree)}", ": ", inner)
        case {"related": spec}:
            link = (
                f"whose `{spec['their']}` names this"
                if "their" in spec
                else f"named by {_path(spec['our'])}{_absent(spec)}"
            )
            return _Opening(f"{' or '.join(spec['type'])} {link}", ", where ", spec.get("satisfies"))
        case {"exists": spec}:
            return _Opening(f"one {' or '.join(spec['type'])} in this configuration", ", where ", spec.get("satisfies"))
        case {"images": "every", "satisfies": inner}:
            return _Opening("every image", ": ", inner)
        case {"policy_document": path, "satisfies": inner}:
            return _Opening(f"the policy in {_path(path)}{_absent(tree)}", ": ", inner)
        case _:
            return None


def _absent(tree: dict[str, Any]) -> str:
    """What leaving the attribute out means, where the check says it."""
    match tree.get("absent"):
        case None:
            return ""
        case {"by_version": rules}:
            words = ", ".join(f"{_TRUTHS[truth]} with provider {constraint}" for truth, constraint in rules)
            return f" (absent: {words})"
        case truth:
            return f" (absent: {_TRUTHS[truth]})"


def _path(steps: list[str]) -> str:
    return ".".join(steps) or "it"
