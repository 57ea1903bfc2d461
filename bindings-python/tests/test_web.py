"""The example of a web application: one host for each, opened with it and closed with it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"))

import web
from starlette.testclient import TestClient


def test_every_capsule_is_a_route():
    with TestClient(web.application()) as client, TestClient(web.application()) as other:
        ann = {"x-principal": "ann"}
        greeted = client.post("/concierge/greet", headers=ann)
        assert greeted.status_code == 200 and greeted.json()["data"].startswith("Hello")
        assert other.post("/concierge/greet", headers=ann).json() == greeted.json()
        assert (
            client.post("/concierge/buy", headers=ann, json={"item": "yacht", "price": 1}).json()["data"] == "refused"
        )
        assert client.post("/concierge/dance", headers=ann).status_code == 422
        refused = client.post("/concierge/greet", headers={"x-principal": "no such name!"})
        assert (refused.status_code, refused.json()) == (400, {"error": "invalid_argument"})
        assert client.post("/nobody/greet", headers=ann).status_code == 404
