"""The use cases of import: recognise, preview, import, profiles."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pdm_desktop.core import ingest
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import profiles as kept
from pdm_desktop.core.plans import NO_CHOICES, Choices, Plan, Preview, Profile, Question
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import ConflictCell, FileReport, ImportReport
from pdm_desktop.core.schema import Kind
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store
from pdm_desktop.core.watch import SUFFIXES

UNATTENDED = "Import it by hand once and keep the answers as a profile."


_LOOKED_AT, _FEWEST, _SHARE = 100_000, 6, 0.2
"""Of rows in which one table of a file differs from another: how many are counted, and the most that may be."""


class _TakenBack(Exception):
    """Ends the transaction of a dry run: nothing of it is kept."""


class _OneOfThem(Progress):
    """Tells of one of several files, and of a check as a check."""

    def __init__(self, outer: Progress, at: int, count: int, *, dry_run: bool) -> None:
        super().__init__()
        self._outer = outer
        self._at = f", file {at} of {count}" if count > 1 else ""
        self._dry_run = dry_run

    def step(self, done: int, total: int, text: str) -> None:
        """As the outer one, in words that fit."""
        _, blank, what = text.partition(" ")
        self._outer.step(done, total, (f"Checking{blank}{what}" if self._dry_run else text) + self._at)

    def check(self) -> None:
        """As the outer one, which the user may have cancelled."""
        self._outer.check()


def _refuse_one_machine(plan: Plan) -> None:
    """Sheets that do not say their machine may be one of each machine: not all of the one that was said."""
    if plan.path.suffix.lower() != ".zip" and plan.index("machine") is None and plan.tag_rule is None:
        raise PdmError(
            f"The workbook has several sheets like {plan.sheet}, none of which says its machine.",
            f"Import them one by one, and say whose each is: --sheet {plan.sheet!r} --machine {plan.machine!r}.",
            plan.path.name,
        )


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
            known_tags=ingest.tags_of(self._store),
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
        left_out: list[tuple[str, str]] = []
        for path in files:
            said = choices.get(path, NO_CHOICES) if isinstance(choices, Mapping) else choices
            said = replace(said, kind=kind or said.kind, time_zone=time_zone or said.time_zone)
            plans += self._plans(path, said, profile, left_out)
        if not plans:
            raise PdmError(
                "There is no file of a plant here.",
                "Choose files of telemetry, errors, maintenance, failures or machines.",
                ", ".join(str(path) for path in files),
            )
        return replace(self._import(plans, progress, dry_run=dry_run), left_out=tuple(left_out))

    def tables(self, path: Path) -> tuple[tuple[Path, str | None], ...]:
        """The tables of a file, or of every file in a folder: (file, which one of an archive that holds several).
        What each holds is not looked at. PdmError: no such file, a broken archive (one of a folder is a file of it, of
        which a look tells what is wrong)."""
        found = ingest.discover([path])
        if path.is_dir():
            whole = {file for file, _ in found}
            found += [(file, None) for file in sorted(path.iterdir()) if file.is_file() and file not in whole]
        return tuple(found)

    def import_tables(
        self, tables: Sequence[tuple[Path, Choices]], progress: Progress, *, dry_run: bool = False
    ) -> ImportReport:
        """Import tables, each as said of it; the choice of a sheet says which one of an archive. All of them or, on an
        error, none."""
        return self._import([self.recognise(*table) for table in tables], progress, dry_run=dry_run)

    def import_unattended(self, path: Path, progress: Progress) -> tuple[FileReport, ...]:
        """Import a file that came while nobody stood by: as import_files, but an open question leads to a profile."""
        try:
            return self.import_files([path], progress).files
        except PdmError as exc:
            if any(question.text == exc.message for question in self._questions(path)):
                raise PdmError(exc.message, UNATTENDED, exc.where) from exc
            raise

    def _questions(self, path: Path) -> list[Question]:
        found: list[Question] = []
        for file, member in self.tables(path):
            try:
                found += self.recognise(file, replace(NO_CHOICES, sheet=member)).questions
            except PdmError:
                continue  # it is not a question then that stands in the way
        return found

    def _refuse_contradiction(self, report: FileReport, others: Sequence[FileReport]) -> None:
        """Tables of one file that say different things of the same times: nobody knows which of them holds."""
        others = [other for other in others if other.kind == report.kind and other.batch is not None]
        if report.batch is None or not report.conflicts or not others:
            return
        kin = [other.batch for other in others if other.batch is not None]
        cells, found = self._store.conflicts(report.batch, _LOOKED_AT, kin)
        lines = len({cell.line for cell in found})
        if lines < _FEWEST or (lines <= _SHARE * (report.accepted + report.conflicts) and cells <= _LOOKED_AT):
            return
        raise PdmError(
            f"{report.sheet} says another thing than {others[-1].sheet} in {lines:,} rows of the same times.",
            f"Import the one that holds: --sheet {report.sheet!r}, or {others[-1].sheet!r}.",
            Path(report.file).name,
        )

    def _import(self, plans: Sequence[Plan], progress: Progress, *, dry_run: bool) -> ImportReport:
        begun = time.monotonic()
        reports: list[FileReport] = []
        rejects_dir = None if dry_run else self.folder / "imports"
        try:
            with self._store.transaction():
                for at, plan in enumerate(ingest.in_order(plans), 1):
                    told = _OneOfThem(progress, at, len(plans), dry_run=dry_run)
                    # Each file meets what the earlier ones of the same import brought, in a dry run as well: that may
                    # settle what a column is, and be there already, differ, or be in another unit.
                    own = ingest.import_plan(self._store, plan, dry_run=False, progress=told, rejects_dir=rejects_dir)
                    self._refuse_contradiction(own[0], [r for r in reports if r.file == own[0].file])
                    reports += own
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

    def _plans(self, path: Path, choices: Choices, profile: str | None, left_out: list[tuple[str, str]]) -> list[Plan]:
        """One file's plans (an archive may hold several), or a folder's; its tables that are no plant's are noted."""
        plans: list[Plan] = []
        strange: list[PdmError] = []
        # A sheet that was said is read once, however many tables the file holds.
        one = choices.sheet is not None and not path.is_dir()
        for file, member in ((path, None),) if one else self.tables(path):
            packed = member is not None and file.suffix.lower() == ".zip"
            said = choices if member is None or choices.sheet is not None else replace(choices, sheet=member)
            try:
                plan = self.recognise(file, said, profile)
                if member is not None and plan.machine is not None:
                    _refuse_one_machine(plan)
            except PdmError as exc:
                # A folder may hold other files, an archive a note; only what the user named must be the plant's.
                if not path.is_dir() and not (packed and ingest.is_no_table(exc)):
                    raise
                strange.append(exc)
                why = exc.message
            else:
                asked = [question for question in plan.questions if question.key == "columns"]
                if not (asked and (path.is_dir() or (packed and plan.index("timestamp", "date", "machine") is None))):
                    plans.append(plan)
                    continue
                why = asked[0].text
                strange.append(PdmError(why, asked[0].hint, asked[0].where))
            if file.suffix.lower() in SUFFIXES:
                left_out.append((file.name if member is None else f"{file.name} \N{RIGHTWARDS ARROW} {member}", why))
        if strange and not plans and not path.is_dir():
            raise strange[0]
        return plans

    def conflicts(self, batch: int, most: int = 10_000) -> tuple[int, tuple[ConflictCell, ...]]:
        """In how many cells an import differed from what was there before, and the first of them, in file order."""
        return self._store.conflicts(batch, most)

    # ---- profiles

    def profiles(self) -> tuple[Profile, ...]:
        """The mappings kept in this workspace."""
        return kept.load(self.folder / "profiles")

    def save_profile(self, name: str, plan: Plan, *, machine: bool = False) -> Profile:
        """Keep how `plan` reads its file; it applies by itself to the next file with the same header. machine: such
        files are all of the machine that was said of this one."""
        if plan.path.suffix.lower() == ".zip" or len(self.tables(plan.path)) > 1:
            # Which table of an archive it was, or which of several sheets, is no part of how such tables are read.
            plan = replace(plan, choices=replace(plan.choices, sheet=None))
        return kept.save(self.folder / "profiles", name, plan, machine=machine)

    def delete_profile(self, name: str) -> None:
        """Forget a mapping."""
        kept.delete(self.folder / "profiles", name)
