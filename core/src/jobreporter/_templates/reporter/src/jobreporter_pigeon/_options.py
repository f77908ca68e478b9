"""What a config may say in ``[reporters.pigeon]``."""

from __future__ import annotations

from typing import Annotated

from jobreporter import Duration, Options, Secret
from msgspec import Meta


class PigeonOptions(Options):
    """The options of the reporter.

    Each description is shown by ``jobreporter plugins pigeon``, and in the README.
    """

    url: Annotated[str, Meta(description="Where batches are posted to: an address of http or https.")]
    token: Annotated[Secret | None, Meta(description="Sent along as `Authorization: Bearer ...`.")] = None
    timeout: Annotated[
        Duration, Meta(gt=0, description="How long one request may take. Keep it below the lane's `timeout`.")
    ] = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError, in one sentence, for what is wrong with the values. Never quote a secret."""
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("'url' must begin with http:// or https://")
