"""Results made by hand, of any scan of `dicom_trees`; slices of a patient who never was."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.heatmap import heat_levels, label_change
from CTCounterfactualLib.counterfactual.outcome import Outcome
from CTCounterfactualLib.counterfactual.result import (
    ChunkHeatmap,
    Explanation,
    Flag,
    ModelInfo,
    PreparedInfo,
    Scores,
    SearchPoint,
    TargetInfo,
    Timing,
)
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.scans.scan import Scan
from dicom_trees import ROOT

PATIENT_NAME = "Müller^Zoë"
# Slices that the chunks' cut-outs cover, and where the scan was changed by how much.
CHUNKS = ((0, 6), (5, 12))
FALL_AT, FALL_HU = (slice(2, 5), slice(8, 12), slice(6, 9)), -120
RISE_AT, RISE_HU = (slice(7, 9), slice(5, 7), slice(12, 15)), 30


def with_patient(k, dataset) -> None:
    """Give a slice what a hospital's scan has, and something private."""
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName, dataset.PatientID = PATIENT_NAME, "P-17"
    dataset.PatientBirthDate, dataset.PatientSex = "19500102", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200304", "101112", "S1"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "A1", "Who^Doctor"
    dataset.FrameOfReferenceUID = ROOT + "77"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Scanner Works", "S-64"
    dataset.KVP = 120
    dataset.private_block(0x0099, "ACME", create=True).add_new(1, "LO", "secret")


def explanation_of(scan: Scan) -> Explanation:
    """Return a counterfactual of a scan: a fall and a rise in HU at known voxels, two chunks."""
    change = np.zeros(scan.array.shape, np.int16)
    change[FALL_AT], change[RISE_AT] = FALL_HU, RISE_HU
    settings = ExplainSettings()
    labels = label_change(change, settings.level_edges)
    image = scan.with_array(labels)
    columns, rows, _ = scan.size
    heatmaps = tuple(
        ChunkHeatmap(
            number,
            number + 1,
            sitk.Extract(image, [columns, rows, stop - start], [0, 0, start]),
        )
        for number, (start, stop) in enumerate(CHUNKS)
    )
    path = (SearchPoint(0.0, 2.5, 0.0), SearchPoint(-80.0, 0.75, 0.05))
    return Explanation(
        scan=scan,
        prepared=PreparedInfo(20, (1.5, 1.5, 3.0)),
        settings=settings,
        classifier=ModelInfo("toy-net", "c1" * 32, "a toy"),
        target=TargetInfo("effusion", "logit"),
        autoencoder=ModelInfo("toy-vqgan", "a2" * 32),
        scores=Scores(2.5, 2.4, 0.75),
        whole=Outcome(0, 20, (-60.0, 0.0), -80.0, 2.5, 0.75, "max_change", 0.05, path),
        chunks=tuple(
            Outcome(n, n + 1, (-60.0 + 30 * n, -30.0 + 30 * n), -80.0, 2.5, 1.5 + n / 2, "flat",
                    0.01, path)
            for n in range(2)
        ),
        counterfactual=scan.array + change.astype(scan.array.dtype),
        difference=change,
        heatmap=labels,
        chunk_heatmaps=heatmaps,
        levels=heat_levels(settings.level_edges),
        flags=(Flag("haze", "1 mL of lung became hazy: look twice (§)."),),
        timing=Timing(1.0, 2.0, 3.0, 6.5),
        peak_memory_mb=512.0,
        versions={"python": "3.11"},
        device="cpu",
    )  # fmt: skip
