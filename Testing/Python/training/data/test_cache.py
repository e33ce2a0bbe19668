"""The slice cache: whole or not at all, made once, checked; splits by patient; near twins."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CTCounterfactualLib.errors import OutputError, ScanError, SettingsError
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.data import cache as caches
from CTCounterfactualLib.training.data.cache import build_cache
from CTCounterfactualLib.training.data.duplicates import find_duplicates, signature
from CTCounterfactualLib.training.data.gather import training_part
from CTCounterfactualLib.training.data.sources import Source
from CTCounterfactualLib.training.data.split import is_held_out
from CTCounterfactualLib.training.slices import stack_from_scan


def body(seed: int, slices: int = 10) -> np.ndarray:
    """Return a block of smooth random anatomy, another for each seed, (K, J, I), HU."""
    rng = np.random.default_rng(seed)
    hu = np.full((slices, 60, 80), -1000, np.int16)
    inside = ndimage.zoom(rng.uniform(-850, 100, (3, 4, 5)), (slices / 3, 12, 14.4), order=1)
    hu[:, 6:-6, 4:-4] = inside
    return hu


def write(folder, name: str, hu: np.ndarray, spacing=(1.5, 1.5, 3.0)) -> Source:
    path = folder / f"{name}.nrrd"
    sitk.WriteImage(Scan.from_array(hu, spacing).image, str(path))
    return Source(path, name)


@pytest.fixture
def sources(tmp_path):
    return [write(tmp_path, name, body(seed)) for seed, name in enumerate(("anna", "ben"))]


def test_slices_are_those_of_the_scan_and_are_made_once(sources, tmp_path, monkeypatch):
    told = []
    cache = build_cache(sources, tmp_path / "cache", on_scan=lambda *seen: told.append(seen))
    assert told == [(1, 2), (2, 2)]
    for source, entry in zip(sources, cache.entries, strict=True):
        expected = stack_from_scan(caches.read_scan(source.path)).slices
        stack = cache.stack(entry)
        assert isinstance(stack.slices, np.memmap)
        assert np.array_equal(stack.slices, expected)
        assert entry.patient == source.patient
    cache.verify()

    monkeypatch.setattr(caches, "read_scan", None)  # would fail if anything were read again
    assert build_cache(sources, tmp_path / "cache") == cache


def test_a_changed_scan_is_made_anew(sources, tmp_path):
    first = build_cache(sources, tmp_path / "cache")
    write(tmp_path, "anna", body(7))
    again = build_cache(sources, tmp_path / "cache")
    assert again.entries[0].id != first.entries[0].id
    assert again.entries[1] == first.entries[1]


def test_two_processes_make_the_same(sources, tmp_path):
    alone = build_cache(sources, tmp_path / "alone")
    assert build_cache(sources, tmp_path / "two", workers=2).entries == alone.entries


def test_a_corrupt_scan_is_skipped_and_told(sources, tmp_path):
    bad = tmp_path / "bad.nrrd"
    bad.write_bytes(b"no image")
    cache = build_cache([*sources, Source(bad, "bad")], tmp_path / "cache")
    assert [entry.patient for entry in cache.entries] == ["anna", "ben"]
    ((path, why),) = cache.skipped
    assert path == str(bad) and "bad.nrrd" in why
    assert str(bad) in (tmp_path / "cache" / "skipped.csv").read_text()
    with pytest.raises(ScanError, match=r"None of 1 scans could be read. The first, .*bad\.nrrd"):
        build_cache([Source(bad, "bad")], tmp_path / "none")
    build_cache(sources, tmp_path / "cache")
    assert not (tmp_path / "cache" / "skipped.csv").exists()


def test_what_was_made_before_a_full_disk_is_used(sources, tmp_path, monkeypatch):
    real = np.save

    def save(path, array):
        if len(list((tmp_path / "cache").glob("*.json"))) == 1:
            raise OSError(28, "No space left on device")
        real(path, array)

    monkeypatch.setattr(np, "save", save)
    with pytest.raises(OutputError, match="free some space"):
        build_cache(sources, tmp_path / "cache")
    monkeypatch.setattr(np, "save", real)
    made = []
    build_cache(sources, tmp_path / "cache", on_scan=lambda done, all_: made.append(done))
    assert made == [2]


def test_damaged_slices_are_told(sources, tmp_path):
    cache = build_cache(sources, tmp_path / "cache")
    entry = cache.entries[0]
    path = tmp_path / "cache" / f"{entry.id}.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    cache.stack(entry)  # of the right size: only the digest tells
    with pytest.raises(OutputError, match=rf"{entry.id}\.npy .* is damaged.*Remove"):
        cache.verify()
    path.write_bytes(data[:-5])
    with pytest.raises(OutputError, match="is damaged or missing"):
        cache.stack(entry)
    about = tmp_path / "cache" / f"{entry.id}.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "version": 0}))
    build_cache(sources, tmp_path / "cache").verify()  # made anew


def test_who_is_held_out_depends_on_the_name_alone():
    names = [f"patient-{number}" for number in range(2000)]
    held = [name for name in names if is_held_out(name, 0.1)]
    assert 150 < len(held) < 250
    assert all(is_held_out(name, 0.3) for name in held)  # a larger share takes none back
    assert not any(is_held_out(name, 0.0) for name in names)
    assert is_held_out("patient-5", 0.1) == ("patient-5" in held)


def test_parts_and_copies_of_a_scan_are_found(sources, tmp_path):
    whole = body(0)
    noisy = whole + np.random.default_rng(1).normal(0, 15, whole.shape).astype(np.int16)
    twins = [
        *sources,
        write(tmp_path, "part", whole[2:9]),
        write(tmp_path, "noisy", noisy),
        write(tmp_path, "coarse", whole[:, ::2, ::2], (3.0, 3.0, 3.0)),
        write(tmp_path, "other", body(5)),
    ]
    cache = build_cache(twins, tmp_path / "cache")
    patient = {entry.id: entry.patient for entry in cache.entries}
    (group,) = find_duplicates(cache.signatures())
    assert {patient[id_] for id_ in group} == {"anna", "part", "noisy", "coarse"}

    # All of a group are on one side, whatever their names' hashes say.
    for share in (0.2, 0.4, 0.6):
        try:
            stacks, people, held = training_part(cache, [group], share)
        except SettingsError:
            continue
        kept = {stack.name.removesuffix(".nrrd") for stack in stacks}
        together = kept & {"anna", "part", "noisy", "coarse"}
        assert len(together) in (0, 4)
        assert (people, people - held) == (6, len(kept))


def test_nobody_left(sources, tmp_path):
    cache = build_cache(sources, tmp_path / "cache")
    everyone = replace(cache, entries=tuple(e for e in cache.entries if is_held_out(e.patient, 1)))
    with pytest.raises(SettingsError, match="none is left to train on"):
        training_part(everyone, [], 1.0)


def test_uniform_slices_have_no_signature():
    assert signature(np.zeros((4, 32, 32))).shape == (0, 256)
    assert find_duplicates({"a": np.zeros((0, 256), np.float32)}) == []
