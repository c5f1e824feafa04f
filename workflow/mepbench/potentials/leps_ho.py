"""A collinear atom transfer coupled to a harmonic oscillator ("model II").

H. Jonsson, G. Mills, K. W. Jacobsen, in Classical and Quantum Dynamics in Condensed Phase
Simulations (1998), doi:10.1142/9789812839664_0016. B moves between A and C, which are
fixed at r_AC, on the London-Eyring-Polanyi-Sato surface; y is a solvent coordinate:

    V(r_AB, y) = V_LEPS(r_AB, r_AC - r_AB) + 2 k_c (r_AB - (r_AC / 2 - y / c))^2
"""

import numpy as np

from ._surfaces import Surface, known

DEPTH = {"AB": 4.746, "BC": 4.746, "AC": 3.445}  # eV
SATO = {"AB": 1.05, "BC": 1.80, "AC": 1.05}  # 1 + a, 1 + b, 1 + c
R0, ALPHA = 0.742, 1.942  # angstrom, 1/angstrom
R_AC, K_C, C = 3.742, 0.2025, 1.154


def coulomb_and_exchange(pair: str, r):
    """Return Q / (1 + S), J / (1 + S) and their derivatives along r."""
    d, s = DEPTH[pair], SATO[pair]
    e = np.exp(-ALPHA * (r - R0))
    q, dq = d / 2 * (1.5 * e**2 - e), d / 2 * -ALPHA * (3 * e**2 - e)
    j, dj = d / 4 * (e**2 - 6 * e), d / 4 * -ALPHA * (2 * e**2 - 6 * e)
    return q / s, j / s, dq / s, dj / s


def surface(x, y):
    """V in eV and its derivatives along r_AB = x and the solvent coordinate y."""
    q_ab, j_ab, dq_ab, dj_ab = coulomb_and_exchange("AB", x)
    q_bc, j_bc, dq_bc, dj_bc = coulomb_and_exchange("BC", R_AC - x)
    q_ac, j_ac, _, _ = coulomb_and_exchange("AC", R_AC)
    root = np.sqrt(
        j_ab**2 + j_bc**2 + j_ac**2 - j_ab * j_bc - j_bc * j_ac - j_ab * j_ac,
    )
    d_root = (dj_ab * (2 * j_ab - j_bc - j_ac) - dj_bc * (2 * j_bc - j_ab - j_ac)) / (2 * root)
    stretch = x - (R_AC / 2 - y / C)
    v = q_ab + q_bc + q_ac - root + 2 * K_C * stretch**2
    return v, dq_ab - dq_bc - d_root + 4 * K_C * stretch, 4 * K_C * stretch / C


def load(numbers, charge: int, multiplicity: int) -> Surface:
    """Return the surface; the molecule is ignored."""
    return Surface(surface, "LEPS + harmonic oscillator")


KNOWN = (known(load(None, 0, 1), "leps-ho", (0.74, 1.30), (2.02083, -0.172881), (3.00, -1.30)),)
