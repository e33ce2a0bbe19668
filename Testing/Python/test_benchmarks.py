"""The benchmark's own parts: table, JSON keys, FLOPs, calls and live bytes with known answers."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

BENCHMARKS = Path(__file__).resolve().parents[1] / "Benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from comparison import environment, table, turns  # noqa: E402
from comparison.against import (  # noqa: E402
    Sides,
    compare_changes,
    compare_paths,
    lowest_reached,
    lowest_within_limit,
    scaled_seconds,
)
from comparison.counting import Calls, count_flops  # noqa: E402
from comparison.memory import LiveBytes  # noqa: E402
from comparison.modes import MadeUpValues, RememberedShapes  # noqa: E402
from comparison.paper import STEP_LINE, PaperChunk  # noqa: E402
from comparison.report import KEYS, Report  # noqa: E402
from comparison.sizes import SIZES  # noqa: E402

FLOAT = 4  # bytes


# --- Live bytes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_live_bytes_of_a_chain_with_autograd(device):
    n = 1000
    x = torch.ones(n, device=device, requires_grad=True)
    with LiveBytes() as live:
        a = x * 2
        b = a.exp()
        assert live.live == 2 * n * FLOAT
        total = (b * b).sum()  # the product lives until the sum is done
        assert live.peak == 3 * n * FLOAT + FLOAT
        del a, b
        # exp saved its result for the backward; nothing needs a any more
        assert live.live == n * FLOAT + FLOAT
        (gradient,) = torch.autograd.grad(total, x)
        del total
        assert live.live == n * FLOAT == gradient.numel() * FLOAT
        del gradient
        assert live.live == 0


def test_live_bytes_leave_out_what_came_from_outside_and_count_views_once():
    weights = torch.ones(500)
    with LiveBytes() as live:
        weights.mul_(2)
        weights.view(5, 100)
        assert live.peak == 0
        own = torch.zeros(10)
        assert own.view(2, 5).shape == (2, 5)
        own += 1
        assert live.peak == 10 * FLOAT


def test_live_bytes_see_inside_composite_operations_in_inference_mode():
    layer = nn.Conv2d(1, 2, 3, padding=1)
    with LiveBytes() as live, torch.inference_mode():
        out = layer(torch.zeros(1, 1, 10, 10))
        assert live.live == out.numel() * FLOAT == 200 * FLOAT
        assert live.peak == (100 + 200) * FLOAT


# --- Meta tensors ---------------------------------------------------------------------------------


def test_made_up_values_answer_what_meta_tensors_cannot():
    x = torch.empty(2, 3, device="meta")
    with pytest.raises(RuntimeError, match="meta"):
        float(x.sum())
    with MadeUpValues():
        assert float(x.sum()) == 0.5
        assert bool((x > 0).any()) is True
        assert int(x.argmax()) == 0
        assert x.cpu().numpy().shape == (2, 3)
        with torch.inference_mode():
            assert (x + 1).sum().item() == 0.5
        assert float(torch.tensor(3.0)) == 3.0  # real numbers stay


def test_remembered_shapes_count_the_same_flops_forward_and_backward():
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 1, 3))

    def work():
        for _ in range(3):
            x = torch.empty(2, 1, 9, 9, device="meta", requires_grad=True)
            torch.autograd.grad(net(x).sum(), x)

    once = count_flops(work)
    with RememberedShapes():
        assert count_flops(work) == once
    # 2 a multiply-add: 7x7 and 5x5 outputs of 2 samples; each backward to its input costs the same
    assert once == 3 * 2 * 2 * (2 * 9 * 8 * 49 + 2 * 9 * 8 * 25)


# --- Calls ----------------------------------------------------------------------------------------


class Halves(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Identity(), nn.Identity()


def test_calls_count_slices_with_and_without_gradient():
    network = nn.Module()
    network.model = Halves()  # as the paper's wrapper holds its network
    classifier = nn.Identity()
    with Calls(network, classifier) as calls:
        network.model.encoder(torch.zeros(4, 1))
        network.model.decoder(torch.zeros(3, 1))
        network.model.decoder(torch.zeros(3, 1))
        network.model.decoder(torch.zeros(5, 1))
        z = torch.zeros(2, 1, requires_grad=True)
        network.model.decoder(z)
        with torch.no_grad():
            network.model.decoder(z)
        classifier(torch.zeros(1, 1))
    network.model.decoder(torch.zeros(9, 1))  # no longer counted
    assert calls.slices("encode") == 4
    assert calls.slices("decode") == 3 + 3 + 5 + 2 + 2
    assert calls.slices("decode", gradient=True) == 2
    assert calls.slices("classify") == 1
    assert calls.usual_batch("decode", gradient=False) == 3
    assert calls.usual_batch("encode", gradient=True) == 1


# --- Two sides ------------------------------------------------------------------------------------


def outcome(start: int, path, score_after: float):
    points = tuple(SimpleNamespace(lam=lam, score=score) for lam, score in path)
    return SimpleNamespace(
        start=start, path=points, score_after=score_after, evaluations=len(points)
    )


def test_paths_and_predictions_are_compared_chunk_by_chunk():
    theirs = [
        PaperChunk(0, 10, ((0.0, 1.0), (-10.0, 0.5), (-21.0, 0.7)), 6.0),
        PaperChunk(10, 20, ((0.0, 1.0), (-10.0, 0.8)), 4.0),
    ]
    ours = (
        outcome(0, [(0.0, 1.0), (-10.0, 0.501), (-21.0, 0.7)], 0.5000004),
        outcome(10, [(0.0, 1.0), (-10.0, 0.8), (-21.0, 0.9)], 0.81),
    )
    same, difference = compare_paths(Sides(theirs, ours))
    assert same == 0.5 and difference == pytest.approx(0.002)
    # chunk 0: 0.5000004 is 0.5 within rounding; chunk 1: 0.81 is above 0.8
    assert lowest_reached(Sides(theirs, ours)) == 0.5
    # the lambda that the paper's code keeps in chunk 0 has 0.7
    assert lowest_reached(Sides(theirs[:1], ours), kept=True) == 1.0
    assert scaled_seconds(Sides(theirs, ours)) == (10.0, "")
    # without what a chunk costs besides, taken as one evaluation: 1 + 3 ran, 4 + 4 are needed
    seconds, how = scaled_seconds(Sides(theirs[:1], ours))
    assert seconds == pytest.approx(6.0 * 8 / 4) and "1 of 2 chunks" in how


def test_a_rung_beyond_the_change_limit_is_no_goal_within_it():
    points = tuple(
        SimpleNamespace(score=score, change=change)
        for score, change in ((1.0, 0.0), (0.6, 0.04), (0.5, 0.06))
    )
    ladder = (SimpleNamespace(path=points),)
    assert lowest_within_limit(ladder, (SimpleNamespace(score_after=0.6),)) == 1.0
    assert lowest_within_limit(ladder, (SimpleNamespace(score_after=0.61),)) == 0.0


def test_the_papers_log_is_read_with_all_digits():
    line = "Shift: -10.0, Pred: 0.42948636412620544, pixel_diff: 1.5, sum*diff_pct: 2.0\n"
    assert STEP_LINE.findall(line) == [("-10.0", "0.42948636412620544", "1.5", "2.0")]


def test_changes_are_compared_at_every_lambda_that_both_visited():
    theirs = [PaperChunk(0, 10, ((0.0, 1.0), (-10.0, 0.5)), 1.0, (0.0, 0.02))]
    points = (SimpleNamespace(change=0.0), SimpleNamespace(change=0.0205))
    ours = (SimpleNamespace(start=0, path=points),)
    assert compare_changes(Sides(theirs, ours)) == pytest.approx(5e-4)


class StubTask:
    """A paper's side that takes two seconds a chunk; counts who was run when."""

    def __init__(self):
        self.order, self.paper = [], self

    def run(self, start, stop, max_change):
        self.order.append(start)
        return PaperChunk(start, stop, ((0.0, 1.0), (-10.0, 0.5)), 2.0)


