"""The oracle books what is spent, and stops before a budget is exceeded."""

import numpy as np
import pytest
from ase import Atoms

from mepbench.errors import BudgetExhausted, InputError, SCFFailure
from mepbench.oracle import TRACE_LENGTH, Oracle, evaluate_band
from mepbench.path import Path
from mepbench.reaction import Reaction


class Quartic:
    """V = sum x^4 + y^2, with a gradient and Hessian known by hand."""

    invariances = ()
    backend = "test"

    def evaluate(self, positions):
        x, y, _ = np.moveaxis(positions, 2, 0)
        gradients = np.zeros_like(positions)
        gradients[..., 0], gradients[..., 1] = 4 * x**3, 2 * y
        return (x**4 + y**2).sum(axis=1), gradients


class Failing(Quartic):
    def evaluate(self, positions):
        raise SCFFailure("no")


def reaction():
    ends = np.array([[[-1.0, 0, 0]], [[1.0, 0, 0]]])
    energies, gradients = Quartic().evaluate(ends)
    return Reaction("r", np.array([1]), *ends, energies=energies, gradients=gradients)


def test_evaluations_and_rounds_are_counted():
    oracle = Oracle(Quartic())
    oracle(np.zeros((5, 1, 3)))
    oracle(np.zeros((2, 1, 3)))
    assert (oracle.evaluations, oracle.rounds) == (7, 2)


def test_the_ends_are_free_and_a_round_of_only_ends_is_none():
    oracle = Oracle(Quartic(), reaction(), budget=1)
    energies, _ = oracle(reaction().ends)
    np.testing.assert_allclose(energies, 1.0)
    oracle(np.concatenate([reaction().ends, np.zeros((1, 1, 3))]))
    assert (oracle.evaluations, oracle.rounds, oracle.remaining) == (1, 1, 0)


def test_a_round_beyond_the_budget_evaluates_nothing():
    oracle = Oracle(Quartic(), budget=4)
    oracle(np.zeros((3, 1, 3)))
    with pytest.raises(BudgetExhausted, match="3 of 4"):
        oracle(np.zeros((2, 1, 3)))
    assert oracle.evaluations == 3


def test_what_fails_twice_is_a_failure_and_both_tries_were_paid_for():
    oracle = Oracle(Failing())
    with pytest.raises(SCFFailure):
        oracle(np.zeros((1, 1, 3)))
    assert (oracle.evaluations, oracle.rounds) == (2, 1)


def nothing(found):
    raise SCFFailure("no convergence")


def crash(found):
    raise OSError("disk quota exceeded")


def no_number(found):
    return found[0] * np.nan, found[1]


class Hiccup(Quartic):
    """Fails in the way of `how` at the calls whose numbers, from 0, are in `calls`."""

    def __init__(self, how, calls):
        self.how, self.calls, self.asked = how, calls, []

    def evaluate(self, positions):
        self.asked.append(len(positions))
        found = super().evaluate(positions)
        return self.how(found) if len(self.asked) - 1 in self.calls else found


@pytest.mark.parametrize("how", [nothing, crash, no_number])
def test_of_a_slow_potential_only_what_failed_is_evaluated_again(how, monkeypatch):
    monkeypatch.setattr("mepbench.oracle.SLOW", 0.0)
    points = np.linspace(0.1, 0.6, 12).reshape(4, 1, 3)
    potential = Hiccup(how, {2})
    oracle = Oracle(potential)
    for found, right in zip(oracle(points), Quartic().evaluate(points), strict=True):
        np.testing.assert_allclose(found, right)
    assert potential.asked == [1, 1, 1, 1, 1]
    assert (oracle.evaluations, oracle.rounds) == (5, 1)


@pytest.mark.parametrize("how", [nothing, crash, no_number])
def test_a_batch_that_fails_is_evaluated_one_by_one(how, monkeypatch):
    monkeypatch.setattr("mepbench.oracle.SLOW", np.inf)
    potential = Hiccup(how, {1})
    oracle = Oracle(potential)
    oracle(np.zeros((1, 1, 3)))
    points = np.linspace(0.1, 0.6, 9).reshape(3, 1, 3)
    np.testing.assert_allclose(oracle(points)[0], Quartic().evaluate(points)[0])
    assert potential.asked == [1, 3, 1, 1, 1]
    assert (oracle.evaluations, oracle.rounds) == (7, 2)


