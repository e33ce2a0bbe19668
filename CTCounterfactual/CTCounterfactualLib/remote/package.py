"""A job made ready for another computer: its files, and the job that finds them there.

Scans go as voxels only, in one NRRD each, without DICOM's headers; what the record says of a scan
(path, name, series, digest, warnings) goes beside it. What else a job names goes as it is: the
cards of own models with their files, tables of names.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..counterfactual.region import check_region, read_region
from ..errors import SettingsError, called
from ..jobs.copies import write_facts
from ..jobs.job import FileInput, Job
from ..jobs.methods import by_counterfactual
from ..jobs.run import read_input
from ..methods.occlusion import KINDS
from ..methods.structures.names import SUFFIXES, TOTALSEGMENTATOR
from ..models.catalogue import is_card
from ..outputs.volumes import write_image
from ..scans.formats.detached import files_of
from ..scans.modality import CT
from ..scans.read import base_name, read_scan
from .model_files import card_modality, files_of_card

SCAN, FACTS, REGION = "scan.nrrd", "scan.json", "region.nrrd"
SEGMENTS, NAMES, OCCLUSION = "segments", "names", "occlusion"
# The folders of `jobs.workplace`, as the host's side has them.
RESULT, STREAM = "result", "stream"


@dataclass
class Package:
    """What goes to another computer.

    Attributes
    ----------
    files : dict
        Name there, relative to the job's folder -> file here.
    here : dict
        The same name -> what the user called it here, for the record.
    job : Job
        With paths relative to the job's folder; see `job_there`.
    voxels : int
        Of the scan; 0 where it is made there.
    has_code : bool
        Whether an own model goes along, which may hold code.
    """

    job: Job
    files: dict[str, Path] = field(default_factory=dict)
    here: dict[str, str] = field(default_factory=dict)
    voxels: int = 0
    has_code: bool = False
    _paths: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())

    def job_there(self, folder: str) -> dict[str, Any]:
        """Return the job's JSON values, for a folder of another computer."""
        return self._in_folder(self.job.to_dict(), PurePosixPath(folder))

    def words_back(self, folder: str) -> dict[str, str]:
        """Return path there -> what it is called here."""
        return {str(PurePosixPath(folder) / name): here for name, here in self.here.items()}

    def _in_folder(self, values: Any, folder: PurePosixPath) -> Any:
        if isinstance(values, dict):
            return {name: self._in_folder(value, folder) for name, value in values.items()}
        if isinstance(values, str) and values.startswith(_MARK):
            return str(folder / values.removeprefix(_MARK))
        return values


# Begins a path within the job's folder until that is known: no path of a file can hold it.
_MARK = "\0"


def make_package(job: Job, folder: Path) -> Package:
    """Read what a job names, and write into a folder what has to be made for the way.

    Raises
    ------
    ScanError, ModelError, SettingsError
        As `run_job` would, or for what can't go to another computer.
    OutputError
        If the folder can't be written to.
    """
    package = Package(
        replace(job, output=_MARK + RESULT, force=False, stream=job.stream and _MARK + STREAM)
    )
    if by_counterfactual(job):
        check_region(None if job.region is None else "auto", job.settings)
    modality = _add_models(package, job)
    if isinstance(job.input, FileInput):
        scan = read_input(job, modality)
        package.voxels = scan.image.GetNumberOfPixels()
        write_image(scan.image, folder / SCAN)
        write_facts(scan, folder / FACTS)
        package.files |= {SCAN: folder / SCAN, FACTS: folder / FACTS}
        given = FileInput(
            _MARK + SCAN, assume_hu=job.input.assume_hu, name=scan.name, copy_of=_MARK + FACTS
        )
        package.job = replace(package.job, input=given)
        package.here[SCAN] = job.input.path
    if job.region_file:
        with called(job.region_file, job.region_name):
            region = read_region(job.region_file, job.region_name)
        write_image(region.image, folder / REGION)
        package.files[REGION] = folder / REGION
        package.here[REGION] = job.region_file
        package.job = replace(package.job, region=_MARK + REGION, region_name=region.name)
    _add_options(package, job, folder, modality)
    return package


def _add_models(package: Package, job: Job) -> str:
    """Add the files of own models; return the modality that the classifier is for."""
    modality = CT
    for role in ("classifier", "autoencoder"):
        name = getattr(job, role)
        if not is_card(name):
            continue
        path = Path(name)
        card, files = files_of_card(path)
        if role == "classifier":
            modality = card_modality(card)
        package.files |= {f"{role}/{inside}": file for inside, file in files.items()}
        package.here[f"{role}/{path.name}"] = name
        changed: dict[str, Any] = {role: f"{_MARK}{role}/{path.name}"}
        package.job = replace(package.job, **changed)
        package.has_code = True
    return modality


def _add_options(package: Package, job: Job, folder: Path, modality: str) -> None:
    """Add the files that options of another method name."""
    options = dict(job.method_options)
    segments, names, occlusion = (options.get(key) for key in (SEGMENTS, NAMES, OCCLUSION))
    if segments:
        options[SEGMENTS] = _as_it_is(package, Path(segments), SEGMENTS)
        stem = base_name(Path(segments))
        for suffix in SUFFIXES:
            beside = Path(segments).with_name(stem + suffix)
            if beside.is_file():
                package.files[SEGMENTS + suffix] = beside
    if names and names != TOTALSEGMENTATOR:
        options[NAMES] = _as_it_is(package, Path(names), NAMES)
    if occlusion and occlusion not in KINDS and Path(occlusion).is_file():
        name = f"{OCCLUSION}.nrrd"
        write_image(read_scan(occlusion, modality=modality).image, folder / name)
        package.files[name] = folder / name
        package.here[name] = occlusion
        options[OCCLUSION] = _MARK + name
    package.job = replace(package.job, method_options=options)


def _as_it_is(package: Package, path: Path, called_there: str) -> str:
    """Add a file under a plain name with its own suffix; return where it will be."""
    if not path.is_file():
        raise SettingsError(f"There is no file {path}. Check the path.")
    if path.suffix.lower() not in SUFFIXES and len(files_of(path)) > 1:
        raise SettingsError(
            f"{path} keeps its voxels in another file, and can't go to another computer so. Save "
            f"it as one file, such as .nrrd or .nii.gz."
        )
    name = called_there + path.name[len(base_name(path)) :]
    package.files[name] = path
    package.here[name] = str(path)
    return _MARK + name
