"""What descriptions say where tags are silent."""

import pytest

from ldct_bmd.scan.header_words import says_contrast, says_none, says_tin


@pytest.mark.parametrize(
    "text",
    [
        "CHEST/ABD W/C PORTAL VENOUS 3.0",
        "CHEST W CONTRAST",
        "Thorax KM venoes 3.0",
        "Thorax KM venös",
        "TAP INJ",
        "CHEST WITH CONTRAST",
        "Chest C+ 1.25mm",
        "胸部增强 动脉期",
        "CT THORAX +C",
        "CECT CHEST",
    ],
)
def test_a_description_says_that_contrast_agent_was_given(text: str) -> None:
    assert says_contrast(text)


@pytest.mark.parametrize(
    "text",
    [
        "CHEST/ABD WITHOUT 5.0",
        "CHEST W/O CONTRAST",
        "CHEST WO CONTRAST",
        "NON-CONTRAST CHEST",
        "Thorax nativ 5.0",
        "Thorax ohne KM",
        "THORAX SANS INJ",
        "胸部平扫",
        "LUNG 1.25MM",
        "CHEST LOW DOSE",
        "Thorax 1.0 Br40 Lung",
        "CT PET-CT SERIES",
        "CHEST ABD",
        "LungScreen Sn120 1.0 Br40",
        "STANDARD CHEST PA",
        "RT Thorax 3.0",
        "LUNG EDGE ENHANCED",
        "LUNG HIGH CONTRAST",
        "LUNG ENHANCED 1.0",
        "CHEST WC 1.25",
        "LDCT CHEST W C-SPINE",
        "Thorax o. KM",
        "Chest no inj",
        "POST CT",
        "PULMONARY ARTERIAL",
        "",
    ],
)
def test_a_description_without_it_is_not_taken_for_one(text: str) -> None:
    assert not says_contrast(text)


@pytest.mark.parametrize("agent", ["SANS", "none", "Ohne", "N/A", "0", "无", "WITHOUT CONTRAST", "native", "-"])
def test_words_for_no_agent(agent: str) -> None:
    assert says_none(agent)


@pytest.mark.parametrize("agent", ["Omnipaque 350", "IOHEXOL", "Ultravist", "SANSERIF", "APPLIED", "YES"])
def test_an_agents_name_is_none_of_them(agent: str) -> None:
    assert not says_none(agent)


@pytest.mark.parametrize("text", ["LungScreen Sn120 1.0 Br40", "LungLowDose_Sn120", "TIN", "Sn 100", "tin 0.6 mm"])
def test_tin_is_named(text: str) -> None:
    assert says_tin(text)


@pytest.mark.parametrize("text", ["ALUMINIUM", "ASN120", "RESTING", "CHEST 120", "SN1", "WEDGE_1", ""])
def test_no_tin_is_named(text: str) -> None:
    assert not says_tin(text)
