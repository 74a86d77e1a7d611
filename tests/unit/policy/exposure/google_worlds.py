"""Random networks on Google Cloud, and how a packet finds its way into one."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from tests.unit.policy.exposure.simulation import PORTS, Dice, Packet, Ref, Resources, inside

NETWORK = "google_compute_network.n"
INSTANCE = "google_compute_instance.x"
GATEWAY = "default-internet-gateway"
NUMBERS = {"tcp": 6, "udp": 17, "47": 47, "icmp": 1, "TCP": 6}


# --- worlds ----------------------------------------------------------------------------------------------------------


def make(dice: Dice) -> tuple[Resources, str]:
    r: Resources = {
        NETWORK: {"name": "n"},
        "google_compute_network.m": {"name": "m"},
        "google_compute_subnetwork.s": {"name": "s", "network": named(dice, NETWORK), "ip_cidr_range": "10.0.0.0/24"},
        "google_service_account.a": {"account_id": "a"},
        "google_service_account.b": {"account_id": "b"},
    }
    if dice.chance(0.3):
        r[NETWORK]["delete_default_routes_on_create"] = dice.some(True, False)
    interface: dict[str, Any] = (
        {"subnetwork": Ref("google_compute_subnetwork.s", "self_link")}
        if dice.chance(0.4)
        else {"network": named(dice, NETWORK)}
    )
    if dice.chance(0.75):
        interface["access_config"] = [{}]
    if dice.chance(0.3):
        interface["ipv6_access_config"] = [{"network_tier": "PREMIUM"}]
    if dice.chance(0.3):
        interface["network_ip"] = "10.0.0.9"
    instance: dict[str, Any] = {"name": "x", "machine_type": "e2-small", "network_interface": [interface]}
    if dice.chance(0.7):
        instance["tags"] = [dice.some("web", "db", "admin") for _ in range(dice.rng.choice([1, 2]))]
    if dice.chance(0.5):
        account = Ref(f"google_service_account.{dice.rng.choice('ab')}", "email")
        instance["service_account"] = [{"email": account, "scopes": ["cloud-platform"]}]
    r[INSTANCE] = instance
    for position in range(dice.rng.randint(1, 4)):
        r[f"google_compute_firewall.f{position}"] = firewall(dice, interface)
    routes(dice, r)
    if dice.chance(0.25):
        r["google_compute_target_instance.t"] = {
            "name": "t",
            "instance": Ref(INSTANCE, dice.rng.choice(["id", "self_link"])),
        }
        forwarding: dict[str, Any] = {"name": "f", "target": Ref("google_compute_target_instance.t", "self_link")}
        if dice.chance(0.7):
            forwarding["load_balancing_scheme"] = dice.some("EXTERNAL", "EXTERNAL", "INTERNAL")
        if dice.chance(0.7):
            forwarding["port_range"] = dice.some("80", "20-25", "443-443")
        forwarding["ip_protocol"] = dice.some("TCP", "UDP")
        r["google_compute_forwarding_rule.f"] = forwarding
    return r, INSTANCE


def named(dice: Dice, network: str) -> Any:
    return dice.rng.choice([Ref(network, "id"), Ref(network, "self_link"), network.split(".")[1]])


def firewall(dice: Dice, interface: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": "f", "network": named(dice, NETWORK)}
    if dice.chance(0.1):
        rule["network"] = dice.some(Ref(NETWORK, "id"), Ref("google_compute_network.m", "id"))
    if dice.chance(0.6):
        rule["priority"] = dice.some(900, 1000, 1100, 100)
    if dice.chance(0.3):
        rule["direction"] = dice.some("INGRESS", "INGRESS", "EGRESS")
    if dice.chance(0.2):
        rule["disabled"] = dice.some(True, False, False)
    kind = dice.rng.random()
    if kind < 0.6:
        version = dice.rng.choice([4, 4, 4, 6])
        rule["source_ranges"] = [dice.range(version) for _ in range(dice.rng.choice([1, 2]))]
    elif kind < 0.75:
        rule["source_tags"] = ["web"]
    elif kind < 0.8:
        rule["source_ranges"] = [dice.range(4)]
        rule["source_tags"] = ["web"]
    aimed = dice.rng.random()
    if aimed < 0.3:
        rule["target_tags"] = [dice.some("web", "db", "admin")]
    elif aimed < 0.45:
        rule["target_service_accounts"] = [Ref(f"google_service_account.{dice.rng.choice('ab')}", "email")]
    if "network_ip" in interface and dice.chance(0.3):
        rule["destination_ranges"] = [dice.some("10.0.0.0/24", "10.0.0.9/32", "10.9.0.0/16")]
    elif "subnetwork" in interface and dice.chance(0.3):
        rule["destination_ranges"] = [dice.some("10.0.0.0/24", "10.0.0.0/8", "10.9.0.0/16")]
    blocks = []
    for _ in range(dice.rng.choice([1, 1, 2])):
        if dice.chance(0.6):  # ports go with TCP and UDP only
            low, high = dice.rng.choice(PORTS)
            ports = [dice.some(str(low) if low == high else f"{low}-{high}", "443")]
            blocks.append({"protocol": dice.some("tcp", "udp", "TCP"), "ports": ports})
        else:
            blocks.append({"protocol": dice.some("tcp", "all", "udp", "47", "icmp")})
    rule["deny" if dice.chance(0.25) else "allow"] = blocks
    return rule


def routes(dice: Dice, r: Resources) -> None:
    taken: set[tuple[int, int]] = {(0, 1000)}
    for position in range(dice.rng.choice([0, 0, 1, 2])):
        destination = dice.rng.choice(["0.0.0.0/0", "::/0", "0.0.0.0/1", "8.0.0.0/7", "2000::/3"])
        priority = dice.rng.choice([900, 1100, 500])
        if (length := (ip_network(destination).prefixlen, priority)) in taken:
            continue
        taken.add(length)
        route: dict[str, Any] = {"name": "r", "network": named(dice, NETWORK), "dest_range": destination}
        if priority != 1000:
            route["priority"] = dice.some(priority, priority + 7)
        if dice.chance(0.6):
            route["next_hop_gateway"] = dice.some(GATEWAY, f"projects/p/global/gateways/{GATEWAY}")
        else:
            route["next_hop_ip"] = "10.0.0.77"
        if dice.chance(0.3):
            route["tags"] = [dice.some("web", "db")]
        r[f"google_compute_route.r{position}"] = route


# --- packets ---------------------------------------------------------------------------------------------------------


def arrives(r: Resources, judged: str) -> Callable[[Packet], bool]:
    """How packets find their way to an instance."""
    instance = r[judged]
    interface = instance["network_interface"][0]
    cache: dict[Any, bool] = {}

    def one(packet: Packet) -> bool:
        key = packet.source
        if key not in cache:
            cache[key] = routed(r, instance, packet)
        if not cache[key]:
            return False
        direct = ("access_config" if packet.source.version == 4 else "ipv6_access_config") in interface
        return (direct or forwarded(r, packet)) and let_in(r, instance, packet)

    return one


def of_network(value: Any) -> bool:
    return value == "n" or (isinstance(value, Ref) and value.address == NETWORK)


def forwarded(r: Resources, packet: Packet) -> bool:
    rule = r.get("google_compute_forwarding_rule.f")
    if rule is None or packet.source.version != 4 or rule.get("load_balancing_scheme", "EXTERNAL") != "EXTERNAL":
        return False
    return NUMBERS[rule["ip_protocol"].lower()] == packet.protocol and within(
        packet.port, rule.get("port_range", "0-65535")
    )


def routed(r: Resources, instance: dict[str, Any], packet: Packet) -> bool:
    found: list[tuple[int, int, bool]] = []
    if not r[NETWORK].get("delete_default_routes_on_create"):
        found.append((0, -1000, True))
    for address, body in r.items():
        if not address.startswith("google_compute_route.") or not of_network(body["network"]):
            continue
        if "tags" in body and not set(body["tags"]) & set(instance.get("tags", [])):
            continue
        if inside(packet.source, body["dest_range"]):
            out = str(body.get("next_hop_gateway", "")).endswith(GATEWAY)
            found.append((ip_network(body["dest_range"]).prefixlen, -body.get("priority", 1000), out))
    return bool(found) and max(found)[2]


def let_in(r: Resources, instance: dict[str, Any], packet: Packet) -> bool:
    decisions: list[tuple[int, bool]] = []
    for address, rule in r.items():
        if not address.startswith("google_compute_firewall.") or not of_network(rule["network"]):
            continue
        if rule.get("disabled") or rule.get("direction", "INGRESS") != "INGRESS":
            continue
        if not meant(rule, instance):
            continue
        named = "source_ranges" in rule or "source_tags" in rule
        ranges = rule.get("source_ranges", []) if named else ["0.0.0.0/0"]
        if not any(inside(packet.source, text) for text in ranges):
            continue
        for word in ("allow", "deny"):
            met = (block for block in rule.get(word, []) if is_of(packet, block))
            decisions += [(rule.get("priority", 1000), word == "allow") for _ in met]
    return bool(decisions) and min(decisions)[1]


def meant(rule: dict[str, Any], instance: dict[str, Any]) -> bool:
    if "target_tags" in rule and not set(rule["target_tags"]) & set(instance.get("tags", [])):
        return False
    if "target_service_accounts" in rule:
        accounts = [one["email"] for one in instance.get("service_account", [])]
        if not set(rule["target_service_accounts"]) & set(accounts):
            return False
    if "destination_ranges" in rule:
        address = instance["network_interface"][0].get("network_ip", "10.0.0.33")
        return any(ip_network(address + "/32").subnet_of(ip_network(text)) for text in rule["destination_ranges"])
    return True


def is_of(packet: Packet, block: dict[str, Any]) -> bool:
    if block["protocol"] == "all":
        return True
    if NUMBERS[block["protocol"]] != packet.protocol:
        return False
    return packet.protocol not in (6, 17) or any(within(packet.port, text) for text in block.get("ports", ["0-65535"]))


def within(port: int, text: str) -> bool:
    low, _, high = text.partition("-")
    return int(low) <= port <= int(high or low)
