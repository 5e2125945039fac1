"""What MkDocs calls as it builds: pages made from the program itself, and pictures from ``Resources/``."""

import re
import sys
from pathlib import Path
from posixpath import relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / name) for name in ("Tools", "LDCTBoneDensity", "Lab")]

from docs_pages import PAGES, PICTURES  # noqa: E402

# On GitHub a page finds the pictures in Resources/; on the site they lie in pictures/.
_PICTURE = re.compile(r"\]\((?:\.\./)+Resources/([\w.-]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the made pages and drawings, and the pictures of ``Resources/``."""
    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    for name, picture in PICTURES.items():
        files.append(File.generated(config, name, content=picture()))
    for path in sorted((ROOT / "Resources").glob("*.png")):
        files.append(File.generated(config, f"pictures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Point pictures of ``Resources/`` to where the site has them."""
    here = page.file.src_uri.rpartition("/")[0] or "."
    return _PICTURE.sub(lambda found: f"]({relpath(f'pictures/{found[1]}', here)})", markdown)
