"""The only package that imports MLflow, and only inside functions: it takes a second, and most starts never need it.

`local` keeps runs and versions in the workspace's own store; nothing leaves the computer. `server` copies them to a
tracking server, which happens only where the user has set one.
"""

from pdm_desktop.core.registry.local import (
    STORE,
    Logged,
    check_described,
    close,
    description,
    end_broken_off,
    export,
    log_candidate,
    open_client,
    put_folder,
    relocate,
    renumber,
    store_uri,
    write_checksums,
)
from pdm_desktop.core.registry.server import Copy, Remote, Server

__all__ = [
    "STORE",
    "Copy",
    "Logged",
    "Remote",
    "Server",
    "check_described",
    "close",
    "description",
    "end_broken_off",
    "export",
    "log_candidate",
    "open_client",
    "put_folder",
    "relocate",
    "renumber",
    "store_uri",
    "write_checksums",
]
