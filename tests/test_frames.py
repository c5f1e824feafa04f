"""Names are text, whatever they look like, through our files and through ASE."""

import numpy as np
import pytest
from ase.io import read
from hypothesis import given
from hypothesis import strategies as st

from mepbench.errors import InputError
from mepbench.files.frames import frame, read_frames, write_frames

HOSTILE = [
    *("001", "NA", "T", "1e5", "nan", "", " padded ", "a,b", "a/b", "../../evil", "it's"),
    *('"quoted"', "<script>alert(1)</script>", "back\\slash", "two\nlines", "{x}", "[1 2]", "a=b"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_survive_a_file_that_ase_reads_the_same(name, tmp_path):
    write_frames(tmp_path / "x.xyz", [frame(np.array([1]), np.zeros((1, 3)), reaction=name)])
    assert read_frames(tmp_path / "x.xyz")[0].info["reaction"] == name
    assert read(tmp_path / "x.xyz").info["reaction"] == name


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_survives_a_file(name, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "x.xyz"
    write_frames(path, [frame(np.array([1]), np.zeros((1, 3)), reaction=name, role="reactant")])
    assert read_frames(path)[0].info["reaction"] == name


def test_unquoted_numbers_in_foreign_files_stay_text(tmp_path):
    (tmp_path / "x.xyz").write_text("1\nreaction=001 role=reactant charge=-1\nH 0 0 0\n")
    info = read_frames(tmp_path / "x.xyz")[0].info
    assert (info["reaction"], info["charge"]) == ("001", -1)


def test_energy_gradient_and_mode_survive(tmp_path):
    gradient = np.arange(6.0).reshape(2, 3)
    atoms = frame(
        np.array([1, 8]), np.eye(2, 3), energy=-1.5, gradient=gradient, arrays={"mode": gradient}
    )
    write_frames(tmp_path / "x.xyz", [atoms])
    back = read_frames(tmp_path / "x.xyz")[0]
    assert back.get_potential_energy() == -1.5
    np.testing.assert_allclose(back.get_forces(), -gradient)
    np.testing.assert_allclose(back.arrays["mode"], gradient)


@pytest.mark.parametrize("text", ["3\n\nH 0 0 0\n", "x\n\nH 0 0 0\n", "1\n\nQq 0 0 0\n"])
def test_a_broken_file_is_one_clear_error(text, tmp_path):
    (tmp_path / "x.xyz").write_text(text)
    with pytest.raises(InputError, match=r"x\.xyz"):
        read_frames(tmp_path / "x.xyz")
    with pytest.raises(InputError, match="missing"):
        read_frames(tmp_path / "missing.xyz")
