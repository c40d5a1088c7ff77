"""`python -m benchmarks learner`: updates/s beside peers and the machine's matrix products."""

import itertools
import json
import os
import statistics
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from operator import itemgetter, truediv
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.speed.conversation import Conversation
from benchmarks.speed.learner_picture import draw_updates, told_threads
from benchmarks.speed.results import (
    describe_machine,
    processor_has_bf16,
    usable_cores,
    write_results,
)
from benchmarks.speed.sizes import SIZES, Size
from ddpg_ros.errors import ConfigError, MachineError

_CHECKOUT = Path(__file__).resolve().parents[2]
_PEERS_SPEED = _CHECKOUT / "benchmarks" / "peers" / "speed.py"
_CALLS = (1, 32)  # updates in one call
_SEVEN_JOINTS = Size(24, 7, (256, 256), 256)  # the task reach: 3 numbers a joint and the goal
_QUIET = 0.5  # load average of a machine that does nothing else
_PEERS = ("SBX", "SB3", "LeanRL")
_REFERENCES = (*_PEERS, "limit")


class Contender(NamedTuple):
    """A learner, or the limit, as it is measured."""

    who: str  # ours by its mode: eager, compile, cudagraph; a peer; limit
    precision: str
    device: str
    command: list[str]

    @property
    def name(self) -> str:
        """What the table calls it: `compile bf16`."""
        precision = "" if self.precision == "fp32" else f" {self.precision}"
        return f"{self.who}{precision}" + ("" if self.device == "cpu" else f" on {self.device}")

    @property
    def calls(self) -> tuple[int, ...]:
        """The limit has nothing to gain from a longer call."""
        return _CALLS[:1] if self.who == "limit" else _CALLS


class Row(NamedTuple):
    """What one contender did at one size, with so many threads and updates a call."""

    size: Size
    threads: int
    who: str
    name: str
    precision: str
    device: str
    updates_per_call: int
    rounds: list[float]  # [updates/s]

    @property
    def updates_per_s(self) -> float:
        """The median round."""
        return statistics.median(self.rounds)


def bench_learner(
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each, in turn.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="Seconds of a measurement.")] = 1.0,
    size: Annotated[
        list[str] | None, typer.Option(help="Only this size: 64x64, 256x256, 400x300.")
    ] = None,
    threads: Annotated[list[int] | None, typer.Option(min=1, help="Only so many threads.")] = None,
    peers: Annotated[Path, typer.Option(help="Python of the peers' environment.")] = Path(
        ".venv-peers/bin/python"
    ),
    results: Annotated[Path, typer.Option(help="Folder of the JSON file.")] = Path(
        "benchmarks/results"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON.")] = False,
) -> None:
    """Updates/s of our modes, beside SBX, SB3, LeanRL's way and the matrix products alone."""
    console = Console(stderr=as_json)
    with_peers = peers.exists() and _PEERS_SPEED.exists()
    if not with_peers:
        console.print(
            f"there is no {peers}, so that no peer is measured; 'make setup-bench' makes it.",
            highlight=False,
        )
    busy = os.getloadavg()[0]  # two threads of which one has to share its core say nothing
    if busy > _QUIET:
        console.print(f"something runs beside this: the load is {busy:.1f} before it begins.")
    file = results / "learner.json"
    rows, about = [], dict[str, Any]()
    machine = {"seconds": seconds, "load_before": busy, **describe_machine()}
    report: dict[str, Any] = {}
    for chosen in _chosen_sizes(size):
        for count in threads or (1, 2):
            if count > len(usable_cores()):
                console.print(f"{count} threads left out: this process has fewer cores.")
                continue
            line = contenders(chosen, count, str(peers) if with_peers else "")
            rows += _measure(chosen, count, line, rounds, seconds, about, console)
            report = {
                "benchmark": "learner",
                "rows": [described(row, rows) for row in rows],
                "sizes": [_memory(name, one) for name, one in _remembered()],
                "contenders": about,
                **machine,
            }
            write_results(report, file)  # what is measured is kept, should it be cut off
    if not report:
        raise ConfigError("--threads asks for more cores than this process has.")
    draw_updates(report["rows"], results / "learner.png")
    console.print(table(report["rows"]))
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    console.print(f"written to {file}", highlight=False)


def _chosen_sizes(names: Sequence[str] | None) -> list[Size]:
    known = {size.name.replace("×", "x"): size for size in SIZES}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ConfigError(f"--size is {unknown[0]}; expected one of {', '.join(known)}.")
    return [known[name] for name in names or known]


