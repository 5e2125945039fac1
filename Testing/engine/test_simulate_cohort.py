"""The first patients of the virtual cohort through the whole engine, against the project's targets."""

import pytest
from ldct_bmd.segmentation.weights import WEIGHTS
from ldct_bmd.validation.agreement import Study, analyse, read_readings
from ldct_bmd.validation.simulation import cohort_plan, simulate
from ldct_bmd.validation.simulation.conditions import Field

# About 10 s of one processor a patient: 30 take two and a half minutes on two.
PATIENTS = 30
LEAST_R2, MOST_BIAS_MG_CM3, MOST_LIMIT_MG_CM3, LEAST_AUC = 0.985, 1.5, 7.0, 0.98  # the project's targets

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"the package has no weights ({WEIGHTS.name})"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    file = tmp_path_factory.mktemp("cohort") / "cohort.csv"
    simulate(cohort_plan(PATIENTS, 0), file, Field.TRUNK, processes=2)
    return analyse(read_readings(file))


def test_every_level_of_every_patient_is_measured(study: Study) -> None:
    assert study.missing == ()


def test_each_level_agrees_with_the_truth(study: Study) -> None:
    for row in study.agreement:
        assert row.r2.value >= LEAST_R2, row.level
        assert abs(row.bias.value) < MOST_BIAS_MG_CM3, row.level
        assert row.loa_low.value > -MOST_LIMIT_MG_CM3, row.level
        assert row.loa_high.value < MOST_LIMIT_MG_CM3, row.level


def test_low_bmd_and_osteoporosis_are_found(study: Study) -> None:
    for one in study.diagnoses:
        if one.group == "total":
            assert one.auc is not None
            assert one.auc.delong.value >= LEAST_AUC, one.target
