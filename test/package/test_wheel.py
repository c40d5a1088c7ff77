"""The wheel: what a person gets who installs this package, and what stays in the checkout."""

import shutil
import subprocess
import sys
import tarfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
WANTED = ("ddpg_ros", "sim", "config", "launch", "resource", "requirements", "benchmarks", "test")
FILES = ("setup.py", "setup.cfg", "pyproject.toml", "package.xml", "MANIFEST.in", "LICENSE")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, in which building leaves nothing of ours changed."""
    source = tmp_path_factory.mktemp("source")
    for folder in WANTED:
        skipped = shutil.ignore_patterns("__pycache__", "results")
        shutil.copytree(ROOT / folder, source / folder, ignore=skipped)
    for file in FILES:
        shutil.copy(ROOT / file, source / file)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built without a network."""
    made = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation"]
    command += ["--disable-pip-version-check", "--no-index", "--wheel-dir", str(made)]
    built = subprocess.run(command, capture_output=True, text=True, cwd=source)
    assert built.returncode == 0, built.stderr
    return ZipFile(next(made.glob("ddpg_ros-*.whl")))


@pytest.fixture(scope="module")
def metadata(wheel: ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_every_module_is_in_the_wheel_and_no_test_and_no_benchmark(wheel: ZipFile) -> None:
    modules = {name for name in wheel.namelist() if name.endswith(".py")}
    own = {
        str(file.relative_to(ROOT))
        for package in ("ddpg_ros", "sim")
        for file in (ROOT / package).rglob("*.py")
    }
    launch = {name for name in modules if name.endswith(".launch.py")}
    assert modules - launch == own


def test_every_file_that_the_modules_read_is_in_the_wheel(wheel: ZipFile) -> None:
    own = {
        str(file.relative_to(ROOT))
        for package in ("ddpg_ros", "sim")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert own <= set(wheel.namelist())
    assert {"ddpg_ros/py.typed", "sim/assets/reacher2.urdf"} <= own


def test_every_file_that_setup_py_reads_is_in_the_source_distribution(
    source: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    read = {"package.xml", "resource/ddpg_ros"}
    parts = (("requirements", "txt"), ("config", "yaml"), ("config", "rviz"), ("launch", "py"))
    for folder, ending in parts:
        read |= {f"{folder}/{file.name}" for file in (ROOT / folder).glob(f"*.{ending}")}
    assert read <= names


def test_what_ros_looks_for_is_below_share(wheel: ZipFile) -> None:
    share = {name.partition(".data/data/")[2] for name in wheel.namelist()} - {""}
    assert share == {
        "share/ament_index/resource_index/packages/ddpg_ros",
        "share/ddpg_ros/package.xml",
        *(f"share/ddpg_ros/launch/{file.name}" for file in (ROOT / "launch").glob("*.py")),
        *(f"share/ddpg_ros/config/{file.name}" for file in (ROOT / "config").iterdir()),
        *(f"share/ddpg_ros/urdf/{file.name}" for file in (ROOT / "sim/assets").glob("*.urdf")),
    }


def test_the_metadata_has_what_the_files_in_requirements_ask_for(metadata: Message) -> None:
    wanted: dict[str, set[str]] = {}
    for part in ("base", "learn", "sim", "robot", "ros", "xacro", "onnx", "dev"):
        lines = (ROOT / "requirements" / f"{part}.txt").read_text().splitlines()
        wanted[part] = {line for line in lines if line and not line.startswith("#")}
    wanted["test"] = wanted["dev"]
    found: dict[str, set[str]] = {part: set() for part in wanted}
    for line in metadata.get_all("Requires-Dist", []):
        name, _, marker = line.partition(";")
        part = marker.split("==")[1].strip(" \"'") if "extra ==" in marker else "base"
        found[part].add(name.strip())
    assert found == wanted
    assert set(metadata.get_all("Provides-Extra", [])) == set(wanted) - {"base"}


def test_the_version_is_the_same_in_the_wheel_the_package_and_package_xml(
    metadata: Message,
) -> None:
    import ddpg_ros

    assert metadata["Version"] == ddpg_ros.__version__
    assert f"<version>{ddpg_ros.__version__}</version>" in (ROOT / "package.xml").read_text()


def test_each_executable_names_a_function_that_is_there(wheel: ZipFile) -> None:
    from importlib import import_module

    name = next(n for n in wheel.namelist() if n.endswith("/entry_points.txt"))
    lines = wheel.read(name).decode().splitlines()
    scripts = [
        line.split(" = ") for line in lines[1 + lines.index("[console_scripts]") :] if "=" in line
    ]
    assert {script for script, _ in scripts} >= {
        "ddpg-ros",
        "agent",
        "policy",
        "guard",
        "simulator",
    }
    for script, target in scripts:
        module, function = target.split(":")
        if script in ("ddpg-ros", "agent", "policy", "guard", "simulator"):
            assert callable(getattr(import_module(module), function))
