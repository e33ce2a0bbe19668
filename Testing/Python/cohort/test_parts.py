"""The small parts of a cohort: cache, locations, pace, settings, what of a folder stays."""

import fsspec
import pytest

from CTCounterfactualLib.cohort.cluster import Cluster, default_workers
from CTCounterfactualLib.cohort.cohort_file import check_output, read_cohort
from CTCounterfactualLib.cohort.cohort_settings import CohortSettings
from CTCounterfactualLib.cohort.fingerprint import content_of, key_of, stamp_of
from CTCounterfactualLib.cohort.inputs import InputCache
from CTCounterfactualLib.cohort.locations import folder_of, is_url, join
from CTCounterfactualLib.cohort.output import open_output
from CTCounterfactualLib.cohort.pace import CohortPace, in_time
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import OutputError, ScanError, SettingsError


@pytest.fixture
def store():
    """A store with three files of ten bytes and a folder of one."""
    made = fsspec.filesystem("memory")
    for name in ("a", "b", "c", "series/1.dcm"):
        made.pipe(f"/cohort-cache/{name}", name[0].encode() * 10)
    yield "memory://cohort-cache"
    made.rm("/cohort-cache", recursive=True)


def test_fetched_scans_give_way_oldest_first_but_never_those_in_use(store, tmp_path):
    cache = InputCache(tmp_path / "inputs", 25)
    a, b = cache.local(f"{store}/a"), cache.local(f"{store}/b")
    assert (a.read_bytes(), b.read_bytes()) == (b"a" * 10, b"b" * 10)
    cache.release()
    assert cache.local(f"{store}/a") == a  # the younger now
    cache.release()
    c = cache.local(f"{store}/c")
    assert a.exists() and c.exists() and not b.exists()
    cache.local(f"{store}/a")
    with pytest.raises(ScanError, match="more than the cache may hold"):
        cache.local(f"{store}/b")
    assert a.exists() and c.exists()


def test_a_folder_is_fetched_whole_and_what_is_not_there_is_said(store, tmp_path):
    cache = InputCache(tmp_path / "inputs", 1000)
    folder = cache.local(f"{store}/series")
    assert [path.name for path in folder.iterdir()] == ["1.dcm"]
    with pytest.raises(ScanError, match="Cannot fetch memory://cohort-cache/none"):
        cache.local(f"{store}/none")
    assert cache.local(str(tmp_path / "x")) == tmp_path / "x"


def test_locations_are_paths_or_urls():
    assert is_url("s3://bucket/key") and not is_url("C://x") and not is_url("file:///x")
    assert join("/data", "file:///x/y") == "/x/y" and join("/data", "../z") == "/z"
    assert join("s3://b/in", "./a/b") == "s3://b/in/a/b"
    assert folder_of("s3://b/in/m.csv") == "s3://b/in"
    with pytest.raises(SettingsError, match="leads out of"):
        join("s3://b/in", "../secret")


def test_digests_tell_files_apart_and_stamps_their_changes(tmp_path):
    one, two = tmp_path / "one.bin", tmp_path / "two.bin"
    one.write_bytes(b"1")
    two.write_bytes(b"1")
    assert content_of(one) == content_of(two)
    before = stamp_of(str(one))
    one.write_bytes(b"22")
    assert stamp_of(str(one)) != before and content_of(one) != content_of(two)
    folder = content_of(tmp_path)
    two.rename(tmp_path / "three.bin")
    assert content_of(tmp_path) != folder
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}) != key_of({"a": 1, "b": [3]})


def test_the_pace_is_that_of_the_last_cases():
    clock = iter([0.0, *(10.0 * n for n in range(1, 4)), *(30.0 + 200.0 * n for n in range(1, 99))])
    pace = CohortPace(lambda: next(clock))
    assert pace.words(5) == ""
    for _ in range(3):
        pace.explained()
    assert pace.words(30) == "6 a minute, 5 min left" and pace.words(0) == "6 a minute"
    for _ in range(90):
        pace.explained()
    assert pace.words(36) == "18 an hour, 2.0 h left"
    assert [in_time(s) for s in (0.4, 119, 121, 7300)] == ["0 s", "119 s", "2 min", "2.0 h"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"keep": "most"}, "choose one of all, figures, records"),
        ({"case_timeout_s": -1.0}, "case timeout is -1.0 s"),
        ({"chunks": (5, 0)}, "chunk"),
        ({"tests": ("noize",)}, "There is no test 'noize'"),
        ({"method": "occlusion", "chunks": (5, 10)}, "there are no chunks"),
        ({"settings": ExplainSettings(mode="whole"), "chunks": (5, 10)}, "there are no chunks"),
        ({"method": "occlusion", "region": "auto"}, "no use of a region"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, said):
    with pytest.raises(SettingsError, match=said):
        CohortSettings(**wrong)


def test_the_result_has_the_usual_chunk_size_where_it_is_among_those_asked_for():
    assert CohortSettings(chunks=(5, 10, 5, 20)).chunks == (5, 10, 20)
    assert CohortSettings(chunks=(5, 10, 20)).settings.chunk == 10
    assert CohortSettings(chunks=(5, 20)).settings.chunk == 5
    quick = CohortSettings(tests=("quick", "reversal", "noise")).tests
    assert "quick" not in quick and quick.count("noise") == 1 and "reversal" in quick


def test_workers_are_as_many_as_there_is_room_for():
    assert default_workers(3, 1) == 3
    assert default_workers(0, 10_000) == 1
    for wrong in ({"workers": -1}, {"threads": 0}, {"scheduler": "tcp://x:1", "workers": 2}):
        with pytest.raises(SettingsError):
            Cluster(**wrong)


def test_a_folder_of_something_else_is_no_output(tmp_path):
    check_output(open_output(str(tmp_path / "new")))
    (tmp_path / "mine.txt").touch()
    with pytest.raises(OutputError, match="no cohort: choose another"):
        check_output(open_output(str(tmp_path)))
    with pytest.raises(OutputError, match="is no folder"):
        check_output(open_output(str(tmp_path / "mine.txt")))
    with pytest.raises(OutputError, match="is no cohort"):
        read_cohort(tmp_path)
