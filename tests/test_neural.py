"""The direct neural path: its ends, its losses and their gradients, known answers, the traps."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mepbench.methods.neural import solve
from mepbench.neural import descent
from mepbench.neural.curvature import first_estimate, secant_update
from mepbench.neural.losses import LOSSES, internal_velocity, norm, through_velocity
from mepbench.neural.memory import Memory
from mepbench.neural.network import PathNetwork
from mepbench.neural.quadrature import draw, hermite_peak, widths
from mepbench.neural.solver import Solver
from mepbench.neural.training import (
    Adam,
    SpeedPenalty,
    bend,
    loss_gradient,
    output_layer_step,
    within_trust,
)
from mepbench.oracle import Oracle
from mepbench.path import Path, remove_rigid_motion, resample
from mepbench.potentials import mueller_brown
from mepbench.solving.contract import problem

RIGID = ("translation", "rotation")
SURFACE = mueller_brown.load(None, 0, 1)
(KNOWN,) = mueller_brown.KNOWN
REACTION = KNOWN.reaction


def straight(frames=21):
    s = np.linspace(0, 1, frames)[:, None, None]
    return (1 - s) * REACTION.reactant + s * REACTION.product


def network(frames, invariances=(), seed=0, move=0.0, **shape):
    shape = dict(width=12, depth=2, frequencies=3) | shape
    net = PathNetwork(frames, invariances, seed=seed, **shape)
    if move:
        net.theta = net.theta + move * np.random.default_rng(7).normal(size=len(net.theta))
    return net


def molecule(frames=9):
    rng = np.random.default_rng(1)
    ends = rng.normal(size=(2, 5, 3)) * 1.5
    s = np.linspace(0, 1, frames)[:, None, None]
    return (1 - s) * ends[0] + s * ends[1] + 0.3 * np.sin(np.pi * s) * rng.normal(size=(5, 3))


def on_surface(s, net):
    """Path points with exact energies, gradients and Hessian products of the surface."""
    path = net.at(s)
    energy, gradient = SURFACE.evaluate(path.x.reshape(-1, 1, 3))
    gradient = gradient.reshape(len(s), 3)
    hessian = np.tile(np.eye(3), (len(s), 1, 1))

    def product(v):
        h = 1e-5
        shifted = [path.x + sign * h * v for sign in (1, -1)]
        g = [SURFACE.evaluate(x.reshape(-1, 1, 3))[1].reshape(len(s), 3) for x in shifted]
        return (g[0] - g[1]) / (2 * h)

    weight = np.full(len(s), 1 / len(s))
    return descent.Points(path.x, path.dx, energy, gradient, hessian, hessian, weight), product


def loss_value(loss, net, s, beta=3.0):
    at, _ = on_surface(s, net)
    velocity, _ = internal_velocity(at.x, at.dx, ())
    return float(LOSSES[loss](velocity, at.energy, at.gradient, at.widths, beta))


def middles(count):
    return (np.arange(count) + 0.5) / count


@pytest.mark.parametrize("invariances", [(), RIGID])
def test_ends_are_exact_whatever_the_weights(invariances):
    frames = molecule()
    net = network(frames, invariances, move=1.0)
    x = net(np.array([0.0, 0.4, 1.0]))
    assert np.array_equal(x[[0, 2]], frames[[0, -1]])
    assert np.abs(x[1] - frames[4]).max() > 0.1


def test_the_untrained_path_is_the_guess():
    frames = resample(molecule(), 9)
    s = np.linspace(0, 1, 9)
    np.testing.assert_allclose(network(frames, RIGID)(s), frames, atol=0.02)
    dense = network(frames, RIGID)(np.linspace(0, 1, 401)).reshape(401, -1)
    nearest = np.linalg.norm(dense[:, None] - frames.reshape(1, 9, -1), axis=2).min(axis=0)
    assert nearest.max() < 0.01


def test_velocity_and_weight_derivatives_are_those_of_finite_differences():
    net = network(molecule(), RIGID, move=0.3)
    s = middles(5)
    points, h = net.at(s), 1e-5
    numeric = (net.at(s + h).x - net.at(s - h).x) / (2 * h)
    np.testing.assert_allclose(points.dx, numeric, atol=1e-6, rtol=1e-6)
    rng = np.random.default_rng(5)
    direction = rng.normal(size=len(net.theta))
    d_x, d_dx = points.jvp(direction)
    start = net.theta
    shifted = []
    for sign in (1, -1):
        net.theta = start + sign * h * direction
        shifted.append(net.at(s))
    np.testing.assert_allclose(d_x, (shifted[0].x - shifted[1].x) / (2 * h), atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(
        d_dx, (shifted[0].dx - shifted[1].dx) / (2 * h), atol=1e-5, rtol=1e-5
    )
    net.theta = start
    a, b = rng.normal(size=(2, *d_x.shape))
    assert float(points.vjp(a, b) @ direction) == pytest.approx(float((a * d_x + b * d_dx).sum()))


def test_rigid_motion_leaves_the_velocity():
    points = network(molecule(), RIGID, move=0.3).at(middles(4))
    velocity, _ = internal_velocity(points.x, points.dx, RIGID)
    expected = remove_rigid_motion(points.dx.reshape(4, 5, 3), points.x.reshape(4, 5, 3), RIGID)
    np.testing.assert_allclose(velocity.reshape(4, 5, 3), expected, atol=1e-6)


@pytest.mark.parametrize("invariances", [(), ("translation",), RIGID])
def test_a_gradient_by_the_internal_velocity_is_carried_back_to_the_path(invariances):
    rng = np.random.default_rng(6)
    x, dx, on_velocity, a, b = rng.normal(size=(5, 4, 15))

    def value(h):
        velocity, _ = internal_velocity(x + h * a, dx + h * b, invariances)
        return (on_velocity * velocity).sum()

    on_x, on_dx = through_velocity(x, dx, on_velocity, invariances)
    numeric = (value(1e-6) - value(-1e-6)) / 2e-6
    assert (on_x * a).sum() + (on_dx * b).sum() == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("loss", ["residual", "action"])
def test_the_gradient_of_a_loss_of_molecules_is_that_of_finite_differences(loss):
    """At single points, with rigid motion, on a surface of linear gradient and no turning point."""
    rng = np.random.default_rng(7)
    x, dx, g, a, b = rng.normal(size=(5, 4, 15))
    root = rng.normal(size=(4, 15, 15))
    hessian, weight = root @ root.mT, np.full(4, 0.25)

    def at(h):
        gradient = g + h * (hessian @ a[..., None])[..., 0]
        return descent.Points(x + h * a, dx + h * b, weight, gradient, hessian, hessian, weight)

    def value(h):
        this = at(h)
        velocity, _ = internal_velocity(this.x, this.dx, RIGID)
        along = (this.gradient * velocity).sum(axis=1)
        known = LOSSES[loss](velocity, this.energy, this.gradient, weight, None)
        return known + (loss == "action") * weight @ (along - np.abs(along))

    found = getattr(descent, loss)(
        at(0), product=lambda v: (hessian @ v[..., None])[..., 0], invariances=RIGID
    )
    turning = 0.0
    if loss == "action":
        _, _, tangent, slope = descent.frame(at(0), RIGID)
        turning, _ = descent.turning_points(slope, g, tangent)
    numeric = (value(1e-6) - value(-1e-6)) / 2e-6
    analytic = ((found.on_x - turning) * a).sum() + (found.on_velocity * b).sum()
    assert analytic == pytest.approx(numeric, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_trained_on_is_that_of_the_loss(loss):
    """What `descent` makes of it for drawn points, against finite differences of the loss."""
    net = network(straight(), move=0.01)
    s, beta = middles(2000), 3.0
    assert norm(bend(net, s, ())).max() < descent.SHARPEST
    at, product = on_surface(s, net)
    if loss == "maxflux":
        found = descent.maxflux(
            at, beta=beta, floor=0.0, bend=bend(net, s, ()), invariances=(), transport=False
        )
        speed = norm(at.dx)
        flux = at.widths * np.exp(beta * (at.energy - at.energy.max())) * speed
        scale = float(speed.mean() / flux.sum())  # the logarithm's, which no step needs
    else:
        found, scale = getattr(descent, loss)(at, product=product, invariances=()), 1.0
    gradient = scale * net.at(s).vjp(found.on_x, found.on_velocity)
    start = net.theta
    for seed in range(3):
        direction = np.random.default_rng(seed).normal(size=len(start))
        values = []
        for sign in (1, -1):
            net.theta = start + sign * 1e-5 * direction
            values.append(loss_value(loss, net, s, beta))
        numeric = (values[0] - values[1]) / 2e-5
        size = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert float(gradient @ direction) == pytest.approx(numeric, abs=2e-3 * size)


def valley_floor():
    """The minimum energy path of Mueller-Brown: steepest descent from the saddle."""
    saddle = KNOWN.saddle[0]
    step = 1e-4
    hessian = np.array(
        [
            (
                SURFACE.evaluate((saddle + step * e)[None, None])[1][0, 0]
                - SURFACE.evaluate((saddle - step * e)[None, None])[1][0, 0]
            )
            / (2 * step)
            for e in np.eye(3)
        ]
    )
    mode = np.linalg.eigh(hessian)[1][:, 0]
    branches = []
    for sign in (1, -1):
        flow = solve_ivp(
            lambda _, x: -SURFACE.evaluate(x[None, None])[1][0, 0],
            (0, 60),
            saddle + sign * 1e-3 * mode,
            method="LSODA",
            rtol=1e-8,
            atol=1e-10,
        )
        steps = resample(flow.y.T[:, None], 201)[:, 0]
        branches.append(steps[np.linalg.norm(steps - steps[-1], axis=1) > 0.02])
    first = np.concatenate([branches[0][::-1], saddle[None], branches[1]])
    if np.linalg.norm(first[0] - REACTION.reactant[0]) > 0.1:
        first = first[::-1]
    return np.concatenate([REACTION.reactant, first, REACTION.product])[:, None]


def test_the_floor_of_the_action_is_twice_the_fall_from_the_saddle():
    floor = 2 * (KNOWN.barrier + REACTION.energies[0] - REACTION.energies[1])
    mep = network(valley_floor())
    assert loss_value("action", mep, middles(2000)) == pytest.approx(floor, rel=2e-3)
    assert loss_value("residual", mep, middles(2000)) < 2e-3
    for move in (0.02, 0.05, 0.1):
        assert loss_value("action", network(valley_floor(), move=move), middles(2000)) > floor


@pytest.fixture(scope="module", params=list(LOSSES))
def solved(request):
    oracle = Oracle(SURFACE, REACTION, 3000)
    guess = Path(positions=straight())
    return request.param, solve(REACTION, oracle, guess, 0, loss=request.param), oracle


def test_each_loss_finds_the_mueller_brown_saddle(solved):
    _, path, oracle = solved
    guess = straight(201)
    energies = SURFACE.evaluate(guess)[0]
    assert np.linalg.norm(guess[energies.argmax()] - KNOWN.saddle) > 0.3
    assert np.linalg.norm(path.peak.position - KNOWN.saddle) < 0.06
    assert path.peak.energy - REACTION.energies[0] == pytest.approx(KNOWN.barrier, abs=5e-3)
    assert oracle.evaluations < 1200


def test_each_loss_ends_on_a_minimum_energy_path(solved):
    def defect(frames):
        net = network(frames)
        at, _ = on_surface(middles(2000), net)
        velocity, _ = internal_velocity(at.x, at.dx, ())
        length = (norm(at.gradient) * norm(velocity)).mean()
        return (length - np.abs((at.gradient * velocity).sum(axis=1)).mean()) / 2

    _, path, _ = solved
    assert np.array_equal(path.positions[[0, -1]], REACTION.ends)
    assert len(path.positions) >= 81
    assert defect(path.positions) < defect(straight()) / 5


@pytest.mark.parametrize("loss", ["maxflux", "action"])
def test_a_flat_top_is_found_whatever_the_seed(loss):
    module, known, guess = problem("leps_ho")
    far = []
    for seed in range(6):
        oracle = Oracle(module.load(None, 0, 1), known.reaction)
        path = solve(known.reaction, oracle, Path(guess.copy()), seed, loss=loss)
        far.append(np.linalg.norm(path.peak.position - known.saddle))
    assert max(far) < 0.12


def test_maxflux_keeps_its_force_across_the_path_equal_to_curvature_over_beta():
    oracle = Oracle(SURFACE, REACTION)
    guess = Path(positions=straight())
    stop = dict(tolerance=0.0, steps=60, handover=60)
    path = solve(REACTION, oracle, guess, 0, beta=10.0, points=24, **stop)
    net = network(path.positions)
    s = np.linspace(0.2, 0.8, 25)
    at, _ = on_surface(s, net)
    across = descent.across(at.gradient, at.dx / norm(at.dx)[:, None])
    expected = bend(net, s, (), step=1e-3) / 10.0
    assert norm(expected).max() > 0.05
    assert norm(across - expected).mean() < 0.3 * norm(expected).mean()


def asked_of_the_output_layer(transport: bool, speed_penalty: float):
    net, rng = network(molecule(), RIGID, move=0.1), np.random.default_rng(3)
    s, grid = middles(20), middles(24)
    path, size = net.at(np.concatenate([s, grid])), 15
    x, dx = path.x[:20], path.dx[:20]
    root = rng.normal(size=(20, size, size))
    hessian = root @ root.mT / size + np.eye(size)
    energy, gradient = (rng.normal(size=n) for n in (20, (20, size)))
    weight = np.full(20, 1 / 20)
    points = descent.Points(x, dx, energy, gradient, hessian, np.linalg.inv(hessian), weight)
    options = dict(beta=1.0, floor=1.0, bend=np.zeros_like(x), invariances=RIGID, squared=True)
    found = descent.maxflux(points, transport=transport, **options)
    return net, path, found, SpeedPenalty(path.x[20:], path.dx[20:], speed_penalty, RIGID)


def test_a_step_of_the_output_layer_is_the_minimum_of_its_quadratic_model():
    net, path, found, penalty = asked_of_the_output_layer(transport=True, speed_penalty=3.0)
    rng = np.random.default_rng(4)

    def model(change):
        """g.d + d.C.d / 2, by the network's own derivatives."""
        d_x, d_velocity = path.jvp(change)
        on_x, on_velocity = found.curvature(d_x[:20], d_velocity[:20])
        bent = penalty.on_velocity + penalty.curvature(d_velocity[20:]) / 2
        first = (found.on_x + on_x / 2) * d_x[:20]
        second = (found.on_velocity + on_velocity / 2) * d_velocity[:20]
        return float(first.sum() + second.sum() + (bent * d_velocity[20:]).sum())

    step = output_layer_step(path, found, penalty, 1e-6, 0.0)
    hidden = len(step) - net.last
    assert not step[:hidden].any()
    assert model(step) < -1e-3
    for _ in range(20):
        aside = np.zeros_like(step)
        aside[hidden:] = rng.normal(size=net.last) * step[hidden:].std()
        for share in (0.1, -0.1):
            assert model(step + share * aside) > model(step)
    for length in (0.9, 1.1):
        assert model(length * step) > model(step)


