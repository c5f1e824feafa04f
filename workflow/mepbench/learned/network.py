"""A network potential: energies that no rotation, reflection or renumbering of equals changes.

Each atom carries scalars h_i, at first of its element and the molecule's charge, and vectors v_i. A
layer projects them to D channels, and takes the density of the neighbours' channels in radial
functions times spherical harmonics,

    A_i,lmkd = sum_j R_k(r_ij) Y_lm(r_ij / |r_ij|) (U h_j)_d,     l = 0, 1, 2,

R_k the Bessel functions of a finite range; mixed over k and d to C channels B_i,lmc (to l = 1 the
neighbours' vectors add sum_j R_k v_jd). What enters the scalars are invariants, products of up to
three densities, so that a single layer knows of angles:

    h_i <- h_i + MLP(h_i, B_0, |B_1|, |B_2|, B_1 . B_2 . B_1),      v_i <- W(h_i) B_i,1.

The energy is a sum over atoms of MLP(h_i), plus a repulsion of screened nuclei that acts within
bonding distance only: at clashes nothing was taught. It is an energy up to a constant of the
composition: differences between geometries of the same atoms are what is taught.

Densities in tensor products: Batatia, Kovacs, Simm, Ortner, Csanyi, NeurIPS 35 (2022),
doi:10.48550/arXiv.2206.07697; vectors as in Schuett, Unke, Gastegger, ICML 139, 9377 (2021),
doi:10.48550/arXiv.2102.03150; Bessel functions: Gasteiger, Gross, Guennemann, ICLR (2020),
doi:10.48550/arXiv.2003.03123; repulsion: Ziegler, Biersack, Littmark, The Stopping and Range of
Ions in Solids (1985).
"""

from dataclasses import dataclass

import numpy as np
import torch
from ase.data import covalent_radii
from torch import nn

HARMONICS = (1, 3, 5)  # of l = 0, 1, 2
DENSE = 4.0  # what densities are multiplied by, so that features are of order one
COULOMB = 14.399645  # eV angstrom
SCREENING = ((0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162))
SOFT = 1e-2  # under the square root of a norm, so that it is smooth where a vector vanishes


@dataclass(frozen=True)
class Shape:
    """What a network's parameters are for.

    Attributes
    ----------
    elements : atomic numbers, ascending
    charges : of molecules, e
    scalars, channels, projected : F, C and D
    radial, cutoff : how many R_k for each l, and their range, angstrom
    layers : how often atoms hear of their neighbours
    """

    elements: tuple[int, ...] = (1, 6, 7, 8)
    charges: tuple[int, ...] = (0,)
    scalars: int = 64
    channels: int = 48
    projected: int = 24
    radial: tuple[int, ...] = (8, 6, 4)
    cutoff: float = 5.0
    layers: int = 2


class Surroundings(nn.Module):
    """What a network is told of a geometry; it has no parameters, so that members share it."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        frequencies = torch.arange(1, max(shape.radial) + 1) * torch.pi / shape.cutoff
        self.register_buffer("frequencies", frequencies, persistent=False)
        radii = torch.tensor(covalent_radii[: max(shape.elements) + 1])
        self.register_buffer("radii", radii, persistent=False)

    def forward(self, numbers: torch.Tensor, positions: torch.Tensor):
        """R_k Y_lm of all pairs, for each l (B, N, 2l + 1, K_l, N), and the repulsion (B,), eV."""
        exists = numbers > 0
        pairs = exists[:, :, None] & exists[:, None, :]
        pairs = pairs & ~torch.eye(numbers.shape[1], dtype=torch.bool, device=numbers.device)
        apart = positions[:, None] - positions[:, :, None]
        r = torch.where(pairs, (apart**2).sum(-1), 1.0).sqrt()
        radial = torch.sin(self.frequencies[:, None] * r[:, :, None])
        scale = DENSE * (2 / self.shape.cutoff) ** 0.5
        radial = radial * (scale * pairs * fading(r / self.shape.cutoff) / r)[:, :, None]
        harmonics = spherical_harmonics(apart / r[..., None]).movedim(-1, 2)
        densities = [
            of_l[:, :, :, None] * radial[:, :, None, :functions]
            for of_l, functions in zip(
                harmonics.split(HARMONICS, dim=2), self.shape.radial, strict=True
            )
        ]
        return densities, self._repulsion(numbers, r, pairs)

    def _repulsion(self, numbers, r, pairs) -> torch.Tensor:
        """Of nuclei whose screening ends at the sum of their covalent radii: (B,), eV."""
        z, radii = numbers.to(r.dtype), self.radii.to(r.dtype)[numbers]
        charge = (z**0.23)[:, :, None] + (z**0.23)[:, None]
        screened = sum(c * torch.exp(-d * r * charge / 0.46850) for c, d in SCREENING)
        bonding = (radii[:, :, None] + radii[:, None]).clamp(min=0.1)
        pair = COULOMB * z[:, :, None] * z[:, None] / r * screened * fading(r / bonding)
        return 0.5 * (pair * pairs).sum((1, 2))


class Network(nn.Module):
    """One member of an ensemble."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(len(shape.elements), shape.scalars))
        self.charged = nn.Parameter(torch.zeros(2, shape.scalars))
        last = shape.layers - 1
        self.layers = nn.ModuleList(Layer(shape, k == 0, k == last) for k in range(shape.layers))
        self.readout = perceptron(shape.scalars, shape.scalars, 1)
        known = torch.zeros(max(shape.elements) + 1, dtype=torch.long)
        known[list(shape.elements)] = torch.arange(len(shape.elements))
        self.register_buffer("index", known, persistent=False)

    def forward(self, numbers, charges, densities: list[torch.Tensor]) -> torch.Tensor:
        """Energies (B,), eV, of (B, N) atomic numbers, 0 where no atom is, and charges (B,), e."""
        exists = numbers > 0
        h = self.embedding[self.index[numbers]]
        h = h + (charge_signs(charges, h) @ self.charged)[:, None]
        h, v = h * exists[..., None], None
        for layer in self.layers:
            h, v = layer(densities, h, v)
        return (self.readout(h)[..., 0] * exists).sum(1)


