"""Endpoints as the settings name them, and the secrets that sign for them."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal_plugin.domain.webhooks import NAMES, Secret, key_of, new_secret, read_endpoint

URL = "https://records.example.org/hooks"
NOW = datetime(2026, 12, 7, 12, tzinfo=UTC)


def secret(length: int) -> str:
    return "whsec_" + base64.b64encode(bytes(length)).decode()


def test_an_endpoint_hears_of_everything_in_thin_bodies_unless_it_says_otherwise():
    plain = read_endpoint({"url": URL, "secret": secret(32)}, private=False)

    assert (plain.url, plain.key, plain.events, plain.full) == (URL, key_of(URL), NAMES, False)
    assert plain == read_endpoint({"url": URL, "secret": secret(32), "body": "thin"}, private=False)

    chosen = {"events": ["appointment.expired"], "body": "full"}
    some = read_endpoint({"url": URL, "secret": secret(32)} | chosen, private=False)
    assert (some.events, some.full) == ({"appointment.expired"}, True)
    assert [name for name in sorted(NAMES) if some.hears(name)] == ["appointment.expired"]


def test_a_disabled_endpoint_hears_nothing():
    plain = read_endpoint({"url": URL, "secret": secret(32)}, private=False)

    assert all(plain.hears(name) for name in NAMES)
    assert not any(replace(plain, disabled=NOW).hears(name) for name in NAMES)


def test_the_same_address_has_the_same_key_which_does_not_say_it():
    assert key_of(URL) == key_of(URL) != key_of(f"{URL}/")
    assert len(key_of(URL)) == 12


def test_plain_http_is_for_the_network_inside():
    inside = {"url": "http://10.0.0.7/hooks", "secret": secret(32)}

    assert read_endpoint(inside, private=True).url == "http://10.0.0.7/hooks"
    with pytest.raises(ValueError, match=r"^url must begin with https:// unless PORTAL_PRIVATE_ADDRESSES is True$"):
        read_endpoint(inside, private=False)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_of_24_to_64_bytes_signs_with_them(length):
    for entry in ({"secret": secret(length)}, {"secrets": [secret(length)]}, {"secrets": (secret(length),)}):
        (kept,) = read_endpoint({"url": URL} | entry, private=False).secrets
        assert kept.key == bytes(length)


@pytest.mark.parametrize(
    "text",
    [
        secret(0),
        secret(23),
        secret(65),
        secret(32).removeprefix("whsec_"),
        secret(32)[:-1],
        secret(32).replace("A", "é"),
        secret(32) + "\n",
        None,
        7,
    ],
)
def test_what_is_no_secret_of_24_to_64_bytes_is_refused(text):
    for secrets in ([text], [secret(32), text]):
        with pytest.raises(ValueError, match=r'^a secret must be "whsec_" and the base64 of 24 to 64 random bytes$'):
            read_endpoint({"url": URL, "secrets": secrets}, private=False)


def test_a_new_secret_is_one_that_the_settings_take_and_no_other():
    made = {new_secret() for _ in range(20)}

    assert len(made) == 20
    for text in made:
        (kept,) = read_endpoint({"url": URL, "secret": text}, private=False).secrets
        assert len(kept.key) == 32


def test_a_replaced_secret_signs_until_its_moment():
    newest, replaced = Secret(secret(32)), Secret(secret(24), until=NOW)
    endpoint = replace(read_endpoint({"url": URL, "secret": secret(32)}, private=False), secrets=(newest, replaced))

    assert endpoint.valid_secrets(NOW - timedelta(seconds=1)) == [newest, replaced]
    assert endpoint.valid_secrets(NOW) == [newest]


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"url": "records.example.org"}, 'url must be a whole address, such as "https://records.example.org/hooks"'),
        ({"url": None}, 'url must be a whole address, such as "https://records.example.org/hooks"'),
        ({"body": "fat"}, 'body must be "thin" or "full"'),
        ({"retry": 1, "tries": 2}, "retry is not known: write url, secret (or secrets, a list), events, body"),
        ({"secrets": [secret(32)]}, "write secret, or secrets as a list with the newest first, and not both"),
        ({"events": ["requested"]}, f"events holds 'requested', which is none of {', '.join(sorted(NAMES))}"),
        ({"events": "all"}, f"events must be a list of some of {', '.join(sorted(NAMES))}; leave it out for all"),
        ({"events": []}, f"events must be a list of some of {', '.join(sorted(NAMES))}; leave it out for all"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_write(changed, advice):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        read_endpoint({"url": URL, "secret": secret(32)} | changed, private=False)

    assert str(refused.value) == advice


def test_an_entry_that_is_no_dict_or_has_no_secret_is_told_what_to_write():
    with pytest.raises(ValueError, match=r"^write a dict with url, secret, and perhaps events and body$"):
        read_endpoint(URL, private=False)
    for entry in ({}, {"secrets": []}, {"secrets": secret(32)}, {"secrets": None}):
        with pytest.raises(ValueError, match=r"^write secret, or secrets as a list"):
            read_endpoint({"url": URL} | entry, private=False)
