"""The versions of a workspace's model: registered with MLflow, one of them the champion, with who decided what and why.

Which version is in use stands in a small file of its own (core/champion.py): it decides, MLflow's alias follows it.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdm_desktop.core import champion, exchange, paths, registry
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.model_results import Decision, ModelVersion, Origin, former_version
from pdm_desktop.core.scoring import DESCRIPTION, Model
from pdm_desktop.core.times import now_ms
from pdm_desktop.core.training import Candidate

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

NAME = "pdm-risk"
EXPERIMENT = "plant"
ALIAS = "champion"
BUNDLED = "1"
"""The champion that ships with the program is registered first, so that one can go back to it."""
SENT_TO, SENT_AS = "sent_to", "sent_as"
"""Tags of a version: the tracking server that has a copy, and its number there."""
_WORKSPACE = "workspace"
_DECISION = "decision."
_COMPARED = "compared."
"""Tags of all versions together, so that they outlive a discarded one: whose run candidate N was compared with."""
_PUT_IN_USE = ("promoted", "rolled back")
_LONGEST = 2000


@dataclass(frozen=True)
class Stored:
    """A registered version and the folder of its model on this computer."""

    version: str
    folder: Path
    tags: Mapping[str, str]
    created: int
    run: str
    """The run it was registered from; the model itself names the run it was trained in."""


class Versions:
    """The registered versions in the folder `mlruns`. Any thread may call; those that write one at a time."""

    def __init__(self, mlruns: Path) -> None:
        self.mlruns = mlruns

    # ---- looking

    def all(self) -> tuple[ModelVersion, ...]:
        """Every version, newest first; where nothing was trained yet, the one that ships with the program."""
        if not (self.mlruns / registry.STORE).is_file():
            return (_described(_bundled(), True, True),)
        client = self._client()
        decided = self._decisions(client)
        used = {BUNDLED} | {d.version for d in decided if d.action in _PUT_IN_USE}
        now = self._readable_champion()
        found = sorted(self._stored(client), key=lambda s: -int(s.version))
        return tuple(_described(s, s.version == now, s.version in used) for s in found)

    def get(self, version: str) -> ModelVersion:
        """One version by number, or `champion`. PdmError when there is none."""
        wanted = self.champion if version == ALIAS else version
        for found in self.all():
            if found.version == wanted:
                return found
        if version == ALIAS:
            raise PdmError(
                f"Version {wanted} is in use, but the store of versions has lost it.",
                "Promote another version, or take mlruns/mlflow.db from a backup.",
                str(self.mlruns / registry.STORE),
            )
        raise PdmError(f"There is no model version {version!r}.", "See the list of models.", "version")

    def model(self, version: str) -> Model:
        """A version ready to predict; files are checked. PdmError when there is none or it is damaged."""
        found = self._find(version)
        return champion.named(Model.load(found.folder), found.version)

    def decisions(self) -> tuple[Decision, ...]:
        """Who decided what, when and why; newest first."""
        if not (self.mlruns / registry.STORE).is_file():
            return ()
        return tuple(reversed(self._decisions(self._client())))

    def compared(self, incumbent: ModelVersion) -> int:
        """How many candidates were compared with this version so far, also those that were discarded since.

        Of candidates of an earlier release, which kept no note of it, those trained since it was last put in use.
        """
        if not (self.mlruns / registry.STORE).is_file():
            return 0
        client = self._client()
        tags: Mapping[str, str] = client.get_registered_model(NAME).tags
        noted = {key.removeprefix(_COMPARED): run for key, run in tags.items() if key.startswith(_COMPARED)}
        decided = self._decisions(client)
        since = max((d.at for d in decided if d.action in _PUT_IN_USE and d.version == incumbent.version), default=0)
        brought = {d.version for d in decided if d.action == "imported"}
        older = {s.version for s in self._stored(client) if s.tags.get("origin") == "trained" and s.created >= since}
        older |= {d.version for d in decided if d.action == "discarded" and d.at >= since} - brought
        return sum(run == incumbent.run_id for run in noted.values()) + len(older - set(noted))

    @property
    def champion(self) -> str:
        """The number of the version in use."""
        entry = champion.entry(self.mlruns)
        return BUNDLED if entry is None else entry["version"]

    def _readable_champion(self) -> str:
        """The number of the version in use; empty where the file that says so is damaged: another can be promoted."""
        try:
            return self.champion
        except PdmError:
            return ""

    # ---- changing

    def register(
        self,
        candidate: Candidate,
        facts: Mapping[str, Any],
        files: Mapping[str, str],
        note: str = "",
        compared_with: str = "",
    ) -> ModelVersion:
        """Log a candidate as a run and register it; ended by any exception it leaves no version behind.

        compared_with: the run of the version in use that it was compared with.
        """
        client = self._client()
        registry.end_broken_off(client, EXPERIMENT)
        version = str(1 + max(int(s.version) for s in self._stored(client, deleted=True)))
        logged = registry.log_candidate(
            self.mlruns, candidate, name=NAME, version=version, experiment=EXPERIMENT, facts=facts, files=files
        )
        card = files.get("MODEL_CARD.md")
        if card is not None:
            (logged.folder / "MODEL_CARD.md").write_bytes(card.encode())
            registry.write_checksums(logged.folder)
        made = self._add(client, logged, "trained", note)
        if made.version != version:
            # MLflow counts also what was deleted without a note of ours.
            version = made.version
            registry.renumber(logged.folder, version)
        if compared_with:
            client.set_registered_model_tag(NAME, _COMPARED + version, compared_with)
        return _described(made, False, False)

    def promote(self, version: str, who: str, why: str) -> ModelVersion:
        """Put a version in use. PdmError when there is none, it is damaged, or it is in use already."""
        found = self._find(version)
        before = self._readable_champion()
        if found.version == before and champion.entry(self.mlruns) is not None:
            raise PdmError(f"Version {found.version} is in use already.", where="version")
        self._use(found, Decision(now_ms(), who, "promoted", found.version, before, why))
        return self.get(found.version)

    def rollback(self, who: str, why: str) -> ModelVersion:
        """Go back to the version that was in use before. PdmError when there was none."""
        client = self._client()
        former = former_version(self._decisions(client), BUNDLED)
        if former is None:
            raise PdmError("There is no earlier version to go back to.", "Promote another version instead.", "version")
        found = self._find(former)
        before = self._readable_champion()
        self._use(found, Decision(now_ms(), who, "rolled back", found.version, before, why))
        return self.get(found.version)

    def discard(self, version: str, who: str, why: str) -> None:
        """Take a candidate off the list; its run is kept as a deleted one. PdmError for a version ever in use."""
        about = self.get(version)
        if about.champion or about.was_champion:
            raise PdmError(
                f"Version {about.version} is or was in use: risks on record come from it.",
                "Only candidates go.",
                "version",
            )
        client = self._client()
        # Noted first: what the program dies in is done at the next opening.
        self._note(client, Decision(now_ms(), who, "discarded", about.version, "", why))
        self._follow(client)

    def export(self, version: str, out: Path) -> Path:
        """Write a version into one zip."""
        found = self._find(version)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "model"
            registry.export(registry.Logged(found.run, "", found.folder), copy)
            return exchange.pack(copy, out)

    def bring(self, file: Path, who: str, why: str) -> ModelVersion:
        """Import a version from a zip; one that is here already is found again. PdmError says why it is refused."""
        with tempfile.TemporaryDirectory() as folder:
            model = exchange.unpack(file, Path(folder))
            registry.check_described(Path(folder))
            for known in self.all():
                if known.run_id == model.info.run_id:
                    if not known.obstacle and not exchange.same(self.model(known.version), model):
                        raise PdmError(
                            f"The file calls itself version {known.version}, which is here, but holds another model.",
                            "Export the model again where it came from.",
                            str(file),
                        )
                    return known
            client = self._client()
            tags = {"origin": "imported", "source_run": model.info.run_id, "source_version": model.info.version}
            logged = registry.put_folder(
                self.mlruns, Path(folder), experiment=EXPERIMENT, run_name=f"{NAME} imported", tags=tags
            )
        made = self._add(client, logged, "imported", why)
        self._note(client, Decision(now_ms(), who, "imported", made.version, "", f"{file.name} {why}".strip()))
        return self.get(made.version)

    # ---- for copies elsewhere

    def client(self) -> MlflowClient:
        """The store, with its first version in it."""
        return self._client()

    def stored(self) -> list[Stored]:
        """Every version as it lies here, oldest first."""
        return sorted(self._stored(self._client()), key=lambda s: int(s.version))

    def mark(self, version: str, tags: Mapping[str, str]) -> None:
        """Note something about a version."""
        client = self._client()
        for key, value in tags.items():
            client.set_model_version_tag(NAME, version, key, value)

    def workspace_mark(self) -> str:
        """What tells this workspace's versions from others': drawn once, kept with them, also in a copy."""
        client = self._client()
        known: Mapping[str, str] = client.get_registered_model(NAME).tags
        if _WORKSPACE not in known:
            client.set_registered_model_tag(NAME, _WORKSPACE, uuid.uuid4().hex)
            return self.workspace_mark()
        return known[_WORKSPACE]

    def close(self) -> None:
        """Let go of the store's file."""
        registry.close(self.mlruns)

    # ---- inside

    def _client(self) -> MlflowClient:
        client = registry.open_client(self.mlruns)
        if not client.search_registered_models(f"name='{NAME}'"):
            client.create_registered_model(NAME)
        if not self._stored(client, deleted=True):
            logged = registry.put_folder(
                self.mlruns,
                paths.bundled_model(),
                experiment=EXPERIMENT,
                run_name=f"{NAME} {BUNDLED} (ships with the program)",
                tags={"origin": "bundled"},
            )
            made = self._add(client, logged, "bundled", "Ships with the program")
            assert made.version == BUNDLED, f"the first version is {made.version}"
        self._follow(client)
        return client

    def _follow(self, client: MlflowClient) -> None:
        """History and alias say what the file says, and what was discarded is gone, also after a crash in between."""
        now = self._readable_champion()
        plain = champion.decision(self.mlruns) if now else None
        if plain is not None:
            decision = Decision(**plain)
            known = {(d.at, d.action, d.version) for d in self._decisions(client)}
            if (decision.at, decision.action, decision.version) not in known:
                self._note(client, decision)
        gone = {d.version for d in self._decisions(client) if d.action == "discarded"}
        for left in self._stored(client) if gone else ():
            if left.version in gone:
                if client.get_run(left.run).info.lifecycle_stage == "active":
                    client.delete_run(left.run)
                client.delete_model_version(NAME, left.version)
        aliases: Mapping[str, Any] = client.get_registered_model(NAME).aliases
        known_here = {stored.version for stored in self._stored(client)}
        if str(aliases.get(ALIAS)) != now and now in known_here:
            client.set_registered_model_alias(NAME, ALIAS, now)

    def _stored(self, client: MlflowClient, *, deleted: bool = False) -> list[Stored]:
        found = [
            Stored(
                str(v.version),
                self.mlruns / v.tags.get("folder", ""),
                dict(v.tags),
                int(v.creation_timestamp),
                str(v.run_id),
            )
            for v in client.search_model_versions(f"name='{NAME}'", max_results=10_000)
        ]
        if deleted:
            gone = [d.version for d in self._decisions(client) if d.action == "discarded"]
            found += [Stored(version, self.mlruns, {}, 0, "") for version in gone]
        return found

    def _find(self, version: str) -> Stored:
        wanted = self.champion if version == ALIAS else version
        if not (self.mlruns / registry.STORE).is_file() and wanted == BUNDLED:
            return _bundled()
        for found in self._stored(self._client()):
            if found.version == wanted:
                return found
        raise PdmError(f"There is no model version {version!r}.", "See the list of models.", "version")

    def _add(self, client: MlflowClient, logged: registry.Logged, origin: Origin, note: str) -> Stored:
        folder = logged.folder.resolve().relative_to(self.mlruns.resolve()).as_posix()
        tags = {"origin": origin, "folder": folder, "note": note[:_LONGEST]}
        made = client.create_model_version(
            NAME, source=logged.folder.resolve().as_uri(), run_id=logged.run_id, tags=tags
        )
        return Stored(str(made.version), self.mlruns / folder, tags, int(made.creation_timestamp), logged.run_id)

    def _use(self, found: Stored, decision: Decision) -> None:
        exchange.check(Model.load(found.folder))
        client = self._client()
        found = self._find(found.version)
        champion.put_in_use(self.mlruns, found.version, found.folder, asdict(decision))
        self._follow(client)

    def _note(self, client: MlflowClient, decision: Decision) -> None:
        number = 1 + len(self._decisions(client))
        told = replace(decision, who=decision.who[:200], why=decision.why[:_LONGEST])
        client.set_registered_model_tag(NAME, f"{_DECISION}{number:05d}", json.dumps(asdict(told)))

    def _decisions(self, client: MlflowClient) -> list[Decision]:
        tags: Mapping[str, str] = client.get_registered_model(NAME).tags
        return [Decision(**json.loads(tags[key])) for key in sorted(tags) if key.startswith(_DECISION)]


