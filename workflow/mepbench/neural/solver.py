import os
from dataclasses import replace

import numpy as np
import torch

from ..path import Path, Peak, resample
from . import descent
from .curvature import model_hessian, secant_update
from .losses import internal_velocity
from .network import PathNetwork
from .quadrature import draw, hermite_peak, widths
from .training import SPEED_POINTS, SpeedPenalty, curvature_vectors, gauss_newton_step

VERBOSE = os.environ.get("NNV")
REMEMBERED = 160
STEP = 2e-3
CG = int(os.environ.get("CG", "15"))


class Memory:
    """Evaluated points: s, x, energy, gradient, hessian, inverse."""

    def __init__(self, n):
        self.s = np.zeros(0)
        self.x = np.zeros((0, n)); self.e = np.zeros(0); self.g = np.zeros((0, n))
        self.h = np.zeros((0, n, n)); self.inv = np.zeros((0, n, n)); self.age=np.zeros(0)

    def add(self, **new):
        for k, v in new.items():
            setattr(self, k, np.concatenate([getattr(self, k), v]))

    def keep(self, mask):
        for k in ("s", "x", "e", "g", "h", "inv", "age"):
            setattr(self, k, getattr(self, k)[mask])


class Solver:
    def __init__(self, reaction, oracle, guess, seed, *, points, width, depth, frequencies, beta,
                 weight_floor, concentration, trust, damping, speed_penalty, memory, reach):
        self.reaction, self.oracle = reaction, oracle
        frames = guess.positions.copy()
        self.network = PathNetwork(frames, oracle.invariances, width=width, depth=depth,
                                   frequencies=frequencies, seed=seed)
        self.rng = np.random.default_rng(seed)
        self.count, self.beta, self.floor = points, beta, weight_floor
        self.concentration, self.trust = concentration, trust
        self.damping, self.speed_penalty = damping, speed_penalty
        ends = reaction.energies
        if ends is None:
            ends, _ = oracle(reaction.ends)
        self.end_energies = np.asarray(ends)
        self.s_known = np.array([0.0, 1.0]); self.e_known = self.end_energies
        self.peak_s = None
        n = frames[0].size
        self.memory = Memory(n)
        self.keep, self.reach = memory, reach
        self.known_x, self.known_g = np.zeros((0, n)), np.zeros((0, n))

    def evaluate(self, x):
        e, g = self.oracle(x.reshape(len(x), -1, 3))
        g = g.reshape(len(x), -1)
        self.known_x = np.concatenate([self.known_x, x])[-REMEMBERED:]
        self.known_g = np.concatenate([self.known_g, g])[-REMEMBERED:]
        return e, g

    def iterate(self, loss):
        net, inv, mem = self.network, self.oracle.invariances, self.memory
        if self.peak_s is None:
            s = draw(self.count, self.rng, np.array([0.0, 1.0]), np.array([0.0, 0.0]), 0.0)
        else:
            s = draw(self.count - 1, self.rng, self.s_known, self.e_known, self.concentration)
            s = np.sort(np.append(s, np.clip(self.peak_s, 1e-3, 1 - 1e-3)))
        x = net.at(torch.from_numpy(s)).x.numpy()
        e, g = self.evaluate(x)
        h = secant_update(model_hessian(self.reaction.numbers, x.reshape(len(s), -1, 3)), x, g, self.known_x, self.known_g)
        # shift old points to where the path passes them
        if len(mem.s):
            mem.age = mem.age + 1
            old = net.at(torch.from_numpy(mem.s))
            v, _ = internal_velocity(old.x, old.dx, inv)
            v = v.numpy()
            shift = ((mem.x - old.x.numpy()) * v).sum(1) / (v**2).sum(1)
            mem.s = mem.s + np.clip(shift, -0.05, 0.05)
            ok = (mem.s > 1e-3) & (mem.s < 1 - 1e-3) & (mem.age <= self.keep)
            mem.keep(ok)
        if len(mem.s):
            d = net.at(torch.from_numpy(mem.s)).x.numpy() - mem.x
            mem.keep(np.sqrt((d**2).sum(1)) < self.reach)
        mem.add(s=s, x=x, e=e, g=g, h=h, inv=np.linalg.inv(h), age=np.zeros(len(s)))
        order = np.argsort(mem.s, kind="stable")
        mem.keep(order)
        pts = net.at(torch.from_numpy(mem.s))
        d = pts.x.numpy() - mem.x
        hd = np.einsum("kij,kj->ki", mem.h, d)
        g_now = torch.from_numpy(mem.g + hd)
        e_now = torch.from_numpy(mem.e + (d * (mem.g + 0.5 * hd)).sum(1))
        c = torch.from_numpy(widths(mem.s))
        H, I = torch.from_numpy(mem.h), torch.from_numpy(mem.inv)
        args = (pts.x, pts.dx, e_now, g_now, H, I, c)
        if loss == "maxflux":
            kappa = curvature_vectors(net, mem.s, inv)
            D = descent.maxflux(*args, beta=self.beta, floor=self.floor, curvature=kappa, invariances=inv)
        else:
            fresh = np.flatnonzero(mem.age == 0)
            def product(v):
                out = torch.bmm(H, v[..., None])[..., 0].numpy()
                v = v.numpy()[fresh]
                size = np.sqrt((v.reshape(len(v), -1, 3)**2).sum(-1)).max(-1)
                t = (STEP / np.maximum(size, 1e-12))[:, None]
                _, gd = self.evaluate(mem.x[fresh] + t * v)
                out[fresh] = (gd - mem.g[fresh]) / t
                return torch.from_numpy(out)
            D = getattr(descent, loss)(*args, product=product, invariances=inv)
        v, _ = internal_velocity(pts.x, pts.dx, inv)
        slopes = (g_now * v).sum(dim=1).numpy()
        fresh = mem.age == 0
        self.s_known = np.concatenate([[0.0], s, [1.0]])
        self.e_known = np.concatenate([self.end_energies[:1], e, self.end_energies[1:]])
        self.slopes = np.concatenate([[0.0], slopes[fresh], [0.0]])
        self.peak_s, self.peak_v = hermite_peak(self.s_known, self.e_known, self.slopes)
        self.fresh = fresh
        return pts, D

    def step(self, pts, d):
        net, inv = self.network, self.oracle.invariances
        apply = lambda v: torch.bmm(d.inverse, v[..., None])[..., 0]
        pull = apply(d.on_x / d.weight[:, None])
        if d.squared:
            pull = apply(pull)
        size = pull.view(len(pull), -1, 3).norm(dim=2).amax(dim=1)
        scale = (self.trust / size.clamp(min=1e-12)).clamp(max=1.0)
        d = replace(d, on_x=d.on_x * scale[:, None], on_velocity=d.on_velocity * scale[:, None])
        sp = torch.from_numpy((np.arange(SPEED_POINTS) + 0.5) / SPEED_POINTS)
        spts = net.at(sp)
        pen = SpeedPenalty(spts, self.speed_penalty, inv)
        dtheta = gauss_newton_step(pts, d, spts, pen, self.damping, CG)
        dx, _ = pts.jvp(dtheta)
        dx2, _ = spts.jvp(dtheta)
        dx = torch.cat([dx, dx2])
        big = float(dx.view(len(dx), -1, 3).norm(dim=2).max())
        f = min(1.0, 1.5 * self.trust / max(big, 1e-12))
        net.theta = net.theta + f * dtheta
        return big, f

    def run(self, loss, steps, warmup, tolerance):
        for it in range(steps):
            stage = "maxflux" if it < warmup else loss
            pts, d = self.iterate(stage)
            f = torch.from_numpy(self.fresh)
            m = d.misfit[f]
            mis = float((m * torch.from_numpy(widths(self.s_known[1:-1]))).sum())
            top = float(m[self.e_known[1:-1].argmax()])
            if VERBOSE:
                print(it, self.oracle.evaluations, len(self.fresh), f"peak {self.peak_v - self.end_energies[0]:.3f} mis {mis:.3f} top {top:.3f} max {float(m.max()):.3f}", end=" ")
            frames = resample(self.network(np.linspace(0, 1, 101)), 101)
            self.oracle.checkpoint(Path(positions=frames), mis)
            if stage == loss and mis < tolerance and top < tolerance * 0.5:
                break
            if self.oracle.remaining < 2 * self.count: break
            big, f = self.step(pts, d)
            if VERBOSE:
                print(f"big {big:.3f} f {f:.2f}")
        frames = resample(self.network(np.linspace(0, 1, 201)), 101)
        x = self.network(np.array([self.peak_s]))[0]
        return Path(positions=frames, peak=Peak(x), converged=it < steps - 1)
