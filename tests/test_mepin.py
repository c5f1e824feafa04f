"""MEPIN's guess: what its own script predicts, and what is said where it can't be had.

It runs where the environment variable MEPIN names a clone whose requirements are installed.
"""

import os
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from mepbench.errors import InputError, NotInstalled, NotSupported
from mepbench.path import align, arc_length
from mepbench.reaction import Reaction, read_set
from mepbench.registry import load, module_of

mepin = module_of("guesses", "mepin")


@pytest.fixture
def reaction():
    entry = min(read_set("rdb7_dev", "rdb7_dev"), key=lambda e: len(e.numbers["reactant"]))
    x = (entry.positions[role] for role in ("reactant", "product"))
    return Reaction(entry.name, entry.numbers["reactant"], *x)


@pytest.fixture
def network():
    try:
        return mepin._mepin(os.environ.get(mepin.FOLDER, ""))
    except NotInstalled as error:
        pytest.skip(str(error))


def test_the_path_is_that_of_its_own_script(network, reaction):
    import torch
    from mepin.tools.inference import create_reaction_batch

    controls = load("guesses", "geodesic")(reaction, 0, frames=17)
    images = [Atoms(reaction.numbers, x) for x in controls]
    batch = create_reaction_batch(images[0], images[-1], images, use_geodesic=True, num_images=401)
    with torch.no_grad():
        theirs = network[0](batch).reshape(401, -1, 3).double().numpy()
    ours = load("guesses", "mepin")(reaction, 0, frames=21)
    for x in ours:
        assert min(np.abs(align(y, x) - x).max() for y in theirs) < 0.01
    assert np.array_equal(ours[[0, -1]], reaction.ends)
    assert arc_length(ours)[-1] > arc_length(controls)[-1] * 0.8


def test_without_a_clone_it_says_how_to_get_one(monkeypatch, reaction):
    monkeypatch.delenv(mepin.FOLDER, raising=False)
    with pytest.raises(NotInstalled, match="clone learningmatter-mit/mepin"):
        load("guesses", "mepin")(reaction, 0)


def test_a_folder_that_is_no_clone_is_one_sentence(monkeypatch, reaction, tmp_path):
    monkeypatch.setenv(mepin.FOLDER, str(tmp_path))
    with pytest.raises(InputError, match=r"there is no folder mepin in it\. Let"):
        load("guesses", "mepin")(reaction, 0)


def test_elements_that_it_does_not_know_are_named(network):
    pair = Reaction("hcl", np.array([1, 17]), np.eye(2, 3), 1.5 * np.eye(2, 3))
    with pytest.raises(NotSupported, match="not of Cl"):
        load("guesses", "mepin")(pair, 0)
    with pytest.raises(NotSupported, match="not of charge 1, multiplicity 2"):
        load("guesses", "mepin")(
            replace(pair, numbers=np.array([1, 1]), charge=1, multiplicity=2), 0
        )


def test_a_checkpoint_that_would_run_something_is_not_read(network, tmp_path):
    import torch

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"hyper_parameters": Evil(), "state_dict": {}}, tmp_path / "evil.ckpt")
    with pytest.raises(InputError, match="is no checkpoint of MEPIN"):
        mepin._read(tmp_path / "evil.ckpt")
    (tmp_path / "torn.ckpt").write_bytes((tmp_path / "evil.ckpt").read_bytes()[:100])
    (tmp_path / "empty.ckpt").write_bytes(b"")
    for name in ("torn", "empty", "missing"):
        with pytest.raises(InputError, match="is no checkpoint of MEPIN"):
            mepin._read(tmp_path / f"{name}.ckpt")
    assert not (tmp_path / "ran").exists()
