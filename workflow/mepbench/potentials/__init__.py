"""One file a potential: `load(numbers, charge, multiplicity, *, options)`.

It returns an object with

* `evaluate(positions)`: (B, N, 3) angstrom -> (B,) eV, (B, N, 3) eV/angstrom; raises
  `SCFFailure` where there is no energy; decorated with `oracle.counted`;
* `invariances`: the rigid motions that leave its energy unchanged, a tuple out of
  `"translation"` and `"rotation"` (a two-dimensional model surface has none);
* `backend`: name and version of the code that computes it.

A file may offer `remark() -> str`, what a user should know of this machine before a run starts;
`check(options)`, which raises `InputError` for what types do not tell, before any job starts;
`level(options) -> str`, the name of the Hamiltonian where the option `method` is not that name; and
`files(**options)`, what it reads beside its code. An object may offer `doubt(positions) -> str`,
why it should not be believed along a path.

`load` raises `NotSupported` for elements that it has no parameters for, where it can tell: a
library may otherwise end the process. So may the `factory` of an ASE calculator.
"""
