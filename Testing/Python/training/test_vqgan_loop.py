"""The training loop: it learns, logs, resumes where it stopped, and gives a network that loads."""

from __future__ import annotations

import csv
import dataclasses
import errno

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy import ndimage

from CTCounterfactualLib.errors import ModelError, OutputError, SettingsError
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.training.augment import AugmentSettings
from CTCounterfactualLib.training.files import CHECKPOINT, LOG
from CTCounterfactualLib.training.losses import LossWeights
from CTCounterfactualLib.training.slices import SliceStack
from CTCounterfactualLib.training.start import Start
from CTCounterfactualLib.training.train_settings import TrainSettings
from CTCounterfactualLib.training.vqgan_loop import LOG_FIELDS, PANELS, Trainer

CONFIG = VQGANConfig(
    ch=16,
    ch_mult=(1, 1),
    num_res_blocks=1,
    attn_resolutions=(),
    z_channels=8,
    embed_dim=8,
    n_embed=16,
    mid_attention=False,
    patch=2,
    cosine_codebook=True,
    code_groups=2,
)
SETTINGS = TrainSettings(
    config=CONFIG,
    steps=6,
    batch=2,
    crop=32,
    warmup=2,
    restart_every=2,
    bfloat16=False,
    seed=3,
    log_every=2,
    checkpoint_every=4,
    losses=LossWeights(adversarial_start=0.5),
)


@pytest.fixture(scope="module")
def stacks():
    j, i = np.mgrid[:48, :48]
    picture = 0.5 + 0.3 * np.sin(j / 5) * np.cos(i / 7)
    return [SliceStack("waves", np.stack([picture, picture.T]).astype(np.float16), 1.0)]


class Stopped(Exception):
    """What a cancel looks like to the loop."""


def stop_after(steps: int):
    def on_step(step: int, of: int) -> None:
        if step == steps:
            raise Stopped

    return on_step


def rows(folder) -> list[dict]:
    with (folder / LOG).open() as file:
        return list(csv.DictReader(file))


def test_six_steps(stacks, tmp_path):
    seen = []
    trained = Trainer(stacks, SETTINGS, tmp_path).run(lambda step, of: seen.append((step, of)))
    assert seen == [(step, 6) for step in range(1, 7)]
    assert not trained.training
    log = rows(tmp_path)
    assert [row["step"] for row in log] == ["2", "4", "6"]
    assert tuple(log[0]) == LOG_FIELDS
    assert all(np.isfinite(float(row["pixel"])) for row in log)
    # The adversary joins at half of the steps; before that its columns are empty.
    assert [bool(row["adversarial"]) for row in log] == [False, True, True]
    assert all(1 <= int(row["codes_used"]) <= 16 for row in log)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 6
    assert not list(tmp_path.glob("*.part"))


def test_same_seed_same_weights(stacks, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=3)
    first, again = (Trainer(stacks, settings, tmp_path / n).run().state_dict() for n in "ab")
    other = Trainer(stacks, dataclasses.replace(settings, seed=4), tmp_path / "c").run()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["decoder.conv_out.weight"], other.decoder.conv_out.weight)


def test_a_stopped_run_goes_on_as_if_it_never_had(stacks, tmp_path):
    """Bit for bit: crops, noise, codes in use, averages and both optimisers."""
    with pytest.raises(Stopped):
        Trainer(stacks, SETTINGS, tmp_path).run(stop_after(3))
    saved = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert saved["step"] == 3  # none of the regular ones: written because it was stopped

    resumed = Trainer(stacks, SETTINGS, tmp_path)
    seen = []
    trained = resumed.run(lambda step, of: seen.append(step)).state_dict()
    assert seen == [4, 5, 6]
    straight = Trainer(stacks, SETTINGS, tmp_path / "straight")
    expected = straight.run().state_dict()
    assert all(torch.equal(trained[name], expected[name]) for name in expected)
    for name in ("net", "judge"):
        one, other = (getattr(run, name).state_dict() for run in (resumed, straight))
        assert all(torch.equal(one[key], other[key]) for key in one), name
    logs = [rows(tmp_path), rows(tmp_path / "straight")]
    for row in [*logs[0], *logs[1]]:
        row.pop("seconds")
    assert logs[0] == logs[1]


