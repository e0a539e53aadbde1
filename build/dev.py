"""Everything a developer does, from a clone: run, test, bench, package. Standard library only, Python 3.11 or newer.

python3 build/dev.py run [-- ARGS]      make .venv from exact pins, install the program, open it (or run it with ARGS)
python3 build/dev.py test [ARGS]        every check that must hold; ARGS go to pytest (.venv-mlflow: a server they ask)
python3 build/dev.py test --packaged    the tests that drive the packed program in build/dist
python3 build/dev.py bench [--json]     measure against references, which live in .venv-bench; --models: training alone
python3 build/dev.py package            pack the program into build/dist, with this system's installers

Exit codes: 0 done, 1 a check or test failed, 2 wrong use, 3 the machine lacks something (what to do is printed).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
WINDOWS = sys.platform == "win32"
ABSENT = 3
OVER = "over.pth"
"""Leads one environment to another's packages."""

# What Qt and XGBoost load beyond their own wheels, and the Debian package that has it.
DEBIAN_PACKAGE = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libstdc++.so.6": "libstdc++6",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xinput.so.0": "libxcb-xinput0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
}
FONT = "fonts-dejavu-core"
# Programs, and the Debian package that has each.
PACKING_TOOLS = {"objcopy": "binutils", "strip": "binutils", "zstd": "zstd"}
SCREEN_TOOLS = {"Xvfb": "xvfb", "xwininfo": "x11-utils", "strace": "strace"}
LOADED_BY_QT = (
    "PySide6/Qt/lib/libQt6Gui.so.6",
    "PySide6/Qt/lib/libQt6Widgets.so.6",
    "PySide6/Qt/lib/libQt6PrintSupport.so.6",
    "PySide6/Qt/lib/libQt6Svg.so.6",
    "PySide6/Qt/plugins/platforms/libqoffscreen.so",
    "PySide6/Qt/plugins/platforms/libqxcb.so",
    "xgboost/lib/libxgboost.so",
)


class Absent(Exception):
    """The machine lacks something; the message says what to do."""


def say(text: str) -> None:
    """To stderr, so that stdout stays the program's own (one JSON object with --json)."""
    print(text, file=sys.stderr, flush=True)


# --- the environment --------------------------------------------------------------------------------------------------


