"""openapi.json and the Swagger UI page."""

import gzip
import json
import re
import shutil
import subprocess

import openapi_spec_validator
import pytest

ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "application/javascript",
    "swagger-ui-standalone-preset.js": "application/javascript",
    "favicon-32x32.png": "image/png",
    "favicon-16x16.png": "image/png",
    "oauth2-redirect.html": "text/html",
}


def test_the_description(server):
    answer = server.request("GET", "openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["accept-ranges"] == "bytes"
    assert not {"etag", "last-modified"} & set(answer.headers)
    document = json.loads(answer.body)
    assert list(document) == ["openapi", "info", "servers", "paths"]
    assert document["openapi"] == "3.0.0"
    assert document["info"]["title"] == "Process Over Websocket API"
    assert document["info"]["version"] == "1.0.0"
    assert document["servers"] == [{"url": "/"}]
    assert {
        path: {verb: list(operation["responses"]) for verb, operation in verbs.items()}
        for path, verbs in document["paths"].items()
    } == {
        "/new": {"post": ["200", "400", "500"]},
        "/status/{id}": {"get": ["200", "400", "404"]},
        "/input/{id}": {"post": ["200", "400", "404", "500"]},
        "/closeInput/{id}": {"post": ["200", "400", "404", "500"]},
        "/cancel/{id}": {"post": ["200", "400", "404"]},
    }


def test_the_description_is_minified(server):
    body = server.request("GET", "openapi.json").body.decode()
    compact = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
    assert body == compact


def test_the_description_is_valid(server):
    openapi_spec_validator.validate(json.loads(server.request("GET", "openapi.json").body))


@pytest.mark.parametrize(
    "given, first, last",
    [("0-9", 0, 9), ("10-", 10, None), ("-5", -5, None), (" 0-9 ", 0, 9), ("0-9,", 0, 9)],
)
def test_ranges(server, given, first, last):
    whole = server.request("GET", "openapi.json").body
    answer = server.request("GET", "openapi.json", headers={"Range": "bytes=" + given})
    expected = whole[first : None if last is None else last + 1]
    assert (answer.status, answer.body) == (206, expected)
    start = first % len(whole)
    assert answer.headers["content-range"] == (
        f"bytes {start}-{start + len(expected) - 1}/{len(whole)}"
    )


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-1,4-5"}, {"Range": "bytes=,"},
                                     {"Range": "bytes=0-9", "If-Range": '"other"'}])
def test_the_whole_in_place_of_ranges(server, headers):
    answer = server.request("GET", "openapi.json", headers=headers)
    assert answer.status == 200 and answer.body == server.request("GET", "openapi.json").body


@pytest.mark.parametrize("given", ["bytes=9999999-", "bytes=x", "lines=1-2", "bytes=5-2"])
def test_ranges_that_cannot_be(server, given):
    answer = server.request("GET", "openapi.json", headers={"Range": given})
    assert answer.status == 416


def test_base_path_and_description_are_in_it(serve):
    server = serve("--base-path", "/pow", "--description", 'A "test" server')
    document = json.loads(server.request("GET", "openapi.json").body)
    assert document["servers"] == [{"url": "/pow/", "description": 'A "test" server'}]
    assert b'"/pow/openapi.json"' in server.request("GET", "docs/").body


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_page(server, method):
    answer = server.request(method, "docs/")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    page = answer.body.decode()
    assert "<title>process_over_websocket - Swagger UI</title>" in page
    assert '"/openapi.json"' in page
    linked = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(linked) == 5
    for link in linked:
        assert link.startswith("/docs/"), "nothing may come from elsewhere"
        assert server.request("GET", link[1:]).status == 200


@pytest.mark.parametrize("name", ASSETS)
def test_assets(server, name):
    plain = server.request("GET", "docs/" + name)
    packed = server.request("GET", "docs/" + name, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert plain.status == packed.status == 200
    assert plain.headers["content-type"] == packed.headers["content-type"] == ASSETS[name]
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] == packed.headers["etag"] and '"' not in plain.headers["etag"]
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    known = server.request("GET", "docs/" + name, headers={"If-None-Match": plain.headers["etag"]})
    assert (known.status, known.body) == (304, b"")


def test_gzip_may_be_refused(server):
    answer = server.request("GET", "docs/swagger-ui.css", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("name", ["index.html", "x", "../new", "swagger-initializer.js", "a/b"])
def test_names_nobody_knows(server, name):
    answer = server.request("GET", "docs/" + name)
    assert answer.status == (307 if ".." in name else 404)


def test_the_page_can_be_turned_off(serve):
    server = serve("--no-docs")
    for path in ["docs", "docs/", "docs/swagger-ui.css"]:
        assert server.request("GET", path).status == 404
    assert server.request("GET", "openapi.json").status == 200


def test_a_browser_shows_every_operation(serve, tmp_path):
    chromium = shutil.which("chromium") or pytest.skip("there is no chromium")
    server = serve("--base-path", "/pow")
    shown = subprocess.run(
        [
            chromium,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            f"http://127.0.0.1:{server.port}/pow/docs/",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout.replace("\u200b", "")  # paths may break behind their slashes
    assert "Process Over Websocket API" in shown
    for path in ["new", "status", "input", "closeInput", "cancel"]:
        assert f"/{path}" in re.sub(r"<wbr/?>", "", shown), path
