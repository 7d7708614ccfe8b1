"""Logins to the clouds' registries (specs/source.md 7.2)."""

from __future__ import annotations

from enum import StrEnum

import aiohttp

from shared.cloud import aws, azure, gcp
from shared.cloud.account import Account, Token


class Cloud(StrEnum):
    """As `spec.provider` spells it."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"


def cloud_of(host: str) -> Cloud | None:
    """Whose registry that host is, where it is one of a cloud's."""
    if aws.is_registry(host):
        return Cloud.AWS
    if azure.is_registry(host):
        return Cloud.AZURE
    return Cloud.GCP if gcp.is_registry(host) else None


async def log_in(
    cloud: Cloud, http: aiohttp.ClientSession, account: Account | None, host: str, *, proxy: str = ""
) -> Token:
    """The user and password for `host`. Raises CloudError; IdentityInvalid for another's host."""
    match cloud:
        case Cloud.AWS:
            return await aws.registry_login(account, host, proxy=proxy)
        case Cloud.AZURE:
            return await azure.registry_login(http, account, host, proxy=proxy)
        case Cloud.GCP:
            return await gcp.registry_login(account, host, proxy=proxy)
