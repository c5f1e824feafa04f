"""The surrogate: exact derivatives, exact updates, and saddles found with few evaluations."""

from dataclasses import replace

import numpy as np
import pytest

from mepbench.neural.curves import FixedCurve, PathSpline
from mepbench.neural.explorer import TRIES, Candidate, Explorer
from mepbench.neural.follow import STEP, descent, follow_saddle
from mepbench.neural.losses import LOSSES
from mepbench.neural.network import PathNetwork
from mepbench.neural.relaxation import Relaxation
from mepbench.neural.soundings import Reached, ends_reached
from mepbench.oracle import Oracle, PotentialSpec
from mepbench.path import Path, Peak, align, rigid_motions
from mepbench.potentials import mueller_brown
from mepbench.registry import load
from mepbench.surrogate.descriptor import Cartesians, InverseDistances, descriptor
from mepbench.surrogate.gaussian_process import KERNELS, GaussianProcess
from mepbench.surrogate.prior import Flat, Springs
from mepbench.surrogate.surrogate import Surrogate

NUMBERS = np.array([6, 1, 8, 7, 1])
each_kernel = pytest.mark.parametrize("kernel", KERNELS)
each_space = pytest.mark.parametrize("space", ["distances", "cartesian"])


def ends(rng):
    """Two geometries of five atoms, none of them too near another."""
    first = np.array([[0, 0, 0], [1.1, 0, 0], [-0.6, 1.1, 0], [-0.6, -1.2, 0.3], [0.3, 0.2, 1.6]])
    return np.array([first, first + rng.normal(scale=0.15, size=first.shape)])


def process(space, kernel, rng):
    """A process without data, and a way to make consistent observations around the ends."""
    if space == "cartesian":
        return GaussianProcess(Cartesians(), Flat(), kernel, 1.5, (1e-6, 1e-6))
    pairs = InverseDistances(NUMBERS)
    prior = Springs(NUMBERS, ends(rng), pairs)
    return GaussianProcess(pairs, prior, kernel, 0.6, (1e-6, 1e-6))


def observations(space, count, rng):
    """Geometries, energies and gradients of a smooth function of the distances (or of x)."""
    x = ends(rng)[0] + rng.normal(scale=0.15, size=(count, *ends(rng)[0].shape))
    x = x.reshape(count, -1)
    if space == "cartesian":
        return x, np.sin(x).sum(axis=1), np.cos(x)
    pairs = InverseDistances(NUMBERS)
    at = pairs(x)
    return x, np.sin(3 * at.q).sum(axis=1), pairs.pull(at.slope, 3 * np.cos(3 * at.q))


def difference(function, x, step=1e-5):
    """Central differences of a function of one flat geometry."""
    columns = []
    for k in range(len(x)):
        forward, backward = x.copy(), x.copy()
        forward[k] += step
        backward[k] -= step
        columns.append((function(forward) - function(backward)) / (2 * step))
    return np.array(columns)


@each_space
@each_kernel
def test_gradient_and_hessian_are_the_derivatives_of_the_energy(space, kernel):
    rng = np.random.default_rng(0)
    fit = process(space, kernel, rng)
    fit.add(*observations(space, 5, rng))
    x = observations(space, 1, rng)[0][0]
    gradient = difference(lambda y: fit(y[None])[0][0], x)
    hessian = difference(lambda y: fit(y[None])[1][0], x)
    assert fit(x[None])[1][0] == pytest.approx(gradient, abs=1e-5)
    assert fit.expansion(x[None])[2][0] == pytest.approx(hessian, abs=1e-4)


@each_space
@each_kernel
def test_it_reproduces_the_energies_and_gradients_it_was_given(space, kernel):
    rng = np.random.default_rng(1)
    fit = process(space, kernel, rng)
    x, energy, gradient = observations(space, 6, rng)
    fit.add(x, energy, gradient)
    assert fit(x)[0] == pytest.approx(energy, abs=1e-3)
    assert fit(x)[1] == pytest.approx(gradient, abs=5e-3)


def test_it_predicts_what_it_was_not_given():
    rng = np.random.default_rng(2)
    fit = process("distances", "matern", rng)
    x, energy, gradient = observations("distances", 40, rng)
    fit.add(x[:30], energy[:30], gradient[:30])
    error = fit(x[30:])[0] - energy[30:]
    assert np.median(np.abs(error)) < 0.15 * energy.std()


