"""One transaction: admitted by the host, then run by its module or by the host.

Order: decode (before), chain, expiry, key, signature, nonce; a transaction refused up to here costs nothing and its
nonce stays free. So does that of a runtime call which must wait, in safe mode or in a block whose steps are used up:
it may stand in a later block. From there on the nonce is used whatever happens: then the interface, the fee, and the
handler on a savepoint. A failure undoes the handler's writes; the fee stays paid, since the work was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.accounts import ACCOUNTS, Account, account_for
from runtime.bundle.loader import LoadedRuntime
from runtime.context import invoke_call
from runtime.errors import HostRefused, RuntimeRoomError
from runtime.host import HostCall, HostContext
from runtime.interface import interface_of
from runtime.keys import verify
from runtime.metering.faults import MODULE_ISOLATED, MODULE_NOT_REGISTERED, Fault, HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.parameters import Parameters
from runtime.purse import Purse
from runtime.receipts import BLOCK_OUT_OF_STEPS, CALLS_WAIT, OK, QUEUED_FOR_REPLAY, Event, Receipt
from runtime.transaction import Body, SignedTransaction
from storage.codec import Codec
from storage.errors import InvalidRecord, NotCanonical
from storage.overlay import Overlay


@dataclass(slots=True)
class Execution:
    """The scope of one block, or of one replayed height: what handlers see and what they leave behind."""

    overlay: Overlay
    loaded: LoadedRuntime
    height: int
    chain_id: str
    parameters: Parameters
    purse: Purse
    safe_mode: bool
    steps_left: int
    """Of the block, for its transactions together."""
    call_limit: int
    """Steps of one transaction; each that runs has them whole, so no outcome depends on what ran before it."""
    call_written: int
    """Bytes one transaction may write."""
    fee_floor: int
    """Least fee of a runtime transaction."""
    replaying: bool
    """A replay is under way beside this block, so that its runtime calls are queued behind it."""
    registered: frozenset[str]
    """Modules that may run, those with an entry in the module registry."""
    isolated: frozenset[str]
    """Modules of which nothing runs for now."""
    events: list[Event] = field(default_factory=list)
    fees: int = 0
    """Fees taken in this block and not yet credited."""


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A host call ready to run: its interface and argument codec made once."""

    call: HostCall
    interface: bytes
    codec: Codec[Any]


HostTable = Mapping[tuple[str, str], HostEntry]


def host_table_of(calls: tuple[HostCall, ...]) -> HostTable:
    """Index host calls by (module, name) with their interfaces."""
    return {
        (call.module, call.name): HostEntry(
            call, interface_of(call.module, call.name, call.schema, call.meaning), call.codec
        )
        for call in calls
    }


SignatureCheck = Callable[[SignedTransaction, bytes], bool]
"""(transaction, public key) -> whether its signature is that key's; a node answers from what it verified before."""


def signature_is_good(transaction: SignedTransaction, key: bytes) -> bool:
    """Verify here and now."""
    return verify(key, transaction.message, transaction.signature)


def admit(execution: Execution, transaction: SignedTransaction, check: SignatureCheck) -> Account:
    """The sender's account if the transaction may use its nonce now; raises HostRefused and changes nothing."""
    body = transaction.body
    if body.chain != execution.chain_id:
        raise HostRefused("wrong_chain", f"signed for {body.chain}, this is {execution.chain_id}")
    if body.expiry and execution.height > body.expiry:
        raise HostRefused("expired", f"valid to height {body.expiry}")
    account = account_for(execution.overlay, body.sender, body.key)
    if not check(transaction, account.key):
        raise HostRefused("bad_signature", "the signature is not the account's over this body")
    if body.nonce != account.nonce:
        raise HostRefused("wrong_nonce", f"the next nonce of this account is {account.nonce}")
    return account


def execute_transaction(
    execution: Execution, host: HostTable, context: HostContext, transaction: SignedTransaction, check: SignatureCheck
) -> Receipt:
    """Run one transaction and tell what became of it; never raises for anything a transaction contains."""
    body = transaction.body
    try:
        account = admit(execution, transaction, check)
    except HostRefused as refused:
        return Receipt(item=transaction.id, code=refused.code)
    entry = host.get((body.call.module, body.call.name))
    if entry is None and (wait := must_wait(execution)):
        return Receipt(item=transaction.id, code=wait)
    execution.overlay.put(ACCOUNTS, (body.sender,), account.but(nonce=account.nonce + 1))
    if entry is not None:
        return _run_host(execution, entry, context, transaction)
    if execution.replaying:
        return Receipt(item=transaction.id, code=runtime_refusal(execution, transaction) or QUEUED_FOR_REPLAY)
    return run_runtime(execution, transaction)


