"""Whether a configuration can be used: what reading it could not find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from feedwatch.config import Config
from feedwatch.errors import ConfigError, Problem, StoreError
from feedwatch.notify import Notifier, check_secret, stamp_addresses
from feedwatch.scribe import TemplateProblem, compile_templates
from feedwatch.store import Store


def verify(config: Config, notifier: Notifier, checked: str | None = None) -> str:
    """Find missing secrets, targets and templates that are none; returns a stamp of the addresses.

    With `checked` those of that stamp are known to be fine, and Apprise is not loaded only to check them.

    Raises:
        ConfigError: with all of it at once.
    """
    _, faults = compile_templates(config.templates)
    problems = [*config.verify_secrets(), *(place_fault(config, fault) for fault in faults)]
    if problems:
        raise ConfigError(problems)
    stamp = stamp_addresses(url.reveal() for target in config.targets.values() for url in target.urls)
    problems += _find_bad_secrets(config)
    if stamp != checked:
        problems += _find_bad_addresses(config, notifier)
    if problems:
        raise ConfigError(problems)
    return stamp


def recall_checked(state: Path) -> str | None:
    """The stamp of the addresses that were fine when this state was last opened; None if it is not known.

    It is only looked at: with a configuration that cannot be used, a state is neither made nor migrated.
    """
    try:
        with closing(Store.open_read_only(state)) as store:
            return store.checked_addresses()
    except StoreError:  # whoever opens it to write says what is wrong with it
        return None


def place_fault(config: Config, fault: TemplateProblem) -> Problem:
    """A fault of a template, as a problem of the configuration."""
    return config.problem(("templates", fault.name, *fault.path), fault.message)


def _find_bad_addresses(config: Config, notifier: Notifier) -> Iterator[Problem]:
    for name, target in config.targets.items():
        for index, url in enumerate(target.urls):
            if problem := notifier.check_address(url.reveal()):
                yield config.problem(("targets", name), f"address {index + 1}: {problem}")


def _find_bad_secrets(config: Config) -> Iterator[Problem]:
    for name, target in config.targets.items():
        if target.secret is not None and (problem := check_secret(target.secret.reveal())):
            yield config.problem(("targets", name, "secret"), problem)
