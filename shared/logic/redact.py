"""Take credentials out of text that people will read: URLs with passwords, tokens in headers and queries."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)[^/\s@'\"]{1,512}@")
# A digit, padding or a capital amid small letters: what tells a credential from "token answered".
_BEARER = re.compile(
    r"(?P<word>\b(?i:Bearer|Basic|token))\s+(?=\S{0,4096}(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}"
)
_QUERY = re.compile(
    r"(?P<key>[?&](?:[^=&\s]{0,64}(?:token|secret|signature|sig|password|key|credential)[^=&\s]{0,64})=)[^&\s'\"]+",
    re.IGNORECASE,
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)


def redact(text: str) -> str:
    """The same text with every credential that can be recognised replaced by `***`."""
    if "://" in text:
        text = _USERINFO.sub(r"\g<scheme>***@", text)
        text = _QUERY.sub(r"\g<key>***", text)
    if "PRIVATE KEY" in text:
        text = _PEM.sub("***", text)
    return _BEARER.sub(r"\g<word> ***", text)
