"""Addresses of proxies with their login inside, as libraries and libcurl want them."""

from __future__ import annotations

from urllib.parse import quote


def with_login(url: str, username: str, password: str) -> str:
    """`scheme://user:password@host`: secret, never to be shown. The address alone when there is no user."""
    if not username:
        return url
    scheme, separator, rest = url.partition("://")
    login = quote(username, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"{scheme}{separator}{login}@{rest}"
