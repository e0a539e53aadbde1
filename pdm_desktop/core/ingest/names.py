"""Names of machines, codes and components: what is certainly one name, and what only looks like one of the plant's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pdm_desktop.core.ingest.cells import Ints
from pdm_desktop.core.ingest.tokens import normal
from pdm_desktop.core.plans import OpenQuestion, Plan, Question

if TYPE_CHECKING:
    from pdm_desktop.core.store import BatchWriter

_TWINS = str.maketrans(
    "авекмнорстухіѕјαβεζηικμνορτυχ‐‑‒–—−", "abekmhopctyxisjabezhikmnoptyx------"
)  # letters of other scripts that cannot be told from Latin ones, and dashes
_SHOWN = 4  # pairs that a question or a note names


def look(name: str) -> str:
    """What is alike for names that people take for the same: 1 and 001 and 1.0, P-101 and p101, Latin A1 and Cyrillic
    А1."""
    text = unicodedata.normalize("NFKC", normal(name)).casefold().translate(_TWINS)
    text = re.sub(r"(\d+)\.0+", r"\1", text) if re.fullmatch(r"\d+\.0+", text) else text
    text = re.sub(r"(?<=[^\W\d_])[\s_-]+(?=\d)|(?<=\d)[\s_-]+(?=[^\W\d_])", "", text)
    text = re.sub(r"[\s_-]+", "-", text)
    return re.sub(r"(?<!\d)(?<!\d\.)0+(?=\d)", "", text)


class Names:
    """The names of one kind in one file, beside those that the plant has."""

    def __init__(self, plan: Plan, word: str, writer: BatchWriter) -> None:
        """word: what they name, such as "machine"."""
        self._plan = plan
        self.word = word
        self._writer = writer
        self._plant: dict[str, str] | None = None  # as it is certainly one -> as the plant writes it
        self._alike: dict[str, list[str]] = {}
        self._said: dict[str, str] = {}  # in earlier imports: the same as
        self._settled: dict[str, str] = {}
        self._same: dict[str, str] = {}
        self._beside: dict[str, str] = {}
        self._new: list[str] = []

    def settle(self, names: Sequence[str], codes: Ints | None = None) -> list[str]:
        """The names as the plant has them; codes: of the rows, whose names alone count. OpenQuestion where one is new
        and looks like another, and nothing was said of that."""
        fresh = [name for name in names if name not in self._settled]
        if not fresh:
            return [self._settled[name] for name in names]
        used = set(range(len(names)) if codes is None else np.flatnonzero(np.bincount(codes)).tolist())
        plant = self._of_plant()
        doubtful: dict[str, str] = {}
        for at, name in enumerate(names):
            if at not in used or name in self._settled:
                continue
            there = plant.get(normal(name))
            others = [] if there is not None else self._alike.get(look(name), [])
            if there is not None:
                self._settled[name] = there
            elif not others:
                self._settled[name] = name
                self._alike.setdefault(look(name), []).append(name)
                self._new.append(name)
            elif self._plan.choices.alike is None and self._said.get(name) in others:
                self._settled[name] = self._same[name] = self._said[name]
            elif self._plan.choices.alike == "new":
                self._settled[name] = name
                self._beside[name] = others[0]
            elif self._plan.choices.alike == "same" and len(others) == 1:
                self._settled[name] = self._same[name] = others[0]
            else:
                doubtful[name] = " or ".join(others)
        if doubtful:
            raise self._question(doubtful)
        return [self._settled.get(name, name) for name in names]

    def known(self) -> set[str]:
        """All names so far, the plant's included."""
        self._of_plant()
        return {name for names in self._alike.values() for name in names}

    def remember(self) -> None:
        """Keep in the plant which names are the same, for the files to come."""
        self._writer.remember_alike(self.word, self._same)

    def notes(self) -> tuple[str, ...]:
        """What is to be told of the names, in sentences."""
        found = []
        if self._same:
            found.append(f"Taken as one {self.word}: {_pairs(self._same, ' and ')}.")
        if self._beside:
            found.append(f"New beside a {self.word} that looks like it: {_pairs(self._beside, ' beside ')}.")
        if self.word == "machine" and self._plan.kind not in ("telemetry", "machines") and self._plant and self._new:
            count = len(self._new)
            some = ", ".join(self._new[:_SHOWN]) + (" ..." if count > _SHOWN else "")
            found.append(f"New to the plant, without readings so far: {some} ({count:,}).")
        return tuple(found)

    def _of_plant(self) -> dict[str, str]:
        if self._plant is None:
            self._plant = {}
            known = self._writer.plant_machines if self.word == "machine" else self._writer.plant_labels
            self._said = self._writer.alike(self.word)
            for name in known:
                self._plant.setdefault(normal(name), name)
                self._alike.setdefault(look(name), []).append(name)
        return self._plant

    def _question(self, doubtful: dict[str, str]) -> OpenQuestion:
        word, first = self.word, next(iter(doubtful))
        text = f"The {word} {first}{_script(first)} is new, and looks like {doubtful[first]}{_script(doubtful[first])}."
        if len(doubtful) > 1:
            text = f"{len(doubtful):,} {word}s are new, and look like others: {_pairs(doubtful, ' like ')}."
        hint = f"Say --alike same where they are the same {word}, --alike new where each is one of its own."
        options: tuple[tuple[str, str], ...] = (("same", f"the same {word}"), ("new", f"another {word}"))
        if any(" or " in other for other in doubtful.values()) and self._plan.choices.alike == "same":
            hint, options = f"Write in the file which {word} it is, or say --alike new.", options[1:]
        question = Question("alike", text, hint, options, "same" if len(options) > 1 else None, self._plan.path.name)
        return OpenQuestion(question, self._plan.path, self._plan.sheet)


def _pairs(found: dict[str, str], between: str) -> str:
    some = [f"{name}{_script(name)}{between}{other}" for name, other in list(found.items())[:_SHOWN]]
    return ", ".join(some) + (" ..." if len(found) > _SHOWN else "")


def _script(name: str) -> str:
    """What cannot be seen of a name: a letter that looks like one of another script."""
    other = next((char for char in name if char.casefold().translate(_TWINS) != char.casefold()), "")
    return f" (with {unicodedata.name(other, 'a sign of another script').lower()})" if other else ""
