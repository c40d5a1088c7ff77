"""`python -m benchmarks learner`: the limit's products, the ratios, the measured processes."""

import io
import itertools
import sys

import pytest
from rich.console import Console

from benchmarks.speed.conversation import Conversation, updates_per_s
from benchmarks.speed.learner import Row, contenders, described, table
from benchmarks.speed.learner_picture import best_calls, draw_updates
from benchmarks.speed.matrix_limit import _operands, update_products
from benchmarks.speed.sizes import SIZES, Size, measuring_parser, parsed_size
from ddpg_ros.errors import MachineError

SMALL = Size(3, 1, (4, 5), 10)


def rows(*given):
    return [
        Row(SMALL, 1, who, who, precision, "cpu", calls, rounds)
        for who, precision, calls, rounds in given
    ]


def test_the_products_of_an_update_counted_by_hand():
    # Actor 3·4 + 4·5 + 5·1 = 37 weights, 12 of them in the first layer; critic 4·4 + 4·5 + 5·1
    # = 41, 16 in the first. Forward: both targets, the critic, then actor and critic again. Back:
    # weights of both; inputs of both but for the first layers, and once through the critic's
    # first layer to the one action, 4.
    forward = 37 + 41 + 41 + 37 + 41
    backward = (41 + 41 - 16) + (41 - 16 + 4) + (37 + 37 - 12)
    assert sum(product.flops for product in update_products(SMALL)) == 2 * 10 * (
        forward + backward
    )
    assert len(update_products(SMALL)) == 5 * 3 + (3 + 2) + 3 + (3 + 2)


@pytest.mark.parametrize("product", update_products(SMALL))
def test_operands_have_the_shapes_of_their_product(product):
    torch = pytest.importorskip("torch")
    left, right, out = _operands(product, "cpu", torch.float32)
    assert torch.mm(left, right).shape == out.shape == (product.rows, product.columns)
    assert left.is_contiguous() or product.transposed == "left" or 1 in left.shape
    assert right.is_contiguous() or product.transposed == "right" or 1 in right.shape


@pytest.mark.parametrize("size", SIZES)
def test_a_size_is_read_back_from_a_command_line(size):
    assert parsed_size(measuring_parser("").parse_args(size.arguments())) == size


def test_a_stored_transition_is_its_numbers_of_four_bytes():
    assert SMALL.transition_bytes == 4 * (3 + 1 + 1 + 1 + 3)


def test_ratios_are_medians_of_rounds_at_the_same_call_and_precision():
    measured = rows(
        ("compile", "fp32", 1, [10.0, 20.0, 30.0]),
        ("compile", "bf16", 32, [40.0, 40.0, 40.0]),
        ("SBX", "fp32", 1, [10.0, 10.0, 10.0]),
        ("SBX", "fp32", 32, [20.0, 20.0, 20.0]),
        ("limit", "fp32", 1, [40.0, 40.0, 40.0]),
        ("limit", "bf16", 1, [80.0, 80.0, 80.0]),
    )
    single, long, peer, *_ = [described(row, measured) for row in measured]
    assert single["updates_per_s"] == 20.0
    assert single["ratio_to"] == {"SBX": 2.0, "limit": 0.5}
    assert long["ratio_to"] == {"SBX": 2.0, "limit": 0.5}
    assert peer["ratio_to"] == {}


def test_the_table_and_the_picture_show_what_was_measured(tmp_path):
    measured = rows(("eager", "fp32", 1, [10.0, 12.0]), ("SB3", "fp32", 1, [5.0, 6.0]))
    measured += [measured[0]._replace(name="compile bf16", rounds=[10100.0, 10200.0])]
    shown = [described(row, measured) for row in measured]
    console = Console(width=80, file=io.StringIO())
    console.print(table(shown))
    text = console.file.getvalue()
    assert "4×5, 1 thread" in text
    assert "10–12" in text and "2.00" in text
    assert "compile bf16" in text and "10100–10200" in text  # whole, in 80 columns
    draw_updates(shown, tmp_path / "learner.png")
    assert (tmp_path / "learner.png").stat().st_size > 5_000


def test_the_picture_takes_each_learners_fastest_call():
    measured = rows(("eager", "fp32", 1, [10.0]), ("eager", "fp32", 32, [30.0]))
    (best,) = best_calls([described(row, measured) for row in measured]).values()
    assert best["updates_per_call"] == 32


def test_without_peers_only_ours_and_the_limit_are_measured():
    names = {contender.who for contender in contenders(SMALL, 1, "")}
    assert {"eager", "compile", "limit"} <= names
    peers = {"SB3", "SBX", "LeanRL"}
    assert not names & peers
    assert peers <= {contender.who for contender in contenders(SMALL, 1, "python")}


def test_the_rate_counts_every_update_but_those_that_warm_up(monkeypatch):
    clock = itertools.count(0.0, 0.5)
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    calls = []
    rate = updates_per_s(calls.append, lambda: None, 32, 2.0)  # at 0.5, 1.0 and 1.5 s; end 2.5
    assert calls == [32] * 4
    assert rate == 3 * 32 / 2.5


@pytest.mark.slow
def test_a_measured_process_answers_in_turn_and_ends_with_its_stdin():
    told = SMALL.arguments()
    with Conversation([sys.executable, "-m", "benchmarks.speed.matrix_limit", *told]) as limit:
        assert limit.about["flops_per_update"] > 0
        assert limit.measure(1, 0.02) > 0.0
        assert limit.measure(4, 0.02) > 0.0


def test_the_last_words_of_a_process_that_fails_are_kept():
    with pytest.raises(MachineError, match="code 3: no such thing"):
        Conversation(
            [sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"]
        )
