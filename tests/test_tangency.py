"""T, X and the maximum of a path are what they can be computed to be by hand."""

import numpy as np
import pytest
from known import XTB, over, shipped

from mepbench.errors import SCFFailure
from mepbench.judging.verify import refine_and_judge
from mepbench.landscape.sampling import without_rigid_motion
from mepbench.landscape.tangency import path_quality
from mepbench.oracle import Oracle
from mepbench.path import Path, Peak, rmsd


class Surface:
    """V(x, y) of one particle, with its gradient by hand."""

    invariances = ()
    backend = "test"

    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    def evaluate(self, positions):
        x, y, _ = np.moveaxis(positions[:, 0], -1, 0)
        gradients = np.zeros_like(positions)
        gradients[:, 0, 0], gradients[:, 0, 1] = self.slope(x, y)
        return self.value(x, y) + 0 * x, gradients


class Springs:
    """A molecule of harmonic distances, invariant under rigid motion."""

    invariances = ("translation", "rotation")
    backend = "test"

    def evaluate(self, positions):
        energies, gradients = np.zeros(len(positions)), np.zeros_like(positions)
        for i in range(positions.shape[1]):
            for j in range(i):
                d = positions[:, i] - positions[:, j]
                r = np.linalg.norm(d, axis=1)
                length = 1.0 + 0.1 * (i + j)
                energies += (r - length) ** 2
                pull = 2 * ((r - length) / r)[:, None] * d
                gradients[:, i] += pull
                gradients[:, j] -= pull
        return energies, gradients


DOUBLE_DOUBLE_WELL = Surface(
    lambda x, y: (x**2 - 1) ** 2 + (y**2 - 1) ** 2,
    lambda x, y: (4 * x * (x**2 - 1), 4 * y * (y**2 - 1)),
)
SLOPE = Surface(lambda x, y: x, lambda x, y: (1 + 0 * x, 0 * y))
RING = Surface(  # V = 10 (r - 1)^2 - cos(2 phi) / 2: the valley r = 1 is a gradient line
    lambda x, y: 10 * (np.hypot(x, y) - 1) ** 2 - np.cos(2 * np.arctan2(y, x)) / 2,
    lambda x, y: (
        20 * (np.hypot(x, y) - 1) * x / np.hypot(x, y)
        - np.sin(2 * np.arctan2(y, x)) * y / (x**2 + y**2),
        20 * (np.hypot(x, y) - 1) * y / np.hypot(x, y)
        + np.sin(2 * np.arctan2(y, x)) * x / (x**2 + y**2),
    ),
)


def in_plane(x, y):
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    return np.stack([x, y, np.zeros_like(x)], axis=-1)[:, None]


def arc(start, stop, frames):
    angle = np.linspace(start, stop, frames)
    return in_plane(np.cos(angle), np.sin(angle))


def measure(surface, positions, **options):
    oracle = Oracle(surface)
    quality = path_quality(positions, oracle, **options)
    assert len(quality.s) == oracle.evaluations
    return quality


def test_on_the_diagonal_of_the_double_double_well_t_vanishes_though_it_is_no_mep():
    t = np.linspace(-1, 1, 9)
    quality = measure(DOUBLE_DOUBLE_WELL, in_plane(t, t))
    assert quality.tangency_defect < 1e-9
    assert quality.excess < 1e-9
    assert quality.maximum == pytest.approx(2.0, abs=1e-9)
    assert quality.s_of_maximum == pytest.approx(0.5)


def test_an_exact_minimum_energy_path_has_neither_defect_nor_excess():
    quality = measure(DOUBLE_DOUBLE_WELL, in_plane(np.linspace(-1, 1, 9), 1.0))
    assert quality.tangency_defect < 1e-9
    assert quality.excess < 1e-9
    assert quality.maximum == pytest.approx(1.0, abs=1e-9)
    assert quality.wells == ()
    assert quality.within_tolerance


