"""All methods by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.methods import registry
from CTCounterfactualLib.methods.registry import NAMES, all_methods, find_method
from CTCounterfactualLib.setting import settings_of


def test_each_method_is_found_by_its_own_name_and_says_what_it_is():
    for name, method in zip(NAMES, all_methods(), strict=True):
        assert method.name == name and method.description and method.sign.startswith("positive")
        assert str(method.needs).startswith("needs") and callable(method.run)
        for one in settings_of(method.options).values():
            assert one.help and one.label


def test_an_unknown_method_is_told_with_what_may_be_meant():
    with pytest.raises(SettingsError, match=r"no method 'responsability'.*responsibility"):
        find_method("responsability")


def test_methods_are_listed_without_pytorch():
    code = (
        "import sys; from CTCounterfactualLib.methods.registry import all_methods; all_methods(); "
        "print([m for m in ('torch', 'captum', 'matplotlib') if m in sys.modules])"
    )
    library = Path(registry.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=library, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
