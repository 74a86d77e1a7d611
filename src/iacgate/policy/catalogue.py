"""Checks as the gate uses them: compiled once to data, opened in well under a millisecond.

Reading hundreds of YAML files at each start would cost more than judging the plan. A directory of
checks is compiled to one msgpack document; the packaged library when the wheel is built, a user's
directory once per content (``docs/adr/0005``). Conditions become closures only when a resource of
their type turns up.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from iacgate.directories import cache_directory
from iacgate.errors import PolicyError, Problem
from iacgate.model.finding import CheckInfo, Family, Severity, Tier
from iacgate.policy.conditions import compile_condition
from iacgate.policy.parameters import Parameter, fill, values_of
from iacgate.policy.subject import Node

__all__ = [
    "Case",
    "Catalogue",
    "CheckHead",
    "catalogue_of",
    "compile_directory",
    "compile_files",
    "lint_files",
    "load_directories",
    "load_directory",
    "load_packaged",
    "packaged_root",
    "read_check_files",
]

FORMAT = 13
_COMPILED = "catalogue.msgpack"
_PACKAGED_POLICIES = "policies"


class CheckHead(NamedTuple):
    """What a policy set selects checks by."""

    id: str
    family: str
    severity: str
    tier: str
    subject: str


class Case(NamedTuple):
    """One condition of a check for certain resource types, ready to run."""

    check: int
    condition: Node
    when: Node | None
    message: str
    on_destroy: bool
    """It asks about actions, so it is applied to what is destroyed as well."""


class CaseData(NamedTuple):
    """A case of a check as data."""

    types: tuple[str, ...]
    condition: dict[str, Any]
    when: dict[str, Any] | None


class _Compiled(msgspec.Struct):
    format: int
    digest: str
    heads: list[CheckHead]
    infos: list[msgspec.Raw]
    cases: list[tuple[int, msgspec.Raw]]
    """Each with the number of its check, which is asked for more often than the case itself."""
    by_type: dict[str, list[int]]
    account: list[int]
    by_part: dict[str, list[int]]
    """Cases about parts of the configuration: ``module``, ``provider``, …"""
    parameters: dict[int, dict[str, Parameter]]
    """What the policy bundle may or must give to a check, by name."""
    settable: msgspec.Raw
    """(type, attribute) pairs; few plans ask for one."""
    partners: list[str]
    policies: dict[str, msgspec.Raw]


class _Case(msgspec.Struct):
    condition: dict[str, Any]
    when: dict[str, Any] | None
    message: str
    on_destroy: bool
    fix: dict[str, Any] | None = None


class Catalogue:
    """Compiled checks. Several directories join into one; an id may stand only once.

    ``given`` holds the parameters of the policy bundle that the checks are for.
    """

    def __init__(self, parts: Sequence[_Compiled], given: Mapping[str, Any] | None = None) -> None:
        self.given = given or {}
        self.heads: list[CheckHead] = []
        self._infos: list[msgspec.Raw] = []
        self._cases: list[tuple[int, msgspec.Raw]] = []
        self._by_type: dict[str, list[int]] = {}
        self._account: list[int] = []
        self._by_part: dict[str, list[int]] = {}
        self._parameters: dict[int, dict[str, Parameter]] = {}
        self._settable = [part.settable for part in parts]
        partners: set[str] = set()
        self.policies: dict[str, msgspec.Raw] = {}
        for part in parts:
            first, first_case = len(self.heads), len(self._cases)
            self.heads += part.heads
            self._infos += part.infos
            self._cases += [(first + check, raw) for check, raw in part.cases]
            for kind, numbers in part.by_type.items():
                self._by_type.setdefault(kind, []).extend(first_case + number for number in numbers)
            for name, numbers in part.by_part.items():
                self._by_part.setdefault(name, []).extend(first_case + number for number in numbers)
            self._account += [first_case + number for number in part.account]
            self._parameters |= {first + number: one for number, one in part.parameters.items()}
            partners.update(part.partners)
            self.policies |= part.policies
        self.partners = frozenset(partners)
        """Types that a relation of some check leads to."""
        self.digest = parts[0].digest if len(parts) == 1 else _digest([part.digest.encode() for part in parts])
        self.by_id = {head.id: number for number, head in enumerate(self.heads)}
        if len(self.by_id) != len(self.heads):
            ids = [head.id for head in self.heads]
            twice = sorted({one for one in ids if ids.count(one) > 1})
            raise PolicyError(f"these check ids stand in two directories: {', '.join(twice)}", hint="rename yours")
        self._compiled: dict[int, Case] = {}
        self._info: dict[int, CheckInfo] = {}

    def __len__(self) -> int:
        return len(self.heads)

    @cached_property
    def settable(self) -> frozenset[tuple[str, str]]:
        """(type, attribute) pairs that checks name and authors may leave to the provider."""
        pairs = (msgspec.msgpack.decode(raw, type=list[tuple[str, str]]) for raw in self._settable)
        return frozenset(pair for part in pairs for pair in part)

    @cached_property
    def alike(self) -> Mapping[tuple[str, str, str], Sequence[int]]:
        """The checks by family, severity and tier, which is what most rules of a policy select by."""
        found: dict[tuple[str, str, str], list[int]] = {}
        for number, head in enumerate(self.heads):
            found.setdefault((head.family, head.severity, head.tier), []).append(number)
        return found

    def parameters(self, number: int) -> Mapping[str, Parameter]:
        """What the policy bundle may or must give to a check, by name."""
        return self._parameters.get(number, {})

    def knows_type(self, kind: str) -> bool:
        """Some check looks at resources of this type, and does not just wait for a parameter."""
        return any(not self.is_idle(self._cases[number][0]) for number in self._by_type.get(kind, ()))

    def info(self, number: int) -> CheckInfo:
        """A check's metadata."""
        if number not in self._info:
            raw = msgspec.msgpack.decode(self._infos[number])
            self._info[number] = CheckInfo(
                raw["id"],
                raw["title"],
                Family(raw["family"]),
                Severity(raw["severity"]),
                Tier(raw["tier"]),
                raw["subject"],
                tuple(raw["resource_types"]),
                raw["message"],
                raw["rationale"],
                raw["remediation"],
                tuple(raw["aliases"]),
                raw["controls"],
                raw["deprecated"],
                raw["file"],
            )
        return self._info[number]

    def cases(self, kind: str, enabled: Sequence[bool]) -> list[Case]:
        """The cases of enabled checks for a resource type."""
        return [self._case(number) for number in self._by_type.get(kind, ()) if enabled[self._cases[number][0]]]

    def account_cases(self, enabled: Sequence[bool]) -> list[Case]:
        """The cases of enabled checks on the account."""
        return [self._case(number) for number in self._account if enabled[self._cases[number][0]]]

    def configuration_cases(self, enabled: Sequence[bool]) -> dict[str, list[Case]]:
        """The cases of enabled checks on parts of the configuration, by kind of part."""
        found = {
            kind: [self._case(number) for number in numbers if enabled[self._cases[number][0]]]
            for kind, numbers in self._by_part.items()
        }
        return {kind: cases for kind, cases in found.items() if cases}

    def is_idle(self, number: int) -> bool:
        """The check waits for a parameter that the policy bundle does not give."""
        return number in self._parameters and values_of(self._parameters[number], self.given) is None

    def conditions(self, number: int) -> list[CaseData]:
        """The cases of a check in normal form, for ``explain``."""
        found = []
        for position, (check, raw) in enumerate(self._cases):
            if check == number:
                case = msgspec.msgpack.decode(raw, type=_Case)
                types = [kind for kind, numbers in self._by_type.items() if position in numbers]
                condition, when = self._filled(number, case)
                found.append(CaseData(tuple(types), condition, when))
        return found

    def fix(self, number: int, kind: str) -> dict[str, Any] | None:
        """What to write into a block of a type that fails a check (``policy.fix_syntax``), if the check says so."""
        for position in self._by_type.get(kind, ()):
            check, raw = self._cases[position]
            if check == number:
                case = msgspec.msgpack.decode(raw, type=_Case)
                if case.fix is not None:
                    return case.fix
        return None

    def _case(self, number: int) -> Case:
        if number not in self._compiled:
            check, raw = self._cases[number]
            case = msgspec.msgpack.decode(raw, type=_Case)
            condition, when = self._filled(check, case)
            self._compiled[number] = Case(
                check,
                compile_condition(condition),
                compile_condition(when) if when else None,
                case.message,
                case.on_destroy,
            )
        return self._compiled[number]

    def _filled(self, check: int, case: "_Case") -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Condition and ``when`` with the values of the parameters."""
        parameters = self._parameters.get(check)
        if not parameters:
            return case.condition, case.when
        values = values_of(parameters, self.given) or {}
        return fill(case.condition, values), fill(case.when, values)


def compile_directory(root: Path) -> bytes:
    """Compile a directory of checks. Raises ``PolicyError`` with every problem when anything is wrong."""
    return compile_files(root, read_check_files(root))


def compile_files(root: Path, files: Sequence[tuple[str, bytes]], schema_file: Path | None = None) -> bytes:
    """As ``compile_directory``, from (relative path, content) pairs; ``schema_file`` adds provider schemas."""
    checks, problems, policies = lint_files(root, files, schema_file)
    errors = [problem for problem in problems if not problem.warning]
    if errors:
        raise PolicyError(f"{_count(len(errors), 'problem')} in the checks of {root}", tuple(problems))
    return _compile(files, checks, policies)


def catalogue_of(
    files: Sequence[tuple[str, bytes]], checks: Sequence[dict[str, Any]], given: Mapping[str, Any] | None = None
) -> Catalogue:
    """A catalogue of nothing but these checks, as ``lint_files`` gives them without a problem."""
    part = _open(_compile(files, checks, {}))
    assert part is not None
    return Catalogue([part], given)


def _compile(files: Sequence[tuple[str, bytes]], checks: Sequence[dict[str, Any]], policies: dict[str, Any]) -> bytes:
    encode = msgspec.msgpack.encode
    heads, infos, cases, by_type, by_part, account = [], [], [], {}, {}, []  # type: ignore[var-annotated]
    parameters: dict[int, dict[str, Parameter]] = {}
    settable: set[tuple[str, str]] = set()
    for number, check in enumerate(checks):
        types = list(dict.fromkeys(kind for case in check["cases"] for kind in case["types"]))
        heads.append(CheckHead(check["id"], check["family"], check["severity"], check["tier"], check["subject"]))
        if check["parameters"]:
            parameters[number] = {
                name: Parameter(one["about"], tuple(one["kinds"]), one.get("default"))
                for name, one in check["parameters"].items()
            }
        keys = (
            "id",
            "title",
            "family",
            "severity",
            "tier",
            "subject",
            "message",
            "rationale",
            "remediation",
            "aliases",
            "controls",
            "deprecated",
            "file",
        )
        infos.append(msgspec.Raw(encode({**{key: check[key] for key in keys}, "resource_types": types})))
        settable.update((kind, name) for kind, name in check["settable"])
        for case in check["cases"]:
            message = case.get("message", check["message"])
            whole = _Case(case["condition"], case.get("when"), message, _asks_action(case), case.get("fix"))
            for kind in case["types"]:
                by_type.setdefault(kind, []).append(len(cases))
            for word in check["subjects"]:
                if word == "account":
                    account.append(len(cases))
                elif word != "resource":
                    by_part.setdefault(word, []).append(len(cases))
            cases.append((number, msgspec.Raw(encode(whole))))
    digest = _digest(part for file, content in files for part in (file.encode(), content))
    raws = {name: msgspec.Raw(encode(policy)) for name, policy in policies.items()}
    return encode(
        _Compiled(
            FORMAT,
            digest,
            heads,
            infos,
            cases,
            by_type,
            account,
            by_part,
            parameters,
            msgspec.Raw(encode(sorted(settable))),
            _partners(checks),
            raws,
        )
    )


def lint_files(
    root: Path, files: Sequence[tuple[str, bytes]], schema_file: Path | None = None
) -> tuple[list[dict[str, Any]], list[Problem], dict[str, Any]]:
    """Read checks in normal form with all problems of all files. Packaged policy sets come third."""
    # Imported here: a compiled catalogue needs none of it.
    from iacgate.policy.check_file import read_check
    from iacgate.policy.policy_file import read_policy
    from iacgate.policy.provider_schema import load
    from iacgate.policy.yaml_nodes import Source

    schema = load(schema_file)
    checks: list[dict[str, Any]] = []
    problems: list[Problem] = []
    policies: dict[str, Any] = {}
    seen: dict[str, str] = {}
    for file, content in files:
        source = Source(str(root / file))
        if file.startswith(_PACKAGED_POLICIES + "/"):
            policy = read_policy(content, source)
            if policy is not None:
                policies[Path(file).stem] = policy
        else:
            check = read_check(content, source, Path(file).stem, schema)
            if check is not None:
                checks.append({**check, "file": file})
                if check["id"] in seen:
                    source.problem(None, f"the id `{check['id']}` stands in {seen[check['id']]} too")
                seen[check["id"]] = str(root / file)
        problems += source.problems
    if not checks and not problems:
        problems.append(Problem(str(root), 0, 0, "there are no checks in it"))
    return checks, problems, policies


def load_packaged(given: Mapping[str, Any] | None = None) -> Catalogue:
    """The library that comes with iacgate; ``given`` are the parameters of a policy bundle."""
    return Catalogue([_packaged_part()], given)


def packaged_root() -> Path:
    """Where the library's YAML files are: in the installed package, or in a checkout beside ``src``."""
    package = Path(__file__).parents[1]
    installed = package / "checks"
    if installed.is_dir():
        return installed
    checkout = package.parents[1] / "checks"
    if checkout.is_dir():
        return checkout
    from importlib.resources import as_file, files

    with as_file(files("iacgate") / "checks") as path:  # from an archive
        return path


