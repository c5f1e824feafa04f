"""What docs/losses.md derives, in numbers."""

import numpy as np
import pytest

from mepbench.landscape.tangency import path_quality
from mepbench.neural.losses import action, maxflux
from mepbench.oracle import Oracle
from mepbench.path import spline
from mepbench.potentials import mueller_brown

KNOWN = mueller_brown.KNOWN[0]
POINTS = 4000


def bent(sideways):
    """Frames of a path between the two minima, bent aside."""
    s = np.linspace(0, 1, 81)[:, None, None]
    ends = KNOWN.reaction.ends
    aside = np.array([[0.6, 0.8, 0.0]])
    return ends[0] + s * (ends[1] - ends[0]) + sideways * np.sin(np.pi * s) * aside


def along(frames):
    """Velocity, energy, gradient and weights at the middles of many cells."""
    s = (np.arange(POINTS) + 0.5) / POINTS
    curve = spline(frames)
    energies, gradients = mueller_brown.load(None, 0, 1).evaluate(curve(s))
    flat = (curve(s, 1).reshape(POINTS, 3), energies, gradients.reshape(POINTS, 3))
    return (*flat, np.full(POINTS, 1 / POINTS))


@pytest.mark.parametrize("sideways", [-0.3, 0.0, 0.2])
def test_action_is_barrier_and_excess_and_tangency_defect(sideways):
    frames = bent(sideways)
    quality = path_quality(frames, Oracle(mueller_brown.load(None, 0, 1)))
    barrier = quality.maximum - KNOWN.reaction.energies[1]
    expected = 2 * (barrier + quality.excess + quality.tangency_defect)
    assert float(action(*along(frames), None)) == pytest.approx(expected, rel=5e-3)


def test_maxflux_tends_to_the_barrier_from_above_or_below_as_beta_grows():
    frames = bent(0.1)
    points = along(frames)
    top = float(points[1].max())
    gaps = [abs(float(maxflux(*points, beta)) - top) for beta in (10.0, 40.0, 160.0)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.02
