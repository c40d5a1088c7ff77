"""The version of this package; `package.xml` and `setup.py` have the same."""

__version__ = "0.1.0"
