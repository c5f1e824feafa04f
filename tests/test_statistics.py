"""Statistics against answers known by hand, by theorem, or from SciPy; no failure is ever lost."""

import json
import time

import numpy as np
import pandas as pd
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mepbench.errors import InputError
from mepbench.reporting.factorial import factorial, read_design
from mepbench.reporting.factorial import readable as factorial_worded
from mepbench.reporting.halves import halves
from mepbench.reporting.halves import readable as halves_worded
from mepbench.reporting.rivals import main as print_rivals
from mepbench.reporting.rivals import readable as rivals_worded
from mepbench.reporting.rivals import rivals
from mepbench.reporting.tables import TABLES, exact, write_tables
from mepbench.reporting.verdicts import unsolved, verdicts_table
from mepbench.scoring.score import read_runs, typed
from mepbench.statistics.bootstrap import (
    bootstrap_medians,
    bootstrap_shares,
    interval,
    resamples,
    share_interval,
)
from mepbench.statistics.budget import accuracy, current_errors, grid
from mepbench.statistics.censored import Table, compared, costs, counted, quantile, table
from mepbench.statistics.comparison import (
    holm,
    log_ratios,
    pairwise,
    sign_test,
    signed_ranks,
    virtual_best,
)
from mepbench.statistics.hardness import POOLED, hardness
from mepbench.statistics.profiles import data_profile, performance_profile, profiles_table
from mepbench.statistics.ranks import rank, ranks, tau
from mepbench.statistics.summary import intervals, summary

INF, NAN = np.inf, np.nan
NO_TRACES = pd.DataFrame()


def runs_of(cost: dict[str, list], seeds: int = 1, **columns) -> pd.DataFrame:
    """Runs in which a method's costs are given, reaction by reaction; infinite: it failed."""
    parts = []
    for method, values in cost.items():
        names = [f"r{i // seeds}" for i in range(len(values))]
        part = synthetic.runs(list(dict.fromkeys(names)), [method], range(seeds))
        part["reaction"] = names
        part["verdict"] = np.where(np.isinf(values), "other", "intended")
        part["gradients_path"] = [3000 if np.isinf(v) else v for v in values]
        part["gradients_refine"] = 0
        parts.append(part)
    runs = pd.concat(parts, ignore_index=True).assign(**columns)
    return typed(runs.astype(object).where(runs.notna(), ""))


def plain(values) -> Table:
    """A table of (P, M) values with one seed."""
    values = np.asarray(values, dtype=float)
    names = [f"m{k}" for k in range(values.shape[1])]
    return Table([("set", str(k)) for k in range(len(values))], names, values[:, None, :])


# Four problems, two solvers; ratios to the best are 1, 1, 4, inf and 2, 1, 1, 1.
FOUR = {"a": [10, 20, 40, INF], "b": [20, 20, 10, 50]}


def test_performance_profile_is_the_one_drawn_by_hand():
    profile = performance_profile(costs(compared(runs_of(FOUR))), [0.99, 1, 1.99, 2, 4, 1e9])
    np.testing.assert_allclose(profile[:, 0], [0, 0.5, 0.5, 0.5, 0.75, 0.75])
    np.testing.assert_allclose(profile[:, 1], [0, 0.75, 0.75, 1, 1, 1])


def test_data_profile_is_the_one_drawn_by_hand_in_either_unit():
    cost = costs(compared(runs_of(FOUR)))
    np.testing.assert_allclose(
        data_profile(cost, [9, 10, 20, 49, 50])[:, 1], [0, 0.25, 0.75, 0.75, 1]
    )
    # More and Wild's unit, n + 1, for problems of 1, 3, 9 and 4 variables: 5, 5, 4, inf.
    unit = np.array([1, 3, 9, 4]) + 1
    np.testing.assert_allclose(
        data_profile(cost, [3.9, 4, 5, 99], unit)[:, 0], [0, 0.25, 0.75, 0.75]
    )


