"""Messages name settings and actions as the place calls them where they are read."""

import ast
import pickle
import re
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from CTCounterfactualLib.app.cli import build_parser
from CTCounterfactualLib.counterfactual.result import Flag
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import (
    MissingExtraError,
    ModelError,
    OutOfMemory,
    ScanError,
    SettingsError,
    called,
    rename,
    worded_for,
)
from CTCounterfactualLib.events import Event
from CTCounterfactualLib.setting_table import SETTINGS
from CTCounterfactualLib.wording import (
    ACTIONS,
    PANEL_SETTINGS,
    Place,
    keyword_of,
    say,
    speaking,
    worded,
)

MODULE = Path(__file__).resolve().parents[2] / "CTCounterfactual"
LIBRARY, SLICER_SIDE = MODULE / "CTCounterfactualLib", MODULE / "CTCounterfactualSlicer"
# What the engine's own text may not hold: an option, a command or a keyword of one place.
OF_ONE_PLACE = re.compile(r"--[a-z][a-z-]+|ct-counterfactual [a-z]|\bassume_hu=True|\btrust=True")
MARKS = re.compile("[\ue000\ue001]")

ADVICE = {
    Place.PYTHON: "assume_hu=True",
    Place.COMMAND_LINE: "--assume-hu",
    Place.CONSOLE: "assumeHu=True",
    Place.PANEL: "Settings > Advanced > Take the values as HU in any case",
}


@pytest.mark.parametrize("place", Place)
def test_an_error_has_the_words_of_its_place(place):
    error = ScanError(f"No HU here. Use {say('assume_hu', True)}.")
    assert str(error) == "No HU here. Use assume_hu=True."  # a library's, if nothing else is said
    with speaking(place):
        assert str(error) == f"No HU here. Use {ADVICE[place]}."
    with pytest.raises(ScanError) as caught, worded_for(place):
        raise error
    assert str(caught.value) == f"No HU here. Use {ADVICE[place]}."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place.PYTHON, "max_change: device='cpu', chunk=5, target=NAME"),
        (Place.COMMAND_LINE, "--max-change: --device cpu, --chunk 5, --target NAME"),
        (Place.CONSOLE, "maxChange: device='cpu', chunkSize=5, target=NAME"),
        (
            Place.PANEL,
            "'Change limit': Settings > Device: CPU, Settings > Chunk size: 5, "
            "Input > Target: NAME",
        ),
    ],
)
def test_settings_and_what_they_are_set_to(place, words):
    text = (
        f"{say('max_change')}: {say('device', 'cpu')}, {say('chunk', 5)}, {say('target', 'NAME')}"
    )
    assert worded(text, place) == words


def test_a_quoted_error_keeps_its_marks():
    inner = SettingsError(f"Setting {say('max_change')} is 2.")
    outer = SettingsError(f"Job file a.json: {inner.text}")
    outer.place = Place.CONSOLE
    assert str(outer) == "Job file a.json: Setting maxChange is 2."


def test_advice_is_worded_as_the_message_is():
    error = OutOfMemory(on_gpu=True)
    assert error.advice.startswith("Use device='cpu'")
    error.place = Place.PANEL
    assert error.advice.startswith("Use Settings > Device: CPU")


@pytest.mark.parametrize("extra", ["figures", "scene", "models", "monai", "onnx", "all"])
def test_a_missing_package_is_installed_as_the_place_does(extra):
    error = MissingExtraError("some_package", extra, "do it")
    assert f'pip install "ct-counterfactual[{extra}]"' in str(error)
    error.place = Place.PANEL
    listed = (MODULE / "Resources" / "requirements.txt").read_text(encoding="utf-8")
    own = {"monai": "monai", "onnx": "onnxruntime"}.get(extra)
    assert own is None or own not in listed  # else the module installs it by itself
    expected = f'slicer.util.pip_install("{own}")' if own else "Setup > Install..."
    assert expected in str(error)


def test_flags_and_events_have_the_words_of_the_process():
    with speaking(Place.COMMAND_LINE):
        flag, event = Flag("x", f"Raise {say('chunk')}."), Event("x", f"See {say('frames')}.", 0.5)
    assert (flag.message, event.message) == ("Raise --chunk.", "See --frames.")


def test_the_process_speaks_python_again_afterwards():
    with pytest.raises(ZeroDivisionError), speaking(Place.PANEL):
        _ = 1 / 0
    assert worded(say("chunk")) == "chunk"


def test_an_unknown_key_is_a_mistake_of_ours():
    with pytest.raises(KeyError, match="no_such_setting"):
        say("no_such_setting")


def test_marks_in_names_of_files_do_no_harm():
    name = "\ue000os=__import__('os')\ue001.nrrd \ue000chunk=\ue001 {} {0}"
    assert worded(name, Place.PYTHON).startswith("\ue000os=__import__('os')\ue001")
    assert "NAME{" in worded(say("fetch_model", "NAME{"), Place.COMMAND_LINE)


def test_a_file_that_the_user_never_saw_has_the_volume_s_name(tmp_path):
    path = tmp_path / "job-x" / "input.nrrd"
    with pytest.raises(ScanError) as caught, called(path, "My scan"):
        raise ScanError(f"{path} holds no HU; '{path}' and input.nrrd, but not myinput.nrrd.")
    assert str(caught.value) == (
        "'My scan' holds no HU; 'My scan' and 'My scan', but not myinput.nrrd."
    )
    with pytest.raises(ScanError) as caught, called(path, ""):
        raise ScanError(f"{path} holds no HU.")
    assert str(path) in str(caught.value)
    assert rename("input.nrrd.", path, r"a\1b") == r"'a\1b'."