def load_directory(
    root: Path,
    schema_file: Path | None = None,
    *,
    with_packaged: bool = True,
    given: Mapping[str, Any] | None = None,
) -> Catalogue:
    """A user's checks, beside the packaged ones unless told otherwise. Raises ``PolicyError`` with every problem."""
    parts = [_packaged_part()] if with_packaged else []
    return Catalogue([*parts, _cached_part(root, schema_file)], given)


def load_directories(roots: Iterable[Path], given: Mapping[str, Any] | None = None) -> Catalogue:
    """The packaged library and several directories; ``given`` are the parameters of a policy bundle."""
    return Catalogue([_packaged_part(), *(_cached_part(root, None) for root in roots)], given)


def _packaged_part() -> _Compiled:
    return _packaged_at(packaged_root())


@cache  # the library does not change under a process, and a checkout's has to be read file by file
def _packaged_at(root: Path) -> _Compiled:
    compiled = root / _COMPILED
    if compiled.is_file():
        part = _open(compiled.read_bytes())
        if part is not None:
            return part
    return _cached_part(root, None)


def _cached_part(root: Path, schema_file: Path | None) -> _Compiled:
    files = read_check_files(root)
    key = _digest(
        [
            _program(),
            str(root).encode(),
            schema_file.read_bytes() if schema_file else b"",
            *(part for file, content in files for part in (file.encode(), content)),
        ]
    )
    cached = cache_directory() / f"checks-{key[:32]}.msgpack"
    try:
        if cached.stat().st_uid == os.geteuid():
            part = _open(cached.read_bytes())
            if part is not None:
                return part
    except (OSError, AttributeError):
        pass
    data = compile_files(root, files, schema_file)
    _store(cached, data)
    part = _open(data)
    assert part is not None
    return part