def contenders(size: Size, threads: int, peers: str) -> list[Contender]:
    """Return who is measured at a size, on this machine.

    Args:
        size: of the networks and the minibatch.
        threads: that each may use.
        peers: Python of the peers' environment; empty: no peers.
    """
    import torch

    precisions = ("fp32", "bf16") if processor_has_bf16() else ("fp32",)
    told = [*size.arguments(), "--threads", str(threads)]
    line = [_ours("eager", "fp32", "cpu", told)]
    line += [_ours("compile", precision, "cpu", told) for precision in precisions]
    line += [_limit(precision, "cpu", told) for precision in precisions]
    if peers:
        line += [_peer(who, "cpu", peers, told) for who in _PEERS]
    if torch.cuda.is_available() and threads == 1:
        line += [_ours("eager", "fp32", "cuda", told)]
        line += [_ours("cudagraph", precision, "cuda", told) for precision in ("fp32", "bf16")]
        line += [_limit(precision, "cuda", told) for precision in ("fp32", "bf16")]
        if peers:
            line += [_peer(who, "cuda", peers, told) for who in ("SB3", "LeanRL")]
    return line


def _ours(mode: str, precision: str, device: str, told: list[str]) -> Contender:
    told = [*told, "--mode", mode, "--precision", precision, "--device", device]
    command = [sys.executable, "-m", "benchmarks.speed.own_updates", *told]
    return Contender(mode, precision, device, command)


def _limit(precision: str, device: str, told: list[str]) -> Contender:
    told = [*told, "--precision", precision, "--device", device]
    command = [sys.executable, "-m", "benchmarks.speed.matrix_limit", *told]
    return Contender("limit", precision, device, command)


def _peer(who: str, device: str, python: str, told: list[str]) -> Contender:
    told = [*told, "--peer", who.lower(), "--device", device]
    return Contender(who, "fp32", device, [python, str(_PEERS_SPEED), *told])


def _measure(
    size: Size,
    threads: int,
    line: Iterable[Contender],
    rounds: int,
    seconds: float,
    about: dict[str, Any],
    console: Console,
) -> list[Row]:
    """Measure the contenders in turn, all of them in each round; one that fails is left out."""
    where = f"{size.name}, {told_threads(threads)}"
    with ExitStack() as stack:
        speakers: list[tuple[Contender, Conversation]] = []
        for contender in line:
            with console.status(f"{where}: {contender.name} gets ready"):
                try:
                    conversation = stack.enter_context(Conversation(contender.command))
                except MachineError as error:
                    console.print(f"{where}: {contender.name} left out: {error}", markup=False)
                    continue
            speakers.append((contender, conversation))
            about[f"{where}: {contender.name}"] = conversation.about
        rows = [
            (_empty_row(size, threads, contender, calls), speaker)
            for contender, speaker in speakers
            for calls in contender.calls
        ]
        for number in range(rounds):
            with console.status(f"{where}: round {number + 1} of {rounds}"):
                for row, speaker in rows:
                    row.rounds.append(speaker.measure(row.updates_per_call, seconds))
    console.print(f"{where}: measured", highlight=False)
    return [row for row, _ in rows]


def _empty_row(size: Size, threads: int, contender: Contender, calls: int) -> Row:
    who, precision, device, _ = contender
    return Row(size, threads, who, contender.name, precision, device, calls, [])


def described(row: Row, rows: Iterable[Row]) -> dict[str, Any]:
    """Return a row for the JSON file, with its ratios to the references of the same rounds.

    A peer is compared at the same length of a call, the limit at the same precision.
    """
    ratios = {
        other.who: statistics.median(map(truediv, row.rounds, other.rounds))
        for other in rows
        if other.who in _REFERENCES
        and other is not row
        and (other.size, other.threads, other.device) == (row.size, row.threads, row.device)
        and (
            other.precision == row.precision
            if other.who == "limit"
            else other.updates_per_call == row.updates_per_call
        )
    }
    return {
        **row._asdict(),
        "size": row.size.name,
        "updates_per_s": row.updates_per_s,
        "ratio_to": {} if row.who in _REFERENCES else ratios,
    }


def table(rows: Iterable[dict[str, Any]]) -> Table:
    """Return what a person reads: the median updates/s, the range, the ratios."""
    shown = Table(title="updates per second", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    shown.add_column("learner", no_wrap=True)
    for name in ("a call", "updates/s", "range", *(f"/ {name}" for name in _REFERENCES)):
        shown.add_column(name, justify="right", no_wrap=True)
    for (size, threads), group in itertools.groupby(rows, itemgetter("size", "threads")):
        shown.add_section()
        shown.add_row(f"[bold]{size}, {told_threads(threads)}[/bold]")
        for row in group:
            ratios = [row["ratio_to"].get(name) for name in _REFERENCES]
            shown.add_row(
                row["name"],
                str(row["updates_per_call"]),
                f"{row['updates_per_s']:.0f}",
                f"{min(row['rounds']):.0f}–{max(row['rounds']):.0f}",
                *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
            )
    return shown


def _remembered() -> list[tuple[str, Size]]:
    return [*((size.name, size) for size in SIZES), ("reach on seven joints", _SEVEN_JOINTS)]


def _memory(name: str, size: Size) -> dict[str, Any]:
    return {
        "name": name,
        **size._asdict(),
        "bytes_per_transition": size.transition_bytes,
        "million_transitions_MB": size.transition_bytes,  # 10⁶ · B = MB
    }