def test_half_a_circle_on_a_linear_slope_has_the_defect_of_its_arc():
    quality = measure(SLOPE, arc(np.pi, 0, 41))
    assert quality.tangency_defect == pytest.approx((np.pi - 2) / 2, abs=1e-4)
    assert quality.excess < 1e-6
    assert quality.arc_length[-1] == pytest.approx(np.pi, abs=1e-5)


def test_an_ellipse_on_a_linear_slope_by_independent_quadrature():
    from scipy.special import ellipe

    angle = np.linspace(np.pi, 0, 81)
    quality = measure(SLOPE, in_plane(2 * np.cos(angle), np.sin(angle)))
    length = 4 * ellipe(0.75)
    assert quality.tangency_defect == pytest.approx((length - 4) / 2, abs=1e-3)


def test_a_detour_into_the_next_basin_has_the_excess_computed_by_hand():
    # From (-1,-1) over (-1,0) to (-1,1) and over (0,1) to (1,1): two barriers of 1, a well.
    t = np.linspace(-1, 1, 41)
    corner = np.concatenate([in_plane(-1.0, t), in_plane(t, 1.0)[1:]])
    quality = measure(DOUBLE_DOUBLE_WELL, corner)
    assert quality.excess == pytest.approx(1.0, abs=2e-3)
    assert quality.maximum == pytest.approx(1.0, abs=2e-3)
    (well,) = quality.wells
    assert well.depth == pytest.approx(1.0, abs=2e-3)
    assert well.s == pytest.approx(0.5, abs=0.01)
    assert np.allclose(well.position, [[-1, 1, 0]], atol=0.05)


def test_the_depths_of_all_wells_sum_up_to_the_excess():
    wave = Surface(
        lambda x, y: np.sin(7 * x) + 2 * np.sin(3 * x),
        lambda x, y: (7 * np.cos(7 * x) + 6 * np.cos(3 * x), 0 * y),
    )
    x = np.linspace(0, 5, 60)
    quality = measure(wave, in_plane(x, 0.0))
    fine = wave.value(np.linspace(0, 5, 400001), 0.0)
    expected = (np.abs(np.diff(fine)).sum() - 2 * fine.max() + fine[0] + fine[-1]) / 2
    assert quality.excess == pytest.approx(expected, rel=1e-3)
    assert sum(well.depth for well in quality.wells) == pytest.approx(quality.excess, abs=5e-3)
    assert len(quality.wells) >= 3


def test_a_path_that_turns_back_has_excess_but_no_defect():
    x = np.concatenate(
        [np.linspace(0, 0.6, 13), np.linspace(0.55, 0.3, 6), np.linspace(0.35, 1, 14)]
    )
    quality = measure(SLOPE, in_plane(x, 0.0))
    assert quality.tangency_defect < 1e-6
    assert quality.excess == pytest.approx(0.3, abs=0.01)


def test_the_measures_do_not_depend_on_parametrisation():
    even, uneven = np.linspace(0, 1, 81), np.linspace(0, 1, 81) ** 2
    paths = [in_plane(2 * u - 1, 0.4 * np.sin(np.pi * u) - 1) for u in (even, uneven)]
    a, b = (measure(DOUBLE_DOUBLE_WELL, path) for path in paths)
    assert a.tangency_defect == pytest.approx(b.tangency_defect, abs=2e-3)
    assert a.excess == pytest.approx(b.excess, abs=2e-3)
    assert a.maximum == pytest.approx(b.maximum, abs=1e-3)
    assert a.tangency_defect > 0.1


def test_the_measures_do_not_depend_on_direction():
    path = arc(0.3, 2.5, 15)
    there, back = measure(DOUBLE_DOUBLE_WELL, path), measure(DOUBLE_DOUBLE_WELL, path[::-1])
    assert there.tangency_defect == pytest.approx(back.tangency_defect, abs=2e-3)
    assert there.maximum == pytest.approx(back.maximum, abs=1e-4)


