"""What all tests share; ``tests/README.md`` says how they are arranged."""

pytest_plugins = [
    "tests.support.isolation",
    "tests.support.timeouts",
    "tests.support.golden",
    "tests.engines.plugin",
    "tests.engines.fixtures",
]
