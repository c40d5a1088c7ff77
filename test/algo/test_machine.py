"""What a learner asks of the machine: refused where it is missing; threads where they pay."""

import threading

import pytest
import torch

from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.machine import flush_subnormals
from ddpg_ros.algo.replay import Replay
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout


def learner(**settings):
    small = {"hidden": [8, 8], "batch_size": 16, "replay_capacity": 1000, "mode": "eager"}
    return Learner(LearnerSection(**(small | settings)), RecordLayout(3, 1), seed=0)


def test_cuda_where_there_is_none_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        MachineError, match=r"^learner\.device is cuda, .*set learner\.device: cpu"
    ):
        learner(device="cuda")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "cuda:-1", "mps", "meta", "cpu:0"])
def test_a_device_that_nothing_here_computes_on_is_refused_in_one_sentence(device):
    with pytest.raises(MachineError, match=r"^learner\.device is '.*', .*; expected cpu, cuda or"):
        learner(device=device)


@pytest.mark.parametrize("number", [2, 256, 999])  # torch counts them in eight bits
def test_a_cuda_device_beyond_those_here_is_refused_in_one_sentence(monkeypatch, number):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    said = rf"^learner\.device is cuda:{number}, .*at most cuda:1\.$"
    with pytest.raises(MachineError, match=said):
        learner(device=f"cuda:{number}")


def test_a_replay_for_which_the_device_has_no_room_is_refused_in_one_sentence(monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch, "zeros", full)
    said = r"^cpu has no room for learner\.replay_capacity 1000, 3\.6e-05 GB; expected"
    with pytest.raises(MachineError, match=said):  # 1000 · (2·3 + 1 + 2) numbers of 4 bytes
        Replay(1000, RecordLayout(3, 1))


def test_bf16_where_the_processor_has_none_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    with pytest.raises(MachineError, match=r"^learner\.matmul_precision is bf16, .*expected fp32"):
        learner(matmul_precision="bf16")


def test_cudagraph_on_the_cpu_is_refused_in_one_sentence():
    with pytest.raises(MachineError, match=r"^learner\.mode is cudagraph and .*device: cuda"):
        learner(mode="cudagraph")


@pytest.mark.parametrize(
    ("hidden", "batch_size", "threads"),
    [([64, 64], 100, 1), ([256, 256], 256, 2), ([256], 256, 1), ([4096], 256, 2)],
)
def test_layers_too_small_to_split_take_one_thread(hidden, batch_size, threads):
    before = torch.get_num_threads()
    try:
        learner(hidden=hidden, batch_size=batch_size, threads=2)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_subnormal_numbers_count_as_zero_in_the_thread_that_flushes_them_and_in_no_other():
    smallest = torch.tensor([torch.finfo(torch.float32).tiny])
    halves = []

    def flushing():
        flush_subnormals()
        halves.append((smallest / 2.0).item())

    thread = threading.Thread(target=flushing)
    thread.start()
    thread.join()
    assert halves == [0.0]
    assert (smallest / 2.0).item() > 0.0
