"""``yamldecode`` and ``yamlencode``: YAML as Terraform reads and writes it, which is neither 1.1 nor 1.2.

Plain words are resolved as Terraform's library does (``yes`` is true, ``0o14`` is twelve, ``014`` is fourteen);
PyYAML parses and emits. Aliases are followed as long as the result stays within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import yaml

from iacgate.sources.hcl.conversion import UntoldError, number_text, to_number, to_text
from iacgate.sources.hcl.functions.signature import (
    MAX_ELEMENTS,
    MAX_TEXT,
    Function,
    function,
    refuse_growth,
    text,
    whatever,
)
from iacgate.sources.hcl.functions.times import timestamp
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["table"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.resolver.Resolver()
_MAX_DEPTH = 100
_PREFIX = "tag:yaml.org,2002:"
_TAGS = "YAML tags are not followed"
_HALF = re.compile("[\ud800-\udfff]")
_MAX_LINE = 80
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0x(?P<x>[0-9a-fA-F]+)|0o(?P<o>[0-7]+)")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_STAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt](?=.*[Z0-9]$)(?=.*(?:Z|[+-][0-9]{2}:[0-9]{2})$)| )([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]*)?"
    r"(Z|(?:[+-])[0-9]{2}:[0-9]{2})?)?"
)


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {"yamldecode": function(_decode, text), "yamlencode": function(_encode, whatever)}


def _decode(value: str) -> Any:
    refuse_growth(len(value))
    try:
        depth = documents = 0
        for number, event in enumerate(yaml.parse(value, Loader=_LOADER)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            documents += isinstance(event, yaml.DocumentStartEvent)
            refuse_growth(depth, _MAX_DEPTH)
            refuse_growth(number, 2 * MAX_ELEMENTS)
        node = yaml.compose(value, Loader=_LOADER) if documents == 1 else None
    except (yaml.YAMLError, ValueError):
        if "\t" in value:
            raise UntoldError("PyYAML refuses tabs in places where YAML allows them") from None
        raise EvaluationError("the text is not valid YAML") from None
    if node is None:
        raise EvaluationError("the text is not one YAML document")
    return _Reader().value(node)


class _Reader:
    """Makes values of nodes, and counts them: aliases unfold."""

    def __init__(self) -> None:
        self.count = 0
        self.open: set[int] = set()

    def value(self, node: yaml.Node) -> Any:
        self.count += 1
        refuse_growth(self.count, MAX_ELEMENTS)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self.open:
            raise EvaluationError("the YAML text holds a part that holds itself")
        self.open.add(id(node))
        made: Any
        if isinstance(node, yaml.SequenceNode):
            _refuse_tag(node, "seq")
            made = [self.value(one) for one in node.value]
        else:
            _refuse_tag(node, "map")
            made = self._mapping(node)
        self.open.discard(id(node))
        return made

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "<<":
                merged = self.value(item)
                if not isinstance(merged, dict):
                    raise EvaluationError("what is merged into a YAML mapping is none")
                made.update(merged)
                continue
            name = to_text(self.value(key))
            if name is None:
                raise EvaluationError("a key of the YAML text is null")
            made[name] = self.value(item)
        return made


def _refuse_tag(node: yaml.Node, kind: str) -> None:
    if node.tag != _PREFIX + kind:
        raise UntoldError(_TAGS)


def _scalar(node: yaml.ScalarNode) -> Any:
    """A word by Terraform's rules. PyYAML's resolution shows in the tag, and means nothing unless it is explicit."""
    value: str = node.value
    if _HALF.search(value):
        raise EvaluationError("the YAML text holds half a character")
    if node.style:  # neither of PyYAML's parsers gives plain words one
        if node.tag != _PREFIX + "str":
            raise UntoldError(_TAGS)
        return value
    implied = _RESOLVER.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    if node.tag != implied:
        if node.tag == _PREFIX + "str":
            return value
        raise UntoldError(_TAGS)
    if value in _WORDS:
        return _WORDS[value]
    if _NUMBER.fullmatch(value):
        return to_number(value)
    if based := _BASED.fullmatch(value):
        made = int(based["x"] or based["o"], 16 if based["x"] else 8)
        if made >= 2**63:
            raise EvaluationError("a number of the YAML text is too large")
        return made
    if _NO_NUMBER.fullmatch(value):
        raise EvaluationError("a number of the YAML text is not finite")
    return _stamp(value) or value


def _stamp(value: str) -> str | None:
    """What looks like a point in time becomes one in RFC 3339 format."""
    found = _STAMP.fullmatch(value) if len(value) < 100 else None
    if found is None or (" " in value and found[7]):
        return None
    zone = UTC
    try:
        if found[7] not in (None, "Z"):
            offset = timedelta(hours=int(found[7][1:3]), minutes=int(found[7][4:]))
            zone = timezone(-offset if found[7][0] == "-" else offset)
        return timestamp(datetime(*(int(one or 0) for one in found.groups()[:6]), tzinfo=zone))  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def _encode(value: Any) -> str:
    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(),
        *_events(value),
        yaml.DocumentEndEvent(),
        yaml.StreamEndEvent(),
    ]
    made = str(yaml.emit(events, Dumper=yaml.SafeDumper, allow_unicode=True, width=MAX_TEXT))
    if any(len(line) > _MAX_LINE and line.endswith('"') and " " in line for line in made.splitlines()):
        raise UntoldError("Terraform folds long lines in a way of its own")
    if isinstance(value, (str, list, dict)):  # PyYAML marks where a document begins and ends more often
        made = made.removeprefix("--- ")
        return made.removesuffix("...\n") if made.endswith("\n...\n") else made
    return made


def _events(value: Any) -> Iterator[yaml.Event]:
    """Texts in quotes, or as blocks when they have several lines; keys in order."""
    if isinstance(value, dict):
        yield yaml.MappingStartEvent(None, None, True, flow_style=not value)
        for key in sorted(value):
            yield _quoted(key)
            yield from _events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, list):
        yield yaml.SequenceStartEvent(None, None, True, flow_style=not value)
        for one in value:
            yield from _events(one)
        yield yaml.SequenceEndEvent()
    elif isinstance(value, str):
        yield _quoted(value)
    elif value is None or isinstance(value, bool):
        yield _word({None: "null", True: "true", False: "false"}[value], None)
    else:
        yield _word(number_text(value), None)


def _quoted(value: str) -> yaml.Event:
    return _word(value, "|" if "\n" in value and max(value) <= "\uffff" else '"')


def _word(value: str, style: str | None) -> yaml.Event:
    return yaml.ScalarEvent(None, None, (style is None, style is not None), value, style=style)
