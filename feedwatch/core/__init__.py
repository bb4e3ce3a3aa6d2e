"""The pure heart: data and functions. No library, clock, randomness, log or I/O enters here."""
