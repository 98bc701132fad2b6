"""What readers may know: answers made from the committed view, at a height that is on disk.

A view never changes, so any thread may read it while the executor makes the next block. Nothing here waits for the
executor, and nothing here sees blocks that still wait for a sync.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

from governance.ruletext import text_of, value_text
from governance.tables import HISTORY as STEPS
from governance.tables import PROPOSALS, STANDINGS
from governance.tracks import RULES
from governance.tracktable import routes_of, rows_of, state_of, track_now
from node.errors import BadRequest, NotFound
from node.http import answers
from node.http.values import parse_key, render, render_key
from node.rehearsals_shown import rehearsals_of
from runtime.accounts import ACCOUNTS, Account
from runtime.address import address_text
from runtime.block import block_id
from runtime.bundle.loader import LoadedRuntime
from runtime.chain import Chain
from runtime.growth.growth import Progress
from runtime.journal import LOG, START
from runtime.parameters import FLAGS, Parameters
from runtime.plans import HISTORY, PLANS, QUEUE, REPLAYING, RUNNING, WINDOW, Queue, Running
from runtime.receipts import Receipt
from runtime.registry import REGISTRY
from runtime.safe_mode import SafeMode, safe_mode_of
from runtime.sealing import RECEIPTS, block_of
from storage.errors import InvalidKey
from storage.overlay import Overlay
from storage.tables import Table
from storage.view import CommittedView

MOST_SCANNED = 2_000
"""Rows that one page looks at when it filters; the page may then be short and still have a next one."""


class Reading:
    """One view with what is needed to understand it. ``host_tables`` are those of the host half, by full name."""

    def __init__(self, view: CommittedView, chain: Chain, host_tables: Mapping[str, Table[Any]]) -> None:
        self.view = view
        self.chain = chain
        self.host_tables = host_tables
        self.height = view.height
        running = view.get(RUNNING, ())
        assert running is not None, "every chain has a running runtime from genesis on"
        self.running: Running = running
        # A view answers `get` and `scan` as an overlay does, which is all these readers use.
        self.as_overlay = cast(Overlay, view)

    @property
    def loaded(self) -> LoadedRuntime:
        """The runtime that runs at this height."""
        return self.chain.library.get(self.as_overlay, self.running.code_hash)

    @property
    def parameters(self) -> Parameters:
        """Parameters in force for the next height."""
        return Parameters(self.as_overlay, self.height + 1)

    @property
    def safe_mode(self) -> SafeMode:
        """What is stopped from the next height on."""
        return safe_mode_of(self.as_overlay)

    def stops(self) -> list[answers.Stop]:
        """What is stopped, the chain first."""
        return [
            answers.Stop(module=stop.module, since=stop.since, until=stop.until or None, reason=stop.reason)
            for stop in self.safe_mode.stops
        ]

    def runtime(self) -> answers.Runtime:
        """The running runtime."""
        running = self.running
        return answers.Runtime(version=running.version, code_hash=running.code_hash.hex(), since=running.since)

    def registry(self) -> dict[str, dict[str, Any]]:
        """Entries of the module registry, by module."""
        return {name: render(REGISTRY.schema, entry) for (name,), entry in self.view.scan(REGISTRY)}

    def last_block(self) -> bytes:
        """The id of the last block."""
        return (self.view.get(LOG, ()) or START).block

    def key_row(self, address: bytes) -> Account | None:
        """The host's row of an address, if it ever signed."""
        return self.view.get(ACCOUNTS, (address,))

    def balance(self, address: bytes) -> int:
        """What the purse port shows for an address."""
        port = self.loaded.declaration.manifest.ports.purse
        assert port is not None, "the checker admits no runtime without a purse"
        row = self.view.get(self.loaded.tables[port.table], (address,))
        return 0 if row is None else int(getattr(row, port.field))

    def block(self, height: int | None) -> answers.Block:
        """The block of a height, None for the last; raises NotFound, or HeightUnknown for one not kept."""
        wanted = self.height if height is None else height
        if wanted == 0 or wanted > self.height:
            raise NotFound("no_such_block", f"there is no block {wanted}; the last is {self.height}, the first 1")
        log = self.view.log
        header = block_of(log.block(wanted)).header
        seconds = log.second_receipts(wanted)
        return answers.Block(
            height=header.height,
            id=block_id(header).hex(),
            chain=header.chain,
            last_block=header.last_block.hex(),
            app_root=header.app_root.hex(),
            proposer=address_text(header.proposer),
            transactions=[transaction_id.hex() for transaction_id in log.transactions(wanted)],
            receipts=[receipt_answer(RECEIPTS.decode(raw)) for raw in log.receipts(wanted)],
            second_receipts=[receipt_answer(RECEIPTS.decode(seconds[place])) for place in sorted(seconds)],
        )

    def executed(self, transaction_id: bytes) -> tuple[int, int, bytes, list[Receipt]] | None:
        """Height, place, raw bytes and receipts of a transaction in a kept block."""
        log = self.view.log
        found = log.locate(transaction_id)
        if found is None:
            return None
        height, place = found
        receipts = [RECEIPTS.decode(log.receipts(height)[place])]
        second = log.second_receipt(height, place)
        if second is not None:
            receipts.append(RECEIPTS.decode(second))
        return height, place, block_of(log.block(height)).transactions[place], receipts

    def table(self, module: str, table: str) -> Table[Any]:
        """A table by its names; raises NotFound(no_such_table)."""
        name = f"{module}.{table}"
        found = self.loaded.tables.get(name) or self.host_tables.get(name)
        if found is None or self.view.catalogue.find(name) is None:
            raise NotFound("no_such_table", f"no table is called {name[:130]}; GET /modules lists them")
        return found

    def rows(self, module: str, name: str, prefix: tuple[str, ...], after: str, limit: int) -> answers.Rows:
        """A page of a table in key order; the cursor is the key bytes of the last row shown."""
        table = self.table(module, name)
        wanted = parse_key(table.key, table.key_names, prefix)
        start = _cursor(table, wanted, after)
        found = islice(self.view.scan(table, wanted, start=start), limit + 2)
        page = [(key, record) for key, record in found if key != start]
        shown = [answers.Row(key=_key(table, key), value=render(table.schema, record)) for key, record in page[:limit]]
        more = table.pack(page[limit - 1][0]).hex() if len(page) > limit else None
        return answers.Rows(table=table.name, height=self.height, rows=shown, next=more)

    def row(self, table: Table[Any], texts: tuple[str, ...]) -> tuple[tuple[Any, ...], answers.Row]:
        """One row with its parsed key; raises BadRequest(bad_key)."""
        key = parse_key(table.key, table.key_names, texts)
        if len(key) != len(table.key):
            raise BadRequest("bad_key", f"the key has {len(table.key)} parts ({', '.join(table.key_names) or 'none'})")
        record = self.view.get(table, key)
        value = None if record is None else render(table.schema, record)
        return key, answers.Row(key=_key(table, key), value=value)

    def proposals(self, status: str, before: int | None, limit: int) -> answers.Proposals:
        """A page of proposals, the newest first."""
        found, last = [], 0
        for last in islice(self._proposal_ids(before), MOST_SCANNED):
            answer = self.proposal(last, with_history=False)
            if not status or answer.standing["status"] == status:
                found.append(answer)
            if len(found) == limit:
                break
        return answers.Proposals(height=self.height, proposals=found, next=last if last > 1 else None)

    def _proposal_ids(self, before: int | None) -> Iterator[int]:
        if before == 0:
            return iter(())
        start = None if before is None else (before - 1,)
        return (key[0] for key, _ in self.view.scan(PROPOSALS, start=start, reverse=True))

    def proposal(self, proposal_id: int, with_history: bool = True) -> answers.ProposalAnswer:
        """One proposal; raises NotFound(no_such_proposal)."""
        proposal, standing = self.view.get(PROPOSALS, (proposal_id,)), self.view.get(STANDINGS, (proposal_id,))
        if proposal is None or standing is None:
            raise NotFound("no_such_proposal", f"there is no proposal {proposal_id}")
        steps = self.view.scan(STEPS, (proposal_id,)) if with_history else ()
        return answers.ProposalAnswer(
            id=proposal_id,
            proposal=render(PROPOSALS.schema, proposal),
            standing=render(STANDINGS.schema, standing),
            history=[render(STEPS.schema, step) for _, step in steps],
            rehearsals=rehearsals_of(self.view, standing.plan, self.view.log) if with_history else None,
        )

    def plans(self, growth: Progress | None, seconds: int | None) -> answers.Plans:
        """What runs and what waits, how far the pending one's growth is on this node, and the seconds it still
        takes."""
        waiting = [self._plan(plan_id) for plan_id in (self.view.get(QUEUE, ()) or Queue()).plans]
        window = self.view.get(WINDOW, ())
        return answers.Plans(
            height=self.height,
            running=self.runtime(),
            pending=waiting[0].model_copy(update={"growth": _growth(growth, seconds)}) if waiting else None,
            waiting=waiting[1:],
            rollback_until=None if window is None else window.closes,
            replay=self._replay(),
        )

    def _replay(self) -> answers.Replay | None:
        row = self.view.get(REPLAYING, ())
        return None if row is None else answers.Replay(
            plan=row.window.plan,
            returned=row.window.rollback_at,
            next=row.next,
            heights_left=self.height + 1 - row.next,
            replayed=row.replayed,
            not_replayed=row.not_replayed,
        )

    def _plan(self, plan_id: int) -> answers.PlanAnswer:
        plan = self.view.get(PLANS, (plan_id,))
        assert plan is not None, "the queue names plans that exist"
        return answers.PlanAnswer(
            id=plan_id, plan=render(PLANS.schema, plan), rehearsals=rehearsals_of(self.view, plan_id, self.view.log)
        )

    def history(self, before: int | None, limit: int) -> answers.History:
        """A page of the upgrade history, the newest first; a height is never split between pages."""
        entries: list[answers.HistoryAnswer] = []
        following = None
        start = None if before is None else (before - 1,)
        scan = () if before == 0 else self.view.scan(HISTORY, start=start, reverse=True)
        for (height, plan), entry in scan:
            if len(entries) >= limit and height != entries[-1].height:
                following = entries[-1].height
                break
            entries.append(answers.HistoryAnswer(height=height, plan=plan, entry=render(HISTORY.schema, entry)))
        return answers.History(height=self.height, entries=entries, next=following)

    def tracks(self) -> answers.Tracks:
        """Every track as it is written and as it comes out now."""
        reader, found = self.as_overlay, []
        for name, row in rows_of(reader).items():
            track, state = track_now(reader, self.parameters, name), state_of(reader, name)
            found.append(
                answers.Track(
                    name=name,
                    rules={rule.name: text_of(row, rule.name) for rule in RULES},
                    in_force={rule.name: value_text(track, rule.name) for rule in RULES},
                    open=state.open,
                    voting=state.voting,
                )
            )
        routes = {kind: list(names) for kind, names in routes_of(reader).items()}
        meanings = {rule.name: rule.meaning for rule in RULES}
        return answers.Tracks(height=self.height, tracks=found, routes=routes, meanings=meanings)

    def all_parameters(self) -> answers.Parameters:
        """Every parameter with its rule, and every flag anybody set."""
        in_force = self.parameters
        found = [
            answers.Parameter(
                name=rule.name,
                value=str(in_force.ratio(rule.name)),
                default=str(rule.default),
                least=str(rule.least),
                most=str(rule.most),
                meaning=rule.meaning,
            )
            for rule in self.chain.rules
        ]
        names = {key[0] for key, _ in self.view.scan(FLAGS)}
        return answers.Parameters(
            height=self.height, parameters=found, flags={name: in_force.flag(name) for name in sorted(names)}
        )


