"""Copies of the model versions on the tracking server that the user has set; without one nothing is ever sent.

The workspace's own store stays the truth: models are loaded from it alone, and training ends well whatever the server
does. What could not be sent waits, and goes with the next training or when it is asked for.
"""

from __future__ import annotations

from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.registry import Copy, Remote, Server
from pdm_desktop.core.sent import Sending
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.versions import ALIAS, SENT_AS, SENT_TO, Versions


def send(versions: Versions, settings: Settings, progress: Progress) -> Sending:
    """Send every version that is not on the server yet, oldest first, and have its alias follow the champion.

    A server that does not answer, refuses, or a cancelled sending is no error: the result says so and what waits.
    """
    server = Server(settings.tracking_server, settings.tracking_login)
    if not server.address:
        return Sending("")
    stored = versions.stored()
    waiting = [s.version for s in stored if s.tags.get(SENT_TO) != server.address]
    numbers = {s.version: s.tags[SENT_AS] for s in stored if s.tags.get(SENT_TO) == server.address}
    sent: list[str] = []
    try:
        progress.step(0, len(waiting), f"Sending to {server.address}")
        progress.check()
        with Remote.connected(server, settings.plant_name, versions.workspace_mark()) as remote:
            for found in stored:
                if found.version not in waiting:
                    continue
                progress.step(len(sent), len(waiting), f"Sending version {found.version} to {server.address}")
                progress.check()
                told = {key: value for key, value in found.tags.items() if key in ("origin", "note")}
                number = remote.put(versions.client(), Copy(found.version, found.run, found.folder, told), progress)
                versions.mark(found.version, {SENT_TO: server.address, SENT_AS: number})
                numbers[found.version] = number
                sent.append(found.version)
            remote.point(ALIAS, numbers.get(versions.champion, ""))
    except PdmError as exc:
        return Sending(server.address, tuple(sent), tuple(v for v in waiting if v not in sent), str(exc))
    except Cancelled:
        return Sending(server.address, tuple(sent), tuple(v for v in waiting if v not in sent), "Sending was stopped.")
    return Sending(server.address, tuple(sent))
