"""Installing packages: what is missing, what is asked, what stays as it is, how failures read."""

import os
import subprocess
import sys
import types
from importlib.metadata import version

import pytest

from CTCounterfactualLib.errors import CTCounterfactualError
from CTCounterfactualSlicer import installation, packages
from CTCounterfactualSlicer.installation import Declined, InstallationError, install
from CTCounterfactualSlicer.packages import Package


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a function that installs an empty package of a version, as pip would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, number: str) -> None:
        (tmp_path / f"{name}.py").write_text("")
        info = tmp_path / f"{name}-{number}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")

    return put


NEEDED = Package("ctc_needed>=2.0", "12", "is needed by a test")


def test_the_requirements_name_what_the_worker_needs():
    required = packages.required_packages()
    assert [one.name for one in required] == ["torch", "safetensors", "matplotlib"]
    assert all(one.purpose and one.size_mb != "?" for one in required)
    assert all("==" not in one.requirement for one in required)  # shared by all extensions
    assert not {one.name for one in required} & set(installation.PINNED)


def test_what_is_there_is_not_missing():
    assert Package("numpy>=1.0", "1", "counts").installed


def test_too_old_or_absent_is_missing(site):
    assert not NEEDED.installed
    site("ctc_needed", "1.9")
    assert not NEEDED.installed


def test_new_enough_is_not_missing(site):
    site("ctc_needed", "2.0.1")
    assert NEEDED.installed


def test_metadata_without_the_package_is_missing(site, tmp_path):
    site("ctc_needed", "2.0.1")
    (tmp_path / "ctc_needed.py").unlink()
    assert not NEEDED.installed


def test_the_question_tells_names_sizes_and_what_stays(monkeypatch):
    monkeypatch.setattr(packages, "has_torch_extension", lambda: True)
    text = packages.describe(packages.required_packages())
    for words in ("torch (200-3000 MB)", "matplotlib", "NumPy", "stay as they are", "no network"):
        assert words in text
    assert "Extensions Manager" not in text


def test_without_the_extension_the_question_says_how_to_get_it():
    assert not packages.has_torch_extension()
    assert "Extensions Manager > PyTorch" in packages.describe(packages.required_packages())


def test_nothing_is_installed_without_consent(monkeypatch):
    monkeypatch.setattr(installation, "missing_packages", lambda: (NEEDED,))
    asked = []

    def refuse(question):
        asked.append(question)
        return False

    def never(requirements, constraints):
        raise AssertionError("installed without consent")

    with pytest.raises(Declined, match="Nothing was installed"):
        installation.ensure_installed(ask=refuse, by_pip=never, by_extension=never)
    assert len(asked) == 1
    assert "ctc_needed" in asked[0]


def test_nobody_is_asked_when_nothing_is_missing(monkeypatch):
    monkeypatch.setattr(installation, "missing_packages", lambda: ())
    installation.ensure_installed(ask=lambda question: pytest.fail("asked"))


def test_torch_goes_to_the_extension_and_the_rest_to_pip(site):
    calls = {}

    def by(which):
        def installer(requirements, constraints):
            calls[which] = (requirements, constraints.read_text())
            for one in requirements:
                if one.startswith("ctc"):
                    site(one.split(">=")[0], "2.0")

        return installer

    torch = Package("torch>=2.2", "200", "computes")
    install((torch, NEEDED), "extension", by_pip=by("pip"), by_extension=by("extension"))
    assert calls["pip"][0] == ["ctc_needed>=2.0"]
    assert calls["extension"][0] == ["torch>=2.2"]
    for _, constraints in calls.values():
        assert f"numpy=={version('numpy')}\n" in constraints
        assert f"SimpleITK=={version('SimpleITK')}\n" in constraints


def test_without_the_extension_pip_gets_all(site):
    calls = []

    def by_pip(requirements, constraints):
        calls.append(requirements)
        site("ctc_needed", "2.0")

    install((Package("torch>=2.2", "200", "computes"), NEEDED), by_pip=by_pip)
    assert calls == [["torch>=2.2", "ctc_needed>=2.0"]]