def test_a_killed_run_goes_on_from_its_last_checkpoint(stacks, tmp_path):
    """What the table tells of later steps is dropped: they are made again."""
    Trainer(stacks, dataclasses.replace(SETTINGS, steps=4, log_every=1), tmp_path).run()
    with (tmp_path / LOG).open("a") as file:
        file.write("5,9.9,0.1\n6,9.")
    Trainer(stacks, dataclasses.replace(SETTINGS, log_every=1), tmp_path).run()
    assert [row["step"] for row in rows(tmp_path)] == ["1", "2", "3", "4", "5", "6"]
    assert all(row["pixel"] for row in rows(tmp_path))


def test_a_finished_run_returns_at_once(stacks, tmp_path):
    first = Trainer(stacks, SETTINGS, tmp_path).run().state_dict()
    again = Trainer(stacks, SETTINGS, tmp_path).run(stop_after(1)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_the_averaged_network_loads_and_decodes(stacks, tmp_path):
    trained = Trainer(stacks, SETTINGS, tmp_path).run()
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)["average"]
    network = VQGAN(CONFIG).eval()
    network.load_state_dict(state, strict=True)
    x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert torch.equal(network.decode(network.encode(x)), trained.decode(trained.encode(x)))


def test_average_follows_the_network(stacks, tmp_path):
    trainer = Trainer(stacks, SETTINGS, tmp_path)
    start = trainer.average.decoder.conv_in.weight.clone()
    trainer.run()
    assert not torch.equal(trainer.average.decoder.conv_in.weight, start)
    assert not torch.equal(
        trainer.average.decoder.conv_in.weight, trainer.net.decoder.conv_in.weight
    )


def test_it_learns(stacks, tmp_path):
    """Pixels alone: after a few steps it draws better than the best single grey could."""
    still = AugmentSettings(
        rotation_deg=0,
        scale=1,
        stretch=1,
        warp_px=0,
        noise_hu=0,
        shift_hu=0,
        gain=0,
        blur_probability=0,
        mirror_probability=0,
    )
    settings = dataclasses.replace(
        SETTINGS,
        steps=160,
        warmup=4,
        learning_rate=3e-3,
        log_every=10,
        restart_every=10,
        checkpoint_every=100,
        losses=LossWeights(adversarial_start=2.0),
        augment=still,
    )
    Trainer(stacks, settings, tmp_path).run()
    errors = [float(row["pixel"]) for row in rows(tmp_path)]
    picture = stacks[0].slices.astype(float)
    one_grey = np.abs(picture - np.median(picture)).mean()
    assert np.mean(errors[-6:]) < 0.85 * one_grey  # of crops that differ


def test_unused_codes_restart_at_latents(stacks, tmp_path):
    trainer = Trainer(stacks, dataclasses.replace(SETTINGS, steps=2, restart_every=1), tmp_path)
    before = trainer.net.quantize.embedding.weight.detach().clone()
    trainer.codebook.taken[3] = 1
    trainer._recent_latents = torch.full((1, 8, 2, 2), 0.5)
    trainer.step = 1
    trainer._after_step()
    for network in (trainer.net, trainer.average):
        weight = network.quantize.embedding.weight
        assert torch.equal(weight[3], before[3])
        assert torch.all(torch.cat([weight[:3], weight[4:]]) == 0.5)
    assert trainer.codebook.used == 1
    assert trainer.codebook.perplexity == 1.0


def test_mixed_precision_runs(stacks, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=4, bfloat16=True)
    trained = Trainer(stacks, settings, tmp_path).run()
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in trained.parameters())


def test_log_before_the_first_look_at_the_codes(stacks, tmp_path):
    """Logging more often than codes are restarted must not depend on the latter."""
    settings = dataclasses.replace(SETTINGS, steps=2, log_every=1, restart_every=50)
    Trainer(stacks, settings, tmp_path).run()
    assert [row["step"] for row in rows(tmp_path)] == ["1", "2"]


