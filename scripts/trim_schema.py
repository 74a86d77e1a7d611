r"""Make the provider schemas that ship with the package from ``terraform providers schema -json``.

Run it after a new provider version, in a directory whose configuration pins that version::

    terraform init && terraform providers schema -json | python scripts/trim_schema.py --version 5.100.0

A schema that was flattened already (``{"resources": {TYPE: {PATH: {"t": type, "f": flags, "n": nesting, "max": …}}}}``,
which is how those of Azure and Google are kept, whose providers are not run here) is taken as it is::

    gunzip -c azurerm.json.gz | python scripts/trim_schema.py --version 4.55.0 --provider hashicorp/azurerm \
        --types scripts/schema_types_azure.txt --output src/iacgate/policy/schema/azurerm.json.gz

It keeps the types of ``scripts/schema_types.txt`` and writes ``src/iacgate/policy/schema/aws.json.gz``.
The same input gives the same bytes, so a rebuilt file shows in a diff only when the provider changed.
"""

import argparse
import gzip
import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))  # runs from a checkout without an installation

import msgspec  # noqa: E402

from iacgate.errors import IacgateError, UsageError  # noqa: E402
from iacgate.policy.provider_schema import AttributeSchema, TypeSchemas, flatten, read_terraform_schema  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Read, trim, write; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        content = sys.stdin.buffer.read() if options.input == "-" else Path(options.input).read_bytes()
        wanted = read_types(options.types.read_text(encoding="utf-8"))
        trimmed = trim(content, provider=options.provider, version=options.version, wanted=wanted)
    except (IacgateError, OSError) as error:
        print(f"trim_schema: {error}", file=sys.stderr)
        return 2
    packed = pack(trimmed)
    options.output.write_bytes(packed)
    print(
        f"{options.output}: {len(trimmed.resources)} resource types, {len(trimmed.data)} data sources,"
        f" {len(packed):,} bytes",
        file=sys.stderr,
    )
    return 0


def read_types(text: str) -> list[str]:
    """The types to keep: one a line, data sources as ``data.TYPE``, ``#`` starts a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def trim(content: bytes, *, provider: str, version: str, wanted: list[str]) -> TypeSchemas:
    """The schemas of the ``wanted`` types of one provider; refuses a type the provider does not have."""
    flat = read_flat(content, provider)
    if flat is not None:
        if missing := sorted(set(wanted) - flat.keys()):
            raise UsageError(f"{provider} {version} has no type {', '.join(missing)}")
        kept = {name: msgspec.Raw(msgspec.json.encode(flat[name])) for name in sorted(wanted)}
        return TypeSchemas(provider=provider, version=version, resources=kept, data={})
    providers = read_terraform_schema(content, name="input")
    if provider not in providers:
        raise UsageError(f"the input holds no schema of {provider}, only of: {', '.join(providers)}")
    full = providers[provider]
    data = {name.removeprefix("data.") for name in wanted if name.startswith("data.")}
    resources = {name for name in wanted if not name.startswith("data.")}
    missing = sorted(resources - full.resource_schemas.keys())
    missing += sorted(f"data.{name}" for name in data - full.data_source_schemas.keys())
    if missing:
        raise UsageError(f"{provider} {version} has no type {', '.join(missing)}")
    return TypeSchemas(
        provider=provider,
        version=version,
        resources={name: _flat(full.resource_schemas[name]) for name in sorted(resources)},
        data={name: _flat(full.data_source_schemas[name]) for name in sorted(data)},
    )


def read_flat(content: bytes, provider: str) -> dict[str, dict[str, AttributeSchema]] | None:
    """The types of a schema that was flattened already; ``None`` when it is Terraform's own."""
    document = msgspec.json.decode(content)
    if document.get("provider") != provider or "resources" not in document:
        return None
    return {
        name: {
            path: AttributeSchema(one["t"], one.get("f", ""), one.get("n", ""), one.get("max", 0))
            for path, one in sorted(paths.items())
        }
        for name, paths in document["resources"].items()
    }


def pack(schemas: TypeSchemas) -> bytes:
    """Compressed JSON, the same bytes for the same schemas: no time, no file name in the header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(msgspec.json.encode(schemas))
    return buffer.getvalue()


def _flat(raw: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(flatten(msgspec.json.decode(raw))))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", nargs="?", default="-", help="a file, or - (default) for stdin")
    parser.add_argument("--version", required=True, help="the provider's version; the input does not say it")
    parser.add_argument("--provider", default="hashicorp/aws", metavar="NAMESPACE/NAME")
    parser.add_argument("--types", type=Path, default=ROOT / "scripts" / "schema_types.txt", metavar="FILE")
    parser.add_argument("--output", type=Path, default=ROOT / "src/iacgate/policy/schema/aws.json.gz", metavar="FILE")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
