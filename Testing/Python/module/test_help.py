"""The module's help, as Slicer shows it before anything is run."""

import re
from xml.etree import ElementTree

from PIL import Image

from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.outputs.says.advice import ADVICE
from CTCounterfactualLib.project import HOMEPAGE, ISSUES

MOST_BYTES = 200_000
MODELS = {"findings-demo", "lung-volume"}


def test_the_help_is_sound_html_and_leads_to_the_project(app):
    from CTCounterfactualSlicer.panels import texts

    page = ElementTree.fromstring(f"<body>{texts.help_text()}</body>")
    reading, *others = [link.get("href") for link in page.iter("a")]
    assert others == [HOMEPAGE, ISSUES]
    assert reading == texts.HOW_TO_READ.as_uri()
    examples = ["".join(block.itertext()) for block in page.iter("pre")]
    assert len(examples) == 4 and all("logic." in text for text in examples)
    for text in examples:
        compile(text, "help", "exec")


def test_the_page_on_reading_is_whole_without_a_network(app):
    from CTCounterfactualSlicer.panels import texts

    text = texts.HOW_TO_READ.read_text(encoding="utf-8")
    assert DISCLAIMER in text and "http" not in text
    pictures = re.findall(r'src="([^"]+)"', text)
    assert len(pictures) == 2
    for name in pictures:
        path = texts.HOW_TO_READ.parent / name
        with Image.open(path) as picture:
            assert min(picture.size) >= 200
        assert path.stat().st_size <= MOST_BYTES
    assert "CC BY 3.0" in text  # of the scan that is no generated one
    flags = set(re.findall(r"<code>([a-z]+(?:-[a-z]+)+)</code>", text)) - MODELS
    assert len(flags) >= 5 and flags <= set(ADVICE)
