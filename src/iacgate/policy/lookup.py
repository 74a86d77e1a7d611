"""Find values by path in a resource, with their mask of unknowns, and turn what was found into evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from iacgate.model.finding import Evidence
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN, Marker
from iacgate.policy.subject import UNKNOWN_TRUTH, ConditionError, Linked

if TYPE_CHECKING:
    from iacgate.policy.subject import Path, Subject

__all__ = ["elements", "fetch", "getter", "make_evidence", "mask_at", "of_partner", "path_text", "shown", "wrong_type"]


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


def mask_at(mask: Any, step: str | int) -> Any:
    """The mask of unknowns one step further down."""
    if mask is True or not mask:
        return mask
    if isinstance(step, int):
        return mask[step] if isinstance(mask, list) and step < len(mask) else None
    return mask.get(step) if isinstance(mask, dict) else None


def wrong_type(at: Path, what: str) -> ConditionError:
    """The error for a value of a kind that its schema does not have."""
    return ConditionError(f"{path_text(at) or 'the resource'} is {what}, which the provider's schema does not allow")


def fetch(value: Any, mask: Any, at: Path, steps: tuple[str, ...], subject: Subject) -> tuple[Any, Any, Path]:
    """Walk to a value, through blocks and lists of one. The value may be a marker or ``Linked``."""
    if isinstance(value, list) and steps:
        raise wrong_type(at, "a list, not an object")
    for name in steps:
        if isinstance(value, list):
            if not value:
                return ABSENT, None, at
            if len(value) > 1:
                raise ConditionError(f"{path_text(at)} has several elements; the check looks at one")
            mask, at, value = mask_at(mask, 0), (*at, 0), value[0]
        if mask is True:
            return subject.resolve(at), True, at
        if value is None:
            return ABSENT, None, at
        if not isinstance(value, dict):
            raise wrong_type(at, "no object")
        at = (*at, name)
        value, mask = value.get(name), mask_at(mask, name)
        if mask is True or (value is None and mask):
            return subject.resolve(at), True, at
        if value is None:
            return (UNKNOWN, True, at) if len(at) == 1 and subject.lacks(name) else (ABSENT, None, at)
    if not steps and (value is None or mask is True):
        return (subject.resolve(at), True, at) if mask else (ABSENT, None, at)
    return value, mask, at


def getter(steps: tuple[str, ...]) -> Callable[[Any, Any, Path, Subject], Any]:
    """Like ``fetch`` for the value alone; the common one-step path is written out for speed."""
    if len(steps) != 1:
        return lambda value, mask, at, subject: fetch(value, mask, at, steps, subject)[0]
    name = steps[0]

    def get(value: Any, mask: Any, at: Path, subject: Subject) -> Any:
        if type(value) is not dict or (mask and type(mask) is not dict):
            return fetch(value, mask, at, steps, subject)[0]
        found = value.get(name)
        if mask and (known := mask.get(name)) and (known is True or found is None):
            return subject.resolve((*at, name))
        if found is None:
            return UNKNOWN if not at and subject.lacks(name) else ABSENT
        return found

    return get


def elements(
    value: Any, mask: Any, at: Path, steps: tuple[str, ...], subject: Subject
) -> tuple[Any, list[tuple[Any, Any, Path]]]:
    """All elements of a collection. The first part is ``ABSENT``, ``UNKNOWN`` or ``None`` (there they are)."""
    for position, step in enumerate(steps):
        if step.endswith("[]"):
            inner, rest = (*steps[:position], step[:-2]), steps[position + 1 :]
            whole, outer = elements(value, mask, at, inner, subject)
            if whole is not None:
                return whole, []
            out: list[tuple[Any, Any, Path]] = []
            unknown = False
            for item, item_mask, item_at in outer:
                whole, below = elements(item, item_mask, item_at, rest, subject)
                unknown = unknown or whole is UNKNOWN
                out += below
                if whole is UNKNOWN:
                    out.append((None, True, item_at))
            return (None if out else ABSENT), out
    value, mask, at = fetch(value, mask, at, steps, subject)
    if value is ABSENT:
        return ABSENT, []
    if value is UNKNOWN or type(value) is Linked:
        return UNKNOWN, [(None, True, at)]
    if isinstance(value, list):
        pairs = [(item, mask_at(mask, index), (*at, index)) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        pairs = [(item, mask_at(mask, key), (*at, key)) for key, item in value.items()]
        if isinstance(mask, dict):
            pairs += [(None, True, (*at, key)) for key, part in mask.items() if part is True and key not in value]
    else:
        raise wrong_type(at, "one value, not a list")
    return (None, pairs) if pairs else (ABSENT, [])


def shown(value: Any) -> str:
    """A value as HCL would write it; markers in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def make_evidence(
    value: Any, at: Path, expected: str, subject: Subject, want: int, *, secret: bool = False
) -> Evidence:
    """What was found at a path: masked where sensitive, with its references where unknown."""
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
    return Evidence(path_text(at), value, expected, "", chain, needs, source=subject.source)


def of_partner(evidence: list[Evidence], address: str, since: int) -> None:
    """Say of evidence, from a position on, that it is about another resource."""
    for index in range(since, len(evidence)):
        if not evidence[index].address:
            evidence[index] = evidence[index]._replace(address=address)
