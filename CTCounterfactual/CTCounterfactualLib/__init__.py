"""CTCounterfactual's engine: what would this CT have to look like for the classifier to change?

    from CTCounterfactualLib import explain, write_result
    result = explain("scan.nrrd", classifier="lung-volume")
    write_result(result, "result-folder")

Names are imported when they are first used, so that importing the package itself needs no torch:
Slicer loads the module without delay, and without any package that isn't bundled.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see; a test holds it equal to _PUBLIC
    from .cohort.cluster import Cluster as Cluster
    from .cohort.cohort_settings import CohortSettings as CohortSettings
    from .cohort.run import run_cohort as run_cohort
    from .counterfactual.engine import explain as explain
    from .counterfactual.region import Region as Region
    from .counterfactual.region import read_region as read_region
    from .counterfactual.result import Explanation as Explanation
    from .counterfactual.settings import ExplainSettings as ExplainSettings
    from .errors import Cancelled as Cancelled
    from .errors import CTCounterfactualError as CTCounterfactualError
    from .errors import ModelError as ModelError
    from .errors import OutputError as OutputError
    from .errors import ScanError as ScanError
    from .errors import SettingsError as SettingsError
    from .evaluation.evaluate import evaluate_result as evaluate_result
    from .events import CancelToken as CancelToken
    from .events import Event as Event
    from .methods.attribute import attribute as attribute
    from .methods.attribution import Attribution as Attribution
    from .methods.spot.answer import SpotAnswer as SpotAnswer
    from .methods.spot.ask import ask_spot as ask_spot
    from .methods.structures.table import StructureTable as StructureTable
    from .models.autoencoder import AutoencoderLike as AutoencoderLike
    from .models.autoencoder import SliceAutoencoder as SliceAutoencoder
    from .models.catalogue import load_autoencoder as load_autoencoder
    from .models.catalogue import load_classifier as load_classifier
    from .models.classifier import Classifier as Classifier
    from .models.classifier import ClassifierLike as ClassifierLike
    from .models.entry import list_models as list_models
    from .models.targets import Target as Target
    from .outputs.attribution_reading import read_attribution as read_attribution
    from .outputs.dicom.export import export_dicom as export_dicom
    from .outputs.folder import write_result as write_result
    from .outputs.reading import read_result as read_result
    from .scans.checks import check_scan as check_scan
    from .scans.generated import ChestSettings as ChestSettings
    from .scans.generated import generate_chest as generate_chest
    from .scans.grid import GridSpec as GridSpec
    from .scans.grid import PreparedScan as PreparedScan
    from .scans.grid import prepare as prepare
    from .scans.read import read_scan as read_scan
    from .scans.scan import Scan as Scan
    from .session.prepare import prepare_session as prepare_session
    from .session.session import Session as Session
    from .trust.examine import examine_result as examine_result

__version__ = "0.1.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "Attribution": "methods.attribution",
    "AutoencoderLike": "models.autoencoder",
    "CTCounterfactualError": "errors",
    "CancelToken": "events",
    "Cancelled": "errors",
    "ChestSettings": "scans.generated",
    "Classifier": "models.classifier",
    "ClassifierLike": "models.classifier",
    "Cluster": "cohort.cluster",
    "CohortSettings": "cohort.cohort_settings",
    "Event": "events",
    "ExplainSettings": "counterfactual.settings",
    "Explanation": "counterfactual.result",
    "GridSpec": "scans.grid",
    "ModelError": "errors",
    "OutputError": "errors",
    "PreparedScan": "scans.grid",
    "Region": "counterfactual.region",
    "Scan": "scans.scan",
    "ScanError": "errors",
    "Session": "session.session",
    "SettingsError": "errors",
    "SliceAutoencoder": "models.autoencoder",
    "SpotAnswer": "methods.spot.answer",
    "StructureTable": "methods.structures.table",
    "Target": "models.targets",
    "ask_spot": "methods.spot.ask",
    "attribute": "methods.attribute",
    "check_scan": "scans.checks",
    "evaluate_result": "evaluation.evaluate",
    "examine_result": "trust.examine",
    "explain": "counterfactual.engine",
    "export_dicom": "outputs.dicom.export",
    "generate_chest": "scans.generated",
    "list_models": "models.entry",
    "load_autoencoder": "models.catalogue",
    "load_classifier": "models.catalogue",
    "prepare": "scans.grid",
    "prepare_session": "session.prepare",
    "read_attribution": "outputs.attribution_reading",
    "read_region": "counterfactual.region",
    "read_result": "outputs.reading",
    "read_scan": "scans.read",
    "run_cohort": "cohort.run",
    "write_result": "outputs.folder",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    globals()[name] = value  # the next access finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
