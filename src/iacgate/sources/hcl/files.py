"""The files of a directory tree that Terraform and OpenTofu would read, parsed: at once, and once.

What a file's bytes parse to is kept in the user's cache directory under their digest. Files that are not
there yet are parsed on all cores when there is enough of them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from iacgate.sources.hcl.syntax import MAX_BYTES, Body, FileSyntax, SyntaxProblem

__all__ = [
    "HCL_SUFFIXES",
    "ParsedFile",
    "digest_below",
    "directories_below",
    "module_files",
    "parse_bytes",
    "parse_files",
    "variable_files",
]

HCL_SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json")
_READ_SUFFIXES = (*HCL_SUFFIXES, ".tfvars", ".tfvars.json")
_FORMAT = "2"
"""Part of every key in the cache; another syntax is another number."""
_WORTH_A_PROCESS = 150_000
_MAX_FILES = 50_000
_decoder = msgspec.msgpack.Decoder(FileSyntax)
_encode = msgspec.msgpack.Encoder().encode


def directories_below(top: Path) -> Iterator[Path]:
    """``top`` and the directories below it that hold HCL; hidden ones (``.terraform``, ``.git``) are left out."""
    for root, names, files in os.walk(top):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "node_modules")
        if any(name.endswith(HCL_SUFFIXES) for name in files):
            yield Path(root)


def digest_below(top: Path) -> str:
    """A digest of the names and bytes of all files below ``top`` that reading it depends on."""
    found = hashlib.sha256()
    for root, names, files in os.walk(top):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "node_modules")
        wanted = [name for name in files if name.endswith(_READ_SUFFIXES)]
        paths = [Path(root, name) for name in sorted(wanted)]
        beside = (Path(root, ".terraform.lock.hcl"), Path(root, ".terraform", "modules", "modules.json"))
        for path in (*paths, *beside):
            data = _read(path)
            if not isinstance(data, FileSyntax):
                found.update(f"{path}\0{hashlib.sha256(data).hexdigest()}\n".encode(errors="surrogateescape"))
            elif path in paths:
                found.update(f"{path}\0unreadable\n".encode(errors="surrogateescape"))
    return found.hexdigest()


def module_files(directory: Path) -> list[Path]:
    """A module's files in the order Terraform reads them: by name, overrides last.

    A ``.tofu`` file takes the place of the ``.tf`` file of the same name, as in OpenTofu.
    """
    names = sorted(name for name in _list(directory) if name.endswith(HCL_SUFFIXES) and not name.startswith("."))
    shadowed = {name.replace(".tofu", ".tf") for name in names if ".tofu" in name}
    kept = [name for name in names if name not in shadowed]
    kept.sort(key=_is_override)
    return [directory / name for name in kept]


def variable_files(directory: Path) -> list[Path]:
    """The files that give a root module's variables values by themselves, later ones over earlier ones."""
    names = _list(directory)
    fixed = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if name in names]
    automatic = sorted(name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json")))
    return [directory / name for name in (*fixed, *automatic)]


def _list(directory: Path) -> list[str]:
    try:
        return [one.name for one in directory.iterdir()]
    except OSError:
        return []


def _is_override(name: str) -> bool:
    stem = name.partition(".")[0]
    return stem == "override" or stem.endswith("_override")


class ParsedFile(NamedTuple):
    """A file's syntax, and the SHA-256 of its bytes (empty when they could not be read)."""

    syntax: FileSyntax
    digest: str


class _Work(NamedTuple):
    """A file that the cache does not have."""

    path: Path
    digest: str
    data: bytes


def parse_files(paths: Iterable[Path], cache: Path | None) -> dict[Path, ParsedFile]:
    """Each file's syntax; one that cannot be read has that as its problem."""
    out: dict[Path, ParsedFile] = {}
    missing: list[_Work] = []
    for path in paths:
        found = _read(path)
        if isinstance(found, FileSyntax):
            out[path] = ParsedFile(found, "")
            continue
        digest = hashlib.sha256(found).hexdigest()
        known = _cached(cache, path, digest)
        if known is None:
            missing.append(_Work(path, digest, found))
        else:
            out[path] = ParsedFile(known, digest)
    for work, syntax in zip(missing, _parse_all(missing, cache), strict=True):
        out[work.path] = ParsedFile(syntax, work.digest)
    return out


def parse_bytes(path: Path, data: bytes) -> ParsedFile:
    """A file's syntax if it held these bytes."""
    return ParsedFile(_decoder.decode(_parse((_kind(path), data))), hashlib.sha256(data).hexdigest())


def _read(path: Path) -> bytes | FileSyntax:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return _unreadable("it is no regular file")
        if status.st_size > MAX_BYTES:
            return _unreadable(f"it is larger than {MAX_BYTES // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        return _unreadable(f"it cannot be read: {(error.strerror or 'unreadable').lower()}")


def _unreadable(why: str) -> FileSyntax:
    return FileSyntax(Body([], []), [SyntaxProblem(0, why)], [])


def _parse_all(files: list[_Work], cache: Path | None) -> Iterator[FileSyntax]:
    work = [(_kind(one.path), one.data) for one in files]
    size = sum(len(data) for _, data in work)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if size < _WORTH_A_PROCESS or cores < 2 or len(work) < 2:
        results: Iterable[bytes] = map(_parse, work)
    else:
        from concurrent.futures import ProcessPoolExecutor

        from iacgate.sources.hcl.parse import warm_up

        warm_up()
        with ProcessPoolExecutor(cores) as pool:
            results = list(pool.map(_parse, work, chunksize=max(1, min(32, len(work) // (4 * cores)))))
    for one, encoded in zip(files, results, strict=True):
        _keep(cache, one, encoded)
        yield _decoder.decode(encoded)


def _kind(path: Path) -> str:
    if path.name.endswith(".tfvars.json"):
        return "values"
    return "json" if path.name.endswith(".json") else "hcl"


def _parse(work: tuple[str, bytes]) -> bytes:
    kind, data = work
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _encode(FileSyntax(Body([], []), [SyntaxProblem(line, "it is not text in UTF-8")], []))
    if kind == "hcl":
        from iacgate.sources.hcl.parse import parse_hcl  # here: what the cache has needs no parser

        return _encode(parse_hcl(text))
    from iacgate.sources.hcl.json_syntax import parse_json, parse_json_values

    return _encode(parse_json(text) if kind == "json" else parse_json_values(text))


def _entry(cache: Path, path: Path, digest: str) -> Path:
    return cache / f"{_kind(path)}-{_FORMAT}" / digest[:2] / digest


def _cached(cache: Path | None, path: Path, digest: str) -> FileSyntax | None:
    if cache is None:
        return None
    try:
        return _decoder.decode(_entry(cache, path, digest).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(cache: Path | None, work: _Work, encoded: bytes) -> None:
    if cache is None:
        return
    entry = _entry(cache, work.path, work.digest)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = entry.with_name(f"{entry.name}.{os.getpid()}")
        temporary.write_bytes(encoded)
        temporary.replace(entry)
    except OSError:
        pass  # no cache, no harm
