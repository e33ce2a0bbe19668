"""Models from within Slicer: downloads in a real worker from a local server, and own cards."""

import hashlib
import os
import shutil
import time

import pytest

pytest.importorskip("slicer")

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.entry import READY, RESOURCES, CatalogueEntry
from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE, PARTIAL_SUFFIX
from CTCounterfactualLib.models.store.remote import RemoteFile
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualSlicer import model_files, own_models, packages
from CTCounterfactualSlicer.model_files import FetchJob, FileJob, OpenJob
from model_server import CONTENT, DIGEST, NAP_S, ModelServer
from own_model import CARD, NETWORK

MODEL, GATED = "from-here", "gated"
PATIENCE_S = 600.0  # for what hangs; a busy machine must never reach it


@pytest.fixture
def server():
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def python(server, tmp_path):
    """A `python` that runs our command line on the server's files."""
    if os.name == "nt":
        pytest.skip("the stand-in for Python is a shell script")
    return server.python(tmp_path, "model.pth", {MODEL: "MIT", GATED: "ask its publisher"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of fetched files, for this process and for workers."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture(autouse=True)
def session(monkeypatch):
    monkeypatch.setattr(own_models, "_session", {})


def finish(job, during=None):
    """Poll a started job to its end."""
    until = time.monotonic() + PATIENCE_S
    while job.poll():
        if during is not None:
            during(job)
        assert time.monotonic() < until, "the job doesn't end"
        time.sleep(NAP_S)
    return job.outcome


def test_a_model_is_fetched_with_progress_and_told_once(folder, python):
    events, ends = [], []
    job = FetchJob([MODEL], onEvent=events.append, onFinished=ends.append, python=python)
    job.start()
    outcome = finish(job)
    assert (outcome.kind, outcome.data["files"]) == ("done", ["model.pth"])
    assert (folder / "model.pth").read_bytes() == CONTENT
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions) and len(set(fractions)) >= 4
    assert events[-2].data == {"file": "model.pth", "bytes": len(CONTENT), "total": len(CONTENT)}
    assert (events[-1].step, events[-1].fraction) == ("fetched", 1.0)
    assert not job.poll() and ends == [job]


def test_a_cancel_keeps_what_has_arrived_and_the_next_fetch_goes_on(folder, python, server):
    server.slow.set()
    partial = folder / f"model.pth{PARTIAL_SUFFIX}"
    job = FetchJob([MODEL], python=python)
    job.start()

    def stop(job):
        if partial.is_file() and partial.stat().st_size:
            job.cancel()

    outcome = finish(job, stop)
    assert (outcome.kind, outcome.message) == ("cancelled", model_files.KEPT)
    kept = partial.stat().st_size
    assert 0 < kept < len(CONTENT) and not (folder / "model.pth").exists()
    server.slow.clear()
    again = FetchJob([MODEL], python=python)
    again.start()
    assert finish(again).kind == "done"
    assert (folder / "model.pth").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={kept}-"]


def test_abandoning_ends_the_worker_and_tells_nobody(folder, python, server):
    server.slow.set()
    ends = []
    job = FetchJob([MODEL], onFinished=ends.append, python=python)
    job.start()
    finish_by = time.monotonic() + PATIENCE_S
    while not server.asked and time.monotonic() < finish_by:
        job.poll()
        time.sleep(NAP_S)
    job.abandon()
    assert job.finished and job.outcome.kind == "cancelled" and ends == []


def test_a_licence_that_was_not_accepted_is_said_and_nothing_is_asked_for(folder, python, server):
    job = FetchJob([GATED], python=python)
    job.start()
    outcome = finish(job)
    assert outcome.kind == "failed" and "was not accepted; nothing was fetched" in outcome.message
    assert "Models > Fetch, which asks" in outcome.message and "--" not in outcome.message
    assert server.asked == []
    accepted = FetchJob([GATED], licence_accepted=True, python=python)
    accepted.start()
    assert finish(accepted).kind == "done"


def test_a_server_that_is_gone_is_said_in_words(folder, python, server):
    server.close()
    job = FetchJob([MODEL], python=python)
    job.start()
    outcome = finish(job)
    assert outcome.kind == "failed" and outcome.message.startswith("Cannot download http://127")
    assert "next attempt goes on from there" in outcome.message
    assert "Models > Use a local file..." in outcome.message  # what to press, no command
    assert "ct-counterfactual" not in outcome.message


def test_without_the_packages_for_it_nothing_is_started(folder, monkeypatch):
    absent = packages.Package("ctc-absent>=1", "1", "is needed by a test", optional=True)
    monkeypatch.setattr(packages, "fetching_packages", lambda: (absent,))
    job = FetchJob(["lung-size"])
    job.start()
    assert job.outcome.kind == "failed" and "ctc-absent>=1. Press Fetch" in job.outcome.message


@pytest.fixture
def entry():
    files = (
        RemoteFile("model.pth", "https://localhost/model.pth", len(CONTENT), DIGEST[:8]),
        RemoteFile("model.yaml", "https://localhost/model.yaml"),
    )
    return CatalogueEntry(MODEL, "classifier", "Made for a test", "needs download", files=files)


def test_local_files_are_taken_in_a_thread_and_checked(folder, entry, tmp_path):
    good, other = tmp_path / "downloaded (1).bin", tmp_path / "other.bin"
    good.write_bytes(CONTENT)
    other.write_bytes(CONTENT[:-1])
    wrong = FileJob(lambda: model_files.adopt(entry, {"model.pth": other}))
    wrong.start()
    outcome = finish(wrong)
    assert outcome.kind == "failed" and "but its publisher's is" in outcome.message
    assert not (folder / "model.pth").exists()
    ends = []
    job = FileJob(lambda: model_files.adopt(entry, {"model.pth": good}), onFinished=ends.append)
    job.start()
    assert finish(job).message == f"Still missing for {MODEL}: model.yaml." and ends == [job]
    other.write_text("model: {params: {embed_dim: 4, n_embed: 8, ddconfig: {ch: 32}}}")
    assert model_files.adopt(entry, {"model.yaml": other}) == f"{MODEL} is ready."


def test_a_changed_file_is_found(folder, entry, tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(CONTENT)
    model_files.adopt(entry, {"model.pth": path})
    assert model_files.verify(entry) == (
        f"{MODEL}: model.pth is as it was; model.yaml is not here."
    )
    (folder / "model.pth").write_bytes(CONTENT[:-1])
    job = FileJob(lambda: model_files.verify(entry))
    job.start()
    outcome = finish(job)
    assert (outcome.kind, outcome.error) == ("failed", "ModelError")
    assert "it is damaged or was replaced" in outcome.message


@pytest.fixture
def card(tmp_path):
    (tmp_path / "net.py").write_text(NETWORK)
    path = tmp_path / "mine.json"
    path.write_text(CARD)
    return path


def opened(card):
    job = OpenJob(card)
    job.start()
    return finish(job)


def test_code_runs_only_after_a_yes_which_is_asked_once_per_content(folder, card):
    refused = opened(card)
    assert (refused.kind, refused.error) == ("failed", own_models.CONSENT_NEEDED)
    assert refused.data["sha256"] == hashlib.sha256(NETWORK.encode()).hexdigest()
    questions = []
    assert not own_models.consent(refused.data, lambda question: bool(questions.append(question)))
    assert own_models.consent(refused.data, lambda question: not questions.append(question))
    assert len(questions) == 2 and "net.py is code, not only data" in questions[0]
    outcome = opened(card)
    assert outcome.kind == "done"
    assert (outcome.data["name"], outcome.data["targets"]) == ("mine", TARGETS)
    assert own_models.consent(refused.data, questions.index)  # known: nobody is asked
    (card.parent / "net.py").write_text(NETWORK + "# edited\n")
    assert opened(card).error == own_models.CONSENT_NEEDED


def test_a_copy_of_an_embedded_classifier_can_be_added(folder, tmp_path):
    """Its card has a `config`, as autoencoders' have; the worker says what it is."""
    for suffix in (".json", ".safetensors"):
        shutil.copy(RESOURCES / f"effusion-demo{suffix}", tmp_path)
    outcome = opened(tmp_path / "effusion-demo.json")
    assert outcome.kind == "done", outcome
    name = own_models.remember(tmp_path / "effusion-demo.json", outcome.data)
    (own,) = [entry for entry in own_models.list_all() if entry.name == name]
    (embedded,) = [entry for entry in own_models.list_all() if entry.name == "effusion-demo"]
    assert (own.kind, own.status, own.targets) == ("classifier", READY, embedded.targets)


def test_targets_that_an_earlier_version_remembered_are_read(folder, card):
    own_models.remember(card, {**ABOUT, "targets": ["mean (score)", "Effusion [507] (logit)"]})
    told = own_models.list_all()[-1].targets
    assert told == (Target("mean"), Target("Effusion", "logit", "507"))
    assert [target.listed for target in told] == ["mean (score)", "Effusion [507] (logit)"]


TARGETS = [{"name": "mean", "unit": "", "code": "", "threshold": None, "negatives": None}]
ABOUT = {
    "kind": "classifier",
    "name": "mine",
    "description": "Mean brightness",
    "licence": "MIT",
    "targets": TARGETS,
    "differentiable": True,
}


def test_an_own_model_is_listed_until_its_card_changes_or_goes(folder, card):
    about = {**ABOUT, "sha256": hashlib.sha256(card.read_bytes()).hexdigest()}
    name = own_models.remember(card, about)
    entry = own_models.list_all()[-1]
    assert (entry.name, entry.title, entry.status) == (str(card), "mine", READY)
    assert entry.targets == (Target("mean"),) and own_models.is_own(entry)
    card.write_text(CARD + "\n")
    assert own_models.list_all()[-1].status == own_models.EDITED
    card.unlink()
    assert own_models.list_all()[-1].status == own_models.GONE
    own_models.forget(name)
    assert not any(own_models.is_own(entry) for entry in own_models.list_all())


@pytest.mark.parametrize(
    ("remembered", "known"),
    [
        ({"threshold": 0.5, "negatives": 0.1}, (0.5, 0.1)),
        ({}, (None, None)),
        ({"threshold": "0.5"}, (None, None)),
        ({"threshold": 0.1, "negatives": 0.5}, (None, None)),
    ],
)
def test_the_decision_of_an_own_model_is_remembered(folder, card, remembered, known):
    own_models.remember(card, {**ABOUT, "targets": [{**TARGETS[0], **remembered}]})
    (target,) = own_models.list_all()[-1].targets
    assert (target.threshold, target.negatives) == known


def test_a_black_box_is_listed_as_what_can_not_be_explained(folder, card):
    digest = hashlib.sha256(card.read_bytes()).hexdigest()
    own_models.remember(card, {**ABOUT, "differentiable": False, "sha256": digest})
    assert own_models.list_all()[-1].status == own_models.NO_GRADIENT


def test_a_damaged_setting_only_forgets(folder, monkeypatch):
    monkeypatch.setitem(own_models._session, own_models.SETTING, '{"a": 3')
    assert not any(own_models.is_own(entry) for entry in own_models.list_all())


def test_a_yes_that_the_worker_could_not_know_of_is_said(tmp_path):
    folder = tmp_path / "afile"
    folder.write_text("")
    wanted = {"name": "net.py", "sha256": "0" * 64, "why": "it runs."}
    with pytest.raises(ModelError, match=r"can't be written.*CT_COUNTERFACTUAL_MODELS"):
        own_models.consent(wanted, lambda question: True, folder)
