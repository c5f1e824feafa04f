"""The oracle as a differentiable torch function (Hessian-vector products by differences).

For a loss that depends on the gradient g(x), the chain rule needs H(x) v. With
h = `STEP` / max |v_i|, H v = (g(x + h v) - g(x)) / h + O(h), one evaluation a geometry;
the symmetric form would cost two and gain nothing at xTB's noise.
"""

import numpy as np
import torch

STEP = 2e-3  # angstrom, largest displacement of an atom


class _Evaluate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, oracle):
        energies, gradients = oracle(x.detach().numpy())
        gradient = torch.from_numpy(gradients)
        ctx.oracle = oracle
        ctx.save_for_backward(x.detach(), gradient)
        ctx.set_materialize_grads(False)
        return torch.from_numpy(energies), gradient.clone()

    @staticmethod
    def backward(ctx, d_energy, d_gradient):
        x, gradient = ctx.saved_tensors
        total = torch.zeros_like(x)
        if d_energy is not None:
            total = total + d_energy[:, None, None] * gradient
        if d_gradient is not None:
            v = d_gradient.numpy()
            size = np.sqrt((v**2).sum(axis=-1)).max(axis=-1)
            moving = size > 0
            if moving.any():
                h = (STEP / size[moving])[:, None, None]
                _, displaced = ctx.oracle(x.numpy()[moving] + h * v[moving])
                product = np.zeros_like(v)
                product[moving] = (displaced - gradient.numpy()[moving]) / h
                total = total + torch.from_numpy(product)
        return total, None


def evaluate(oracle, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Energies (B,) and gradients (B, N, 3) of (B, N, 3) float64 `x`; see `Oracle.torch`."""
    return _Evaluate.apply(x, oracle)
