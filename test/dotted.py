"""Settings as keywords in tests: `run__seed=3` stands for `run.seed`."""


def dotted(**settings: object) -> dict[str, object]:
    """Return settings by the names of their parameters."""
    return {name.replace("__", "."): value for name, value in settings.items()}
