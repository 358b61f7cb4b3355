"""A worker with nothing but the standard library: fetches its step, does it, submits the answer.

It is started with the two things that an operator was handed: SWARM_HOST_URL and SWARM_HOST_HANDLE.
"""

import json
import os
import urllib.request

URL = os.environ["SWARM_HOST_URL"]
HANDLE = os.environ["SWARM_HOST_HANDLE"]


def ask(method: str, path: str, body: bytes | None = None) -> bytes:
    """One request to the host; an answer that is no success raises urllib.error.HTTPError."""
    request = urllib.request.Request(URL + path, data=body, method=method)
    request.add_header("Authorization", "Bearer " + HANDLE)
    if body is not None:
        request.add_header("Content-Type", "text/plain; charset=utf-8")
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read()


step = json.loads(ask("GET", "/v1/worker/prompt"))
answer = {"agent": step["agent"], "words": len(step["prompt"].split()), "shout": step["prompt"].upper()}
ask("POST", "/v1/worker/artifact?name=original.txt", step["prompt"].encode())
ask("POST", "/v1/worker/submit", json.dumps(answer).encode())
