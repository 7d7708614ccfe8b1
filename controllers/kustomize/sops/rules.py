"""Which values of a document are encrypted: by a suffix or an expression on any part of their path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from controllers.kustomize.sops.errors import DocumentInvalid
from controllers.kustomize.sops.values import is_encrypted

_DEFAULT_SUFFIX = "_unencrypted"
_NAMES = (
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """`matches` says of one key whether it decides, `encrypted_if` what it decides then.

    Where comments decide, there is no `matches`: comments do not survive everything a document goes
    through, so the form of each value tells.
    """

    matches: Callable[[str], bool] | None
    encrypted_if: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """From the sops block, which may hold one rule. Raises DocumentInvalid."""
        given = {name: raw[name] for name in _NAMES if raw.get(name)}
        if len(given) > 1:
            raise DocumentInvalid(f"the sops block may use only one of {', '.join(given)}")
        name, pattern = next(iter(given.items()), (_NAMES[0], _DEFAULT_SUFFIX))
        if not isinstance(pattern, str):
            raise DocumentInvalid(f"{name} of the sops block is not text")
        encrypted_if = name.startswith("encrypted")
        if name.endswith("comment_regex"):
            return cls(None, encrypted_if)
        if name.endswith("regex"):
            return cls(_searching(name, pattern), encrypted_if)
        return cls(lambda key: key.endswith(pattern), encrypted_if)

    def encrypts(self, path: tuple[str, ...], value: object) -> bool:
        """Is the value at that path an encrypted one?"""
        if self.matches is None:
            return isinstance(value, str) and is_encrypted(value)
        return any(map(self.matches, path)) == self.encrypted_if


def _searching(name: str, pattern: str) -> Callable[[str], bool]:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise DocumentInvalid(f"{name} of the sops block is not a valid regular expression") from error
    return lambda key: compiled.search(key) is not None
