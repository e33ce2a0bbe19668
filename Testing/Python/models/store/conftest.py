"""A server of model files on this machine, an empty cache, and what is to be fetched."""

import pytest

from CTCounterfactualLib.models.store import download
from CTCounterfactualLib.models.store.cache import ModelCache
from CTCounterfactualLib.models.store.remote import RemoteFile
from model_server import CONTENT, DIGEST, ModelServer


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Let failed attempts be followed by the next at once."""
    monkeypatch.setattr(download, "PAUSE_S", 0.0)


@pytest.fixture
def server():
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def file(server):
    """The server's file, as a catalogue knows it."""
    return RemoteFile("model.pth", server.url, len(CONTENT), DIGEST[:8])


@pytest.fixture
def unknown(server):
    """The same from a publisher who gives no digest."""
    return RemoteFile("model.pth", server.url, len(CONTENT))


@pytest.fixture
def cache(tmp_path):
    return ModelCache(tmp_path / "models")
