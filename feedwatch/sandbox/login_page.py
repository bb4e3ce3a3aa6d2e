"""The login page: one form that works without a script, with a keyboard, and in the dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from feedwatch.sandbox.world import Account

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1b1a; --paper: #faf8f5; --card: #ffffff; --line: #8a8580;
  --soft: #5a5652; --key: #8b1a1a; --on-key: #ffffff; --bad: #a11212; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eeebe7; --paper: #171615; --card: #232120; --line: #8d8781; --soft: #b9b3ac;
    --key: #f0a8a0; --on-key: #2a0b08; --bad: #ffb4ab; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 100vh; }
main { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 2rem; width: 100%; max-width: 26rem; }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25; }
p { margin: 0 0 1rem; } .soft { color: var(--soft); }
label { display: block; margin: 0 0 1rem; } label > span { display: block; font-weight: 600; }
input[type=text], input[type=password] { width: 100%; padding: .6rem .7rem; font: inherit;
  color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; }
input[type=checkbox] { width: 1.15rem; height: 1.15rem; margin-right: .5rem; vertical-align: -.2rem; }
button { font: inherit; font-weight: 600; padding: .65rem 1.1rem; min-height: 2.75rem; border-radius: .4rem;
  border: 1px solid var(--line); background: transparent; color: inherit; cursor: pointer; }
button.key { background: var(--key); color: var(--on-key); border-color: var(--key); }
:focus-visible { outline: 3px solid var(--key); outline-offset: 2px; }
.answers { display: flex; flex-wrap: wrap; gap: .75rem; }
.problem { color: var(--bad); font-weight: 600; border-left: 4px solid; padding-left: .75rem; }
code { font: 1em ui-monospace, monospace; overflow-wrap: anywhere; }
.code { display: block; font-size: 1.8rem; letter-spacing: .12em; user-select: all; margin: 0 0 1rem; }
"""


def write_form(account: Account, carried: Mapping[str, str], problem: str = "", name: str = "") -> str:
    """The page that asks; `carried` comes back with the answer, `problem` says what was wrong before."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">'
        for key, value in carried.items()
    )
    said = f'<p class="problem" role="alert" id="problem">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="problem"' if problem else ""
    who = escape(account.application_name)
    return _write_page(
        f"Sign in for {account.application_name}",
        f"""<h1>Let “{who}” in?</h1>
<p>It will see what {escape(account.first_name)} has queued, watched and rated, and can change it.</p>
{said}<form method="post" action="/oauth/login">{hidden}
<p class="soft">This is the sandbox: sign in as <code>{escape(account.login_name)}</code> with the password
<code>{escape(account.password)}</code>.</p>
<label><span>Name</span><input type="text" name="name" value="{escape(name)}" autocomplete="username"
 autocapitalize="none" spellcheck="false" required autofocus{described}></label>
<label><span>Password</span><input type="password" name="password" autocomplete="current-password"
 required{described}></label>
<label><input type="checkbox" name="accept_tos" value="TRUE" required>I accept the terms of use</label>
<div class="answers"><button class="key" name="answer" value="yes">Yes, let it in</button>
<button name="answer" value="no" formnovalidate>No</button></div></form>""",
    )


def write_end(said: str, *, code: str | None = None, done: bool = False) -> str:
    """The last page, of a sign-in that is over; `code` is what the application asks for."""
    if code is not None:
        more = (
            "<p>The application asks for this code:</p>"
            f'<p><code class="code" id="code">{escape(code)}</code></p>'
            '<p class="soft">Copy it there. You can close this window then.</p>'
        )
    elif done:
        more = "<p>You can close this window and go back to the application.</p>"
    else:
        more = "<p>Begin again in the application: such an address serves one sign-in, and not for long.</p>"
    role = "status" if done else "alert"
    return _write_page(said, f'<div role="{role}"><h1>{escape(said)}</h1>{more}</div>')


def _write_page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>{body}</main></body></html>\n"
    )
