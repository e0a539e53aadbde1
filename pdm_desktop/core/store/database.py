"""plant.db as a file: where it may lie, how it is opened, created and migrated, and which faults are the world's."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import sqlalchemy as sa

from pdm_desktop.core import paths
from pdm_desktop.core.errors import PdmError, WorkspaceError
from pdm_desktop.core.results import Upgrade
from pdm_desktop.core.store import tables

_log = logging.getLogger(__name__)

_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "fuse.sshfs", "davfs", "ceph"}
_MAGIC = b"SQLite format 3\0"
_LITTLE = 1_000_000
"""Bytes: with less free, a write that failed did so for want of room."""


def open_engine(path: Path, read_only: bool) -> tuple[sa.Engine, Upgrade | None]:
    """Open plant.db, creating or migrating it unless `read_only`. PdmError for everything that cannot be a plant's.

    The second part says what was migrated, when something was.
    """
    _refuse_impossible(path, read_only)
    engine = _engine(path, read_only)
    try:
        with world_faults(path):
            if not read_only:
                _journal_in_wal(engine, path)
            upgrade = _bring_up_to_date(engine, path, read_only)
    except BaseException:
        engine.dispose()
        raise
    return engine, upgrade


def _journal_in_wal(engine: sa.Engine, path: Path) -> None:
    raw = engine.raw_connection()  # outside of any transaction: the mode cannot be changed within one
    try:
        connection = raw.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    finally:
        raw.close()
    if mode != "wal":
        raise PdmError(
            "SQLite cannot keep its journal in this folder.",
            "Put the workspace on a disk of this computer.",
            str(path),
        )


def _refuse_impossible(path: Path, read_only: bool) -> None:
    share = network_share(path.parent)
    if share:
        raise PdmError(
            f"The workspace lies on a network share ({share}), where its database would be damaged.",
            "Copy the workspace to a disk of this computer and open the copy.",
            str(path.parent),
        )
    if path.is_dir():
        raise PdmError("This is a folder, not a database.", "", str(path))
    if not path.exists():
        if read_only or not path.parent.is_dir():
            raise PdmError("There is no plant database here.", "Open a workspace folder that exists.", str(path))
        return
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as exc:
        raise PdmError(f"The database cannot be read: {exc.strerror}.", "", str(path)) from exc
    if head and head != _MAGIC:
        raise PdmError("This file is not a database.", "Restore plant.db from backups/.", str(path))


def network_share(folder: Path) -> str:
    """The kind of network file system `folder` lies on; empty for a local disk."""
    folder = folder.absolute()
    if sys.platform == "win32":
        import ctypes

        if str(folder).startswith("\\\\"):
            return "UNC path"
        remote = 4  # DRIVE_REMOTE
        return "network drive" if ctypes.windll.kernel32.GetDriveTypeW(folder.anchor) == remote else ""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    kind = file_system(folder.resolve(), mounts.read_text(encoding="utf-8", errors="replace"))
    return kind if kind in _NETWORK_FILE_SYSTEMS else ""


def file_system(folder: PurePath, mounts: str) -> str:
    """The type of the file system that `folder` lies on, by the lines of Linux's /proc/self/mounts."""
    best, found = "", ""
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if len(point) >= len(best) and folder.is_relative_to(point):
            best, found = point, kind
    return found


def _engine(path: Path, read_only: bool) -> sa.Engine:
    # Without a journal beside it, and where none can be made, the file cannot change: SQLite may read it as it is.
    fixed = read_only and not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver must not begin or commit by itself, transactions are begun below.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}{'&immutable=1' if fixed else ''}",
            uri=True,
            timeout=30,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        # The page size holds for a new file only; large pages make long ranges of readings cheaper to write and read.
        for pragma in (
            "page_size=16384",
            "foreign_keys=ON",
            "synchronous=NORMAL",
            "cache_size=-32000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.QueuePool, pool_size=4, max_overflow=16)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")

    return engine


