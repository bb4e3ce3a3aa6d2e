"""A server that speaks this part of the Netflix API 1.5: for the demo, for tests, for trying things out."""

from feedwatch.sandbox.app import Sandbox, create_app
from feedwatch.sandbox.control import ORDERS
from feedwatch.sandbox.faults import FAULTS
from feedwatch.sandbox.serving import run_sandbox, sample_config, serving
from feedwatch.sandbox.world import OrderRefused, World

__all__ = [
    "FAULTS",
    "ORDERS",
    "OrderRefused",
    "Sandbox",
    "World",
    "create_app",
    "run_sandbox",
    "sample_config",
    "serving",
]
