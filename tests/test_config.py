"""Bad configuration is one clear error that names the nearest known word."""

import pytest
import yaml

from mepbench.cli import main
from mepbench.config import SHIPPED_CONFIG, check_config, load_config, set_files
from mepbench.errors import InputError

SHIPPED = yaml.safe_load(SHIPPED_CONFIG.read_text())


def test_the_shipped_config_is_valid_and_has_all_methods():
    config = load_config(SHIPPED_CONFIG)
    assert len(config.methods) == 11
    assert sum(map(len, config.jobs["quick"].values())) == 12


def test_a_config_that_names_only_its_sets_gets_everything_else_from_the_shipped_one():
    config = check_config({"sets": {"mine": "textbook"}, "budget": {"path": 7}})
    assert list(config.methods) == list(SHIPPED["methods"])
    assert config.methods["neb"].budget == {"path": 7, "refine": 200}


def test_a_method_may_have_its_own_guess_refiner_budget_and_seeds():
    entry = {"solver": "neb", "guess": "idpp", "budget": {"refine": 9}, "seeds": [3, 4]}
    method = check_config({"methods": {"mine": entry}}).methods["mine"]
    assert (method.guess, method.seeds, method.options) == ("idpp", (3, 4), {})
    assert method.budget == {"path": 3000, "refine": 9}


def test_of_sets_that_select_does_not_name_everything_is_run():
    sets = {"a": "quick", "b": "quick", "c": "quick"}
    config = check_config(
        {"sets": sets, "select": {"a": ["hcn-isomerisation"], "b": ["ammonia-inversion"]}}
    )
    names = {name: [n for job in jobs.values() for n in job] for name, jobs in config.jobs.items()}
    assert names["a"] == ["hcn-isomerisation"]
    assert names["b"] == ["ammonia-inversion"]
    assert len(names["c"]) == 12


def test_where_no_steps_are_searched_a_search_does_not_save_itself_for_them():
    given = {"sets": {"t": "textbook"}, "methods": {"a": {"solver": "neural-surrogate"}}}
    with_steps, without = (check_config({**given, "ways": ways}) for ways in (1, 0))
    assert "mechanism" not in with_steps.methods["a"].options
    assert without.methods["a"].options["mechanism"] is False


