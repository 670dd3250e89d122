"""Addresses of mail and of the web, as people type them."""

import pytest

from portal_plugin.domain.addresses import is_web_address, read_mail_address

LABEL = "d" * 63


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  ada@example.org ", "ada@example.org"),
        ("Ada.O'Neil+portal@sub.example.co.uk", "Ada.O'Neil+portal@sub.example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
        (f"ada@{LABEL}.org", f"ada@{LABEL}.org"),
    ],
)
def test_a_mail_address_is_kept_with_its_domain_as_mail_servers_write_it(typed, kept):
    assert read_mail_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@example..org",
        "ada@-example.org",
        "ada@eve@example.org",
        "ada, eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\r\nBcc: eve@example.org",
        "\tada@example.org",
        "аda@example.org",  # a Cyrillic a
        f"{'a' * 65}@example.org",
        f"ada@{LABEL}d.org",
        f"ada@{'d.' * 130}org",
    ],
)
def test_what_is_no_mail_address_is_none(typed):
    assert read_mail_address(typed) == ""


def test_a_mail_address_has_at_most_254_characters_as_it_is_sent():
    """RFC 5321, section 4.5.3.1.3: a path of 256 with its brackets."""
    longest = f"{'a' * 64}@{LABEL}.{LABEL}.{'d' * 57}.org"
    assert len(longest) == 254
    assert read_mail_address(longest) == longest
    assert read_mail_address(longest.replace(".org", "d.org")) == ""

    typed = f"{'a' * 64}@{'bücher.' * 26}org"
    assert len(typed) < 254
    assert read_mail_address(typed) == "", "as it is sent it is longer"


@pytest.mark.parametrize(
    "url",
    ["https://example.org", "http://example.org:8080/hooks?id=1", "https://[2001:db8::1]/", "https://example.org:1/"],
)
def test_a_whole_web_address_is_one(url):
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org",
        "https://",
        "https:///hooks",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://ada:secret@example.org",
        "https://example.org/#top",
        "https://example.org/a b",
        "https://example.org/\x7f",
        "https://example.org/\x00",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:https/",
        "https://[2001:db8::1/",
    ],
)
def test_what_is_no_whole_web_address_is_none(url):
    assert not is_web_address(url)
