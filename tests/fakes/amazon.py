"""AWS's token service and registry, as far as a login goes."""

import json
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

STS_ANSWER = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-session</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""


class Amazon(ThreadingHTTPServer):
    """Answers STS and ECR; `asked` holds the bodies and the signatures it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.refuse = False

    def form(self, index: int) -> dict[str, list[str]]:
        return parse_qs(self.asked[index][0])


class _Handler(BaseHTTPRequestHandler):
    server: Amazon

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((body, self.headers.get("Authorization", "")))
        if self.server.refuse:
            status, answer = 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
        elif "AssumeRoleWithWebIdentity" in body:
            status, answer = 200, STS_ANSWER
        else:
            login = {"authorizationToken": b64encode(b"AWS:pass:word").decode(), "expiresAt": 4070908800}
            status, answer = 200, json.dumps({"authorizationData": [login]})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args: object) -> None:
        pass
