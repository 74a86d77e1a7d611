"""Which root modules a set of files belongs to: what is planned, and so judged, when one of them changes.

A root module is a directory of configuration that no other directory of the tree calls by a relative path.
Calls are found by their ``source`` argument without parsing: a file that is half written is no reason not
to find the module that it belongs to.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["CONFIGURATION", "VARIABLES", "root_modules"]

CONFIGURATION = (".tf", ".tofu", ".tf.json", ".tofu.json")
"""Files that configuration is made of (Terraform and OpenTofu)."""
VARIABLES = (".tfvars", ".tfvars.json")
"""Files that hold values of variables."""

_LOCAL_SOURCE = re.compile(rb'"?\bsource"?\s*[=:]\s*"(\.{1,2}(?:/[^"\\]*)?)"')


def root_modules(files: Iterable[Path], top: Path) -> list[Path]:
    """The root modules below ``top`` that the files belong to, in order, each once. May be none.

    A file of configuration belongs to the roots that call its directory, over however many others, or to
    its directory when none does. A file of variables that lies beside no configuration may be meant for any
    root module near it: for all of those below the nearest directory that has some below it.
    """
    top = top.resolve()
    calls = dict(_calls(top))
    callers: dict[Path, list[Path]] = {}
    for directory, called in calls.items():
        for module in called:
            callers.setdefault(module, []).append(directory)
    found: dict[Path, None] = {}
    for file in files:
        directory = file.resolve().parent
        meant = [directory] if directory in calls else _nearest(directory, top, calls)
        for one in meant:
            found |= dict.fromkeys(_roots(one, callers))
    return sorted(found)


def _calls(top: Path) -> Iterator[tuple[Path, set[Path]]]:
    """Each directory with configuration, and the directories that it calls as modules."""
    for folder, below, names in os.walk(top):
        below[:] = sorted(name for name in below if not name.startswith("."))
        written = [Path(folder, name) for name in names if name.endswith(CONFIGURATION)]
        if written:
            sources = (source for file in written for source in _LOCAL_SOURCE.findall(_content(file)))
            yield Path(folder), {Path(folder, os.fsdecode(source)).resolve() for source in sources} - {Path(folder)}


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # a broken link, say; whoever reads the module says so
        return b""


def _nearest(directory: Path, top: Path, calls: Mapping[Path, set[Path]]) -> list[Path]:
    for ancestor in (directory, *directory.parents):
        if ancestor != top and top not in ancestor.parents:
            break
        if ancestor in calls:
            return [ancestor]
        below = [one for one in calls if ancestor in one.parents]
        if below:
            return below
    return []


def _roots(directory: Path, callers: Mapping[Path, list[Path]]) -> list[Path]:
    """Those that nobody calls, among all that reach a directory; the directory itself when there is a circle."""
    seen = {directory}
    waiting = [directory]
    for one in waiting:
        new = [caller for caller in callers.get(one, ()) if caller not in seen]
        seen.update(new)
        waiting += new
    return [one for one in waiting if not callers.get(one)] or [directory]
