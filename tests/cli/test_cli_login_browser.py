"""`feedwatch login` as most people do it: in a browser, by clicking through the login page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import PATIENCE, chromium
from logins import logging_in, take_tokens_out
from running import Place, at_sandbox
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

WITH_AND_WITHOUT_VERIFIER = pytest.mark.parametrize(
    "verifier", [False, True], ids=["OAuth 1.0", "OAuth 1.0a"]
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The sandbox, and an account there that nobody has signed in; pages are opened by way of a file."""
    script = tmp_path / "browser"
    script.write_text('#!/bin/sh\necho "$1" > "$HOME/opened"\n')
    script.chmod(0o700)
    os.mkfifo(tmp_path / "opened")
    with at_sandbox(tmp_path) as place:
        take_tokens_out(place.config)
        place.env["BROWSER"] = f"{script} %s"
        yield place


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with chromium(tmp_path / "browsing") as browser:
        yield browser


def heading(browser: Chrome) -> str:
    # Found and read in one step: between two, a page may give way to the next.
    return str(browser.execute_script("return document.querySelector('h1')?.innerText ?? ''"))


def fill_in(browser: Chrome, place: Place) -> None:
    """Say who it is, and accept the terms, with mouse and keyboard."""
    account = place.world.account
    assert account.application_name in heading(browser)
    browser.find_element(By.NAME, "name").send_keys(account.login_name)
    browser.find_element(By.NAME, "password").send_keys(account.password)
    browser.find_element(By.NAME, "accept_tos").click()


def waiting(browser: Chrome) -> WebDriverWait[Chrome]:
    """Look again and again; what has just given way to the next page is looked for in that."""
    return WebDriverWait(browser, PATIENCE, ignored_exceptions=(StaleElementReferenceException,))


def wait_for_heading(browser: Chrome, text: str) -> None:
    waiting(browser).until(lambda browser: heading(browser) == text)


@WITH_AND_WITHOUT_VERIFIER
def test_signing_in_by_clicking(place: Place, browser: Chrome, verifier: bool) -> None:  # noqa: FBT001
    """The page that opens is filled in, and leads back: the browser is thanked, and the lists are found."""
    place.world.switches.verifier = verifier
    with logging_in(place) as login:
        browser.get((place.folder / "opened").read_text().strip())
        fill_in(browser, place)
        browser.find_element(By.CSS_SELECTOR, "button[value=yes]").click()
        wait_for_heading(browser, "Thank you")
        ran = login.end()
    assert (ran.status, ran.err) == (0, "")
    assert "jane is signed in as Jane Sandbox." in ran.out
    assert "You can close this window" in browser.find_element(By.TAG_NAME, "main").text
    assert place.run("poll").status == 0


@pytest.mark.thorough
def test_mistyped_password_is_asked_again_and_the_keyboard_is_enough(place: Place, browser: Chrome) -> None:
    """The page asks again after a slip, and the sign-in still counts; no mouse is needed."""
    with logging_in(place) as login:
        browser.get((place.folder / "opened").read_text().strip())
        fill_in(browser, place)
        browser.find_element(By.NAME, "password").send_keys("x", Keys.ENTER)
        waiting(browser).until(lambda browser: browser.find_elements(By.ID, "problem"))
        account = place.world.account
        browser.find_element(By.NAME, "password").send_keys(account.password)
        browser.find_element(By.NAME, "accept_tos").send_keys(Keys.SPACE)
        browser.find_element(By.NAME, "password").send_keys(Keys.ENTER)
        wait_for_heading(browser, "Thank you")
        assert login.end().status == 0


@pytest.mark.thorough
def test_refusing_by_clicking(place: Place, browser: Chrome) -> None:
    """Who clicks no is sent back, told so, and nothing is kept."""
    with logging_in(place) as login:
        browser.get((place.folder / "opened").read_text().strip())
        browser.find_element(By.CSS_SELECTOR, "button[value=no]").click()
        wait_for_heading(browser, "Refused")
        ran = login.end()
    assert ran.status == 1
    assert "it was refused on the login page" in ran.err
