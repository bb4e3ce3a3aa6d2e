"""The sandbox's verifier against what RFC 5849 and OAuth Core 1.0 have published."""

from __future__ import annotations

import pytest

from feedwatch.sandbox.oauth import (
    Nonces,
    SignatureRefused,
    base_string,
    base_uri,
    encode,
    read_authorization,
    read_form,
    sign_hmac_sha1,
    verify_request,
)

PRINTER, PRINTER_SECRET = "dpf43f3p2l4k3l03", "kd94hf93k423kf44"
PHOTOS = "http://photos.example.net/photos?file=vacation.jpg&size=original"
REQUEST = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
REQUEST_HEADER = """OAuth realm="Example",
    oauth_consumer_key="9djdj82h48djs9d2",
    oauth_token="kkk9d7dh3k39sjv7",
    oauth_signature_method="HMAC-SHA1",
    oauth_timestamp="137131201",
    oauth_nonce="7d8f3e4a",
    oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"
"""
REQUEST_PARAMETERS = [
    *read_form("b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
    *read_authorization(REQUEST_HEADER),
    *read_form("c2&a3=2+q"),
]


def header(**said: str) -> str:
    return "OAuth " + ", ".join(f'{name}="{encode(value)}"' for name, value in said.items())


PHOTOS_HEADER = header(
    realm="Photos",
    oauth_consumer_key=PRINTER,
    oauth_token="nnch734d00sl2jdk",
    oauth_signature_method="HMAC-SHA1",
    oauth_timestamp="137131202",
    oauth_nonce="chapoH",
    oauth_signature="MdpQcU8iPSUjWoN/UDMsK2sui9I=",
)
SECRETS = {(PRINTER, "nnch734d00sl2jdk"): (PRINTER_SECRET, "pfkkdhi9sl3r4s00")}


def verify(authorization: str = PHOTOS_HEADER, url: str = PHOTOS, **other: object) -> str:
    nonces = other.get("nonces", Nonces())
    assert isinstance(nonces, Nonces)
    return verify_request("GET", url, authorization, SECRETS, nonces, float(str(other.get("now", 137131202))))


@pytest.mark.parametrize(
    ("method", "url", "said", "token_secret", "signature"),
    [
        (
            "POST",
            "https://photos.example.net/initiate",
            {
                "oauth_timestamp": "137131200",
                "oauth_nonce": "wIjqoS",
                "oauth_callback": "http://printer.example.com/ready",
            },
            "",
            "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
        ),
        (
            "POST",
            "https://photos.example.net/token",
            {
                "oauth_token": "hh5s93j4hdidpola",
                "oauth_timestamp": "137131201",
                "oauth_nonce": "walatlh",
                "oauth_verifier": "hfdp7dh39dks9884",
            },
            "hdhd0244k9j7ao03",
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
        ),
        (
            "GET",
            PHOTOS,
            {
                "file": "vacation.jpg",
                "size": "original",
                "oauth_token": "nnch734d00sl2jdk",
                "oauth_timestamp": "137131202",
                "oauth_nonce": "chapoH",
            },
            "pfkkdhi9sl3r4s00",
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
        (
            "GET",
            PHOTOS,
            {
                "file": "vacation.jpg",
                "size": "original",
                "oauth_token": "nnch734d00sl2jdk",
                "oauth_timestamp": "1191242096",
                "oauth_nonce": "kllo9940pd9333jh",
                "oauth_version": "1.0",
            },
            "pfkkdhi9sl3r4s00",
            "tR3+Ty81lMeYAr/Fid0kMTYa/WM=",
        ),
    ],
    ids=["RFC 1.2 initiate", "RFC 1.2 token", "RFC 1.2 photos", "OAuth Core 1.0 appendix"],
)
def test_published_signature_comes_out(
    method: str, url: str, said: dict[str, str], token_secret: str, signature: str
) -> None:
    """Each published example gives its published signature."""
    fixed = {"oauth_consumer_key": PRINTER, "oauth_signature_method": "HMAC-SHA1"}
    parameters = [*fixed.items(), *said.items()]
    assert sign_hmac_sha1(base_string(method, url, parameters), PRINTER_SECRET, token_secret) == signature


def test_parameters_are_collected_from_all_three_places() -> None:
    """Query, header (without realm) and form body give the pairs of section 3.4.1.3.1."""
    assert sorted(REQUEST_PARAMETERS) == sorted(
        [
            ("b5", "=%3D"),
            ("a3", "a"),
            ("c@", ""),
            ("a2", "r b"),
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
            ("oauth_signature", "bYT5CMsGcbgUdFHObYMEfcx6bsw="),
            ("c2", ""),
            ("a3", "2 q"),
        ]
    )


def test_base_string_is_the_published_one() -> None:
    """Section 3.4.1.1: method, address and sorted parameters, encoded and joined."""
    assert base_string("post", REQUEST, REQUEST_PARAMETERS) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c"
        "%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_m"
        "ethod%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_signature_of_the_base_string_is_that_of_the_erratum() -> None:
    """The signature printed in the RFC's 3.4.1 is of a GET; for its POST, erratum 2550 has this one."""
    secrets = ("j49sk3j29djd", "dh893hdasih9")
    base = base_string("POST", REQUEST, REQUEST_PARAMETERS)
    assert sign_hmac_sha1(base, *secrets) == "r6/TJjbCOr97/+UU0NsvSne7s5g="


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("HTTP://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("https://example.net:443", "https://example.net/"),
        ("http://example.net:443/a", "http://example.net:443/a"),
    ],
)
def test_address_is_normalised_as_published(url: str, uri: str) -> None:
    """Section 3.4.1.2: lower case where it does not count, no default port, no query."""
    assert base_uri(url) == uri


@pytest.mark.parametrize(("text", "encoded"), [("a b~*", "a%20b~%2A"), ("☃", "%E2%98%83"), ("a+b", "a%2Bb")])
def test_text_is_encoded_as_published(text: str, encoded: str) -> None:
    """Section 3.6: unreserved characters stay, all others are escaped by byte, in upper case."""
    assert encode(text) == encoded


def test_published_call_is_verified() -> None:
    """The RFC's own signed request is accepted, and tells whose it is."""
    assert verify() == "nnch734d00sl2jdk"


@pytest.mark.parametrize(
    ("authorization", "url", "message"),
    [
        (PHOTOS_HEADER, PHOTOS.replace("original", "thumb"), "Invalid signature"),
        (PHOTOS_HEADER, PHOTOS + "&more=1", "Invalid signature"),
        (PHOTOS_HEADER, PHOTOS.replace("photos.example.net", "photos.example.org"), "Invalid signature"),
        (PHOTOS_HEADER.replace("chapoH", "chapoI"), PHOTOS, "Invalid signature"),
        (PHOTOS_HEADER.replace("MdpQ", "MdpR"), PHOTOS, "Invalid signature"),
        (PHOTOS_HEADER.replace("HMAC-SHA1", "PLAINTEXT"), PHOTOS, "Invalid signature"),
        (PHOTOS_HEADER + ', oauth_version="2.0"', PHOTOS, "Invalid signature"),
        (PHOTOS_HEADER + ', oauth_nonce="chapoH"', PHOTOS, "Invalid signature"),
        (PHOTOS_HEADER.replace("nnch734", "nnch735"), PHOTOS, "Access token is invalid"),
        (PHOTOS_HEADER.replace(PRINTER, "somebody"), PHOTOS, "Access token is invalid"),
        (PHOTOS_HEADER.replace("oauth_consumer_key", "consumer"), PHOTOS, "Missing Required Consumer Key"),
        (PHOTOS_HEADER.replace("OAuth ", "Bearer "), PHOTOS, "Missing Required Consumer Key"),
        ("", PHOTOS, "Missing Required Consumer Key"),
    ],
    ids=[
        "another parameter's value",
        "a parameter more",
        "another host",
        "another nonce",
        "another signature",
        "another method of signing",
        "another version",
        "a parameter twice",
        "an unknown token",
        "an unknown consumer",
        "no consumer",
        "another scheme",
        "nothing",
    ],
)
def test_tampered_call_is_refused(authorization: str, url: str, message: str) -> None:
    """Whatever is changed of a signed call, it is refused in the API's words."""
    with pytest.raises(SignatureRefused, match=message):
        verify(authorization, url)


def test_replayed_call_is_refused() -> None:
    """A nonce is taken once at its timestamp, and no timestamp before the last."""
    nonces = Nonces()
    verify(nonces=nonces)
    with pytest.raises(SignatureRefused, match="Access token validation failed"):
        verify(nonces=nonces)
    assert nonces.accept("nnch734d00sl2jdk", 137131203, "another")
    with pytest.raises(SignatureRefused, match="Access token validation failed"):
        verify(nonces=nonces)


@pytest.mark.parametrize("now", [137131202 + 301, 137131202 - 301])
def test_expired_or_future_call_is_refused(now: int) -> None:
    """A timestamp more than five minutes off is not accepted, however well it is signed."""
    with pytest.raises(SignatureRefused, match="Expired"):
        verify(now=now)


@pytest.mark.parametrize("timestamp", ["", "²", "-137131202", "1" * 5000, "137131202.0"])
def test_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    """What is no timestamp is refused like an expired one, and breaks nothing."""
    said = dict(read_authorization(PHOTOS_HEADER)) | {"oauth_timestamp": timestamp}
    parameters = [*read_form("file=vacation.jpg&size=original"), *said.items()]
    base = base_string("GET", PHOTOS, parameters)
    said["oauth_signature"] = sign_hmac_sha1(base, PRINTER_SECRET, "pfkkdhi9sl3r4s00")
    with pytest.raises(SignatureRefused, match="Expired"):
        verify(header(**said))
