"""http.static: ranges, what browsers know already, folders, single-page applications, middleware."""

import gzip
import time
from email.utils import formatdate, parsedate_to_datetime

import pytest

from natterjack import Natterjack
from raw_http import exchange, get, RawHttp, request

YAML = """
version: "1.0"
namespace: web
entries:
  - { name: files, kind: fs.directory, directory: ./public }
  - name: site
    kind: http.static
    meta: { server: "system:gateway" }
    path: /site
    fs: files
    static_options: { cache: "public, max-age=60" }
    middleware: [ cors, compress ]
    options: { compress.min.length: "100" }
  - name: app
    kind: http.static
    meta: { server: "system:gateway" }
    path: /app
    fs: files
    static_options: { spa: true }
  - name: bare
    kind: http.static
    meta: { server: "system:gateway" }
    path: /bare
    fs: files
    directory: deep
    static_options: { index: "" }
"""

DIGITS = "0123456789" * 100
FILES = {
    "_index.yaml": YAML,
    "public/index.html": "<!doctype html>start",
    "public/digits.txt": DIGITS,
    "public/digits.bin": DIGITS,
    "public/empty.txt": "",
    "public/deep/index.html": "deep",
    "public/deep/leaf.txt": "leaf",
    "public/UPPER.HTML": "upper",
}


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with Natterjack(folder) as server:
        yield server


# --- ranges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=0-9", 0, 9), ("bytes=5-14", 5, 14), ("bytes=990-", 990, 999),
    ("bytes=-10", 990, 999), ("bytes=-5000", 0, 999), ("bytes=0-5000", 0, 999),
    ("bytes=999-999", 999, 999), ("Bytes=0-9", 0, 9), (f"bytes=990-{10**30}", 990, 999),
    (f"bytes=-{10**30}", 0, 999),
])
def test_a_range_is_a_part_of_the_file(web, wanted, first, last):
    answer = get(web.port, "/site/digits.bin", {"Range": wanted})
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.body.decode() == DIGITS[first:last + 1]


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=5000-6000", "bytes=-0", f"bytes={10**30}-"])
def test_a_range_behind_the_end_is_a_416(web, wanted):
    answer = get(web.port, "/site/digits.bin", {"Range": wanted})
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */1000")


@pytest.mark.parametrize("wanted", [
    "bytes=0-1,5-6", "bytes=5-1", "bytes=x", "bytes=", "bytes=-", "lines=0-1", "bytes=1-2-3", "0-5",
])
def test_several_ranges_and_nonsense_are_answered_with_the_whole(web, wanted):
    answer = get(web.port, "/site/digits.bin", {"Range": wanted})
    assert (answer.status, answer.body.decode()) == (200, DIGITS)


def test_if_range_takes_the_part_only_of_the_same_file(web):
    whole = get(web.port, "/site/digits.bin")
    for condition in (whole.headers["etag"], whole.headers["last-modified"]):
        assert get(web.port, "/site/digits.bin",
                   {"Range": "bytes=0-1", "If-Range": condition}).status == 206
    for condition in ('"other"', "W/" + whole.headers["etag"], formatdate(0, usegmt=True)):
        assert get(web.port, "/site/digits.bin",
                   {"Range": "bytes=0-1", "If-Range": condition}).status == 200


def test_head_has_no_ranges_and_says_that_there_are_some(web):
    answer = request(web.port, "HEAD", "/site/digits.bin", {"Range": "bytes=0-1"})
    assert (answer.status, answer.headers["content-length"]) == (200, "1000")
    assert answer.headers["accept-ranges"] == "bytes"


# --- what a browser has already ------------------------------------------------------------------


def test_a_known_file_is_not_sent_again(web):
    whole = get(web.port, "/site/digits.bin")
    tag, modified = whole.headers["etag"], whole.headers["last-modified"]
    assert abs(parsedate_to_datetime(modified).timestamp() - time.time()) < 600
    for headers in ({"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-None-Match": "*"},
                    {"If-Modified-Since": modified},
                    {"If-Modified-Since": formatdate(time.time() + 60, usegmt=True)}):
        answer = get(web.port, "/site/digits.bin", headers)
        assert (answer.status, answer.body) == (304, b""), headers
        assert answer.headers["etag"] == tag
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "content-length" not in answer.headers


def test_lists_of_tags_may_stand_on_several_lines(web):
    tag = get(web.port, "/site/digits.bin").headers["etag"]
    answer = exchange(web.port, (f"GET /site/digits.bin HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"a\"\r\n"
                                 f"If-None-Match: {tag}\r\n\r\n").encode())
    assert answer.status == 304


