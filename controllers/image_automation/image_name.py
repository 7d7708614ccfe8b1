"""What `spec.image` names: a repository, without scheme, tag and digest (specs/image.md 3.1, 4.2): pure."""

from __future__ import annotations

import ipaddress

from shared.oci.errors import InvalidReference
from shared.oci.reference import DOCKER_HUB, SCHEME, Repository

_SHOWN = 200


def parse_image(image: str) -> Repository:
    """`alpine` and `docker.io/alpine` are `index.docker.io/library/alpine`. Raises InvalidReference."""
    shown = image[:_SHOWN]
    scheme, has_scheme, _ = image.partition("://")
    if has_scheme:
        raise InvalidReference(
            f"image '{shown}' should not include URL scheme; remove '{scheme[:_SHOWN]}://'"
        )
    host, slash, path = image.partition("/")
    parts = (path if slash and _is_host(host) else image).split(":")
    if len(parts) > 1:
        raise InvalidReference(f"image '{shown}' should not include a tag; remove ':{parts[1][:_SHOWN]}'")
    try:
        return Repository.parse(f"{SCHEME}{image}" if slash else f"{SCHEME}{DOCKER_HUB}/{image}")
    except InvalidReference as error:
        raise InvalidReference(f"could not parse reference '{shown}': {error}") from error


def may_be_plain(host: str) -> bool:
    """Whether plain HTTP is tried where TLS is not answered: on loopback and private networks."""
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost" or name.endswith(".local"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or (address.version == 4 and any(address in net for net in _PRIVATE))


_PRIVATE = tuple(ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _is_host(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost"