@each_space
@each_kernel
def test_a_block_update_is_the_full_factorisation(space, kernel):
    rng = np.random.default_rng(3)
    x, energy, gradient = observations(space, 7, rng)
    grown, whole = process(space, kernel, rng), process(space, kernel, np.random.default_rng(3))
    whole.prior = grown.prior
    for part in (slice(0, 2), slice(2, 3), slice(3, 7)):
        grown.add(x[part], energy[part], gradient[part])
    whole.add(x, energy, gradient)
    assert grown.factor.lower == pytest.approx(whole.factor.lower, abs=1e-8)
    assert grown(x + 0.05)[0] == pytest.approx(whole(x + 0.05)[0], abs=1e-6)


def test_forgetting_points_is_a_fit_without_them():
    rng = np.random.default_rng(4)
    x, energy, gradient = observations("distances", 6, rng)
    fit = process("distances", "matern", rng)
    fit.add(x, energy, gradient)
    fit.keep(np.array([0, 1, 4]))
    fresh = process("distances", "matern", rng)
    fresh.prior = fit.prior
    fresh.add(x[[0, 1, 4]], energy[[0, 1, 4]], gradient[[0, 1, 4]])
    assert fit(x)[0] == pytest.approx(fresh(x)[0], abs=1e-8)


def test_it_knows_where_it_knows_nothing():
    rng = np.random.default_rng(5)
    fit = process("distances", "matern", rng)
    x, energy, gradient = observations("distances", 4, rng)
    fit.add(x, energy, gradient)
    far = x[:1] * 1.4
    assert fit.deviation(x).max() < 0.02 * fit.sigma
    assert fit.deviation(far)[0] > 5 * fit.deviation(x).max()


def test_distances_are_blind_to_rigid_motion():
    rng = np.random.default_rng(6)
    fit = process("distances", "matern", rng)
    x, energy, gradient = observations("distances", 3, rng)
    fit.add(x, energy, gradient)
    atoms = x[0].reshape(-1, 3) + 0.05
    turned = align(atoms, rng.normal(size=atoms.shape)) + 3.0
    assert fit(turned.reshape(1, -1))[0] == pytest.approx(fit(atoms.reshape(1, -1))[0], abs=1e-8)
    motions = rigid_motions(atoms, ("translation", "rotation"))
    assert motions @ fit(atoms.reshape(1, -1))[1][0] == pytest.approx(np.zeros(6), abs=1e-8)


def test_surfaces_without_invariances_are_fitted_in_cartesians():
    assert isinstance(descriptor(np.array([1]), ()), Cartesians)
    assert isinstance(descriptor(NUMBERS, ("translation",)), Cartesians)
    assert isinstance(descriptor(NUMBERS, ("translation", "rotation")), InverseDistances)


def test_the_prior_holds_spectators_and_lets_go_of_what_reacts():
    rng = np.random.default_rng(7)
    two = ends(rng)
    two[1] = two[0]
    two[1, 4] += [0.0, 0.0, 1.5]
    pairs = InverseDistances(NUMBERS)
    stiffness = dict(
        zip(zip(pairs.i, pairs.j, strict=True), Springs(NUMBERS, two, pairs).k, strict=True)
    )
    assert stiffness[0, 1] > 5.0
    assert stiffness[0, 4] < 1e-6


@pytest.fixture(scope="module")
def charted():
    """A surrogate that has seen a grid of the Mueller-Brown surface."""
    known = mueller_brown.KNOWN[0]
    oracle = Oracle(mueller_brown.load(None, 0, 1), known.reaction)
    fit = Surrogate(known.reaction, oracle, kernel="matern", length=0.6, noise=1e-5)
    across, along = np.meshgrid(np.linspace(-1.4, 1.2, 12), np.linspace(-0.4, 1.8, 12))
    grid = np.stack([across.ravel(), along.ravel(), np.zeros(144)], axis=1)
    energies, _ = oracle(grid[:, None])
    for x in grid[energies < energies.min() + 5 * np.ptp(fit.ends) + 3.0][::2]:
        fit.observe(x[None])
    return known, fit


def test_the_saddle_of_the_surrogate_is_that_of_the_surface(charted):
    known, fit = charted
    start = known.saddle + np.array([[0.08, -0.05, 0.0]])
    up = (known.reaction.product - known.reaction.reactant) * [[1.0, 1.0, 0.0]]
    up /= np.linalg.norm(up)
    found = follow_saddle(fit.surface, start, up, reach=lambda y: True)
    assert found.converged
    assert found.curvature < 0
    assert np.linalg.norm(found.position - known.saddle) < 0.05


