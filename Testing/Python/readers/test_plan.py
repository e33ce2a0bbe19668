"""Who reads what: every case both ways, in balance, by the seed."""

import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.readers.plan import plan_readings

CASES = [f"c{n}" for n in range(11)]
POSITIVE = [n % 3 == 0 for n in range(11)]


def plan(seed=1, readers=("a", "b")):
    return plan_readings(CASES, POSITIVE, readers, seed)


def test_each_reader_reads_each_case_once_a_session_and_both_ways():
    readings = plan()
    for reader in ("a", "b"):
        for session in (1, 2):
            own = [r for r in readings if (r.reader, r.session) == (reader, session)]
            assert sorted(r.case for r in own) == sorted(CASES)
            assert [r.place for r in own] == list(range(1, 12))
        both = {(r.case, r.explained) for r in readings if r.reader == reader}
        assert len(both) == 22


def test_halves_are_balanced_within_labels_and_between_readers():
    readings = plan()
    for reader in ("a", "b"):
        first = [r for r in readings if (r.reader, r.session) == (reader, 1) and r.explained]
        positives = sum(POSITIVE[CASES.index(r.case)] for r in first)
        assert abs(2 * positives - sum(POSITIVE)) <= 1
        assert abs(2 * len(first) - len(CASES)) <= 1
    halves = [
        {r.case for r in readings if (r.reader, r.session) == (name, 1) and r.explained}
        for name in ("a", "b")
    ]
    assert halves[0].isdisjoint(halves[1])


def test_numbers_say_nothing_and_are_never_the_same():
    readings = plan()
    for reader in ("a", "b"):
        numbers = [r.number for r in readings if r.reader == reader]
        assert len(set(numbers)) == 22 and {len(number) for number in numbers} == {6}
    # Shown in the order of the numbers, positives aren't told from negatives.
    orders = [[r.case for r in readings if (r.reader, r.session) == ("a", s)] for s in (1, 2)]
    assert orders[0] != orders[1] != CASES


def test_the_seed_decides():
    assert plan(seed=1) == plan(seed=1) != plan(seed=2)


@pytest.mark.parametrize("readers", [(), ("a", "a")])
def test_readers_have_names(readers):
    with pytest.raises(SettingsError, match="another name"):
        plan(readers=readers)
    with pytest.raises(SettingsError, match="at least two cases"):
        plan_readings(["a"], [True], ("x",), 0)
