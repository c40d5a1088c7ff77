"""The console on which every verb prints."""

from rich.console import Console


def plain_console(
    *, stderr: bool = False, quiet: bool = False, soft_wrap: bool = False
) -> Console:
    """Return a console that prints a text as it is: `[a]` and `:b:` in a path are characters.

    Args:
        stderr: prints there.
        quiet: prints nothing.
        soft_wrap: leaves it to the terminal to break long lines.
    """
    return Console(
        stderr=stderr, quiet=quiet, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
    )
