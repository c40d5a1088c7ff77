"""The compiled update: compiled by a child process, cached on disk, loaded by a thread.

The first compilation takes 20 to 45 s of one core, so the learner starts eagerly and switches
when the compiled update is ready. The next start with the same settings, code and torch loads it
from the cache: one `update-….bin` a configuration, and the libraries of all in `inductor/`.
`python -m ddpg_ros.algo.compiled` is the child process.
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
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout

_LOG = logging.getLogger(__name__)

_HEADERS = {"cpp_cache_precompile_headers": False}  # they take hundreds of MB and save no time

_OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    "cpp_wrapper": True,  # C++ instead of Python between the kernels
    **_HEADERS,
    "pattern_matcher": False,  # it would split relu(x W + b) into two passes over memory
    "guard_filter_fn": lambda guards: [False] * len(guards),  # shapes never change here
}


_LONGEST = 1800.0  # [s] that a compilation may take; 45 on an idle core

_KEPT = 32
"""Number of compiled updates that the cache keeps."""

_LIBRARIES_LIMIT = 2**28
"""Size of the libraries above which the cache is emptied [bytes]; one update takes about 2**20."""

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
    "earlier_share",
    "earlier_updates",
    "critic_first",
}
"""Settings that the compiled code does not depend on, so they are no part of the cache key."""


class CompiledUpdate:
    """A compilation in the background; once it is `ready`, either `run` or `error` is set."""

    def __init__(self, settings: LearnerSection, layout: RecordLayout) -> None:
        """Start to load the compiled update from the cache, or to compile it."""
        self._settings, self._layout = settings, layout
        self._compiler: subprocess.Popen[str] | None = None
        self._closed = False
        self.run: Run | None = None
        """The compiled `Program.in_one_graph`; None until it is ready, or if it failed."""
        self.error = ""
        """Why compilation failed, in one sentence."""
        self.compiling = False
        """Whether a compilation runs; otherwise the update is loaded."""
        self._thread = threading.Thread(target=self._work, name="compile", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the compilation has succeeded or failed."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Block until the compilation is ready."""
        self._thread.join()

    def close(self) -> None:
        """Kill the compiling process if it still runs."""
        self._closed = True
        if self._compiler is not None and self._compiler.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended at this moment
                os.killpg(self._compiler.pid, signal.SIGKILL)  # with the g++ that it started

    def _work(self) -> None:
        try:
            path = cache_path(self._settings, self._layout)
            _require_compiler()
            _keep_libraries(path.parent)
            if not path.exists():
                self._compile(path)
            self.run = _load(path)
        except MachineError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"the cache of compiled updates cannot be used: {error}."

    def _compile(self, path: Path) -> None:
        self.compiling = True
        _LOG.info("compiling the update, once for these settings (20 to 45 s)")
        command = [sys.executable, "-m", "ddpg_ros.algo.compiled", str(path), str(os.getpid())]
        command += [str(size) for size in self._layout]
        self._compiler = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            _, errors = self._compiler.communicate(self._settings.model_dump_json(), _LONGEST)
        except subprocess.TimeoutExpired:
            self.close()
            raise MachineError(
                f"the update was not compiled within {_LONGEST:g} s; see the load of the machine, "
                f"and whether another process holds a lock in {_libraries(path.parent)}."
            ) from None
        finally:
            self.compiling = False
        if self._compiler.returncode == 0:
            _LOG.info("the update is compiled")
        elif not self._closed:
            lines = [line for line in errors.splitlines() if line.strip()] or ["no message"]
            raise MachineError(
                f"the update could not be compiled, exit code {self._compiler.returncode}: "
                f"{lines[-1].strip()} (it needs g++ and Python's headers: apt install g++ "
                "python3-dev)."
            )


def _require_compiler() -> None:
    """Check that a compiler is installed; torch runs it even to load a compiled update."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise MachineError(
            f"there is no C++ compiler '{compiler}' here (apt install g++ python3-dev)."
        )


def _keep_libraries(cache: Path) -> None:
    """Have torch keep its libraries in our cache instead of /tmp, which a reboot clears."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(_libraries(cache))


def _libraries(cache: Path) -> Path:
    return cache / "inductor"


def _load(path: Path) -> Run:
    from torch._inductor import config as inductor  # the import takes a second

    try:
        with path.open("rb") as file, inductor.patch(_HEADERS):
            function: Any = torch.compiler.load_compiled_function(file)
        with contextlib.suppress(OSError):  # the cache may be read-only
            path.touch()
    except Exception as error:  # a damaged file can raise anything in the unpickler
        path.unlink(missing_ok=True)
        raise MachineError(
            f"{path} held no compiled update ({type(error).__name__}) and is removed; the next "
            "start makes it anew."
        ) from None
    function.disable_guard_check()  # shapes and types never change here
    run: Run = function
    return run


def cache_path(settings: LearnerSection, layout: RecordLayout) -> Path:
    """Return the path of the compiled update for these settings, this code and this machine."""
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
    """Return the instruction sets of this CPU, which compiled code depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())


def make(settings: LearnerSection, layout: RecordLayout, path: Path) -> None:
    """Compile the update and write it to `path`, whole or not at all."""
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
    """Remove all but the most recently used compiled updates.

    Only torch knows which library belongs to which update. If the libraries exceed their limit,
    every update and every library is removed.
    """
    updates = sorted(folder.glob("update-*.bin"), key=lambda path: _stat(path).st_mtime)
    forgotten = updates[:-_KEPT]
    libraries = _libraries(folder)
    if sum(_stat(path).st_size for path in libraries.rglob("*")) > _LIBRARIES_LIMIT:
        shutil.rmtree(libraries, ignore_errors=True)
        forgotten = updates
    for path in forgotten:
        path.unlink(missing_ok=True)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError:  # another process has removed it
        return os.stat_result([0] * 10)


def _end_with_parent(parent: int) -> None:
    """Kill this process and the compilers that it started when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os.killpg(0, signal.SIGKILL)


def _main() -> None:
    path, parent, observation_size, action_size = sys.argv[1:]
    threading.Thread(target=_end_with_parent, args=(int(parent),), daemon=True).start()
    settings = LearnerSection.model_validate_json(sys.stdin.read())
    make(settings, RecordLayout(int(observation_size), int(action_size)), Path(path))


if __name__ == "__main__":
    _main()
