"""What ROS's own tools read of a package: `package.xml` and the changelog, as bloom does."""

from pathlib import Path

import pytest
from catkin_pkg.changelog import get_changelog_from_path
from catkin_pkg.package import parse_package
from catkin_pkg.package_version import get_forthcoming_label, update_changelog_sections
from docutils.core import publish_doctree

import ddpg_ros

ROOT = Path(__file__).parents[2]
CHANGELOG = ROOT / "CHANGELOG.rst"


def test_catkin_pkg_accepts_package_xml_without_a_warning() -> None:
    warnings: list[str] = []
    package = parse_package(str(ROOT / "package.xml"), warnings=warnings)
    assert warnings == []
    assert (package.name, package.version) == ("ddpg_ros", ddpg_ros.__version__)
    assert package.get_build_type() == "ament_python"
    (licence,) = package.licenses
    assert (str(licence), licence.file) == ("Apache-2.0", "LICENSE")
    assert (ROOT / licence.file).is_file()


def test_a_release_finds_what_is_new_and_what_was_released(tmp_path: Path) -> None:
    """As `catkin_prepare_release` and bloom do: what is new gets the next version's heading."""
    text = CHANGELOG.read_text()
    changelog = get_changelog_from_path(str(CHANGELOG), "ddpg_ros")
    assert changelog is not None
    released = tmp_path / "CHANGELOG.rst"
    label = get_forthcoming_label(text)
    update_changelog_sections({"ddpg_ros": (str(released), changelog, label)}, "9.9.9")
    after = get_changelog_from_path(str(released), "ddpg_ros")
    assert after is not None
    content = {version: items for version, _, items in after.foreach_version()}
    assert set(content) == {"9.9.9", ddpg_ros.__version__}
    assert all(content.values())


def test_the_changelog_is_restructured_text_without_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish_doctree(CHANGELOG.read_text(), settings_overrides={"report_level": 1})
    assert capsys.readouterr().err == ""
