"""One table: the .ui, the panel, the console and the command line show what it says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from CTCounterfactualLib.setting import camel_case
from CTCounterfactualLib.setting_table import SETTINGS

TESTING = Path(__file__).resolve().parents[2]
MODULE = TESTING.parent / "CTCounterfactual"
UI = ElementTree.parse(MODULE / "Resources" / "UI" / "CTCounterfactual.ui").getroot()
CONTROLS = ("ComboBox", "SpinBox", "Slider", "LineEdit")
# Settings of every kind, as one would add them: put at the end of the table.
PRETENDED = """
    pretend: int = setting(
        4, "how often to pretend", "Pretended", limit=Limit(1, 9), unit="times", metavar="TIMES"
    )
    pretend_share: float | None = setting(
        None, "share to pretend", "Pretended share", limit=Limit(0, 1), percent=True
    )
    pretend_kind: str = setting(
        "old", "what to pretend", "Kind", choices={"old": "The old one", "new": "The new one"},
        keyword="pretendedKind",
    )
    pretend_sizes: tuple[float, ...] = setting((1.0, 2.5), "sizes", "Sizes", limit=Limit(0))
    pretend_well: bool = setting(False, "whether to pretend well", "Well")
    pretend_name: str = setting("nobody", "who", "Who", tooltip="Who it is.")


SETTINGS ="""
WITHOUT_SLICER = r"""
import json
from CTCounterfactualLib import ExplainSettings
from CTCounterfactualLib.app.cli import build_parser
from CTCounterfactualLib.app.options import settings_from
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.wording import Place, say, worded

given = ("explain in -o out --pretend 7 --pretend-share 0.5 --pretend-kind new --pretend-sizes 3 4 "
         "--pretend-well --pretend-name me").split()
options = settings_from(build_parser().parse_args(given))
refused = []
for wrong in ({"pretend": 0}, {"pretend": 1.5}, {"pretend_share": 2.0}, {"pretend_kind": "odd"},
              {"pretend_sizes": (1.0, -1.0)}):
    try:
        ExplainSettings(**wrong)
    except SettingsError as error:
        refused.append(str(error))
verbs = next(a for a in build_parser()._actions if a.dest == "verb").choices
job = Job(FileInput("in"), "out", settings=options)
print(json.dumps({
    "options": options.to_dict(), "refused": refused, "help": verbs["explain"].format_help(),
    "job": Job.from_dict(json.loads(json.dumps(job.to_dict()))) == job,
    "said": [worded(say("pretend", 3), place) for place in Place],
    "documented": ExplainSettings.__doc__,
}))
"""
IN_SLICER = r"""
import json, sys
from pathlib import Path
from Harness.application import slicer_like
from CTCounterfactualSlicer.options import Options

