"""Resources and modules as values of expressions: objects whose attributes are looked up when they are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iacgate.model.origin import Origin, Target
from iacgate.sources.hcl.body import LEFT
from iacgate.sources.hcl.expressions import steps_of
from iacgate.sources.hcl.multiplicity import HOW_MANY
from iacgate.sources.hcl.values import Unknown, unknown_of

if TYPE_CHECKING:
    from iacgate.sources.hcl.instances import ModuleInstance, ResourceInstance

__all__ = ["Many", "Module", "Resource"]


class Resource(Unknown):
    """A resource instance as a value: an object whose attributes are looked up when they are named."""

    __slots__ = ("instance",)

    def __init__(self, instance: ResourceInstance) -> None:
        address = instance.address
        modules = tuple((step.name, step.key) for step in address.modules)
        key = None if instance.uncertain else address.key
        target = Target(modules, address.mode, address.type, address.name, key or None, "")
        block = str(address._replace(key=""))
        super().__init__(Origin((target,), closed=True, chain=(block if instance.uncertain else str(address),)))
        self.instance = instance

    @property
    def is_set(self) -> bool:
        """A resource is never null."""
        return True

    def attribute(self, name: str) -> Any:
        """A known value, what it comes from in turn, or this very attribute of this resource."""
        tree = self.instance.tree()
        value = tree.values.get(name, LEFT if not tree.known_type else None)
        return self._part(f".{name}") if value is LEFT else value

    def splat(self, steps: list[Any], scope: Any) -> Any:
        """A single resource counts as a list of one."""
        return [steps_of(self, steps, scope)]


class Many(Unknown):
    """Instances of a block of which nobody knows how many there are."""

    __slots__ = ("one",)

    def __init__(self, one: Unknown) -> None:
        super().__init__(one.origin._replace(closed=False))
        self.one = one

    def element(self, key: Any) -> Any:
        """Which one it is does not matter: one stands for all."""
        return self.one

    def attribute(self, name: str) -> Any:
        """``a.b.c`` where ``a.b`` has instances is an error for Terraform; here it is one of them."""
        return self.one.attribute(name)

    def splat(self, steps: list[Any], scope: Any) -> Any:
        """As many as nobody knows, all alike."""
        made = steps_of(self.one, steps, scope)
        return unknown_of(made, self, why=HOW_MANY)


class Module(Unknown):
    """A module instance as a value: an object of its outputs."""

    __slots__ = ("instance",)

    def __init__(self, instance: ModuleInstance) -> None:
        super().__init__(Origin(chain=(instance.address,)))
        self.instance = instance

    @property
    def is_set(self) -> bool:
        """A module is never null."""
        return True

    def attribute(self, name: str) -> Any:
        """One of its outputs."""
        return self.instance.output(name)
