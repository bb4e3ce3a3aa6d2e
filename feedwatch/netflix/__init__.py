"""The Netflix API 1.5 client: signing, addresses, the index of a user's feeds, status replies.

It makes no request itself: it says what to ask and understands what comes back.
"""
