"""What ``[stream]`` may say of Redis."""

from __future__ import annotations

from jobreporter import Options, Secret


class RedisOptions(Options):
    """The keys of ``[stream]`` that are Redis's."""

    #: The password, where it is not in the URL.
    password: Secret | None = None
    #: Whether the URL names a node of a cluster. All keys of a stream are in one slot.
    cluster: bool = False
    #: ``host:port`` of each sentinel. The URL's host is the name of the primary then: ``redis://mymaster/0``.
    sentinels: tuple[str, ...] = ()
    #: The password of the sentinels, if they have one.
    sentinel_password: Secret | None = None
    #: A file of certificates to trust with ``rediss://``, where the system's don't do.
    ca_file: str | None = None
    #: The client's own certificate and key, where the server asks for one.
    cert_file: str | None = None
    key_file: str | None = None

    def __post_init__(self) -> None:
        if self.cluster and self.sentinels:
            raise ValueError("a stream is in a cluster or behind sentinels, and not both")
