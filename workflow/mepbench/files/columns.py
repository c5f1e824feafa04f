"""The columns of the tables that a run writes, in order, and what each holds.

Kept apart from `score`, so that jobs which only write rows need not import pandas.
"""

ENDPOINT_COLUMNS = tuple(
    "set reaction verdict reason class natoms formula charge multiplicity state_from "
    "reaction_energy_eV rmsd_A bonds_changed fmax_eV_A evaluations seconds literature "
    "ends_note reactant_zero_point_eV product_zero_point_eV reactant_free_energy_eV "
    "product_free_energy_eV check_bonds check_minima check_order check_stereo check_distinct "
    "check_whole check_spin".split()
)
SOLVED_COLUMNS = tuple(
    "reaction seed verdict reason guess_hash guess_barrier_eV guess_length_A converged "
    "gradients_path rounds_path wall_guess_s wall_path_s oracle_path_s gradients_prior "
    "wall_prior_s".split()
)
COLUMNS = tuple(
    """set reaction method seed guess refiner guess_hash natoms formula charge multiplicity
    verdict reason barrier_eV reverse_barrier_eV reaction_energy_eV barrier_error_eV
    path_barrier_eV path_barrier_error_eV guess_barrier_eV saddle_rmsd_A path_saddle_rmsd_A
    imaginary_frequency_cm tangency_defect_eV excess_eV converged gradients_path
    gradients_refine gradients_verify rounds_path wall_guess_s wall_path_s wall_refine_s
    wall_verify_s oracle_path_s oracle_refine_s reference_source potential backend""".split()
)
EXTRA_COLUMNS = tuple(
    "tangency_floor_eV self_reference below_reference beats_shipped bonds_changed "
    "guess_length_A end_match end_conformer reactant_gap_eV product_gap_eV curvature_1_eV_A2 "
    "curvature_2_eV_A2 ends_note state_from barrier_0K_eV free_energy_barrier_eV "
    "reaction_free_energy_eV gradients_prior wall_prior_s explained steps "
    "gradients_explained".split()
)
SCORED = (
    "barrier_error_eV path_barrier_error_eV saddle_rmsd_A path_saddle_rmsd_A reference_source "
    "self_reference below_reference beats_shipped explained steps gradients_explained"
).split()
JUDGED_COLUMNS = tuple(c for c in (*COLUMNS, *EXTRA_COLUMNS) if c not in SCORED)
REFERENCE_COLUMNS = tuple(
    """set reaction reference_source barrier_eV reverse_barrier_eV reaction_energy_eV
    saddle_energy_eV imaginary_frequency_cm shipped_barrier_eV lower_by_eV found_by runs
    shipped potential backend barrier_0K_eV free_energy_barrier_eV
    reaction_free_energy_eV""".split()
)
MECHANISM_COLUMNS = tuple(
    """set reaction method seed complete steps searches gradients_path gradients_refine
    gradients_verify gradients_prior wall_path_s wall_refine_s wall_verify_s wall_prior_s
    reason""".split()
)
WAY_COLUMNS = tuple(
    """set reaction method seed way chain steps highest_saddle_eV met starts searches
    gradients_ways gradients_verify""".split()
)
CHAIN_COLUMNS = tuple(
    """set reaction method seed chain complete highest_saddle_eV reference_highest_eV step
    step_from step_to barrier_eV saddle_eV minimum_eV conformer_eV""".split()
)
TEXT = frozenset(
    "set reaction method guess refiner guess_hash formula verdict reason reference_source "
    "shipped potential backend end_match end_conformer ends_note state_from chain step_from "
    "step_to".split()
)
WHOLE = frozenset(
    "seed natoms charge multiplicity gradients_path gradients_refine gradients_verify "
    "gradients_prior rounds_path found_by runs step bonds_changed steps searches "
    "gradients_explained".split()
)
FLAGS = frozenset(
    "converged self_reference below_reference beats_shipped complete explained".split()
)