def _bring_up_to_date(engine: sa.Engine, path: Path, read_only: bool) -> Upgrade | None:
    with engine.connect() as connection:
        names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
        revision = None
        if "alembic_version" in names:
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    if revision == tables.HEAD:
        return None
    if revision is None and names:
        raise PdmError("This is a database, but not a plant's.", "Open another workspace folder.", str(path))
    if read_only:
        raise PdmError("The database is of an older version.", "Open it once for writing to bring it up to date.")
    # Only here: importing Alembic takes a third of a second, and an up-to-date database does not need it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(paths.migrations()).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise PdmError(
            f"The workspace was made by a newer version of the program (schema {revision}, known {tables.HEAD}).",
            "Install the newer version, or open a backup made before it.",
            str(path),
        )
    upgrade = None
    if revision is not None:
        copy = path.parent / "backups" / f"plant-schema-{revision}-{time.strftime('%Y%m%d-%H%M%S')}.db"
        copy.parent.mkdir(exist_ok=True)
        copy_database(engine, path, copy)
        upgrade = Upgrade(revision, tables.HEAD, copy)
        _log.info("schema %s backed up to %s before migration", revision, copy)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return upgrade


def copy_database(engine: sa.Engine, path: Path, out: Path) -> None:
    """Copy the database at `path` to the file `out` while it may be in use (SQLite's online backup), whole or not."""
    if out.exists() and out.samefile(path):
        raise PdmError("The backup would overwrite the database itself.", "Choose another file.", str(out))
    part = out.with_name(out.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with engine.connect() as connection, world_faults(out):
            target = sqlite3.connect(part)
            try:
                driver(connection).backup(target, pages=4096)
            finally:
                target.close()
        part.replace(out)
    except OSError as exc:
        raise PdmError(f"The backup cannot be written: {exc.strerror}.", "Choose another folder.", str(out)) from exc
    finally:
        part.unlink(missing_ok=True)


def driver(connection: sa.Connection) -> sqlite3.Connection:
    """The sqlite3 connection below, for bulk rows: SQLAlchemy's own row handling costs as much as SQLite itself."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


@contextmanager
def world_faults(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about the world (disk full, locked, damaged, read-only) into PdmError."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as exc:
        cause = exc.orig if isinstance(exc, sa.exc.DBAPIError) else exc
        message = _fault(cause, path)
        if message is None:
            raise
        raise WorkspaceError(*message, str(path)) from exc


_FAULTS = {
    sqlite3.SQLITE_FULL: ("The disk is full; nothing was changed.", "Free some space and try again."),
    sqlite3.SQLITE_BUSY: ("Another program is writing to the database.", "Close it, or open the workspace read-only."),
    sqlite3.SQLITE_LOCKED: ("Another program is writing to the database.", "Close it and try again."),
    sqlite3.SQLITE_READONLY: ("The database cannot be written here.", "Check the folder's permissions."),
    sqlite3.SQLITE_CANTOPEN: ("The database cannot be opened.", "Check the folder's permissions."),
    sqlite3.SQLITE_PERM: ("The database cannot be opened.", "Check the folder's permissions."),
    sqlite3.SQLITE_IOERR: (
        "The disk failed while the database was used.",
        "Check the disk and open the workspace again; only a damaged record needs a backup.",
    ),
    sqlite3.SQLITE_CORRUPT: ("The database is damaged.", "Restore plant.db from backups/."),
    sqlite3.SQLITE_NOTADB: ("This file is not a database.", "Restore plant.db from backups/."),
}


def _fault(cause: BaseException | None, path: Path) -> tuple[str, str] | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return None
    # Where the journal's memory map or the journal itself finds no room, SQLite speaks of a failing disk.
    if code & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _no_room(path.parent):
        code = sqlite3.SQLITE_FULL
    return _FAULTS.get(code & 0xFF)


def _no_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LITTLE
    except OSError:
        return False
