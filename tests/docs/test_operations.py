"""The libraries that docs/operations.md names for a copied binary are those it asks for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from documents import read
from natterjack import binary

DEPLOYING = re.search(r"(?ms)^## Deploying\n(.*?)^## ", read("docs/operations.md"))[1]
ROWS = [line.split("|")[1:3] for line in DEPLOYING.splitlines() if line.startswith("| `lib")]
C_LIBRARY = re.compile(r"linux-vdso|ld-linux|lib(c|m|pthread|dl|rt)\.so")
SANITIZERS = re.compile(r"lib(asan|tsan|ubsan|lsan)\.so")
RELEASE = "12"

release = Path("/etc/os-release")
pytestmark = pytest.mark.skipif(
    not release.exists() or f'VERSION_ID="{RELEASE}"' not in release.read_text() or not shutil.which("ldd"),
    reason=f"the page names the packages of Debian {RELEASE}")


def libraries():
    """What the loader looks for when the binary starts."""
    said = subprocess.run(["ldd", binary()], capture_output=True, text=True, check=True).stdout
    names = {Path(line.split()[0]).name for line in said.splitlines()}
    return {name for name in names if not C_LIBRARY.match(name) and not SANITIZERS.match(name)}


def words(cell, pattern=r"`([^`]+)`"):
    return re.findall(pattern, cell)


def documented():
    """{library: (packages of its row, whether they are on every machine)}"""
    return {library: (words(packages), "(there already)" in packages)
            for cell, packages in ROWS for library in words(cell)}


def test_the_table_has_every_library_and_no_other():
    without_rabbitmq = {name for name in documented() if not name.startswith("librabbitmq")}
    assert libraries() in (set(documented()), without_rabbitmq)


def test_the_packages_hold_the_libraries():
    for library, (packages, _) in documented().items():
        owner = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True)
        if owner.returncode == 0:  # a library may be built by hand, or not be there
            assert set(words(owner.stdout, r"(?m)^([\w.+-]+)")) & set(packages), owner.stdout


def test_the_command_installs_what_is_not_there_already():
    [given] = re.findall(r"apt-get install --no-install-recommends (.+)", DEPLOYING)
    wanted = {package for packages, is_there in documented().values() if not is_there
              for package in packages if package.startswith("lib")}
    assert set(given.split()) == wanted
