"""The bundle: everything is in it after a round trip, or nothing is written at all."""

import importlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from CTCounterfactualLib.errors import MissingExtraError, OutputError
from CTCounterfactualLib.scene import mrml
from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.bundle.write import write_scene
from CTCounterfactualLib.scene.make.colors import legend_table
from CTCounterfactualLib.scene.make.legends import legend_of
from CTCounterfactualLib.scene.make.volumes import ijk_to_ras
from CTCounterfactualLib.scene.mrml import slicer
from scene_factory import make_explanation


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
    """(explanation, path, scene read back)"""
    folder = tmp_path_factory.mktemp("bundle")
    explanation = make_explanation(name="Müller; a:b/c")
    path = write_scene(explanation, folder / "scene.mrb")
    with headless_scene(folder) as headless:
        assert headless.scene.ReadFromMRB(str(path))
        yield explanation, path, headless.scene


def test_file_is_the_only_thing_written(tmp_path):
    path = write_scene(make_explanation(), tmp_path / "scene.mrb")
    assert path == tmp_path / "scene.mrb"
    assert list(tmp_path.iterdir()) == [path]


def test_relative_path_is_written_where_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_scene(make_explanation(), "scene.mrb") == tmp_path / "scene.mrb"
    assert (tmp_path / "scene.mrb").exists()


def test_voxels_geometry_and_names_survive(reloaded):
    explanation, _, scene = reloaded
    for name, array in (
        ("Müller; a:b/c", explanation.scan.array),
        ("Müller; a:b/c counterfactual", explanation.counterfactual),
        ("Müller; a:b/c change (HU)", explanation.difference),
        ("Müller; a:b/c heatmap", explanation.heatmap),
    ):
        node = scene.GetFirstNodeByName(name)
        voxels = slicer.util.arrayFromVolume(node)
        np.testing.assert_array_equal(voxels, array)
        assert voxels.dtype == array.dtype
        np.testing.assert_allclose(ijk_to_ras(node), explanation.scan.ijk_to_ras(), atol=1e-6)
    chunk = scene.GetFirstNodeByName("Müller; a:b/c heatmap slices 010-020")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(chunk), explanation.heatmap[10:])


def test_mirrored_scan_is_read_back_at_the_same_place(tmp_path):
    # Slicer reverses the slices of a left-handed volume as it reads it, and its matrix with them.
    explanation = make_explanation(flipped=True)
    path = write_scene(explanation, tmp_path / "scene.mrb")
    reverse = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1.0]])
    with headless_scene(tmp_path) as headless:
        assert headless.scene.ReadFromMRB(str(path))
        for name, array, first in (
            ("CHEST", explanation.scan.array, 0),
            ("CHEST heatmap slices 010-020", explanation.heatmap[10:], 10),
        ):
            node = headless.scene.GetFirstNodeByName(name)
            np.testing.assert_array_equal(slicer.util.arrayFromVolume(node)[::-1], array)
            reverse[2, 3] = first + len(array) - 1  # K of the volume read -> K of the scan
            np.testing.assert_allclose(
                ijk_to_ras(node), explanation.scan.ijk_to_ras() @ reverse, atol=1e-6
            )


def test_references_colours_tables_and_charts_survive(reloaded):
    explanation, _, scene = reloaded
    named = scene.GetFirstNodeByName
    counterfactual = named("Müller; a:b/c counterfactual")
    heatmap = named("Müller; a:b/c heatmap")
    scan = heatmap.GetNodeReference("CTCounterfactual.inputVolume")
    assert scan is named("Müller; a:b/c")
    assert heatmap.GetNodeReference("CTCounterfactual.counterfactualVolume") is counterfactual
    assert counterfactual.GetDescription().startswith("Model behaviour, not a diagnosis")
    assert '"moved" little; take care: 5 % & less' in counterfactual.GetAttribute(
        "CTCounterfactual.flags"
    ).replace("\\", "")
    colors = heatmap.GetDisplayNode().GetColorNode()
    assert [colors.GetColorName(level.label) for level in explanation.levels] == [
        level.name for level in explanation.levels
    ]
    assert named("Müller; a:b/c change (HU)").GetDisplayNode().GetWindow() == 400
    chunks = named("Müller; a:b/c chunks")
    assert chunks.GetCellText(1, chunks.GetColumnIndex("stop reason")) == "flat"
    assert chunks.GetColumnUnitLabel("low") == "mm"
    chart = named("Müller; a:b/c evidence")
    assert chart.GetNthPlotSeriesNode(0).GetTableNode() is chunks
    legend = legend_of(heatmap)
    assert legend.GetUseColorNamesForLabels()
    assert legend.GetPrimaryDisplayNode().GetColorNode() is legend_table(colors)


def test_hierarchy_and_layout_survive(reloaded):
    _, _, scene = reloaded
    hierarchy = scene.GetSubjectHierarchyNode()
    folder = hierarchy.GetItemByName("Müller; a:b/c explanation")
    heatmap = scene.GetFirstNodeByName("Müller; a:b/c heatmap slices 000-010")
    inside = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(heatmap))
    assert hierarchy.GetItemName(inside) == "Heatmaps by slices"
    assert hierarchy.GetItemParent(inside) == folder
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == layout.SlicerLayoutTwoOverTwoView
    shown = {}
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        view = scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
        shown[view.GetLayoutName()] = [
            (scene.GetNodeByID(i).GetName().removeprefix("Müller; a:b/c") if i else None)
            for i in (
                view.GetBackgroundVolumeID(),
                view.GetForegroundVolumeID(),
                view.GetLabelVolumeID(),
            )
        ]
    assert shown == {
        "Red": ["", None, None],
        "Slice4": [" counterfactual", None, None],
        "Green": ["", " change (HU)", None],
        "Yellow": ["", None, " heatmap"],
    }
    for name in shown:
        slice_node = scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        assert slice_node.GetOrientation() == "Axial"