def test_a_misfit_that_one_draw_of_points_flattered_does_not_stop_the_path(monkeypatch):
    rounds, trusts, measure = [], [], Solver.round

    def noisy(self, stage):
        rounds.append(stage.direct)
        trusts.append(self.trust)
        lucky = rounds.count(True) == 3  # every later draw says five times as much
        return replace(measure(self, stage), misfit=0.2 if lucky else 1.0, defect=1.0)

    monkeypatch.setattr(Solver, "round", noisy)
    solve(REACTION, Oracle(SURFACE, REACTION), Path(positions=straight()), 0, steps=50)
    assert rounds.count(True) > 15
    assert min(trusts) >= 0.15 / 2


def test_a_path_that_got_worse_in_its_last_step_is_not_the_one_that_is_returned(monkeypatch):
    rounds, measure = [], Solver.round

    def worse_at_last(self, stage):
        found = measure(self, stage)
        rounds.append(replace(found, misfit=1.0 if len(rounds) == 39 else 0.1, defect=1.0))
        return rounds[-1]

    monkeypatch.setattr(Solver, "round", worse_at_last)
    path = solve(REACTION, Oracle(SURFACE, REACTION), Path(positions=straight()), 0, steps=40)
    assert len(rounds) == 40
    known = path.energies[np.isfinite(path.energies)]
    assert set(rounds[-1].known[1][1:-1]).isdisjoint(known)
    energies = SURFACE.evaluate(path.positions)[0]
    assert np.allclose(energies[np.isfinite(path.energies)], known)


