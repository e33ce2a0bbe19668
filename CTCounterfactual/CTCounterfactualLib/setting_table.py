"""The settings of an explanation: one table with all that is said of each, anywhere.

To add a setting, add a field here. Its check, the command line's option, the console's keyword, the
job file's key, the panel's row and its name in messages come of themselves; what it does is for the
engine, which is given the checked `counterfactual.settings.ExplainSettings`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .limits import POSITIVE, SEED, Limit
from .setting import setting, settings_of
from .setting_choices import (
    BASELINES,
    CHANGE_SCOPES,
    COMPOSITES,
    DEVICES,
    DIRECTIONS,
    FOCUSES,
    GOALS,
    MAX_CHUNK,
    MAX_EVALUATIONS,
    MAX_FRAMES,
    MAX_SCORE,
    MAX_SMOOTHING,
    MAX_SPIN,
    MODES,
    SEARCHES,
    STEPS,
    WITHIN,
    _,
    check_device,
    check_levels,
)


@dataclass(frozen=True)
class SettingTable:
    """The settings of an explanation with their defaults, not checked: see `ExplainSettings`."""

    mode: str = setting(
        "both",
        "all slices together, chunk by chunk, or both",
        _("Search over"),
        tooltip=_(
            "Chunks: each chunk of slices is changed alone, which tells where the evidence "
            "is. Whole volume: all slices change together into one consistent "
            "counterfactual."
        ),
        more="`whole`: all slices move together, one consistent volume. `chunks`: each chunk "
        "alone, all others fixed, which tells where the evidence is.",
        choices=MODES,
        advanced=False,
    )
    chunk: int = setting(
        10,
        "prepared slices (3 mm) in a chunk",
        _("Chunk size"),
        tooltip=_(
            "Slices in a chunk, on the classifier's own slice spacing. Smaller chunks "
            "localise better, take longer and need less memory."
        ),
        limit=POSITIVE,
        allowed="it must be 1 slice or more.",
        unit=_("slices"),
        metavar="SLICES",
        keyword="chunkSize",
        advanced=False,
        panel_range=(1, MAX_CHUNK),
    )
    direction: str = setting(
        "decrease",
        "which way the score shall go",
        _("Direction"),
        tooltip=_("Which way the score shall go."),
        choices=DIRECTIONS,
        advanced=False,
    )
    search: str = setting(
        "adaptive",
        "adaptive: keep the best within the limit; reference: the paper's ladder",
        _("Search"),
        tooltip=_(
            "Adaptive: aims at the change limit, looks back, and keeps the best step within "
            "the limit. Reference: the fixed ladder of steps and the stop rules of the "
            "published method."
        ),
        more="`adaptive` takes three or four evaluations where the score falls all the way; "
        "`reference` has the paper's stop rules, too.",
        choices=SEARCHES,
    )
    baseline: str = setting(
        "scan",
        "add the change to the scan, or show the paper's decoded slices",
        _("Baseline"),
        tooltip=_(
            "Scan: the change is added to the scan, which stays sharp. Reconstruction: the "
            "decoded slices are shown, as in the published method."
        ),
        more="`reconstruction` is the paper's D(z + lambda g).",
        choices=BASELINES,
    )
    within: str = setting(
        "body",
        "where the scan may change: in the patient's body, or anywhere",
        _("Change within"),
        tooltip=_(
            "Body: air around the patient, clothes and table stay as they are. Whole volume: "
            "anything may change."
        ),
        more="Nothing outside the `body` changes, to the bit; a region restricts it further. "
        "Baseline `reconstruction` redraws the whole `volume`, whatever this says.",
        choices=WITHIN,
    )
    region_controls: bool = setting(
        False,
        "search the rest of the body and a random region, too, beside a region",
        _("Control regions"),
        tooltip=_("Also search the rest of the body, and a random region of the same volume."),
        more="With the same settings; see `counterfactual.region_controls`.",
    )
    focus: str = setting(
        "auto",
        "keep the change to where it pays, or let all move that may",
        _("Focus"),
        tooltip=_(
            "Where it pays: the change is kept to where the gradient gains most of the "
            "score. Everywhere: whatever may change, also what lies beside it."
        ),
        more="`auto` finds a soft region from the gradient and searches in it; see "
        "`counterfactual.focus`. With a region both hold. `none` and baseline "
        "`reconstruction` have none.",
        choices=FOCUSES,
    )
    step: str = setting(
        "prior",
        "step among latents as the scan has them, or straight along the gradient",
        _("Latent step"),
        tooltip=_(
            "Among the scan's own latents: steps prefer what slices look like. Along the "
            "gradient: whatever gains most, as in the published method."
        ),
        more="`prior` multiplies the gradient by the covariance of the scan's latents over their "
        "channels; see `counterfactual.prior`. Baseline `reconstruction` takes `gradient`.",
        choices=STEPS,
    )
    composite: str = setting(
        "local",
        "how the change joins the scan",
        _("Composite"),
        tooltip=_(
            "How the change joins the scan. Bounded: never beyond what the decoder draws. "
            "Local: nor, where the score falls, darker than lung or brighter than soft "
            "tissue around; of a size, nor the other way than most of it. Residual: the "
            "plain difference is added."
        ),
        more="See `counterfactual.composite`.",
        choices=COMPOSITES,
    )
    slice_smoothing: float = setting(
        2.0,
        "smooth the change from slice to slice by this standard deviation",
        _("Slice smoothing"),
        tooltip=_(
            "Standard deviation by which the change is smoothed from slice to slice; 0 for none."
        ),
        more="In prepared slices, before the change is added to the scan; 0 for none.",
        limit=Limit(0, MAX_SMOOTHING),
        allowed=f"choose 0 (none) to {MAX_SMOOTHING:g} slices.",
        unit=_("slices"),
        metavar="SLICES",
    )
    max_change: float = setting(
        0.05,
        "greatest change of the image",
        _("Change limit"),
        tooltip=_("The most that the image may change, as a share of its intensities."),
        more="It is sum |x - x'| / sum |x| in 0..1 intensities.",
        limit=Limit(0, 1, open=True),
        allowed="it is a fraction above 0, at most 1 (0.05 is 5 %).",
        metavar="FRACTION",
        advanced=False,
        percent=True,
        panel_range=(0.1, 100.0),
    )
    change_scope: str | None = setting(
        None,
        "what the limit is relative to (adaptive: region; reference: volume, as the paper)",
        _("Limit relative to"),
        tooltip=_("What the change limit is a share of: the edited slices or the whole volume."),
        more="The edited `region`: the slices that move, and of these what lies in the mask, if "
        "the run has one. The whole `volume`: the paper. None takes the search's own.",
        choices=CHANGE_SCOPES,
        none_label=_("Automatic"),
    )
    goal: str | float | None = setting(
        None,
        "until the decision changes, to the change limit, or to a score (none: flip where "
        "the target has a decision threshold, else limit)",
        _("Go on until"),
        tooltip=_(
            "The decision changes: the least change after which the classifier decides "
            "otherwise, as surely as of scans without the finding. The change limit is "
            "reached: the score moves as far as the limit allows. Automatic: the decision "
            "where the target has a threshold, else the limit."
        ),
        more="`flip` goes to a stated confidence beyond the target's `threshold`: its `negatives`, "
        "or else the scan's own score mirrored; see `counterfactual.aim`. `limit`: as far as "
        "`max_change` allows. A number is the same as `target_score`. The reference search "
        "has the paper's own rules.",
        choices=GOALS,
        none_label=_("Automatic"),
        allowed="choose one of None, flip, limit, or give a score.",
        metavar="flip|limit|SCORE",
        advanced=False,
    )
    target_score: float | None = setting(
        None,
        "a score as the goal: the least change that reaches it",
        _("Stop at score"),
        tooltip=_(
            "The least change whose score is at or beyond this value, in the target's unit; "
            "it takes the place of the decision. Off: see above."
        ),
        more="In the target's unit.",
        allowed="give a finite score, or none.",
        metavar="SCORE",
        panel_range=(-MAX_SCORE, MAX_SCORE),
    )
    max_evaluations: int = setting(
        12,
        "most evaluations of one search",
        _("Evaluations"),
        tooltip=_("The most times that one search runs the classifier."),
        more="The reference search has its own ladder.",
        limit=Limit(2),
        allowed="a search needs at least 2.",
        metavar="N",
        panel_range=(2, MAX_EVALUATIONS),
    )
    level_edges: tuple[float, ...] = setting(
        (10.0, 25.0, 50.0, 100.0, 200.0),
        "heatmap levels",
        _("Heatmap levels"),
        tooltip=_(
            "Changes in HU at which the heatmap levels begin: rising numbers, separated by commas."
        ),
        more="At most 127: |change| in HU at which each begins; see `counterfactual.heatmap`.",
        allowed="give rising numbers in HU, separated by commas, such as 10, 25, 50, 100, 200.",
        check=check_levels,
        metavar="HU",
    )
    frames: int = setting(
        3,
        "volumes of the lambda animation between scan and counterfactual",
        _("Animation volumes"),
        tooltip=_(
            "Volumes of the lambda animation between the scan and the counterfactual; 0 for "
            "no animation."
        ),
        more="None with 0.",
        limit=Limit(0, MAX_FRAMES),
        allowed=f"choose 0 (none) to {MAX_FRAMES} volumes.",
        metavar="N",
    )
    device: str = setting(
        "auto",
        "where to compute",
        _("Device"),
        tooltip=_(
            "Where to compute. Automatic takes a CUDA graphics card where PyTorch can use one."
        ),
        more="`auto` takes CUDA where there is one.",
        choices=DEVICES,
        check=check_device,
        metavar="auto|cpu|cuda",
        advanced=False,
    )
    seed: int = setting(
        0,
        "seed of everything random",
        _("Seed"),
        tooltip=_("Seed of everything random; a run on the CPU gives the same result each time."),
        more="A run on the CPU is deterministic anyhow.",
        limit=SEED,
        panel_range=(0, MAX_SPIN),
    )


SETTINGS = settings_of(SettingTable)