@pytest.mark.parametrize(("count", "starts"), [(None, list(range(7))), (3, [1, 3, 5]), (2, [1, 5])])
def test_both_sides_take_turns_and_every_chunk_is_run_once(monkeypatch, count, starts):
    task = StubTask()

    def run(task, kind, device):
        task.order.append(kind)
        chunks = tuple(SimpleNamespace(start=n, stop=n + 1, evaluations=2) for n in range(7))
        return SimpleNamespace(chunks=chunks, seconds=4.0 + len(task.order))

    monkeypatch.setattr(turns, "run_engine", run)
    found = turns.take_turns(task, ("adaptive", "reference"), None, count)
    assert [chunk.start for chunk in found.theirs] == starts
    kinds = [entry for entry in task.order if isinstance(entry, str)]
    assert kinds == ["adaptive", "reference"] * 3
    assert not isinstance(task.order[2], str)  # the paper's side before the engine's second turn
    # two seconds and two evaluations a chunk: scaled to 7 chunks in each turn, whatever was run
    assert found.their_seconds == pytest.approx([14.0] * 3)
    assert found.ratios("adaptive")[0] == pytest.approx(14.0 / 5.0)
    assert len(found.loads) == 3


def test_a_spread_is_median_least_and_greatest():
    assert turns.spread([3.0, 1.04, 2.0]) == "2.0 (1.0 to 3.0)"


