"""The import wizard: files, how they are read, their columns, a check of them whole, the import and what came of it.

It asks through `ask` (a lane of the session). Nothing is stored before the button that says so is pressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QSizePolicy, QWidget

from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.plans import Choices, Preview, Role
from pdm_desktop.core.results import FileReport, ImportReport
from pdm_desktop.gui.messages import ask
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.widgets import button
from pdm_desktop.gui.wizards.import_columns import ColumnsPage
from pdm_desktop.gui.wizards.import_files import FilesPage
from pdm_desktop.gui.wizards.import_outcome import CheckPage, ResultPage
from pdm_desktop.gui.wizards.import_reading import ReadingPage
from pdm_desktop.gui.wizards.import_rejects import read_rejects
from pdm_desktop.gui.wizards.import_state import Ask, Source, ask_again, gather, look, seen_as, standing_words, unsaid
from pdm_desktop.gui.wizards.steps import StepDialog
from pdm_desktop.tasks import Task

STEPS = ("Files", "Reading", "Columns", "Check", "Result")
FILES, READING, COLUMNS, CHECK, RESULT = range(5)
PREVIEW = "import preview"


class ImportWizard(StepDialog):
    """Leads files in. The owner connects `more_wanted` to a file dialog that calls `add`."""

    imported = Signal(object)
    """An ImportReport: the record has changed."""
    failed = Signal(object)
    """An exception that is no fault of the files."""
    more_wanted = Signal()

    def __init__(self, theme: Theme, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Import", STEPS, parent)
        self._ask = ask
        self.sources: list[Source] = []
        self.source: Source | None = None
        self.left_out: list[tuple[str, str]] = []
        """(name, why) of the files of a folder that are none of a plant."""
        self._step = FILES
        self._task: Task | None = None
        self._importing = False
        self._checked: ImportReport | None = None
        self._closed = False
        self.files = FilesPage(theme)
        self.reading = ReadingPage(theme)
        self.columns = ColumnsPage(theme)
        self.check = CheckPage(theme)
        self.outcome = ResultPage(theme)
        for page in (self.files, self.reading, self.columns, self.check, self.outcome):
            self.pages.addWidget(page)
        # A long path must not make the window wider.
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.picker = QComboBox()
        self.picker.setAccessibleName("File")
        self.picker.setMinimumWidth(260)
        self.picker.activated.connect(self._pick)
        self.same = QCheckBox()
        self.same.setChecked(True)
        for at, widget in enumerate((self.picker, self.same)):
            self._foot.insertWidget(at, widget)
        self.cancel = self.add_button(button("Cancel"))
        self.back = self.add_button(button("Back"))
        self.forward = self.add_button(button("Continue", "primary"))
        self.cancel.clicked.connect(self.reject)
        self.back.clicked.connect(self._back)
        self.forward.clicked.connect(self._forward)
        self.files.chosen.connect(self._look_into)
        self.files.removed.connect(self._remove)
        self.files.more_wanted.connect(self.more_wanted)
        self.reading.chosen.connect(self._chosen)
        self.reading.reset.connect(self._reset)
        self.reading.left_out.connect(lambda: self._remove([self.source]))
        self.reading.profile_unwanted.connect(self._forget)
        self.reading.column_chosen.connect(self._to_column)
        self.columns.role_chosen.connect(self._role_chosen)
        self.outcome.file_selected.connect(self._read_rejects)
        self._go(FILES)

    # ---- files in

    def add(self, paths: Sequence[Path]) -> None:
        """More files, and every file of a folder that can be read."""

        def done(looked: tuple[list[Source], list[tuple[str, str]]]) -> None:
            found, left_out = looked
            self.left_out += [each for each in left_out if each not in self.left_out]
            known = {source.key for source in self.sources}
            first = not self.sources
            self.sources += [source for source in found if source.key not in known]
            self.note.setText("")
            if first and len(self.sources) == 1 and not self.left_out:
                self._look_into(self.sources[0])
                return
            self._show()
            if not self.sources:
                self.files.verdict.show_text("There is no file of a plant here.", "alarm")

        self.note.setText("Looking at the files …")
        self._run("read", "Looking at the files", lambda w, p: gather(w, p, paths), done)

    def _remove(self, sources: Sequence[Source | None]) -> None:
        self.sources = [source for source in self.sources if source not in sources]
        if self.source in sources:
            self.source = None
        self._show()

    # ---- choices

    def _chosen(self, field: str, value: Any) -> None:
        source = self.source
        if source is None:
            return
        now = getattr(source.plan, field, None)
        said = getattr(source.choices, field)
        asked = self._is_asked(field)
        if field != "columns" and not asked and (said == value or (said is None and value in (now, now or 0))):
            return
        for each in self._meant(source):
            if field == "machine":
                each.choose_machine(each.file_name if value == source.file_name else value)
            elif field == "columns":
                each.choices = replace(each.choices, columns={**each.choices.columns, **value})
            else:
                each.choose(field, value)
        self._refresh()

    def _meant(self, source: Source) -> list[Source]:
        """The files that a choice is for: this one, and those like it where the user wants so."""
        return [source, *(s for s in self.sources if self.same.isChecked() and source.alike(s))]

    def _is_asked(self, field: str) -> bool:
        plan = self.source.plan if self.source is not None else None
        return plan is not None and any(question.key == field for question in plan.questions)

    def _role_chosen(self, names: list[str], role: Role) -> None:
        if self.source is not None:
            for each in self._meant(self.source):
                each.choose_role(names, role)
            self._refresh()

    def _reset(self) -> None:
        if self.source is not None:
            self.source.reset()
            self._refresh()

    def _refresh(self) -> None:
        """Look again at every file whose choices have changed; a newer change replaces the look under way."""
        wanted: list[tuple[Source, Choices]] = [(s, s.choices) for s in self.sources if not s.fresh]

        def work(workspace: Any, _progress: Any) -> list[Preview | PdmError]:
            return [look(workspace, source.path, choices) for source, choices in wanted]

        def done(found: list[Preview | PdmError]) -> None:
            for (source, choices), seen in zip(wanted, found, strict=True):
                seen_as(source, choices, seen)
            self._show()

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                return
            for source, choices in wanted:
                seen_as(source, choices, PdmError("The program failed at reading the file so.", "Choose otherwise."))
            self._show()
            self.failed.emit(error)

        self._follow()
        self._ask("read", "Reading the first rows", work, self._if_open(done), self._if_open(failed), PREVIEW)

    # ---- moving

    def _look_into(self, source: Source) -> None:
        self.source = source
        self._go(READING)

    def _pick(self, at: int) -> None:
        self.source = self.sources[at]
        # What cannot be read has no columns.
        self._go(READING if self.source.error is not None else self._step)

    def _to_column(self, name: str) -> None:
        self._go(COLUMNS)
        if name:
            self.columns.choose(name)

    def _back(self) -> None:
        self._stop()
        self._go({READING: FILES, COLUMNS: READING, CHECK: COLUMNS}.get(self._step, self._step))

    def _forward(self) -> None:
        if self._step == FILES:
            self._look_into(self._unready() or self.source or self.sources[0])
        elif self._step == READING:
            self._go(COLUMNS)
        elif self._step == COLUMNS:
            unready = self._unready()
            if unready is None:
                self._check()
            elif unready.plan is not None and unsaid(unready.plan):
                self.source = unready
                self._go(COLUMNS)
                self.columns.choose(unsaid(unready.plan))
            else:
                self._look_into(unready)
        elif self._step == CHECK:
            self._import()
        else:
            self._closed = True
            self.accept()

    def _unready(self) -> Source | None:
        return next((source for source in self.sources if not source.ready), None)

    def _go(self, step: int) -> None:
        self._step = step
        self.show_step(step)
        self._show()

    # ---- check and import

    def _check(self) -> None:
        self._checked = None
        self._go(CHECK)
        self.check.profile.show_sources(self.sources)

        def done(made: ImportReport) -> None:
            self._task = None
            self._checked = made
            self.check.show_report(made)
            self._follow()

        self._start("Checking the files", dry_run=True, done=done)

    def _import(self) -> None:
        def done(made: ImportReport) -> None:
            self._task, self._importing = None, False
            self.check.show_working(None)
            self.outcome.show_report(made)
            self._go(RESULT)
            self._keep_profile()
            self._look_for_gaps(made)
            self.imported.emit(made)

        self._importing = True
        title = f"Importing {self.sources[0].name}" if len(self.sources) == 1 else "Importing files"
        self._start(title, dry_run=False, done=done)

    def _start(self, title: str, *, dry_run: bool, done: Any) -> None:
        tables = [(source.path, source.choices) for source in self.sources]

        def failed(error: Exception) -> None:
            self._task, self._importing = None, False
            if isinstance(error, PdmError):
                self.check.show_error(error)
                if (asked := ask_again(self.sources, error)) is not None:
                    self._look_into(asked)
            else:
                self.check.show_working(None)
                if self._checked is not None:
                    self.check.show_report(self._checked)
                self.note.setText("Stopped: nothing changed." if isinstance(error, Cancelled) else "")
                if not isinstance(error, Cancelled):
                    self.failed.emit(error)
            self._follow()

        # The check writes too (and takes all of it back): it waits for its turn like any writing.
        work = partial(_bring_in, tables, dry_run)
        self._task = self._ask("write", title, work, self._if_open(done), self._if_open(failed))
        self.check.show_working(self._task)
        self._follow()

    def _keep_profile(self) -> None:
        wanted = self.check.profile.wanted()
        if wanted:
            names = ", ".join(each.name for each in wanted)
            told = f"Profile {names} is kept." if len(wanted) == 1 else f"Profiles {names} are kept."
            self._run(
                "write",
                "Keeping the profile",
                lambda w, _: [w.save_profile(each.name, each.plan, machine=each.machine) for each in wanted],
                lambda _: self.note.setText(told),
            )

    def _forget(self, name: str) -> None:
        """Files of its shape are read by what is recognised again, and asked about."""

        def forget() -> None:
            self._run("write", "Forgetting the profile", lambda w, _: w.delete_profile(name), lambda _: again())

        def again() -> None:
            for source in self.sources:
                if source.plan is not None and source.plan.profile == name:
                    source.shown = None
            self._refresh()

        line = "Files of this shape are asked about again where they leave a question. What was imported stays."
        ask(self, "Forget a profile", f"Forget the profile {name}?", line, "Forget it", forget)

    def _look_for_gaps(self, made: ImportReport) -> None:
        self._run("read", "Looking for gaps", lambda w, p: w.data_overview(p), partial(self.outcome.show_gaps, made))

    def _read_rejects(self, file: FileReport) -> None:
        path = Path(file.rejects_file or "")
        shown = partial(self.outcome.show_rejects, file)
        self._run("read", "Reading the rejects", lambda _w, p: read_rejects(path, p), shown)

    # ---- showing

    def _show(self) -> None:
        if self.source is None and self.sources:
            self.source = self.sources[0]
        self.files.show_sources(self.sources, self.left_out)
        if self.source is not None and self._step in (READING, COLUMNS):
            self.reading.show_source(self.source, len(self.sources) == 1)
            self.columns.show_source(self.source)
        self.picker.clear()
        for source in self.sources:
            self.picker.addItem(source.name)
        if self.source is not None:
            self.picker.setCurrentIndex(self.sources.index(self.source))
        self._follow()

    def _follow(self) -> None:
        """Buttons and words that depend on the step and on what is known."""
        step = self._step
        self.picker.setVisible(step in (READING, COLUMNS) and len(self.sources) > 1)
        alike = sum(self.source.alike(other) for other in self.sources) if self.source is not None else 0
        self.same.setVisible(step in (READING, COLUMNS) and alike > 0)
        self.same.setText(f"&Same for {'one more file' if alike == 1 else f'{alike} more files'} of this shape")
        self.back.setVisible(step in (READING, COLUMNS, CHECK))
        self.back.setEnabled(not self._importing)
        self.cancel.setVisible(step != RESULT)
        self.cancel.setText("Stop" if self._importing else "Cancel")
        count = len(self.sources)
        source = self.source
        words = {CHECK: "Import" if count == 1 else f"Import {count} files", RESULT: "Done"}
        if source is not None and source.fresh and source.plan is not None and source.plan.questions:
            words[COLUMNS] = "Back to the question"
        self.forward.setText(words.get(step, "Continue"))
        self.forward.setEnabled(
            {
                FILES: bool(self.sources),
                READING: source is not None and source.plan is not None and source.error is None,
                COLUMNS: source is not None and source.fresh and source.error is None and self._may_check(),
                CHECK: self._checked is not None and self._task is None,
                RESULT: True,
            }[step]
        )
        if step in (READING, COLUMNS) and source is not None:
            self.note.setText(standing_words(source, self.sources, columns=step == COLUMNS))
        elif step in (FILES, CHECK) and self._task is None and not self.note.text().startswith(("Stopped", "Looking")):
            self.note.setText("")

    def _may_check(self) -> bool:
        plan = self.source.plan if self.source is not None else None
        return (
            plan is not None and not unsaid(plan) and not any(question.key == "columns" for question in plan.questions)
        )

    # ---- ending

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def reject(self) -> None:
        """Close, button and Escape. While the import runs this means stopping it; the wizard stays to say so."""
        self._stop()
        if not self._importing:
            self._closed = True
            super().reject()

    def _run(self, lane: Any, title: str, work: Any, done: Any) -> None:
        self._ask(lane, title, work, self._if_open(done), self._if_open(self._fail))

    def _if_open(self, call: Any) -> Any:
        return lambda value: None if self._closed else call(value)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, PdmError):
            self.note.setText(str(error))
        elif not isinstance(error, Cancelled):
            self.failed.emit(error)


def _bring_in(tables: Any, dry_run: bool, workspace: Any, progress: Any) -> Any:
    return workspace.import_tables(tables, progress, dry_run=dry_run)
