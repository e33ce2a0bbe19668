"""The labels of TotalSegmentator's task `total`, version 2: facts of its published class map."""

from __future__ import annotations

_UP_TO_VERTEBRAE = (
    "spleen", "kidney_right", "kidney_left", "gallbladder", "liver", "stomach", "pancreas",
    "adrenal_gland_right", "adrenal_gland_left", "lung_upper_lobe_left", "lung_lower_lobe_left",
    "lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right", "esophagus",
    "trachea", "thyroid_gland", "small_bowel", "duodenum", "colon", "urinary_bladder", "prostate",
    "kidney_cyst_left", "kidney_cyst_right", "sacrum",
)  # fmt: skip
_VERTEBRAE = (
    "S1", *(f"L{n}" for n in range(5, 0, -1)), *(f"T{n}" for n in range(12, 0, -1)),
    *(f"C{n}" for n in range(7, 0, -1)),
)  # fmt: skip
_VESSELS = (
    "heart", "aorta", "pulmonary_vein", "brachiocephalic_trunk", "subclavian_artery_right",
    "subclavian_artery_left", "common_carotid_artery_right", "common_carotid_artery_left",
    "brachiocephalic_vein_left", "brachiocephalic_vein_right", "atrial_appendage_left",
    "superior_vena_cava", "inferior_vena_cava", "portal_vein_and_splenic_vein",
    "iliac_artery_left", "iliac_artery_right", "iliac_vena_left", "iliac_vena_right",
)  # fmt: skip
_PAIRS = (
    "humerus", "scapula", "clavicula", "femur", "hip", "spinal_cord", "gluteus_maximus",
    "gluteus_medius", "gluteus_minimus", "autochthon", "iliopsoas",
)  # fmt: skip
_UNPAIRED = "spinal_cord"


def _names() -> list[str]:
    names = [*_UP_TO_VERTEBRAE, *(f"vertebrae_{name}" for name in _VERTEBRAE), *_VESSELS]
    for name in _PAIRS:
        names += [name] if name == _UNPAIRED else [f"{name}_left", f"{name}_right"]
    names += ["brain", "skull"]
    names += [f"rib_{side}_{n}" for side in ("left", "right") for n in range(1, 13)]
    return [*names, "sternum", "costal_cartilages"]


# Label -> name; 117 structures.
TOTAL = dict(enumerate(_names(), start=1))
