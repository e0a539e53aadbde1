"""PDM Desktop: which machine is likely to fail next, and why, without a network."""

__version__ = "0.1.0"
