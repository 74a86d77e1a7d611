"""A check's example read as HCL: the same text that becomes a plan, by the reader of ``iacgate check DIR``."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from iacgate.model.plan import Plan
from iacgate.policy.provider_schema import ProviderSchema
from iacgate.sources.hcl.read import read_directory

__all__ = ["example_from_hcl"]

_FILE = re.compile(r"(?m)^# file: (\S+)$\n")


def example_from_hcl(text: str, schema: ProviderSchema) -> Plan:
    """The plan that stands for an example's HCL. A line ``# file: inner/main.tf`` starts another file.

    Raises ``InputError`` when there is nothing in it.
    """
    first, *more = _FILE.split(text)
    files = {"main.tf": first} | dict(zip(more[::2], more[1::2], strict=True))
    with TemporaryDirectory() as folder:
        top = Path(folder)
        for name, content in files.items():
            file = (top / name).resolve()
            if not file.is_relative_to(top.resolve()):
                raise ValueError(f"an example's file lies outside of it: {name}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
        plan = read_directory(top, schema).roots[0].plan
        for change in plan.resource_changes:
            plan.values(change)  # evaluated while its files are there
        return plan
