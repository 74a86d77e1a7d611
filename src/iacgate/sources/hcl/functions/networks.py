"""IP network functions: https://developer.hashicorp.com/terraform/language/functions/cidrsubnet and its kin."""

from __future__ import annotations

import ipaddress
import re

from iacgate.sources.hcl.conversion import UntoldError
from iacgate.sources.hcl.functions.signature import Function, function, text, whole
from iacgate.sources.hcl.values import EvaluationError

__all__ = ["table"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LEADING_ZEROS = re.compile(r"(?<![0-9A-Fa-f:])0+(?=[0-9])")
_MAPPED = ipaddress.ip_network("::ffff:0:0/96")
_ODD = "Terraform computes this in a way of its own"


def table() -> dict[str, Function]:
    """The functions of this subject."""
    return {
        "cidrhost": function(_host, text, whole),
        "cidrnetmask": function(_netmask, text),
        "cidrsubnet": function(_subnet, text, whole, whole),
        "cidrsubnets": function(_subnets, text, rest=whole),
    }


def _network(prefix: str) -> _Network:
    """A network from its prefix. As in Terraform octets may have leading zeros, which stay decimal."""
    address, slash, length = prefix.partition("/")
    try:
        if not slash or not (length.isascii() and length.isdigit()) or len(prefix) > 100 or "%" in address:
            raise ValueError
        if ":" not in address:
            address = _LEADING_ZEROS.sub("", address)
        return ipaddress.ip_network(f"{address}/{int(length)}", strict=False)
    except ValueError:
        raise EvaluationError("not a network such as 10.0.0.0/8") from None


def _refuse_odd(network: _Network) -> None:
    """IPv4 in IPv6: Terraform's arithmetic takes the one for the other."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96 and network.overlaps(_MAPPED):
        raise UntoldError(_ODD)


def _host(prefix: str, number: int) -> str:
    network = _network(prefix)
    _refuse_odd(network)
    if not -network.num_addresses <= number < network.num_addresses:
        raise EvaluationError("the network has no host of that number")
    return str(network[number])


def _netmask(prefix: str) -> str:
    network = _network(prefix)
    _refuse_odd(network)
    if isinstance(network, ipaddress.IPv6Network):
        raise EvaluationError("IPv6 networks have no netmask")
    return str(network.netmask)


def _subnet(prefix: str, new_bits: int, number: int) -> str:
    network = _network(prefix)
    _refuse_odd(network)
    if new_bits < 0 or number < 0:
        raise UntoldError(_ODD)
    length = network.prefixlen + new_bits
    if length > network.max_prefixlen:
        raise EvaluationError("the network has too few bits left")
    if number >= 1 << new_bits:
        raise EvaluationError("the network has no subnet of that number")
    return _at(network, int(network.network_address) + (number << network.max_prefixlen - length), length)


def _subnets(prefix: str, *sizes: int) -> list[str]:
    network = _network(prefix)
    _refuse_odd(network)
    at, end = int(network.network_address), int(network.broadcast_address) + 1
    made = []
    for new_bits in sizes:
        length = network.prefixlen + new_bits
        if not 1 <= new_bits <= 32 or length > network.max_prefixlen:
            raise EvaluationError("a subnet is 1 to 32 bits longer than its network, and not longer than an address")
        size = 1 << network.max_prefixlen - length
        at = -(-at // size) * size  # the next place where such a subnet may begin
        if at + size > end:
            raise EvaluationError("the network has too little room for these subnets")
        made.append(_at(network, at, length))
        at += size
    return made


def _at(network: _Network, address: int, length: int) -> str:
    return f"{type(network.network_address)(address)}/{length}"