class Ensemble(nn.Module):
    """Networks of one shape, taught from different beginnings: where they differ, none knows."""

    def __init__(self, shape: Shape, members: int):
        super().__init__()
        self.shape, self.surroundings = shape, Surroundings(shape)
        self.members = nn.ModuleList(Network(shape) for _ in range(members))

    def forward(self, numbers, charges, positions: torch.Tensor) -> torch.Tensor:
        """Each member's energies, (members, B), eV, at (B, N, 3) positions, angstrom."""
        densities, repulsion = self.surroundings(numbers, positions)
        members = [member(numbers, charges, densities) for member in self.members]
        return torch.stack(members) + repulsion

    def energies_and_gradient(
        self, numbers, charges, positions: torch.Tensor, training: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Each member's energies (members, B), eV, the mean's gradient (B, N, 3), eV/angstrom."""
        with torch.enable_grad():
            x = positions.detach().requires_grad_()
            energies = self(numbers, charges, x)
            (gradient,) = torch.autograd.grad(energies.mean(0).sum(), x, create_graph=training)
        return energies if training else energies.detach(), gradient


class Layer(nn.Module):
    """One exchange between neighbours."""

    def __init__(self, shape: Shape, first: bool, last: bool):
        super().__init__()
        f, c, d = shape.scalars, shape.channels, shape.projected
        self.project = nn.Linear(f, d, bias=False)
        self.mix = nn.ModuleList(nn.Linear(k * d, c, bias=False) for k in shape.radial)
        self.update = perceptron(f + 4 * c, f, f)
        self.project_vectors = None if first else nn.Linear(c, d, bias=False)
        self.mix_vectors = None if first else nn.Linear(shape.radial[0] * d, c, bias=False)
        self.gate = None if last else nn.Linear(f, c)

    def forward(self, densities, h, v):
        """Scalars (B, N, F) and vectors (B, N, 3, C) of the atoms, after one exchange."""
        projected = self.project(h)
        mixed = [
            mix(summed(density, projected).flatten(3))
            for density, mix in zip(densities, self.mix, strict=True)
        ]
        if self.project_vectors is not None:
            b, n, _, _ = v.shape
            heard = summed(densities[0], self.project_vectors(v).reshape(b, n, -1))
            heard = heard.reshape(b, n, -1, 3, self.project_vectors.out_features)
            mixed[1] = mixed[1] + self.mix_vectors(heard.transpose(2, 3).flatten(3))
        scalar, vector, tensor = mixed
        bent = (contracted(tensor, vector) * vector).sum(2)
        invariants = [h, scalar.squeeze(2), norm(vector), norm(tensor), bent]
        h = h + self.update(torch.cat(invariants, dim=-1))
        return h, None if self.gate is None else self.gate(h)[:, :, None] * vector


def charge_signs(charges: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Charges (B,) as those of cations and of anions, (B, 2): neither is the other's opposite."""
    return torch.stack([charges.clamp(min=0), -charges.clamp(max=0)], dim=-1).to(like)


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Module:
    """One hidden layer; smooth, as forces and their derivatives must be."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


def summed(density: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    """Sum over neighbours of (B, N, M, K, N) times their features (B, N, D): (B, N, M, K, D)."""
    b, n, m, k, _ = density.shape
    return torch.bmm(density.reshape(b, n * m * k, n), of).reshape(b, n, m, k, -1)


def norm(a: torch.Tensor) -> torch.Tensor:
    """Length over the third axis, smooth at zero."""
    return ((a**2).sum(2) + SOFT).sqrt()


def spherical_harmonics(u: torch.Tensor) -> torch.Tensor:
    """Real ones of unit vectors (..., 3), l = 0, 1, 2, each l of length one: (..., 9)."""
    x, y, z = u.unbind(-1)
    third = 3**0.5
    second = [third * x * y, third * y * z, z**2 - (x**2 + y**2) / 2, third * x * z]
    return torch.stack([torch.ones_like(x), x, y, z, *second, third / 2 * (x**2 - y**2)], dim=-1)


def contracted(tensor: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """The symmetric traceless matrix of l = 2 (B, N, 5, C) times vectors (B, N, 3, C)."""
    xy, yz, zz, xz, diff = tensor.unbind(2)
    x, y, z = vector.unbind(2)
    third = 3**0.5
    xx, yy = third * diff - zz, -third * diff - zz
    rows = [
        xx * x + third * (xy * y + xz * z),
        yy * y + third * (xy * x + yz * z),
        2 * zz * z + third * (xz * x + yz * y),
    ]
    return torch.stack(rows, dim=2)


def fading(x: torch.Tensor) -> torch.Tensor:
    """From one at x = 0 to zero at 1 and beyond, twice differentiable."""
    return (1 - x.clamp(max=1.0) ** 3) ** 3


def padded(numbers: list[np.ndarray], positions: list[np.ndarray]):
    """Molecules of any size in one batch: (B, N) numbers and (B, N, 3) positions, as tensors."""
    most = max(map(len, numbers))
    z = np.zeros((len(numbers), most), dtype=np.int64)
    x = np.zeros((len(numbers), most, 3))
    for row, (of, at) in enumerate(zip(numbers, positions, strict=True)):
        z[row, : len(of)], x[row, : len(of)] = of, at
    return torch.from_numpy(z), torch.from_numpy(x)
