"""`ct-counterfactual models`: list, fetch from local files, verify, remove; never a network."""

from __future__ import annotations

import socket

import pytest

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import list_models

EXIT_OK, EXIT_USER_ERROR = 0, 2
PHECODES = "i3_resnet_best_clip_04-02-2024_23-21-36_epoch_99.pt"
CHECKPOINT = "2023-12-25T10-26-40_ct2_vqgan256_sddd.ckpt"
YAML = "2023-12-25T10-26-40_ct2_vqgan256_sddd.yaml"
LUNGS = "lungmask-unet_r231-d5d2fc3d.pth"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Any attempt to reach another machine fails the test."""

    def refuse(*arguments):
        pytest.fail(f"tried to reach {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def models(tmp_path, capsys):
    """Run `models` with a cache of its own -> (exit code, stdout, stderr)."""

    def run(*words):
        code = main(["models", "--cache", str(tmp_path / "cache"), *map(str, words)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def local(tmp_path):
    """Return a function that makes local files of these names, with their name as content."""

    def make(*names):
        folder = tmp_path / "local"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text(name)
        return [folder / name for name in names]

    return make


def cached(tmp_path):
    folder = tmp_path / "cache"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_list_shows_every_model_with_licence_source_and_files(models):
    code, text, _ = models("list")
    assert code == EXIT_OK
    for model in list_models():
        assert model.name in text and model.description in text and model.licence in text
        for file in model.files:
            assert f"{file.name} (not here)" in text and file.url in text
    assert "lung-volume          classifier   ready" in text
    assert "lung-size            classifier   needs download of 124 MB" in text


def test_local_files_are_taken_listed_verified_and_removed(models, local, tmp_path):
    files = local(CHECKPOINT, YAML)
    code, _, said = models("fetch", "ct2-vqgan256", "--accept-licence", "--file", *files)
    assert code == EXIT_OK and said.endswith("All files are here.\n")
    assert cached(tmp_path) == [CHECKPOINT, YAML, "pins.json"]
    assert (tmp_path / "cache" / YAML).read_text() == YAML
    assert f"{CHECKPOINT} (here)" in models("list")[1]
    assert models("verify")[:2] == (EXIT_OK, f"{CHECKPOINT}: as it was\n{YAML}: as it was\n")
    code, said, _ = models("remove", "ct2-vqgan256")
    assert code == EXIT_OK and said.startswith("0 MB freed in ")
    assert cached(tmp_path) == ["pins.json"]
    assert models("verify")[:2] == (EXIT_OK, "")


def test_fetch_of_what_is_here_needs_nothing(models, local, tmp_path):
    models("fetch", "merlin-phecodes", "--accept-licence", "--file", *local(PHECODES))
    code, _, said = models("fetch", "merlin-phecodes", "--accept-licence", "--offline")
    assert code == EXIT_OK and said.endswith("All files are here.\n")


def test_an_embedded_model_needs_no_fetching(models, tmp_path):
    assert models("fetch", "lung-volume")[::2] == (EXIT_OK, "All files are here.\n")
    assert cached(tmp_path) == []


def test_a_licence_that_is_not_permissive_must_be_accepted(models, local, tmp_path):
    code, _, said = models("fetch", "merlin-phecodes", "--file", *local(PHECODES))
    assert code == EXIT_USER_ERROR
    assert "merlin-phecodes: licence not stated for the weights." in said
    assert "was not accepted; nothing was fetched" in said and "--accept-licence" in said
    assert cached(tmp_path) == []


def test_no_model_is_fetched_if_one_licence_is_missing(models, local, tmp_path):
    files = local(PHECODES, LUNGS)
    code, _, _ = models("fetch", "lung-size", "merlin-phecodes", "--file", *files)
    assert code == EXIT_USER_ERROR
    assert cached(tmp_path) == []


def test_a_wrong_local_file_is_not_kept(models, local, tmp_path):
    code, _, said = models("fetch", "lung-size", "--file", *local(LUNGS))
    assert code == EXIT_USER_ERROR
    assert "its publisher's is d5d2fc3d" in said
    assert cached(tmp_path) == []


def test_a_file_of_no_such_name_is_refused_with_the_names_expected(models, local, tmp_path):
    files = local("weights.pt")
    code, _, said = models("fetch", "merlin-phecodes", "--accept-licence", "--file", *files)
    assert code == EXIT_USER_ERROR
    assert f"weights.pt: no file of merlin-phecodes. Expected: {PHECODES}." in said
    code, _, said = models("fetch", "lung-volume", "--file", *files)
    assert code == EXIT_USER_ERROR and "none, the model is embedded" in said


def test_offline_says_where_to_get_the_file(models, local, tmp_path):
    code, _, said = models("fetch", "lung-size", "--offline")
    assert code == EXIT_USER_ERROR
    assert "--offline was asked for" in said and f"init/{LUNGS}" in said
    assert cached(tmp_path) == []


def test_half_a_model_from_files_keeps_what_came(models, local, tmp_path):
    code, _, said = models(
        "fetch", "ct2-vqgan256", "--accept-licence", "--offline", "--file", *local(CHECKPOINT)
    )
    assert code == EXIT_USER_ERROR and YAML in said
    assert cached(tmp_path) == [CHECKPOINT, "pins.json"]


def test_a_missing_local_file_says_so(models, tmp_path):
    code, _, said = models(
        "fetch", "merlin-phecodes", "--accept-licence", "--file", tmp_path / PHECODES
    )
    assert code == EXIT_USER_ERROR and "There is no file" in said


@pytest.mark.parametrize("verb", ["fetch", "remove"])
def test_an_unknown_name_gets_a_suggestion(models, verb):
    code, _, said = models(verb, "lung-sise")
    assert code == EXIT_USER_ERROR
    assert "There is no model named 'lung-sise'." in said and "'lung-size'" in said


def test_verify_names_every_file_that_changed(models, local, tmp_path):
    models("fetch", "ct2-vqgan256", "--accept-licence", "--file", *local(CHECKPOINT, YAML))
    (tmp_path / "cache" / YAML).write_text("other")
    code, text, said = models("verify")
    assert code == EXIT_USER_ERROR
    assert text == f"{CHECKPOINT}: as it was\n{YAML}: CHANGED\n"
    assert f"{YAML} has SHA-256" in said and "that of its first use" in said


def test_remove_forgets_the_digest(models, local, tmp_path):
    (file,) = local(PHECODES)
    fetch = ("fetch", "merlin-phecodes", "--accept-licence", "--file", file)
    models(*fetch)
    file.write_text("a newer version")
    (tmp_path / "cache" / PHECODES).unlink()
    code, _, said = models(*fetch)
    assert code == EXIT_USER_ERROR and "that of its first use" in said
    models("remove", "merlin-phecodes")
    assert models(*fetch)[0] == EXIT_OK


def test_remove_all_clears_the_cache(models, local, tmp_path):
    models("fetch", "merlin-phecodes", "--accept-licence", "--file", *local(PHECODES))
    assert models("remove", "--all")[0] == EXIT_OK
    assert cached(tmp_path) == []
    assert models("remove", "--all")[0] == EXIT_OK  # nothing there is no error


@pytest.mark.parametrize("words", [(), ("lung-size", "--all")])
def test_remove_wants_names_or_all(models, words):
    code, _, said = models("remove", *words)
    assert code == EXIT_USER_ERROR and "Name the models to remove, or --all; not both." in said