def test_a_spline_in_place_of_the_network_finds_the_saddle_with_the_same_solver():
    oracle = Oracle(SURFACE, REACTION, 3000)
    guess = Path(positions=straight())
    path = solve(REACTION, oracle, guess, 0, curve="spline")
    assert np.linalg.norm(path.peak.position - KNOWN.saddle) < 0.06
    other = solve(REACTION, Oracle(SURFACE, REACTION), guess, 0)
    assert not np.array_equal(path.positions, other.positions)


@pytest.mark.parametrize(("sampling", "same"), [("fixed", True), ("drawn", False)])
def test_fixed_points_are_the_same_in_each_step_and_drawn_ones_are_not(sampling, same, monkeypatch):
    seen, renew = [], Memory.renew

    def spy(self, network, s, rounds):
        seen.append(s)
        return renew(self, network, s, rounds)

    monkeypatch.setattr(Memory, "renew", spy)
    guess = Path(positions=straight())
    solve(REACTION, Oracle(SURFACE, REACTION), guess, 0, sampling=sampling, steps=3)
    assert [len(s) for s in seen] == [14, 14, 14]
    assert all(np.array_equal(s, seen[0]) for s in seen[1:]) is same


def test_the_same_seed_gives_the_same_path_bit_by_bit():
    paths = [
        solve(REACTION, Oracle(SURFACE, REACTION), Path(positions=straight()), 3, steps=12)
        for _ in range(2)
    ]
    assert np.array_equal(paths[0].positions, paths[1].positions)
    assert np.array_equal(paths[0].energies, paths[1].energies, equal_nan=True)