def test_a_profile_ends_at_the_share_solved_and_begins_at_the_share_cheapest():
    runs = typed(synthetic.runs(list("abcdefgh")))
    cost = costs(compared(runs))
    ends = performance_profile(cost, [1, 1e12])
    shares = summary(runs).set_index("method").share_intended
    best = virtual_best(runs).set_index("method")
    np.testing.assert_allclose(ends[1], shares[cost.methods])
    assert (ends[0] >= best.best_share[cost.methods] - 1e-12).all()


def test_methods_with_fewer_seeds_have_the_same_weight_and_pair_with_every_seed():
    one, three = runs_of({"fixed": [10, INF]}), runs_of({"drawn": [5, 20, INF, 30, 30, 30]}, 3)
    cost = costs(compared(pd.concat([one, three], ignore_index=True)))
    assert cost.values.shape == (2, 3, 2)
    np.testing.assert_array_equal(cost.values[0, :, 0], [10, 10, 10])
    # The drawn one is cheapest with its first seed, dearer with the second, fails with the third.
    np.testing.assert_allclose(performance_profile(cost, [1, 2])[:, 0], [2 / 6, 3 / 6])
    np.testing.assert_allclose(performance_profile(cost, [1, 2])[:, 1], [4 / 6, 5 / 6])
    np.testing.assert_array_equal(cost.typical, [[10, 20], [INF, 30]])


def test_quantiles_are_numpys_where_nothing_failed():
    values = np.random.default_rng(0).exponential(size=(31, 4))
    for q in (0, 0.025, 0.25, 0.5, 0.9, 1):
        np.testing.assert_allclose(quantile(values, q), np.quantile(values, q, axis=0))
        np.testing.assert_allclose(quantile(values.T, q, axis=1), np.quantile(values, q, axis=0))


def test_a_censored_median_is_finite_only_if_more_than_half_succeed():
    assert quantile([1, 2, 3, INF, INF], 0.5) == 3
    assert quantile([1, 2, INF, INF], 0.5) == INF
    assert quantile([1, 2, 3, INF], 0.5) == 2.5
    assert quantile([INF], 0.5) == INF
    assert np.isnan(quantile([], 0.5))
    assert quantile([NAN, 4], 0.5) == 4


def test_a_censored_median_is_that_of_kaplan_and_meier():
    # Five events, four censored at the budget: scipy's survival function falls below 1/2 at 50.
    costs_seen = np.array([10, 20, 30, 40, 50, 3000, 3000, 3000, 3000])
    failed = costs_seen == 3000
    survival = stats.ecdf(stats.CensoredData.right_censored(costs_seen, failed)).sf
    median = survival.quantiles[survival.probabilities < 0.5][0]
    assert quantile(np.where(failed, INF, costs_seen), 0.5) == median == 50


@given(st.lists(st.one_of(st.integers(1, 3000), st.just(INF)), min_size=1, max_size=20))
def test_a_further_failure_never_lowers_a_median(values):
    more = quantile([*values, INF], 0.5)
    assert more >= quantile(values, 0.5)


def test_the_summary_keeps_its_failures_in_the_median_cost():
    table = summary(runs_of({"half": [10, 20, INF, INF], "most": [10, 20, 30, INF]}))
    assert table.cost_to_saddle_median.tolist() == [INF, 25]
    assert table.runs.tolist() == [4, 4]


def test_a_method_that_solves_nothing_has_failed_in_its_errors_too():
    runs = runs_of({"neb": [10, 20], "none": [INF, INF], "absent": [INF, INF]})
    lost = runs.method.ne("neb")
    runs.loc[lost, ["barrier_error_eV", "saddle_rmsd_A"]] = NAN
    runs.loc[runs.method == "absent", "verdict"] = "not-installed"
    columns = ["barrier_error_eV_median", "saddle_rmsd_A_median"]
    found = summary(runs).set_index("method")[columns]
    assert np.isfinite(found.loc["neb"]).all()
    assert np.isinf(found.loc["none"]).all()
    assert found.loc["absent"].isna().all()
    without = summary(runs.assign(reference_source="")).set_index("method")[columns]
    assert without.isna().all(axis=None)


