"""The two ways a use case ends early; any other exception is a bug."""

from __future__ import annotations


class PdmError(Exception):
    """The input or the environment is at fault; nothing was changed.

    message: what is wrong, one sentence a maintenance engineer understands.
    hint:    what to do about it, one sentence; empty when there is nothing to add.
    where:   the place: "file.csv, line 12, column volt", a setting's key, a folder; empty when there is none.
    """

    def __init__(self, message: str, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.where}:" if self.where else "", self.message, self.hint) if part)

    def as_dict(self) -> dict[str, str]:
        """The error as the command line's JSON carries it."""
        return {"message": self.message, "hint": self.hint, "where": self.where}


class WorkspaceError(PdmError):
    """The workspace is at fault, not what was to be brought in: a full disk, a folder that may not be written to."""


class UsageError(PdmError):
    """A wrong use of the command line: exit code 2."""


class Cancelled(Exception):
    """The user cancelled; whatever was under way has been rolled back."""