def test_following_stops_where_the_surrogate_is_not_trusted(charted):
    known, fit = charted
    up = np.array([[1.0, 0.0, 0.0]])
    found = follow_saddle(
        fit.surface, known.reaction.reactant + 0.1 * up, up, reach=lambda y: False
    )
    assert not found.converged
    moved = np.linalg.norm(found.position - known.reaction.reactant - 0.1 * up)
    assert 0 < moved <= STEP + 1e-12


def test_descents_go_down_on_both_sides(charted):
    known, fit = charted
    along = np.array([[1.0, 0, 0]])
    found = follow_saddle(fit.surface, known.saddle, along, reach=lambda y: True)
    bottoms = []
    for sign in (1, -1):
        side = descent(fit.surface, np.ones(1), found.position, found.mode, sign)
        energy, _ = fit(side.reshape(len(side), -1))
        assert energy[-1] < energy[0] - 0.01
        assert np.diff(energy).max() < 1e-3
        bottoms.append(side[-1])
    assert np.linalg.norm(bottoms[0] - bottoms[1]) > 0.3


class FlatTop:
    """A double well along x, so flat at its saddle that the forces beside it are tiny."""

    invariances = ()

    def __call__(self, x):
        along, across = x[:, 0, 0], x[:, 0, 1:]
        gradient = np.concatenate([(0.8 * along**3 - 0.4 * along)[:, None], 2 * across], axis=1)
        return 0.2 * along**4 - 0.2 * along**2 + (across**2).sum(axis=1), gradient[:, None]

    def expansion(self, x):
        (energy,), (gradient,) = self(x[None])
        return energy, gradient, np.diag([2.4 * x[0, 0] ** 2 - 0.4, 2.0, 2.0])


def test_descents_leave_a_flat_saddle():
    for sign in (1, -1):
        side = descent(FlatTop(), np.ones(1), np.zeros((1, 3)), np.eye(3)[:1], sign)
        assert sign * side[-1, 0, 0] > 0.6


OPTIONS = dict(trust=0.3, soundings=15, doubt=0.15, lenience=2.0)


@pytest.fixture
def explorer(charted):
    """An explorer of the charted surface, on the straight line between its ends."""
    known, fit = charted
    one = Explorer(known.reaction, fit, OPTIONS)
    one.curve = FixedCurve(np.linspace(*known.reaction.ends, 21))
    return known, one


def candidate(fit, x, ends=0):
    energy, gradient = fit(x.reshape(1, -1))
    gradient, mode = gradient.reshape(x.shape), np.array([[1.0, 0.0, 0.0]])
    return Candidate(x, float(energy[0]), gradient, mode, np.abs(gradient).max(), -1.0, ends)


def test_what_has_no_negative_mode_is_never_the_answer(explorer):
    known, one = explorer
    minimum = candidate(one.surrogate, known.reaction.reactant, ends=1)
    one.rejected, one.best = [minimum], minimum
    assert one.promising() == []
    saddle = candidate(one.surrogate, known.saddle)
    one.rejected.append(saddle)
    assert one.promising() == [saddle]


def test_of_rejected_saddles_that_which_leads_to_an_end_is_preferred(explorer):
    known, one = explorer
    near = known.saddle + np.array([[0.02, 0.0, 0.0]])
    one.rejected = [candidate(one.surrogate, known.saddle), candidate(one.surrogate, near, ends=1)]
    assert one.promising()[0] is one.rejected[1]


def test_a_rejected_saddle_is_known_again(explorer):
    known, one = explorer
    one.rejected = [candidate(one.surrogate, known.saddle)]
    energy, aside = one.rejected[0].energy, np.array([[0.1, 0.0, 0.0]])
    assert one.is_rejected(known.saddle + 0.4 * aside, energy + 1.0)
    assert one.is_rejected(known.saddle + 2 * aside, energy + 0.02)
    assert not one.is_rejected(known.saddle + 2 * aside, energy + 0.05)
    assert not one.is_rejected(known.saddle + 4 * aside, energy)


def test_a_second_hearing_does_not_forget_what_was_rejected(explorer, monkeypatch):
    known, one = explorer
    saddle = candidate(one.surrogate, known.saddle)
    one.rejected = [saddle]
    monkeypatch.setattr(Explorer, "ends_reached", lambda *_: Reached(2, False))
    monkeypatch.setattr(Explorer, "converge", lambda *_: replace(saddle, ends=2))
    assert one.second_hearing(limit=0).ends == 2
    assert one.rejected == [saddle]


