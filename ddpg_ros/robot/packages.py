"""Where a ROS package may be, for `package://` and for xacro's `$(find …)`."""

import os
from collections.abc import Iterator
from pathlib import Path

SEARCHED = "ROS_PACKAGE_PATH"
"""The environment variable to which a person adds folders of packages."""


def package_folders(package: str, folder: Path) -> Iterator[Path]:
    """Yield the folders in which a package may be.

    These are the ament index, `ROS_PACKAGE_PATH`, and the parents of a file with their children.

    Args:
        package: its name.
        folder: of the file that names the package.
    """
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        yield Path(prefix) / "share" / package
    for place in filter(None, os.environ.get(SEARCHED, "").split(os.pathsep)):
        if Path(place).name == package:
            yield Path(place)
        yield Path(place) / package
    for parent in (folder, *folder.parents):
        if parent.name == package:
            yield parent
        yield parent / package
