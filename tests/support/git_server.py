"""Serves the repositories of a folder over smart HTTP, by git's own http-backend, on loopback.

The first part of a path says how: /plain, /token (wants one), /v0 (speaks no version 2), /moved (redirects to /plain),
/elsewhere (redirects to another host), /damaged (a pack loses a bit on its way), /silent (does not answer), /page (a web
page). As long as there is a file `how`, what stands in it goes before that. Every request is a line of requests.log.
Prints its port, and ends when standard input does. With `tls` it speaks HTTPS, by a certificate that it writes to
certificate.pem.
"""

import base64
import datetime
import http.server
import ipaddress
import os
import ssl
import subprocess
import sys
import threading
import time

ROOT = sys.argv[1]
AUTHORIZATION = "Basic " + base64.b64encode(b"x-access-token:s3cret-token").decode()


def mood():
    try:
        with open(f"{ROOT}/how") as file:
            return file.read()
    except FileNotFoundError:
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body):
        with open(f"{ROOT}/requests.log", "a") as log:
            print(self.command, self.path, file=log)
        _, how, path = self.path.split("/", 2)
        how = mood() or how
        while how == "silent":
            time.sleep(0.05)
            how = mood()
        if how == "token" and self.headers["Authorization"] != AUTHORIZATION:
            self.reply(401, [("WWW-Authenticate", "Basic")], b"")
        elif how == "moved":
            self.reply(301, [("Location", f"/plain/{path}")], b"")
        elif how == "elsewhere":
            self.reply(301, [("Location", f"http://localhost:1/{path}")], b"")
        elif how == "page":
            self.reply(200, [("Content-Type", "text/html")], b"<html>Welcome</html>")
        else:
            self.backend(how, path, body)

    def backend(self, how, path, body):
        protocol = "" if how == "v0" else self.headers.get("Git-Protocol", "")
        path, _, query = path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": ROOT,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": protocol,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        pack = content.find(b"PACK")
        if how == "damaged" and pack >= 0:
            content = content[: pack + 30] + bytes([content[pack + 30] ^ 1]) + content[pack + 31 :]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        self.reply(status, [header for header in headers if header[0] != "Status"], content)

    def reply(self, status, headers, content):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def write_certificate():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "git server of a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    certificate = builder.sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    with open(f"{ROOT}/certificate.pem", "wb") as file:
        file.write(certificate.public_bytes(pem))
    with open(f"{ROOT}/key.pem", "wb") as file:
        file.write(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if "tls" in sys.argv:
    write_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{ROOT}/certificate.pem", f"{ROOT}/key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