def _store(path: Path, data: bytes) -> None:
    """Write whole or not at all; a cache that cannot be written is only slower."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError:
        pass


def _program() -> bytes:
    """What a compiled form depends on besides the files: this program's own reading of them."""
    here = Path(__file__).parent
    names = sorted(here.glob("*.py")) + sorted((here / "schema").iterdir())
    return ";".join(f"{path.name}:{(stat := path.stat()).st_size}:{stat.st_mtime_ns}" for path in names).encode()


def _open(data: bytes) -> _Compiled | None:
    try:
        part = msgspec.msgpack.decode(data, type=_Compiled)
    except msgspec.DecodeError:
        return None
    return part if part.format == FORMAT else None


def read_check_files(root: Path) -> list[tuple[str, bytes]]:
    """The YAML files below a directory as (relative path, content), in order. Raises ``PolicyError``."""
    if not root.is_dir():
        raise PolicyError(f"{root} is not a directory of checks")
    out = []
    for path in sorted([*root.rglob("*.yaml"), *root.rglob("*.yml")]):
        relative = path.relative_to(root).as_posix()
        if relative.startswith(("frameworks/", "tools/")) or relative == "not-adopted.yaml":
            continue  # what benchmarks and other tools ask; see ``coverage``
        try:
            out.append((relative, path.read_bytes()))
        except OSError as error:
            raise PolicyError(f"{path} cannot be read: {error.strerror}") from None
    return out


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _partners(checks: Sequence[dict[str, Any]]) -> list[str]:
    """Types that ``related`` and ``exists`` name, and those on the way from the internet."""
    # Imported here: a compiled catalogue needs none of it.
    from iacgate.policy.exposure_places import LOOKED_AT

    def named(tree: Any) -> set[str]:
        if isinstance(tree, list):
            return {kind for item in tree for kind in named(item)}
        if not isinstance(tree, dict):
            return set()
        found = {kind for key, value in tree.items() for kind in named(value)}
        for form in ("related", "exists"):
            if isinstance(tree.get(form), dict):
                found.update(tree[form].get("type", ()))
        if "not_exposed" in tree:
            found.update(kind for cloud in LOOKED_AT.values() for kind in cloud)
        return found

    return sorted(named([check["cases"] for check in checks]))


def _asks_action(case: dict[str, Any]) -> bool:
    def asks(tree: Any) -> bool:
        if isinstance(tree, dict):
            return "action" in tree or any(asks(value) for value in tree.values())
        return isinstance(tree, list) and any(asks(item) for item in tree)

    return asks(case.get("condition")) or asks(case.get("when"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
