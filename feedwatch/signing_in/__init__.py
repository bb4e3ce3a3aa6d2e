"""Signing in and out by hand: the login page, what comes back from it, and what is kept."""

from feedwatch.signing_in.flow import sign_in, sign_out

__all__ = ["sign_in", "sign_out"]
