"""The cards beside a machine's trends: how high its risk is, which component, and why."""

from __future__ import annotations

from math import exp

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import MachineView, Reason, risk_text
from pdm_desktop.gui.marks import age_text, band_token, paint_risk_bar
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.widgets import Banner, Card, Pairs, RiskBar, label

NO_BREAK = "\N{NO-BREAK SPACE}"
COMPONENTS_SHOWN = 6
REASONS_SHOWN = 7
SHARE_SHOWN = 0.04
"""A reason with less than this share of the strongest one is not worth a line."""


def day_text(ms: int, zone_name: str) -> str:
    """19 Jan, 06:00: for times near the one the page is about."""
    moment = times.local(ms, zone_name)
    return f"{moment.day} {moment:%b, %H:%M}"


def zone_text(ms: int, zone_name: str) -> str:
    """The zone's own name at that time: UTC, CET, CEST."""
    return times.local(ms, zone_name).tzname() or zone_name


def _old_text(hours: float | None) -> str:
    """How old a reading is; nothing where it is as new as the clock."""
    return "" if hours is None or 0 <= hours < 1 / 60 else f" ({age_text(hours)} old)"


class RiskCard(Card):
    """The risk as a large number with its bar, what it means, and where it comes from."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._theme = theme
        self._token = "stale"
        self.number = label()
        self.meaning = label("", "muted")
        self.meaning.setWordWrap(True)
        self.note = label("")
        self.note.setWordWrap(True)
        self.doubts = Banner()
        self.bar = RiskBar(theme, thickness=10)
        self.facts = Pairs(right=True)
        self.facts.setHorizontalSpacing(GRID)
        self.facts.setVerticalSpacing(3)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.number)
        head.addWidget(self.meaning, 1)
        self.body.setSpacing(6)
        self.body.addLayout(head)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.note)
        self.body.addWidget(self.doubts)
        self.body.addLayout(self.facts)
        theme.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        # 96 % is large; > 99.9 % and words must leave room for what they mean
        short = len(self.number.text()) <= len("100 %")
        size = self._theme.text_size("big") if short else self._theme.text_size("title") + 8
        colour = self._theme.colour(self._token).name()
        # the application's sheet sets every size: a font alone would lose against it
        self.number.setStyleSheet(f"font-size: {size}px; font-weight: 600; color: {colour};")

    def show_view(self, view: MachineView) -> None:
        """Show the machine's state."""
        state, zone = view.state, view.time_zone
        self._token = band_token(state.band)
        self.number.setText("No number" if state.risk is None else risk_text(state.risk))
        self._dress()
        if state.risk is None:
            self.meaning.setText("The risk of this machine cannot be told now.")
        else:
            until = state.as_of + round(view.horizon_h * times.HOUR)
            end = f"{day_text(until, zone)} {zone_text(until, zone)}".replace(" ", NO_BREAK)
            lines = [f"probability of a failure\nbefore {end}"]
            if state.band == "stale" and not state.note:
                lines.append(f"as of {day_text(state.as_of, zone)}".replace(" ", NO_BREAK))
            self.meaning.setText("\n".join(lines))
        self.bar.setVisible(state.risk is not None)
        self.bar.set_risk(state.risk, state.threshold, self._token)
        note = state.note
        if not note and state.band == "stale":
            note = f"No reading for {age_text(state.data_age_h)}."
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.doubts.show_text("\n".join(state.doubts), "watch")
        self._show_facts(view)

    def _show_facts(self, view: MachineView) -> None:
        state, zone = view.state, view.time_zone
        facts: list[tuple[str, str]] = []
        if view.alarm_since is not None and state.band in ("alarm", "stale"):
            lasted = age_text((state.as_of - view.alarm_since) / times.HOUR)
            facts.append(("Alarm since", f"{day_text(view.alarm_since, zone)} ({lasted})"))
        if state.risk is not None:
            facts.append(("Threshold", risk_text(state.threshold)))
            if state.change is not None:
                facts.append(("A day earlier", risk_text(min(1.0, max(0.0, state.risk - state.change)))))
        if state.last_reading is not None:
            facts.append(("Last reading", f"{day_text(state.last_reading, zone)}{_old_text(state.data_age_h)}"))
        if view.model is not None:
            facts.append(("Model", f"{view.model.name} v{view.model.version}, features {view.model.feature_version}"))
        self.facts.show_pairs(facts)


class ComponentCard(Card):
    """The risk of each component as a bar; where there are many, the highest few."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("By component", parent)
        self._bars = _Bars(theme)
        self._rest = label("", "small")
        self.body.addWidget(self._bars)
        self.body.addWidget(self._rest)

    def show_view(self, view: MachineView) -> None:
        """Show the components' risks; hidden where there are none."""
        state = view.state
        self.setVisible(bool(state.component_risks) and state.risk is not None)
        risks = list(state.component_risks.items())
        rest = []
        if len(risks) > COMPONENTS_SHOWN:
            ranked = sorted(risks, key=lambda item: -item[1])
            risks, rest = ranked[: COMPONENTS_SHOWN - 1], ranked[COMPONENTS_SHOWN - 1 :]
        highest = risk_text(rest[0][1]) if rest else ""
        if highest and not highest.startswith("<"):
            highest = f"at most {highest}"
        self._rest.setText(f"{len(rest)} more, each {highest}" if rest else "")
        self._rest.setVisible(bool(rest))
        stale = state.band == "stale"
        self._bars.show_risks(
            [(name, risk, "stale" if stale else _band_of(risk, state.threshold)) for name, risk in risks]
        )


