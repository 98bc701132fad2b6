"""What proposing and voting share: the content of a proposal made and sent, and a proposal as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import click

from governance.calls import Propose, PublishChunk
from governance.lifecycle import Status
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.proposals import (
    KIND_NAMES,
    ROUTED_KINDS,
    Batch,
    Content,
    MaintenanceWindow,
    Message,
    NewValue,
    acts_of,
)
from governance.ruletext import RuleUnreadable, value_of
from governance.tracks import RULE, ChangeTracks, RouteChange, TrackChange, TrackRow
from node.settings_source import exact, nearest
from runtime.bundle.archive import Bundle, chunks
from runtime.parameters import RUNTIME_PARAMETERS
from storage.codec import codec_of
from storage.errors import InvalidRecord
from storage.record import Record, cases_of, schema_of

from .arguments import encoded
from .client import Answered
from .console import Answer, Progress, columns, printable
from .contents import content_rows
from .identities import Signer
from .runtimes import HOST_CALLS
from .signing import Desk, event_value, told
from .tracks import bar_text

RULES = {rule.name: rule for rule in (*RUNTIME_PARAMETERS, *GOVERNANCE_PARAMETERS)}
CURVES = {
    "constant": "{part}/{whole}",
    "linear": "linear {ceiling} {floor} {length}",
    "reciprocal": "reciprocal {factor} {x_offset} {y_offset}",
    "moving": "moving {least} {most}",
}
"""How a rule writes the curve of a bar; see governance.ruletext."""
PUBLISH, PROPOSE = "governance.publish_chunk", "governance.propose"


def propose(desk: Desk, signer: Signer, words: dict[str, str], content: Record, deposit: int | None) -> Answer:
    """Sign and send a proposal; by default with the whole deposit of its track."""
    whole = int(rules_for(desk.client.tracks(), words["track"], content)["deposit"])
    args = Propose(
        content=Content.of(content),
        deposit=whole if deposit is None else deposit,
        window=MaintenanceWindow(),
        title=words["title"],
        description=words["description"],
        track=words["track"],
        after=int(words.get("after") or 0),
    )
    sent = desk.send(signer, desk.runtime.call(PROPOSE), encoded_host(PROPOSE, args))
    outcome = desk.outcome([sent])
    number = event_value(outcome[0], "ProposalSubmitted", "proposal")
    if number is None:
        return told(outcome)
    found = desk.client.proposal(int(number))
    answer = told(outcome, proposal_text(found, desk.client.status()["height"]))
    return Answer({**outcome[0], "proposal": found}, answer.text, answer.exit)


def rules_for(found: Answered, asked: str, content: Record) -> dict[str, str]:
    """The rules in force of the track that a proposal takes: the one asked for, else the first of its kind."""
    allowed = [found["routes"].get(KIND_NAMES[type(act)], ()) for act in acts_of(content)]
    fitting = [name for name in (allowed[0] if allowed else ()) if all(name in names for names in allowed)]
    if not fitting:
        raise click.UsageError("no track takes every act of this: propose them one by one")
    name = asked or fitting[0]
    track = next((one for one in found["tracks"] if one["name"] == name), None)
    if track is None:
        known = ", ".join(one["name"] for one in found["tracks"])
        raise click.UsageError(f"there is no track {name}: take one of {known}")
    if name not in fitting:
        raise click.UsageError(f"the track {name} does not take that: take one of {', '.join(fitting)}")
    rules: dict[str, str] = track["in_force"]
    return rules


def publish(desk: Desk, signer: Signer, bundle: Bundle) -> list[Answered]:
    """Bring a bundle's bytes on chain, chunk by chunk, unless they are there; what became of each."""
    if desk.client.row("upgrade.bundles", (bundle.code_hash.hex(),))["row"]["value"] is not None:
        return []
    pieces = chunks(bundle)
    progress = Progress("publishing the bundle", len(pieces))
    target, sent = desk.runtime.call(PUBLISH), []
    for index, piece in enumerate(pieces):
        args = PublishChunk(code_hash=bundle.code_hash, index=index, total=len(pieces), data=piece)
        sent.append(desk.send(signer, target, encoded_host(PUBLISH, args)))
        progress.at(index + 1)
    progress.end()
    return [desk.receipt(one) for one in sent]


def encoded_host(name: str, args: Record) -> bytes:
    """Canonical bytes of a host call's arguments; raises a usage error when a field is out of bounds."""
    codec = HOST_CALLS[name].codec
    try:
        codec.check(args)
    except InvalidRecord as wrong:
        raise click.UsageError(str(wrong)) from None
    return codec.encode(args)