def start_of(seed: int, config: VQGANConfig = CONFIG) -> Start:
    torch.manual_seed(seed)
    return Start(VQGAN(config), {"name": "earlier", "sha256": f"{seed:064x}"})


def test_a_training_starts_from_given_weights(stacks, tmp_path):
    start = start_of(8)
    trainer = Trainer(stacks, SETTINGS, tmp_path, start)
    for network in (trainer.net, trainer.average):
        for name, tensor in start.network.state_dict().items():
            assert torch.equal(network.state_dict()[name], tensor), name
    before = {name: tensor.clone() for name, tensor in start.network.state_dict().items()}
    trainer.run()
    assert not torch.equal(trainer.net.decoder.conv_in.weight, before["decoder.conv_in.weight"])
    # What was given stays as it was.
    assert all(torch.equal(start.network.state_dict()[name], before[name]) for name in before)


def test_weights_of_other_sizes_are_no_start(stacks, tmp_path):
    other = dataclasses.replace(CONFIG, n_embed=32)
    with pytest.raises(SettingsError, match=r"n_embed=32.*n_embed=16.*same `config`"):
        Trainer(stacks, SETTINGS, tmp_path, start_of(8, other))


def test_a_checkpoint_goes_on_only_with_its_own_start(stacks, tmp_path):
    """Else the card would name weights that had no part in the training, or hide those that had."""
    settings = dataclasses.replace(SETTINGS, steps=1)
    Trainer(stacks, settings, tmp_path / "started", start_of(8)).run()
    Trainer(stacks, settings, tmp_path / "random").run()
    assert Trainer(stacks, settings, tmp_path / "started", start_of(8)).step == 1
    for folder, start in (("started", None), ("started", start_of(9)), ("random", start_of(8))):
        with pytest.raises(ModelError, match="began from other weights"):
            Trainer(stacks, settings, tmp_path / folder, start)


def test_parts_of_a_batch_give_the_gradient_of_the_whole(stacks, tmp_path):
    settings = dataclasses.replace(
        SETTINGS, steps=1, batch=4, losses=LossWeights(adversarial_start=2.0)
    )
    whole = Trainer(stacks, settings, tmp_path / "whole")
    whole.run()
    parted = Trainer(stacks, dataclasses.replace(settings, accumulate=2), tmp_path / "parts")
    parted.run()
    for one, other in zip(whole.net.parameters(), parted.net.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-6)
    with pytest.raises(SettingsError, match="batch is 4; it must be a multiple of 3"):
        Trainer(stacks, dataclasses.replace(settings, accumulate=3), tmp_path / "no")


def test_codes_as_running_means_follow_their_latents(stacks, tmp_path):
    settings = dataclasses.replace(SETTINGS, codebook_update="ema", restart_every=100)
    trainer = Trainer(stacks, settings, tmp_path)
    before = trainer.net.quantize.embedding.weight.clone()
    trainer.run()
    moved = (trainer.net.quantize.embedding.weight - before).abs().sum(1) > 1e-3
    taken = trainer.codebook.taken > 0
    assert taken.any()
    assert moved[taken].all()
    # A code that only ever takes one latent comes to lie on it.
    latent = torch.nn.functional.normalize(torch.arange(1.0, 5.0), dim=0).repeat(2).view(1, 8, 1, 1)
    for _ in range(1200):
        trainer.codebook.count(latent, torch.full((1, 2, 1, 1), 5))
    torch.testing.assert_close(
        trainer.net.quantize.codes()[5], latent.flatten()[:4], rtol=0, atol=1e-3
    )
    with pytest.raises(ModelError, match="codebook_update"):
        Trainer(stacks, SETTINGS, tmp_path)
    with pytest.raises(SettingsError, match="codebook_update is 'mean'"):
        dataclasses.replace(SETTINGS, codebook_update="mean")