@pytest.mark.parametrize("verdict", ["bad-endpoints", "not-supported"])
def test_refused_endpoints_are_outside_and_a_lone_claim_of_them_is_a_failure(verdict):
    runs = runs_of({"a": [10, 20, 30], "b": [10, 20, 30]})
    runs.loc[runs.reaction == "r0", "verdict"] = verdict
    assert set(counted(runs).reaction) == {"r1", "r2"}
    runs.loc[(runs.reaction == "r1") & (runs.method == "a"), "verdict"] = verdict
    assert summary(runs).share_intended.tolist() == [0.5, 1.0]


def test_a_method_that_is_not_installed_is_compared_with_none_but_keeps_its_rows():
    runs = runs_of({"a": [10, 20], "absent": [INF, INF]})
    runs.loc[runs.method == "absent", "verdict"] = "not-installed"
    assert costs(compared(runs)).methods == ["a"]
    assert np.isnan(summary(runs).set_index("method").share_intended["absent"])
    assert verdicts_table(runs).set_index("method").loc["absent", "not-installed"] == 2


def test_bootstrap_of_a_share_is_scipys_draw_for_draw():
    success = (np.random.default_rng(3).random(40) < 0.7).astype(float)
    mine = bootstrap_shares(plain(success[:, None]), 999, seed=5)
    rng = np.random.default_rng(5)
    scipys = stats.bootstrap((success,), np.mean, n_resamples=999, method="percentile", rng=rng)
    np.testing.assert_allclose(mine[:, 0], scipys.bootstrap_distribution)
    np.testing.assert_allclose(interval(mine)[:, 0], scipys.confidence_interval)


def test_paired_bootstrap_of_a_difference_of_medians_is_scipys_draw_for_draw():
    x = np.random.default_rng(1).lognormal(3, 1, 31)
    y = x * np.random.default_rng(2).lognormal(0.3, 0.2, 31)
    mine = bootstrap_medians(plain(np.stack([x, y], axis=1)), 999, seed=7)
    scipys = stats.bootstrap(
        (x, y),
        lambda a, b, axis: np.median(a, axis=axis) - np.median(b, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=999,
        method="percentile",
        rng=np.random.default_rng(7),
    )
    difference = mine[:, 0] - mine[:, 1]
    np.testing.assert_allclose(difference, scipys.bootstrap_distribution)
    np.testing.assert_allclose(interval(difference), scipys.confidence_interval)
    # Pairing is what makes it narrow: the same reactions are easy for both.
    apart = bootstrap_medians(plain(y[:, None]), 999, seed=8)[:, 0]
    assert np.ptp(interval(difference)) < 0.7 * np.ptp(interval(mine[:, 0] - apart))


def test_resamples_are_the_same_in_whatever_pieces_and_draw_whole_reactions(monkeypatch):
    whole = np.concatenate(list(resamples(7, 50, seed=1)))
    monkeypatch.setattr("mepbench.statistics.bootstrap.CELLS", 20)
    np.testing.assert_array_equal(np.concatenate(list(resamples(7, 50, seed=1))), whole)
    assert (whole.sum(axis=1) == 7).all()


def test_seeds_of_one_reaction_are_no_independent_evidence():
    few = (np.arange(20) % 2).astype(float)
    one = Table([("s", str(k)) for k in range(20)], ["m"], few[:, None, None])
    many = Table(one.reactions, ["m"], np.repeat(one.values, 9, axis=1))
    np.testing.assert_allclose(interval(bootstrap_shares(many)), interval(bootstrap_shares(one)))


def test_an_interval_is_infinite_where_a_resample_loses_its_majority():
    cost = plain([[10.0], [20.0], [30.0], [40.0], [INF], [INF]])
    low, high = interval(bootstrap_medians(cost))[:, 0]
    assert low < 40
    assert high == INF


def test_where_all_are_solved_the_interval_is_wilsons():
    low, high = share_interval(plain(np.ones((12, 1))))[:, 0]
    assert low == pytest.approx(12 / (12 + 1.959964**2), rel=1e-5)  # n / (n + z^2)
    assert high == 1


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    chance = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        sample = plain(chance.lognormal(3, 1, (50, 1)))
        low, high = interval(bootstrap_medians(sample, 400))[:, 0]
        held += low <= np.exp(3) <= high
    assert 0.90 <= held / 200 <= 0.99


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (7, 0), (6, 1), (10, 12), (30, 4)])
def test_sign_test_is_the_binomial_one(wins, losses):
    p = 1.0 if wins + losses == 0 else stats.binomtest(wins, wins + losses, 0.5).pvalue
    assert sign_test(wins, losses) == pytest.approx(p)


