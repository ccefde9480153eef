"""Prints the alerts it is sent, each once: a stand-in for your own receiver.

WEBHOOK_KEY, if set, is the key that Sluice signs with (whsec_ and base64).
"""
import base64
import collections
import gzip
import hashlib
import hmac
import http.server
import os
import time

LONGEST = 4 << 20  # bytes of a body
KEY = os.environ.get("WEBHOOK_KEY", "")
seen = collections.OrderedDict()  # ids; a real receiver keeps them on disk


def signed(headers, body):
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    text = f"{headers.get('webhook-id')}.{stamp}.".encode() + body
    want = base64.b64encode(hmac.digest(base64.b64decode(KEY.removeprefix("whsec_")), text, hashlib.sha256)).decode()
    return any(hmac.compare_digest("v1," + want, one) for one in headers.get("webhook-signature", "").split())


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > LONGEST:
            return self.answer(413)
        body = self.rfile.read(length)
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if KEY and not signed(self.headers, body):
            return self.answer(401)
        name = self.headers.get("webhook-id")
        if name not in seen:
            print(name, body.decode("utf-8", "replace"), flush=True)
        seen[name] = True
        while len(seen) > 100_000:
            seen.popitem(last=False)
        self.answer(204)

    def answer(self, code):
        self.send_response(code)
        self.end_headers()


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
