"""Which folder stands for which source: the checkout, and what `--source` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.problems import CliError
from shared.model.meta import ObjectKey


@dataclass(frozen=True, slots=True)
class Places:
    """`own` is the source that the checkout is of; `given` are folders by name or `namespace/name`."""

    root: Path
    own: ObjectKey
    given: Mapping[str, Path]

    def folder(self, key: ObjectKey) -> Path | None:
        """None for a source that is nowhere on this machine, as far as was said."""
        named = self.given.get(str(key)) or self.given.get(key.name)
        return named or (self.root if key == self.own else None)


def given_places(texts: Sequence[str]) -> dict[str, Path]:
    """Read `name=path` and `namespace/name=path`. Raises CliError."""
    places: dict[str, Path] = {}
    for text in texts:
        name, separator, path = text.partition("=")
        if not separator or not name or not Path(path).is_dir():
            raise CliError(f'--source "{text}" is no NAME=DIR with an existing directory')
        places[name] = Path(path).resolve()
    return places


def checkout_of(folder: Path) -> Path:
    """The repository that the folder is in; without one, the folder itself."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
