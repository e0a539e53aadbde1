"""The use cases of import: recognise, preview, import, profiles."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pdm_desktop.core import ingest
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import profiles as kept
from pdm_desktop.core.plans import NO_CHOICES, Choices, Plan, Preview, Profile
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import ConflictCell, FileReport, ImportReport
from pdm_desktop.core.schema import Kind
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store


class _TakenBack(Exception):
    """Ends the transaction of a dry run: nothing of it is kept."""


class WithImports:
    """The part of a workspace that brings files in."""

    folder: Path
    _store: Store
    _settings: Settings

    def recognise(self, path: Path, choices: Choices = NO_CHOICES, profile: str | None = None) -> Plan:
        """How a file is going to be read. profile: one to apply whatever the file's header; else the one that was
        saved for its header. What the file does not tell stands in `questions`. PdmError: no table at all."""
        profiles = self.profiles()
        return ingest.recognise(
            path,
            choices,
            time_zone=self._settings.time_zone,
            profiles=profiles,
            profile=None if profile is None else kept.named(profiles, profile),
            known_sensors=ingest.sensors_of(self._store),
        )

    def preview(self, path: Path, choices: Choices = NO_CHOICES, rows: int = 50, profile: str | None = None) -> Preview:
        """A file's first rows, as they would come in."""
        return ingest.preview(self.recognise(path, choices, profile), rows)

    def import_files(
        self,
        files: Sequence[Path],
        progress: Progress,
        *,
        kind: Kind | None = None,
        time_zone: str | None = None,
        choices: Choices | Mapping[Path, Choices] = NO_CHOICES,
        profile: str | None = None,
        dry_run: bool = False,
    ) -> ImportReport:
        """Import files (a folder: every recognised file in it, machines first). All of them or, on an error, none.

        choices: for all files, or for each. PdmError also where a question is open.
        """
        plans: list[Plan] = []
        for path in files:
            said = choices.get(path, NO_CHOICES) if isinstance(choices, Mapping) else choices
            said = replace(said, kind=kind or said.kind, time_zone=time_zone or said.time_zone)
            plans += self._plans(path, said, profile)
        if not plans:
            raise PdmError(
                "There is no file of a plant here.",
                "Choose files of telemetry, errors, maintenance, failures or machines.",
                ", ".join(str(path) for path in files),
            )
        return self._import(plans, progress, dry_run=dry_run)

    def tables(self, path: Path) -> tuple[tuple[Path, str | None], ...]:
        """The tables of a file, or of every file in a folder: (file, which one of an archive that holds several).
        What each holds is not looked at. PdmError: no such file, a broken archive."""
        return tuple(ingest.discover([path]))

    def import_tables(
        self, tables: Sequence[tuple[Path, Choices]], progress: Progress, *, dry_run: bool = False
    ) -> ImportReport:
        """Import tables, each as said of it; the choice of a sheet says which one of an archive. All of them or, on an
        error, none."""
        return self._import([self.recognise(*table) for table in tables], progress, dry_run=dry_run)

    def _import(self, plans: Sequence[Plan], progress: Progress, *, dry_run: bool) -> ImportReport:
        begun = time.monotonic()
        reports: list[FileReport] = []
        rejects_dir = None if dry_run else self.folder / "imports"
        try:
            with self._store.transaction():
                for plan in ingest.in_order(plans):
                    # Each file meets what the earlier ones of the same import brought, in a dry run as well: that may
                    # settle what a column is, and be there already, differ, or be in another unit.
                    reports += ingest.import_plan(
                        self._store, plan, dry_run=False, progress=progress, rejects_dir=rejects_dir
                    )
                if dry_run:
                    raise _TakenBack
        except _TakenBack:
            reports = [replace(made, batch=None, changed={}) for made in reports]
        except BaseException:
            for made in reports:
                if made.rejects_file is not None:
                    Path(made.rejects_file).unlink(missing_ok=True)
            raise
        return ImportReport(tuple(reports), time.monotonic() - begun)

    def _plans(self, path: Path, choices: Choices, profile: str | None) -> list[Plan]:
        """One file's plans (an archive may hold several), or a folder's."""
        plans = []
        for file, member in ingest.discover([path]):
            said = choices if member is None or choices.sheet is not None else replace(choices, sheet=member)
            try:
                plan = self.recognise(file, said, profile)
            except PdmError:
                if not path.is_dir():
                    raise
                continue  # a folder may hold other files; only those named by the user must be the plant's
            if path.is_dir() and any(question.key == "columns" for question in plan.questions):
                continue
            plans.append(plan)
        return plans

    def conflicts(self, batch: int, most: int = 10_000) -> tuple[int, tuple[ConflictCell, ...]]:
        """In how many cells an import differed from what was there before, and the first of them, in file order."""
        return self._store.conflicts(batch, most)

    # ---- profiles

    def profiles(self) -> tuple[Profile, ...]:
        """The mappings kept in this workspace."""
        return kept.load(self.folder / "profiles")

    def save_profile(self, name: str, plan: Plan) -> Profile:
        """Keep how `plan` reads its file; it applies by itself to the next file with the same header."""
        if plan.path.suffix.lower() == ".zip":
            # Which table of an archive it was is no part of how such tables are read.
            plan = replace(plan, choices=replace(plan.choices, sheet=None))
        return kept.save(self.folder / "profiles", name, plan)

    def delete_profile(self, name: str) -> None:
        """Forget a mapping."""
        kept.delete(self.folder / "profiles", name)