def test_an_installation_that_brought_nothing_is_a_failure():
    with pytest.raises(InstallationError, match=r"ctc_needed>=2\.0 can't be found") as caught:
        install((NEEDED,), by_pip=lambda requirements, constraints: None)
    assert "Restart Slicer" in caught.value.advice


def failing(requirements, constraints):
    raise subprocess.CalledProcessError(1, "pip install")


def test_no_network_is_said_in_words(monkeypatch):
    monkeypatch.setattr(installation, "INDEX", "http://127.0.0.1:9/simple")  # nothing listens there
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(InstallationError, match="index can't be reached") as caught:
        install((NEEDED,), by_pip=failing)
    assert "HTTPS_PROXY" in caught.value.advice
    assert '--find-links FOLDER "ctc_needed>=2.0"' in caught.value.advice
    assert "CalledProcessError" in caught.value.details


def test_another_failure_points_to_the_details(monkeypatch, tmp_path):
    (tmp_path / "index").write_text("here")
    monkeypatch.setattr(installation, "INDEX", (tmp_path / "index").as_uri())
    with pytest.raises(InstallationError, match=r"ctc_needed>=2\.0 could not be") as caught:
        install((NEEDED,), by_pip=failing)
    assert "Python Console" in caught.value.advice


def test_slicers_numpy_is_safe_from_a_pip_that_takes_no_constraints(tmp_path, monkeypatch):
    """Real pip, told by its environment only, from a folder with a space, as on Windows."""
    pytest.importorskip("pip")
    folder = tmp_path / "John Doe"
    folder.mkdir()
    constraints = folder / "constraints.txt"
    constraints.write_text("numpy<1\n")
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-index",
        "--no-build-isolation",
        "--disable-pip-version-check",
        "numpy",
    ]
    free = subprocess.run(command, capture_output=True, text=True, check=False)
    assert free.returncode == 0, free.stderr
    with installation._pip_constraint(constraints):
        held = subprocess.run(command, capture_output=True, text=True, check=False)
    assert held.returncode != 0
    assert "numpy" in held.stderr
    assert "PIP_CONSTRAINT" not in os.environ


def test_the_extension_gets_version_and_constraints(monkeypatch, tmp_path):
    seen = {}

    class Logic:
        def installTorch(self, askConfirmation, torchVersionRequirement):
            seen.update(
                ask=askConfirmation,
                version=torchVersionRequirement,
                constraint=os.environ["PIP_CONSTRAINT"],
            )

    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = Logic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    with pytest.raises(Declined):  # it returned no torch
        installation.install_by_extension(["torch>=2.2"], tmp_path / "c.txt")
    assert seen == {"ask": False, "version": ">=2.2", "constraint": (tmp_path / "c.txt").as_uri()}


def test_errors_of_installation_are_the_users():
    assert issubclass(InstallationError, CTCounterfactualError)
    assert issubclass(Declined, CTCounterfactualError)


def test_what_downloads_need_is_listed_apart():
    fetching = packages.fetching_packages()
    assert [one.name for one in fetching] == ["requests", "PyYAML"]
    assert all(one.optional and one.size_mb == "1" for one in fetching)
    text = packages.describe(fetching)
    assert text.startswith("Before the first model is fetched") and "requests (1 MB)" in text


def test_a_package_may_be_imported_by_another_name():
    pytest.importorskip("yaml")
    assert Package("PyYAML>=5", "1", "reads").installed


def test_only_what_downloads_need_is_asked_for_when_fetching(monkeypatch):
    monkeypatch.setattr(packages, "fetching_packages", lambda: (NEEDED,))
    asked = []
    with pytest.raises(Declined):
        installation.ensure_installed(lambda text: bool(asked.append(text)), fetching=True)
    assert "ctc_needed" in asked[0]
