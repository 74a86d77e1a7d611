"""Functions of files and paths. Only regular files inside of the scanned directory are read, wherever links lead."""

from __future__ import annotations

import base64
import itertools
import os
import posixpath
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iacgate.sources.hcl.conversion import UntoldError, as_set
from iacgate.sources.hcl.functions.hashes import HASHES
from iacgate.sources.hcl.functions.signature import (
    MAX_ELEMENTS,
    MAX_TEXT,
    FileContext,
    Function,
    function,
    mapping,
    refuse_growth,
    text,
)
from iacgate.sources.hcl.values import EvaluationError, Unknown, unknown_of

__all__ = ["table"]

_OUTSIDE = "files outside of the scanned directory are not read"
_WHERE = "it depends on the machine that Terraform runs on"
_VARIABLE = re.compile(r"[^\W\d][\w-]*")
_GLOB = re.compile(
    r"\\(?P<escaped>.)|(?P<any>\*+)|(?P<one>\?)|\[(?P<not>\^?)(?P<class>[^\]\\]+)\]"
    r"|\{(?P<choices>[^{}\\]*)\}|(?P<plain>.)",
    re.DOTALL,
)


def table() -> dict[str, Function]:
    """The functions of this subject."""
    hashes: dict[str, Callable[[bytes], Any]] = {f"file{name}": digest for name, digest in HASHES.items()}
    readers: dict[str, Callable[[bytes], Any]] = {
        **hashes,
        "file": _as_text,
        "filebase64": lambda data: base64.b64encode(data).decode(),
    }
    return {
        **{name: _of_file(reader) for name, reader in readers.items()},
        "abspath": function(_absolute, text),
        "basename": function(_base, text),
        "dirname": function(
            lambda path: _clean(path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")), text
        ),
        "fileexists": function(_exists, text, with_context=True),
        "fileset": function(_files, text, text, with_context=True),
        "pathexpand": function(_expand, text),
        "templatefile": function(_render, text, mapping, accepts_unknown=True, with_context=True),
    }


def _of_file(reader: Callable[[bytes], Any]) -> Function:
    def read(context: FileContext, path: str) -> Any:
        data = _content(context, path)
        return data if isinstance(data, Unknown) else reader(data)

    return function(read, text, with_context=True)


def _resolved(context: FileContext, path: str) -> Path | None:
    """Where a path leads, links followed; ``None`` when that is outside of the scanned directory."""
    if path.startswith("~") or "\0" in path:
        return None
    try:
        root = context.root.resolve()
        place = (context.directory / path).resolve()
    except (OSError, RuntimeError):
        return None
    return place if place.is_relative_to(root) else None


def _content(context: FileContext, path: str) -> bytes | Unknown:
    place = _resolved(context, path)
    if place is None:
        return unknown_of(why=_OUTSIDE)
    try:
        # Not blocking: the file may be a pipe that nobody writes to. No link: it was followed already.
        handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        raise EvaluationError("the file does not exist") from None
    except OSError:
        return unknown_of(why="the file cannot be read")
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise EvaluationError("a file is needed, not a directory")
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_TEXT:
            return unknown_of(why="only regular files of at most 1 MiB are read")
        with open(handle, "rb", closefd=False) as file:
            return file.read(MAX_TEXT)
    finally:
        os.close(handle)


def _as_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise EvaluationError("the file is not UTF-8 text") from None


def _exists(context: FileContext, path: str) -> Any:
    place = _resolved(context, path)
    if place is None:
        return unknown_of(why=_OUTSIDE)
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError:
        raise EvaluationError("whether the file exists cannot be told") from None
    if not stat.S_ISREG(mode):
        raise EvaluationError("a regular file is needed")
    return True


def _render(context: FileContext, path: str, variables: dict[str, Any]) -> Any:
    if not all(_VARIABLE.fullmatch(name) for name in variables):
        raise EvaluationError("a template's variable has a name that no expression can hold")
    data = _content(context, path)
    return (
        unknown_of(data, variables, why=data.origin.why)
        if isinstance(data, Unknown)
        else context.render(_as_text(data), variables)
    )


def _base(path: str) -> str:
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def _clean(path: str) -> str:
    """The shortest name of the same place (Go's ``filepath.Clean``)."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _absolute(path: str) -> Any:
    return _clean(path) if path.startswith("/") else unknown_of(why=_WHERE)


def _expand(path: str) -> Any:
    if path.startswith("~") and path[1:2] not in ("", "/"):
        raise EvaluationError("another person's home directory is not known to Terraform")
    return unknown_of(why=_WHERE) if path.startswith("~") else path


def _files(context: FileContext, path: str, pattern: str) -> Any:
    """Files below a directory whose path fits a pattern such as ``**/*.json``, as paths below that directory."""
    start = _resolved(context, path)
    if start is None:
        return unknown_of(why=_OUTSIDE)
    segments = [segment for segment in pattern.split("/") if segment not in ("", ".")]
    if ".." in segments:
        return unknown_of(why=_OUTSIDE)
    search = _Search()
    try:
        search.descend(start, "", [segment for segment, _ in itertools.groupby(segments)])
    except OSError:
        return unknown_of(why="the directory cannot be read")
    return unknown_of(why="links are not followed") if search.links else as_set(search.found)


class _Search:
    """What was found on the way through directories, each of which is read once for each part of the pattern."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.links = False
        self._seen: set[tuple[str, int]] = set()
        self._entries = 0

    def descend(self, directory: Path, prefix: str, segments: list[str]) -> None:
        if not segments or (prefix, len(segments)) in self._seen or not directory.is_dir():
            return
        self._seen.add((prefix, len(segments)))
        first, rest = segments[0], segments[1:]
        everywhere = first == "**"
        if everywhere and rest:
            self.descend(directory, prefix, rest)
        import re2  # linear time, however many stars there are

        fits = re2.compile(_segment(first)).fullmatch
        with os.scandir(directory) as entries:
            for entry in entries:
                self._entries += 1
                refuse_growth(self._entries, MAX_ELEMENTS)
                if not everywhere and not fits(entry.name):
                    continue
                name = f"{prefix}{entry.name}"
                if entry.is_symlink():
                    self.links = True
                elif entry.is_dir():
                    self.descend(Path(entry.path), f"{name}/", segments if everywhere else rest)
                elif not rest and entry.is_file():
                    self.found.add(name)


def _segment(pattern: str) -> str:
    """One part of a pattern as a regular expression."""
    out = []
    for found in _GLOB.finditer(pattern):
        if found["any"]:
            out.append(".*")
        elif found["one"]:
            out.append(".")
        elif found["class"]:
            out.append(f"[{found['not']}{_class(found['class'])}]")
        elif found["choices"] is not None:
            out.append("(?:" + "|".join(_segment(choice) for choice in found["choices"].split(",")) + ")")
        elif found["plain"] in ("{", "}"):
            raise UntoldError("alternatives of several directories are not followed")
        elif found["plain"] == "[":
            raise EvaluationError("not a pattern of file names")
        else:
            out.append(re.escape(found["escaped"] or found["plain"]))
    return "".join(out)


def _class(characters: str) -> str:
    if characters.startswith("-") or characters.endswith("-"):
        raise EvaluationError("not a pattern of file names")
    return re.escape(characters).replace("\\-", "-")