def _band_of(risk: float, threshold: float) -> str:
    return "alarm" if risk >= threshold else "watch" if risk >= threshold / 4 else "normal"


class _Bars(QWidget):
    """Name, bar and per cent, a row a component."""

    ROW = 21

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._risks: list[tuple[str, float, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_risks(self, risks: list[tuple[str, float, str]]) -> None:
        """(component, risk, colour token) each."""
        self._risks = risks
        self.setAccessibleName(", ".join(f"{name} {risk_text(risk)}" for name, risk, _ in risks))
        self.setToolTip(plain("\n".join(f"{name}: {risk_text(risk)}" for name, risk, _ in risks)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.ROW * len(self._risks))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        painter.setFont(theme.font())
        metrics = painter.fontMetrics()
        names = min(110, max((metrics.horizontalAdvance(name) for name, _, _ in self._risks), default=0)) + 14
        strong = QFontMetrics(theme.font(strong=True))
        figures = max((strong.horizontalAdvance(risk_text(risk)) for _, risk, _ in self._risks), default=0) + 12
        for at, (name, risk, token) in enumerate(self._risks):
            top = at * self.ROW
            painter.setFont(theme.font())
            painter.setPen(theme.colour("text"))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names - 8)
            painter.drawText(QRectF(0, top, names, self.ROW), int(Qt.AlignmentFlag.AlignVCenter), shown)
            bar = QRectF(names, top + self.ROW / 2 - 3, self.width() - names - figures, 6)
            paint_risk_bar(painter, theme, bar, risk, None, token)
            painter.setFont(theme.font(strong=True))
            painter.setPen(theme.colour("text"))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(self.width() - figures, top, figures, self.ROW), int(side), risk_text(risk))
        painter.end()


class ReasonCard(Card):
    """Why the risk is what it is: plain words over bars to the right (raises it) or to the left (lowers it)."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Why", parent)
        self._theme = theme
        self._rows: list[tuple[QWidget, QLabel, _SignedBar]] = []
        self.body.addWidget(label("What raises (right) and lowers (left) the risk", "small"))
        self.body.setSpacing(5)

    def show_view(self, view: MachineView) -> None:
        """Show the reasons, strongest first in either direction; hidden where there is no number."""
        reasons = view.state.reasons if view.state.risk is not None else ()
        most = max((abs(reason.contribution) for reason in reasons), default=0.0)
        worth = [reason for reason in reasons if abs(reason.contribution) >= SHARE_SHOWN * most > 0]
        worth = sorted(worth, key=lambda reason: -abs(reason.contribution))[:REASONS_SHOWN]
        worth.sort(key=lambda reason: -reason.contribution)
        self.setVisible(bool(worth))
        for at in range(len(self._rows), len(worth)):
            self._rows.append(self._row(at))
        up = max((reason.contribution for reason in worth), default=0.0)
        down = -min((reason.contribution for reason in worth), default=0.0)
        for at, (row, words, bar) in enumerate(self._rows):
            row.setVisible(at < len(worth))
            if at < len(worth):
                words.setText(worth[at].text.replace(" ± ", f"{NO_BREAK}±{NO_BREAK}"))
                bar.show_reason(worth[at], max(up, 0.0), max(down, 0.0))

    def _row(self, _at: int) -> tuple[QWidget, QLabel, _SignedBar]:
        words = label()
        words.setWordWrap(True)
        bar = _SignedBar(self._theme)
        row = QWidget()
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(words)
        column.addWidget(bar)
        self.body.addWidget(row)
        return row, words, bar


class _SignedBar(QWidget):
    """A bar from a zero line to the right or to the left."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._value, self._up, self._down = 0.0, 1.0, 1.0
        self.setFixedHeight(9)
        theme.changed.connect(self.update)

    def show_reason(self, reason: Reason, up: float, down: float) -> None:
        """A contribution in log-odds on a scale that reaches `down` below and `up` above zero."""
        self._value, self._up, self._down = reason.contribution, up, down
        factor = exp(min(abs(reason.contribution), 20.0))
        times_over = f"{factor:.1f}" if factor < 9.95 else f"{factor:,.0f}"
        verb = "Multiplies" if reason.contribution > 0 else "Divides"
        self.setToolTip(f"{verb} the odds of a failure by {times_over}")
        self.setAccessibleName(f"{'raises' if reason.contribution > 0 else 'lowers'} the risk: {reason.text}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, width = self._theme, float(self.width())
        # zero stays where both directions can be seen as such
        share = min(max(self._down / (self._up + self._down), 0.12), 0.5) if self._up + self._down else 0.5
        zero = round(width * share)
        unit = min(
            (width - zero) / self._up if self._up else float("inf"), zero / self._down if self._down else float("inf")
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("line2"))
        painter.drawRoundedRect(QRectF(0, 1, width, 7), 2, 2)
        length = max(2.0, abs(self._value) * unit) if self._value else 0.0
        painter.setBrush(theme.colour("alarm" if self._value > 0 else "normal"))
        painter.drawRoundedRect(QRectF(zero if self._value > 0 else zero - length, 1, length, 7), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(zero, 0, 1, 9), theme.colour("text"))
        painter.end()
