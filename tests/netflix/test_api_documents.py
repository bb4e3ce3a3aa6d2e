"""Documents read liberally: what is said in other places and other words than the reference has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedwatch.core.model import ParseFailed, Reason
from feedwatch.netflix import documents, own_documents, parts
from feedwatch.netflix.refs import find_path, is_title_ref, key_of_title
from feedwatch.netflix.replies import Award, FormatAvailability, Language, TitleState
from feedwatch.netflix.tree import Node, read_tree

API = "http://api.netflix.com"
FILM = f"{API}/catalog/titles/movies/60001"
OTHER = f"{API}/catalog/titles/movies/60002"


def read(text: str) -> Node:
    root = read_tree(text.encode())
    assert not isinstance(root, ParseFailed), root
    return root


def category(scheme: str, label: str, inside: str = "") -> str:
    return f'<category scheme="{API}/categories/{scheme}" label="{label}" term="{label}">{inside}</category>'


def title_link(href: str, rel: str = "http://schemas.netflix.com/id") -> str:
    return f'<link href="{href}" rel="{rel}" title="title"/>'


# ── titles ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rel", ["http://schemas.netflix.com/id", "http://schemas.netflix.com/catalog/title"])
def test_entry_is_about_the_title_that_it_links_to(rel: str) -> None:
    """Either relation is the title's; links to its parts, which come first here, are not."""
    item = own_documents.read_queue_item(
        read(
            f"<queue_item><id>{API}/users/x/queues/instant/available/3/60001</id>"
            f'<link href="{FILM}/synopsis" rel="http://schemas.netflix.com/catalog/titles/synopsis"/>'
            f'{title_link(FILM, rel)}<title regular="A &amp; B"/></queue_item>'
        )
    )
    assert item is not None
    assert (item.title.ref, item.title.name, item.position) == (FILM, "A & B", 3)


def test_entry_has_its_own_availability_and_not_that_of_a_disc_beside_it() -> None:
    """What stands within the state of another queue says nothing of this one."""
    item = own_documents.read_queue_item(
        read(
            f"<queue_item><id>x</id><title_state><title_state_item>"
            f"{category('queue_availability', 'very long wait')}</title_state_item></title_state>"
            f"{category('queue_availability', 'available_now')}{title_link(FILM)}</queue_item>"
        )
    )
    assert item is not None
    assert item.availability == "available now"


def test_saved_entry_has_no_place_whatever_it_says() -> None:
    """An entry below `saved` waits, and has no position."""
    item = own_documents.read_queue_item(
        read(
            f"<queue_item><id>{API}/users/x/queues/instant/saved/60001</id><position>5</position>"
            f"{title_link(FILM)}</queue_item>"
        )
    )
    assert item is not None
    assert (item.saved, item.position) == (True, None)


@pytest.mark.parametrize(
    ("given_rating", "expected"),
    [
        ("<user_rating>3.0</user_rating>", "3"),
        ("<user_rating>not_interested</user_rating>", "not_interested"),
        ('<user_rating value="not_interested"/>', "not_interested"),
        ("<user_rating/>", None),
        ("", None),
    ],
)
def test_rating_is_a_number_or_a_word_in_either_place(given_rating: str, expected: str | None) -> None:
    """As text or as an attribute; none is None."""
    rating = own_documents.read_title_rating(
        read(f"<ratings_item>{given_rating}<id>x</id>{title_link(FILM)}</ratings_item>")
    )
    assert rating is not None
    assert rating.rating == expected


