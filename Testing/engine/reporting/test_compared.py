"""What a report compares with is remembered in its folder: whoever makes the report again compares again."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from helpers_cli import run
from helpers_report import SIGNED_AT, case, make_case, printed
from ldct_bmd.corrections import exclude_level
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.exporting import export_in
from ldct_bmd.jobs.folder import BODIES, VOXELS, lay
from ldct_bmd.jobs.spec import Destination, ExportSpec
from ldct_bmd.pipeline import MeasuredScan
from ldct_bmd.reporting.files import COMPARED_FILE, RECORD_FILE, write_result
from ldct_bmd.reporting.opened import record_in
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import write_outputs

BY_RECORD, SAME_PLACE = "Change since earlier examinations", "Change at the same place in both scans"
POPULATION = "Town"


@dataclass(frozen=True)
class Site:
    """A folder with a result, an earlier result of the patient, and the scans of both; they lie together."""

    folder: Path

    @property
    def now(self) -> Path:
        return self.folder / "results" / "now"

    @property
    def earlier(self) -> Path:
        return self.folder / "results" / "earlier"

    def report(self, *arguments: object, in_scan: bool = False) -> str:
        """What the command says; the report is made, with the scan or from the record alone."""
        scan = ("--input", self.folder / "scans" / "now") if in_scan else ()
        done = run("report", self.now, *scan, *arguments)
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    @property
    def page(self) -> str:
        return printed((self.now / "report.html").read_text(encoding="utf-8"))

    def population(self) -> Path:
        path = self.folder / "population.json"
        group = {"from_years": 50, "to_years": 70, "mean_mg_cm3": 100.0, "sd_mg_cm3": 25.0}
        values = {"schema": "ldct-bmd-reference/1", "title": POPULATION, "population": "women", "material": "K2HPO4"}
        values |= {"levels": ["L1", "L2"], "calibration": "rods", "source": "made up", "women": [group], "men": [group]}
        path.write_text(json.dumps(values), encoding="utf-8")
        return path

    def correct_earlier(self) -> None:
        record = exclude_level(record_in(self.earlier), "L2", "cyst", "Dr. Earlier", SIGNED_AT)
        (self.earlier / RECORD_FILE).write_text(record.to_json() + "\n", encoding="utf-8")


def told(said: str) -> bool:
    """Whether something is said of what a report compares with."""
    return "compare with" in said or "compares with" in said


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    series = generate_uid()

    def aged(dataset: Dataset) -> None:
        dataset.StudyDate, dataset.SeriesInstanceUID = "20220102", series

    (folder / "results").mkdir()
    then = make_case(folder / "scans" / "earlier", aged)
    write_result(MeasuredScan(then.examination, then.column), then.scan, folder / "results" / "earlier")
    shutil.copytree(case().folder, folder / "scans" / "now")
    write_result(MeasuredScan(case().examination, case().column), case().scan, folder / "results" / "now")
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    shutil.copytree(made, folder)
    return Site(folder)


@pytest.fixture
def compared(site: Site) -> Site:
    """The report compares with the earlier examination."""
    assert not told(site.report("--prior", site.earlier, "--lsc", 7.5))
    return site


@pytest.fixture
def followed(site: Site) -> Site:
    """The report compares with the earlier examination, in its scan too."""
    site.report("--prior", site.earlier, "--prior-scan", site.folder / "scans" / "earlier", in_scan=True)
    return site


def test_a_second_report_compares_again_by_itself(compared: Site) -> None:
    before = compared.page
    assert all(words in before for words in (BY_RECORD, "7.5"))
    assert not told(compared.report())
    assert compared.page == before


def test_it_finds_the_earlier_scan_again_and_from_wherever_both_are_moved_to(followed: Site, tmp_path: Path) -> None:
    assert run("report", followed.now, "-o", tmp_path / "record_alone").exit_code == 0
    assert SAME_PLACE not in printed((tmp_path / "record_alone" / "report.html").read_text(encoding="utf-8"))
    moved = Site(tmp_path / "elsewhere")
    followed.folder.rename(moved.folder)
    assert not told(moved.report(in_scan=True))
    assert SAME_PLACE in moved.page


def test_an_earlier_examination_that_is_gone_is_told_and_found_when_it_is_back(compared: Site) -> None:
    aside = compared.folder / "aside"
    compared.earlier.rename(aside)
    for _ in range(2):
        said = compared.report()
        assert "does not compare with the earlier examination of 2022-01-02" in said
        assert "no longer compares" not in said, "one sentence is enough"
        assert BY_RECORD not in compared.page
    aside.rename(compared.earlier)
    assert not told(compared.report())
    assert BY_RECORD in compared.page


def test_another_examination_in_its_place_is_not_taken_for_it(compared: Site) -> None:
    record = record_in(compared.earlier)
    source = replace(record.scan.source, series_uid="1.2.3", sop_instance_uids=("1.2.3.4",))
    other = replace(record, scan=replace(record.scan, source=source))
    (compared.earlier / RECORD_FILE).write_text(other.to_json() + "\n", encoding="utf-8")
    assert "Another examination is there now" in compared.report()
    assert BY_RECORD not in compared.page


def test_an_earlier_examination_that_was_corrected_is_told_once(compared: Site) -> None:
    compared.correct_earlier()
    assert "earlier examination of 2022-01-02" in (said := compared.report())
    assert "was corrected since the last report" in said
    assert "corrected" not in compared.report()


def test_one_that_was_signed_meanwhile_is_not_told(compared: Site) -> None:
    assert run("sign", compared.earlier, "--reader", "Dr. Earlier").exit_code == 0
    assert not told(compared.report())
    assert BY_RECORD in compared.page


def test_what_is_named_takes_the_place_of_what_is_remembered(compared: Site) -> None:
    copy = compared.folder / "results" / "copy"
    shutil.copytree(compared.earlier, copy)
    compared.report("--prior", copy)
    shutil.rmtree(compared.earlier)
    assert not told(compared.report())
    assert "7.5" not in compared.page


def test_a_population_is_remembered_next_to_earlier_examinations(compared: Site) -> None:
    file = compared.population()
    compared.report("--reference", file)
    for _ in range(2):
        assert all(words in compared.page for words in (BY_RECORD, POPULATION))
        assert not told(compared.report())
    file.write_text(file.read_text(encoding="utf-8").replace("made up", "made up anew"), encoding="utf-8")
    assert "was changed since the last report" in compared.report()
    assert "was changed" not in compared.report()
    file.unlink()
    assert "does not compare with the population" in compared.report()
    assert BY_RECORD in compared.page


def test_a_report_elsewhere_compares_too_and_remembers_it_from_there(compared: Site) -> None:
    elsewhere = compared.folder / "further" / "away" / "report"
    elsewhere.parent.mkdir(parents=True)
    compared.report("-o", elsewhere)
    page = elsewhere / "report.html"
    assert BY_RECORD in printed(page.read_text(encoding="utf-8"))
    page.unlink()
    assert run("report", elsewhere).exit_code == 0
    assert BY_RECORD in printed(page.read_text(encoding="utf-8"))


def test_a_deidentified_copy_follows_without_dates_and_places(compared: Site) -> None:
    copy = compared.now / "deidentified"
    compared.report("--deidentify", in_scan=True)
    assert BY_RECORD not in printed((copy / "report.html").read_text(encoding="utf-8")), "nobody asked for it"
    compared.report("--deidentify", "--prior", compared.earlier)
    assert not told(compared.report(in_scan=True))
    page = printed((copy / "report.html").read_text(encoding="utf-8"))
    assert BY_RECORD in page
    assert "2022-01-02" not in page
    assert not list(copy.rglob(COMPARED_FILE))
    shutil.rmtree(compared.earlier)
    assert "de-identified copy in the folder no longer compares" in compared.report(in_scan=True)


def test_the_record_names_no_place(compared: Site) -> None:
    assert str(compared.folder.name) not in (compared.now / RECORD_FILE).read_text(encoding="utf-8")
    kept = (compared.now / COMPARED_FILE).read_text(encoding="utf-8")
    assert json.loads(kept)["priors"][0]["record"] == "../earlier/measurement.json"
    assert str(compared.folder) not in kept


@pytest.mark.parametrize(
    "text", ["{", '{"schema": "ldct-bmd-compared/9"}', '{"schema": "ldct-bmd-compared/1", "x": 1}']
)
def test_a_damaged_memory_is_told_and_costs_no_report(compared: Site, text: str) -> None:
    (compared.now / COMPARED_FILE).write_text(text, encoding="utf-8")
    assert "What the report compared with is not known any more" in compared.report()


def exported(site: Site, job: Path, destination: Destination, **more: object) -> Path:
    """Export as the panel and the browser do, naming nothing; return where it went."""
    job.mkdir()
    spec = ExportSpec(
        case().scan.stored_geometry,
        (Output.RECORD, Output.HTML),
        destination,
        **more,  # type: ignore[arg-type]
    )
    lay(job, spec, {VOXELS: case().scan.hu, BODIES: case().column.bodies})
    (job / RECORD_FILE).write_text(record_in(site.now).to_json(), encoding="utf-8")
    export_in(job, spec, silent)
    return site.now if destination is Destination.FOLDER else job / "out"


def test_an_export_into_the_folder_compares_again(compared: Site, tmp_path: Path) -> None:
    exported(compared, tmp_path / "job", Destination.FOLDER, folder=str(compared.now))
    assert BY_RECORD in compared.page
    shutil.rmtree(compared.earlier)
    assert "earlier examination of 2022-01-02" in compared.report(), "it is still remembered"


def test_a_preview_shows_what_the_folder_will_hold(compared: Site, tmp_path: Path) -> None:
    out = exported(compared, tmp_path / "job", Destination.PREVIEW, home=str(compared.now))
    assert BY_RECORD in printed((out / "report.html").read_text(encoding="utf-8"))
    out = exported(compared, tmp_path / "of_none", Destination.PREVIEW)
    assert BY_RECORD not in printed((out / "report.html").read_text(encoding="utf-8"))


def test_a_copy_that_loses_its_comparison_is_told_by_an_export(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_outputs(site.now, case().examination, case().pixels, wanted={Output.RECORD, Output.HTML}, overwrite=True)
    site.report("--deidentify", "--prior", site.earlier)
    write = {"folder": str(site.now)}
    exported(site, tmp_path / "job", Destination.FOLDER, **write)
    assert "de-identified copy in the folder no longer compares" in caplog.text