class Environment:
    """A virtual environment that holds precisely the pins of some files, and the program itself when asked.

    over: another environment, in which whatever is not found here is looked for.
    """

    def __init__(self, name: str, *pins: Path, program: bool, over: Environment | None = None) -> None:
        self.folder = ROOT / name
        self.pins = pins
        self.program = program
        self.over = over
        self.python = self.folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
        self._stamp = self.folder / "pdm-desktop.stamp"

    def script(self, name: str) -> str:
        """The path of an installed console script."""
        return str(self.python.with_name(name + (".exe" if WINDOWS else "")))

    def ready(self) -> None:
        """Make the environment, or bring it up to date; at once where nothing has changed since."""
        wanted = self._state()
        if self.python.exists() and self._stamp.is_file() and self._stamp.read_text(encoding="utf-8") == wanted:
            return
        say(f"Setting up {self.folder.name} from {', '.join(pins.name for pins in self.pins)} (once, some minutes) ...")
        if not self.python.exists() or not self._pip_works():
            need_ensurepip()
            self._check_call([base_python(), "-m", "venv", "--clear", str(self.folder)])
        self._stamp.unlink(missing_ok=True)
        (self._packages() / OVER).unlink(missing_ok=True)
        self._pip("install", "--no-deps", "--only-binary=:all:", *(f"-r{pins}" for pins in self.pins))
        self._remove_what_is_not_pinned()
        if self.program:
            self._pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        if self.over is None:
            self._pip("check")
        else:
            (self._packages() / OVER).write_text(f"{self.over._packages()}\n", encoding="utf-8")
        self._stamp.write_text(wanted, encoding="utf-8")

    def _packages(self) -> Path:
        """Where packages lie."""
        return next(self.folder.glob("Lib/site-packages" if WINDOWS else "lib/python3*/site-packages"))

    def _state(self) -> str:
        digest = hashlib.sha256()
        for path in (*self.pins, ROOT / "pyproject.toml"):
            digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
        return f"{digest.hexdigest()} {sys.version_info.major}.{sys.version_info.minor} {ROOT}\n"

    def _pip_works(self) -> bool:
        """False for a half-made environment, and for one made by another Python than this one."""
        code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
        try:
            run = subprocess.run([str(self.python), "-c", code], capture_output=True, text=True, check=False)
        except OSError:
            return False
        return run.returncode == 0 and run.stdout.strip() == f"{sys.version_info.major}.{sys.version_info.minor}"

    def _remove_what_is_not_pinned(self) -> None:
        lines = "\n".join(pins.read_text("utf-8") for pins in self.pins)
        pinned = {plain(name) for name in re.findall(r"^([\w.-]+)==", lines, re.MULTILINE)}
        command = [str(self.python), "-m", "pip", "list", "--local", "--format=freeze", "--disable-pip-version-check"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        installed = {plain(line.partition("==")[0]) for line in listed.splitlines()}
        surplus = sorted(installed - pinned - {"pip", "setuptools", "wheel", "pdm-desktop"})
        if surplus:
            self._pip("uninstall", "-y", *surplus)

    def _pip(self, *args: str) -> None:
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input", *args]
        self._check_call(command if args[0] != "install" else [*command, "--quiet"])

    def _check_call(self, command: Sequence[str]) -> None:
        status = subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode
        if status:
            raise Absent(f"Setting up {self.folder.name} failed (see above): {' '.join(command)}")


def plain(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def base_python() -> str:
    """The Python that environments are made from, also when this one runs inside an environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def need_ensurepip() -> None:
    """A stock Debian python3 comes without ensurepip, and then `venv` cannot install pip."""
    probe = "import ensurepip, venv"
    if subprocess.run([base_python(), "-c", probe], capture_output=True, check=False).returncode == 0:
        return
    # A fresh machine lacks Qt's libraries too, and should need one apt line, not two. A Python that apt did not install
    # cannot be mended by apt: the check after the installation tells.
    libraries = {package for name, package in DEBIAN_PACKAGE.items() if not loads(name)}
    fonts = [] if has_a_font() else [FONT]
    install_with_apt(["python3-venv", *sorted(libraries), *fonts], "python3 has no ensurepip, which .venv needs")
    if subprocess.run([base_python(), "-c", probe], capture_output=True, check=False).returncode:
        raise Absent(f"{base_python()} has no ensurepip even so: use a Python that can make virtual environments.")


# --- Linux packages ---------------------------------------------------------------------------------------------------


def missing_libraries(environment: Environment) -> list[str]:
    """The shared libraries that Qt and XGBoost ask for and the system does not have, by asking the loader."""
    ldd = shutil.which("ldd")
    if not sys.platform.startswith("linux") or ldd is None:
        return []
    site = next(environment.folder.glob("lib/python3*/site-packages"))
    missing: set[str] = set()
    for name in LOADED_BY_QT:
        output = subprocess.run([ldd, str(site / name)], capture_output=True, text=True, check=False).stdout
        missing.update(re.findall(r"^\s*(\S+) => not found", output, re.MULTILINE))
    return sorted(missing)


def loads(name: str) -> bool:
    """Whether the system has the shared library `name`."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def has_a_font() -> bool:
    """Qt's wheel carries no fonts: without one on the system every text is empty boxes."""
    home = Path.home()
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]
    return any(
        name.lower().endswith((".ttf", ".otf", ".ttc"))
        for folder in folders
        for _, _, names in os.walk(folder)
        for name in names
    )


def need_system_libraries(environment: Environment) -> None:
    """Install what Qt needs of the system, or say which line does."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_libraries(environment)
    packages = sorted({DEBIAN_PACKAGE[name] for name in missing if name in DEBIAN_PACKAGE})
    unknown = [name for name in missing if name not in DEBIAN_PACKAGE]
    if not has_a_font():
        packages.append(FONT)
        missing.append("a font")
    if unknown:
        raise Absent(f"These libraries are missing, and no package is known for them: {', '.join(unknown)}")
    if packages:
        install_with_apt(packages, f"missing: {', '.join(missing)}")
        left = missing_libraries(environment)
        if left:
            raise Absent(f"Still missing after the installation: {', '.join(left)}")


def wish_for(tools: Mapping[str, str], why: str) -> None:
    """Install the programs that are missing where that is allowed, else say so and go on without."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing and sys.platform.startswith("linux"):
        try:
            install_with_apt(sorted({tools[tool] for tool in missing}), f"{', '.join(missing)} missing, {why}")
        except Absent as exc:
            say(f"{exc}\nGoing on without.")


def install_with_apt(packages: Sequence[str], why: str) -> None:
    """Install Debian packages where that is allowed, else raise Absent with the line that does."""
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    apt = shutil.which("apt-get")
    if apt is None:
        raise Absent(f"{why}. Install what Debian calls {' '.join(packages)} with this system's package manager.")
    if os.geteuid() != 0:  # type: ignore[attr-defined, unused-ignore]
        raise Absent(f"{why}. Run this once, then again:\n    sudo apt-get update && sudo {line}")
    say(f"{why}: installing {' '.join(packages)} ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([apt, "update", "-q"], [apt, *line.split()[1:]]):
        done = subprocess.run(command, env=quiet, stdout=sys.stderr.fileno(), stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise Absent(f"{' '.join(command)} failed (see above). Needed: {line}")


# --- the commands -----------------------------------------------------------------------------------------------------


def program_environment() -> Environment:
    """What ships plus test tools, ready to use."""
    environment = Environment(".venv", BUILD / "constraints.txt", program=True)
    environment.ready()
    need_system_libraries(environment)
    return environment


def has_display() -> bool:
    """Whether a window can be shown."""
    linux = sys.platform.startswith("linux")
    return not linux or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run(args: list[str]) -> int:
    """Open the program, or pass `args` on to it; without a display do the main job headless."""
    if args and args[0] == "--":
        args = args[1:]
    environment = program_environment()
    program = [str(environment.python), "-m", "pdm_desktop"]
    if has_display():
        return subprocess.run([*program, *args], check=False).returncode
    offscreen = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    if args:
        return subprocess.run([*program, *args], env=offscreen, check=False).returncode
    say("There is no display to open a window on: doing the main job on the demo plant without one.")
    out = Path(tempfile.mkdtemp(prefix="pdm-desktop-demo-"))
    report, picture = out / "report.csv", out / "fleet.png"
    steps = (["demo"], ["report", "--out", str(report)], ["screenshot", "fleet", "--out", str(picture)])
    for step in steps:
        command = [*program, "--workspace", str(out / "workspace"), *step]
        status = subprocess.run(command, env=offscreen, check=False).returncode
        if status:
            say(f"pdm-desktop {step[0]} ended with exit code {status}.")
            return status
    print(f"Demo plant imported and scored.\n  risk report: {report}\n  fleet page:  {picture}")
    print(f"  workspace:   {out / 'workspace'}", flush=True)
    return 0


def test(args: list[str]) -> int:
    """Run every check, all of them even when one fails; pytest comes last, and so does its summary line."""
    environment = program_environment()
    python = str(environment.python)
    if "--packaged" not in args:
        # Stock MLflow must be able to open a workspace's store: its tests ask a real server.
        Environment(".venv-mlflow", BUILD / "constraints-mlflow.txt", program=False, over=environment).ready()
    if "--packaged" in args:
        wish_for(SCREEN_TOOLS, "for the tests of the window and of the network")
        chosen = [python, "-m", "pytest", "-m", "packaged", *(arg for arg in args if arg != "--packaged")]
        return subprocess.run(chosen, cwd=ROOT, check=False).returncode
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [environment.script("lint-imports")],
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    verdict = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"--- static checks {verdict}\n--- pytest", flush=True)
    offscreen = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    # A packed program may be older than the source: only --packaged asks about it.
    choice = [] if "-m" in args else ["-m", "not packaged"]
    command = [python, "-m", "pytest", *choice, *args]
    status = subprocess.run(command, cwd=ROOT, env=offscreen, check=False).returncode
    return status or int(bool(failed))


def bench(args: list[str]) -> int:
    """Measure; the sqlite3 shell and .venv-bench are only references, a missing one is said on its line."""
    environment = program_environment()
    references = Environment(".venv-bench", BUILD / "constraints-bench.txt", program=False)
    references.ready()
    if shutil.which("sqlite3") is None:
        try:
            install_with_apt(["sqlite3"], "the sqlite3 shell is the reference of the import")
        except Absent as exc:
            say(f"{exc}\nGoing on without it: the import line has no reference and counts as not met.")
    command = [str(environment.python), str(BUILD / "bench.py"), "--reference-python", str(references.python), *args]
    return subprocess.run(command, cwd=ROOT, env={"QT_QPA_PLATFORM": "offscreen", **os.environ}, check=False).returncode


def package(args: list[str]) -> int:
    """Pack the program, in an environment that has the packing tools beside the program's pins."""
    if args:
        say("package takes no arguments.")
        return 2
    pins = (BUILD / "constraints.txt", BUILD / "constraints-package.txt")
    environment = Environment(".venv-package", *pins, program=False)
    environment.ready()
    need_system_libraries(environment)
    wish_for(PACKING_TOOLS, "for a smaller program and archive")
    if sys.platform.startswith("linux") and shutil.which("objcopy") is None:
        raise Absent("PyInstaller needs objcopy (Debian: apt-get install binutils).")
    return subprocess.run([str(environment.python), str(BUILD / "package.py")], cwd=ROOT, check=False).returncode


COMMANDS = {"run": run, "test": test, "bench": bench, "package": package}


def main(argv: Iterable[str]) -> int:
    """Dispatch; the exit code."""
    command, *args = [*argv] or [""]
    if command in ("-h", "--help"):
        print(__doc__)
        return 0
    if command not in COMMANDS:
        say(__doc__ or "")
        return 2
    if sys.version_info < (3, 11):
        say(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return ABSENT
    try:
        return COMMANDS[command](args)
    except Absent as exc:
        say(str(exc))
        return ABSENT
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