def test_title_says_what_it_is_in_json_with_one_child_or_several() -> None:
    """One link is an object, several are a list, a number is a text or a number: the same title."""
    links = [
        {"href": FILM + "/cast", "rel": "http://schemas.netflix.com/catalog/people.cast", "title": "cast"}
    ]
    title = {
        "id": FILM,
        "title": {"short": "A", "regular": "A & B"},
        "release_year": "1999",
        "runtime": 5400,
        "link": links,
    }
    several = read(json.dumps({"catalog_title": title}))
    one = read(json.dumps({"catalog_title": {**title, "link": links[0], "release_year": 1999}}))
    found = documents.read_title(several)
    assert found is not None
    assert found == documents.read_title(one)
    assert (found.name, found.year, found.runtime) == ("A & B", 1999, timedelta(minutes=90))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1219775019", datetime(2008, 8, 26, 18, 23, 39, tzinfo=UTC)),
        ("2008-08-26T18:23:39Z", datetime(2008, 8, 26, 18, 23, 39, tzinfo=UTC)),
        ("2008-08-26T20:23:39+02:00", datetime(2008, 8, 26, 18, 23, 39, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("99999999999", datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        ("9" * 30, None),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("202601011200000", None),
    ],
)
def test_instant_is_in_seconds_or_as_atom_has_it(text: str, expected: datetime | None) -> None:
    """Both forms that the reference names; what is none is None."""
    assert documents.read_instant(text) == expected


def test_biography_is_text_without_its_markup() -> None:
    """Paragraphs stand apart, tags are gone, and what was escaped is what it stands for."""
    person = documents.read_person(
        read(
            f"<person><id>{API}/catalog/people/1</id><name>P</name>"
            "<bio><![CDATA[Born in <b>Rome</b>.<p>Died &amp; buried.]]></bio>"
            f'<link href="{API}/catalog/people/1/filmography" '
            'rel="http://schemas.netflix.com/catlog/person/filmography" title="f"/></person>'
        )
    )
    assert person is not None
    assert person.biography == "Born in Rome. Died & buried."
    assert person.links[0].relation == "filmography"


# ── how a subscriber stands to titles ─────────────────────────────────────────────────────────────


def state(*labels: str, inside: str = "") -> str:
    return inside + "".join(category("title_states", label) for label in labels)


STATES = {
    "as the reference has it": (
        f"<title_states>{title_link(FILM)}<title_state>{state('play')}</title_state></title_states>"
    ),
    "as it was seen": (
        f"<title_states><title_state>{title_link(FILM, 'http://schemas.netflix.com/catalog/title')}"
        f"<title_state_item>{state('Play')}</title_state_item></title_state></title_states>"
    ),
}


@pytest.mark.parametrize("text", STATES.values(), ids=STATES)
def test_state_is_of_the_title_within_or_before_it(text: str) -> None:
    """In either dialect: the film can be played, and is not queued."""
    assert own_documents.read_title_states(read(text)) == (TitleState(FILM, playable=True),)


def test_states_of_several_titles_keep_to_their_own() -> None:
    """Several states after one title are its own; the next title begins anew."""
    text = (
        f"<title_states>{title_link(FILM)}<title_state>{state('in_queue')}</title_state>"
        f"<title_state>{state('play')}</title_state>{title_link(OTHER)}"
        f"<title_state>{state('Add')}</title_state></title_states>"
    )
    assert own_documents.read_title_states(read(text)) == (
        TitleState(FILM, queued=True, playable=True),
        TitleState(OTHER, addable=True),
    )


def test_label_without_end_is_not_gone_through() -> None:
    """A label longer than any that there is says nothing, and takes no time."""
    label = category("title_states", "in " * 20_000 + "queue")
    states = own_documents.read_title_states(
        read(f"<title_states><title_state>{title_link(FILM)}{label}</title_state></title_states>")
    )
    assert states == (TitleState(FILM),)


def test_states_in_json_go_in_pairs() -> None:
    """JSON has all links and then all states: the first state is of the first title."""
    found = own_documents.read_title_states(
        read(
            json.dumps(
                {
                    "title_states": {
                        "link": [{"href": FILM}, {"href": OTHER}],
                        "title_state": [
                            {"category": {"scheme": "x/title_states", "label": "In Instant Queue"}},
                            {"category": {"scheme": "x/title_states", "label": "Add"}},
                        ],
                    }
                }
            )
        )
    )
    assert found == (TitleState(FILM, queued=True), TitleState(OTHER, addable=True))


# ── a title's parts ───────────────────────────────────────────────────────────────────────────────


def test_award_has_its_winner() -> None:
    """Won or only nominated; with its year, its giver, and whose it is."""
    person = (
        f'<link href="{API}/catalog/people/7" rel="http://schemas.netflix.com/catalog/person" title="P"/>'
    )
    awards = parts.read_awards(
        read(
            f'<awards><award_winner year="1994">{category("awards_golden_lanterns", "Best Picture")}'
            f'</award_winner><award_nominee year="1995">{category("port_prizes", "Best Actor")}{person}'
            "</award_nominee></awards>"
        )
    )
    assert awards == (
        Award("golden lanterns", "Best Picture", 1994, won=True),
        Award("port prizes", "Best Actor", 1995, won=False, person="P"),
    )


def test_languages_have_their_sounds_within_or_beside_them() -> None:
    """Nested as later replies have it, or in rows; each language with its own sounds alone."""
    nested = category("languages", "English", category("audio", "Mono")) + category("languages", "French")
    rows = (
        f"<language>{category('languages', 'English')}<sound>{category('audio', 'Mono')}</sound></language>"
        f"<language>{category('languages', 'French')}</language>"
    )
    expected = (Language("English", ("Mono",), form="DVD"), Language("French", form="DVD"))
    for text in (category("title_formats", "DVD", nested), category("title_formats", "DVD") + rows):
        root = read(
            f"<languages_and_audio><languages_audio_format>{text}</languages_audio_format></languages_and_audio>"
        )
        assert parts.read_languages(root) == expected


def test_forms_within_forms_are_read_once() -> None:
    """Where forms stand within one another, a language is not read once for each of them."""
    form, deep = "languages_audio_format", 20
    inside = category("languages", "English") * 100
    nested = read(
        f"<languages_and_audio>{f'<{form}>' * deep}{inside}{f'</{form}>' * deep}</languages_and_audio>"
    )
    languages = parts.read_languages(nested)
    assert languages is not None
    assert len(languages) == 100


def test_availability_without_an_end_has_none() -> None:
    """From an instant on, until further notice."""
    root = read(
        f'<delivery_formats><availability available_from="1219775019">{category("title_formats", "instant")}'
        "</availability></delivery_formats>"
    )
    from_at = datetime(2008, 8, 26, 18, 23, 39, tzinfo=UTC)
    assert parts.read_format_availability(root) == (FormatAvailability("instant", from_at),)


# ── references ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (f"{API}/catalog/titles/70099480", "/catalog/titles/70099480"),
        ("https://api-public.netflix.com/users/T1a.b-_/queues?x=1#y", "/users/T1a.b-_/queues"),
        ("/catalog/titles/movies/1", "/catalog/titles/movies/1"),
        (f"{API}/catalog/../users/x", None),
        (f"{API}/oauth/access_token", None),
        ("http://[/catalog/titles/movies/1", None),
        ("catalog/titles/movies/1", None),
        ("//evil.example/catalog/titles/movies/1", "/catalog/titles/movies/1"),
        ("", None),
    ],
)
def test_reference_is_asked_for_by_its_path(ref: str, path: str | None) -> None:
    """Whatever host it names; what is nothing of the API's has no path to ask for."""
    assert find_path(ref) == path