def test_a_new_refiner_or_refinement_budget_is_no_change_of_the_path_stage():
    entry = {"solver": "neb"}
    one = check_config({"methods": {"neb": entry}}).methods["neb"]
    two = check_config({"methods": {"neb": {**entry, "budget": {"refine": 9}}}}).methods["neb"]
    assert one != two
    assert one.path_stage == two.path_stage


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methdos": {}}, "unknown key 'methdos'. Did you mean 'methods'"),
        ({"methods": {"neb": {"solver": "nebb"}}}, "no solver 'nebb'. Did you mean 'neb'"),
        ({"methods": {"neb": {}}}, "'solver' is a required property"),
        ({"methods": {"neb": {"solver": "neb", "imagse": 5}}}, "Did you mean 'images'"),
        ({"methods": {"neb": {"solver": "neb", "images": "five"}}}, "'images' must be int"),
        ({"methods": {"neb": {"solver": "neb", "images": True}}}, "'images' must be int"),
        ({"methods": {"n": {"solver": "neural", "loss": "acton"}}}, "one of 'residual', 'action'"),
        ({"methods": {"v": {"solver": "varied", "of": "nebb"}}}, "no solver 'nebb'. Did you mean"),
        ({"methods": {"v": {"solver": "varied", "of": "varied"}}}, "cannot vary itself"),
        ({"methods": {"v": {"solver": "varied", "options": {"imagse": 5}}}}, "'images'"),
        ({"methods": {"g": {"solver": "gad", "max_step": "1e-3"}}}, "written 1.0e-3"),
        ({"methods": {"../x": {"solver": "neb"}}}, "because it becomes a folder"),
        ({"methods": {"n": {"solver": "neb", "guess": "geodisic"}}}, "Did you mean 'geodesic'"),
        ({"guess": "geodisic"}, "no guess 'geodisic'. Did you mean 'geodesic'"),
        ({"refiner": "stella"}, "no refiner 'stella'. Did you mean 'sella'"),
        ({"potential": {"name": "xtbpython"}}, "no potential 'xtbpython'. Did you mean"),
        ({"potential": {"name": "tblite", "acuracy": 1}}, "Did you mean 'accuracy'"),
        ({"potential": {"name": "tblite", "method": "GFN3"}}, "one of 'GFN2-xTB'"),
        ({"sets": {"quick": "textbok"}}, "Did you mean 'textbook'"),
        ({"sets": {"a/b": "textbook"}}, "because it becomes a folder"),
        ({"sets": {}}, "sets"),
        ({"select": ["hcn-isomerisatoin"]}, "select: no set has a reaction"),
        ({"select": []}, "select"),
        ({"select": {"quick": []}}, "select"),
        ({"select": {"quikc": ["hcn-isomerisation"]}}, "no set is called 'quikc'. Did you mean"),
        ({"select": {"quick": ["hcn-isomerisatoin"]}}, "quick has no reaction 'hcn-isomerisatoin'"),
        ({"seeds": [0, 0]}, "seeds"),
        ({"budget": {"path": 0}}, "budget: path"),
        ({"budget": {"paht": 3}}, "paht"),
        ({"reactions_per_job": 0}, "reactions_per_job"),
    ],
)
def test_a_mistake_is_named(change, message):
    with pytest.raises(InputError) as caught:
        check_config(change)
    assert message in str(caught.value)


def test_check_names_the_file_and_exits_with_2(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("guess: geodisic\n")
    assert main(["check", str(file)]) == 2
    error = capsys.readouterr().err
    assert "mine.yaml" in error
    assert "Did you mean 'geodesic'?" in error
    file.write_text("a: [\n")
    assert main(["check", str(file)]) == 2
    assert main(["check", str(tmp_path / "none.yaml")]) == 2


def test_yaml_is_loaded_safely(tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text("results: !!python/object/apply:os.system ['touch /tmp/owned']\n")
    with pytest.raises(InputError, match="not valid YAML"):
        load_config(file)


@pytest.mark.parametrize("text", ["sets: {a: quick, a: textbook}\n", "seed: 1\nseed: 2\n"])
def test_a_key_given_twice_is_refused(tmp_path, text):
    file = tmp_path / "twice.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match="given twice"):
        load_config(file)


def test_check_prints_what_would_run(capsys):
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert "set quick: 12 reactions" in printed
    assert "method neural-maxflux" in printed


def test_show_without_results_says_what_to_do(tmp_path, capsys):
    assert main(["show", str(tmp_path)]) == 2
    assert "mepbench run" in capsys.readouterr().err


def test_without_any_config_the_shipped_one_holds_and_is_recorded_whole():
    config = check_config({})
    assert config.completed == SHIPPED
    assert check_config({"seeds": [1]}).completed == {**SHIPPED, "seeds": [1]}


def test_files_that_snakemake_cannot_name_are_a_hash(tmp_path):
    for name in ("{set}", "<x>", "plain"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "reactant.xyz").write_text("1\n\nH 0 0 0\n")
    reactions = ("{set}", "<x>", "plain")
    files, digest = set_files("mine", str(tmp_path), reactions)
    assert files == [str(tmp_path / "plain" / "reactant.xyz")]
    (tmp_path / "<x>" / "reactant.xyz").write_text("1\n\nH 0 0 1\n")
    changed = set_files("mine", str(tmp_path), reactions)
    assert changed[0] == files
    assert changed[1] != digest
    assert set_files("mine", str(tmp_path), ("plain",)) == (files, "")
