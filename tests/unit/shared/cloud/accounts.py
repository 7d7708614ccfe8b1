"""ServiceAccounts whose tokens say for which audience they were made."""

from collections.abc import Mapping

from shared.cloud.account import Account


async def _mint(audience: str) -> str:
    return f"token-for-{audience}"


def annotated(annotations: Mapping[str, str]) -> Account:
    return Account("tenants", "app", annotations, _mint)
