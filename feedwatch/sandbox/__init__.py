"""A server that speaks this part of the Netflix API 1.5: for the demo, for tests, for trying things out."""

from feedwatch.sandbox.app import FAULTS, Sandbox, create_app
from feedwatch.sandbox.serving import run_sandbox, sample_config, serving
from feedwatch.sandbox.world import OrderRefused, World

__all__ = [
    "FAULTS",
    "OrderRefused",
    "Sandbox",
    "World",
    "create_app",
    "run_sandbox",
    "sample_config",
    "serving",
]