def must_wait(execution: Execution) -> str:
    """Why no runtime call can run now, though a later block may take it; empty when one can."""
    if execution.safe_mode:
        return CALLS_WAIT
    return "" if execution.steps_left >= execution.call_limit else BLOCK_OUT_OF_STEPS


def _run_host(execution: Execution, entry: HostEntry, context: HostContext, transaction: SignedTransaction) -> Receipt:
    call = transaction.body.call
    if call.interface != entry.interface:
        return Receipt(item=transaction.id, code="signed_for_another_version")
    overlay = execution.overlay
    savepoint = overlay.savepoint()
    moved, said = len(context.purse.items), len(context.events)
    context.sender = transaction.body.sender
    try:
        entry.call.run(context, entry.codec.decode_canonical(call.args))
    except (RuntimeRoomError, NotCanonical, InvalidRecord) as refused:
        overlay.rollback_to(savepoint)
        del context.purse.items[moved:]
        del context.events[said:]
        return _refusal(transaction, refused)
    overlay.release(savepoint)
    return Receipt(item=transaction.id, code=OK, events=tuple(context.events[said:]))


def _refusal(transaction: SignedTransaction, refused: Exception) -> Receipt:
    if isinstance(refused, HostRefused):
        return Receipt(item=transaction.id, code=refused.code, file=refused.file, line=refused.line)
    return Receipt(item=transaction.id, code=refused.code if isinstance(refused, RuntimeRoomError) else "bad_arguments")


def runtime_refusal(execution: Execution, transaction: SignedTransaction) -> str:
    """Why the running runtime cannot even start this call, paused or not; empty when it can."""
    call = transaction.body.call
    found = execution.loaded.calls.get((call.module, call.name))
    if found is None or found.declaration.internal:
        return "unknown_call"
    if call.module in execution.isolated:
        return MODULE_ISOLATED
    if call.module not in execution.registered:
        return MODULE_NOT_REGISTERED
    if found.declaration.interface != call.interface:
        return "signed_for_another_version"
    return "fee_too_low" if transaction.body.fee < execution.fee_floor else ""


def run_runtime(execution: Execution, transaction: SignedTransaction) -> Receipt:
    """Take the fee and run a module's call, metered, on a savepoint; the caller has asked `must_wait`."""
    body = transaction.body
    refusal = runtime_refusal(execution, transaction)
    if refusal:
        return Receipt(item=transaction.id, code=refusal)
    try:
        execution.purse.pay_fee(body.sender, body.fee)
    except HostRefused as refused:
        return Receipt(item=transaction.id, code=refused.code)
    execution.fees += body.fee
    meter, said = Meter(execution.call_limit, execution.call_written), len(execution.events)
    outcome = _run_call(execution, body, meter)
    steps = meter.steps
    execution.steps_left -= steps
    return Receipt(
        item=transaction.id,
        code=outcome.code,
        file=outcome.file,
        line=outcome.line,
        steps=steps,
        written=meter.written,
        fee=body.fee,
        events=tuple(execution.events[said:]),
    )


_FINE = Fault(OK, "", 0)
_BAD_ARGUMENTS = Fault("bad_arguments", "", 0)


def _run_call(execution: Execution, body: Body, meter: Meter) -> Fault:
    """Run the handler; a failing one has left neither writes nor events behind."""
    overlay, target = execution.overlay, execution.loaded.calls[(body.call.module, body.call.name)]
    try:
        args = target.arguments(body.call.args)
    except (NotCanonical, InvalidRecord):
        return _BAD_ARGUMENTS
    savepoint, said = overlay.savepoint(), len(execution.events)
    try:
        invoke_call(execution, target, args, body.sender, meter)
    except (Exception, HostFault) as failure:
        overlay.rollback_to(savepoint)
        del execution.events[said:]
        return fault_of(failure, meter)
    overlay.release(savepoint)
    return _FINE
