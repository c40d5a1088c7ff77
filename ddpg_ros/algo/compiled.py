"""The compiled update: kept on disk, made by a process beside the learner, loaded by a thread.

What is kept of one is its source, `update-….bin`, beside the libraries of all, `inductor/`.

A first compilation takes 20 to 45 s of a core, during which nobody waits who need not; the
next start with the same settings, code and torch finds it done. `python -m ddpg_ros.algo.compiled`
is that process.
"""

import contextlib
import hashlib
import logging
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddpg_ros.algo.machine import use_threads
from ddpg_ros.algo.program import Inputs, Program, Run
from ddpg_ros.algo.update import LearnerState
from ddpg_ros.config.settings import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout

_LOG = logging.getLogger(__name__)

_HEADERS = {"cpp_cache_precompile_headers": False}  # hundreds of megabytes, and save no time

_OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    "cpp_wrapper": True,  # the calls between the kernels in C++, too
    **_HEADERS,
    "pattern_matcher": False,  # would turn x W + b, then ReLU, from one pass over memory into two
    "guard_filter_fn": lambda guards: [False] * len(guards),  # shapes never change here
}


_KEPT = 32
"""Compiled updates in the cache."""

_LIBRARIES_LIMIT = 2**28
"""[bytes] of libraries from which the cache starts anew; an update has about 2**20."""

_NOT_COMPILED = {
    "mode",
    "warmup_steps",
    "update_to_data",
    "reset_every",
    "n_step",
    "discount",
    "target_noise_clip",
    "wide_final_layer",
    "averaged_policy",
}
"""Settings that no update reads: others of them find the same compiled one."""


class CompiledUpdate:
    """A compilation under way: `ready` at some time, and then `run`, or `error`."""

    def __init__(self, settings: LearnerSection, layout: RecordLayout) -> None:
        """Start to load it, or to make it."""
        self._settings, self._layout = settings, layout
        self._maker: subprocess.Popen[str] | None = None
        self._closed = False
        self.run: Run | None = None
        """The updates of `Program.in_one_graph`; None where it failed, or is not ready."""
        self.error = ""
        self.making = False
        """Why there is no compiled update, in one sentence."""
        self._thread = threading.Thread(target=self._work, name="compile", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether it is known what comes of it."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it is."""
        self._thread.join()

    def close(self) -> None:
        """End the process that compiles, if there still is one."""
        self._closed = True
        if self._maker is not None and self._maker.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended at this moment
                os.killpg(self._maker.pid, signal.SIGKILL)  # with the compilers that it started

    def _work(self) -> None:
        try:
            path = artifact(self._settings, self._layout)
            _require_compiler()
            _keep_libraries(path.parent)
            if not path.exists():
                self._make(path)
            self.run = _load(path)
        except MachineError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"the cache of compiled updates cannot be used: {error}."

    def _make(self, path: Path) -> None:
        self.making = True
        _LOG.info("compiling the update, once for these settings (20 to 45 s)")
        command = [sys.executable, "-m", "ddpg_ros.algo.compiled", str(path), str(os.getpid())]
        command += [str(size) for size in self._layout]
        self._maker = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        _, words = self._maker.communicate(self._settings.model_dump_json())
        self.making = False
        if self._maker.returncode == 0:
            _LOG.info("the update is compiled")
        elif not self._closed:
            lines = [line for line in words.splitlines() if line.strip()] or ["no word"]
            raise MachineError(
                f"the update could not be compiled, exit code {self._maker.returncode}: "
                f"{lines[-1].strip()} (it needs g++ and Python's headers: apt install g++ "
                "python3-dev)."
            )


def _require_compiler() -> None:
    """Check that there is one: torch asks it for its version even where all is compiled."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise MachineError(
            f"there is no C++ compiler '{compiler}' here (apt install g++ python3-dev)."
        )


def _keep_libraries(cache: Path) -> None:
    """Have torch keep compiled libraries beside the updates, not where a reboot clears them."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(_libraries(cache))


def _libraries(cache: Path) -> Path:
    return cache / "inductor"


def _load(path: Path) -> Run:
    from torch._inductor import config as inductor  # takes a second

    try:
        with path.open("rb") as file, inductor.patch(_HEADERS):
            function: Any = torch.compiler.load_compiled_function(file)
        with contextlib.suppress(OSError):  # a cache that is not ours to write
            path.touch()
    except Exception as error:  # whatever a damaged file may do to an unpickler
        path.unlink(missing_ok=True)
        raise MachineError(
            f"{path} held no compiled update ({type(error).__name__}) and is removed; the next "
            "start makes it anew."
        ) from None
    function.disable_guard_check()  # shapes and types never change here
    run: Run = function
    return run


def artifact(settings: LearnerSection, layout: RecordLayout) -> Path:
    """Return where the compiled update of these settings lies, or will lie."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for source in [*sorted(here.glob("*.py")), here.parent / "types.py"]:
        digest.update(source.read_bytes())
    machine = (platform.python_version(), torch.__version__, _cpu())
    compiled_in = settings.model_dump_json(exclude=_NOT_COMPILED)
    digest.update(repr((*machine, layout, compiled_in)).encode())
    return Path(cache) / "ddpg_ros" / f"update-{digest.hexdigest()[:32]}.bin"


def _cpu() -> str:
    """What a compiled update of one machine must find on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())


def make(settings: LearnerSection, layout: RecordLayout, path: Path) -> None:
    """Compile the update and write it; the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget_oldest(path.parent)
    _keep_libraries(path.parent)
    use_threads(settings, layout)
    program = Program(settings, layout)

    def run(state: LearnerState, inputs: Inputs) -> tuple[LearnerState, Tensor]:
        return program.in_one_graph(state, inputs)

    with torch.no_grad():
        state = program.initial_state(torch.Generator().manual_seed(0))
        storage = torch.zeros((settings.replay_capacity, layout.width))
        inputs = program.inputs(storage)
        function: Any = torch.compile(run, fullgraph=True, dynamic=False, options=_OPTIONS)
        compiled = function.aot_compile(((state, inputs), {}))
    temporary = path.with_suffix(f".{os.getpid()}")
    compiled.save_compiled_function(str(temporary))
    temporary.replace(path)


def forget_oldest(folder: Path) -> None:
    """Keep the compiled updates that were made or used last; half a megabyte each.

    Which library is whose only torch knows: where they have become many, everything goes.
    """
    updates = sorted(folder.glob("update-*.bin"), key=lambda path: _about(path).st_mtime)
    forgotten = updates[:-_KEPT]
    libraries = _libraries(folder)
    if sum(_about(path).st_size for path in libraries.rglob("*")) > _LIBRARIES_LIMIT:
        shutil.rmtree(libraries, ignore_errors=True)
        forgotten = updates
    for path in forgotten:
        path.unlink(missing_ok=True)


def _about(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError:  # removed meanwhile
        return os.stat_result([0] * 10)


def _follow(parent: int) -> None:
    """End this process and the compilers that it started where its parent is gone."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os.killpg(0, signal.SIGKILL)


def _main() -> None:
    path, parent, observation_size, action_size = sys.argv[1:]
    threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()
    settings = LearnerSection.model_validate_json(sys.stdin.read())
    make(settings, RecordLayout(int(observation_size), int(action_size)), Path(path))


if __name__ == "__main__":
    _main()
