"""Signed statements as indexes give them out (PEP 740): what is signed, and how it is written.

What is signed is DSSE's encoding of the statement, so that no other text with the same bytes can be
taken for one. ``docs/reference/provenance.md`` says all of it for who checks it with other tools.
"""

import base64
import binascii
from dataclasses import dataclass

import msgspec

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A statement, its signature, and the certificate (DER) with the key that made it."""

    statement: bytes
    signature: bytes
    certificate: bytes = b""


class Subject(msgspec.Struct):
    """What a statement is about."""

    name: str
    digest: dict[str, str]


class Statement(msgspec.Struct, rename={"type": "_type", "predicate_type": "predicateType"}):
    """What of an in-toto statement has to be looked at before it is believed."""

    type: str
    subject: list[Subject]
    predicate_type: str


class _Envelope(msgspec.Struct):
    statement: str
    signature: str


class _Material(msgspec.Struct):
    certificate: str
    transparency_entries: list[object]


class _Attestation(msgspec.Struct):
    version: int
    verification_material: _Material
    envelope: _Envelope


class _Publisher(msgspec.Struct):
    kind: str
    claims: dict[str, str] | None = None


class _Bundle(msgspec.Struct):
    publisher: _Publisher
    attestations: list[_Attestation]


class _Provenance(msgspec.Struct):
    version: int
    attestation_bundles: list[_Bundle]


def signed_text(statement: bytes) -> bytes:
    """Return what is signed for a statement: DSSE's pre-authentication encoding, version 1."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(statement), statement)


def encode_provenance(signed: SignedStatement) -> bytes:
    """Write a provenance object (PEP 740) with one signed statement."""
    attestation = _Attestation(
        version=1,
        verification_material=_Material(
            certificate=_text(signed.certificate), transparency_entries=[]
        ),
        envelope=_Envelope(statement=_text(signed.statement), signature=_text(signed.signature)),
    )
    bundle = _Bundle(publisher=_Publisher(kind="wheelyard"), attestations=[attestation])
    return msgspec.json.encode(_Provenance(version=1, attestation_bundles=[bundle]))


def decode_provenance(content: bytes) -> tuple[SignedStatement, ...] | None:
    """Read the signed statements of a provenance object; None where it is anything else."""
    try:
        provenance = msgspec.json.decode(content, type=_Provenance)
        return tuple(
            SignedStatement(
                statement=base64.b64decode(one.envelope.statement, validate=True),
                signature=base64.b64decode(one.envelope.signature, validate=True),
                certificate=base64.b64decode(one.verification_material.certificate, validate=True),
            )
            for bundle in provenance.attestation_bundles
            for one in bundle.attestations
        )
    except (msgspec.DecodeError, binascii.Error, ValueError):
        return None


def decode_statement(content: bytes) -> Statement | None:
    """Read a statement; None where it is anything else."""
    try:
        return msgspec.json.decode(content, type=Statement)
    except (msgspec.DecodeError, ValueError):
        return None


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
