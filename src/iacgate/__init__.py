"""iacgate: decide, before anything is provisioned, whether a change to infrastructure may go ahead."""

__version__ = "0.1.0"
