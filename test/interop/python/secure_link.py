"""Frames of a length, content and HMAC-SHA256 over TLS: client|server PORT CA CERT KEY MAC_KEY_HEX [MESSAGE...]."""

import hmac
import socket
import ssl
import struct
import sys

role, port, ca_file, cert_file, key_file, mac_key_hex, *messages = sys.argv[1:]
mac_key = bytes.fromhex(mac_key_hex)


def send(link, content: bytes) -> None:
    tag = hmac.digest(mac_key, content, "sha256")
    link.sendall(struct.pack(">I", len(content)) + content + tag)


def read(link, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = link.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def receive(link) -> bytes:
    (size,) = struct.unpack(">I", read(link, 4))
    content, tag = read(link, size), read(link, 32)
    if not hmac.compare_digest(tag, hmac.digest(mac_key, content, "sha256")):
        sys.exit("invalid tag")
    return content


if role == "client":
    context = ssl.create_default_context(cafile=ca_file)
    context.load_cert_chain(cert_file, key_file)
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", int(port))),
        server_hostname="127.0.0.1",
    ) as link:
        for message in messages:
            send(link, message.encode())
            print(receive(link).decode(), flush=True)
else:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    with socket.create_server(("127.0.0.1", int(port))) as server:
        print(f"port {server.getsockname()[1]}", flush=True)
        with context.wrap_socket(server.accept()[0], server_side=True) as link:
            try:
                while True:
                    send(link, receive(link).upper())
            except EOFError:
                print("end")
