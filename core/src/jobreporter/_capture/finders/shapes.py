"""Keys that are known by their shape, whatever they are called: those of clouds and services, tokens, private keys, hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jobreporter._capture.bounds import SHORTEST_KEY
from jobreporter._capture.finders.finding import Finding

# By what they begin with, and what has to follow. Services choose such prefixes for the sake of being recognised.
_KEYS: Final = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",  # Amazon
    r"bedrock-api-key-[A-Za-z0-9+/=]{20,}",
    r"gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}",
    r"gl(?:pat|dt|rt|ptt|soat|cbt|ft|oas|imt|agent)-[\w\-]{16,}",  # GitLab
    r"xox[abceoprs]-(?:\d-)?[\w\-]{10,}|xapp-\d-[\w\-]{10,}",  # Slack
    r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}",  # Stripe, Clerk
    r"sk-(?:proj-|svcacct-|admin-|ant-|or-v1-|lf-)?[A-Za-z0-9_\-]{18,}",  # OpenAI, Anthropic and others
    r"AIza[\w\-]{30,}|ya29\.[\w\-]{20,}|GOCSPX-[\w\-]{20,}|1//0[\w\-]{30,}",  # Google
    r"SG\.[\w\-]{16,}\.[\w\-]{16,}|SK[0-9a-f]{32}\b|key-[0-9a-f]{32}\b|xkeysib-[0-9a-f]{60,}-\w{10,}",  # mail
    r"npm_[A-Za-z0-9]{30,}|pypi-[\w\-]{40,}|rubygems_[0-9a-f]{40,}|dckr_(?:pat|oat)_[\w\-]{20,}|cio[A-Za-z0-9]{32}\b",
    r"do[opr]_v1_[0-9a-f]{40,}|hv[bsr]\.[\w\-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[\w\-=]{40,}|pscale_(?:tkn|pw|oauth)_[\w\-.=]{20,}",
    r"shp(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{20,}|sq0(?:atp|csp|idp)-[\w\-]{20,}|EAAA[\w\-]{50,}|access_token\$(?:production|sandbox)\$\w+\$\w{20,}",
    r"dapi[0-9a-f]{32}|lin_(?:api|oauth)_\w{30,}|(?:secret|ntn)_[A-Za-z0-9]{40,}|hf_[A-Za-z]{30,}|r8_[A-Za-z0-9]{30,}",
    r"gl(?:sa|c)_[\w=+/]{30,}|NR(?:AK|JS|II|BR)-[A-Za-z0-9\-]{20,}|sntr[ys]{1,2}[su]?_[\w=+/\-]{30,}|PMAK-[0-9a-f\-]{30,}|figd_[\w\-]{30,}",
    r"pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.]{30,}|AGE-SECRET-KEY-1[A-Z0-9]{40,}|tskey-\w+-\w+-\w{10,}",
    r"sb[pt]_[0-9a-f]{30,}|sb_secret_[\w\-]{20,}|re_[A-Za-z0-9]{6,}_[A-Za-z0-9]{16,}|phc?_[A-Za-z0-9]{40,}|eyJrIjoi[\w=+/]{40,}",
    r"HRKU-[\w\-]{30,}|v1\.0-[0-9a-f]{20,}-[0-9a-f]{100,}|sm[tp]_[A-Za-z0-9]{40,}|ATATT3[\w\-=]{40,}|ATCTT3[\w\-=]{40,}|ATBB[A-Za-z0-9]{28,}",
    r"live_[A-Za-z0-9]{30,}|fo1_[\w\-]{40,}|FlyV1[ ]fm\d_[\w+/=,]{40,}|nvapi-[\w\-]{40,}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}",
    r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|pcsk_\w{30,}|tvly-(?:dev-|prod-)?[A-Za-z0-9]{20,}|nfp_[A-Za-z0-9]{36,}|rnd_[A-Za-z0-9]{26,}|napi_[a-zA-Z0-9]{40,}",
    r"sq[apu]_[0-9a-f]{40}|snyk_\w{3,5}\.[\w.\-]{30,}|pul-[0-9a-f]{40}|ops_eyJ[\w\-]{40,}|sgp_(?:[0-9a-z]{5,20}_)?[0-9a-f]{40}|bkua_[0-9a-f]{40}|CCIPAT_\w{40,}",
    r"pdl_(?:live|sdbx)_apikey_\w{30,}|CFPAT-[\w\-]{40,}|tfp_[\w\-]{40,}|dt0[a-z]\d\d\.[A-Z0-9]{20,}\.[A-Z0-9]{40,}|hc[abx][cilm]k_[a-z0-9]{50,}|dbt[cu]_[\w\-]{35,}",
    r"pat-(?:na|eu)\d-[0-9a-f\-]{36}|FLWSECK(?:_TEST)?-[0-9a-zA-Z]{30,}-X|EZ[AT]K[a-zA-Z0-9]{54,}|(?:duffel|shippo)_(?:live|test)_[\w\-]{38,}|AKCp[A-Za-z0-9]{60,}",
    r"rzp_(?:live|test)_[A-Za-z0-9]{14,}|sl\.[A-Za-z]?[\w\-]{100,}|amzn\.mws\.[0-9a-f\-]{36}|[A-Za-z0-9_~.\-]{3}8Q~[\w~.\-]{31,34}",
)
# Tokens that say what they are: JSON in base64, signed or encrypted.
_TOKENS: Final = (
    r"eyJ[\w\-]{8,}={0,2}\.(?:[\w\-]{4,}|(?=\.))(?:\.[\w\-]*){0,3}",
    r"v[1-4]\.(?:local|public)\.[\w\-]{30,}",
    # A private key in PEM, in base64: that of a certificate begins differently.
    r"LS0tLS1CRUdJTiB(?:QUklWQVRF|SU0EgUFJJV|EU0EgUFJJV|FQyBQUklWQ|PUEVOU1NI|FTkNSWVBU)[\w+/]{20,}={0,2}",
)
# Passwords as they are stored.
_HASHES: Final = (
    r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}",
    r"\$argon2(?:id|i|d)\$v=\d+\$[\w=,]{1,60}\$[\w+/]{8,}\$[\w+/]{16,}",
    r"\$(?:1|5|6|y|apr1|scrypt|pbkdf2[\w\-]*)\$[./\w=,$]{8,}\$?[./\w+=]{16,}",
    r"(?:pbkdf2|bcrypt|argon2|scrypt)(?:_sha\d+|_md5)?\$[\w=,.$]{1,100}\$[\w+/=.]{16,}",
    r"\{(?:SSHA|SHA|SMD5|CRYPT|PBKDF2)\d{0,3}\}[\w+/=$.]{20,}",
)
# In the path of a URL: who knows it, may post.
_PATHS = re.compile(
    r"""  hooks\.slack\.com/(?:services|workflows|triggers)/ (?P<slack> \w+/\w+/\w[\w/]{7,})
        | discord(?:app)?\.com/api/webhooks/ (?P<discord> \d{10,}/[\w\-]{20,})
        | webhook\.office\.com/webhookb2/ (?P<teams> [\w@\-]{30,}/IncomingWebhook/[\w/\-]{16,})
        | hooks\.zapier\.com/hooks/catch/ (?P<zapier> \d+/\w{5,})
        | maker\.ifttt\.com/trigger/\w+/with/key/ (?P<ifttt> [\w\-]{16,})
        | hc-ping\.com/ (?P<ping> [0-9a-f\-]{36})
        | api\.telegram\.org/(?:file/)?bot (?P<telegram> \d{6,12}:[\w\-]{30,})""",
    re.VERBOSE,
)
_BOTS: Final = (
    r"\d{8,10}:AA[\w\-]{30,}",
    r"[MNO][A-Za-z\d_\-]{22,26}\.[\w\-]{6}\.[\w\-]{27,40}",
)  # Telegram's, Discord's

_SHAPES = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join((*_KEYS, *_TOKENS, *_HASHES, *_BOTS))})")
# The first characters of a run that is long enough to be a key. Most texts have none.
_LONG_RUN = re.compile(rf"[\w\-./+$~=:]{{{SHORTEST_KEY}}}")

_PEM = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----.{0,20000}?(?:-----END (?P=label)-----|\Z)"
    # The end alone, where the beginning was cut off.
    r"|(?:\A|(?<=\n))(?:[A-Za-z0-9+/=]{20,100}(?:\\n|\s){1,4}){0,200}+[A-Za-z0-9+/=]{0,100}(?:\\n|\s){0,4}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
    re.DOTALL,
)
# A key of PuTTY's.
_PPK = re.compile(r"Private-Lines: \d{1,3}\r?\n(?P<secret>(?:[A-Za-z0-9+/=]{1,100}(?:\r?\n|\Z)){1,100})")
# The number of a card, in four groups, or in one where a card is spoken of.
_CARD = re.compile(r"(?<![\d.\-])(?:[3-6]\d{3}([ \-])\d{4}\1\d{4}\1\d{4}|[3-6]\d{12,18})(?![\d.]|-\d)")


def may_have_shapes(text: str) -> bool:
    """Whether a text has a run of characters that is long enough for a key: a cheap check, with which most are done."""
    return len(text) >= SHORTEST_KEY and _LONG_RUN.search(text) is not None


def shapes(text: str) -> Iterator[Finding]:
    """Keys, tokens, hashes of passwords and private keys."""
    if "PRIVATE KEY" in text:
        for found in _PEM.finditer(text):
            yield Finding(*found.span(), (found[0],))
    elif "Private-Lines" in text:
        for found in _PPK.finditer(text):
            yield Finding(*found.span("secret"), (found["secret"],))
    if may_have_shapes(text):
        for found in _SHAPES.finditer(text):
            yield Finding(*found.span(), (found[0],))
        if ".com/" in text or ".org/" in text:
            for found in _PATHS.finditer(text):
                yield Finding(*found.span(found.lastgroup or 0), (found[found.lastgroup or 0],))


def cards(text: str, lower: str) -> Iterator[Finding]:
    """Numbers of payment cards, whose last digit fits the others."""
    for found in _CARD.finditer(text):
        digits = [int(each) for each in found[0] if each.isdecimal()]
        if (found[1] or "card" in lower) and _fits(digits):
            yield Finding(*found.span(), (found[0], "".join(map(str, digits))))


def _fits(digits: list[int]) -> bool:
    """Whether the last digit of a card's number checks the others."""
    doubled = [each * 2 - 9 * (each > 4) if index % 2 else each for index, each in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
