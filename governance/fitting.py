"""What the tracks and parameters of a chain must satisfy together, whichever of them a vote changes.

- Every rule has a value within its bounds (`governance.tracks`), and every track that is named is there.
- Whatever kind of proposal there is has a track; undoing an upgrade goes on urgent ones only, and reviewers and the
  guardian can be named on one that asks for no review: so none of them holds up who takes his place, or the chain.
- An urgent proposal made at once takes effect inside the rollback window, its confirm period, extension and gates
  counted, and it waits for no deposit and no place: so an upgrade can be undone at any time before its window closes.
- The cut of one voter's power is at or above what each quorum ends at, so that any distribution of power can reach it.
- A proposal costs a deposit, or takes a floor of power, which an urgent one always does.
- Urgent and breaking decisions end at no lower bars than an ordinary one, and urgent ones, decided soon, at a higher
  threshold. The track that an expedited vote turns into is open longer, asks for less, and has delegations vote alike:
  votes that are cast stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from governance.bars import Bar, Moment, share_at
from governance.ruletext import Read, RuleUnreadable, resolve
from governance.tracks import Track, TrackRow, latest_effect

BREAKING = "breaking"
"""The track that an upgrade takes whose effect is breaking, or that has no way back."""
UNDO = "rollback"
POSTS = ("reviewers", "guardian")
"""Kinds that name who may hold others up."""
ORDINARY = "parameter_change"
"""The kind whose first track the others are compared with."""
LONGEST_NAME = 40

Rows = Mapping[str, TrackRow]
Routes = Mapping[str, Sequence[str]]
"""The tracks that a kind of proposal may take; the first is taken when a proposal names none."""


def conflict_in(read: Read, rows: Rows, routes: Routes, kinds: Sequence[str]) -> str:
    """Why these tracks cannot hold under these parameters, or an empty text."""
    tracks: dict[str, Track] = {}
    for name, row in rows.items():
        try:
            tracks[name] = resolve(name, row, read)
        except RuleUnreadable as wrong:
            return f"track {name}, {wrong}"
    return next(_conflicts(read, tracks, routes, kinds), "")


def _conflicts(read: Read, tracks: Mapping[str, Track], routes: Routes, kinds: Sequence[str]) -> Iterator[str]:
    yield from _routes_lead_somewhere(tracks, routes, kinds)
    for name, track in tracks.items():
        yield from _track_alone(name, track, read)
        yield from _track_beside(name, track, tracks)
    ordinary = tracks[routes[ORDINARY][0]]
    for name, track in tracks.items():
        if track.urgent or name == BREAKING:
            for what, bar, least in (
                ("quorum", track.quorum, ordinary.quorum),
                ("threshold", track.threshold, ordinary.threshold),
            ):
                if last(bar) < last(least):
                    yield f"the {what} of track {name} is below that of {ordinary.name}"
        if track.urgent and last(track.threshold) == last(ordinary.threshold):
            yield f"the threshold of track {name} is not above that of {ordinary.name}: it is decided soon"


def _routes_lead_somewhere(tracks: Mapping[str, Track], routes: Routes, kinds: Sequence[str]) -> Iterator[str]:
    for kind in kinds:
        if not routes.get(kind):
            yield f"no track takes a {kind}"
    for kind, names in routes.items():
        if kind not in kinds:
            yield f"there is no kind of proposal {kind}"
        for name in names:
            if name not in tracks:
                yield f"a {kind} may take track {name}, which is not there"
    for name in routes[UNDO]:
        if not tracks[name].urgent:
            yield f"a {UNDO} may take track {name}, which is not urgent"
    for kind in POSTS:
        if all(tracks[name].reviews for name in routes[kind]):
            yield f"every track of a {kind} proposal asks for reviews: who does not review could not be replaced"
    if BREAKING not in routes["runtime_upgrade"]:
        yield f"a runtime_upgrade may not take track {BREAKING}"


def _track_alone(name: str, track: Track, read: Read) -> Iterator[str]:
    if not 0 < len(name) <= LONGEST_NAME or not name.replace("_", "a").isalnum() or not name.isascii():
        yield f"a track's name has 1 to {LONGEST_NAME} letters, digits and _, not {name[:LONGEST_NAME]!r}"
    if track.urgent and latest_effect(track) >= read("rollback_window"):
        window = read("rollback_window")
        yield f"track {name} takes up to {latest_effect(track)} blocks, the rollback window has {window}"
    if track.urgent and (track.deposit or track.limit):
        yield f"track {name} is urgent and waits for a deposit or a place: it would not be decided in time"
    if Fraction(track.max_individual_power_percent, 100) < last(track.quorum):
        yield f"max_individual_power_percent of track {name} is below its quorum: one large voter could lock the chain"
    if track.urgent and not track.power_floor.part:
        yield f"track {name} is urgent and asks for no power: anybody could crowd it"
    if not track.deposit and not track.power_floor.part:
        yield f"track {name} asks for neither a deposit nor power: anybody could crowd it"
    if track.early and not track.confirm:
        yield f"track {name} ends votes early and has no confirm period"


def _track_beside(name: str, track: Track, tracks: Mapping[str, Track]) -> Iterator[str]:
    for what, other in (("turns into", track.turns_into), ("goes on to", track.then)):
        if other and other not in tracks:
            yield f"track {name} {what} {other}, which is not there"
        elif other and (tracks[other].turns_into or tracks[other].then or tracks[other].urgent or track.urgent):
            yield f"track {name} {what} {other}: both are ordinary, and {other} is the last"
    if track.turns_into in tracks:
        regular = tracks[track.turns_into]
        if regular.period <= track.period or last(regular.threshold) > last(track.threshold):
            yield f"track {name} turns into {regular.name}, which is not open longer, or asks for more"
        if regular.validator_delegations != track.validator_delegations:
            yield f"track {name} turns into {regular.name}, which counts delegations in another way"


def last(bar: Bar) -> Fraction:
    """The highest share that a bar can stand at when the period ends."""
    share = share_at(bar, Moment(participation=10_000))
    return Fraction(share.part, share.whole)