def new_value(word: str) -> NewValue:
    """A parameter's value to be, from ``name=value``; raises a usage error that names the parameter and its bounds."""
    name, equals, text = word.partition("=")
    rule = RULES.get(name)
    if not equals or rule is None:
        what = f"there is no parameter {name!r}{nearest(name, tuple(RULES), ())}" if equals else "type NAME=VALUE"
        raise click.UsageError(f"{word}: {what}; GET /parameters lists them")
    try:
        value = Fraction(text) if "/" in text else exact(text)
    except (ValueError, ZeroDivisionError):
        raise click.UsageError(f"{name} takes a number like {rule.default}, not {text!r}") from None
    ratio = isinstance(rule.default, Fraction)
    if not rule.least <= value <= rule.most or not (ratio or value.denominator == 1):
        kind = "a ratio" if ratio else "a whole number"
        raise click.UsageError(f"{name} takes {kind} from {rule.least} to {rule.most}, not {text}")
    return NewValue(name=name, number=value.numerator, per=value.denominator if ratio else 0)


def batch_of(text: str) -> Batch:
    """The batch of a JSON list of messages, each an object of one kind with its fields as the HTTP face spells them;
    raises a usage error."""
    kinds = {KIND_NAMES[kind]: number for number, kind in cases_of(Message)}
    try:
        given = json.loads(text)
        pairs = [pair for message in given for pair in message.items()]
        messages = [{"case": kinds[kind], "value": value} for kind, value in pairs]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        example = '[{"treasury_spend": {"recipient": "syn1...", "amount": "7"}}, ...]'
        raise click.UsageError(f"a batch is a JSON list like {example}, of {', '.join(kinds)}") from None
    batch: Batch = codec_of(Batch).decode(encoded("batch", schema_of(Batch), {"messages": messages}))
    return batch


def changed_tracks(
    found: Answered, parameters: dict[str, str], name: str, rules: tuple[str, ...], like: str | None,
    kinds: list[str], remove: bool,
) -> ChangeTracks:  # fmt: skip
    """A change of one track, from ``rule=text`` words; raises a usage error for a rule that no track has, a text that
    means nothing under the chain's ``parameters``, a track to begin like or a kind that is not there."""
    present = {one["name"]: one["rules"] for one in found["tracks"]}
    if (remove or like is not None) and (like or name) not in present:
        raise click.UsageError(f"there is no track {like or name}: take one of {', '.join(present)}")
    for kind in kinds:
        if kind not in ROUTED_KINDS:
            raise click.UsageError(f"there is no kind {kind!r} of proposal: take some of {', '.join(ROUTED_KINDS)}")
    texts = dict(present.get(like or name, {}))
    for word in rules:
        rule, equals, text = word.partition("=")
        if not equals or rule not in RULE:
            raise click.UsageError(f"{word}: type RULE=TEXT; `synod tracks TRACK` shows what rules there are")
        texts[rule] = text
    row = TrackRow(**{rule: text for rule, text in texts.items() if text != RULE[rule].usual})
    for rule in (word.partition("=")[0] for word in rules):
        try:
            value_of(row, rule, lambda parameter: Fraction(parameters[parameter]))
        except RuleUnreadable as wrong:
            raise click.UsageError(str(wrong)) from None
    change = TrackChange(name=name, row=TrackRow() if remove else row, remove=remove)
    routes = {kind: [*found["routes"].get(kind, []), name] for kind in kinds}
    if remove:
        routes = {kind: [n for n in names if n != name] for kind, names in found["routes"].items() if name in names}
    changes = tuple(RouteChange(kind=kind, tracks=tuple(names)) for kind, names in routes.items())
    return ChangeTracks(tracks=(change,), routes=changes)


def proposal_text(found: Answered, height: int) -> str:
    """A proposal: what it would do, under which rules, how far it is."""
    what, standing = found["proposal"], found["standing"]
    rows = [
        ("title", what["words"]["title"]),
        ("kind", what["content"]["name"]),
        *((f"  {name}", text) for name, text in content_rows(what["content"]) if _tells(name, text, what)),
        ("bundle", what["bundle"] or "none"),
        ("effect", what["effect"]),
        ("track", _track(what["track"])),
        *((("after", f"proposal {what['after']} has taken effect"),) if what["after"] != "0" else ()),
        ("status", _status(what, standing)),
        *((("deposit", _wanting(found)),) if standing["status"] == Status.DEPOSIT else ()),
        ("tally", _tally(standing)),
        *((("rehearsals", rehearsals_text(found["rehearsals"])),) if found["rehearsals"] else ()),
        *(("duration", told) for told in durations_text(what, found["rehearsals"])),
        ("height now", f"{height:,}"),
    ]
    return f"proposal {found['id']}\n{columns(rows)}"