def test_sign_test_of_six_to_one_is_one_in_eight():
    assert sign_test(6, 1) == pytest.approx(2 * (1 + 7) / 2**7)


def test_holms_adjustment_is_the_known_one():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, made monotone.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, NAN, 0.7]), [1.0, NAN, 1.0])
    assert len(holm([])) == 0


def test_signed_ranks_are_wilcoxons_and_bear_infinite_ratios():
    ratios = np.random.default_rng(0).normal(0.3, 1, 25)
    assert signed_ranks(ratios) == pytest.approx(stats.wilcoxon(ratios).pvalue)
    # One infinite ratio has the largest rank, whatever stands in for it.
    ratios[3] = -INF
    finite = np.where(np.isinf(ratios), -99, ratios)
    assert signed_ranks(ratios) == pytest.approx(stats.wilcoxon(finite).pvalue)
    assert signed_ranks(np.zeros(5)) == 1
    # Ties and zeros: by all 2^n signs, as SciPy's permutation test has them.
    tied = np.array([0, 0, 1, 1, -1, 2, 3, 3, -0.5, 2.0])
    counted = stats.wilcoxon(tied, zero_method="pratt", method=stats.PermutationMethod())
    assert signed_ranks(tied) == pytest.approx(counted.pvalue)
    many = np.random.default_rng(1).normal(0.2, 1, 80)
    assert signed_ranks(many) == pytest.approx(stats.wilcoxon(many, method="asymptotic").pvalue)
    np.testing.assert_allclose(
        log_ratios(np.array([INF, INF, 1]), np.array([INF, 1, INF])), [0, INF, -INF]
    )


def test_pairs_are_counted_as_by_hand():
    runs = runs_of({"a": [10, 20, 40, INF, INF, 5], "b": [20, 20, 10, 50, INF, INF]})
    row = pairwise(runs).iloc[0]
    assert (row.method, row.other, row.reactions) == ("a", "b", 6)
    assert (row.wins, row.ties, row.losses) == (2, 2, 2)
    assert (row.both_solved, row.only_method, row.only_other, row.neither) == (3, 1, 1, 1)
    assert row.sign_p == row.mcnemar_p == 1
    assert row.share_difference == 0
    assert row.share_difference_low < 0 < row.share_difference_high
    assert row.cost_ratio == pytest.approx(30 / 35)


def test_mcnemar_of_seven_to_none_is_one_in_sixty_four():
    runs = runs_of({"a": [10] * 9, "b": [INF] * 7 + [10] * 2, "c": [10] * 9})
    pairs = pairwise(runs).set_index(["method", "other"])
    assert pairs.mcnemar_p["a", "b"] == pytest.approx(2 / 2**7)
    assert pairs.mcnemar_p_holm["a", "b"] == pytest.approx(3 * 2 / 2**7)
    assert pairs.mcnemar_p["a", "c"] == 1


def test_virtual_best_is_the_one_picked_by_hand():
    best = virtual_best(runs_of(FOUR | {"c": [INF] * 4})).set_index("method")
    assert best.share_intended["virtual best"] == 1
    assert best.cost_to_saddle_median["virtual best"] == 15  # 10, 20, 10, 50
    # a wins the first, shares the second; b shares the second, wins the others.
    assert best.best_share[["a", "b", "c"]].tolist() == [1.5 / 4, 2.5 / 4, 0]
    assert best.only_share[["a", "b", "c"]].tolist() == [0, 1 / 4, 0]


def test_ranks_and_their_correlation_are_known():
    np.testing.assert_array_equal(rank([0.5, 0.9, 0.9, 0.1]), [3, 1.5, 1.5, 4])
    assert tau(np.array([1, 2, 3]), np.array([3, 2, 1])) == -1
    # Six pairs, one of them discordant: (5 - 1) / 6.
    assert tau(np.array([1, 2, 3, 4]), np.array([1, 2, 4, 3])) == pytest.approx(4 / 6)
    assert np.isnan(tau(np.array([1, 1]), np.array([1, 2])))


