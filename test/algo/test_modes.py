"""The modes give the same numbers to rounding, each repeats itself, and no compiler is no end."""

import os

import numpy as np
import pytest
import torch

from ddpg_ros.algo.compiled import cache_path, forget_oldest
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.runner import WORTH_COMPILING
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout

LAYOUT = RecordLayout(observation_size=3, action_size=2)
SMALL = {"hidden": [16, 12], "batch_size": 16, "replay_capacity": 500}
EVERY_OPTION = {
    "critics": 2,
    "policy_delay": 2,
    "target_noise": 0.2,
    "action_penalty": 0.01,
    "preactivation_penalty": 0.01,
    "clip_target": True,
    "critic_layer_norm": True,
    "actor_layer_norm": True,
    "normalise_observations": True,
    "reset_every": 20,  # of 50 updates the last 10 stay
    "averaged_policy": True,
}
pytestmark = pytest.mark.long  # all of them: they share a cache of compiled updates
HAS_BF16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache of compiled updates for these tests; the first start of each finds it empty."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "ddpg_ros"


def learner(mode, **options):
    return Learner(LearnerSection(**SMALL, mode=mode, **options), LAYOUT, seed=5)


def experience():
    rng = np.random.default_rng(1)
    records = rng.uniform(-1.0, 1.0, (300, LAYOUT.width)).astype(np.float32)
    records[:, LAYOUT.slices[3]] = 0.9
    return records


def train(one):
    """Fifty updates, in calls of several sizes."""
    one.add(experience())
    one.compile()
    reports = [one.update(count).rows for count in (1, 1, 40, 8)]
    return one.policy_weights(), np.concatenate(reports)


