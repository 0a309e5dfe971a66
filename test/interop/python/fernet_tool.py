"""By the cryptography package: seal KEY TIME HEX, open KEY TOKEN, hkdf SECRET_HEX, dhparam PRIME_HEX GENERATOR."""

import sys

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dh
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

command, *args = sys.argv[1:]
if command == "seal":
    token = Fernet(args[0]).encrypt_at_time(bytes.fromhex(args[2]), int(args[1]))
    print(token.decode())
elif command == "open":
    try:
        print(Fernet(args[0]).decrypt(args[1].encode()).hex())
    except InvalidToken:
        sys.exit("invalid token")
elif command == "hkdf":
    hkdf = HKDF(hashes.SHA256(), length=32, salt=b"\x00", info=b"\x00")
    print(hkdf.derive(bytes.fromhex(args[0])).hex())
elif command == "dhparam":
    parameters = dh.DHParameterNumbers(int(args[0], 16), int(args[1])).parameters()
    form = serialization.Encoding.PEM, serialization.ParameterFormat.PKCS3
    print(parameters.parameter_bytes(*form).decode(), end="")
else:
    sys.exit(__doc__)