def test_a_tolerance_a_budget_and_a_seed_change_ranks_as_they_must():
    runs = runs_of(
        {"cheap": [10, 10, INF, INF, INF, INF], "sure": [100, 100, 100, 100, 100, 100]}, 2
    ).assign(barrier_error_eV=0.0, path_barrier_error_eV=0.0)
    runs.loc[runs.method == "sure", "barrier_error_eV"] = 0.02
    table = ranks(runs).set_index(["scenario", "method"])
    assert table["rank"]["verified", "sure"] == 1
    assert table["rank"]["verified, within 0.01 eV", "sure"] == 2
    assert table.kendall_tau["verified, within 0.01 eV", "sure"] == -1
    assert table["rank"]["verified, 50 evaluations", "cheap"] == 1
    assert table.share["verified, repeat 1", "cheap"] == pytest.approx(1 / 3)
    # Only the verdict tells them apart from then on.
    assert table["rank"]["any saddle, not verified", "cheap"] == 1.5


def test_the_current_error_is_the_last_checkpoints_then_the_finished_paths():
    runs = runs_of({"a": [100, 100, INF, 100]}).assign(
        barrier_eV=2.0, barrier_error_eV=0.0, path_barrier_eV=2.05, path_barrier_error_eV=0.05
    )
    runs.loc[2, ["gradients_refine", "path_barrier_eV", "path_barrier_error_eV"]] = [
        pd.NA,
        NAN,
        NAN,
    ]
    points = [("r0", 10, 3.0), ("r0", 50, 2.2), ("r1", 20, 1.5), ("r2", 10, 2.1)]
    traces = pd.DataFrame(points, columns=["reaction", "evaluations", "barrier_eV"])
    traces = traces.assign(set="made-up", method="a", seed=0)
    errors = current_errors(runs, traces, np.array([9, 10, 49, 50, 99, 100, 2999, 3000]))
    np.testing.assert_allclose(errors[0], [INF, 1.0, 1.0, 0.2, 0.2, 0.05, 0.05, 0.05])
    np.testing.assert_allclose(errors[1], [INF, INF, 0.5, 0.5, 0.5, 0.05, 0.05, 0.05])
    # The third fails in the end without a path; the fourth never wrote a checkpoint.
    np.testing.assert_allclose(errors[2], [INF] + [0.1] * 6 + [INF])
    np.testing.assert_allclose(errors[3], [INF] * 5 + [0.05] * 3)
    # A median needs a path of more than half of the four runs.
    found = accuracy(runs, traces).set_index("evaluations").error_median
    assert found[10] == INF
    assert found[50] == pytest.approx(0.35)
    assert found[3000] == pytest.approx(0.05)


def test_trajectories_and_reactions_without_a_reference_have_no_error():
    runs = runs_of({"neb": [10, 20], "gad": [10, 20]}).assign(path_barrier_eV=1.0)
    runs.loc[runs.method == "gad", "path_barrier_eV"] = NAN
    runs.loc[runs.reaction == "r1", "reference_source"] = ""
    found = accuracy(runs, NO_TRACES)
    assert set(found.method) == {"neb"}
    assert set(found.runs) == {1}
    assert grid(runs, NO_TRACES)[[0, -1]].tolist() == [1, 20]


def test_hardness_of_one_method_is_mann_and_whitneys():
    chance = np.random.default_rng(5)
    cost = np.where(chance.random(40) < 0.4, INF, 50)
    runs = runs_of({"a": cost.tolist()})
    runs["natoms"] = chance.integers(3, 9, 40)
    runs["guess_barrier_eV"] = chance.normal(size=40) + np.isinf(cost)
    found = hardness(runs).set_index(["feature", "method"])
    for feature in ("natoms", "guess_barrier_eV"):
        failed, solved = (
            runs.loc[np.isinf(cost) == k, feature].to_numpy(float) for k in (True, False)
        )
        u = stats.mannwhitneyu(failed, solved).statistic
        area = u / len(failed) / len(solved)
        for method in ("a", POOLED):
            row = found.loc[(feature, method)]
            assert row.area == pytest.approx(area)
            assert row.rank_biserial == pytest.approx(2 * area - 1)
            assert row.area_low < area < row.area_high
            assert (row.failed, row.solved) == (len(failed), len(solved))


