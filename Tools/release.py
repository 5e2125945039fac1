"""Build what a release is made of, and try it where nothing of this checkout is.

    make release                       # into build/release, with every Python from 3.10 to 3.13 that is at hand
    python Tools/release.py --output DIR --python python3.12 --no-demo

Made: wheels and source archives of all distributions, the extension as an archive, a set of wheels for machines
without a network for each Python at hand, SHA256SUMS, and VERIFIED.txt, which says what was tried and what was not.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULE = ROOT / "LDCTBoneDensity"
PYTHONS = ("python3.10", "python3.11", "python3.12", "python3.13")
EXTRAS = "jpeg,reports"
# The demo's BMD lies within one mg/cm3 of its truth; what is installed wrongly is not near it.
FARTHEST_MG_CM3 = 3.0
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of archives, so that the same files give the same bytes


def version() -> str:
    """Return the version as the engine has it."""
    text = (MODULE / "ldct_bmd" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("the engine has no version")
    return found[1]


def extension_files() -> list[str]:
    """Return the files that Slicer installs, as the module's CMakeLists.txt lists them, relative to its folder."""
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    listed: list[str] = []
    for name in ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"):
        found = re.search(rf"set\({name}\n(.*?)\)", text, re.DOTALL)
        if found is None:
            raise ValueError(f"CMakeLists.txt has no {name}")
        listed += found[1].replace("${MODULE_NAME}", MODULE.name).split()
    return sorted(listed)


def write_extension(folder: Path) -> Path:
    """Write the extension as an archive: unpacked, its folder is an additional module path of Slicer."""
    path = folder / f"LDCTBoneDensity-{version()}-extension.zip"
    files = {f"LDCTBoneDensity/{name}": MODULE / name for name in extension_files()}
    files |= {f"LDCTBoneDensity/{name}": ROOT / name for name in ("LICENSE.txt", "README.md", "CHANGELOG.md")}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), source.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def write_checksums(folder: Path) -> Path:
    """Write SHA256SUMS of all files below ``folder``, as ``sha256sum -c`` reads them."""
    path = folder / "SHA256SUMS"
    files = sorted(one for one in folder.rglob("*") if one.is_file() and one != path)
    lines = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.relative_to(folder).as_posix()}\n" for one in files]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run(*words: object, cwd: Path | None = None) -> str:
    """Run a command with no trace of this checkout in its environment; return its output, or end with it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def find(python: str) -> str | None:
    """Return the command of a Python that runs: on the path, or among pyenv's; None if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(pyenv.glob(f"versions/{python.removeprefix('python')}.*/bin/{python}"))
    for command in filter(None, (shutil.which(python), *map(str, kept))):
        # A shim of pyenv is there for versions that are not chosen, too.
        if subprocess.run([command, "-c", ""], capture_output=True, check=False).returncode == 0:
            return command
    return None