def receipt_answer(receipt: Receipt) -> answers.Receipt:
    """A receipt as readers see it."""
    return answers.Receipt(
        item=receipt.item.hex(),
        code=receipt.code,
        file=receipt.file,
        line=receipt.line,
        steps=receipt.steps,
        written=receipt.written,
        fee=str(receipt.fee),
        events=[
            answers.Event(
                kind=event.kind,
                attributes=[answers.Attribute(name=one.name, value=one.value) for one in event.attributes],
            )
            for event in receipt.events
        ],
    )


def _growth(progress: Progress | None, seconds: int | None) -> answers.Growth | None:
    if progress is None:
        return None
    return answers.Growth(
        phase=progress.phase, done=progress.done, total=progress.total, failing=progress.failing, seconds_left=seconds
    )


def _key(table: Table[Any], key: tuple[Any, ...]) -> dict[str, Any]:
    return render_key(table.key, table.key_names, key)


def _cursor(table: Table[Any], prefix: tuple[Any, ...], after: str) -> tuple[Any, ...] | None:
    """The key a page starts behind; raises BadRequest(bad_cursor)."""
    if not after:
        return None
    try:
        key = table.unpack(bytes.fromhex(after))
    except (ValueError, InvalidKey):
        raise BadRequest("bad_cursor", "give `next` of the page before as `after`") from None
    if key[: len(prefix)] != prefix:
        raise BadRequest("bad_cursor", "the cursor is not of these key parts")
    return key
