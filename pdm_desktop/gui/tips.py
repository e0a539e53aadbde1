"""Tips that show text as it is: Qt takes whatever looks like HTML for HTML, and names come out of files."""

from __future__ import annotations

from html import escape


def plain(text: str) -> str:
    """The text as a tip that reads like it, whatever it holds."""
    if "<" not in text:
        return text
    return f"<p style='white-space: pre-wrap; margin: 0'>{escape(text, quote=False)}</p>"
