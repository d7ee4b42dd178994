"""TLS in front of a plain HTTP server, with a certificate that is good, or bad in one of several ways.

    tls_front.py FOLDER HOST:PORT

Prints its port, writes authority.pem into the folder (whom a client is to trust), and ends when standard input does.
Each line of standard input says how it meets clients from then on: `good`, `foreign` (signed by nobody that the client
knows), `expired`, `other-name`, or `plain` (no TLS at all). Connections that are open end then.
"""

import datetime
import ipaddress
import socket
import ssl
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FOLDER, (HOST, PORT) = sys.argv[1], sys.argv[2].rsplit(":", 1)
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def authority(text):
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(name(text), name(text), key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return key, builder.sign(key, hashes.SHA256())


def context(how, signer, address, until):
    signing_key, issuer = signer
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(issuer.subject, name("server"), key.public_key(), x509.random_serial_number(), NOW - 2 * DAY, until)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = builder.add_extension(names, False).sign(signing_key, hashes.SHA256())
    with open(f"{FOLDER}/{how}.pem", "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(f"{FOLDER}/{how}.pem")
    return made


KNOWN, FOREIGN = authority("known"), authority("foreign")
CONTEXTS = {
    "good": context("good", KNOWN, "127.0.0.1", NOW + DAY),
    "foreign": context("foreign", FOREIGN, "127.0.0.1", NOW + DAY),
    "expired": context("expired", KNOWN, "127.0.0.1", NOW - DAY),
    "other-name": context("other-name", KNOWN, "127.0.0.9", NOW + DAY),
}
with open(f"{FOLDER}/authority.pem", "wb") as file:
    file.write(KNOWN[1].public_bytes(serialization.Encoding.PEM))

met = "good"
connected = set()


def pump(source, sink):
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass
    finally:
        sink.close()


def serve(client):
    try:
        if met == "plain":
            client.recv(65536)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            client.close()
            return
        secured = CONTEXTS[met].wrap_socket(client, server_side=True)
        connected.add(secured)
        upstream = socket.create_connection((HOST, int(PORT)))
    except OSError:
        client.close()
        return
    threading.Thread(target=pump, args=(upstream, secured), daemon=True).start()
    pump(secured, upstream)
    connected.discard(secured)


def accept(listener):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=accept, args=(listener,), daemon=True).start()
print(listener.getsockname()[1], flush=True)
for line in sys.stdin:
    met = line.strip()
    for client in list(connected):
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has gone by itself
