"""How long ago something was, in the few characters that people read."""

from __future__ import annotations

from localcluster.clock import now, parse
from localcluster.store.revision import Obj

UNKNOWN = "<unknown>"


def human_duration(seconds: int) -> str:  # noqa: PLR0911 a table of ranges
    """As `kubectl` prints ages: 59s, 2m30s, 45m, 3h5m, 10h, 2d4h, 30d, 2y3d."""
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(major: int, unit: str, minor: int, minor_unit: str) -> str:
    return f"{major}{unit}{minor}{minor_unit}" if minor else f"{major}{unit}"


def since(text: str | None) -> str:
    """Age of a timestamp."""
    moment = parse(text) if text else None
    return UNKNOWN if moment is None else human_duration(int((now() - moment).total_seconds()))


def age_of(obj: Obj) -> str:
    return since(obj["metadata"].get("creationTimestamp"))