def test_rigid_motion_along_the_path_costs_nothing():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 3))
    stop = start + rng.normal(scale=0.3, size=(4, 3))
    u = np.linspace(0, 1, 61)[:, None, None]
    straight = (1 - u) * start + u * stop
    angles = 1.5 * u[:, 0, 0]
    turned = np.empty_like(straight)
    for k, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        turned[k] = straight[k] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) + angle
    plain, spun = measure(Springs(), straight), measure(Springs(), turned)
    assert spun.tangency_defect == pytest.approx(plain.tangency_defect, abs=2e-3)
    assert spun.excess == pytest.approx(plain.excess, abs=1e-3)
    assert spun.arc_length[-1] == pytest.approx(plain.arc_length[-1], abs=1e-3)


def test_a_rigid_rotation_has_no_velocity_left_even_on_a_line():
    for x in (np.random.default_rng(1).normal(size=(5, 3)), np.outer([0, 1, 2.5], [1.0, 0, 0])):
        v = np.cross([0.3, -1.0, 2.0], x) + np.array([1.0, 2.0, 3.0])
        left = without_rigid_motion(v[None], x[None], ("translation", "rotation"))
        assert np.abs(left).max() < 1e-12
    assert rmsd(x, x) < 1e-12


def test_the_defect_of_a_spline_through_exact_frames_is_its_floor():
    coarse, finer = (measure(RING, arc(0, np.pi, frames)) for frames in (5, 9))
    assert coarse.tangency_defect > 10 * finer.tangency_defect
    assert finer.floor == pytest.approx(finer.tangency_defect, rel=0.5)
    assert coarse.floor == pytest.approx(coarse.tangency_defect, rel=0.2)


def test_the_floor_is_small_where_the_frames_themselves_are_off():
    t = np.linspace(-1, 1, 11)
    quality = measure(DOUBLE_DOUBLE_WELL, in_plane(t, 0.3 * (1 - t**2) - 1))
    assert quality.tangency_defect > 0.1
    assert quality.floor < 0.1 * quality.tangency_defect


def test_a_path_of_41_frames_is_a_continuous_one():
    assert np.isnan(measure(SLOPE, arc(np.pi, 0, 41)).floor)
    assert np.isfinite(measure(SLOPE, arc(np.pi, 0, 40)).floor)


def test_a_continuous_path_has_no_floor():
    assert np.isnan(measure(RING, arc(0, np.pi, 101)).floor)


def narrow_barrier(width):
    bump = lambda x: 3 * np.exp(-(((x - 0.43) / width) ** 2))  # noqa: E731
    return Surface(
        lambda x, y: bump(x) + 0.2 * np.sin(np.pi * x),
        lambda x, y: (
            -2 * (x - 0.43) / width**2 * bump(x) + 0.2 * np.pi * np.cos(np.pi * x),
            0 * y,
        ),
    )


def test_a_barrier_hidden_between_sparse_frames_is_found():
    ends = in_plane(np.linspace(0, 1, 3), 0.0)
    surface = narrow_barrier(0.02)
    frames, _ = surface.evaluate(ends)
    assert frames.max() < 0.3
    quality = measure(surface, ends)
    assert quality.maximum == pytest.approx(3.0 + 0.2 * np.sin(0.43 * np.pi), abs=2e-3)
    assert quality.s_of_maximum == pytest.approx(0.43, abs=1e-3)


def test_a_narrower_barrier_needs_more_frames():
    surface = narrow_barrier(0.002)
    dense = measure(surface, in_plane(np.linspace(0, 1, 3), 0.0), frames=201)
    assert dense.maximum == pytest.approx(3.2, abs=0.02)


def test_the_error_estimate_holds_and_the_cap_is_kept():
    rough = Surface(
        lambda x, y: np.sin(90 * x) * np.cos(71 * y),
        lambda x, y: (90 * np.cos(90 * x) * np.cos(71 * y), -71 * np.sin(90 * x) * np.sin(71 * y)),
    )
    path = in_plane(np.linspace(0, 1, 21), 0.2 * np.sin(3 * np.linspace(0, 1, 21)))
    exact = measure(rough, path, frames=2001, most_frames=2001)
    capped = measure(rough, path, most_frames=60)
    assert not capped.within_tolerance
    assert len(capped.s) <= 63
    free = measure(rough, path)
    assert free.within_tolerance
    bound = max(1e-3, 0.01 * exact.tangency_defect)
    assert abs(free.tangency_defect - exact.tangency_defect) < bound
    assert abs(free.excess - exact.excess) < max(1e-3, 0.01 * exact.excess)