def test_every_setting_has_a_place_in_the_panel():
    assert set(ExplainSettings.names()) <= set(PANEL_SETTINGS)


def test_settings_exist_as_options_of_the_command_line():
    verbs = next(a for a in build_parser()._actions if a.dest == "verb").choices
    known = {option for action in verbs["explain"]._actions for option in action.option_strings}
    only_in_slicer = {"outputs"}
    names = set(PANEL_SETTINGS) - only_in_slicer
    assert {worded(say(name), Place.COMMAND_LINE) for name in names} <= known
    assert {"--series", "--force", "--trust-code"} <= known


def test_settings_exist_as_keywords_of_the_console():
    pytest.importorskip("slicer")
    from CTCounterfactualSlicer.options import KEYWORDS

    assert {keyword_of(name) for name in PANEL_SETTINGS} <= set(KEYWORDS)


def test_commands_that_are_advised_exist():
    parser, found = build_parser(), 0
    for action in ACTIONS.values():
        words = shlex.split(action.command_line.format("NAME"))
        if words[0] == "ct-counterfactual":
            parser.parse_args(words[1:])  # exits, and so fails, for what isn't there
            found += 1
    assert found >= 4


def test_places_in_the_panel_exist_there():
    """Those of settings: `module/test_setting_rows.py`."""
    tree = ElementTree.parse(MODULE / "Resources" / "UI" / "CTCounterfactual.ui")
    texts = {
        (element.findtext("string") or "").rstrip(":")
        for element in tree.iter("property")
        if element.get("name") in ("text", "title")
    }
    texts |= {(e.text or "").rstrip(":") for e in tree.iter("string")}
    others = {name: path for name, path in PANEL_SETTINGS.items() if name not in SETTINGS}
    paths = [*others.values(), *(words.panel for words in ACTIONS.values())]
    paths = [path for path in paths if " > " in path]
    assert len(paths) > len(others)
    for path in paths:
        for part in path.partition(",")[0].split(" > "):
            assert part in texts, f"{path}: the panel shows no {part!r}"


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("mode", "whole", "Whole volume only"),
        ("baseline", "scan", "Scan"),
        ("device", "cpu", "CPU"),
        ("device", "cuda:1", "cuda:1"),
    ],
)
def test_choices_have_the_panel_s_words_there(setting, value, text):
    assert worded(say(setting, value), Place.PANEL).endswith(f": {text}")
    assert worded(say(setting, value), Place.COMMAND_LINE) == f"--{setting} {value}"


def texts_of(path: Path) -> list[tuple[int, str]]:
    """Return (line, text) of all strings in a file but docstrings and single arguments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doc = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in doc
        and " " in node.value.strip()
    ]


def test_only_the_command_line_speaks_of_its_options():
    spoken = [
        f"{path.relative_to(MODULE)}:{line}: {found.group()}"
        for folder in (LIBRARY, SLICER_SIDE)
        for path in sorted(folder.rglob("*.py"))
        if path.relative_to(folder).parts[0] not in ("app", "wording.py")
        for line, text in texts_of(path)
        if (found := OF_ONE_PLACE.search(text))
    ]
    # Options of other programs, and a variable of a style sheet.
    others = ("installation.py", "report_pictures.py", "dicom/pixels.py")
    assert [s for s in spoken if not any(o in s for o in others)] == [], "use wording.say"


def test_no_message_shows_its_marks():
    with speaking(Place.PANEL):
        for error in (OutOfMemory(), OutOfMemory(on_gpu=True), ModelError(say("fetch_model"))):
            assert not MARKS.search(str(error) + error.advice)


def keys_in_messages() -> dict[str, list[str]]:
    """Return each key that a message of the engine or of Slicer's side names, and where."""
    found: dict[str, list[str]] = {}
    for folder in (LIBRARY, SLICER_SIDE):
        for path in sorted(folder.rglob("*.py")):
            if path.name == "self_test.py":  # its `say` tells of a step
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                named = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say"
                if named and isinstance(node.args[0], ast.Constant):
                    where = f"{path.relative_to(MODULE)}:{node.lineno}"
                    found.setdefault(node.args[0].value, []).append(where)
    return found


def test_whatever_a_message_advises_has_words_for_every_place():
    """A message whose key one place lacks would only fail when a user gets to see it."""
    keys = keys_in_messages()
    assert len(keys) > 20
    for key, where in keys.items():
        said = {place: worded(say(key, "VALUE"), place) for place in Place}
        assert all(said.values()), (key, where)
        assert not any(MARKS.search(text) for text in said.values()), (key, where)
        for place in (Place.PANEL, Place.CONSOLE):
            # pip is the same everywhere; else no option and no command of ours.
            assert not OF_ONE_PLACE.search(said[place]) or "pip" in said[place], (key, said[place])
        assert said[Place.PANEL] != said[Place.COMMAND_LINE], (key, where)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("scans/checks.py", "assume_hu"),
        ("scans/dicom", "series"),
        ("counterfactual/environment.py", "device"),
        ("models/store/cache.py", "fetch_model"),
        ("models/store", "local_file"),
        ("errors.py", "chunk"),
    ],
)
def test_messages_that_spoke_of_options_alone_name_keys(source, key):
    """The faults that a trial in Slicer found: a panel's user was told of `--assume-hu`."""
    lies = (LIBRARY / source).relative_to(MODULE).as_posix()
    assert any(place.replace("\\", "/").startswith(lies) for place in keys_in_messages()[key])
