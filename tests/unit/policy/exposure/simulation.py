"""Random worlds, plans of them, and concrete packets: what the engine is held against.

Nothing here knows the engine's algebra. A world is a set of resources with unknowns in it. The plan shows the
unknowns as unknown; the simulation puts every value that they can have in their place, one after the other, and
sends packets: from an address of each stretch of addresses that no rule tells apart, by each protocol, to each port
that may matter.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise, product
from random import Random
from typing import Any, NamedTuple

import msgspec

from iacgate.model.plan import Plan
from iacgate.policy.provider_schema import load
from iacgate.sources.plan_json import read_plan

SCHEMA = load()
Resources = dict[str, dict[str, Any]]


class Unknown(NamedTuple):
    """Known only after apply; it will be one of these."""

    key: int
    domain: tuple[Any, ...]


class Elsewhere(NamedTuple):
    """The literal id of something outside of the plan, which is one of these."""

    key: int
    domain: tuple[Any, ...]
    text: str


class Ref(NamedTuple):
    """A reference to a resource of the plan."""

    address: str
    attribute: str = "id"


class Packet(NamedTuple):
    source: IPv4Address | IPv6Address
    protocol: int
    port: int
    from_port: int = 40000


# --- the plan of a world ---------------------------------------------------------------------------------------------


def plan_of(resources: Resources) -> Plan:
    changes, blocks = [], []
    for address, body in resources.items():
        kind, name = address.split(".")
        after, unknown, expressions = _body(kind, "", body)
        for path, attribute in SCHEMA.paths(kind).items():
            if "." in path or "[" in path or path in after or path in unknown:
                continue
            if attribute.computed or SCHEMA.left_to_provider(kind, path):
                unknown[path] = True
            else:
                after[path] = [] if attribute.type == "block" else None
        head = {"address": address, "mode": "managed", "type": kind, "name": name}
        change = {"actions": ["create"], "before": None, "after": after, "after_unknown": unknown,
                  "before_sensitive": False, "after_sensitive": {}}  # fmt: skip
        changes.append({**head, "change": change})
        blocks.append({**head, "expressions": expressions})
    document = {
        "format_version": "1.2",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": blocks}},
    }
    return read_plan(msgspec.json.encode(document), "plan.json")


def _body(kind: str, prefix: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    after: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    expressions: dict[str, Any] = {}
    for name, value in body.items():
        attribute = SCHEMA.attribute(kind, prefix + name)
        assert attribute is not None, f"{kind} {prefix}{name}"
        if isinstance(value, list) and (attribute.type == "block" or "object" in attribute.type):
            parts = [_body(kind, f"{prefix}{name}[].", part) for part in value]
            after[name], unknown[name] = [part[0] for part in parts], [part[1] for part in parts]
            if attribute.type == "block":
                expressions[name] = [part[2] for part in parts]
            else:
                for part in after[name]:
                    for path in SCHEMA.paths(kind):
                        rest = path.removeprefix(f"{prefix}{name}[].")
                        if rest != path and "." not in rest and rest not in part:
                            part[rest] = None
                for part, mask in zip(after[name], unknown[name], strict=True):
                    for key in mask:
                        part.pop(key, None)
                found = [ref for part in parts for one in part[2].values() for ref in one.get("references", ())]
                expressions[name] = {"references": found} if found else {"constant_value": after[name]}
            continue
        references = _references(value)
        if references:
            unknown[name] = True
            expressions[name] = {"references": references}
        else:
            after[name] = _literal(value)
            expressions[name] = {"constant_value": after[name]}
    return after, unknown, expressions


def _literal(value: Any) -> Any:
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return value.text if isinstance(value, Elsewhere) else value


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [reference for item in value for reference in _references(item)]
    if isinstance(value, Unknown):
        return [f"terraform_data.u{value.key}.output", f"terraform_data.u{value.key}"]
    return [f"{value.address}.{value.attribute}", value.address] if isinstance(value, Ref) else []


# --- what may become of it -------------------------------------------------------------------------------------------


def completions(resources: Resources, most: int) -> Iterator[Resources]:
    """The world with every value of every unknown; none at all when there are more than ``most``."""
    open_ones: dict[int, tuple[Any, ...]] = {}

    def gather(value: Any) -> None:
        if isinstance(value, Unknown | Elsewhere):
            open_ones[value.key] = value.domain
        elif isinstance(value, list):
            for item in value:
                gather(item)
        elif isinstance(value, dict):
            for item in value.values():
                gather(item)

    gather(resources)
    count = 1
    for domain in open_ones.values():
        count *= len(domain)
    if count > most:
        return
    for chosen in product(*open_ones.values()):
        yield _filled(resources, dict(zip(open_ones, chosen, strict=True)))


def _filled(value: Any, chosen: dict[int, Any]) -> Any:
    if isinstance(value, Unknown | Elsewhere):
        return chosen[value.key]
    if isinstance(value, list):
        return [_filled(item, chosen) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, chosen) for key, item in value.items()}
    return value


# --- packets ---------------------------------------------------------------------------------------------------------

RANGES = [
    "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", "8.0.0.0/8", "9.0.0.0/8", "10.0.0.0/8", "203.0.113.0/24",
    "64.0.0.0/2", "::/0", "2000::/3", "2001:db8::/32", "fc00::/7",
]  # fmt: skip
PRIVATE = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "240.0.0.0/4",
    "224.0.0.0/4", "fc00::/7", "fe80::/10", "::1/128", "ff00::/8",
]  # fmt: skip
PORTS = [(22, 22), (80, 80), (0, 65535), (20, 25), (443, 443), (81, 442), (3306, 3306)]
TRIED = [0, 19, 20, 22, 23, 25, 26, 80, 81, 442, 443, 3306, 65535]
PROTOCOLS = [6, 17, 47, 1]
QUESTIONS: list[tuple[int, ...]] = [(), (22, 3306)]


@cache
def stretches() -> list[tuple[IPv4Address | IPv6Address, int]]:
    """Public addresses that no range above tells from their neighbours: one of each stretch, and how many there are."""
    out: list[tuple[IPv4Address | IPv6Address, int]] = []
    private = [ip_network(text) for text in PRIVATE]
    for version, bits in ((4, 32), (6, 128)):
        networks = [one for one in map(ip_network, [*RANGES, *PRIVATE]) if one.version == version]
        edges = sorted({0, 1 << bits} | {int(one[0]) for one in networks} | {int(one[-1]) + 1 for one in networks})
        for low, high in pairwise(edges):
            address = IPv4Address(low) if version == 4 else IPv6Address(low)
            if not any(address in network for network in private):
                out.append((address, high - low))
    return out


@cache
def inside(address: IPv4Address | IPv6Address, text: str) -> bool:
    network = ip_network(text)
    return address.version == network.version and address in network


def is_exposed(
    arrives: Callable[[Packet], bool], ports: tuple[int, ...], from_ports: tuple[int, ...] = (40000,)
) -> bool:
    """Whether packets of one kind arrive from more addresses than a /8 (or a /16 of IPv6) has."""
    kinds = [(protocol, port) for protocol in (6, 17) for port in ports] or [
        (protocol, port) for protocol in PROTOCOLS if protocol != 1 for port in TRIED
    ]
    found: Counter[tuple[int, ...]] = Counter()
    for address, many in stretches():
        for (protocol, port), from_port in product(kinds, from_ports):
            if arrives(Packet(address, protocol, port, from_port)):
                key = (address.version, protocol, port, from_port)
                found[key] += many
                if found[key] > {4: 1 << 24, 6: 1 << 112}[address.version]:
                    return True
    return False


# --- chance ----------------------------------------------------------------------------------------------------------


class Dice:
    """Makes values up, and now and then an unknown in their stead."""

    def __init__(self, rng: Random, unknowns: int) -> None:
        self.rng = rng
        self.left = unknowns
        self.keys = 0

    def some(self, *values: Any) -> Any:
        """One of the values, or an unknown that will be one of them."""
        if self.left and len(set(values)) > 1 and self.rng.random() < 0.25:
            return self.unknown(*values)
        return self.rng.choice(values)

    def unknown(self, *values: Any) -> Unknown:
        self.left -= 1
        self.keys += 1
        return Unknown(self.keys, tuple(dict.fromkeys(values)))

    def elsewhere(self, text: str, *values: Any) -> Elsewhere:
        self.keys += 1
        return Elsewhere(self.keys, values, text)

    def chance(self, likelihood: float) -> bool:
        return self.rng.random() < likelihood

    def range(self, version: int = 4) -> Any:
        found = [one for one in RANGES if ip_network(one).version == version]
        everything = "0.0.0.0/0" if version == 4 else "::/0"
        return self.some(*self.rng.sample(found, 2), everything, everything)


def address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text)
