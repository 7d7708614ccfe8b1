"""Why something encrypted cannot be read. No message ever quotes a plaintext, a key or a ciphertext.

SopsError
├── DocumentInvalid     not a SOPS document, or not one that can be read safely
├── ValueTampered       a value was changed, moved, or belongs to another document
├── MacMismatch         the document as a whole is not the one that was encrypted
├── DataKeyUnavailable  none of the keys at hand opens it
└── KeysInvalid         the secret with the keys holds something that is no key
"""

from __future__ import annotations


class SopsError(Exception):
    """One line, fit for a condition; the caller says which file or object."""


class DocumentInvalid(SopsError):
    pass


class ValueTampered(SopsError):
    pass


class MacMismatch(SopsError):
    pass


class DataKeyUnavailable(SopsError):
    pass


class KeysInvalid(SopsError):
    pass