def _bundled() -> Stored:
    return Stored(BUNDLED, paths.bundled_model(), {"origin": "bundled", "note": "Ships with the program"}, 0, "")


def _described(stored: Stored, champion: bool, used: bool) -> ModelVersion:
    """What a version's own description and its tags tell."""
    obstacle, plain = "", dict[str, Any]()
    try:
        Model.load(stored.folder)
        plain = json.loads((stored.folder / DESCRIPTION).read_text("utf-8"))
    except PdmError as exc:
        obstacle = exc.message
    spec = plain.get("feature_spec", {})
    origin: Any = stored.tags.get("origin", "trained")
    plots = stored.folder.parents[2] / stored.run / "artifacts" / "plots"
    if origin == "bundled":
        plots = paths.bundled_model().parent / "plots"
    return ModelVersion(
        version=stored.version,
        run_id=str(plain.get("run_id", stored.run)),
        name=str(plain.get("name", NAME)),
        origin=origin,
        champion=champion,
        created=stored.created or None,
        horizon_h=float(plain.get("horizon_h", 0.0)),
        threshold=float(plain.get("threshold", 0.0)),
        features=len(spec.get("names", ())),
        feature_version=int(spec.get("version", 0)),
        metrics=plain.get("metrics", {}),
        splits=plain.get("splits", {}),
        params=plain.get("params", {}),
        facts=plain.get("made_from", {}),
        note=stored.tags.get("note", ""),
        plots=tuple(sorted(plots.glob("*.svg"))) if plots.is_dir() else (),
        was_champion=used,
        obstacle=obstacle,
        sent_to=stored.tags.get(SENT_TO, ""),
    )
