"""Between a form for a change by hand and the session that makes it: the form closes once the change is made, and is
told where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings
from PySide6.QtWidgets import QWidget

from pdm_desktop.core import times
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.signed_form import SignedForm

if TYPE_CHECKING:
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.results import Fleet
    from pdm_desktop.core.workspace import Workspace

Work = Callable[["Workspace", "Progress"], Any]
WHO = "who"


class Signing(QObject):
    """Asks for changes in the name of whoever signed last."""

    def __init__(self, session: Session, settings: QSettings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window

    def ask(
        self,
        form: SignedForm,
        title: str,
        make: Callable[[Any], Work],
        told: Callable[[], Callable[[], None]] | None = None,
    ) -> None:
        """Open a form; make(by): the work as entered; told(): what is to be done once it is."""
        form.submitted.connect(lambda: self._submit(form, title, make(form.by()), told() if told else lambda: None))
        form.open()

    def _submit(self, form: SignedForm, title: str, work: Work, then: Callable[[], None]) -> None:
        self._settings.setValue(WHO, form.by().who)
        open_forms = {"form": form}
        form.destroyed.connect(open_forms.clear)

        def done(_: object) -> None:
            then()
            if open_forms:
                form.accept()

        def failed(error: Exception) -> None:
            if open_forms:
                form.refuse(error)

        self._session.record(title, work, done, failed)

    def who(self) -> str:
        """Who is proposed to have made the change."""
        from pdm_desktop.core.record import user

        return str(self._settings.value(WHO) or user())

    def zone(self) -> str:
        """The plant's time zone."""
        workspace = self._session.workspace
        return "UTC" if workspace is None else workspace.settings.time_zone

    def now(self) -> int:
        """The workspace's clock, where a new entry begins."""
        fleet: Fleet | None = self._session.fleet
        return times.now_ms() if fleet is None or fleet.clock == "live" else fleet.as_of
