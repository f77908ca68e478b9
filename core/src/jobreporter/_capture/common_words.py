"""Words that are no secrets, whatever the name that they stand under.

``auth="basic"`` names a scheme, and ``token=None`` says that there is none. Were they remembered, "basic plan not found"
would lose its first word.
"""

from __future__ import annotations

#: What says that there is no value here, that it is of no use, or that it is hidden already.
NO_VALUE = frozenset(
    """
    none null nil undefined true false yes no on off empty missing required unset invalid expired revoked absent present
    enabled disabled accepted rejected denied refused unauthorized forbidden
    valid redacted hidden filtered masked removed secret_hidden omitted optional unknown string str bytes int
    """.split()
)

#: Not remembered: any text may hold them by chance. Default passwords are among them, and the names of schemes.
COMMON_WORDS = NO_VALUE | frozenset(
    """
    able about access account active admin administrator agent all allow allowed always ambient anonymous any apikey
    api_key app application async auth authenticated authorization auto automatic aws azure back base base64 basic batch
    bearer beta block body bool bot boolean both browser bucket cache cert certificate change changeme check class
    client cloud code common config connection consumer content cookie cookies create credentials csrf current custom
    daily dark data database date debug default delete demo denied deny dev development device digest direct disabled
    docker done email enable enabled env environment error event example external fail failed failure false fast file
    float foobar forbidden form free full gateway general github gitlab global google grant group guest hash header
    headers high hmac home host http https iam id identity include inherit initial input insecure integer internal item
    job jobs json jwt kerberos key keyring known language last lax ldap legacy level light limited link list live local
    localhost lock locked login logout long machine main manager manual master max md5 member memory message method mfa
    migrate mobile mode mutual mysql name native negotiate never new next nobody node normal ntlm oauth oauth1 oauth2
    object ok old only open openid order other owner page param pass passkey passphrase passwd password path pending
    pin pkce plain post postgres postgresql prefix premium preview primary private prod product production profile
    project prompt protected proxy public query queue rabbitmq rails random read ready redis refresh region register
    remote report reset resource role root rsa rule run same same-origin saml sample scram secret secrets secure
    self send server service session settings setup sha1 sha256 short sid sigv4 simple single site sms some source sqlite
    ssl sso stable staff staging standard start state static status stop store stored strict system table tag task temp
    template test testing text time timeout title tls token tokens totp trace trial trust trusted tuple type
    unauthorized unlocked update url user username users utf-8 value values vault version view viewer visitor web
    webhook welcome with word worker world write x509 xml year zone
    sandbox latest medium small large success successful created canceled cancelled archived draft new okta auth0 keycloak
    cognito firebase facebook twitter linkedin apple microsoft amazon slack discord paypal stripe gzip utf8 locmem webauthn
    sha512 hs256 hs384 hs512 rs256 es256 eddsa bcrypt argon2 pbkdf2 aes monday tuesday wednesday thursday friday saturday
    sunday january february march april june july august september october november december english german french
    spanish italian green blue yellow black customer customers invoice invoices payment payments order orders report
    reports monthly weekly nightly hourly yearly shop cart account accounts magic link email_otp magic_link
    """.split()
)
