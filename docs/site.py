"""Builds the documentation as static pages: python docs/site.py [FOLDER], `target/site` unless given.

The pages are the files of this folder, the guides of the bindings, and the reference of the host ABI, which is made
from `wit/`. What the C header says of each function has a page of its own, made by Doxygen; a function or field about
which it says nothing ends the build. A link between two files of the repository becomes one between their pages, and
plain text where the other has none; a link to nothing ends the build.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# Where each page comes from, by its place in the site, in the order of the menu.
CHAPTERS = {
    "Start": {"index.md": "README.md", "architecture.md": "ARCHITECTURE.md", "changelog.md": "CHANGELOG.md"},
    "Guides": {
        "python.md": "bindings-python/README.md",
        "node.md": "bindings-node/README.md",
        "c.md": "bindings-c/README.md",
        "concierge.md": "examples/capsules/concierge/README.md",
    },
    "Capsules": {
        f"{name}.md": f"docs/{name}.md"
        for name in ("manifest", "lifecycle", "messages", "people", "network", "processes")
    },
    "Operating": {
        "errors.md": "docs/errors.md",
        "observability.md": "docs/observability.md",
        "performance.md": "docs/performance.md",
        "audit-format.md": "docs/audit-format.md",
        "threat-model.md": "docs/threat-model.md",
        "security.md": "SECURITY.md",
        "contributing.md": "CONTRIBUTING.md",
    },
}
PAGES = {source: page for pages in CHAPTERS.values() for page, source in pages.items()}
# The reference of the C header, beside the other pages.
DOXYGEN = """
PROJECT_NAME = "astrid-host for C"
INPUT = {header}
OUTPUT_DIRECTORY = {site}
HTML_OUTPUT = c-reference
GENERATE_LATEX = NO
OPTIMIZE_OUTPUT_FOR_C = YES
JAVADOC_AUTOBRIEF = YES
SEPARATE_MEMBER_PAGES = YES
HAVE_DOT = NO
QUIET = YES
WARN_AS_ERROR = FAIL_ON_WARNINGS
"""
LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)")


def linked(text: str, source: str) -> str:
    """Rewrite the links of a page for its place in the site."""

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        if target.startswith(("http:", "https:", "#")):
            return found[0]
        path, _, anchor = target.partition("#")
        place = os.path.normpath(pathlib.PurePosixPath(source).parent / path)
        if not (ROOT / place).exists():
            raise SystemExit(f"{source} links to {target}, which is not there")
        if place not in PAGES:
            return words
        return f"[{words}]({PAGES[place]}{f'#{anchor}' if anchor else ''})"

    return LINK.sub(link, text)


def reference(wit: pathlib.Path) -> tuple[str, str]:
    """Give the name and the page of a package of the host ABI: each item with what is said about it."""
    name, page, said, depth = "", [], [], 0
    item: list[str] = []
    for line in wit.read_text("utf-8").splitlines():
        text = line.strip()
        if depth <= 1 and not item and text.startswith("///"):
            said.append(text[3:].removeprefix(" "))
            continue
        opens = line.count("{") - line.count("}")
        if not item and text.startswith("package "):
            name = text.removeprefix("package ").rstrip(";")
            page += [f"# `{name}`", "", *said, ""]
            said = []
        elif not item and depth == 0 and text.startswith(("interface ", "world ")):
            page += [f"## {text.rstrip('{ ')}", "", *said, ""]
            said, depth = [], 1
        elif not item and text == "}":
            depth = 0
        elif depth == 1 and (item or text):
            item.append(line.removeprefix("    "))
            body = "\n".join(item)
            if body.count("{") == body.count("}") and (body.rstrip().endswith((";", "}", ","))):
                title = body.split(":", 1)[0].split("{", 1)[0].strip().splitlines()[-1]
                page += [f"### `{title.rstrip(';')}`", "", *said, "", "```wit", body, "```", ""]
                item, said = [], []
        elif opens > 0:
            depth += opens
    return name, "\n".join(page) + "\n"


def main() -> int:
    """Lay the sources out and have them built; broken links between pages are errors."""
    site = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET / "site"
    sources = TARGET / "site-sources"
    shutil.rmtree(sources, ignore_errors=True)
    (sources / "docs" / "abi").mkdir(parents=True)
    for source, page in PAGES.items():
        (sources / "docs" / page).write_text(linked((ROOT / source).read_text("utf-8"), source), "utf-8")
    menu = [f"  - {chapter}:\n" + "".join(f"    - {page}\n" for page in pages) for chapter, pages in CHAPTERS.items()]
    packages = []
    for wit in sorted((ROOT / "wit" / "deps").glob("*/*.wit")):
        name, page = reference(wit)
        file = f"abi/{wit.parent.name}.md"
        (sources / "docs" / file).write_text(page, "utf-8")
        packages.append(f"    - '{name}': {file}\n")
    menu.append("  - Host ABI:\n" + "".join(packages))
    configuration = (
        "site_name: astrid-host\ndocs_dir: docs\nuse_directory_urls: false\nstrict: true\n"
        "theme:\n  name: readthedocs\n  highlightjs: false\nmarkdown_extensions: [tables, fenced_code, toc]\n"
        "validation:\n  anchors: warn\nnav:\n"
    )
    (sources / "mkdocs.yml").write_text(configuration + "".join(menu), "utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", sources / "mkdocs.yml"]
    subprocess.run([*command, "--site-dir", site.resolve()], check=True)
    doxygen = DOXYGEN.format(header=ROOT / "bindings-c/include/astrid_host.h", site=site.resolve())
    return subprocess.run(["doxygen", "-"], input=doxygen, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
