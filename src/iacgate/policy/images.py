"""The condition ``images``: every container image that a resource names, taken apart or looked up in scans."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from iacgate.model.finding import Evidence
from iacgate.model.image import ImageReference, ImageReferenceError, parse_image
from iacgate.model.values import ABSENT, SENSITIVE, UNKNOWN, Marker
from iacgate.policy.image_places import BUILT_IN, IMAGE_PLACES
from iacgate.policy.lookup import elements, fetch, make_evidence, mask_at, path_text, wrong_type
from iacgate.policy.subject import FAIL_TRUTH, PASS_TRUTH, UNKNOWN_TRUTH, ConditionError, Linked, Node

if TYPE_CHECKING:
    from iacgate.policy.subject import Path, Subject

__all__ = ["NamedImage", "compile_images", "images_of"]

_SHOWN = 100
"""Vulnerabilities of one image that are listed as evidence, the worst first."""


class NamedImage(NamedTuple):
    """One image that a resource names."""

    at: Path
    text: str | Marker
    """What is written, or ``UNKNOWN``."""


def images_of(subject: Subject) -> Iterator[NamedImage]:
    """The images that a resource names. Raises ``ConditionError`` for what cannot be one."""
    for place in IMAGE_PLACES.get(subject.type, ()):
        path, _, inner = place.partition("|")
        for value, mask, at in _walk(subject, path):
            found = _in_json(value, mask, at, inner, subject) if inner else [(value, at)]
            for text, where in found:
                if text is UNKNOWN or type(text) is Linked:
                    yield NamedImage(where, UNKNOWN)
                elif text is ABSENT or text is None or text == "":
                    continue
                elif not isinstance(text, str):
                    raise wrong_type(where, "no text")
                elif not text.startswith(BUILT_IN):
                    yield NamedImage(where, text)


def compile_images(tree: dict[str, Any], compile_condition: Callable[[dict[str, Any]], Node]) -> Node:
    """Whether every image satisfies a condition, or is scanned as the policy asks. Naming none passes."""
    if tree["images"] == "scanned":
        return Node(_judge_scans, _explain_scans, False)
    node = compile_condition(tree["satisfies"])

    def truth_of(image: NamedImage, subject: Subject) -> int:
        if isinstance(image.text, Marker):
            return UNKNOWN_TRUTH
        return node.judge(_parts(image), None, image.at, subject)

    def judge(v: Any, u: Any, at: Path, subject: Subject) -> int:
        return max((truth_of(image, subject) for image in images_of(subject)), default=PASS_TRUTH)

    def explain(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
        for image in images_of(s):
            truth = truth_of(image, s)
            if (FAIL_TRUTH - truth if negated else truth) != want:
                continue
            if isinstance(image.text, Marker):
                out.append(make_evidence(image.text, image.at, "an image that is known", s, want))
                continue
            since = len(out)
            node.explain(_parts(image), None, image.at, s, negated, want, out)
            inner: list[Evidence] = out[since:]
            expected = " or ".join(dict.fromkeys(f"{one.path.rpartition('.')[2]} {one.expected}" for one in inner))
            out[since:] = [_of_image(image, s, expected)]

    return Node(judge, explain, False)


def _judge_scans(v: Any, u: Any, at: Path, subject: Subject) -> int:
    scans = subject.image_scans
    worst = PASS_TRUTH
    for image in images_of(subject):
        truth = UNKNOWN_TRUTH if isinstance(image.text, Marker) else scans.look_up(_parsed(image)).truth
        worst = max(worst, truth)
    return worst


def _explain_scans(v: Any, u: Any, at: Path, s: Subject, negated: bool, want: int, out: list[Evidence]) -> None:
    for image in images_of(s):
        if isinstance(image.text, Marker):
            if want == UNKNOWN_TRUTH:
                out.append(make_evidence(image.text, image.at, "an image that is known, and scanned", s, want))
            continue
        seen = s.image_scans.look_up(_parsed(image))
        if (FAIL_TRUTH - seen.truth if negated else seen.truth) != want:
            continue
        expected = f"scanned; {seen.why}" if want == FAIL_TRUTH and seen.why else "scanned"
        out.append(_of_image(image, s, expected, needs=seen.why if want == UNKNOWN_TRUTH else ""))
        out += [Evidence(path_text((*image.at, one.name)), one.what, one.allowed) for one in seen.too_old[:_SHOWN]]
        if len(seen.too_old) > _SHOWN:
            more = len(seen.too_old) - _SHOWN
            out.append(Evidence(path_text((*image.at, "more")), f"{more} more vulnerabilities", "none too old"))


def _of_image(image: NamedImage, subject: Subject, expected: str, *, needs: str = "") -> Evidence:
    actual: Any = SENSITIVE if subject.is_sensitive(image.at) else image.text
    return Evidence(path_text(image.at), actual, expected, needs=needs)


def _parsed(image: NamedImage) -> ImageReference:
    try:
        return parse_image(str(image.text))
    except ImageReferenceError as error:
        raise ConditionError(f"{path_text(image.at)} is no image reference: {error}") from None


def _parts(image: NamedImage) -> dict[str, str | None]:
    return {key: value or None for key, value in _parsed(image)._asdict().items()}


def _walk(subject: Subject, path: str) -> Iterator[tuple[Any, Any, Path]]:
    """Values at a path of the resource."""
    many, _, leaf = path.rpartition("[].")
    if not many:
        yield fetch(subject.values, subject.unknown, (), tuple(path.split(".")), subject)
        return
    whole, items = elements(subject.values, subject.unknown, (), tuple(many.split(".")), subject)
    if whole is not ABSENT:
        for item, mask, at in items:
            yield fetch(item, mask, at, tuple(leaf.split(".")), subject)


def _in_json(value: Any, mask: Any, at: Path, path: str, subject: Subject) -> Iterator[tuple[Any, Path]]:
    """Values at a path of the JSON text that an attribute holds, whose keys are read in any case."""
    if value is ABSENT or value == "":
        return
    if value is UNKNOWN or type(value) is Linked:
        planned = subject.encoded(at)
        if planned is None:
            yield UNKNOWN, at
            return
        document, mask = planned
    elif isinstance(value, str):
        try:
            document, mask = _decoded(value), None
        except ValueError as error:
            raise ConditionError(f"{path_text(at)} is not the JSON that it must be: {error}") from None
    else:
        raise wrong_type(at, "no text")
    yield from _below(document, mask, at, [step for step in path.split(".") if step])


def _below(value: Any, mask: Any, at: Path, steps: list[str]) -> Iterator[tuple[Any, Path]]:
    if mask is True:
        yield UNKNOWN, at
    elif not steps:
        yield (ABSENT if value is None else value), at
    elif value is None:
        return
    elif steps[0] == "[]":
        if not isinstance(value, list):
            raise wrong_type(at, "no list")
        for index, item in enumerate(value):
            yield from _below(item, mask_at(mask, index), (*at, index), steps[1:])
    elif not isinstance(value, dict):
        raise wrong_type(at, "no object")
    else:
        name, many, _ = steps[0].partition("[]")
        keys = [key for key in value if key.lower() == name.lower()] or [name]
        if len(keys) > 1:
            raise ConditionError(f"{path_text(at)} is not the JSON that it must be: it says a key twice")
        rest = ["[]", *steps[1:]] if many else steps[1:]
        yield from _below(value.get(keys[0]), mask_at(mask, keys[0]), (*at, keys[0]), rest)


@lru_cache(maxsize=64)
def _decoded(text: str) -> Any:
    """The document. Raises ``ValueError`` with a message that holds nothing of it."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (RecursionError, json.JSONDecodeError):
        raise ValueError("it cannot be read") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("it says a key twice")
    return out
