"""A certificate authority for tests, and certificates of every kind that a school's server may have."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM
DAY = datetime.timedelta(days=1)
LEAVES = {
    "good": (("localhost", "127.0.0.1"), -30, 300),
    "expired": (("localhost", "127.0.0.1"), -400, -1),
    "early": (("localhost", "127.0.0.1"), 1, 300),
    "no-san": (("localhost",), -30, 300),
    "other-name": (("office.example",), -30, 300),
}
"""Names, first day and last day, from now."""


def make(folder: Path) -> Path:
    """Make `ca.pem`, `other-ca.pem` and a `KIND.pem` with key for each kind, unless they are there; return `ca.pem`."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "ca.pem").exists():
        return folder / "ca.pem"
    key, ca = _authority("Test authority of the school")
    stranger_key, stranger = _authority("Somebody else's authority")
    for kind, (names, first, last) in LEAVES.items():
        _write_leaf(folder / f"{kind}.pem", key, ca, names, first, last, has_san=kind != "no-san")
    _write_leaf(folder / "client.pem", key, ca, ("room-1",), -30, 300, ExtendedKeyUsageOID.CLIENT_AUTH)
    _write_leaf(folder / "stranger.pem", stranger_key, stranger, ("room-1",), -30, 300, ExtendedKeyUsageOID.CLIENT_AUTH)
    lax_key, lax = _authority("An authority of 2009", is_strict=False)
    _write_leaf(folder / "lax.pem", lax_key, lax, ("localhost", "127.0.0.1"), -30, 300)
    (folder / "lax-ca.pem").write_bytes(lax.public_bytes(PEM))
    _write_leaf(folder / "unknown-ca.pem", stranger_key, stranger, ("localhost", "127.0.0.1"), -30, 300)
    (folder / "other-ca.pem").write_bytes(stranger.public_bytes(PEM))
    (folder / "ca.pem").write_bytes(ca.public_bytes(PEM))
    return folder / "ca.pem"


def _authority(name: str, *, is_strict: bool = True) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named(name), _named(name), key, -365, 3650)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=is_strict)
    if is_strict:
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def _write_leaf(
    file: Path,
    ca_key,
    ca: x509.Certificate,
    names: tuple[str, ...],
    first: int,
    last: int,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    *,
    has_san: bool = True,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named(names[0]), ca.subject, key, first, last)
    if has_san:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = builder.add_extension(issuer, critical=False).sign(ca_key, hashes.SHA256())
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + certificate.public_bytes(PEM))


def _builder(subject: x509.Name, issuer: x509.Name, key, first: int, last: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + first * DAY)
        .not_valid_after(now + last * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