def test_the_adversary_is_balanced_against_the_drawing(stacks, tmp_path):
    settings = dataclasses.replace(
        SETTINGS, steps=1, losses=LossWeights(adversarial_start=0.0, adaptive=True)
    )
    trainer = Trainer(stacks, settings, tmp_path)
    trainer.net.zero_grad()
    real, noise = trainer.sampler.batch(2), trainer._noise()
    drawn = trainer.losses.drawn(real, noise, adversarial=True)
    last, terms = trainer.net.decoder.conv_out.weight, drawn.terms
    length = {
        name: torch.autograd.grad(total, last, retain_graph=True)[0].norm()
        for name, total in (
            ("drawing", terms["pixel"] + terms["edge"] + 2.0 * terms["feature"]),
            ("adversarial", terms["adversarial"]),
        )
    }
    expected = float(length["drawing"] / (length["adversarial"] + 1e-4))
    assert trainer.losses.balance == pytest.approx(expected, rel=1e-4)
    assert trainer.losses.balance != 1.0


def test_steps_that_are_no_numbers_change_nothing_and_in_a_row_end_it(
    stacks, tmp_path, monkeypatch
):
    settings = dataclasses.replace(SETTINGS, steps=30, checkpoint_every=2, restart_every=100)
    trainer = Trainer(stacks, settings, tmp_path)
    kept = {}

    def spoil(step, of):
        if step == 2:
            kept.update({k: v.clone() for k, v in trainer.net.state_dict().items()})
            monkeypatch.setattr(
                trainer.sampler, "crops", lambda n: torch.full((len(n), 1, 32, 32), torch.nan)
            )

    with pytest.raises(ModelError, match=r"gone astray.*up to 22 .*lower learning_rate"):
        trainer.run(spoil)
    assert trainer.skipped >= 20
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)["net"]
    assert all(torch.equal(state[name], kept[name]) for name in kept)


def test_a_full_disk_keeps_the_last_checkpoint(stacks, tmp_path, monkeypatch):
    trainer = Trainer(stacks, SETTINGS, tmp_path)

    def full(state, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(step, of):
        if step == 4:  # its checkpoint is written
            monkeypatch.setattr(torch, "save", full)

    with pytest.raises(OutputError, match=r"checkpoint\.pt: .*free some space"):
        trainer.run(fill)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 4


def test_a_picture_goes_with_each_checkpoint(stacks, tmp_path):
    Trainer(stacks, SETTINGS, tmp_path).run()
    found = sorted((tmp_path / PANELS).iterdir())
    assert [path.name for path in found] == ["step_0000004.png", "step_0000006.png"]
    picture = sitk.GetArrayFromImage(sitk.ReadImage(str(found[0])))
    assert picture.shape == (4 * 32 + 3 * 4, 3 * 32 + 2 * 4)
    assert picture[:32, :32].std() > 5  # a slice is seen
    Trainer(stacks, dataclasses.replace(SETTINGS, panels=0), tmp_path / "none").run()
    assert not (tmp_path / "none" / PANELS).exists()


def test_it_overfits_sixteen_slices(tmp_path, monkeypatch):
    """To over 40 dB through the codebook: nothing of the path from slice to loss is wrong."""
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(size=(16, 32, 32)), (0, 4, 4))
    slices = (0.45 + 0.25 * smooth / np.abs(smooth).max()).astype(np.float16)
    config = dataclasses.replace(
        CONFIG, ch=32, z_channels=32, embed_dim=32, n_embed=512, code_groups=4
    )
    settings = dataclasses.replace(
        SETTINGS,
        config=config,
        steps=220,
        batch=16,
        learning_rate=5e-3,
        warmup=20,
        average=0.98,
        latent_noise=0.0,
        restart_every=10,
        checkpoint_every=1000,
        panels=0,
        losses=LossWeights(adversarial_start=2.0, edge=0.0),
    )
    trainer = Trainer([SliceStack("smooth", slices, 1.0)], settings, tmp_path)
    x = torch.from_numpy(slices.astype(np.float32))[:, None]
    monkeypatch.setattr(trainer.sampler, "crops", lambda numbers: x)
    network = trainer.run()
    with torch.no_grad():
        drawn = (network.decode(network.encode(x * 2 - 1)) + 1) / 2
    psnr = -10 * torch.log10((drawn - x).square().mean())
    assert float(psnr) > 40
