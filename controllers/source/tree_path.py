"""Paths that users write, as components below a root that they cannot leave: pure."""


def inside(path: str) -> tuple[str, ...]:
    """A path's components, kept below the root: `..` at the root leads nowhere."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return tuple(parts)