def test_at_least_41_samples_are_taken_and_the_ends_are_free():
    from mepbench.reaction import Reaction

    path = in_plane(np.linspace(-1, 1, 5), 1.0)
    energies, gradients = DOUBLE_DOUBLE_WELL.evaluate(path[[0, -1]])
    reaction = Reaction(
        "x", np.array([1]), path[0], path[-1], energies=energies, gradients=gradients
    )
    oracle = Oracle(DOUBLE_DOUBLE_WELL, reaction)
    quality = path_quality(path, oracle)
    assert len(quality.s) >= 41
    assert oracle.evaluations == len(quality.s) - 2


def test_a_path_of_one_place_is_refused():
    with pytest.raises(ValueError, match="two different frames"):
        path_quality(in_plane([1.0, 1.0], 0.0), Oracle(SLOPE))
    with pytest.raises(ValueError, match="not finite"):
        path_quality(in_plane([1.0, np.nan], 0.0), Oracle(SLOPE))


def test_two_frames_are_a_straight_line():
    quality = measure(SLOPE, in_plane([0.0, 1.0], [0.0, 1.0]))
    assert quality.tangency_defect == pytest.approx((np.sqrt(2) - 1) / 2, abs=1e-9)


def test_a_failed_scf_on_the_path_is_not_hidden():
    class Broken(Surface):
        def evaluate(self, positions):
            raise SCFFailure("no")

    with pytest.raises(SCFFailure):
        path_quality(in_plane([0.0, 1.0], 0.0), Oracle(Broken(None, None)))


def test_frames_that_nearly_coincide_do_no_harm():
    t = np.linspace(-1, 1, 11)
    bent = in_plane(t, 0.3 * (1 - t**2) - 1)
    clean = measure(DOUBLE_DOUBLE_WELL, bent)
    double = measure(DOUBLE_DOUBLE_WELL, np.insert(bent, [5, 5], bent[5] + 1e-7, axis=0))
    assert double.tangency_defect == pytest.approx(clean.tangency_defect, abs=2e-3)
    assert double.maximum == pytest.approx(clean.maximum, abs=1e-3)


@pytest.mark.parametrize("frames", [5, 11])
def test_on_a_path_of_xtb_the_error_is_below_a_hundredth_or_a_millielectronvolt(frames):
    reaction, saddle = shipped("vinyl-alcohol-acetaldehyde")
    path = over(reaction, saddle, frames)
    quality = path_quality(path, Oracle(XTB.of(reaction), reaction))
    dense = path_quality(path, Oracle(XTB.of(reaction)), frames=481, most_frames=481)
    assert len(quality.s) < 200
    for found, exact in (
        (quality.tangency_defect, dense.tangency_defect),
        (quality.excess, dense.excess),
        (quality.maximum, dense.maximum),
    ):
        assert abs(found - exact) < max(1e-3, 0.01 * (exact if exact > 0 else 0))
    assert dense.tangency_defect > 0.1


def test_what_t_and_x_cost_is_booked_to_the_verify_stage():
    reaction, saddle = shipped("hcn-isomerisation")
    frames = over(reaction, saddle)
    judged = {
        is_path: refine_and_judge(
            reaction, Path(frames, is_path=is_path), Peak(saddle), "sella", XTB, 200, 0
        )
        for is_path in (True, False)
    }
    measured, plain = judged[True], judged[False]
    assert measured.verdict == plain.verdict == "intended"
    assert plain.quality is None
    samples = len(measured.quality.s) - 2  # the ends are free
    assert measured.verify_evaluations - plain.verify_evaluations == pytest.approx(samples, abs=4)
    assert measured.refine_evaluations == plain.refine_evaluations <= 1
    assert measured.verify_wall > 0