# Names of scans, and what members of the bundle begin with.
ODD_NAMES = {
    "a<b>c": "a_b_c",
    'q"r|s?*<': "q_r_s___",
    "C:\\scans\\one": "C__scans_one",
    "NUL": "_NUL",
    "com1.v2": "_com1.v2",
}
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
REFUSED_BY_WINDOWS = set('<>:"\\|?*')
DEVICES = {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_members_can_be_unpacked_on_windows_and_nodes_keep_their_names(tmp_path, name):
    explanation = make_explanation(name=name)
    path = write_scene(explanation, tmp_path / "scene.mrb")
    with zipfile.ZipFile(path) as bundle:
        members = [m.removeprefix("scene/Data/") for m in bundle.namelist() if "/Data/" in m]
    assert len({m.lower() for m in members}) == len(members) == 21
    for member in members:
        assert not set(member) & REFUSED_BY_WINDOWS
        assert member.split(".")[0].upper() not in DEVICES
    assert f"{ODD_NAMES[name]}.nrrd" in members
    with headless_scene(tmp_path) as headless:
        assert headless.scene.ReadFromMRB(str(path))
        for what, array in (("", explanation.scan.array), (" heatmap", explanation.heatmap)):
            node = headless.scene.GetFirstNodeByName(name + what)
            np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), array)
        chunks = headless.scene.GetFirstNodeByName(f"{name} chunks")
        assert chunks.GetNumberOfRows() == 2


def test_volumes_are_compressed_and_a_picture_is_inside(reloaded):
    _, path, _ = reloaded
    with zipfile.ZipFile(path) as bundle:
        volumes = [name for name in bundle.namelist() if name.endswith(".nrrd")]
        assert len(volumes) == 6  # scan, counterfactual, change, heatmap, two chunks
        for name in volumes:
            assert b"encoding: gzip" in bundle.read(name)[:1000]
        picture = bundle.read("scene/scene.png")
        assert picture.startswith(b"\x89PNG")
        assert b"/private" not in bundle.read("scene/scene.mrml")  # no path of the patient's file


def test_slicer_takes_the_scene_for_its_own(reloaded):
    _, _, scene = reloaded
    # Slicer warns if the name is another one, or the version newer than its own.
    assert scene.GetLastLoadedVersion() == "Slicer 5.10.0 0"


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"Cannot write .*nowhere/scene.mrb: No such file"):
        write_scene(make_explanation(), tmp_path / "nowhere" / "scene.mrb")
    assert list(tmp_path.iterdir()) == []


def test_file_in_place_of_the_folder_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError) as raised:
        write_scene(make_explanation(), tmp_path / "file" / "scene.mrb")
    assert isinstance(raised.value.__cause__, NotADirectoryError)


def test_failed_move_leaves_nothing_behind(tmp_path):
    (tmp_path / "scene.mrb").mkdir()  # a folder can't be replaced by a file
    with pytest.raises(OutputError, match=r"scene.mrb is a folder; give the name of a file"):
        write_scene(make_explanation(), tmp_path / "scene.mrb")
    assert list(tmp_path.iterdir()) == [tmp_path / "scene.mrb"]
    assert list((tmp_path / "scene.mrb").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits a process's file size the POSIX way")
@pytest.mark.parametrize("room", [1_000, 60_000])  # a volume doesn't fit; the bundle doesn't
def test_full_disk_leaves_the_old_file_and_says_why(tmp_path, room):
    (tmp_path / "scene.mrb").write_bytes(b"old")
    code = (
        "import resource, scene_factory\n"
        "from CTCounterfactualLib.errors import OutputError\n"
        "from CTCounterfactualLib.scene.bundle.write import write_scene\n"
        "explanation = scene_factory.make_explanation()\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "try:\n    write_scene(explanation, 'scene.mrb')\n"
        "except OutputError as error:\n    print('OutputError', error)\n"
    )
    folders = [str(Path(__file__).parents[1]), str(Path(mrml.__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    )
    assert "OutputError Cannot write the scene" in done.stdout
    assert "Failed to" in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "scene.mrb"]
    assert (tmp_path / "scene.mrb").read_bytes() == b"old"


def test_existing_file_is_replaced_only_by_a_complete_one(tmp_path):
    path = tmp_path / "scene.mrb"
    path.write_bytes(b"old")
    write_scene(make_explanation(), path)
    assert zipfile.is_zipfile(path)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"ends in \.mrb"):
        write_scene(make_explanation(), tmp_path / "scene.zip")


def test_scene_without_slicer_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer", None)
    try:
        with pytest.raises(MissingExtraError, match=r"write the Slicer scene \(scene.mrb\)") as e:
            importlib.reload(mrml)
    finally:
        monkeypatch.undo()
        importlib.reload(mrml)
    assert "ct-counterfactual[scene]" in str(e.value)
