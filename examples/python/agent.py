"""A small agent host: it installs one capsule, answers its questions, and shows what it did."""

import pathlib
import sys
import tempfile

import astrid_host
from astrid_host import ApprovalQuestion, Decision, Delivery, ElicitQuestion, Host, UplinkEvent

CONCIERGE = pathlib.Path(__file__).parent.parent / "capsules" / "concierge"
ANSWERS = {"name": "Ada", "tone": "formal", "api-token": "s3cret"}


def on_elicit(question: ElicitQuestion) -> str | None:
    """Answer what the install hook asks; a real program would ask a person."""
    return ANSWERS.get(question.key)


def on_approval(question: ApprovalQuestion) -> Decision:
    """Tea may be bought. Yachts may not."""
    return Decision.APPROVE if question.resource.startswith("tea") else Decision.DENY


def on_uplink(event: UplinkEvent) -> Delivery:
    """Take what the capsule has to say to people outside."""
    if event.event == "message":
        print(f"uplink {event.platform}/{event.user}: {event.content}")
    return Delivery.DELIVERED


def run(host: Host) -> bool:
    """Do everything once; true if the audit log is as it was written."""
    installed = host.install(CONCIERGE, principal="alice")
    print(f"installed {installed.id} {installed.version}")
    concierge = host.load(CONCIERGE, principal="alice")
    concierge.wait_ready(timeout=10)

    for who in ("alice", "bob"):
        print(f"greet {who}: {concierge.trigger('greet', principal=who).data}")

    for item, price in (("tea", 3), ("yacht", 1_000_000)):
        answer = concierge.trigger("buy", {"item": item, "price": price}, principal="alice")
        print(f"buy {item}: {answer.data}")

    concierge.trigger("notify", {"user": "ann", "text": "Your tea is on its way."}, principal="alice")

    with host.subscribe("concierge.v1.answer.*") as answers:
        host.publish("concierge.v1.ask.demo", '"Is there tea?"', principal="alice")
        heard = answers.next(timeout=10)
        print(f"bus: {heard.json()['answer'] if heard else 'no answer'}")

    for who in ("alice", "bob"):
        used = host.usage(who)
        print(f"usage {who}: {used.triggers} triggers, {used.stored_bytes} bytes stored")

    for entry in host.audit.entries():
        who = entry.principal or "-"
        print(f"  {entry.seq:>3} {entry.operation:<27} {who:<8} {entry.outcome:<9} {entry.subject}")
    audit = host.audit.verify()
    print(f"audit: {audit.entries} entries, {'verified' if audit.intact else 'NOT verified'}")
    return audit.intact


def main() -> int:
    """Open a host on a fresh home and run."""
    with tempfile.TemporaryDirectory() as home:
        try:
            with Host.open(home, on_elicit=on_elicit, on_approval=on_approval, on_uplink=on_uplink) as host:
                return 0 if run(host) else 1
        except astrid_host.AstridError as error:
            print(f"{error.kind}: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
