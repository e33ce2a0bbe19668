"""The report's section of measures: escaped, beside chance and ceiling, and why others lack."""

from CTCounterfactualLib.outputs.report_measured import measured, measured_section

CONTENT = {
    "metrics": {"hit": 1.0, "hit_chance": 0.02, "mae_hu": 3.14159},
    "definitions": {
        "hit": {"unit": "", "better": "higher", "meaning": "a <b>bold</b> place"},
        "mae_hu": {"unit": "HU", "better": "lower", "meaning": "mean"},
    },
    "not_applicable": {"recovery": "no clean scan & no mask"},
}


def test_numbers_stand_with_unit_and_chance_and_nothing_is_markup():
    section = measured_section(CONTENT)
    assert "<td>3.14 HU</td>" in section and "<td>0.02</td>" in section
    assert "hit chance" not in section  # beside its metric, not in a row of its own
    assert "<b>" not in section and "no clean scan &amp; no mask" in section


def test_a_result_that_was_not_measured_has_no_section(tmp_path):
    assert measured(tmp_path) == ""