def test_a_second_try_beyond_the_budget_is_not_made():
    potential = Hiccup(nothing, {0})
    oracle = Oracle(potential, budget=1)
    with pytest.raises(BudgetExhausted, match="1 of 1"):
        oracle(np.zeros((1, 1, 3)))
    assert potential.asked == [1]


def test_bad_input_is_not_asked_for_twice():
    def refuse(found):
        raise InputError("potential: no such file")

    oracle = Oracle(Hiccup(refuse, {0}))
    with pytest.raises(InputError):
        oracle(np.zeros((1, 1, 3)))
    assert oracle.evaluations == 1


@pytest.mark.parametrize("which", [0, 1], ids=["energy", "gradient"])
def test_what_is_not_finite_is_no_answer(which):
    class Broken(Quartic):
        def evaluate(self, positions):
            found = super().evaluate(positions)
            found[which][-1] = np.nan
            return found

    oracle = Oracle(Broken())
    with pytest.raises(SCFFailure, match="test returned no finite energy or gradient"):
        oracle(np.zeros((1, 1, 3)))
    assert oracle.evaluations == 2


def test_at_most_16_checkpoints_go_to_the_trace_with_first_and_last():
    oracle = Oracle(Quartic(), reaction())
    for i in range(100):
        oracle(np.zeros((1, 1, 3)))
        oracle.checkpoint(Path(np.zeros((3, 1, 3)), energies=np.array([1.0, 2.0 + i, 1.0])), i)
    trace = oracle.trace
    assert len(trace) <= TRACE_LENGTH
    assert (trace[0].evaluations, trace[-1].evaluations) == (1, 100)
    assert trace[-1].barrier == pytest.approx(100.0)
    assert oracle.path.energies[1] == 101.0


def test_a_band_of_ase_images_is_one_round():
    oracle = Oracle(Quartic())
    images = [Atoms("H", positions=[[x, 0.5, 0]]) for x in (0.1, 0.2, 0.3)]
    for image in images:
        image.calc = oracle.calculator()
    evaluate_band(images, oracle)
    assert (oracle.evaluations, oracle.rounds) == (3, 1)
    assert images[1].get_potential_energy() == pytest.approx(0.2**4 + 0.25)
    np.testing.assert_allclose(images[2].get_forces(), [[-4 * 0.3**3, -1.0, 0]])
    assert oracle.evaluations == 3
    images[0].positions[0, 0] = 0.4
    evaluate_band(images, oracle)
    assert (oracle.evaluations, oracle.rounds) == (4, 2)


def test_a_network_is_differentiated_also_where_a_method_has_switched_that_off():
    import torch

    class Network(Quartic):
        def evaluate(self, positions):
            x = torch.tensor(positions, requires_grad=True)
            energies = (x**2).sum((1, 2))
            return energies.detach().numpy(), torch.autograd.grad(energies.sum(), x)[0].numpy()

    with torch.no_grad():
        assert Oracle(Network())(np.ones((2, 1, 3)))[1] == pytest.approx(2.0)
        assert not torch.is_grad_enabled()


def test_torch_energy_backpropagates_the_gradient_for_free():
    import torch

    oracle = Oracle(Quartic())
    x = torch.tensor([[[0.5, 0.25, 0.0]]], dtype=torch.float64, requires_grad=True)
    energy, _ = oracle.torch(x)
    (3 * energy.sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[[3 * 4 * 0.125, 3 * 0.5, 0]]])
    assert oracle.evaluations == 1


def test_torch_gradient_backpropagates_a_hessian_vector_product_for_one_evaluation():
    import torch

    oracle = Oracle(Quartic())
    x = torch.tensor([[[0.5, 0.25, 0.0]], [[0.1, 0.0, 0.0]]], dtype=torch.float64)
    x.requires_grad_()
    _, gradient = oracle.torch(x)
    (gradient**2).sum().backward()  # 2 H g
    expected = [[[2 * 3.0 * 0.5, 2 * 2 * 0.5, 0]], [[2 * 0.12 * 0.004, 0, 0]]]
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=0.03, atol=1e-6)
    assert oracle.evaluations == 4
