"""What a job says, once its signature is verified."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KINDS = ("crawl",)


class JobError(Exception):
    """Why a job is not taken, in the fields that the catalog shows to people."""

    def __init__(self, code: str, message: str, advice: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice
        self.retryable = retryable

    def fields(self) -> dict[str, Any]:
        """The `error` of a message."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable, "advice": self.advice}


def verified_spec(offer: dict[str, Any], catalog_key: Ed25519PublicKey, agent_id: str) -> dict[str, Any]:
    """Verifies first and parses after. Raises JobError."""
    text: str = offer["spec"]
    try:
        catalog_key.verify(base64.b64decode(offer["signature"]), text.encode())
    except (InvalidSignature, ValueError):
        raise JobError("bridge.job_signature", "The job is not signed by the pinned key.", "Enrol anew.") from None
    spec: dict[str, Any] = json.loads(text)
    if spec["jobId"] != offer["jobId"] or spec["agentId"] != agent_id:
        raise JobError("bridge.protocol", "The job is another one's.", "Tell the catalog's makers.")
    if spec["kind"] not in KINDS:
        raise JobError("job.unknown_kind", f"This agent knows no jobs of kind {spec['kind']}.", "Use another agent.")
    return spec