def test_the_budget_is_kept_and_the_last_path_recorded():
    oracle = Oracle(SURFACE, REACTION, 100)
    path = solve(REACTION, oracle, Path(positions=straight()), 0)
    assert oracle.evaluations <= 100
    assert not path.converged
    assert len(oracle.path.positions) >= 41
    assert np.nanmax(path.energies) > REACTION.energies[0]


def test_drawn_points_see_a_barrier_that_fixed_points_miss():
    """A barrier narrower than the spacing, as a network puts between fixed points."""
    rng, s = np.random.default_rng(0), np.array([0.0, 1.0])
    fixed = (np.arange(8) + 0.5) / 8
    barrier = 0.5 * (fixed[3] + fixed[4])

    def hidden(at):
        return 5.0 * np.exp(-(((at - barrier) / 0.02) ** 2))

    assert hidden(fixed).max() < 1e-3
    seen = [hidden(draw(8, rng, s, np.zeros(2), 0.0)).max() for _ in range(40)]
    assert max(seen) > 2.5


def test_points_gather_where_the_energy_is_high():
    s = np.linspace(0, 1, 11)
    energies = np.exp(-(((s - 0.3) / 0.1) ** 2))
    drawn = draw(1000, np.random.default_rng(0), s, energies, 0.5)
    assert (np.diff(drawn) > 0).all()
    assert np.mean(np.abs(drawn - 0.3) < 0.1) > 0.45
    assert widths(drawn).sum() == pytest.approx(1.0, abs=0.01)