def rehearsals_text(found: Answered) -> str:
    """The rehearsals of an upgrade in a line: when, what most power attests, and the verdict."""
    heights = f"of {found['first']:,} and {found['second']:,}, judged at {found['gate']:,}"
    postponed = f", put off {found['postponed']} times" if found["postponed"] else ""
    verdict = f"; {found['verdict'].replace('_', ' ')}" if found["verdict"] else ""
    if not found["results"]:
        return f"{heights}{postponed}: none attested{verdict}"
    most, power = found["results"][0], int(found["power"])
    said = "passed" if most["passed"] else most["value"]["code"]
    share = f"{100 * int(most['power']) // power} % of power" if power else "no power"
    others = len(found["results"]) - 1
    return f"{heights}{postponed}: {share} says {said}{f', {others} other results' if others else ''}{verdict}"


def durations_text(what: Answered, rehearsals: Answered | None) -> Iterator[str]:
    """How long rehearsals took beside what the proposer had estimated, with a warning once that is passed; nothing
    where nobody says either."""
    plan = (what["content"]["value"].get("plan") or [{}])[0]
    estimated = int(plan.get("estimated_duration", 0))
    words = [] if rehearsals is None else rehearsals["attestations"]
    took = max((one["milliseconds"] or 0 for one in words), default=0)
    told = [f"estimated {estimated / 1000:,.1f} s"] if estimated else []
    if took:
        memory = max(one["memory_bytes"] or 0 for one in words) >> 20
        told.append(f"rehearsed in {took / 1000:,.1f} s and {memory:,} MiB at most")
    if told:
        yield ", ".join(told) + (": LONGER THAN ESTIMATED" if estimated and took > estimated else "")


def proposal_line(found: Answered) -> tuple[str, ...]:
    """A proposal as a row of a list."""
    what, standing = found["proposal"], found["standing"]
    kind, title = what["content"]["name"], what["words"]["title"]
    return (str(found["id"]), standing["status"], kind, title, _dates(what, standing))


def _track(track: dict[str, Any]) -> str:
    bars = ", ".join(f"{name} {_bar(track[name])}" for name in ("quorum", "threshold", "veto"))
    times = ", ".join(f"{name} {track[name]}" for name in ("delay", "period", "confirm", "timelock"))
    return f"{track['name']}: {bars}; {times}"


def _bar(bar: dict[str, Any]) -> str:
    numbers = dict(bar["curve"]["value"])
    if numbers.pop("sinks", False):
        numbers["y_offset"] = f"-{numbers['y_offset']}"
    return bar_text(f"{bar['test']} {CURVES[bar['curve']['name']].format(**numbers)}")


def _tells(name: str, text: str, what: dict[str, Any]) -> bool:
    """Whether a value of the content says something that no other line does."""
    return not (name in ("code_hash", "effect") and text in (what["bundle"], what["effect"]))


def _wanting(found: Answered) -> str:
    whole, has = int(found["proposal"]["track"]["deposit"]), int(found["standing"]["gathered"])
    more = f"`synod call governance.deposit proposal={found['id']} amount={whole - has}` adds the rest"
    return f"{has:,} of {whole:,} units by height {int(found['standing']['due']):,}: {more}"


def said_text(words: Answered) -> str:
    """What a proposal tells people beyond its title, line by line; empty where it tells nothing."""
    lines = [printable(line) for line in words["description"].splitlines()]
    lines += [f"{name}: {printable(one)}" for name in ("risk_areas", "links") for one in words[name]]
    window = words["window"]
    if int(window["closes"]):
        lines.append(f"operators at hand from height {int(window['opens']):,} to {int(window['closes']):,}")
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _status(what: dict[str, Any], standing: dict[str, Any]) -> str:
    reason, dates = f" ({standing['reason']})" if standing["reason"] else "", _dates(what, standing)
    return f"{standing['status']}{reason}{', ' + dates if dates else ''}"


def _dates(what: dict[str, Any], standing: dict[str, Any]) -> str:
    told = (("votes from", "opened"), (" to", "closes"), (", takes effect at", "effective"), (", ended at", "ended"))
    heights = {name: int(standing[name]) for _, name in told}
    if what["content"]["name"] == "rollback" and heights["effective"]:
        heights["effective"] += 1  # the block at that height decides it, the next one goes back
    said = "".join(f"{word} {heights[name]:,}" for word, name in told if heights[name]).removeprefix(", ")
    return said or (f"next at {int(standing['due']):,}" if int(standing["due"]) else "")


def _tally(standing: dict[str, Any]) -> str:
    tally = standing["tally"]
    return ", ".join(f"{name} {int(value):,}" for name, value in tally.items())