# --- Table, JSON, environment ---------------------------------------------------------------------


def test_rows_know_their_goal_and_only_measured_ones_fail():
    least = table.Row("t", "m", value=8.3, goal=8.0)
    most = table.Row("t", "m", value=1.3, goal=1.2, at_most=True)
    timed = table.Row("t", "m", value=5.0, goal=6.0, timed=True)
    unknown = table.Row("t", "m", value=None, goal=6.0)
    assert [r.reached for r in (least, most, timed, unknown)] == [True, False, False, None]
    assert table.exit_code([least, timed, unknown]) == 0
    assert table.exit_code([least, most]) == 1
    assert most.cells()[-3:] == ("1.3", "<= 1.2", "NO") and timed.cells()[-1] == "no (time)"


def test_table_is_aligned_and_markdown_has_a_cell_for_each_heading():
    rows = [table.Row("long task", "seconds", "123.4", "5.0", 24.68, 25.0, timed=True)]
    lines = table.as_text(rows).splitlines()
    assert lines[0].index("ratio") == lines[2].index("24.7")
    written = table.as_markdown(rows, "Title", ["a note"])
    assert "## Title" in written and "* a note" in written
    body = next(line for line in written.splitlines() if "long task" in line)
    assert body.count("|") == len(table.HEADINGS) + 1


def test_json_holds_exactly_the_promised_keys():
    assert set(Report().to_dict()) == {
        "flops_ratio",
        "wall_ratio_reference",
        "wall_ratio_adaptive",
        "memory_ratio",
        "overhead",
        "gradient_memory_growth",
        "evaluations_median",
        "score_not_worse",
        "machine",
        "date",
        "details",
    }
    assert len(KEYS) == len(set(KEYS))


def test_environment_pins_torch_as_the_tests_do(tmp_path):
    pinned = (BENCHMARKS.parent / "constraints.txt").read_text(encoding="utf-8").split()
    assert set(environment.PACKAGES) & set(pinned) == {"torch==2.13.0"}
    # nothing is made or run for `this`, and an environment with the right marker is kept
    assert environment.enter(Path("x.py"), [], environment.THIS_ONE) is None
    wanted = "\n".join((*environment.PACKAGES, *environment.BARE_PACKAGES)) + "\n"
    (tmp_path / environment.MARKER).write_text(wanted, encoding="utf-8")
    environment.make(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [environment.MARKER]


@pytest.mark.parametrize("name", ["small", "full"])
def test_sizes_keep_what_the_paper_has(name):
    cost = SIZES[name].cost
    assert cost.slices == 100
    assert cost.latent[1] * 2 ** (len(cost.config["ch_mult"]) - 1) == cost.side