@pytest.mark.timeout(300)
@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, EVERY_OPTION], ids=["plain", "every-option"])
def test_compiled_and_eager_updates_agree_to_rounding_and_the_cache_is_found(
    options, cache, caplog
):
    caplog.set_level("INFO", "ddpg_ros")
    eager_weights, eager_reports = train(learner("eager", **options))
    first_weights, first_reports = train(learner("compile", **options))
    assert [one.getMessage() for one in caplog.records] == [
        "compiling the update, once for these settings (20 to 45 s)",
        "the update is compiled",
    ]
    caplog.clear()
    np.testing.assert_allclose(first_reports, eager_reports, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(first_weights, eager_weights, rtol=2e-3, atol=1e-4)
    assert (first_weights != learner("eager", **options).actor_weights()).any()
    assert list((cache / "inductor").rglob("*.so"))  # not in /tmp, which a reboot clears

    second_weights, second_reports = train(learner("compile", **options))
    assert not caplog.records  # from the cache
    assert second_weights.tobytes() == first_weights.tobytes()
    assert second_reports.tobytes() == first_reports.tobytes()


@pytest.mark.parametrize("options", [{}, EVERY_OPTION], ids=["plain", "every-option"])
def test_eager_updates_repeat_themselves(options):
    one, other = train(learner("eager", **options)), train(learner("eager", **options))
    assert one[0].tobytes() == other[0].tobytes()
    assert one[1].tobytes() == other[1].tobytes()


@pytest.mark.skipif(not HAS_BF16, reason="this processor multiplies no bfloat16")
def test_bf16_products_are_those_of_fp32_to_their_precision():
    exact, _ = train(learner("eager"))
    rounded, _ = train(learner("eager", matmul_precision="bf16"))
    untrained = learner("eager").actor_weights()
    moved = np.linalg.norm(exact - untrained)
    assert 0.0 < np.linalg.norm(rounded - exact) < 0.2 * moved


@pytest.mark.timeout(300)
@pytest.mark.slow
@pytest.mark.skipif(not HAS_BF16, reason="this processor multiplies no bfloat16")
def test_compiled_and_eager_updates_agree_in_bf16_too():
    eager, _ = train(learner("eager", matmul_precision="bf16"))
    compiled, _ = train(learner("compile", matmul_precision="bf16"))
    moved = np.linalg.norm(eager - learner("eager").actor_weights())
    # measured: 0.0004 of it, and fp32 is 0.01 of it away
    assert np.linalg.norm(compiled - eager) < 0.004 * moved


def test_the_cache_tells_settings_and_sizes_apart():
    one = LearnerSection(**SMALL)
    paths = {
        cache_path(one, LAYOUT),
        cache_path(one.model_copy(update={"tau": 0.5}), LAYOUT),
        cache_path(one, RecordLayout(4, 2)),
    }
    assert len(paths) == 3
    for unread in (
        {"mode": "compile"},
        {"n_step": 3},
        {"warmup_steps": 7},
        {"discount": 0.5},
        {"wide_final_layer": True},
        {"averaged_policy": True},
    ):
        assert cache_path(one.model_copy(update=unread), LAYOUT) in paths
    assert cache_path(LearnerSection(**SMALL), LAYOUT) in paths


def test_without_a_compiler_auto_goes_on_eagerly_and_says_so_once(monkeypatch, caplog):
    monkeypatch.setenv("CXX", "no-such-compiler")
    one = _uncached("auto")
    weights, _ = train(one)
    one.compile()
    said = caplog.text
    assert said.count("no-such-compiler") == 1
    assert "apt install g++" in said
    assert weights.tobytes() == train(_uncached("eager"))[0].tobytes()


def test_without_a_compiler_the_mode_compile_is_refused(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(MachineError, match=r"^learner\.mode is compile, but .*no-such-compiler"):
        _uncached("compile").compile()


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_compiler_that_fails_is_quoted(monkeypatch, caplog):
    monkeypatch.setenv("CXX", "false")
    one = _uncached("auto")
    train(one)
    assert "not compiled, slower: the update could not be compiled" in caplog.text


@pytest.mark.slow
def test_a_broken_file_in_the_cache_does_not_end_the_training(caplog):
    settings = LearnerSection(**(SMALL | {"batch_size": 18}), mode="auto")
    path = cache_path(settings, LAYOUT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not what it was")
    one = Learner(settings, LAYOUT, seed=5)
    train(one)
    assert "not compiled, slower" in caplog.text
    assert not path.exists()  # the next start makes it anew


def test_a_start_without_a_compiler_leaves_what_is_compiled_for_the_next(monkeypatch):
    settings = LearnerSection(**(SMALL | {"batch_size": 19}), mode="auto")
    path = cache_path(settings, LAYOUT)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"compiled")
    monkeypatch.setenv("CXX", "no-such-compiler")
    Learner(settings, LAYOUT, seed=5).compile()
    assert path.read_bytes() == b"compiled"


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_auto_learns_eagerly_at_once_and_changes_over_when_the_compiled_update_is_there():
    train(learner("compile"))  # so that it is in the cache, whatever ran before
    one, eager = learner("auto"), learner("eager")
    for each in (one, eager):
        each.add(experience())
    reports = []
    while one.compiling:
        reports.append(one.update().rows)  # nobody waits
    reports.append(one.update(10).rows)  # compiled
    assert len(reports) > 1
    assert one._runner.run != one._program.eagerly  # it did change over
    np.testing.assert_allclose(
        np.concatenate(reports)[:200], eager.update(one.updates).rows[:200], rtol=2e-3, atol=1e-4
    )


def test_auto_does_not_compile_for_a_few_updates(caplog):
    caplog.set_level("INFO", "ddpg_ros")
    one = Learner(LearnerSection(**SMALL), LAYOUT, 5, planned_updates=WORTH_COMPILING - 1)
    assert train(one)[0].tobytes() == train(learner("eager"))[0].tobytes()
    assert not caplog.records


def _uncached(mode):
    """A learner whose compiled update is not in the cache."""
    return Learner(LearnerSection(**(SMALL | {"batch_size": 17}), mode=mode), LAYOUT, seed=5)


ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


@ON_CUDA
@pytest.mark.parametrize("mode", ["eager", "cudagraph"])
@pytest.mark.parametrize("options", [{}, EVERY_OPTION], ids=["plain", "every-option"])
def test_updates_on_cuda_and_on_the_processor_agree_to_rounding(options, mode):
    expected_weights, expected_reports = train(learner("eager", **options))
    weights, reports = train(learner(mode, device="cuda", **options))
    np.testing.assert_allclose(reports, expected_reports, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(weights, expected_weights, rtol=2e-3, atol=1e-4)


@ON_CUDA
def test_a_seeded_run_of_cuda_graphs_repeats_to_the_last_bit():
    first, second = (train(learner("cudagraph", device="cuda")) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


@ON_CUDA
def test_a_cuda_graph_goes_on_from_a_state_that_is_given_back():
    weights = []
    for mode, device in (("eager", "cpu"), ("cudagraph", "cuda")):
        one = learner(mode, device=device)
        train(one)
        before = one.checkpoint()
        one.update(20)
        one.restore(before)
        one.update(4)
        weights.append(one.policy_weights())
    np.testing.assert_allclose(weights[1], weights[0], rtol=2e-3, atol=1e-4)


def test_the_cache_keeps_the_updates_used_last(tmp_path):
    made = [tmp_path / f"update-{number}.bin" for number in range(40)]
    for age, path in enumerate(made):
        path.write_bytes(b"")
        os.utime(path, (1e9 - age, 1e9 - age))
    other = tmp_path / "something-else.bin"
    other.write_bytes(b"")
    forget_oldest(tmp_path)
    assert {path for path in tmp_path.iterdir() if path != other} == set(made[:32])
    assert other.exists()


def test_the_cache_begins_anew_where_its_libraries_have_become_many(tmp_path):
    update, library = tmp_path / "update-1.bin", tmp_path / "inductor" / "ab" / "one.so"
    library.parent.mkdir(parents=True)
    update.write_bytes(b"")
    for size, kept in ((2**27, True), (2**28 + 1, False)):
        with library.open("wb") as file:
            file.truncate(size)
        forget_oldest(tmp_path)
        assert (update.exists(), library.exists()) == (kept, kept)
