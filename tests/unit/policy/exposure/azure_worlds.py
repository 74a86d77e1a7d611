"""Random networks on Azure, and how a packet finds its way into one."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from tests.unit.policy.exposure.simulation import PORTS, Dice, Packet, Ref, Resources, inside

FROM_PORTS = (80, 40000)
HOME = {"location": "westeurope", "resource_group_name": "rg"}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1}
NIC = "azurerm_network_interface"
NSG = "azurerm_network_security_group"
RULE = "azurerm_network_security_rule"


# --- worlds ----------------------------------------------------------------------------------------------------------


def make(dice: Dice) -> tuple[Resources, str]:
    r: Resources = {
        "azurerm_public_ip.p": {**HOME, "name": "p", "allocation_method": "Static", "sku": sku(dice)},
        "azurerm_subnet.s": {"name": "s", "address_prefixes": ["10.0.1.0/24"]},
        "azurerm_subnet.t": {"name": "t", "address_prefixes": ["10.0.2.0/24"]},
    }
    fixed = dice.chance(0.3)  # the private address is known, and rules may name it
    for name in "gh":
        group(dice, r, name, fixed)
    if dice.chance(0.6):
        r["azurerm_subnet_network_security_group_association.a"] = {
            "subnet_id": dice.some(Ref("azurerm_subnet.s"), Ref("azurerm_subnet.s"), Ref("azurerm_subnet.t")),
            "network_security_group_id": dice.some(Ref(f"{NSG}.g"), Ref(f"{NSG}.h")),
        }
    if dice.chance(0.5):
        balancer(dice, r)
    if not fixed and dice.chance(0.25):
        return r, scale_set(dice, r)
    configuration: dict[str, Any] = {"name": "c", "private_ip_address_allocation": "Dynamic"}
    configuration["subnet_id"] = dice.some(Ref("azurerm_subnet.s"), Ref("azurerm_subnet.s"), Ref("azurerm_subnet.t"))
    if fixed:
        configuration["private_ip_address"] = dice.rng.choice(["10.0.1.4", "10.0.2.9"])
    if dice.chance(0.75):
        configuration["public_ip_address_id"] = dice.some(*[Ref("azurerm_public_ip.p")] * 3, None)
        if configuration["public_ip_address_id"] is None:
            del configuration["public_ip_address_id"]
    r[f"{NIC}.n"] = {**HOME, "name": "n", "ip_configuration": [configuration]}
    if dice.chance(0.5):
        r[f"{NIC}_security_group_association.a"] = {
            "network_interface_id": Ref(f"{NIC}.n"),
            "network_security_group_id": dice.some(Ref(f"{NSG}.g"), Ref(f"{NSG}.h")),
        }
    if "azurerm_lb.l" in r:
        if dice.chance(0.6):
            r[f"{NIC}_nat_rule_association.a"] = {
                "network_interface_id": Ref(f"{NIC}.n"), "ip_configuration_name": "c",
                "nat_rule_id": Ref("azurerm_lb_nat_rule.r")}  # fmt: skip
        if dice.chance(0.6):
            r[f"{NIC}_backend_address_pool_association.a"] = {
                "network_interface_id": Ref(f"{NIC}.n"), "ip_configuration_name": "c",
                "backend_address_pool_id": Ref("azurerm_lb_backend_address_pool.b")}  # fmt: skip
    if dice.chance(0.5):
        return r, f"{NIC}.n"
    r["azurerm_linux_virtual_machine.x"] = {**HOME, "name": "x", "network_interface_ids": [Ref(f"{NIC}.n")]}
    return r, "azurerm_linux_virtual_machine.x"


def sku(dice: Dice) -> Any:
    return dice.some("Standard", "Standard", "Basic")


def balancer(dice: Dice, r: Resources) -> None:
    fronts = [{"name": "out", "public_ip_address_id": Ref("azurerm_public_ip.q")},
              {"name": "in", "subnet_id": Ref("azurerm_subnet.t")}]  # fmt: skip
    r["azurerm_public_ip.q"] = {**HOME, "name": "q", "allocation_method": "Static", "sku": "Standard"}
    r["azurerm_lb.l"] = {**HOME, "name": "l", "sku": sku(dice), "frontend_ip_configuration": fronts}
    r["azurerm_lb_backend_address_pool.b"] = {"name": "b", "loadbalancer_id": Ref("azurerm_lb.l")}
    for kind, more in (
        ("azurerm_lb_nat_rule", {"resource_group_name": "rg"}),
        ("azurerm_lb_rule", {"backend_address_pool_ids": [Ref("azurerm_lb_backend_address_pool.b")]}),
    ):
        protocol = dice.some("Tcp", "Udp", "Tcp")
        port = dice.some(22, 80, 443)
        if kind == "azurerm_lb_rule" and dice.chance(0.2):
            protocol, port = "All", 0
        r[f"{kind}.r"] = {
            "name": kind, "loadbalancer_id": Ref("azurerm_lb.l"), "protocol": protocol, "frontend_port": 8080,
            "backend_port": port, "frontend_ip_configuration_name": dice.some("out", "out", "in"), **more}  # fmt: skip


def scale_set(dice: Dice, r: Resources) -> str:
    configuration: dict[str, Any] = {
        "name": "c",
        "subnet_id": dice.some(Ref("azurerm_subnet.s"), Ref("azurerm_subnet.t")),
    }
    interface = {"name": "n", "primary": True, "ip_configuration": [configuration]}
    if dice.chance(0.5):
        configuration["public_ip_address"] = [{"name": "p"}]
    if "azurerm_lb.l" in r and dice.chance(0.6):
        configuration["load_balancer_backend_address_pool_ids"] = [Ref("azurerm_lb_backend_address_pool.b")]
    if dice.chance(0.6) or "public_ip_address" in configuration:  # a plan does not show of which kind the address is
        interface["network_security_group_id"] = dice.some(Ref(f"{NSG}.g"), Ref(f"{NSG}.h"))
    address = "azurerm_linux_virtual_machine_scale_set.x"
    r[address] = {**HOME, "name": "x", "network_interface": [interface]}
    return address


def group(dice: Dice, r: Resources, name: str, fixed: bool) -> None:
    r[f"{NSG}.{name}"] = {**HOME, "name": name}
    inline = []
    for position, priority in enumerate(dice.rng.sample([100, 110, 120, 130], dice.rng.randint(1, 3))):
        rule: dict[str, Any] = {
            "name": f"r{position}",
            "priority": dice.some(priority, priority + 1000) if dice.chance(0.1) else priority,
            "direction": "Inbound" if dice.chance(0.9) else dice.some("Inbound", "Outbound"),
            "access": dice.some("Allow", "Allow", "allow", "Deny"),
            "protocol": dice.some("Tcp", "*", "Udp", "Icmp", "TCP"),
        }
        spread(dice, rule, "source_address_prefix", "source_address_prefixes", lambda: source(dice))
        spread(dice, rule, "destination_port_range", "destination_port_ranges", lambda: ports(dice))
        rule["source_port_range"] = "*" if dice.chance(0.8) else dice.some("0-1023", "1024-65535")
        rule["destination_address_prefix"] = "*"
        if dice.chance(0.3):
            known = ["10.0.1.4"] if fixed else []
            rule["destination_address_prefix"] = dice.some(
                *known, "10.0.1.0/24", "VirtualNetwork", "10.0.2.0/24", "0.0.0.0/0"
            )
        if dice.chance(0.5):
            inline.append(rule)
        else:
            home = "rg" if dice.chance(0.9) else dice.some("rg", "other")
            r[f"{RULE}.{name}{position}"] = {**rule, "network_security_group_name": name, "resource_group_name": home}
    if inline:
        r[f"{NSG}.{name}"]["security_rule"] = inline


def spread(dice: Dice, rule: dict[str, Any], one: str, many: str, value: Callable[[], Any]) -> None:
    if dice.chance(0.7):
        rule[one] = value()
    else:
        rule[many] = [value() for _ in range(dice.rng.choice([1, 2]))]


def source(dice: Dice) -> Any:
    if dice.chance(0.4):
        return dice.range(dice.rng.choice([4, 4, 4, 6]))
    return dice.some("*", "Internet", "internet", "VirtualNetwork", "AzureLoadBalancer", "AzureFrontDoor.Backend")


def ports(dice: Dice) -> Any:
    found = [str(low) if low == high else f"{low}-{high}" for low, high in dice.rng.sample(PORTS, 2)]
    return dice.some("*", *found)


# --- packets ---------------------------------------------------------------------------------------------------------


def arrives(r: Resources, judged: str) -> Callable[[Packet], bool]:
    """How packets find their way to a machine, an interface or the machines of a scale set."""
    if judged.startswith("azurerm_linux_virtual_machine_scale_set"):
        interface = r[judged]["network_interface"][0]
        configuration = interface["ip_configuration"][0]
        group_of_interface = interface.get("network_security_group_id")
        entrances = [("Unclear", direct)] if "public_ip_address" in configuration else []
        if "load_balancer_backend_address_pool_ids" in configuration:
            entrances.append((r["azurerm_lb.l"]["sku"], lambda packet: sent(r, "azurerm_lb_rule.r", packet)))
    else:
        configuration = r[f"{NIC}.n"]["ip_configuration"][0]
        association = r.get(f"{NIC}_security_group_association.a")
        group_of_interface = association and association["network_security_group_id"]
        entrances = []
        if configuration.get("public_ip_address_id"):
            entrances.append((r["azurerm_public_ip.p"]["sku"], direct))
        for kind, rule in (("nat_rule", "azurerm_lb_nat_rule.r"), ("backend_address_pool", "azurerm_lb_rule.r")):
            if f"{NIC}_{kind}_association.a" in r:
                entrances.append((r["azurerm_lb.l"]["sku"], lambda packet, rule=rule: sent(r, rule, packet)))
    association = r.get("azurerm_subnet_network_security_group_association.a")
    same = association is not None and association["subnet_id"] == configuration["subnet_id"]
    groups = [one for one in (group_of_interface, association["network_security_group_id"] if same else None) if one]
    subnet = r[configuration["subnet_id"].address]["address_prefixes"][0]
    address = configuration.get("private_ip_address") or str(ip_network(subnet)[7])

    def one(packet: Packet) -> bool:
        if not any(way(packet) and (groups or kind == "Basic") for kind, way in entrances):
            return False
        return all(lets_in(r, group.address.split(".")[1], address, packet) for group in groups)

    return one


def direct(packet: Packet) -> bool:
    return packet.source.version == 4


def sent(r: Resources, address: str, packet: Packet) -> bool:
    rule = r[address]
    if rule["frontend_ip_configuration_name"] != "out" or packet.source.version != 4:
        return False
    if rule["protocol"] == "All":
        return True
    return NUMBERS[rule["protocol"].lower()] == packet.protocol and rule["backend_port"] == packet.port


def lets_in(r: Resources, name: str, address: str, packet: Packet) -> bool:
    rules = list(r[f"{NSG}.{name}"].get("security_rule", []))
    single = [body for key, body in r.items() if key.startswith(f"{RULE}.")]
    rules += [one for one in single if (one["network_security_group_name"], one["resource_group_name"]) == (name, "rg")]
    for rule in sorted(rules, key=lambda one: one["priority"]):
        if rule["direction"] != "Inbound":
            continue
        if rule["protocol"] != "*" and NUMBERS[rule["protocol"].lower()] != packet.protocol:
            continue
        sources = (
            [rule["source_address_prefix"]] if "source_address_prefix" in rule else rule["source_address_prefixes"]
        )
        targets = (
            [rule["destination_port_range"]] if "destination_port_range" in rule else rule["destination_port_ranges"]
        )
        if not any(comes_from(packet, text) for text in sources):
            continue
        pinged = packet.protocol == 1
        if not pinged and not (
            any(within(packet.port, text) for text in targets) and within(packet.from_port, rule["source_port_range"])
        ):
            continue
        destination = rule["destination_address_prefix"]
        if destination not in ("*", "VirtualNetwork") and ip_address(address) not in ip_network(destination):
            continue
        return bool(rule["access"].lower() == "allow")
    return False


def comes_from(packet: Packet, text: str) -> bool:
    if text.lower() in ("*", "internet"):
        return True
    return (text[0].isdigit() and inside(packet.source, text)) or (":" in text and inside(packet.source, text))


def within(port: int, text: str) -> bool:
    low, _, high = text.partition("-")
    return text == "*" or int(low) <= port <= int(high or low)