@given(st.text(max_size=40) | st.sampled_from([FILM, f"{FILM}/cast", f"{FILM}?a=1", f"{FILM},{OTHER}"]))
def test_any_text_is_a_reference_or_none(text: str) -> None:
    """Law: no text breaks the reading of references, and a title's has the path of a title."""
    key_of_title(text)
    assert not is_title_ref(text) or (find_path(text) or "").startswith("/catalog/titles/")


# ── whatever comes ────────────────────────────────────────────────────────────────────────────────

READERS: list[Callable[[Node], object]] = [
    documents.read_title,
    documents.read_linked_title,
    documents.read_suggestion,
    documents.read_person,
    own_documents.read_user,
    own_documents.read_queue_item,
    own_documents.read_queue_change,
    own_documents.read_viewing,
    own_documents.read_title_rating,
    own_documents.read_rating_change,
    own_documents.read_title_states,
    parts.read_synopsis,
    parts.read_people,
    parts.read_awards,
    parts.read_format_availability,
    parts.read_screen_formats,
    parts.read_languages,
    parts.read_titles,
    parts.read_previews,
]
_ELEMENTS = """
status catalog_title title_states title_state title_state_item queue queue_item link category title box_art
awards award_winner delivery_formats availability languages_and_audio languages_audio_format people person
synopsis user user_rating id etag position updated watched_date viewed_time runtime release_year sub_code
number_of_results ratings previews screen_formats screen_format bio name
"""
_NAMES = st.sampled_from(_ELEMENTS.split())
_TEXTS = st.sampled_from(
    [
        FILM,
        f"{FILM}/cast",
        "1",
        "-1",
        "9" * 40,
        "00:00:26",
        "99:99:99",
        "9999-12-31T23:59:59-14:00",
        "http://[",
        "x/title_states",
        "play",
        "",
    ]
) | st.text(max_size=20)
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(["href", "rel", "title", "scheme", "label", "short", "value", "year", "available_from"]),
    _TEXTS,
)
NODES = st.recursive(
    st.builds(Node, _NAMES, _TEXTS, _ATTRIBUTES),
    lambda inner: st.builds(Node, _NAMES, _TEXTS, _ATTRIBUTES, st.lists(inner, max_size=5).map(tuple)),
    max_leaves=20,
)


@given(NODES)
def test_no_document_breaks_its_reader(root: Node) -> None:
    """Law: whatever well-formed document comes, it is read or it is not; nothing is raised."""
    for reader in READERS:
        reader(root)
    documents.read_listing(root, [root.name], ["link", "queue_item"], documents.read_title_or_link)


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_bytes_break_the_tree(body: bytes) -> None:
    """Law: any bytes are a tree or a failure."""
    read_tree(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"queue": {"a": [' + b"1," * 500_000 + b"1]}}", Reason.HOSTILE),
        (b'{"queue": {"a": [' + b"[]," * 300_000 + b"[]]}}", Reason.HOSTILE),
        (b'{"queue": "' + b"x" * 5_000_000 + b'"}', Reason.TOO_LARGE),
    ],
    ids=["numbers", "lists", "one text"],
)
def test_json_is_no_way_around_what_holds_for_xml(body: bytes, reason: Reason) -> None:
    """Ten megabytes of small values would take a gigabyte as a tree: it is not made."""
    found = read_tree(body)
    assert isinstance(found, ParseFailed)
    assert found.reason is reason
