r"""Make the provider schemas that ship with the package from ``terraform providers schema -json``.

Run it after a new provider version, in a directory whose configuration pins that version::

    terraform init && terraform providers schema -json | python scripts/trim_schema.py --version 5.100.0

A schema that was flattened already (``{"resources": {TYPE: {PATH: {"t": type, "f": flags, "n": nesting, "max": …}}}}``,
which is how those of Azure and Google are kept, whose providers are not run here) is taken as it is::

    gunzip -c azurerm.json.gz | python scripts/trim_schema.py --version 4.55.0 --provider hashicorp/azurerm \
        --output src/iacgate/policy/schema/azurerm.msgpack

Attributes that only older versions of a provider have are added from ``scripts/schema_older.json``: what is written
for those is judged as well. It keeps all types and data sources, of each only what checks and HCL need, and writes
``src/iacgate/policy/schema/aws.msgpack``.
The same input gives the same bytes, so a rebuilt file shows in a diff only when the provider changed.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDER = ROOT / "scripts" / "schema_older.json"
sys.path.insert(0, str(ROOT / "src"))  # runs from a checkout without an installation

import msgspec  # noqa: E402

from iacgate.errors import IacgateError, UsageError  # noqa: E402
from iacgate.policy.provider_schema import AttributeSchema, TypeSchemas, flatten, pack_type, read_terraform_schema  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Read, trim, write; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    try:
        content = sys.stdin.buffer.read() if options.input == "-" else Path(options.input).read_bytes()
        trimmed = trim(content, provider=options.provider, version=options.version)
    except (IacgateError, OSError) as error:
        print(f"trim_schema: {error}", file=sys.stderr)
        return 2
    packed = msgspec.msgpack.encode(trimmed)
    options.output.write_bytes(packed)
    print(
        f"{options.output}: {len(trimmed.resources)} resource types, {len(trimmed.data)} data sources,"
        f" {len(packed):,} bytes",
        file=sys.stderr,
    )
    return 0


def trim(content: bytes, *, provider: str, version: str) -> TypeSchemas:
    """The schemas of all types of one provider."""
    flat = read_flat(content, provider)
    if flat is not None:
        kept = {name: pack_type(flat[name]) for name in sorted(flat)}
        return TypeSchemas(provider=provider, version=version, resources=kept, data={})
    providers = read_terraform_schema(content, name="input")
    if provider not in providers:
        raise UsageError(f"the input holds no schema of {provider}, only of: {', '.join(providers)}")
    full = providers[provider]
    return TypeSchemas(
        provider=provider,
        version=version,
        resources={name: _flat(raw) for name, raw in sorted(full.resource_schemas.items())},
        data={name: _flat(raw) for name, raw in sorted(full.data_source_schemas.items())},
    )


def read_flat(content: bytes, provider: str) -> dict[str, dict[str, AttributeSchema]] | None:
    """The types of a schema that was flattened already; ``None`` when it is Terraform's own."""
    document = msgspec.json.decode(content)
    if document.get("provider") != provider or "resources" not in document:
        return None
    older = msgspec.json.decode(OLDER.read_bytes()).get(provider, {})
    return {
        name: {
            path: AttributeSchema(one["t"], one.get("f", ""), one.get("n", ""), one.get("max", 0))
            for path, one in sorted((older.get(name, {}) | paths).items())
        }
        for name, paths in document["resources"].items()
    }


def _flat(raw: msgspec.Raw) -> bytes:
    return pack_type(flatten(msgspec.json.decode(raw)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", nargs="?", default="-", help="a file, or - (default) for stdin")
    parser.add_argument("--version", required=True, help="the provider's version; the input does not say it")
    parser.add_argument("--provider", default="hashicorp/aws", metavar="NAMESPACE/NAME")
    parser.add_argument("--output", type=Path, default=ROOT / "src/iacgate/policy/schema/aws.msgpack", metavar="FILE")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