@pytest.mark.parametrize(("down", "reached"), [(0.0, 2), (-2.0, 1)])
def test_a_saddle_joins_the_ends_only_if_both_descents_reach_them(charted, down, reached):
    known, fit = charted
    up = np.array([[1.0, 0.0, 0.0]])
    followed = follow_saddle(fit.surface, known.saddle, up, reach=lambda y: True)
    saddle = replace(candidate(fit, followed.position), mode=followed.mode)
    product = known.reaction.product + np.array([[0.0, down, 0.0]])
    reaction = replace(known.reaction, product=product)
    options = dict(soundings=0, doubt=0.15, lenience=2.0)
    found = ends_reached(reaction, fit, saddle, lambda x: None, **options)
    assert (found.ends, found.elsewhere) == (reached, reached < 2)


@pytest.mark.parametrize("loss", ["residual", "action"])
def test_on_the_surrogate_each_loss_is_trained_on_itself(charted, loss):
    known, fit = charted

    def after(last):
        line = np.linspace(*known.reaction.ends, 21)
        path = PathNetwork(line, (), width=16, depth=2, frequencies=3, seed=0)
        options = dict(concentration=0.5, floor=0.01, speed_penalty=1.0, damping=0.01)
        relaxation = Relaxation(path, fit, np.random.default_rng(0), points=14, **options)
        relaxation(20, trust=0.15, beta=15.0)
        relaxation(20, trust=0.05, beta=15.0, loss=last)
        s = (np.arange(200) + 0.5) / 200
        at = path.at(s)
        energy, gradient = fit(at.x)
        weight = np.full(200, 1 / 200)
        return float(LOSSES[loss](at.dx, energy, gradient, weight, None))

    assert after(loss) < after("maxflux")


def test_a_top_from_which_nothing_more_is_learned_is_left_alone(explorer):
    _, one = explorer
    x, energy, _ = one.profile()
    humps = one.humps(x, energy)
    assert np.array_equal(one.untried(x, energy, humps)[0], x[humps[0]])
    one.vain = [x[humps[0]]] * TRIES
    start = one.untried(x, energy, humps[:1])
    assert start is None


def test_a_ripple_beside_an_end_is_no_hump_of_the_reaction(explorer):
    _, one = explorer
    x, energy, _ = one.profile()
    top, level = energy.max(), max(one.surrogate.ends)
    at, energy = 10, energy.copy()
    one.vain = [x[int(energy.argmax())]] * TRIES
    energy[at] = level + 0.05 * (top - level)
    assert one.untried(x, energy, [int(energy.argmax()), at]) is None
    energy[at] = level + 0.5 * (top - level)
    assert np.array_equal(one.untried(x, energy, [int(energy.argmax()), at])[0], x[at])


def test_forgetting_keeps_the_ends_and_what_is_near_the_path(monkeypatch):
    known = mueller_brown.KNOWN[0]
    monkeypatch.setattr("mepbench.surrogate.gaussian_process.ROWS", 40)
    monkeypatch.setattr("mepbench.surrogate.gaussian_process.POINTS", 10)
    oracle = Oracle(mueller_brown.load(None, 0, 1), known.reaction)
    small = Surrogate(known.reaction, oracle, kernel="matern", length=0.6, noise=1e-5)
    line = np.linspace(known.reaction.reactant, known.reaction.product, 14)[1:-1]
    for x in [*(line + np.array([[0.0, 0.6, 0.0]])), *line]:
        small.observe(x)
    small.forget(line)
    assert len(small) == 7
    assert small.x[:2].reshape(2, 1, 3) == pytest.approx(known.reaction.ends)
    assert all(np.abs(line - x).max(axis=(1, 2)).min() < 1e-12 for x in small.x[2:, None])


def test_a_spline_curve_has_the_derivatives_it_says():
    rng = np.random.default_rng(8)
    frames = np.linspace(*ends(rng), 9)
    curve = PathSpline(frames, ("translation", "rotation"))
    curve.theta, move = 0.1 * rng.normal(size=len(curve.theta)), rng.normal(size=len(curve.theta))
    s = np.array([0.1, 0.45, 0.8])
    points, h = curve.at(s), 1e-6
    slope = (curve.at(s + h).x - curve.at(s - h).x) / (2 * h)
    assert points.dx == pytest.approx(slope, abs=1e-6)
    on_x, on_dx = points.jvp(move)
    start = curve.theta
    curve.theta = start + move
    assert curve.at(s).x - points.x == pytest.approx(on_x, abs=1e-10)
    assert float((on_x * points.x).sum() + (on_dx * points.dx).sum()) == pytest.approx(
        float(points.vjp(points.x, points.dx) @ move)
    )


