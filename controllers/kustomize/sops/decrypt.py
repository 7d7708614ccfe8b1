"""What a build has to have decrypted: files before it, objects after it (specs/kustomize.md 6.2).

All in memory: files become an overlay of the tree that is built from, and nothing is written.
The MAC is checked where nothing can have changed a document since its encryption: in files, and
in documents that are the value of a Secret's key. Not for whole objects, whose plain fields
kustomize changes rightfully; each of their values is authenticated by itself, with its path.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from controllers.kustomize.sops import formats
from controllers.kustomize.sops.data_key import DataKeys
from controllers.kustomize.sops.errors import DocumentInvalid, SopsError
from controllers.kustomize.sops.files import MAX_FILE_BYTES, encrypted_files
from controllers.kustomize.sops.formats import Format
from controllers.kustomize.sops.metadata import Metadata
from controllers.kustomize.sops.opener import Opener
from controllers.kustomize.sops.tree import METADATA_KEY, Document, branch_of, json_of, opened
from shared.kustomize.filesystem import Tree, shown
from shared.logic.owner import decryption_disabled
from shared.model.meta import Object


class Decryptor:
    """Decrypts what one Kustomization builds. Its errors name the file or object, never a secret."""

    __slots__ = ("_keys", "_require_mac")

    def __init__(self, keys: DataKeys, *, require_mac: bool = True) -> None:
        self._keys = keys
        self._require_mac = require_mac

    async def before_build(
        self, tree: Tree, directory: str, components: Sequence[str] = ()
    ) -> dict[str, bytes]:
        """Plain content by absolute path in the tree, for an OverlaidTree.

        `components` are those that the spec adds to the directory's own. Raises SopsError.
        """
        overlay = {}
        for file in await asyncio.to_thread(encrypted_files, tree, directory, components):
            try:
                overlay[file.path] = await self._decrypted(file.content, file.format, file.format)
            except SopsError as error:
                raise type(error)(f"cannot decrypt {shown(file.path)}: {error}") from error
        return overlay

    async def resource(self, obj: Object) -> Object:
        """The object, decrypted where it is encrypted; the given one is not changed. Raises SopsError."""
        if not is_encrypted(obj):
            return obj
        try:
            if _is_document(obj):
                return await self._whole(obj)
            return await self._values(obj)
        except SopsError as error:
            raise type(error)(f"cannot decrypt {_name(obj)}: {error}") from error

    async def _whole(self, obj: Object) -> Object:
        metadata = Metadata.parse(obj[METADATA_KEY])
        key = await self._keys.recover(metadata)
        rest = {name: value for name, value in obj.items() if name != METADATA_KEY}
        plain = await asyncio.to_thread(_opened_object, rest, Opener(metadata, key))
        return dict(plain)

    async def _values(self, secret: Object) -> Object:
        data = dict(secret["data"])
        for name, value in data.items():
            content, found = _marked(value)
            if found is None:
                continue
            try:
                plain = await self._decrypted(content, found, formats.format_of_name(name))
            except SopsError as error:
                raise type(error)(f"data[{name!r}]: {error}") from error
            data[name] = base64.b64encode(plain).decode()
        return {**secret, "data": data}

    async def _decrypted(self, content: bytes, source: Format, target: Format) -> bytes:
        if len(content) > MAX_FILE_BYTES:
            raise DocumentInvalid(f"larger than {MAX_FILE_BYTES} bytes")
        document = await asyncio.to_thread(formats.read, content, source)
        key = await self._keys.recover(document.metadata)
        opener = Opener(document.metadata, key)
        return await asyncio.to_thread(self._rendered, document, opener, target)

    def _rendered(self, document: Document, opener: Opener, target: Format) -> bytes:
        plain = document.open(opener)
        if self._require_mac:
            opener.require_mac()
        return formats.render(plain, target)


def is_encrypted(obj: Mapping[str, Any]) -> bool:
    """Would `resource` change the object? False for those that opted out."""
    if decryption_disabled(obj):
        return False
    if _is_document(obj):
        return True
    if obj.get("kind") != "Secret" or obj.get("apiVersion") != "v1":
        return False
    data = obj.get("data")
    return isinstance(data, dict) and any(_marked(value)[1] is not None for value in data.values())


def _is_document(obj: Mapping[str, Any]) -> bool:
    metadata = obj.get(METADATA_KEY)
    return isinstance(metadata, dict) and bool(metadata.get("mac"))


def _opened_object(obj: Object, opener: Opener) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = json_of(opened(branch_of(obj), opener))
    return plain


def _marked(value: object) -> tuple[bytes, Format | None]:
    """A Secret's value, and the format whose marker it holds. What is not base64 the API server refuses."""
    if not isinstance(value, str):
        return b"", None
    try:
        content = base64.b64decode(value)
    except binascii.Error:
        return b"", None
    return content, formats.format_of_content(content)


def _name(obj: Mapping[str, Any]) -> str:
    meta = obj.get("metadata") or {}
    return "/".join(filter(None, (str(obj.get("kind")), meta.get("namespace"), str(meta.get("name")))))
