"""The program's entry: no sub-command opens the window, anything else is the command line."""

from __future__ import annotations

import io
import sys

PAINTING = {"screenshot"}
"""Sub-commands that need the window's code."""


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns the exit code."""
    import multiprocessing

    multiprocessing.freeze_support()
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["--read-workbook"]:  # the packed program reads a workbook for itself, in a process of its own
        from pdm_desktop.core import workbook_reader

        return workbook_reader.main(given[1:])
    for stream in (sys.stdout, sys.stderr):
        # A pipe on Windows would otherwise take the code page, which lacks the letters of many a plant.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    from pdm_desktop import cli

    arguments = cli.parse(given)
    if arguments.command in (None, "open"):
        from pdm_desktop.core.errors import PdmError
        from pdm_desktop.gui import app

        try:
            return app.main(arguments.workspace, getattr(arguments, "file", None))
        except PdmError as exc:
            print(f"{exc.message} {exc.hint}", file=sys.stderr)
            return 3
    if arguments.command in PAINTING or arguments.command == "doctor":
        from pdm_desktop.gui import commands

        return cli.run(arguments, painting=commands)
    return cli.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
