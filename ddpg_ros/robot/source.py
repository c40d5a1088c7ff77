"""The URDF text of an arm: a file as it is, or what a xacro makes of it."""

import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from ddpg_ros.errors import RobotError, nearest, shortened
from ddpg_ros.extras import require
from ddpg_ros.robot.packages import SEARCHED, package_folders

_ARGUMENT = re.compile(r"""<xacro:arg\s[^>]*name=["']([^"']+)|\$\(arg\s+([^)\s]+)""")
_WORDS = re.compile(r"'([^']+)'|([^\s'\"]+)")  # what is in quotes, and single words


def read_source(path: Path, arguments: Sequence[str] = ()) -> bytes:
    """Return the bytes of a URDF; a `.xacro`, or a file with `xacro:` tags, is processed first.

    Args:
        path: the file.
        arguments: of a xacro, `name:=value` each.

    Raises:
        RobotError: a file that cannot be read, arguments that it does not take, or a xacro that
            fails: with its own message, and the file and line if xacro tells them.
        MachineError: a xacro, and the library of that name is not installed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RobotError(f"{path} cannot be read ({error.strerror}).") from None
    if path.suffix == ".xacro" or b"<xacro:" in data:
        return _processed(path, tuple(arguments), data)
    if arguments:
        raise RobotError(
            f"{path} is a URDF and takes no arguments; got robot.xacro_arguments "
            f"{', '.join(arguments)}. Leave them out, or name the .xacro file."
        )
    return data


@lru_cache(maxsize=8)  # agent and simulator of one process, and the parts of a command
def _processed(path: Path, arguments: tuple[str, ...], data: bytes) -> bytes:
    require("xacro")
    import xacro

    given = _Arguments(arguments)
    spoken = io.StringIO()  # xacro's warnings go to stderr
    try:
        with _finding_packages(path.parent), contextlib.redirect_stderr(spoken):
            document = xacro.process_file(str(path), mappings=given)
    except RobotError:
        raise
    except Exception as error:  # xacro lets through whatever an expression raises
        raise RobotError(_failure(path, error)) from None
    given.require_known(path, data)
    while document.firstChild.nodeType == document.COMMENT_NODE:  # its banner names the folder
        document.removeChild(document.firstChild)
    text: bytes = document.toxml(encoding="utf-8")
    return text


class _Arguments(dict[str, str]):
    """The arguments of a xacro, which remember what xacro asks for: it ignores the others."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Read `name:=value` each.

        Raises:
            RobotError: not of this form, or a name comes twice.
        """
        super().__init__()
        self._known: set[str] = set()
        for argument in arguments:
            name, assigned, value = (part.strip() for part in argument.partition(":="))
            if not (assigned and name):
                raise RobotError(
                    f"'{argument}' is no argument of a xacro; expected name:=value, for example "
                    "use_gripper:=true."
                )
            if name in self:
                raise RobotError(f"the xacro's argument '{name}' comes twice; expected one value.")
            self[name] = value
        self._given = tuple(self)
        self._known.clear()

    def __contains__(self, name: object) -> bool:
        self._known.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self._known.add(name)
        return super().__getitem__(name)

    def require_known(self, path: Path, data: bytes) -> None:
        """Refuse arguments that xacro did not ask for and that the file does not name.

        Raises:
            RobotError: with the names that the file has.
        """
        named = _ARGUMENT.findall(data.decode("utf-8", errors="replace"))
        known = self._known | {name for pair in named for name in pair if name}
        unknown = [name for name in self._given if name not in known]
        if unknown:
            has = f"It has: {', '.join(sorted(known))}." if known else "It takes no arguments."
            raise RobotError(
                f"{path} has no argument {', '.join(map(repr, unknown))}"
                f"{nearest(unknown[0], known)} {has}"
            )


@contextlib.contextmanager
def _finding_packages(folder: Path) -> Iterator[None]:
    """Let `$(find PACKAGE)` look where `package://` does; xacro itself knows the ament index."""
    from xacro import substitution_args

    def find(package: str) -> str:
        looked = list(dict.fromkeys(package_folders(package, folder)))
        for place in looked:
            if place.is_dir():
                return str(place)
        raise RobotError(
            f"the xacro in {folder} looks for the package '{package}', which is not there; looked "
            f"at {', '.join(map(str, looked))}. Source its workspace, or add the folder that "
            f"holds it to {SEARCHED}."
        )

    functions: dict[str, Any] = substitution_args._eval_dict
    before = substitution_args._eval_find, functions["find"]
    substitution_args._eval_find = functions["find"] = find
    try:
        yield
    finally:
        substitution_args._eval_find, functions["find"] = before


def _failure(path: Path, error: Exception) -> str:
    """Return a sentence with xacro's message, and the file and line that it comes from."""
    import xacro

    inner = getattr(error, "exc", None) or error
    if isinstance(inner, RobotError):  # of a package that is not there
        return str(inner)
    files = [str(file) for file in reversed(xacro.filestack or []) if file] or [str(path)]
    macros = [macro.body.getAttribute("name") for macro in reversed(xacro.macrostack or [])]
    said = shortened(" ".join(str(error).split()) or type(error).__name__, 400)
    if isinstance(inner, ExpatError):
        at, line = files[0], inner.lineno
    else:
        at, line = _place_of(said, files)
    where = f"{at}, line {line}" if line else at
    included = f" (included from {path})" if Path(at) != path else ""
    within = f" (in macro {macros[0]})" if macros else ""
    return f"xacro cannot process {where}{included}{within}: {said}. Correct it, or its arguments."


def _place_of(said: str, files: Sequence[str]) -> tuple[str, int]:
    """Return the file and line that alone hold a word of xacro's message; 0: there is none.

    xacro tells no line but for what is not XML.
    """
    lines = []
    for file in dict.fromkeys(files):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = Path(file).read_text(encoding="utf-8").splitlines()
            lines += [(file, number, line) for number, line in enumerate(text, start=1)]
    words = {word for found in _WORDS.findall(said) for word in found if len(word) > 2}
    for word in sorted(words, key=len, reverse=True):
        holders = [(file, number) for file, number, line in lines if word in line]
        if len(holders) == 1:
            return holders[0]
    return files[0], 0
