"""Configuration of the gate: one YAML file named by ``--config`` or ``IACGATE_CONFIG``, never one that is found.

What is scanned does not configure the gate: a file in the working directory or in the scanned tree
is ignored, and a note says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from iacgate.errors import PolicyError, UsageError

__all__ = ["Config", "found_but_ignored", "load_config", "resolve_secret"]

_KEYS = ("organization", "policy_set", "workspace", "max_input_bytes", "digest_key")
_TEMPTING = (".iacgate.yaml", ".iacgate.yml", "iacgate.yaml", "iacgate.yml")


class Config(NamedTuple):
    """The settings of a file; each may be overridden on the command line."""

    organization: str = "default"
    policy_set: Path | None = None
    workspace: str | None = None
    max_input_bytes: int | None = None
    digest_key: bytes = b""


def load_config(file: Path | None) -> Config:
    """Read the configuration. Raises ``PolicyError`` with every problem, ``UsageError`` when it cannot be read."""
    if file is None:
        return Config(digest_key=os.environ.get("IACGATE_DIGEST_KEY", "").encode())
    from iacgate.policy.yaml_nodes import Source, read_yaml

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {(error.strerror or 'unreadable').lower()}") from None
    source = Source(str(file))
    node = read_yaml(data, source)
    entries = source.mapping(node, "the configuration") if node is not None else {}
    values: dict[str, Any] = {}
    for key, (key_node, value) in entries.items():
        if key not in _KEYS:
            source.problem(key_node, f"unknown key `{key}`; there are {', '.join(_KEYS)}")
        elif key == "max_input_bytes":
            number = source.plain(value)
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                source.problem(value, "`max_input_bytes` must be a number of bytes")
            values[key] = number
        else:
            values[key] = source.text(value, f"`{key}`")
    if source.problems:
        raise PolicyError(f"the configuration {file} is not usable", tuple(source.problems))
    policy_set = values.get("policy_set")
    digest_key = values.get("digest_key")
    return Config(
        organization=values.get("organization", "default"),
        policy_set=file.parent / policy_set if policy_set else None,
        workspace=values.get("workspace"),
        max_input_bytes=values.get("max_input_bytes"),
        digest_key=resolve_secret(digest_key) if digest_key else os.environ.get("IACGATE_DIGEST_KEY", "").encode(),
    )


def resolve_secret(reference: str) -> bytes:
    """The secret behind ``env://NAME`` or ``file://PATH``. Raises ``UsageError``, never with the secret in it."""
    kind, separator, name = reference.partition("://")
    if separator and kind == "env" and os.environ.get(name):
        return os.environ[name].encode()
    if separator and kind == "file":
        try:
            return Path(name).read_bytes().strip()
        except OSError as error:
            raise UsageError(
                f"the secret {reference} cannot be read: {(error.strerror or 'unreadable').lower()}"
            ) from None
    if separator and kind == "env":
        raise UsageError(f"the secret {reference} is not set")
    raise UsageError("a secret in the configuration must be a reference: env://NAME or file://PATH")


def found_but_ignored(directories: list[Path], used: Path | None) -> list[str]:
    """Notes on configuration files that lie about where scanned code lies, and were not obeyed."""
    return [
        f"{directory / name} is ignored: configuration comes from --config, not from what is scanned"
        for directory in dict.fromkeys(directories)
        for name in _TEMPTING
        if (directory / name).is_file() and (used is None or not _same(directory / name, used))
    ]


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
