"""The tracks of a chain, as its tables hold them, and the one that a proposal takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from governance.errors import need, refused
from governance.fitting import Routes, Rows
from governance.proposals import KIND_NAMES, acts_of
from governance.reading import Reader
from governance.ruletext import resolve
from governance.tables import ROUTES, TRACK_STATES, TRACKS, Route, TrackState
from governance.tracks import Track, TrackRow
from runtime.parameters import Parameters
from storage.overlay import Overlay
from storage.record import Record


def rows_of(reader: Reader) -> dict[str, TrackRow]:
    """Every track's row by name."""
    return {key[0]: row for key, row in reader.scan(TRACKS)}


def routes_of(reader: Reader) -> dict[str, tuple[str, ...]]:
    """The tracks that each kind of proposal may take."""
    return {key[0]: row.tracks for key, row in reader.scan(ROUTES)}


def put_tracks(overlay: Overlay, rows: Rows, routes: Routes) -> None:
    """Make these the tracks of the chain, instead of any others."""
    for name in [key[0] for key, _ in overlay.scan(TRACKS) if key[0] not in rows]:
        overlay.delete(TRACKS, (name,))
    for name, row in rows.items():
        overlay.put(TRACKS, (name,), row)
    for kind, names in routes.items():
        overlay.put(ROUTES, (kind,), Route(tracks=tuple(names)))


def reading(parameters: Parameters, values: Mapping[str, int | Fraction] | None = None) -> Callable[[str], Fraction]:
    """What rules read parameters with, ``values`` in place of those in force; an unknown name is a KeyError."""

    def read(name: str) -> Fraction:
        if values is not None and name in values:
            return Fraction(values[name])
        if not parameters.has(name):
            raise KeyError(name)
        return parameters.ratio(name)

    return read


def track_now(reader: Reader, parameters: Parameters, name: str) -> Track:
    """A track under the parameters of this height, with the deposit as it has grown; raises HostRefused(unknown_track)
    where there is none."""
    row = reader.get(TRACKS, (name,))
    if row is None:
        raise refused("unknown_track", track=name, known=", ".join(rows_of(reader)))
    track = resolve(name, row, reading(parameters))
    growth = track.deposit_growth_percent * state_of(reader, name).open
    return track.but(deposit=track.deposit * (100 + growth) // 100)


def state_of(reader: Reader, name: str) -> TrackState:
    """How busy a track is."""
    return reader.get(TRACK_STATES, (name,)) or TrackState()


def track_name(reader: Reader, asked: str, content: Record) -> str:
    """The track that a proposal takes, by name: the one asked for, else the first that its kind may take.

    A batch may take what each of its messages may take, in the order of the first."""
    routes = [reader.get(ROUTES, (KIND_NAMES[type(act)],)) for act in acts_of(content)]
    allowed = [() if route is None else route.tracks for route in routes]
    known = tuple(name for name in (allowed[0] if allowed else ()) if all(name in names for names in allowed))
    need(bool(known), "no_common_track")
    if not asked:
        return known[0]
    need(reader.get(TRACKS, (asked,)) is not None, "unknown_track", track=asked, known=", ".join(rows_of(reader)))
    need(asked in known, "wrong_track", track=asked, known=", ".join(known))
    return asked


