"""Provenance from the signature to the check of it, in a folder and over HTTP."""

import asyncio
import base64
import json
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from index.stock import Stock, opened, published
from wheelyard.cli.app import app
from wheelyard.errors import StoreError
from wheelyard.index.attested import TrustedKeys
from wheelyard.index.export import export
from wheelyard.index.remote import verify_url
from wheelyard.index.server import IndexServer
from wheelyard.index.serving import running
from wheelyard.index.verify import Verification, verify
from wheelyard.store.signing import signing_key

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def exported(state: Path, tmp_path: Path) -> Path:
    async def run() -> None:
        async with opened(state) as stock:
            await stock.publish("tiny", "1.0", signed=True)
            await stock.publish("small", "2.0", signed=True)
            await export(stock.folder.artifacts, stock.blobs, tmp_path / "out")

    asyncio.run(run())
    return tmp_path / "out"


def key_of(state: Path, folder: Path) -> Path:
    path = folder / f"{state.name}.pub"
    path.write_text(signing_key(state).public())
    return path


def checked(output: Path, *keys: Path, unsigned: bool = False) -> list[str]:
    found = asyncio.run(verify(output, TrustedKeys.read(keys), unsigned=unsigned))
    return [finding.problem for finding in found.findings]


def test_the_certificate_holds_the_key_and_is_signed_with_it(state: Path) -> None:
    state.mkdir()
    key = signing_key(state)

    made = x509.load_der_x509_certificate(key.certificate)

    public = made.public_key()
    assert isinstance(public, Ed25519PublicKey)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert pem.decode() == key.public()
    assert made.subject == made.issuer
    assert made.subject.rfc4514_string() == "CN=wheelyard"
    assert made.not_valid_after_utc.year == 9999
    made.verify_directly_issued_by(made)


def test_the_key_is_its_owners_alone_and_stays_the_same(state: Path) -> None:
    state.mkdir()
    first = signing_key(state)
    assert stat.S_IMODE((state / "signing-key.pem").stat().st_mode) == 0o600
    assert signing_key(state).public() == first.public()
    assert signing_key(state).certificate == first.certificate
    (state / "signing-key.pem").chmod(0o640)
    with pytest.raises(StoreError, match="can be read by others"):
        signing_key(state)


def test_the_statement_names_what_went_in_and_who_built(state: Path) -> None:
    async def run() -> bytes:
        async with opened(state) as stock:
            artifact = await stock.publish("tiny", "1.0", signed=True)
            return await stock.blobs.read(artifact.provenance_digest)

    provenance = json.loads(asyncio.run(run()))
    assert provenance["version"] == 1
    (bundle,) = provenance["attestation_bundles"]
    (attestation,) = bundle["attestations"]
    statement = json.loads(base64.b64decode(attestation["envelope"]["statement"]))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"][0]["name"] == "tiny-1.0-py3-none-any.whl"
    definition = statement["predicate"]["buildDefinition"]
    source, tool = definition["resolvedDependencies"]
    assert source["uri"] == "https://files.test/tiny-1.0.tar.gz"
    assert tool["digest"] == {"sha256": "a" * 64}
    assert definition["internalParameters"] == {
        "buildKey": "k1",
        "sandbox": ["bubblewrap", "no network"],
    }
    details = statement["predicate"]["runDetails"]
    assert details["builder"]["id"] == "urn:wheelyard:builder:arm-1"
    assert details["metadata"]["invocationId"] == "k1/2/7"
    assert details["metadata"]["startedOn"] < details["metadata"]["finishedOn"]