def test_a_client_that_wants_one_version_gets_no_other(web):
    whole = get(web.port, "/site/digits.bin")
    tag, modified = whole.headers["etag"], whole.headers["last-modified"]
    for headers in ({"If-Match": '"other"'}, {"If-Match": "W/" + tag}, {"If-Match": '"a", "b"'},
                    {"If-Unmodified-Since": formatdate(0, usegmt=True)},
                    {"If-Match": '"other"', "If-Unmodified-Since": modified},
                    {"If-Match": '"other"', "If-None-Match": tag, "Range": "bytes=0-1"}):
        for method in ("GET", "HEAD"):
            answer = request(web.port, method, "/site/digits.bin", headers)
            assert (answer.status, answer.headers["etag"]) == (412, tag), headers
    for headers in ({"If-Match": tag}, {"If-Match": f'"other", {tag}'}, {"If-Match": "*"},
                    {"If-Unmodified-Since": modified}, {"If-Unmodified-Since": "yesterday"},
                    {"If-Match": tag, "If-Unmodified-Since": formatdate(0, usegmt=True)}):
        assert get(web.port, "/site/digits.bin", headers).status == 200, headers


def test_a_changed_file_is_sent(web):
    modified = get(web.port, "/site/digits.bin").headers["last-modified"]
    for headers in ({"If-None-Match": '"other"'}, {"If-Modified-Since": formatdate(0, usegmt=True)},
                    {"If-Modified-Since": "yesterday"},
                    {"If-None-Match": '"other"', "If-Modified-Since": modified}):
        assert get(web.port, "/site/digits.bin", headers).status == 200, headers


# --- folders -------------------------------------------------------------------------------------


def test_an_empty_file_is_served(web):
    answer = get(web.port, "/site/empty.txt")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    assert get(web.port, "/site/empty.txt", {"Range": "bytes=0-"}).status == 416


@pytest.mark.parametrize("target, location", [
    ("/site", "/site/"), ("/site/deep", "/site/deep/"), ("/site/deep?a=b", "/site/deep/?a=b"),
])
def test_a_folder_without_its_slash_is_sent_there(web, target, location):
    answer = get(web.port, target)
    assert (answer.status, answer.headers["location"]) == (301, location)


def test_the_index_of_a_folder(web):
    assert get(web.port, "/site/deep/").body == b"deep"
    assert get(web.port, "/bare/").status == 404
    assert get(web.port, "/bare/leaf.txt").body == b"leaf"


def test_a_single_page_application_has_its_page_everywhere(web):
    for target in ("/app/", "/app/users/5", "/app/nowhere.js"):
        assert get(web.port, target).body == FILES["public/index.html"].encode()
    assert get(web.port, "/app/digits.txt").body.decode() == DIGITS
    assert get(web.port, "/site/users/5").status == 404


def test_types_do_not_depend_on_case(web):
    assert get(web.port, "/site/UPPER.HTML").headers["content-type"].startswith("text/html")


# --- middleware ----------------------------------------------------------------------------------


def test_texts_are_compressed_for_who_takes_it(web):
    plain = get(web.port, "/site/digits.txt")
    packed = get(web.port, "/site/digits.txt", {"Accept-Encoding": "br, gzip;q=0.8"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body).decode() == plain.body.decode() == DIGITS
    assert len(packed.body) < len(plain.body)
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"].lower()
    assert packed.headers["etag"] == "W/" + plain.headers["etag"]
    assert get(web.port, "/site/digits.txt",
               {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}).status == 304


@pytest.mark.parametrize("target, headers", [
    ("/site/digits.bin", {"Accept-Encoding": "gzip"}),
    ("/site/deep/leaf.txt", {"Accept-Encoding": "gzip"}),
    ("/site/digits.txt", {"Accept-Encoding": "gzip;q=0, *"}),
    ("/site/digits.txt", {"Accept-Encoding": "identity"}),
    ("/site/digits.txt", {"Accept-Encoding": "gzip", "Range": "bytes=0-500"}),
])
def test_what_gains_nothing_is_not_compressed(web, target, headers):
    assert "content-encoding" not in get(web.port, target, headers).headers


def test_head_says_what_get_would(web):
    with RawHttp(web.port) as connection:
        for method in ("HEAD", "GET"):
            connection.ask(method, "/site/digits.txt", {"Accept-Encoding": "gzip"})
            answer = connection.answer(method)
            assert answer.headers["content-encoding"] == "gzip"


def test_files_of_other_pages_may_be_read(web):
    answer = get(web.port, "/site/digits.txt", {"Origin": "http://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in get(
        web.port, "/app/digits.txt", {"Origin": "http://elsewhere.example"}).headers
