"""Converts a PEM file of certificate authorities to a Java key store (JKS): `python infra/cacerts.py BUNDLE STORE`.

Java cannot read the system's PEM bundle, and keytool imports one certificate per start. The format is that of OpenJDK's
sun.security.provider.JavaKeyStore. Its closing digest is keyed with the usual "changeit", which readers may leave unchecked.
"""

import hashlib
import re
import ssl
import struct
import sys
from pathlib import Path

CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def key_store(pem: str) -> bytes:
    """The store that trusts every certificate of `pem`. Raises `ValueError` if there is none."""
    certificates = [ssl.PEM_cert_to_DER_cert(block) for block in CERTIFICATE.findall(pem)]
    if not certificates:
        raise ValueError("no certificate in the bundle")
    store = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for number, certificate in enumerate(certificates):
        # tag 2 = trusted certificate; its date is left at 0, so that the same bundle gives the same bytes
        store += struct.pack(">I", 2) + _text(f"authority-{number}") + struct.pack(">Q", 0)
        store += _text("X.509") + struct.pack(">I", len(certificate)) + certificate
    return store + hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + store).digest()


if __name__ == "__main__":
    bundle, target = map(Path, sys.argv[1:])
    target.write_bytes(key_store(bundle.read_text(encoding="utf-8", errors="replace")))
