"""Models and scans of a few numbers, and a worker's task run here."""

import pytest
import torch

import small_cohort
from CTCounterfactualLib.cohort import worker
from CTCounterfactualLib.cohort.case_record import record_file
from CTCounterfactualLib.cohort.cohort_settings import CohortSettings
from CTCounterfactualLib.cohort.fingerprint import code_digest
from CTCounterfactualLib.cohort.manifest import read_manifest
from CTCounterfactualLib.cohort.output import open_output
from CTCounterfactualLib.cohort.ready import make_ready
from CTCounterfactualLib.cohort.rows import COHORT
from CTCounterfactualLib.cohort.work import Work
from CTCounterfactualLib.models.own.consent import Consent
from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE

RUN = "test"


@pytest.fixture(autouse=True)
def one_thread():
    """Sums of several threads are others in their last bits than a worker's."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """The models' cards; consent to their code is kept in the test's folder."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    return small_cohort.write_models(tmp_path / "models")


@pytest.fixture
def settings(cards):
    """Return a function: changes -> settings with the small models."""

    def make(**changed):
        return CohortSettings(**{**cards, "trust_code": True, "keep": "records", **changed})

    return make


@pytest.fixture
def here(tmp_path, settings, monkeypatch):
    """Explains a manifest's cases in this process, as workers do: manifest, settings -> answers."""
    monkeypatch.setattr(worker, "_state", {})
    monkeypatch.setattr(worker, "_tokens", {})

    def explain(manifest, wanted, location=None):
        cases = read_manifest(manifest)
        output = open_output(location or str(tmp_path / "out"))
        output.write_json(COHORT, {"run": RUN})
        models = make_ready(cases, wanted, Consent(trust=True)).models
        works = [Work(case, wanted, models, output.location, RUN, code_digest()) for case in cases]
        return {work.case.id: worker.do_work(work, tmp_path) for work in works}

    return explain


@pytest.fixture
def record_of(tmp_path):
    """Return a function: id -> the record that was written."""
    return lambda name: open_output(str(tmp_path / "out")).read_json(record_file(name))
