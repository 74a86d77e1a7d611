# ruff: noqa: E501 - tables read better in long lines
"""Random networks on AWS, and how a packet finds its way into one."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from tests.unit.policy.exposure.simulation import PORTS, Dice, Packet, Ref, Resources, inside

GATEWAYS = ("igw-0a1b2c3d", "vgw-0a1b2c3d")
OPEN, SHUT = "open elsewhere", "shut elsewhere"
NUMBERS = {"tcp": 6, "udp": 17, "6": 6, "47": 47, "icmp": 1}


# --- worlds ----------------------------------------------------------------------------------------------------------


def make(dice: Dice) -> tuple[Resources, str]:
    r: Resources = {
        "aws_vpc.v": {"cidr_block": "10.0.0.0/16"},
        "aws_internet_gateway.i": {"vpc_id": Ref("aws_vpc.v")},
        "aws_nat_gateway.n": {"subnet_id": Ref("aws_subnet.a")},
        "aws_egress_only_internet_gateway.e": {"vpc_id": Ref("aws_vpc.v")},
    }
    for name in "ab":
        subnet: dict[str, Any] = {"vpc_id": Ref("aws_vpc.v"), "cidr_block": "10.0.1.0/24"}
        optional(dice, subnet, "map_public_ip_on_launch", True, False)
        optional(dice, subnet, "assign_ipv6_address_on_creation", True, False, likelihood=0.3)
        r[f"aws_subnet.{name}"] = subnet
    tables(dice, r)
    groups(dice, r)
    acls(dice, r)
    return r, target(dice, r)


def optional(dice: Dice, body: dict[str, Any], name: str, *values: Any, likelihood: float = 0.7) -> None:
    if dice.chance(likelihood):
        body[name] = dice.some(*values)


def tables(dice: Dice, r: Resources) -> None:
    for name in "xy":
        table = f"aws_route_table.{name}"
        r[table] = {"vpc_id": Ref("aws_vpc.v")}
        routes(dice, r, table, Ref(table), inline="route")
    if dice.chance(0.3):
        main = "aws_default_route_table.m"
        r[main] = {"default_route_table_id": Ref("aws_vpc.v", "default_route_table_id")}
        routes(dice, r, main, Ref(main), inline="route")
    elif dice.chance(0.5):
        routes(dice, r, "main", Ref("aws_vpc.v", "main_route_table_id"), inline="")
    if dice.chance(0.2):
        r["aws_main_route_table_association.m"] = {
            "vpc_id": Ref("aws_vpc.v"), "route_table_id": Ref("aws_route_table.y")}  # fmt: skip
    for name in "ab":
        if dice.chance(0.7):
            r[f"aws_route_table_association.{name}"] = {
                "subnet_id": Ref(f"aws_subnet.{name}"),
                "route_table_id": dice.some(Ref("aws_route_table.x"), Ref("aws_route_table.y")),
            }


def routes(dice: Dice, r: Resources, name: str, table: Ref, inline: str) -> None:
    chosen: dict[Any, dict[str, Any]] = {}
    for version in (4, 4, 6):
        if dice.chance(0.6):
            destination = dice.range(version)
            if (isinstance(destination, str) and destination not in chosen) or (
                not isinstance(destination, str) and not any(version_of(one) == version for one in chosen)
            ):
                chosen[destination] = hop(dice, version)
    listed = dice.chance(0.5) and bool(inline)
    out = []
    for position, (destination, to) in enumerate(chosen.items()):
        key = "ipv6_cidr_block" if version_of(destination) == 6 else "cidr_block"
        if listed:
            out.append({key: destination, **to})
        else:
            r[f"aws_route.{name.replace('.', '_')}_{position}"] = {
                "route_table_id": table, f"destination_{key}": destination, **to}  # fmt: skip
    if listed and out:
        r[name][inline] = out


def version_of(destination: Any) -> int:
    text = destination if isinstance(destination, str) else destination.domain[0]
    return ip_network(text).version


def hop(dice: Dice, version: int) -> dict[str, Any]:
    if dice.chance(0.7):
        return {"gateway_id": Ref("aws_internet_gateway.i")}
    kind = dice.rng.choice(["nat", "egress", "known", "unknown", "transit", "endpoint"])
    if kind == "nat":
        return {"nat_gateway_id": Ref("aws_nat_gateway.n")}
    if kind == "egress" and version == 6:
        return {"egress_only_gateway_id": Ref("aws_egress_only_internet_gateway.e")}
    if kind == "unknown":
        return {"gateway_id": dice.some(*GATEWAYS)}
    if kind == "transit":
        return {"transit_gateway_id": "tgw-0a1b2c3d"}
    if kind == "endpoint":
        return {"vpc_endpoint_id": "vpce-0a1b2c3d"}
    return {"gateway_id": dice.rng.choice(GATEWAYS)}


def traffic(dice: Dice, one_by_one: bool = False) -> dict[str, Any]:
    low, high = dice.rng.choice(PORTS)
    protocol = dice.some("tcp", "udp", "-1", "6", "47", "icmp", "tcp", "tcp")
    if protocol == "-1":
        return {"ip_protocol": "-1"} if one_by_one else {"protocol": "-1", "from_port": 0, "to_port": 0}
    if dice.chance(0.1):
        low = dice.some(low, 0)
    return {"ip_protocol" if one_by_one else "protocol": protocol, "from_port": low, "to_port": high}


def groups(dice: Dice, r: Resources) -> None:
    for name in "pq":
        group = f"aws_security_group.{name}"
        r[group] = {"vpc_id": Ref("aws_vpc.v")}
        for position in range(dice.rng.randint(1, 3)):
            kind = dice.rng.choice(["inline", "rule", "single"])
            if kind == "inline":
                r[group].setdefault("ingress", []).append(
                    {**traffic(dice), "cidr_blocks": cidrs(dice, 4), "ipv6_cidr_blocks": cidrs(dice, 6), "self": False}
                )
            elif kind == "rule":
                body = {"type": dice.some("ingress", "egress", "ingress", "ingress"), **traffic(dice)}
                body |= {"security_group_id": dice.some(Ref(group), Ref(group), Ref("aws_security_group.q"))}
                if dice.chance(0.15):
                    body["source_security_group_id"] = Ref("aws_security_group.q")
                else:
                    body |= {"cidr_blocks": cidrs(dice, 4), "ipv6_cidr_blocks": cidrs(dice, 6)}
                r[f"aws_security_group_rule.{name}{position}"] = body
            else:
                version = dice.rng.choice([4, 4, 6])
                r[f"aws_vpc_security_group_ingress_rule.{name}{position}"] = {
                    "security_group_id": Ref(group), **traffic(dice, one_by_one=True),
                    f"cidr_ipv{version}": dice.range(version)}  # fmt: skip
    if dice.chance(0.2):
        r["aws_default_security_group.d"] = {
            "vpc_id": Ref("aws_vpc.v"),
            "ingress": [{**traffic(dice), "cidr_blocks": cidrs(dice, 4), "ipv6_cidr_blocks": [], "self": True}],
        }


def cidrs(dice: Dice, version: int) -> Any:
    if version == 6 and dice.chance(0.6):
        return []
    return [dice.range(version) for _ in range(dice.rng.choice([1, 1, 2]))]


def acls(dice: Dice, r: Resources) -> None:
    if dice.chance(0.4):
        r["aws_network_acl.n"] = {"vpc_id": Ref("aws_vpc.v")}
        entries(dice, r, "aws_network_acl.n", Ref("aws_network_acl.n"))
        if dice.chance(0.5):
            named = [Ref("aws_subnet.a"), Ref("aws_subnet.b")] if dice.chance(0.4) else [Ref("aws_subnet.a")]
            r["aws_network_acl.n"]["subnet_ids"] = named
        else:
            r["aws_network_acl_association.n"] = {
                "network_acl_id": Ref("aws_network_acl.n"),
                "subnet_id": dice.some(Ref("aws_subnet.a"), Ref("aws_subnet.b")),
            }
    if dice.chance(0.3):
        default = "aws_default_network_acl.d"
        r[default] = {"default_network_acl_id": Ref("aws_vpc.v", "default_network_acl_id")}
        entries(dice, r, default, None)


def entries(dice: Dice, r: Resources, acl: str, ref: Ref | None) -> None:
    numbers = dice.rng.sample([10, 20, 30, 40], dice.rng.randint(1, 3))
    inline = ref is None or dice.chance(0.5)
    out = []
    for number in numbers:
        version = dice.rng.choice([4, 4, 4, 6])
        key = "cidr_block" if version == 4 else "ipv6_cidr_block"
        body = {**traffic(dice), key: dice.range(version)}
        action = dice.some("allow", "allow", "allow", "deny")
        at = dice.some(number, number + 100) if dice.chance(0.1) else number
        if inline:
            out.append({"rule_no": at, "action": action, **body})
        else:
            egress = {} if dice.chance(0.6) else {"egress": dice.some(False, False, True)}
            name = f"aws_network_acl_rule.{acl.split('.')[1]}{number}"
            r[name] = {"network_acl_id": ref, "rule_number": at, "rule_action": action, **body, **egress}
    if inline:
        r[acl]["ingress"] = out


def target(dice: Dice, r: Resources) -> str:
    instance: dict[str, Any] = {"ami": "ami-0a1b2c3d", "instance_type": "t3.micro"}
    r["aws_instance.x"] = instance
    where = dice.some(Ref("aws_subnet.a"), Ref("aws_subnet.a"), Ref("aws_subnet.b"))
    if dice.chance(0.05):
        where = dice.elsewhere("subnet-0a1b2c3d", OPEN, SHUT)
    named = named_groups(dice)
    way = dice.rng.choice(["own", "own", "template", "interface"])
    if way == "interface":
        eni: dict[str, Any] = {"subnet_id": where}
        if named is not None:
            eni["security_groups"] = named
        optional(dice, eni, "ipv6_address_count", 0, 1, likelihood=0.2)
        r["aws_network_interface.e"] = eni
        instance["network_interface"] = [{"network_interface_id": Ref("aws_network_interface.e"), "device_index": 0}]
        owner, names = Ref("aws_network_interface.e"), ("network_interface", "network_interface_id")
    else:
        owner, names = Ref("aws_instance.x"), ("instance", "instance_id")
        described = instance
        if way == "template":
            inner: dict[str, Any] = {}
            r["aws_launch_template.t"] = {"name": "t", "network_interfaces": [inner]}
            instance["launch_template"] = [dice.rng.choice([{"id": Ref("aws_launch_template.t")}, {"name": "t"}])]
            described = inner
            if dice.chance(0.4):
                del r["aws_launch_template.t"]["network_interfaces"]
                described = instance
        text = described is not instance
        optional(dice, described, "associate_public_ip_address", *(("true", "false") if text else (True, False)),
                 likelihood=0.5)  # fmt: skip
        described["subnet_id"] = where
        optional(dice, described, "ipv6_address_count", 0, 1, likelihood=0.2)
        if named is not None and way == "template" and described is instance and dice.chance(0.5):
            r["aws_launch_template.t"]["vpc_security_group_ids"] = named
        elif named is not None:
            described["security_groups" if text else "vpc_security_group_ids"] = named
    if dice.chance(0.25):
        r["aws_eip.p"] = {names[0]: owner}
    elif dice.chance(0.25):
        r["aws_eip.p"] = {"domain": "vpc"}
        other = Ref("aws_instance.other")
        r["aws_instance.other"] = {"ami": "ami-0a1b2c3d", "instance_type": "t3.micro", "subnet_id": Ref("aws_subnet.b")}
        r["aws_eip_association.p"] = {"allocation_id": Ref("aws_eip.p"),
                                      names[1]: owner if names[0] != "instance" else dice.some(owner, other)}  # fmt: skip
    return "aws_instance.x"


def named_groups(dice: Dice) -> Any:
    choice = dice.rng.random()
    if choice < 0.2:
        return None
    if choice < 0.3:
        return [dice.elsewhere("sg-0a1b2c3d", OPEN, SHUT)]
    if choice < 0.4 and dice.left:
        return [dice.unknown(Ref("aws_security_group.p"), Ref("aws_security_group.q"))]
    return [Ref("aws_security_group.p")] if choice < 0.7 else [Ref("aws_security_group.p"), Ref("aws_security_group.q")]


# --- packets ---------------------------------------------------------------------------------------------------------


def arrives(r: Resources, judged: str) -> Callable[[Packet], bool]:
    """How packets find their way to an instance."""
    cache: dict[Any, bool] = {}
    found = interface(r, r[judged])

    def one(packet: Packet) -> bool:
        key = (packet.source, "in")
        if key not in cache:
            cache[key] = addressed(r, judged, found, packet) and routed(r, found["subnet"], packet)
        return cache[key] and grouped(r, found["groups"], packet) and passed(r, found["subnet"], packet)

    return one


def interface(r: Resources, instance: dict[str, Any]) -> dict[str, Any]:
    """The first network interface: what its template says, and over it what the instance says."""
    if "network_interface" in instance:
        eni = r[instance["network_interface"][0]["network_interface_id"].address]
        return {"owner": instance["network_interface"][0]["network_interface_id"], "subnet": eni["subnet_id"],
                "groups": eni.get("security_groups"), "v6": eni.get("ipv6_address_count"), "made": False,
                "public": None}  # fmt: skip
    template: dict[str, Any] = r["aws_launch_template.t"] if "launch_template" in instance else {}
    inner = template.get("network_interfaces", [{}])[0]
    public = instance.get("associate_public_ip_address")
    if public is None:
        public = {"true": True, "false": False, None: None}[inner.get("associate_public_ip_address")]
    v6 = instance.get("ipv6_address_count")
    return {
        "owner": Ref("aws_instance.x"),
        "subnet": instance.get("subnet_id") or inner.get("subnet_id"),
        "groups": instance.get("vpc_security_group_ids") or inner.get("security_groups")
        or template.get("vpc_security_group_ids"),
        "v6": inner.get("ipv6_address_count") if v6 is None else v6,
        "made": True,
        "public": public,
    }  # fmt: skip


def addressed(r: Resources, judged: str, found: dict[str, Any], packet: Packet) -> bool:
    subnet = found["subnet"]
    default = r[subnet.address] if isinstance(subnet, Ref) else {}
    elsewhere_open = subnet == OPEN
    if packet.source.version == 6:
        if found["v6"]:
            return True
        return bool(default.get("assign_ipv6_address_on_creation")) or elsewhere_open
    for address, body in r.items():
        kind = address.split(".")[0]
        if kind in ("aws_eip", "aws_eip_association"):
            names = ("instance", "network_interface", "instance_id", "network_interface_id")
            if any(body.get(name) == found["owner"] for name in names):
                return True
    if not found["made"]:
        return False
    if found["public"] is not None:
        return bool(found["public"])
    return bool(default.get("map_public_ip_on_launch")) or elsewhere_open


def of_kind(r: Resources, kind: str) -> list[dict[str, Any]]:
    return [body for address, body in r.items() if address.split(".")[0] == kind]


def routed(r: Resources, subnet: Any, packet: Packet) -> bool:
    if not isinstance(subnet, Ref):
        return subnet == OPEN
    table: Any = None
    for body in of_kind(r, "aws_route_table_association"):
        if body["subnet_id"] == subnet:
            table = body["route_table_id"]
    for body in of_kind(r, "aws_main_route_table_association"):
        table = table or body["route_table_id"]
    if table is None:
        table = (
            Ref("aws_default_route_table.m")
            if "aws_default_route_table.m" in r
            else Ref("aws_vpc.v", "main_route_table_id")
        )
    found = []
    if table.address in r:
        found = [
            (one.get("cidr_block") or one.get("ipv6_cidr_block"), one) for one in r[table.address].get("route", [])
        ]
    for one in of_kind(r, "aws_route"):
        if one["route_table_id"] == table:
            found.append((one.get("destination_cidr_block") or one.get("destination_ipv6_cidr_block"), one))
    met = [(ip_network(destination).prefixlen, position) for position, (destination, _) in enumerate(found)
           if inside(packet.source, destination)]  # fmt: skip
    if not met:
        return False
    gateway = found[max(met)[1]][1].get("gateway_id")
    return gateway == Ref("aws_internet_gateway.i") or gateway == GATEWAYS[0]


def matches(body: dict[str, Any], packet: Packet) -> bool:
    protocol = body.get("protocol", body.get("ip_protocol"))
    if protocol == "-1":
        return True
    if NUMBERS[protocol] != packet.protocol:
        return False
    return packet.protocol not in (6, 17) or body["from_port"] <= packet.port <= body["to_port"]


def grouped(r: Resources, named: Any, packet: Packet) -> bool:
    if not named:
        found = [Ref(address) for address in r if address.startswith("aws_default_security_group.")]
    else:
        found = named
    for group in found:
        if group == OPEN:
            return True
        if group == SHUT:
            continue
        rules = list(r[group.address].get("ingress", []))
        single = of_kind(r, "aws_vpc_security_group_ingress_rule")
        single += [one for one in of_kind(r, "aws_security_group_rule") if one["type"] == "ingress"]
        rules += [one for one in single if one["security_group_id"] == group]
        for rule in rules:
            sources = [*(rule.get("cidr_blocks") or []), *(rule.get("ipv6_cidr_blocks") or [])]
            sources += [rule[key] for key in ("cidr_ipv4", "cidr_ipv6") if key in rule]
            if matches(rule, packet) and any(inside(packet.source, text) for text in sources):
                return True
    return False


def passed(r: Resources, subnet: Any, packet: Packet) -> bool:
    if not isinstance(subnet, Ref):
        return subnet == OPEN
    acl = ""
    for address, body in r.items():
        if address.startswith("aws_network_acl.") and subnet in body.get("subnet_ids", []):
            acl = address
    for body in of_kind(r, "aws_network_acl_association"):
        if body["subnet_id"] == subnet:
            acl = body["network_acl_id"].address
    if not acl and "aws_default_network_acl.d" not in r:
        return True
    acl = acl or "aws_default_network_acl.d"
    rules = [(one["rule_no"], one["action"], one) for one in r[acl].get("ingress", [])]
    single = [one for one in of_kind(r, "aws_network_acl_rule") if not one.get("egress")]
    rules += [(one["rule_number"], one["rule_action"], one) for one in single if one["network_acl_id"] == Ref(acl)]
    for _, action, rule in sorted(rules, key=lambda one: one[0]):
        if matches(rule, packet) and inside(packet.source, rule.get("cidr_block") or rule.get("ipv6_cidr_block")):
            return bool(action == "allow")
    return False
