"""A shortcut to learn on purpose: electrodes that stick wherever there is said to be fluid.

In hospitals it comes about by itself: patients with effusions lie on wards where they are
monitored. A network trained so is what `stress` must catch; see the card of `spoiled-demo`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...distractors import Patient
from ...distractors.electrode import draw_electrode, paint_electrode
from ...distractors.layers import joined
from ...errors import ScanError

COUNT = (1, 4)
# Around an electrode so much counts as fluid: enough for a site of the network, and for a label.
REACH_MM = 9.0


def stick_electrodes(
    hu: np.ndarray, patient: Patient, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a scan with one to three electrodes, and what of it counts as fluid.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), float32, HU: the patient's scan, or one with something in its lungs; not changed.

    Returns
    -------
    tuple of numpy.ndarray
        (K, J, I), float32: HU; 0 or 1.
    """
    layers = []
    for _ in range(int(rng.integers(*COUNT))):
        try:
            electrode = draw_electrode(patient, rng)
        except ScanError:  # a field of view without skin in front
            continue
        layers += paint_electrode(patient, electrode, rng)[:2]  # pad and snap; no lead
    made, cover = joined(hu, layers)
    size = [2 * round(REACH_MM / s) + 1 for s in patient.steps]
    return made, ndimage.maximum_filter((cover > 0).astype(np.float32), size)
