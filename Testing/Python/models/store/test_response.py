"""Redirects: followed as far as they are safe; none leads from https to plain http."""

import shutil
import ssl
import subprocess
import time
from dataclasses import replace

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.store.response import MAX_REDIRECTS, next_address
from model_server import CONTENT, NAP_S, ModelServer


def test_a_redirect_is_followed(cache, unknown, server):
    server.wrong = [server.says(302, Location="/elsewhere/model.pth")]
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert server.paths == ["/model.pth", "/elsewhere/model.pth"]


def test_what_comes_along_with_a_redirect_is_not_waited_for(cache, unknown, server):
    def answer(request):
        server.send(request, 302, b"<html>", {"Location": "/there", "Content-Length": "999999999"})
        for _ in range(round(60 / NAP_S)):
            if len(server.paths) > 1:
                return
            time.sleep(NAP_S)

    server.wrong = [answer]
    cache.fetch(unknown)
    assert server.asked == [None, None]


def test_a_circle_of_redirects_ends(cache, unknown, server):
    server.wrong = [server.says(301, Location="/model.pth")] * (MAX_REDIRECTS + 5)
    with pytest.raises(ModelError, match=f"redirected more than {MAX_REDIRECTS} times"):
        cache.fetch(unknown)
    assert len(server.paths) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "data:text/plain,x",
        "http://[::1",
    ],
)
def test_a_redirect_elsewhere_than_the_web_is_refused(cache, unknown, server, location):
    server.wrong = [server.says(302, Location=location)]
    with pytest.raises(ModelError, match="it was redirected to"):
        cache.fetch(unknown)
    assert len(server.paths) == 1 and not cache.has(unknown)


@pytest.mark.parametrize(
    ("address", "location", "leads_to"),
    [
        ("https://a/b", "/c", "https://a/c"),
        ("https://a/b", "https://d/e", "https://d/e"),
        ("https://a/b", "//d/e", "https://d/e"),
        ("https://a/b", "http://a/b", None),
        ("https://a/b", "HTTP://a/b", None),
        ("http://a/b", "https://a/b", "https://a/b"),
    ],
)
def test_https_stays_https(address, location, leads_to):
    if leads_to:
        assert next_address(address, address, location) == leads_to
        return
    with pytest.raises(ModelError, match="only https is safe"):
        next_address(address, address, location)


def test_a_redirect_from_a_real_https_server_to_http_is_refused(
    cache, unknown, server, tmp_path, monkeypatch
):
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the server's certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure = ModelServer(context)
    try:
        there = replace(unknown, url=secure.url)
        with pytest.raises(ModelError, match=r"certificate of 127\.0\.0\.1 isn't trusted"):
            cache.fetch(there)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        secure.wrong = [secure.says(302, Location=server.url)]
        with pytest.raises(ModelError, match="only https is safe"):
            cache.fetch(there)
        assert server.paths == [] and not cache.has(there)
        assert cache.fetch(there).read_bytes() == CONTENT
    finally:
        secure.close()
