"""Secrets in lines of a shell and in the talk of older protocols, where nothing but the place says what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jobreporter._capture.finders.finding import Finding
from jobreporter._capture.finders.values import is_secret
from jobreporter._capture.secret_names import SecretNames

# The words of the same command up to an option, as a shell or the `repr` of a list writes them.
_UP_TO = r"""[^\n|;&]{0,300}?[ "'(\[,]"""
_VALUE = r"""["']?(?P<secret>[^\s"'|;&,\])]{3,200})"""
_NEXT = r"""["']?(?:[ ]|,[ ])"""

_IN_PLACE: Final = (
    # mysql -phunter2: only without a space it is the password.
    rf"\b(?:mysql\w*|mariadb[\w\-]*){_UP_TO}-p(?P<secret>[^\s\"'|;&,\])]{{3,200}})",
    rf"\b(?:sshpass|mongo\w*|rabbitmqadmin|cqlsh|ldap\w+|smbclient|impacket-\w+|(?:docker|podman|oc|az|registry|crane|skopeo)[ ]login){_UP_TO}(?:-p|-w|-a){_NEXT}{_VALUE}",
    rf"\bsshpass{_UP_TO}-p{_VALUE}",
    rf"\bredis-cli{_UP_TO}(?:-a|--pass){_NEXT}{_VALUE}",
    rf"\b(?:curl|https?|wget|xh|aria2c){_UP_TO}(?:-u|-a|--user|--auth|--proxy-user|-U)(?:=|{_NEXT})[\"']?[^\s:\"']{{1,100}}:(?!//)(?P<secret>[^\s\"'|;&,\])]{{3,200}})",
    rf"\bssh-keygen{_UP_TO}(?:-N|-P){_NEXT}{_VALUE}",
    r"\b(?:sudo[ ](?:-\w[ ]){0,3}-S|passwd|chpasswd)\b[^\n|;&]{0,100}<<<[ ]?[\"']?(?P<secret>[^\s\"']{3,200})",
    rf"\bopenssl\b{_UP_TO}(?:pass|stdin):{_VALUE}",
    rf"\bhtpasswd{_UP_TO}-\w*b\w*[ ]\S+[ ]\S+[ ]{_VALUE}",
    rf"\becho[ ](?:-\w[ ])?{_VALUE}[ ]*\|[ ]*(?:sudo[ ](?:-\w[ ])*-S|(?:docker|podman|gh|helm|crane)\b[^\n|]{{0,100}}(?:login|auth)|passwd|chpasswd|su\b)",
    # .netrc
    r"\b(?:login|account)[ ]\S{1,100}\s+password[ ](?P<secret>\S{3,200})",
    # SMTP and IMAP
    r"\bAUTH(?:ENTICATE)?[ ](?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5|OAUTHBEARER)[ ](?P<secret>[A-Za-z0-9+/=]{8,})",
    # FTP, POP, IRC and Redis: a line, or what a log quotes of it
    r"(?:^|[\"'>:\]]\s?|\*cmd\*\s')PASS[ ](?P<secret>[^\s\"'\\]{3,200})(?=\s*(?:$|[\"'\\]))",
    r"\b(?:requirepass|masterauth)[ ](?P<secret>[^\s\"']{3,200})",
    r"(?:^|[\"'>`])AUTH[ ](?:\w{1,40}[ ])?(?P<secret>[^\s\"'`\\]{3,200})(?=\s*(?:$|[\"'`\\]))",
    r"\b(?:sqlplus|rman|expdp|impdp|exp|imp)[ ](?:-\w{1,10}[ ]){0,4}[\"']?[\w.$#]{1,60}/(?P<secret>[^\s@/]{3,128})@",
    # SQL
    r"(?i:\bIDENTIFIED[ ](?:WITH[ ]\S{1,60}[ ])?(?:BY|AS)|\b(?:ENCRYPTED|WITH|SET)?[ ]?PASSWORD)[ ]+(?:BY[ ]+|(?:FOR[ ]\S{1,100}[ ])?=[ ]?)?'(?P<secret>(?:[^'\\\n]|''|\\.){3,200})'",
    r"(?i:\b(?:OLD_)?PASSWORD\(|\bpgp_sym_(?:en|de)crypt\([^()\n]{1,100},\s?|\bcrypt\()'(?P<secret>(?:[^'\\\n]|''|\\.){3,200})'",
)
# Every such line holds one of these.
_WORDS: Final = (
    "mysql mariadb sshpass mongo rabbitmq cqlsh ldap smbclient impacket login redis curl http wget xh aria2c openssl"
    " ssh-keygen sudo htpasswd echo password PASS AUTH pass auth IDENTIFIED identified PASSWORD crypt sqlplus rman expdp impdp config"
).split()
_PATTERNS: Final = tuple(re.compile(pattern, re.MULTILINE) for pattern in _IN_PLACE)
# The same of tools that fewer texts speak of, each with the words that it is known by.
_FURTHER: Final = (
    (("curl",), rf"\bcurl{_UP_TO}-u[\"']?[^\s:\"'=]{{1,100}}:(?!//)(?P<secret>[^\s\"'|;&,\])]{{3,200}})"),
    (("sqlcmd", "bcp", "zip"), rf"\b(?:sqlcmd|bcp|zip){_UP_TO}-P{_NEXT}{_VALUE}"),
    (
        ("7z", "rar", "unzip"),
        rf"\b(?:7z|7za|7zr|unrar|rar|unzip){_UP_TO}-(?:p|hp|P[ ])(?P<secret>[^\s\"'|;&,\])]{{3,200}})",
    ),
    # IMAP and SMTP, and Redis as it is sent
    (
        ("LOGIN",),
        r"""(?:\b[A-Za-z]{0,8}\d\w{0,8}|[:'"`])[ ]?LOGIN[ ](?:\\?"[^\s"]{1,100}"|[^\s"]{1,100})[ ]\\?"(?P<secret>[^"\\\n]{3,200})""",
    ),
    (("auth plain", "auth login"), r"\bauth[ ](?:plain|login)[ ](?=[a-z]*+[A-Z0-9+/=])(?P<secret>[A-Za-z0-9+/=]{8,})"),
    (
        ("AUTH", "requirepass", "masterauth"),
        r"(?:\b|\\n)(?:AUTH|requirepass|masterauth)(?:\\r\\n|\r\n)(?:\$\d{1,5}(?:\\r\\n|\r\n)[^\s\\]{1,200}(?:\\r\\n|\r\n))?\$\d{1,5}(?:\\r\\n|\r\n)(?P<secret>[^\s\\]{3,200})(?=\\r|\r)",
    ),
    (("twine",), rf"\btwine{_UP_TO}-p{_NEXT}{_VALUE}"),
    (("openssl",), rf"\bopenssl[ ]\w+\b{_UP_TO}-k{_NEXT}{_VALUE}"),
    (
        ("smbclient", "rpcclient", "net rpc", "winexe", "cifs"),
        rf"\b(?:smbclient|rpcclient|net[ ]rpc|winexe|mount\.cifs){_UP_TO}(?:-U|--user){_NEXT}[\"']?[^\s%\"']{{1,100}}%(?P<secret>[^\s\"'|;&,\])]{{3,200}})",
    ),
    (("lftp",), rf"\blftp{_UP_TO}(?:-u|--user){_NEXT}[\"']?[^\s,\"']{{1,100}},(?P<secret>[^\s\"'|;&,\])]{{3,200}})"),
    (("rabbitmqctl",), rf"\brabbitmqctl{_UP_TO}(?:add_user|change_password)[ ]\S{{1,100}}[ ]{_VALUE}"),
    (("mc alias",), rf"\bmc[ ]alias[ ]set[ ]\S{{1,100}}[ ]\S{{1,200}}[ ]\S{{1,100}}[ ]{_VALUE}"),
    (("net use",), rf"\bnet[ ]use[ ][^\n|;&]{{0,200}}\\\S{{1,200}}[ ](?:/\w{{1,12}}:\S{{1,100}}[ ])?(?![/*]){_VALUE}"),
    (("net user",), rf"\bnet[ ]user[ ][^\s/]{{1,100}}[ ](?![/*]){_VALUE}"),
    (("/p:", "/P:"), rf"[ ]/(?i:u|user|username):\S{{1,200}}[^\n|;&]{{0,200}}?[ ]/[pP]:(?!\w{{1,60}}=){_VALUE}"),
    (("schtasks", "signtool"), rf"\b(?:schtasks|signtool)\b{_UP_TO}/(?i:rp|p)[ ]{_VALUE}"),
    (("sexec",), rf"\b[pP]s[eE]xec{_UP_TO}-p{_NEXT}{_VALUE}"),
    (("SecureString",), rf"-SecureString[ ](?:-\w{{1,20}}[ ]){{0,3}}(?![$(\-]){_VALUE}"),
    (
        ("mysql", "mariadb"),
        rf"\b(?:mysql|mariadb)[\w\-]*{_UP_TO}-p(?P<quote>[\"'])(?P<secret>[^\s\"']{{3,200}})(?P=quote)",
    ),
    (("mosquitto_", "ipmitool"), rf"\b(?:mosquitto_\w+|ipmitool){_UP_TO}-P{_NEXT}{_VALUE}"),
    (("snmp",), rf"\bsnmp\w+{_UP_TO}-A{_NEXT}{_VALUE}"),
    (("snmp",), rf"\bsnmp\w+{_UP_TO}-X{_NEXT}{_VALUE}"),
    (("useradd", "usermod"), rf"\buser(?:add|mod)\b{_UP_TO}-p{_NEXT}{_VALUE}"),
    (("ncftp",), rf"\bncftp\w+{_UP_TO}-p{_NEXT}{_VALUE}"),
    (("wpa_passphrase",), rf"\bwpa_passphrase[ ]\S{{1,64}}[ ]{_VALUE}"),
    (("secret set",), rf"\bsecret[ ]set\b{_UP_TO}(?:-b|--body)(?:=|{_NEXT}){_VALUE}"),
    (("<<<",), rf"(?:\b(?:login|auth)\b{_UP_TO}--?[\w\-]{{1,40}}|\bkinit[ ]\S{{1,100}})[ ]?<<<[ ]?{_VALUE}"),
    (("http-basic.",), rf"\bhttp-basic\.\S{{1,60}}[ ]\S{{1,100}}[ ]{_VALUE}"),
    (("curl",), rf"\bcurl{_UP_TO}-b[ ]?[\"']?(?P<secret>[\w.\-]{{1,80}}=[^\s\"']{{3,500}})"),
    (("vault",), rf"\bvault[ ](?:login|unwrap|operator[ ]unseal)[ ](?:-\S{{1,60}}[ ]){{0,4}}(?![\w]{{1,40}}=){_VALUE}"),
)
_FURTHER_PATTERNS: Final = tuple((words, re.compile(pattern, re.MULTILINE)) for words, pattern in _FURTHER)
_FURTHER_WORDS: Final = tuple(word for words, _ in _FURTHER for word in words)
# git config, npm config set, aws configure set: the name is a word of its own.
_CONFIGURED = re.compile(
    r"""\b config(?:ure)? \b (?:[ ](?:set|add|--\w[\w\-]*+)){0,4} [ ] (?P<name> [\w./:\-]{2,120}+) [ ]++ ["']? (?P<secret> [^\s"'=|;&]{3,200})""",
    re.VERBOSE,
)
# aws ssm put-parameter: so are name and value.
_PUT = re.compile(
    r"""--name [ =] ["']? (?P<name> [\w./:\-]{2,200}+) ["']? [^\n|;&]{0,300}? [ ] --value [ =] ["']? (?P<secret> [^\s"'|;&]{3,200})""",
    re.VERBOSE,
)


def commands(text: str, names: SecretNames) -> Iterator[Finding]:
    """What a tool is known to take for a password at that place."""
    patterns: list[re.Pattern[str]] = []
    if any(map(text.__contains__, _FURTHER_WORDS)):
        patterns += [pattern for words, pattern in _FURTHER_PATTERNS if any(map(text.__contains__, words))]
    if any(map(text.__contains__, _WORDS)):
        patterns += _PATTERNS
    for pattern in patterns:
        for found in pattern.finditer(text):
            if is_secret(found["secret"]):
                yield Finding(*found.span("secret"), (found["secret"],))
    for word, pattern in (("config", _CONFIGURED), ("--value", _PUT)):
        for found in pattern.finditer(text) if word in text else ():
            if found["name"] in names and is_secret(found["secret"]):
                yield Finding(*found.span("secret"), (found["secret"],))