def environment(python: str, folder: Path) -> Path:
    """Make a virtual environment; return the folder of its commands."""
    run(python, "-m", "venv", folder)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def build(python: str, folder: Path, scratch: Path) -> None:
    """Build wheels and source archives of all distributions, the wheels from the source archives."""
    tools = environment(python, scratch / "tools")
    run(tools / "python", "-m", "pip", "install", "-q", "build")
    for source in (ROOT, ROOT / "Lab", ROOT / "Web"):
        copied = scratch / "source" / source.name
        # Of a copy: setuptools leaves folders of its own in what it builds.
        shutil.copytree(source, copied, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__"))
        run(tools / "python", "-m", "build", "--outdir", folder, copied)


def offline_set(python: str, release: Path) -> Path:
    """Gather the wheels that the release needs in one Python on this system; return their folder."""
    code = "import sys, sysconfig; print('cp%d%d' % sys.version_info[:2], sysconfig.get_platform(), sep='-')"
    folder = release / f"wheels-{run(python, '-c', code).strip()}"
    wheels = sorted(release.glob("*.whl"))
    wanted = [f"{one}[{EXTRAS}]" if one.name.startswith("ldct_bmd-") else str(one) for one in wheels]
    run(python, "-m", "pip", "download", "-q", "--only-binary", ":all:", "--dest", folder, *wanted)
    return folder


def verify(python: str, wheels: Path, scratch: Path, demo: bool) -> str:
    """Install from ``wheels`` alone and measure the demo; return what was tried, in a line."""
    scripts = environment(python, scratch / "env")
    install = ("-m", "pip", "install", "-q", "--no-index", "--find-links", wheels)
    run(scripts / "python", *install, f"ldct-bmd[{EXTRAS}]", "ldct-bmd-lab", "ldct-bmd-web")
    command = scripts / "ldct-bmd"
    told = run(command, "--version", cwd=scratch).strip()
    if told != f"ldct-bmd {version()}":
        sys.exit(f"{python}: the command says {told}")
    json.loads(run(command, "schema", cwd=scratch))
    run(scripts / "python", "-m", "pip", "check")
    if not demo:
        return f"installed from {wheels.name} alone, {told}"
    run(command, "phantom", "-o", "scan", cwd=scratch)
    calibration = ("--slope", "0.8", "--intercept", "-2", "--material", "K2HPO4", "--calibration-kvp", "120")
    run(command, "measure", "scan/dicom", "-o", "out", "--report", *calibration, cwd=scratch)
    truth = json.loads((scratch / "scan" / "truth.json").read_text(encoding="utf-8"))["levels"]
    record = json.loads((scratch / "out" / "measurement.json").read_text(encoding="utf-8"))
    off = {one["level"]: one["bmd_mg_cm3"] - truth[one["level"]]["bmd_mg_cm3"] for one in record["measurements"]}
    if set(off) != {"T12", "L1", "L2"} or max(map(abs, off.values())) > FARTHEST_MG_CM3:
        sys.exit(f"{python}: the demo's BMD is off by {off}")
    shown = ", ".join(f"{level} {by:+.1f}" for level, by in off.items())
    return f"installed from {wheels.name} alone, {told}, report of the demo, BMD off by {shown} mg/cm3"


def verify_extension(python: str, archive: Path, scratch: Path) -> str:
    """Unpack the extension and compile and find all that it holds; return what was tried, in a line."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(scratch)
    code = "import compileall, sys; sys.exit(not compileall.compile_dir('LDCTBoneDensity', quiet=1))"
    run(python, "-I", "-c", code, cwd=scratch)
    code = "import sys; sys.path.insert(0, 'LDCTBoneDensity'); import ldct_bmd; print(ldct_bmd.__version__)"
    told = run(python, "-I", "-c", code, cwd=scratch).strip()
    if told != version():
        sys.exit(f"the extension's engine says {told}")
    return f"{archive.name}: {len(extension_files())} files, compiled, engine {told}"


def main() -> None:
    """Build, verify, and say what was tried."""
    parser = argparse.ArgumentParser(description="Build a release and verify it outside the checkout.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--python", action="append", help="Try this Python; several may do. Default: 3.10 to 3.13.")
    parser.add_argument("--no-demo", action="store_true", help="Install only, do not measure.")
    given = parser.parse_args()
    release = given.output.absolute()
    if release.exists():
        shutil.rmtree(release)
    release.mkdir(parents=True)
    wanted = tuple(given.python or PYTHONS)
    at_hand = {python: command for python in wanted if (command := find(python)) is not None}
    if not at_hand:
        sys.exit(f"None of {', '.join(wanted)} is at hand.")
    tried = []
    with tempfile.TemporaryDirectory(prefix="ldct-bmd-release-") as temporary:
        scratch = Path(temporary)
        newest = list(at_hand.values())[-1]
        build(newest, release, scratch)
        archive = write_extension(release)
        (scratch / "extension").mkdir()
        tried.append(verify_extension(newest, archive, scratch / "extension"))
        for number, (python, command) in enumerate(at_hand.items()):
            place = scratch / f"environment-{number}"
            place.mkdir()
            done = verify(command, offline_set(command, release), place, not given.no_demo)
            tried.append(f"{python}: {done}")
    tried += [f"{python}: not at hand, not tried" for python in wanted if python not in at_hand]
    (release / "VERIFIED.txt").write_text("\n".join(tried) + "\n", encoding="utf-8")
    write_checksums(release)
    print("\n".join([*tried, f"Written to {release}"]))


if __name__ == "__main__":
    main()