def test_the_peak_is_read_off_energies_and_slopes():
    s = np.array([0.0, 0.3, 0.55, 1.0])
    at, v = hermite_peak(s, s**2 * (1 - s), 2 * s - 3 * s**2)
    assert at == pytest.approx(2 / 3, abs=0.02)
    assert v == pytest.approx(4 / 27, abs=1e-4)


def test_secant_updates_learn_a_hessian_and_stay_positive():
    rng = np.random.default_rng(2)
    numbers = np.array([6, 1, 1])
    x = np.array([[0.0, 0, 0], [1.1, 0, 0], [0, 1.1, 0]])
    true = first_estimate(numbers, x[None])[0] + 5 * np.eye(9)
    known = x.ravel() + 0.02 * rng.normal(size=(8, 9))
    start = first_estimate(numbers, x[None])
    gradients = (known - x.ravel()) @ true
    new = secant_update(start, x.reshape(1, 9), np.zeros((1, 9)), known, gradients)[0]
    nearest = np.linalg.norm(known - x.ravel(), axis=1).argmin()
    step = known[nearest] - x.ravel()
    assert np.linalg.eigvalsh(new).min() > 0
    before = np.linalg.norm((start[0] - true) @ step)
    assert np.linalg.norm((new - true) @ step) < 0.5 * before


def test_new_hidden_layers_leave_the_path_where_it_is_and_can_bend_it_elsewhere():
    old = network(straight(), move=0.05)
    new = old.redrawn()
    s = middles(200)
    before, after = old.at(s), new.at(s)
    assert np.allclose(after.x, before.x, atol=1e-5)
    assert np.allclose(after.dx, before.dx, atol=1e-2 * np.abs(before.dx).max())
    features = np.concatenate([before.features(), after.features()], axis=1)
    rank, old_rank = (np.linalg.matrix_rank(f, rtol=1e-4) for f in (features, before.features()))
    assert rank > old_rank
    again = network(straight(), move=0.05).redrawn()
    assert np.array_equal(again.theta, new.theta)
    assert not np.array_equal(new.redrawn().theta, new.theta)


