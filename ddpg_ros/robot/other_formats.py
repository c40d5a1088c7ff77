"""What a file is that is given for a URDF, and is none."""

import xml.etree.ElementTree as ElementTree

_PACKED = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
}
_HEADS = {
    "sdf": "an SDF, Gazebo's format; give the URDF or xacro of the same arm",
    "mujoco": "an MJCF, MuJoCo's format; give the URDF or xacro of the same arm",
    "mujocoinclude": "a part of an MJCF, MuJoCo's format; give the URDF or xacro of the same arm",
    "COLLADA": "a mesh; give the URDF that names it",
    "launch": "a launch file; give the URDF or xacro that it names",
    "html": "a web page; download the file itself, not the page that shows it",
}


def why_no_xml(source: bytes, error: Exception) -> str:
    """Return what bytes are that are no XML, as the end of a sentence.

    Args:
        source: the bytes of the file.
        error: of the XML reader.
    """
    if not source.strip():
        return "is empty; expected a URDF"
    for start, kind in _PACKED.items():
        if source.startswith(start):
            return f"is {kind}; unpack it, and give the URDF that is in it"
    try:
        source.decode("utf-8")
    except UnicodeDecodeError:
        return f"is not XML ({error}); save it as UTF-8, or name its encoding in its first line"
    return f"is not XML ({error}); expected a URDF"


def why_no_urdf(root: ElementTree.Element) -> str:
    """Return what an XML file is that has no `<robot>` of a URDF, as the end of a sentence.

    Args:
        root: its first element; empty text means that it may be a URDF.
    """
    space, _, tag = root.tag.rpartition("}")
    if space and tag == "robot":
        return f'has xmlns="{space[1:]}" in its <robot>; remove it, a URDF has no namespace'
    if root.tag != "robot":
        other = _HEADS.get(tag, "")
        return f"holds <{tag}>; expected a URDF's <robot>" + (f". It is {other}" if other else "")
    if root.find("link") is None and root.find("joint") is None:
        if root.find("group") is not None or root.find("disable_collisions") is not None:
            return "is an SRDF, which names groups of joints; give the URDF that it belongs to"
        return "has a <robot> without links and joints; expected a URDF's"
    return ""
