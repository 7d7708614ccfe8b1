"""The report in Markdown that several platforms show (specs/notification.md 11.6)."""

from __future__ import annotations

from controllers.notification.notifiers.notice import Notice


def status_text(notice: Notice) -> str:
    event = notice.event
    mark = "⚠️" if event.is_error else "ℹ️"  # noqa: RUF001 - the contract's own sign
    text = f"## Flux Status\n\n{mark} {event.object_path}\n\n{event.message}\n"
    pairs = [pair for pair in notice.metadata if pair[0] != "change_request"]
    if pairs:
        text += "\nMetadata:\n" + "".join(f"* `{key}`: {value}\n" for key, value in pairs)
    return text