def test_adam_takes_the_steps_of_torch_s_own():
    import torch

    net = network(straight(), move=0.05)
    ours, parameter = Adam(0.01), torch.nn.Parameter(torch.from_numpy(net.theta.copy()))
    theirs = torch.optim.Adam([parameter], lr=0.01)
    for share in (1.0, 0.9, 0.8, 0.7):
        at, product = on_surface(middles(20), net)
        points = net.at(np.concatenate([middles(20), middles(24)]))
        found = descent.residual(at, product=product, invariances=())
        penalty = SpeedPenalty(points.x[20:], points.dx[20:], 3.0, ())
        parameter.grad = torch.from_numpy(loss_gradient(points, found, penalty))
        theirs.param_groups[0]["lr"] = share * 0.01
        theirs.step()
        net.theta = net.theta + ours.step(points, found, penalty, share)
        assert np.allclose(net.theta, parameter.detach().numpy(), rtol=0, atol=1e-12)


def test_first_order_steps_find_the_saddle_too():
    path = solve(
        REACTION, Oracle(SURFACE, REACTION), Path(positions=straight()), 0, optimiser="adam"
    )
    assert np.linalg.norm(path.peak.position - KNOWN.saddle) < 0.06


def test_a_relative_damping_shortens_the_step_of_soft_and_stiff_motions_alike():
    _, path, found, penalty = asked_of_the_output_layer(transport=False, speed_penalty=0.0)
    free, held = (output_layer_step(path, found, penalty, 1e-5, share) for share in (0.0, 1.0))
    moves = [path.jvp(step)[0][:20] for step in (free, held)]
    across = [descent.across(x, found.tangent) for x in moves]
    assert np.allclose(across[1], across[0] / 2, atol=0.02 * np.abs(across[0]).max())


def test_products_with_the_hessian_are_measured_for_the_points_just_drawn():
    oracle = Oracle(SURFACE, REACTION)
    memory = Memory(oracle, REACTION.numbers)
    memory.renew(network(straight()), np.linspace(0.1, 0.9, 7), 0)
    v = np.random.default_rng(0).normal(size=(7, 3))
    ahead, behind = (SURFACE.evaluate((memory.x + h * v)[:, None])[1][:, 0] for h in (1e-5, -1e-5))
    exact, spent = (ahead - behind) / 2e-5, oracle.evaluations
    found = memory.hessian_product(v)
    assert oracle.evaluations == spent + 7
    assert found == pytest.approx(exact, abs=0.02 * np.abs(exact).max())


@pytest.mark.parametrize("squared", [False, True])
def test_no_point_is_asked_to_go_beyond_the_trust_radius(squared):
    rng = np.random.default_rng(0)
    one = np.tile(np.eye(6), (5, 1, 1))
    x, dx, g = rng.normal(size=(3, 5, 6))
    g = g * np.array([1e-3, 1e-2, 1.0, 10.0, 100.0])[:, None]
    weight = np.full(5, 0.2)
    at = descent.Points(x, dx, np.zeros_like(weight), g, 2 * one, 0.5 * one, weight)
    found = descent.maxflux(
        at,
        beta=1.0,
        floor=1.0,
        bend=np.zeros_like(x),
        invariances=(),
        transport=True,
        squared=squared,
    )

    def asked(of):
        return np.linalg.norm(of.newton().reshape(5, 2, 3), axis=2).max(axis=1)

    assert asked(found).max() > 1.0
    assert asked(within_trust(found, 0.1)) == pytest.approx(np.minimum(asked(found), 0.1))


@pytest.mark.parametrize(("loss", "settle"), [("residual", 5), ("action", 6), ("maxflux", 5)])
def test_no_more_steps_are_taken_than_allowed(loss, settle):
    oracle = Oracle(SURFACE, REACTION)
    options = dict(loss=loss, steps=24, settle=settle, handover=8, defect=0.0)
    solve(REACTION, oracle, Path(straight()), 0, **options)
    assert 22 * 14 < oracle.evaluations <= 24 * 14 + 2


def test_where_there_is_no_barrier_the_peak_is_still_none_of_the_ends():
    class Slope:
        backend, invariances = "slope", ()

        def evaluate(self, x):
            gradient = np.zeros_like(x)
            gradient[..., 0], gradient[..., 1:] = 1.0, 2 * x[..., 1:]
            return x[:, 0, 0] + (x[:, 0, 1:] ** 2).sum(axis=1), gradient

    reaction = replace(REACTION, energies=None, gradients=None)
    path = solve(reaction, Oracle(Slope(), reaction), Path(straight()), 0, steps=8, settle=3)
    for end in reaction.ends:
        assert np.linalg.norm(path.peak.position - end) > 1e-4
