"""YAML that people write, read strictly and with places: file, line and column of everything.

Refused: keys that stand twice, anchors and aliases (a few lines of them can unfold to gigabytes),
tags (they can name code), several documents, and files that are too large or nested too deeply. All
problems of a file are gathered, not just the first.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from iacgate.errors import Problem

__all__ = ["Source", "did_you_mean", "read_yaml"]

_ODD_NUMBER = re.compile(r"[-+]?0\d|.*:")
_MAX_BYTES = 1024 * 1024
_MAX_EVENTS = 50_000
_MAX_DEPTH = 100
_MAX_PROBLEMS = 100
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
)


class Source:
    """A file's problems, gathered while it is read."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, node: yaml.Node | None, message: str, *, warning: bool = False) -> None:
        """Note that something is wrong at a node (or in the file as a whole)."""
        mark = node.start_mark if node is not None else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        self.problems.append(Problem(self.file, line, column, message, warning))

    def mapping(self, node: yaml.Node, what: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Keys of a mapping, each with its key node and value node. Notes a problem when it is none."""
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, f"{what} must be a mapping")
            return {}
        return {str(key.value): (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}

    def only(
        self,
        entries: dict[str, tuple[yaml.Node, yaml.Node]],
        allowed: Sequence[str],
        *,
        what: str = "key",
        where: str = "",
    ) -> None:
        """Note each key of a mapping that is none of those allowed, with the one it may have meant."""
        for key, (node, _) in entries.items():
            if key not in allowed:
                self.problem(node, f"unknown {what} `{key}`{where}{did_you_mean(key, allowed)}")

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """Items of a list. Notes a problem when it is none."""
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, f"{what} must be a list")
            return []
        return list(node.value)

    def plain(self, node: yaml.Node) -> Any:
        """The value of a node as strings, numbers, booleans, lists and mappings."""
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): self.plain(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item) for item in node.value]
        if node.tag.endswith(":timestamp"):
            return node.value
        if node.tag.endswith((":int", ":float")) and _ODD_NUMBER.match(node.value):
            self.problem(node, "YAML 1.1 reads this number in base 8 or 60; write it plainly, or in quotes")
            return None
        try:
            value = _CONSTRUCT.construct_object(node)
        except (yaml.YAMLError, ValueError):
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):  # compares with nothing, or with everything
            self.problem(node, "this value cannot be read")
            return None
        return value

    def text(self, node: yaml.Node, what: str) -> str:
        """A text. Notes a problem when it is something else or empty."""
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str") and node.value.strip():
            return str(node.value)
        self.problem(node, f"{what} must be a text")
        return ""

    def texts(self, node: yaml.Node, what: str) -> list[str]:
        """A list of texts; a single text will do."""
        if isinstance(node, yaml.ScalarNode):
            return [self.text(node, what)]
        return [self.text(item, f"each item of {what}") for item in self.items(node, what)]

    def choice(self, node: yaml.Node, what: str, choices: list[str]) -> str:
        """One of some words."""
        value = node.value if isinstance(node, yaml.ScalarNode) else None
        if value in choices:
            return str(value)
        self.problem(node, f"{what} must be one of {', '.join(choices)}")
        return choices[0]

    def flag(self, node: yaml.Node, what: str) -> bool:
        """``true`` or ``false``."""
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":bool"):
            return bool(self.plain(node))
        self.problem(node, f"{what} must be true or false")
        return False


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """What to put behind "unknown word": the one that was probably meant, or nothing."""
    # Imported here: only a mistake pays for it.
    from difflib import get_close_matches

    close = get_close_matches(word, list(words), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


_CONSTRUCT = yaml.constructor.SafeConstructor()


def read_yaml(data: bytes, source: Source) -> yaml.Node | None:
    """Parse one document. Problems go to ``source``; ``None`` when nothing of it can be used."""
    if len(data) > _MAX_BYTES:
        source.problem(None, f"the file is larger than {_MAX_BYTES // 1024} KiB")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        source.problem(None, "the file is not UTF-8 text")
        return None
    loader = _LOADER(text)
    try:
        _refuse_events(text, source)
        if source.problems:
            return None
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        source.problems.append(Problem(source.file, line, column, f"not valid YAML: {error.problem}"))
        return None
    except (yaml.YAMLError, RecursionError, ValueError):
        source.problem(None, "not valid YAML")
        return None
    finally:
        loader.dispose()
    if node is None:
        source.problem(None, "the file is empty")
        return None
    _refuse_repeats(node, source)
    return node


def _refuse_events(text: str, source: Source) -> None:
    """Look at the events first: what would unfold is refused before anything does."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        mark = event.start_mark
        place = (source.file, mark.line + 1, mark.column + 1) if mark else (source.file, 0, 0)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            source.problems.append(Problem(*place, f"this is nested more than {_MAX_DEPTH} deep"))
            return
        if number > _MAX_EVENTS:
            source.problem(None, "the file holds more than any check or policy")
            return
        if getattr(event, "anchor", None) is not None:
            source.problems.append(Problem(*place, "anchors and aliases (& and *) are not allowed; write it out"))
        elif (tag := getattr(event, "tag", None)) is not None and tag not in _PLAIN_TAGS:
            source.problems.append(Problem(*place, "tags (!…) are not allowed"))
        if len(source.problems) >= _MAX_PROBLEMS:
            source.problem(None, f"there are more than {_MAX_PROBLEMS} problems")
            return


def _refuse_repeats(node: yaml.Node, source: Source) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                source.problem(key, "a key must be a plain word")
            elif key.value in seen:
                source.problem(key, f"the key `{key.value}` stands twice")
            else:
                seen.add(key.value)
            _refuse_repeats(value, source)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeats(item, source)
