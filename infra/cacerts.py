"""Converts a PEM file of certificate authorities to a Java trust store (PKCS 12): `python infra/cacerts.py BUNDLE STORE`.

Java cannot read the system's PEM bundle, and keytool imports only one certificate per start. The store's password is Java's
usual `changeit`. It protects nothing, but without a password Java reads no certificate of an encrypted store.
"""

import sys
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.utils import CryptographyDeprecationWarning


def trust_store(pem: bytes) -> bytes:
    """The bytes of a store that trusts every certificate of `pem`. Raises `ValueError` if `pem` holds no certificate."""
    with warnings.catch_warnings():
        # Systems still ship authorities whose serial numbers violate RFC 5280.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        certificates = x509.load_pem_x509_certificates(pem)
    named = [pkcs12.PKCS12Certificate(certificate, b"authority-%d" % n) for n, certificate in enumerate(certificates)]
    return pkcs12.serialize_java_truststore(named, BestAvailableEncryption(b"changeit"))


if __name__ == "__main__":
    bundle, target = map(Path, sys.argv[1:])
    target.write_bytes(trust_store(bundle.read_bytes()))
