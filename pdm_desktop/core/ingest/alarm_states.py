"""Lists of alarms that say in a column whether one came, was acknowledged or went: only its coming is an error."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.plans import Question, Role

_SAID_CAME = """
    active act activeunacked activeunack actunack alarm alm unackalm came coming come incoming raised raise occurred
    appeared triggered gekommen kommt kommend aufgetreten apparition apparue apparu activation actif activee
    activada activado activo aparecida attivo attiva attivato opgekomen actief aktiv aktivni wystapil
    报警 发生 触发 产生 активна активен возникновение"""
_SAID_WENT = """
    cleared clear inactive inact inactiveunacked inactiveacked rtn return returned returntonormal unackrtn ackrtn gone
    going went outgoing deactivated disappeared gegangen geht gehend behoben beendet disparition disparue
    disparu inactif inactivo desactivada desactivado desaparecida inattivo rientrato rientro verdwenen inactief inaktiv
    ustapil 恢复 消除 解除 снята сброс
    ack acked acknowledge acknowledged ackalm activeacked activeack actack unacknowledged quittiert quittung
    acquitte acquittee acquittement reconocida reconocido reconocimiento riconosciuto riconosciuta bevestigd
    potwierdzony kvitterad 确认 квитирована
    shelved unshelved suppressed unsuppressed"""
_CAME, _WENT = frozenset(_SAID_CAME.split()), frozenset(_SAID_WENT.split())
_WEAK_CAME = frozenset(("1", "on", "in", "set", "start", "started", "true", "k", "+", "i"))
_WEAK_WENT = frozenset(
    (
        "0",
        "off",
        "out",
        "reset",
        "end",
        "stop",
        "ended",
        "false",
        "normal",
        "norm",
        "ok",
        "g",
        "q",
        "-",
        "*",
        "o",
        "a",
        "2",
    )
)
_MOST_WORDS = 40


def ask(draft: Draft) -> None:
    """Give a column of such states its role; ask where its words leave it open."""
    if draft.of("state"):
        return
    for i in draft.free():
        f = draft.facts[i]
        if f.fractions or f.mostly(f.times) or f.mostly(f.clocks):
            continue
        words = {_plain(cell) for cell in f.cells if cell.strip()}
        if len(words) > _MOST_WORDS or not words:
            continue
        came, went = words & _CAME, words & _WENT
        if came and went and words <= _CAME | _WENT | {"normal", "norm", "ok", "none"} and _alternate(draft, i):
            draft.roles[i] = Role("state")
            return
        weak = words <= _CAME | _WENT | _WEAK_CAME | _WEAK_WENT and words & (_CAME | _WEAK_CAME)
        weak = weak and words & (_WENT | _WEAK_WENT)
        named = "state" in f.roles or "quality" in f.roles
        if (came and went) or (weak and named and len(words) < 6):
            first = next(cell.strip() for cell in f.cells if _plain(cell) in (came or words & _WEAK_CAME))
            shown = ", ".join(sorted({cell.strip() for cell in f.cells if cell.strip()})[:5])
            text = f"Column {f.name} ({shown}) seems to say whether an alarm came or went: which of its words say that"
            text += " one came is not known."
            hint = (
                f"Say it: --map {f'{f.name}=state:{first}'!r}; or have every line count: --map {f.name + '=ignore'!r}."
            )
            draft.questions.append(Question("columns", text, hint, where=draft.where))
            return


def _alternate(draft: Draft, i: int) -> bool:
    """Whether some alarm of a machine came and went, as far as the samples show; tickets have one state each."""
    whose = [*draft.of("machine"), *draft.of("error", "component")]
    seen: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    for row, cell in enumerate(draft.facts[i].cells):
        word = _plain(cell)
        if word in _CAME or word in _WENT:
            seen[word in _CAME].add(tuple(draft.facts[j].cells[row] for j in whose))
    return bool(seen[True] & seen[False])


def came(words: Sequence[str], said: str) -> npt.NDArray[np.bool_]:
    """Which of the states say that an alarm came. said: the one that does; "" where their own sense tells: those that
    say nothing of going or acknowledgement."""
    if not said:
        return np.array([_plain(word) not in _WENT | {"normal", "norm", "ok"} for word in words], np.bool_)
    number = number_of(said)
    return np.array(
        [_plain(word) == _plain(said) or (number is not None and number_of(word) == number) for word in words], np.bool_
    )


def note(column: str, count: int) -> str:
    """What became of the other lines."""
    one = count == 1
    lines, none = ("line", "is no error of its own") if one else ("lines", "are no errors of their own")
    return f"{count:,} {lines} in which {column} does not say that an alarm came {none}."


def _plain(cell: str) -> str:
    text = cell.strip()
    if len(text) == 1 or aliases.plain(text) == "":
        return text.casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if char.isalnum())