def test_other_tools_can_check_the_signature(state: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_der_x509_certificate

    async def run() -> bytes:
        async with opened(state) as stock:
            artifact = await stock.publish("tiny", "1.0", signed=True)
            return await stock.blobs.read(artifact.provenance_digest)

    attestation = json.loads(asyncio.run(run()))["attestation_bundles"][0]["attestations"][0]
    payload = base64.b64decode(attestation["envelope"]["statement"])
    signature = base64.b64decode(attestation["envelope"]["signature"])
    kind = b"application/vnd.in-toto+json"
    text = b" ".join([b"DSSEv1", b"28", kind, str(len(payload)).encode(), payload])
    key = load_pem_public_key(signing_key(state).public().encode())
    key.verify(signature, text)  # type: ignore[call-arg,union-attr]
    der = base64.b64decode(attestation["verification_material"]["certificate"])
    assert load_der_x509_certificate(der).public_key() == key


def test_both_pages_link_to_provenance(exported: Path) -> None:
    (file,) = json.loads((exported / "simple/tiny/index.json").read_text())["files"]
    assert file["provenance"] == file["url"] + ".provenance"
    html = (exported / "simple/tiny/index.html").read_text()
    assert f'data-provenance="{file["provenance"]}"' in html


def test_a_folder_with_good_provenance_is_found_good(
    exported: Path, state: Path, tmp_path: Path
) -> None:
    assert checked(exported, key_of(state, tmp_path)) == []
    other = key_of_another(tmp_path)
    assert checked(exported, other) == ["is not signed with a key that is trusted"] * 2
    assert checked(exported, other, key_of(state, tmp_path)) == []


def key_of_another(tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    return key_of(tmp_path / "other", tmp_path)


def replace_file(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def of(output: Path, name: str) -> Path:
    (found,) = output.rglob(f"{name}*.provenance")
    return found


def altered(output: Path) -> None:
    content = json.loads(of(output, "tiny").read_text())
    envelope = content["attestation_bundles"][0]["attestations"][0]["envelope"]
    statement = base64.b64decode(envelope["statement"]).replace(b"arm-1", b"arm-2")
    envelope["statement"] = base64.b64encode(statement).decode()
    replace_file(of(output, "tiny"), json.dumps(content).encode())


def stripped(output: Path) -> None:
    for page in (output / "simple/tiny").iterdir():
        text = page.read_text()
        for word in ("data-provenance", '"provenance"'):
            text = text.replace(word, word.replace("provenance", "nothing"))
        page.write_text(text)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (altered, "is not signed with a key that is trusted"),
        (
            lambda out: replace_file(of(out, "tiny"), of(out, "small").read_bytes()),
            "is signed, and is about another file",
        ),
        (lambda out: replace_file(of(out, "tiny"), b"{}"), "is no provenance"),
        (lambda out: replace_file(of(out, "tiny"), b"\xff"), "is no provenance"),
        (lambda out: of(out, "tiny").unlink(), "is announced and is not there"),
        (stripped, "has no provenance"),
    ],
)
def test_what_is_wrong_with_provenance_is_said(
    exported: Path, state: Path, tmp_path: Path, harm: Callable[[Path], None], problem: str
) -> None:
    harm(exported)
    assert checked(exported, key_of(state, tmp_path)) == [problem]


def test_files_without_provenance_can_be_allowed(state: Path, tmp_path: Path) -> None:
    published(state, "tiny", "1.0")

    async def run() -> None:
        async with opened(state) as stock:
            await export(stock.folder.artifacts, stock.blobs, tmp_path / "out")

    asyncio.run(run())
    key = key_of(state, tmp_path)
    assert checked(tmp_path / "out", key) == ["has no provenance"]
    assert checked(tmp_path / "out", key, unsigned=True) == []


def over_http(state: Path, body: Callable[[Stock, str], object]) -> Verification:
    async def run() -> Verification:
        async with opened(state) as stock:
            server = IndexServer(artifacts=stock.folder.artifacts, blobs=stock.blobs)
            async with running(server) as address:
                keys = TrustedKeys.read([key_of(state, state)])
                await asyncio.to_thread(body, stock, address)
                return await verify_url(f"{address}/simple/", keys, unsigned=False)

    return asyncio.run(run())


def test_an_index_at_an_address_is_checked_as_well(state: Path) -> None:
    published(state, "tiny", "1.0", signed=True)
    published(state, "small", "2.0", signed=True)

    def look(_: Stock, address: str) -> None:
        page = httpx.get(f"{address}/simple/tiny/", headers=JSON)
        link = page.json()["files"][0]["provenance"]
        answer = httpx.get(page.url.join(link))
        assert answer.headers["content-type"] == "application/json"
        assert "immutable" in answer.headers["cache-control"]

    found = over_http(state, look)
    assert (found.projects, found.files, found.findings) == (2, 2, ())


def test_damage_behind_an_address_is_found(state: Path) -> None:
    tiny = published(state, "tiny", "1.0", signed=True)
    published(state, "small", "2.0")

    def harm(stock: Stock, _: str) -> None:
        path = stock.blobs.path(tiny.digest)
        assert path is not None
        replace_file(path, b"x" * tiny.size)

    found = over_http(state, harm)
    assert [(str(one.path), one.problem) for one in found.findings] == [
        ("small-2.0-py3-none-any.whl", "has no provenance"),
        ("tiny-1.0-py3-none-any.whl", "has other bytes than its page says"),
    ]


def test_the_commands_print_the_key_and_check_with_it(exported: Path, state: Path) -> None:
    said = CliRunner().invoke(app, ["index", "key", "--state", str(state)])
    assert said.stdout == signing_key(state).public()
    key = state / "key.pub"
    key.write_text(said.stdout)
    good = CliRunner().invoke(app, ["index", "verify", str(exported), "--key", str(key)])
    assert (good.exit_code, good.stderr) == (0, "2 projects, 2 files, 0 wrong.\n")
    altered(exported)
    bad = CliRunner().invoke(app, ["index", "verify", str(exported), "--key", str(key)])
    assert bad.exit_code == 4
    assert "is not signed with a key that is trusted" in bad.stdout
