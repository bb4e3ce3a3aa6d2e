"""feedwatch: knows what is on a person's lists and tells them when a list changes."""

__version__ = "0.1.0"
