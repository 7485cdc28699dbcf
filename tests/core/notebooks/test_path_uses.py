import ast

import pytest

from jupyter_schedule.core.notebooks.following import find_uses
from jupyter_schedule.core.notebooks.notebook import Magic
from jupyter_schedule.core.notebooks.path_texts import HOLE
from jupyter_schedule.core.notebooks.path_uses import PathAction, find_in_texts, find_magic_uses
from jupyter_schedule.core.notebooks.path_values import KnownValues


def used(source: str) -> list[tuple[str, str]]:
    """The uses in `source` as (what is done, path), holes written as `*`."""
    return [(str(use.how), use.text.replace(HOLE, "*")) for use in find_uses(ast.parse(source), KnownValues())]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("pd.read_csv('a.csv', sep=';')", [("read", "a.csv"), ("mention", ";")]),
        ("pd.read_csv(filepath_or_buffer='a.csv')", [("read", "a.csv")]),
        ("np.load('a.npy')", [("read", "a.npy")]),
        ("open('a')", [("read", "a")]),
        ("open('a', 'rb')", [("read", "a"), ("mention", "rb")]),
        ("open('a', mode='w')", [("write", "a"), ("mention", "w")]),
        ("open('a', how)", [("read", "a")]),
        ("gzip.open('a', 'at')", [("write", "a"), ("mention", "at")]),
        ("Path('a').read_text()", [("read", "a")]),
        ("Path('d', 'a').write_text('x')", [("write", "d/a"), ("mention", "x")]),
        ("Path('a').open()", [("read", "a")]),
        ("(Path('d') / 'a').open('x')", [("write", "d/a"), ("mention", "x")]),
        ("Path('d').glob('*.csv')", [("read", "d/*.csv"), ("mention", "*.csv")]),
        ("Path('d').rglob('*.csv')", [("read", "d/**/*.csv"), ("mention", "*.csv")]),
        ("glob.glob('d/*.csv')", [("read", "d/*.csv")]),
        ("Path('d').iterdir()", [("list", "d")]),
        ("os.listdir('d')", [("list", "d")]),
        ("os.path.exists('a')", [("guard", "a")]),
        ("Path('a').exists()", [("guard", "a")]),
        ("df.to_csv('o/a.csv')", [("write", "o/a.csv")]),
        ("plt.savefig(fname='o/a.png')", [("write", "o/a.png")]),
        ("joblib.dump(model, 'o/m.pkl')", [("write", "o/m.pkl")]),
        ("shutil.copy('a', 'o/b')", [("read", "a"), ("write", "o/b")]),
        ("sys.path.insert(0, '../lib')", [("modules", "../lib")]),
        ("files.append('a.csv')", [("mention", "a.csv")]),
        ("x = 'a.csv'", [("mention", "a.csv")]),
        ("'a docstring'", []),
        ("def f():\n  'doc'\n  return 'a'", [("mention", "a")]),
        ("input('Go?')", [("ask", ""), ("mention", "Go?")]),
        ("x.input('a')", [("mention", "a")]),
    ],
)
def test_what_code_does_with_a_path(source: str, expected: list[tuple[str, str]]) -> None:
    """By the name of what is called, its mode and its place among the arguments."""
    assert used(source) == expected


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("'d/' + 'a.csv'", "d/a.csv"),
        ("unknown + '/a.csv'", "*/a.csv"),
        ("f'd/{year}.csv'", "d/*.csv"),
        ("f'{folder}/a.csv'", "d/a.csv"),
        ("'d/{}.csv'.format(year)", "d/*.csv"),
        ("'d/%04d.csv' % year", "d/*.csv"),
        ("os.path.join(folder, 'a.csv')", "d/a.csv"),
        ("os.path.join(folder, name)", "d/*"),
        ("Path(folder) / name / 'a.csv'", "d/*/a.csv"),
        ("Path(folder).joinpath('a.csv').resolve()", "d/a.csv"),
        ("str(Path.cwd() / 'a.csv')", "a.csv"),
        ("Path.home() / 'a.csv'", "~/a.csv"),
        ("Path('d/e/f').parent / 'a.csv'", "d/e/a.csv"),
        ("os.path.dirname('d/e') + '/a.csv'", "d/a.csv"),
        ("os.environ.get('DATA', 'd') + '/a.csv'", "d/a.csv"),
        ("os.getenv('OUTPUT_DIR') + '/a.csv'", "output/a.csv"),
        ("os.path.join(os.environ['OUTPUT_DIR'], 'a.csv')", "output/a.csv"),
        ("(os.environ.get('DATA') or 'd') + '/a.csv'", "d/a.csv"),
        ("('d' if x else 'e') + '/a.csv'", "d/a.csv"),
        ("loop + '/a.csv'", "*/a.csv"),
    ],
)
def test_a_path_is_followed_through_names_and_joins(expression: str, path: str) -> None:
    """What only the run knows becomes a hole."""
    source = f"folder: str = 'd'\nloop = 'x'\nfor loop in y: pass\npd.read_csv({expression})"
    assert ("read", path) in used(source)


def test_a_name_stands_for_what_it_was_last_assigned() -> None:
    """Across cells, and nothing once it is something unknown."""
    names = KnownValues()
    list(find_uses(ast.parse("folder = 'a'"), names))
    assert find_uses(ast.parse("open(folder + '/x')"), names)[0].text == "a/x"
    list(find_uses(ast.parse("folder = compute()"), names))
    assert find_uses(ast.parse("open(folder + '/x')"), names)[0].text == f"{HOLE}/x"


def test_uses_know_their_lines_and_come_in_their_order() -> None:
    """Statement by statement."""
    tree = ast.parse("x = 1\nif x:\n  open('a')\n  open('b')\nopen('c')")
    assert [(use.text, use.line) for use in find_uses(tree, KnownValues())] == [("a", 3), ("b", 4), ("c", 5)]


def test_deep_expressions_end_without_an_answer() -> None:
    """Of hundreds of terms only the last are looked at."""
    ((how, text),) = used("open(" + "'a' + " * 300 + "x + 'z')")
    assert how == "read"
    assert text.startswith("*a")
    assert text.endswith("a*z")


def test_words_of_shell_lines_may_be_paths() -> None:
    """What is run is code, what is redirected to is written; unbalanced quotes are passed over."""
    texts = ["!wc -l 'a b.csv' > out.txt", "%run other.py", "%%writefile utils.py", "!echo it's"]
    found = list(find_magic_uses([Magic(number, text) for number, text in enumerate(texts, start=1)]))
    interesting = [(str(use.how), use.text, use.line) for use in found if "." in use.text]
    assert interesting == [
        ("handed", "a b.csv", 1),
        ("mention", "a b.csv", 1),
        ("write", "out.txt", 1),
        ("run", "other.py", 2),
        ("write", "utils.py", 3),
    ]


def test_quoted_texts_of_any_language_are_mentions() -> None:
    """R's and Julia's quotes are Python's."""
    assert [(use.text, use.how, use.line) for use in find_in_texts("x <-\n read.csv(\"a.csv\", sep=';')")] == [
        ("a.csv", PathAction.MENTION, 2),
        (";", PathAction.MENTION, 2),
    ]
