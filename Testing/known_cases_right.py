"""What is right for each known case: read as its TRUTH.nrrd, refused in words, or flagged.

Names of cases are those of their folders, by number. A case may be right in several ways.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """What a run must end with.

    Parameters
    ----------
    refused : str
        Pattern of the one line of an exit with code 2; "" if the case must not be refused.
    read : bool
        Whether exit 0 is right too, or alone.
    truth : bool
        What is read must be the voxels and places of TRUTH.nrrd.
    flag : str
        Pattern of a flag that exit 0 must raise.
    no_flag : str
        Pattern of a flag that must not be raised.
    score : float or None
        The scan's score by lung-volume, litres, within `SCORE_TOLERANCE`.
    says : str
        Pattern of what the command prints, for commands that write no result.
    """

    refused: str = ""
    read: bool = False
    truth: bool = False
    flag: str = ""
    no_flag: str = ""
    score: float | None = None
    says: str = ""


SCORE_TOLERANCE = 0.002
LUNG_LITRES = 1.8790


def _read(flag: str = "", no_flag: str = "", score: float | None = None) -> Right:
    return Right(read=True, truth=True, flag=flag, no_flag=no_flag, score=score)


def _refused(pattern: str) -> Right:
    return Right(refused=pattern)


_WHOLE = _read(score=LUNG_LITRES)
_REPRODUCIBLE = Right(refused="differ|same answer|reproduc", read=True, flag="not-reproducible")

RIGHT: dict[str, Right] = {
    "01": _WHOLE,
    "02": _read(),
    "03": _refused("holds 2 volumes .*same position"),
    "04": _refused("misses slices"),
    "05": _refused("no slice with a position"),
    "06": _refused("modality MR"),
    "07": _refused("rescale intercept"),
    "08": _WHOLE,
    "10": _refused(r"rescale intercept .* in 19 of 20 slices \(IM0001.dcm"),
    "11": _read("localizer-left-out", "gantry-tilt", LUNG_LITRES),
    "12": _read("localizer-left-out", "gantry-tilt", LUNG_LITRES),
    "13": _refused(r"different pixel spacing: IM\d+.dcm"),
    "14": _refused(r"1 of 20 slices without a position .*IM\d+.dcm"),
    "15": _refused("shifted in plane, by up to 40.0 mm"),
    "16": _refused("1.1: acquisition 1 .*1.2: acquisition 2"),
    "17": _read(),
    "18": _read(),
    "19": _refused("3.987 mm thick but lie 75.76 mm apart"),
    "20": _refused("no slice with a position"),
    "21": _refused(r"PixelSpacing, 0028,0030"),
    "22": _refused("voxel size of 4.172 x 4.172 x 0 mm"),
    "23": _refused("no voxel size"),
    "24": _WHOLE,
    "25": Right(read=True, flag="unknown-orientation"),
    "26": Right(refused="measures 27 x 27 x 9 mm.* voxel size", read=True, flag="implausible-size"),
    "30": _refused("padding left out .*stored values"),
    "31": _refused("padding left out .*HU \\+ 1000"),
    "32": _read(),
    "33": _WHOLE,
    "34": _read(score=1.826),
    "35": _refused("21440 NaN or infinite"),
    "36": _refused("257 NaN or infinite"),
    "40": Right(refused="empty", read=True, flag="unreadable-dicom-files"),
    "41": _read(no_flag="unreadable-dicom-files", score=LUNG_LITRES),
    "50": Right(read=True, score=LUNG_LITRES),
    "51": _refused("slice spacing from 3.99 to 7.97 mm at IM0009.dcm"),
    "52": _WHOLE,
    "53": _refused("transfer syntax Encapsulated Uncompressed"),
    "54": _refused("Thorax Größe .*Übersicht"),
    "55": _refused("truncated"),
    "56": _refused("is NIfTI-2"),
    "60": _WHOLE,
    "61": _refused("no gradient|differentiate"),
    "62": Right(refused="in place|own input", read=True),
    "63": _refused("[Aa]utoencoder.*(gradient|differentiate)"),
    "64": _refused("[Aa]utoencoder|encode returned"),
    "65": Right(refused="can't be|CT_COUNTERFACTUAL_MODELS", read=True, says="."),
    "70": _REPRODUCIBLE,
    "71": _REPRODUCIBLE,
    "72": Right(refused="precision|float16|[Hh]alf", read=True),
    "73": Right(refused="in place", read=True),
    "74": _refused(r"prefix = .module\."),
    "75": Right(read=True),
    "76": _refused("[Aa]utoencoder"),
    "77": Right(read=True, says=""),
}
