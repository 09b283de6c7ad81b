"""What a recipe's test requires is built like the rest, and a wheel counts only once it has passed."""

from e2e.user import User
from wheelyard.testing.sdists import SdistSpec

CHECKER = SdistSpec(
    name="checker",
    requires=("helping",),
    body="import helping\n\n\ndef check(module):\n    assert module.VALUE == 7, module.VALUE\n",
)


def test_a_wheel_counts_once_it_passed_its_recipes_test(user: User) -> None:
    user.upload(CHECKER, SdistSpec(name="helping"), SdistSpec(name="proven", body="VALUE = 7\n"))
    recipe = (
        "[package.proven]\ntest = \"python -c 'import checker, proven; checker.check(proven)'\"\n"
    )
    file = user.folder / "wheelyard.toml"

    file.write_text(recipe)
    ran = user.build("proven")
    assert ran.row("proven==1.0")["ending"] == "failed"
    assert "checker" in ran.row("proven==1.0")["report"]["detail"]

    file.write_text(recipe + 'test-requires = ["checker"]\n')
    ran = user.build("proven")
    assert ran.code == 0, ran.err
    assert ran.endings == {
        "proven==1.0": {"built"},
        "checker==1.0": {"built"},
        "helping==1.0": {"built"},
    }
    again = user.build("proven")
    assert again.endings == {"proven==1.0": {"reused"}}


def test_secrets_in_what_a_test_requires_are_not_shown(user: User) -> None:
    user.upload(SdistSpec(name="quiet"))
    recipe = (
        '[package.quiet]\ntest = "true"\ntest-requires = ["a @ https://me:hush@h.invalid/a.zip"]\n'
    )
    (user.folder / "wheelyard.toml").write_text(recipe)
    ran = user.build("quiet")
    assert ran.row("quiet==1.0")["ending"] == "failed"
    assert "h.invalid/a.zip" in ran.out
    assert "hush" not in ran.out + ran.err