def test_pooling_pairs_runs_of_the_same_method_only():
    # One method always fails; the other fails on the two largest of four.
    runs = runs_of({"never": [INF] * 4, "small": [10, 10, INF, INF]})
    runs["natoms"] = [3, 4, 5, 6, 3, 4, 5, 6]
    found = hardness(runs).set_index(["feature", "method"])
    assert found.area["natoms", POOLED] == 1
    assert np.isnan(found.area["natoms", "never"])
    # Two failed reactions are too few for an interval.
    assert np.isnan(found.area_low["natoms", POOLED])


def test_hardness_interval_is_scipys():
    chance = np.random.default_rng(9)
    failed = chance.random(60) < 0.5
    value = chance.normal(size=60) + 0.8 * failed
    runs = runs_of({"a": np.where(failed, INF, 9).tolist()})
    runs["guess_length_A"] = value

    def area(which):
        out, inside = value[which][failed[which]], value[which][~failed[which]]
        return np.mean(out[:, None] > inside) + np.mean(out[:, None] == inside) / 2

    scipys = stats.bootstrap(
        (np.arange(60),),
        area,
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    row = hardness(runs).set_index(["feature", "method"]).loc[("guess_length_A", "a")]
    np.testing.assert_allclose([row.area_low, row.area_high], scipys, atol=1e-12)


def test_an_unsolved_reaction_says_what_most_runs_say():
    runs = runs_of({"a": [INF, 10], "b": [INF, INF], "c": [INF, INF], "d": [INF, INF]})
    mine = runs.reaction == "r0"
    runs.loc[mine, "verdict"] = ["half-intended", "budget", "half-intended", "half-intended"]
    runs.loc[mine, "reason"] = ["to R only", "spent", "to P only", "to P only"]
    row = unsolved(runs)
    assert row.reaction.tolist() == ["r0"]
    assert row.verdicts[0] == "3 half-intended, 1 budget"
    assert row.reason[0] == "2 half-intended: to P only | 1 half-intended: to R only"


def test_verdicts_of_a_method_sum_up_to_its_runs():
    runs = typed(pd.concat([synthetic.runs(), synthetic.bad_endpoints()], ignore_index=True))
    counts = verdicts_table(runs)
    assert (counts.drop(columns=["set", "method", "runs"]).sum(axis=1) == counts.runs).all()
    assert counts.runs.sum() == len(runs)


EXTREMES = {
    "one method": lambda: synthetic.runs(list("abc"), ["neb"]),
    "one reaction": lambda: synthetic.runs(["a"]),
    "one run": lambda: synthetic.runs(["a"], ["neb"]),
    "all failed": lambda: synthetic.runs(list("abc")).assign(verdict="other", barrier_eV=None),
    "all solved": lambda: synthetic.runs(list("abc")).assign(verdict="intended"),
    "nothing accepted": lambda: synthetic.bad_endpoints(),
    "nothing installed": lambda: synthetic.runs(["a"], ["x"]).assign(verdict="not-installed"),
    "no run": lambda: synthetic.runs([]),
    "seeds differ": lambda: pd.concat(
        [synthetic.runs(list("ab"), ["neb"]), synthetic.runs(list("ab"), ["net"], (0, 1, 2))]
    ),
    "a method on fewer reactions": lambda: pd.concat(
        [synthetic.runs(list("abc"), ["neb"]), synthetic.runs(["a"], ["net"])]
    ),
    "two sets": lambda: pd.concat(
        [synthetic.runs(list("ab")), synthetic.runs(list("ab")).assign(set="other")]
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", EXTREMES)
def test_every_table_bears(case, tmp_path):
    EXTREMES[case]().to_csv(tmp_path / "runs.csv", index=False)
    runs = read_runs(tmp_path / "runs.csv")
    assert len(write_tables(runs, NO_TRACES, tmp_path)) == 3 * len(TABLES)


def test_statistics_do_not_depend_on_the_order_of_the_rows():
    runs = typed(synthetic.runs(list("abcdef"), seeds=(0, 1)))
    mixed = runs.sample(frac=1, random_state=1)
    for function, key in ((pairwise, ["method", "other"]), (intervals, ["method"])):
        mine, other = (function(t).set_index(key).sort_index() for t in (runs, runs.iloc[::-1]))
        if function is intervals:
            columns = ["share_intended", "cost_to_saddle_median"]
            np.testing.assert_allclose(mine[columns], other[columns])
    before, after = (
        profiles_table(t).set_index(["profile", "method", "within"]) for t in (runs, mixed)
    )
    pd.testing.assert_series_equal(before.share, after.share.reindex(before.index))


@pytest.mark.slow
def test_a_hundred_thousand_runs_take_seconds():
    names, methods = [str(k) for k in range(2780)], [f"m{k}" for k in range(12)]
    index = pd.MultiIndex.from_product([["s"], names, methods, range(3)])
    runs = index.to_frame(index=False, name=["set", "reaction", "method", "seed"])
    chance = np.random.default_rng(0)
    solved = chance.random(len(runs)) < 0.8
    template = synthetic.runs(["a"], ["m0"]).iloc[0].drop(list(runs))
    runs = runs.assign(**template.to_dict())
    runs["verdict"] = np.where(solved, "intended", "other")
    runs["gradients_path"] = chance.integers(5, 3000, len(runs))
    runs["natoms"] = np.repeat(chance.integers(3, 30, len(names)), 36)
    start = time.process_time()
    for name in TABLES:
        exact(name, runs, NO_TRACES)
    assert len(runs) > 100_000
    assert time.process_time() - start < 40


def test_a_value_is_where_its_reaction_seed_and_method_are():
    runs = runs_of({"a": [1, 2, 3, 4], "b": [5, 6, 7, 8]}, 2)
    found = table(runs, runs["gradients_path"].astype(float))
    np.testing.assert_array_equal(found.values[:, :, 0], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found.values[:, :, 1], [[5, 6], [7, 8]])


def test_the_halves_are_told_apart_by_alphabetical_order_in_each_set():
    """By hand: r1, r3 are odd in set one, s1 in set two; nobody solves r3, so it is in no pool."""
    one = runs_of({"x": [10, 20, INF, INF, 50], "y": [INF, 30, 40, INF, INF]})
    two = runs_of({"x": [INF, 60], "y": [70, INF]}, set="two")
    two["reaction"] = two["reaction"].str.replace("r", "s")
    found = halves(pd.concat([one, two])).set_index(["half", "method"])
    assert found["runs"].tolist() == [4, 3, 4, 3]
    assert found["intended"].to_dict() == {
        ("untouched", "x"): 2,
        ("untouched", "y"): 2,
        ("tuned", "x"): 2,
        ("tuned", "y"): 1,
    }
    assert found["pool"].to_dict() == {
        key: 4 if key[0] == "untouched" else 2 for key in found.index
    }
    assert found["pool_share"].tolist() == [0.5, 1.0, 0.5, 0.5]
    assert found.loc[("tuned", "x"), "cost_to_saddle_median"] == 60
    assert halves_worded(found.reset_index()).iloc[0, 1:3].tolist() == ["2/3", "100%"]


def test_rivals_are_in_one_table_over_all_sets_the_cheapest_first(tmp_path, capsys):
    """By hand; a proof counts where its saddle is solved, seconds also where they were in vain."""
    runs = runs_of({"x": [10, 20, INF], "y": [5, INF, INF], "z": [10, 30, 20]}, set="one")
    other = runs_of({"x": [40], "y": [3], "z": [INF]}, set="two")
    missing = runs_of({"gone": [INF, INF, INF]}, set="one").assign(verdict="not-installed")
    runs = pd.concat([runs, other, missing], ignore_index=True)
    runs["gradients_verify"] = [100, 200, 900, 100, 900, 900, 110, 120, 130, 300, 400, 900] + [
        0
    ] * 3
    runs["wall_path_s"] = [1.0, 2, 3, 1, 1, 1, 5, 6, 7, 4, 1, 8] + [np.nan] * 3
    runs["wall_guess_s"], runs["wall_refine_s"] = 0.5, np.nan
    found = rivals(runs).set_index("method")
    assert list(found.index) == ["z", "x", "y"]
    assert found["cost"].tolist() == [25, 30, INF]
    assert found["solved"].tolist() == [3, 3, 2]
    assert found["solved of one"].tolist() == [3, 2, 1]
    assert found["proof"].tolist() == [120, 200, 250]
    assert found["seconds"].tolist() == [7.0, 3.0, 1.5]
    assert set(rivals(missing).columns) < {*found.columns, "method"}
    for name in ("share", "cost", "seconds"):
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()
    # In one of sixteen resamples y solves nothing: there is no interval of its proof.
    assert found["proof_low"].isna().tolist() == [False, False, True]
    assert rivals_worded(found.reset_index())["proof"].iloc[2] == "250"
    assert found.loc["z", "cost_high"] == INF
    worded = rivals_worded(found.reset_index())
    assert worded["solved"].tolist() == ["3 of 4", "3 of 4", "2 of 4"]
    assert worded["two"].tolist() == ["0", "1", "1"]
    runs.to_csv(tmp_path / "runs.csv", index=False)
    assert rivals_worded(rivals(missing)).empty
    print_rivals([str(tmp_path)])
    assert capsys.readouterr().out.strip() == (tmp_path / "tables/rivals.md").read_text().strip()


def designed(verdicts: dict[tuple[str, str, str], list]) -> pd.DataFrame:
    """Runs of a design, from the costs by reaction of each guess, solver and refiner."""
    runs = runs_of({"_".join(key): costs for key, costs in verdicts.items()})
    parts = runs["method"].str.split("_", expand=True)
    return runs.assign(guess=parts[0], solver=parts[1], refiner=parts[2])


def test_what_a_part_earns_is_over_all_combinations_of_the_others():
    """By hand: g solves 5 of its 8 runs, h 2 of 8; of one refiner each."""
    runs = designed(
        {
            ("g", "s", "r"): [10, 20, 30, INF],
            ("g", "t", "r"): [40, INF, 50, INF],
            ("h", "s", "r"): [60, INF, INF, INF],
            ("h", "t", "r"): [70, INF, INF, INF],
        }
    )
    guesses = factorial(runs, ("guess",)).set_index("guess")
    assert guesses["share_intended"].to_dict() == {"g": 5 / 8, "h": 2 / 8}
    assert guesses["cost_to_saddle_median"].to_dict() == {"g": 45, "h": INF}
    assert (guesses["reactions"] == 4).all()
    solvers = factorial(runs, ("solver",)).set_index("solver")
    assert solvers["share_intended"].to_dict() == {"s": 4 / 8, "t": 3 / 8}
    everything = factorial(runs, ("guess", "solver", "refiner"))
    assert everything["share_intended"].tolist() == [3 / 4, 2 / 4, 1 / 4, 1 / 4]
    assert list(everything.iloc[1][["guess", "solver", "refiner"]]) == ["g", "t", "r"]
    # Reactions are drawn, not runs: a solved reaction brings all its combinations.
    low, high = guesses.loc["h", ["share_intended_low", "share_intended_high"]]
    assert (low, high) == (0, 3 / 4)
    assert factorial_worded(guesses.reset_index())["solved"].tolist() == [
        "62% (25% to 100%)",
        "25% (0% to 75%)",
    ]


def test_a_design_with_a_combination_missing_is_refused(tmp_path):
    runs = designed({("g", "s", "r"): [1], ("h", "s", "r"): [2], ("h", "t", "r"): [3]})
    runs = runs.drop(columns="solver")
    solvers = {name: {"solver": name.split("_")[1]} for name in runs["method"]}
    manifest = {"sets": {}, "config": {"methods": solvers}}
    (tmp_path / "provenance.json").write_text(json.dumps(manifest), encoding="utf-8")
    runs.to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(InputError, match="0 methods are"):
        read_design(tmp_path)
