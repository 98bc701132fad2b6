"""The turn of an upgrade, brought forward: in this copy of a state it takes effect with the next block.

Whatever it still waits for is taken as done: its vote as passed, other plans before it as gone, an open rollback
window as closed, safe mode as left, its gate as passed. Only host rows of the copy change, so the runtime root stays
that of the height. A plan that is scheduled keeps what was frozen for it. On a height at which a rollback's replay is
under way nothing can be tried: no upgrade begins from tables that are on their way, so there is nothing to say of it.
"""

from __future__ import annotations

from governance.lifecycle import Status
from governance.proposals import Proposal, RestoreModule, RuntimeUpgrade, Standing, content_digest
from governance.tables import PROPOSALS, STANDINGS
from node.trial.errors import NothingToTry
from node.trial.report import Subject
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundles import stored_bundle
from runtime.coordinator import Coordinator
from runtime.parameters import Parameters
from runtime.plans import PLANS, QUEUE, SCHEDULED, WAITING, WINDOW, Queue
from runtime.requests import PlanRequest, RestoreRequest
from storage.overlay import Overlay
from storage.state import State

CLEARED = b"for its trial"
"""Stands for the result that a cleared plan rests on."""


def subject_of(state: State, proposal: int) -> Subject:
    """What is tried when a proposal is; raises NothingToTry."""
    overlay = state.overlay()
    coordinator = _coordinator(overlay, state.height)
    what, content, standing = _planned(overlay, proposal)
    if standing.plan and (ended := coordinator.plan(standing.plan).state) not in (SCHEDULED, WAITING):
        raise NothingToTry("plan_ended", f"the plan of proposal {proposal} is {ended}: rehearse one that is open")
    queue, running = overlay.get(QUEUE, ()) or Queue(), coordinator.running()
    return Subject(
        proposal=proposal,
        plan=standing.plan or queue.last + 1,
        version_from=running.version,
        version_to=running.version if isinstance(content, RestoreModule) else content.version,
        code_hash=(what.base if isinstance(content, RestoreModule) else content.code_hash).hex(),
        height=state.height,
        runtime_root=state.head.runtime_root.hex(),
    )


def bring_forward(state: State, subject: Subject) -> Proposal:
    """Let the plan of a proposal be due with the next block, and return the proposal; raises NothingToTry, and what
    scheduling it would refuse."""
    overlay, height = state.overlay(), state.height
    coordinator = _coordinator(overlay, height)
    if coordinator.replaying() is not None:
        why = f"at height {height} a rollback is still being replayed: rehearse on a height after its end"
        raise NothingToTry("replay_under_way", why)
    for stop in coordinator.safe_mode().stops:
        coordinator.resume("a trial", stop.module)
    window = coordinator.window()
    if window is not None:
        overlay.put(WINDOW, (), window.but(closes=min(window.closes, height), rollback_at=0))
    what, content, standing = _planned(overlay, subject.proposal)
    plan_id = standing.plan or _schedule(overlay, coordinator, height, subject.proposal, content)
    plan = coordinator.plan(plan_id).but(state=SCHEDULED, activation=height + 1, cleared=CLEARED)
    overlay.put(PLANS, (plan_id,), plan.but(base=what.base, effect=what.effect))
    queue = overlay.get(QUEUE, ()) or Queue()
    overlay.put(QUEUE, (), queue.but(plans=(plan_id,)))
    state.commit(state.prepare(overlay), height, amends=True)
    return what


def _schedule(
    overlay: Overlay, coordinator: Coordinator, height: int, proposal: int, content: RuntimeUpgrade | RestoreModule
) -> int:
    """The plan that the proposal would get if its vote closed now."""
    if isinstance(content, RestoreModule):
        restore = RestoreRequest(proposal, content.backup, content_digest(content), activation=height + 1)
        return coordinator.schedule_restore(restore)
    declaration = _declared(overlay, content.code_hash)
    running = _declared(overlay, coordinator.running().code_hash)
    effect = check_upgrade(running, declaration)
    request = PlanRequest(proposal, content.code_hash, effect, declaration, activation=height + 1)
    return coordinator.schedule(request)


def _declared(overlay: Overlay, code_hash: bytes) -> RuntimeDeclaration:
    return check_bundle(stored_bundle(overlay, code_hash), chain=None, host_release=None)


def _coordinator(overlay: Overlay, height: int) -> Coordinator:
    return Coordinator(overlay, height, Parameters(overlay, height), [])


def _planned(overlay: Overlay, proposal: int) -> tuple[Proposal, RuntimeUpgrade | RestoreModule, Standing]:
    what: Proposal | None = overlay.get(PROPOSALS, (proposal,))
    standing: Standing | None = overlay.get(STANDINGS, (proposal,))
    if what is None or standing is None:
        raise NothingToTry("unknown_proposal", f"there is no proposal {proposal} at this height")
    content = what.content.value
    if not isinstance(content, RuntimeUpgrade | RestoreModule):
        raise NothingToTry("no_upgrade", f"proposal {proposal} proposes no upgrade: there is nothing to rehearse")
    if Status(standing.status).is_final:
        raise NothingToTry("proposal_ended", f"proposal {proposal} is {standing.status}: rehearse one that is open")
    return what, content, standing
