"""Processes that answer one JSON request a line with one JSON line."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]


class Peer:
    """A process that keeps its data in memory, so that what is timed is warm."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, action: str, **fields: Any) -> Answer:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        stdin.write(json.dumps({"action": action, **fields}) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended while asked to {action}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{action} {fields}: {answer['error']}")
        return answer

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(handlers: dict[str, Callable[..., Answer]]) -> None:
    """The other end of a `Peer`: calls the handler of each request. Prints of libraries go to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = handlers[request.pop("action")](**request)
        except Exception as error:  # the asker reports it
            answer = {"error": repr(error)}
        print(json.dumps(answer), file=answers, flush=True)