def test_curves_end_at_the_ends():
    frames = np.linspace(*ends(np.random.default_rng(9)), 9)
    for curve in (FixedCurve(frames), PathSpline(frames, ())):
        assert np.array_equal(curve([0.0, 1.0]), frames[[0, -1]])


def test_mueller_brown_saddle_takes_few_evaluations():
    known = mueller_brown.KNOWN[0]
    oracle = Oracle(mueller_brown.load(None, 0, 1), known.reaction, 100)
    line = np.linspace(known.reaction.reactant, known.reaction.product, 21)
    path = load("methods", "neural-surrogate")(known.reaction, oracle, Path(line), 0)
    assert np.linalg.norm(path.peak.position - known.saddle) < 0.01
    assert path.converged
    assert oracle.evaluations <= 40


@pytest.fixture(scope="module")
def isomerisation():
    """Hydroxymethylene to formaldehyde, a hydrogen shift."""
    from mepbench.preparation.prepare import prepare
    from mepbench.reaction import read_set

    entry = next(e for e in read_set("textbook", "textbook") if "hydroxymethylene" in e.name)
    potential = PotentialSpec("xtb-python")
    return prepare(entry, potential.load).reaction, potential


# The molecule is planar in both ends and at the saddle: when the spline leaves the plane, and finds
# back, is decided by the last digit.
@pytest.mark.parametrize(("curve", "most"), [("network", 25), ("spline", 150), ("guess", 25)])
def test_a_molecule_s_saddle_takes_few_evaluations(isomerisation, curve, most):
    reaction, potential = isomerisation
    guess = load("guesses", "geodesic")(reaction, 0, frames=21)
    oracle = Oracle(potential.of(reaction), reaction, 200)
    path = load("methods", "neural-surrogate")(reaction, oracle, Path(guess), 0, curve=curve)
    assert path.converged
    assert oracle.evaluations <= most
    energies, gradients = Oracle(potential.of(reaction), reaction)(path.peak.position[None])
    assert np.linalg.norm(gradients[0], axis=1).max() < 0.0105
    assert energies[0] > reaction.energies.max() + 0.5


def test_after_a_vain_fallback_the_direct_path_s_peak_is_the_answer(isomerisation, monkeypatch):
    reaction, potential = isomerisation
    guess = load("guesses", "geodesic")(reaction, 0, frames=21)
    tangent = guess[11] - guess[9]
    peak = Peak(guess[10], tangent=tangent / np.linalg.norm(tangent))
    monkeypatch.setattr(Explorer, "search", lambda *_: None)
    monkeypatch.setattr(
        "mepbench.methods.neural_surrogate._direct", lambda *_: Path(guess, peak=peak)
    )
    oracle = Oracle(potential.of(reaction), reaction, 200)
    path = load("methods", "neural-surrogate")(reaction, oracle, Path(guess), 0)
    assert path.peak is peak
    assert not path.converged


def test_the_saddle_on_the_fallback_s_path_is_the_answer(isomerisation, monkeypatch):
    reaction, potential = isomerisation
    guess = load("guesses", "geodesic")(reaction, 0, frames=21)
    saddle = Candidate(guess[10], 0.0, np.zeros_like(guess[10]), guess[11] - guess[9], 0.0, -1.0, 2)
    answers = iter([None, None, None, saddle])
    monkeypatch.setattr(Explorer, "search", lambda *_: next(answers))
    monkeypatch.setattr("mepbench.methods.neural_surrogate._direct", lambda *_: Path(guess))
    oracle = Oracle(potential.of(reaction), reaction, 200)
    path = load("methods", "neural-surrogate")(reaction, oracle, Path(guess), 0)
    assert path.converged
    assert np.array_equal(path.peak.position, saddle.position)
    assert "found from the direct solver's path" in path.message


def test_a_budget_that_ends_while_polishing_keeps_the_saddle():
    known = mueller_brown.KNOWN[0]
    surface = mueller_brown.load(None, 0, 1)
    oracle = Oracle(surface, known.reaction, 16)
    line = Path(np.linspace(*known.reaction.ends, 21))
    path = load("methods", "neural-surrogate")(known.reaction, oracle, line, 0, polish=40)
    assert oracle.evaluations == 16
    assert path.converged
    assert np.linalg.norm(path.peak.position - known.saddle) < 0.02
