"""What became of the copies of model versions on a tracking server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sending:
    """What was sent to the tracking server and what was not. server: its address; empty where none is set."""

    server: str = ""
    sent: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    problem: str = ""

    @property
    def text(self) -> str:
        """In a sentence or two; empty where no server is set."""
        if not self.server:
            return ""
        if self.problem:
            kept = f"{_versions(self.waiting)} here" if self.waiting else "Everything"
            verb = "are" if len(self.waiting) > 1 else "is"
            return f"{self.problem} {kept} {verb} complete and will be sent with the next training, or when asked for."
        return f"{_versions(self.sent)} sent to {self.server}." if self.sent else f"All is on {self.server} already."


def _versions(numbers: tuple[str, ...]) -> str:
    return f"Version {numbers[0]}" if len(numbers) == 1 else f"Versions {', '.join(numbers)}"
