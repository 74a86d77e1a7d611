"""What a provider's resources look like: which attributes exist, and which of them must be set.

Checks are held against this when they are loaded, so that a misspelt attribute is an error of the
check instead of a check that passes on everything. The package ships trimmed schemas
(``policy/schema/*.msgpack``, made by ``scripts/trim_schema.py``); types beyond them can be
brought with the output of ``terraform providers schema -json``.

Paths are dotted attribute names with ``[]`` after a list or set and ``{}`` after a map of blocks or
objects: ``vpc_config[].subnet_ids``. Lookups also take the spelling of a check, which walks
through a list of one by its name (``vpc_config.subnet_ids``) and names the key of a map
(``tags.Name``). The empty path speaks of the resource type itself. Data sources are asked for as
Terraform writes them: ``data.aws_subnet``.

Format of the input: https://developer.hashicorp.com/terraform/cli/commands/providers/schema
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from iacgate.errors import UsageError

__all__ = [
    "AttributeSchema",
    "ProviderSchema",
    "TerraformProvider",
    "TypeSchemas",
    "flatten",
    "load",
    "pack_type",
    "read_terraform_schema",
]

_SHIPPED = Path(__file__).parent / "schema"
_HINT = "Make the file with: terraform providers schema -json > schema.json"


class AttributeSchema(NamedTuple):
    """One attribute, nested block or (under the empty path) resource type."""

    type: str
    """``string``, ``number``, ``bool``, ``list(string)``, ``set(object)``, …, ``block`` or ``resource``."""
    flags: str = ""
    """Some of R(equired), O(ptional), C(omputed), S(ensitive), D(eprecated), W(rite-only)."""
    nesting: str = ""
    """Of a block: ``list``, ``set``, ``map`` or ``single``."""
    max_items: int = 0
    """The most blocks there can be; 0 is without limit."""

    @property
    def required(self) -> bool:
        """The author must set it."""
        return "R" in self.flags

    @property
    def optional(self) -> bool:
        """The author may set it."""
        return "O" in self.flags

    @property
    def computed(self) -> bool:
        """The provider gives it a value when the author does not."""
        return "C" in self.flags

    @property
    def sensitive(self) -> bool:
        """Its value must never be shown."""
        return "S" in self.flags

    @property
    def write_only(self) -> bool:
        """Its value is sent to the provider and stands in no plan and no state."""
        return "W" in self.flags

    @property
    def deprecated(self) -> bool:
        """The provider asks authors to use something else."""
        return "D" in self.flags

    @property
    def repeated(self) -> bool:
        """There can be more than one: a check needs a quantifier to look inside."""
        if self.type == "block":
            return self.nesting in ("list", "set", "map") and self.max_items != 1
        return self.type.startswith(("list(", "set(", "map("))

    @property
    def element(self) -> str:
        """The type of one element of a list, set or map; else the type itself."""
        head, bracket, rest = self.type.partition("(")
        return rest[:-1] if bracket and head in ("list", "set", "map") else self.type


class TypeSchemas(msgspec.Struct, forbid_unknown_fields=True):
    """One file of ``policy/schema/``. Each type is compressed by itself: few of thousands are ever asked for."""

    provider: str
    version: str
    resources: dict[str, bytes]
    data: dict[str, bytes]


class TerraformProvider(msgspec.Struct):
    """One provider in the output of ``terraform providers schema -json``."""

    resource_schemas: dict[str, msgspec.Raw] = {}
    data_source_schemas: dict[str, msgspec.Raw] = {}


class _TerraformOutput(msgspec.Struct):
    format_version: str
    provider_schemas: dict[str, TerraformProvider] = {}


class _Entry(NamedTuple):
    """A type that nobody has asked for yet."""

    raw: bytes | msgspec.Raw
    decode: Callable[[Any], dict[str, AttributeSchema]]


class ProviderSchema:
    """Schemas of resource types and data sources, looked up by name. Made by :func:`load`."""

    def __init__(self, entries: Mapping[str, _Entry], versions: Mapping[str, str], *, complete: bool = False) -> None:
        self._entries = entries
        self.complete = complete
        """A type that is not known does not exist: somebody brought the schemas of what is used."""
        self._decoded: dict[str, dict[str, AttributeSchema]] = {}
        self._computed_blocks: dict[str, list[str]] = msgspec.json.decode(
            (_SHIPPED / "computed_blocks.json").read_bytes()
        )
        self.versions = versions
        """Provider (``hashicorp/aws``) to the version its schema was read from, "" when not known."""

    def knows(self, resource_type: str) -> bool:
        """Whether anything can be said of this type."""
        return resource_type in self._entries

    def types(self) -> list[str]:
        """All known types, data sources as ``data.TYPE``."""
        return sorted(self._entries)

    def paths(self, resource_type: str) -> Mapping[str, AttributeSchema]:
        """Every path of a type with its schema; empty for a type that is not known."""
        known = self._decoded.get(resource_type)
        if known is None:
            entry = self._entries.get(resource_type)
            if entry is None:
                return {}
            known = self._decoded[resource_type] = entry.decode(entry.raw)
        return known

    def attribute(self, resource_type: str, path: str) -> AttributeSchema | None:
        """The attribute or block at ``path``, or None when the type has no such path (or is not known)."""
        paths = self.paths(resource_type)
        exact = paths.get(path)
        if exact is not None:
            return exact
        found = _resolve(paths, path)
        return found[1] if found else None

    def left_to_provider(self, resource_type: str, path: str) -> bool:
        """The author may leave it out, and the provider then settles its value when it applies.

        A schema says so of attributes (optional and computed). Of blocks it does not: those that the
        provider fills in are listed in ``schema/computed_blocks.json``, as plans of the provider show them.
        """
        found = self.attribute(resource_type, path)
        if found is None:
            return False
        if found.type == "block":
            return path in self._computed_blocks.get(resource_type, ())
        return found.computed and (found.optional or found.required)

    def suggest(self, resource_type: str, path: str) -> str:
        """The path of this type that a misspelt one may have meant, as a check spells it; "" if none is close."""
        paths = self.paths(resource_type)
        segments = list(_segments(path))
        parent = ""
        for wrong, segment in enumerate(segments):
            found = _resolve(paths, ".".join(segments[: wrong + 1]))
            if found:
                parent = found[0] + "."
                continue
            siblings = {known.rpartition(".")[2]: known for known in paths if _parent(known) == parent}
            close = _closest(segment.removesuffix("[]"), siblings)
            if close:
                return _check_spelling(siblings[close], paths)
            break
        # The right name in the wrong block: point at the shortest path that ends in it.
        leaf = segments[-1]
        same = [known for known in paths if known.rpartition(".")[2] == leaf]
        best = min(same, key=lambda known: (known.count("."), known), default="")
        return _check_spelling(best, paths) if best else ""

    def suggest_type(self, resource_type: str) -> str:
        """The known type closest to a misspelt one; "" if none is close."""
        return _closest(resource_type, self.types())


def load(extra: Path | None = None) -> ProviderSchema:
    """The shipped schemas and, before them, those of a ``terraform providers schema -json`` file.

    Raises :class:`~iacgate.errors.UsageError` when ``extra`` cannot be read as such a file.
    """
    entries: dict[str, _Entry] = {}
    versions: dict[str, str] = {}
    for file in sorted(_SHIPPED.glob("*.msgpack")):
        shipped = msgspec.msgpack.decode(file.read_bytes(), type=TypeSchemas)
        versions[shipped.provider] = shipped.version
        entries |= {name: _Entry(raw, _decode_shipped) for name, raw in shipped.resources.items()}
        entries |= {f"data.{name}": _Entry(raw, _decode_shipped) for name, raw in shipped.data.items()}
    if extra is not None:
        for provider, schemas in read_terraform_schema(_read(extra), name=str(extra)).items():
            versions[provider] = ""
            entries |= {name: _Entry(raw, _decode_terraform) for name, raw in schemas.resource_schemas.items()}
            data = schemas.data_source_schemas
            entries |= {f"data.{name}": _Entry(raw, _decode_terraform) for name, raw in data.items()}
    return ProviderSchema(entries, versions, complete=extra is not None)


def read_terraform_schema(content: bytes, *, name: str) -> dict[str, TerraformProvider]:
    """Read the output of ``terraform providers schema -json``: provider (``hashicorp/aws``) to its schemas.

    Raises :class:`~iacgate.errors.UsageError` when ``content`` is something else; ``name`` is for its message.
    """
    try:
        output = msgspec.json.decode(content, type=_TerraformOutput)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name}: not a provider schema: {error}", hint=_HINT) from error
    if not output.format_version.startswith(("0.", "1.")):
        raise UsageError(f"{name}: provider schema format {output.format_version} is not known", hint=_HINT)
    if not output.provider_schemas:
        raise UsageError(f"{name}: no provider in it; was the directory initialised?", hint=_HINT)
    return {"/".join(address.split("/")[-2:]): schemas for address, schemas in output.provider_schemas.items()}


def flatten(schema: Mapping[str, Any]) -> dict[str, AttributeSchema]:
    """One entry of ``resource_schemas`` (or ``data_source_schemas``) as path -> attribute, sorted."""
    block = schema["block"]
    found = dict(_block(block, ""))
    if block.get("deprecated"):
        found[""] = AttributeSchema("resource", "D")
    return dict(sorted(found.items()))


def pack_type(paths: Mapping[str, AttributeSchema]) -> bytes:
    """One type as a file of ``policy/schema/`` holds it."""
    return zlib.compress(msgspec.msgpack.encode(paths), 9)


def _decode_shipped(packed: bytes) -> dict[str, AttributeSchema]:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=dict[str, AttributeSchema])


def _decode_terraform(raw: msgspec.Raw) -> dict[str, AttributeSchema]:
    try:
        return flatten(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError, AttributeError, KeyError, TypeError, IndexError) as error:
        raise UsageError("a provider schema is not as Terraform writes it", hint=_HINT) from error


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "damaged"
        raise UsageError(f"{file}: cannot read the provider schema: {reason}", hint=_HINT) from error


def _block(block: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, AttributeSchema]]:
    for name, attribute in block.get("attributes", {}).items():
        path, flags = prefix + name, _flags(attribute)
        if nested := attribute.get("nested_type"):
            mode = nested["nesting_mode"]
            yield path, AttributeSchema("object" if mode == "single" else f"{mode}(object)", flags)
            yield from _block(nested, path + _mark(mode) + ".")
        else:
            yield path, AttributeSchema(_type_name(attribute["type"]), flags)
            yield from _object_fields(attribute["type"], path, flags)
    for name, nested in block.get("block_types", {}).items():
        path, mode = prefix + name, nested["nesting_mode"]
        mode = "single" if mode == "group" else mode
        flags = "R" if nested.get("min_items") else "O"
        flags += "D" if nested["block"].get("deprecated") else ""
        yield path, AttributeSchema("block", flags, mode, nested.get("max_items", 0))
        yield from _block(nested["block"], path + _mark(mode) + ".")


def _object_fields(constraint: Any, path: str, flags: str) -> Iterator[tuple[str, AttributeSchema]]:
    """Fields of an object-typed attribute; Terraform gives them no flags of their own."""
    while isinstance(constraint, list) and constraint[0] in ("list", "set", "map"):
        path, constraint = path + _mark(constraint[0]), constraint[1]
    if isinstance(constraint, list) and constraint[0] == "object":
        for name, field in constraint[1].items():
            yield f"{path}.{name}", AttributeSchema(_type_name(field), flags)
            yield from _object_fields(field, f"{path}.{name}", flags)


def _type_name(constraint: Any) -> str:
    """``["list", ["object", {…}]]`` -> ``list(object)``."""
    if isinstance(constraint, str):
        return constraint
    kind, inner = constraint[0], constraint[1]
    return kind if kind in ("object", "tuple") else f"{kind}({_type_name(inner)})"


def _flags(attribute: Mapping[str, Any]) -> str:
    words = ("required", "optional", "computed", "sensitive", "deprecated", "write_only")
    return "".join(word[0].upper() for word in words if attribute.get(word))


def _mark(nesting: str) -> str:
    return {"list": "[]", "set": "[]", "map": "{}"}.get(nesting, "")


def _resolve(paths: Mapping[str, AttributeSchema], path: str) -> tuple[str, AttributeSchema] | None:
    """Follow a check's spelling segment by segment: marks left out, keys of maps named.

    Gives the schema's spelling, with the mark that leads on to what is inside, and what is there.
    """
    at, found = "", None
    for segment in _segments(path):
        if found is not None and _mark_of(found) == "{}":
            found = _element(found)  # the segment is a key
            continue
        name = segment.removesuffix("[]").removesuffix("{}")
        mark = segment[len(name) :]
        at = f"{at}.{name}" if at else name
        found = paths.get(at)
        if found is None or (mark and mark != _mark_of(found)):
            return None
        at += _mark_of(found)
        if mark == "{}":
            found = _element(found)
    return (at, found) if found is not None else None


def _mark_of(attribute: AttributeSchema) -> str:
    return _mark(attribute.nesting or attribute.type.partition("(")[0])


def _element(attribute: AttributeSchema) -> AttributeSchema:
    """One value of a map: nothing says that a key must be there."""
    flags = attribute.flags.replace("R", "O")
    return AttributeSchema(attribute.element, flags, "single" if attribute.type == "block" else "")


def _segments(path: str) -> Iterator[str]:
    """Dotted names, of which those in double quotes may hold dots."""
    name, quoted = "", False
    for char in path:
        quoted ^= char == '"'
        if char == "." and not quoted:
            yield name
            name = ""
        else:
            name += char
    yield name


def _parent(path: str) -> str:
    """``a[].b`` -> ``a[].``, ``a`` -> ``""``."""
    return path[: path.rfind(".") + 1]


def _check_spelling(path: str, paths: Mapping[str, AttributeSchema]) -> str:
    """``vpc_config[].subnet_ids`` -> ``vpc_config.subnet_ids``: a list of one goes by its name."""
    spelt, at = [], ""
    for segment in path.split("."):
        name = segment.removesuffix("[]")
        block = paths.get(at + name)
        spelt.append(segment if block is None or block.repeated else name)
        at += segment + "."
    return ".".join(spelt)


def _closest(wanted: str, known: Iterable[str]) -> str:
    # Imported here: only a mistake pays for it.
    from difflib import get_close_matches

    return next(iter(get_close_matches(wanted, list(known), n=1)), "")
