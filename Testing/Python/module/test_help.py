"""The module's help, as Slicer shows it before anything is run."""

from xml.etree import ElementTree

from CTCounterfactualLib.project import HOMEPAGE, ISSUES


def test_the_help_is_sound_html_and_leads_to_the_project(app):
    from CTCounterfactualSlicer.panels import texts

    page = ElementTree.fromstring(f"<body>{texts.help_text()}</body>")
    assert [link.get("href") for link in page.iter("a")] == [HOMEPAGE, ISSUES]
    examples = ["".join(block.itertext()) for block in page.iter("pre")]
    assert len(examples) == 4 and all("logic." in text for text in examples)
    for text in examples:
        compile(text, "help", "exec")