made = Options.from_keywords(pretend=2, pretendShare=0.25, pretendedKind="new", pretendWell=True)
with slicer_like(Path(sys.argv[1])) as app:
    import slicer
    from CTCounterfactualSlicer.panels.parameters import keywords_of
    from CTCounterfactualSlicer.panels.setting_rows import setting_rows

    frame = slicer.qMRMLWidget(); frame.setLayout(app.qt.QVBoxLayout())
    widget = app.module.CTCounterfactualWidget(frame); widget.setup(); widget.enter()
    ui, parameters = widget.ui, widget.parameterNode

    def keywords():
        return {k: v for k, v in keywords_of(parameters).items() if k.startswith("pretend")}

    rows = setting_rows(ui)  # finds those that the panel made
    pretended = [row for name, row in rows.items() if "pretend" in name]
    captions = [row.caption.text for row in pretended]
    tips = [rows["pretend"].control.toolTip, rows["pretend_name"].caption.toolTip]
    inside = all(ui.advancedGroupBox.isAncestorOf(one)
                 for row in pretended for one in (row.caption, row.control))
    texts = [ui.pretendKindComboBox.itemText(n) for n in range(ui.pretendKindComboBox.count)]
    before = keywords()
    switched = [ui.pretendShareSpinBox.enabled]
    ui.pretendSpinBox.value = 9
    ui.pretendShareCheckBox.checked = True
    switched.append(ui.pretendShareSpinBox.enabled)
    ui.pretendShareSpinBox.value = 12.5
    ui.pretendKindComboBox.currentIndex = 1
    ui.pretendSizesLineEdit.text = "5 6"
    ui.pretendWellCheckBox.checked = True
    ui.pretendNameLineEdit.text = "somebody"
    after = keywords()
    ui.defaultsButton.click()
    print(json.dumps({
        "made": made.settings.to_dict(), "captions": captions, "tips": tips, "inside": inside,
        "texts": texts, "before": before, "switched": switched, "after": after,
        "restored": keywords() == before, "range": [ui.pretendSpinBox.minimum,
        ui.pretendSpinBox.maximum, ui.pretendSpinBox.suffix],
        "errors": [str(error) for error in app.errors],
    }))
    widget.cleanup()
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The module with more settings in the table; nothing else is touched."""
    copy = tmp_path_factory.mktemp("checkout") / "CTCounterfactual"
    shutil.copytree(MODULE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "CTCounterfactualLib" / "setting_table.py"
    text = table.read_text(encoding="utf-8")
    assert text.count("\n\n\nSETTINGS =") == 1
    table.write_text(text.replace("\n\n\nSETTINGS =", PRETENDED), encoding="utf-8")
    return copy


def told(code: str, checkout: Path, *arguments: str) -> dict:
    """Run code on a checkout; return what it prints."""
    paths = f"import sys; sys.path[:0] = [{str(checkout)!r}, {str(TESTING)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", paths + code, *arguments],
        capture_output=True,
        text=True,
        cwd=checkout,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_setting_in_the_table_is_an_option_checked_and_in_job_files(checkout):
    found = told(WITHOUT_SLICER, checkout)
    assert {k: v for k, v in found["options"].items() if "pretend" in k} == {
        "pretend": 7,
        "pretend_share": 0.5,
        "pretend_kind": "new",
        "pretend_sizes": [3.0, 4.0],
        "pretend_well": True,
        "pretend_name": "me",
    }
    assert found["refused"] == [
        "Setting pretend is 0; it must be 1 to 9.",
        "Setting pretend is 1.5; it must be a whole number.",
        "Setting pretend_share is 2.0; it must be 0 to 1.",
        "Setting pretend_kind is 'odd'; choose one of old, new.",
        "Setting pretend_sizes is (1.0, -1.0); it must be 0 or more.",
    ]
    assert "--pretend TIMES" in found["help"] and "how often to pretend" in found["help"]
    assert "{old,new}" in found["help"] and "(default: 1 2.5)" in found["help"]
    assert "whether to pretend well (default: False)" in " ".join(found["help"].split())
    assert found["job"]
    assert found["said"] == [
        "pretend=3",
        "--pretend 3",
        "pretend=3",
        "Settings > Advanced > Pretended: 3",
    ]
    assert "pretend : int\n    How often to pretend." in found["documented"]


def test_a_setting_in_the_table_is_a_keyword_and_a_row_of_the_panel(checkout, tmp_path):
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    pytest.importorskip("PySide6.QtUiTools", reason="PySide6 is not installed")
    found = told(IN_SLICER, checkout, str(tmp_path))
    made = found["made"]
    assert (made["pretend"], made["pretend_share"], made["pretend_kind"]) == (2, 0.25, "new")
    assert found["captions"] == [
        "Pretended:",
        "Pretended share:",
        "Kind:",
        "Sizes:",
        "Well",
        "Who:",
    ]
    assert found["tips"] == ["How often to pretend.", "Who it is."]
    assert found["inside"]
    assert found["texts"] == ["The old one", "The new one"]
    assert found["range"] == [1, 9, " times"]
    assert found["before"] == {
        "pretend": 4,
        "pretendShare": None,
        "pretendedKind": "old",
        "pretendSizes": [1.0, 2.5],
        "pretendWell": False,
        "pretendName": "nobody",
    }
    assert found["switched"] == [False, True]
    assert found["after"] == {
        "pretend": 9,
        "pretendShare": 0.125,
        "pretendedKind": "new",
        "pretendSizes": [5.0, 6.0],
        "pretendWell": True,
        "pretendName": "somebody",
    }
    assert found["restored"]
    assert found["errors"] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_the_ui_has_each_row_where_messages_say(name):
    section = UI.find(".//widget[@name='settingsCollapsibleButton']")
    advanced = section.find(".//widget[@name='advancedGroupBox']")
    ends = ("CheckBox",) if SETTINGS[name].kind == "bool" else CONTROLS
    names = {camel_case(name) + end for end in ends}
    found = [one for one in section.iter("widget") if one.get("name") in names]
    assert len(found) == 1
    assert (found[0] in list(advanced.iter("widget"))) == SETTINGS[name].advanced


def test_the_ui_leaves_the_words_of_settings_to_the_table():
    """A text there would be a second place to change."""
    stems = tuple(camel_case(name) + end for name in SETTINGS for end in (*CONTROLS, "CheckBox"))
    rows = [one for one in UI.iter("widget") if one.get("name").startswith(stems)]
    switches = [one for one in SETTINGS.values() if one.kind == "bool"]  # have no caption
    assert len(rows) == 2 * len(SETTINGS) - len(switches)
    said = [
        (row.get("name"), kind)
        for row in rows
        for kind in ("text", "toolTip")
        if row.find(f"property[@name='{kind}']") is not None
    ]
    assert said == []


def test_the_panel_shows_the_words_of_the_table(desk):
    ui = desk.ui
    for name, one in SETTINGS.items():
        if one.kind == "bool":
            switch = getattr(ui, camel_case(name) + "CheckBox")
            assert (switch.text, switch.toolTip) == (one.label, one.tooltip)
            continue
        (row,) = [
            getattr(ui, camel_case(name) + end)
            for end in CONTROLS
            if hasattr(ui, camel_case(name) + end)
        ]
        caption = getattr(ui, camel_case(name) + "CheckBox", None)
        caption = caption or getattr(ui, row.objectName + "Caption")
        assert (caption.text, caption.toolTip) == (f"{one.label}:", one.tooltip)
        assert row.toolTip == one.tooltip
        if one.closed:
            shown = [row.itemText(n) for n in range(row.count)]
            assert [text for text in shown if text != one.none_label] == [*one.choices.values()]
            assert (one.none_label in shown) == one.optional
