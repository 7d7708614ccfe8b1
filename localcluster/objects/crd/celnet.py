"""Kubernetes' CEL functions for URLs, IP addresses and networks.

Each value is its canonical text, so that comparing and printing need nothing more.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cel_expr_python import cel

from localcluster.objects.crd.celdeclare import function, member

_STRING, _BOOL, _INT = cel.Type.STRING, cel.Type.BOOL, cel.Type.INT
_QUERY = cel.Type.Map(_STRING, cel.Type.List(_STRING))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def functions() -> list[Any]:
    return [*_urls(), *_addresses(), *_networks()]


def _urls() -> list[Any]:
    return [
        function("isURL", [_STRING], _BOOL, is_url),
        function("url", [_STRING], _STRING, lambda text: _split(text).geturl()),
        member("getScheme", [_STRING], _STRING, lambda text: _split(text).scheme),
        member("getHost", [_STRING], _STRING, _host),
        member("getHostname", [_STRING], _STRING, lambda text: _split(text).hostname or ""),
        member("getPort", [_STRING], _STRING, lambda text: str(_split(text).port or "")),
        member("getEscapedPath", [_STRING], _STRING, lambda text: _split(text).path),
        member("getQuery", [_STRING], _QUERY, _query),
    ]


def _split(text: str) -> SplitResult:
    """Raises ValueError for what is neither an absolute URL nor an absolute path."""
    parts = urlsplit(text)
    _ = parts.port
    if not (parts.scheme and parts.netloc) and not text.startswith("/"):
        raise ValueError("URL parse error during conversion from string: invalid URI for request")
    return parts


def is_url(text: str) -> bool:
    """Whether it is an absolute URL or an absolute path."""
    try:
        _split(text)
    except ValueError:
        return False
    return True


def _host(text: str) -> str:
    return _split(text).netloc.rpartition("@")[2]


def _query(text: str) -> dict[str, list[str]]:
    return parse_qs(_split(text).query, keep_blank_values=True, max_num_fields=1000)


def _addresses() -> list[Any]:
    asked = {
        "isUnspecified": lambda each: each.is_unspecified,
        "isLoopback": lambda each: each.is_loopback,
        "isLinkLocalMulticast": _is_link_local_multicast,
        "isLinkLocalUnicast": lambda each: each.is_link_local,
        "isGlobalUnicast": _is_global_unicast,
    }
    return [
        function("isIP", [_STRING], _BOOL, lambda text: _reads(_address, text)),
        function("ip", [_STRING], _STRING, lambda text: str(_address(text))),
        function("ip.isCanonical", [_STRING], _BOOL, lambda text: str(_address(text)) == text),
        member("family", [_STRING], _INT, lambda text: _address(text).version),
        *(member(name, [_STRING], _BOOL, _asking(ask)) for name, ask in asked.items()),
    ]


def _asking(ask: Any) -> Any:
    return lambda text: bool(ask(_address(text)))


def _address(text: str) -> Address:
    """Raises ValueError also for zones and for IPv4 addresses in the clothes of IPv6."""
    found = ipaddress.ip_address(text)
    if "%" in text:
        raise ValueError("IP address with zone value is not allowed")
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        raise ValueError("IPv4-mapped IPv6 address is not allowed")
    return found


def _is_link_local_multicast(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address in ipaddress.ip_network("224.0.0.0/24")
    return address.is_multicast and address.packed[1] & 0x0F == 2


def _is_global_unicast(address: Address) -> bool:
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or str(address) == "255.255.255.255"
    )


def _networks() -> list[Any]:
    return [
        function("isCIDR", [_STRING], _BOOL, lambda text: _reads(_network, text)),
        function("cidr", [_STRING], _STRING, lambda text: str(_network(text))),
        member("containsIP", [_STRING, _STRING], _BOOL, _contains_address),
        member("containsCIDR", [_STRING, _STRING], _BOOL, _contains_network),
        member("ip", [_STRING], _STRING, lambda text: str(_network(text).ip)),
        member("masked", [_STRING], _STRING, lambda text: str(_network(text).network)),
        member("prefixLength", [_STRING], _INT, lambda text: _network(text).network.prefixlen),
    ]


def _network(text: str) -> Network:
    address, slash, length = text.partition("/")
    if not slash or not length.isdigit():
        raise ValueError("network address parse error during conversion from string: no '/'")
    _address(address)
    return ipaddress.ip_interface(text)


def _contains_address(network: str, address: str) -> bool:
    return _address(address) in _network(network).network


def _contains_network(outer: str, inner: str) -> bool:
    one, other = _network(outer).network, _network(inner).network
    return one.version == other.version and other.network_address in one and other.prefixlen >= one.prefixlen


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
