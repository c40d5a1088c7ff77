"""How much memory a training may take, as the system states it."""

import pytest

from ddpg_ros.training import memory_check


@pytest.mark.parametrize(
    ("stat", "left"),
    [
        ("anon 1000\nfile 7000\ninactive_file 6000\nactive_file 1000\n", 7000.0),  # version 2
        ("inactive_file 10\ntotal_inactive_file 6000\n", 7000.0),  # version 1, with its children
        ("anon 9000\n", 1000.0),
        ("anon\n", 1000.0),
    ],
)
def test_files_that_were_read_take_no_memory_of_a_group(tmp_path, monkeypatch, stat, left):
    # 10,000 bytes are allowed and 9,000 taken, of which 6,000 are files that can be read again.
    for name, text in (("max", "10000\n"), ("current", "9000\n"), ("stat", stat)):
        (tmp_path / f"memory.{name}").write_text(text)
    group = str(tmp_path / "memory.max"), str(tmp_path / "memory.current")
    monkeypatch.setattr(memory_check, "_GROUPS", (group,))
    monkeypatch.setattr(memory_check, "_in_machine", lambda: 1e12)
    assert memory_check.available_memory() == left


@pytest.mark.parametrize("text", ["max\n", "", None])
def test_a_group_without_a_limit_limits_nothing(tmp_path, monkeypatch, text):
    if text is not None:
        (tmp_path / "memory.max").write_text(text)
    group = str(tmp_path / "memory.max"), str(tmp_path / "memory.current")
    monkeypatch.setattr(memory_check, "_GROUPS", (group,))
    monkeypatch.setattr(memory_check, "_in_machine", lambda: 1e12)
    assert memory_check.available_memory() == 1e12
