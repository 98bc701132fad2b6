"""A node that is only its face: fixed answers, typed refusals, real decoding. No part of ours is replaced by it."""

from governance.bars import Bar, Ratio
from governance.proposals import Content, MaintenanceWindow, Proposal, Standing, Statement, Words
from governance.tally import Electors, Tally
from governance.tracks import ALL_VOTES, ON_SWING, VOTED, Track
from node.errors import BadRequest, NotFound, NotReady, TransactionRefused
from node.http import answers
from node.http.operator import CheckpointMade
from node.http.values import json_schema, parse_key, render, render_key, to_bytes
from runtime.address import address_text
from runtime.interface import interface_of, interface_text
from runtime.transaction import decode_transaction
from storage.codec import codec_of
from storage.record import Address, Amount, Record, field, schema_of

HASH = "ab" * 32
LARGE = 2**255 + 1
OWNER = bytes(range(20))
RUNTIME = answers.Runtime(version="1.0.0", code_hash=HASH, since=0)


class Account(Record):
    """A row with an amount that no JSON number holds."""

    balance: Amount = field(1, value="coin")


class Send(Record):
    """Arguments."""

    to: Address = field(1)
    coins: Amount = field(2, default=0)


ROWS = {(OWNER,): Account(balance=LARGE), (bytes(20),): Account(balance=7)}
KINDS, NAMES = ("address",), ("owner",)
BAR = Bar.constant(667, 1000)
TRACK = Track(
    name="standard",
    delay=1,
    period=10,
    timelock=100_800,
    grace=10,
    deposit=10**30,
    deposit_period=10,
    quorum=BAR,
    threshold=BAR,
    veto=BAR,
    min_voters=1,
    max_individual_power_percent=50,
    power_floor=Ratio(whole=1),
    initial_share=Ratio(part=1, whole=4),
    turnout=ALL_VOTES,
    late_on=ON_SWING,
    validator_delegations=VOTED,
    cancel_burn=Ratio(whole=1),
    implementation=Bar.constant(0, 1),
)
PROPOSAL = Proposal(
    proposer=OWNER,
    submitted=5,
    content=Content.of(Statement()),
    words=Words(title="A title", window=MaintenanceWindow()),
    track=TRACK,
    effect=bytes(32),
)
STANDING = Standing(status="voting", electors=Electors(power=LARGE, voters=3), tally=Tally(yes=LARGE))


def fields_of(record):
    return [
        answers.FieldSchema(
            number=spec.number,
            name=spec.name,
            type=spec.type.kind,
            optional=spec.has_default,
            coin=spec.value == "coin",
        )
        for spec in schema_of(record).fields
    ]


class StandInOperator:
    """Takes a checkpoint by its reason, and stops nothing."""

    async def checkpoint(self, reason):
        return CheckpointMade(name=reason, height=7, app_root=HASH)

    async def halt(self):
        pass

    def turned_away(self):
        pass


class StandIn:
    """Answers from constants; ``ready`` and ``taken`` are the only things that change."""

    def __init__(self):
        self.ready = True
        self.taken = []

    async def status(self):
        return answers.Status(
            chain_id="synod-1",
            chain_name="synod",
            release="0.1.0",
            height=7,
            block_id=HASH,
            app_root=HASH,
            host_root=HASH,
            runtime_root=HASH,
            runtime=RUNTIME,
            state="running" if self.ready else "draining",
            safe_mode=False,
            stops=[],
            driver="solo: 1 machine, 4 signatures",
            mempool_transactions=len(self.taken),
            mempool_bytes=0,
        )

    async def health(self):
        parts = [answers.HealthPart(name="storage", healthy=self.ready)]
        return answers.Health(healthy=self.ready, uptime_seconds=1, parts=parts)

    async def chain_health(self):
        module = answers.ModuleHealth(module="bank", healthy=True, hooks=1)
        return answers.ChainHealth(height=7, modules=[module], invariants=["supply"], broken=[], looked_at=True)

    async def readiness(self):
        return answers.Readiness(ready=self.ready, reason="" if self.ready else "draining")

    async def metrics(self):
        return b"# HELP synod_height The last committed height.\n# TYPE synod_height gauge\nsynod_height 7.0\n"

    async def submit(self, raw, only=()):
        transaction = decode_transaction(raw, 48 * 1024)
        call = transaction.body.call
        if only and (call.module, call.name) not in only:
            raise BadRequest("wrong_call", f"this takes {only} only")
        if not self.ready:
            raise NotReady("the node is draining: send it to another")
        if transaction.body.nonce:
            raise TransactionRefused("nonce_used", "ask for the next nonce")
        if transaction.id in self.taken:
            raise TransactionRefused("already_known", "wait for its receipt")
        self.taken.append(transaction.id)
        return transaction.id

    async def transaction(self, transaction_id):
        if transaction_id not in self.taken:
            raise NotFound("no_such_transaction", f"no transaction {transaction_id.hex()} is known here")
        return answers.Transaction(id=transaction_id.hex(), state="waiting")

    async def block(self, height):
        if height not in (None, 7):
            raise NotFound("no_such_block", f"no block of height {height} is kept; the latest is 7")
        event = answers.Event(kind="bank.sent", attributes=[answers.Attribute(name="coins", value=str(LARGE))])
        receipt = answers.Receipt(item=HASH, code="ok", steps=3, written=40, fee=str(LARGE), events=[event])
        return answers.Block(
            height=7,
            id=HASH,
            chain="synod-1",
            last_block=HASH,
            app_root=HASH,
            proposer=address_text(OWNER),
            transactions=[HASH],
            receipts=[receipt],
        )

    async def account(self, address):
        return answers.Account(
            address=address_text(address), key="", nonce="0", next_nonce="0", balance=str(LARGE), substitute=False
        )

    async def modules(self):
        table = answers.TableSchema(
            name="accounts",
            id="bank.accounts",
            key=[answers.KeyPart(name="owner", type="address")],
            fields=fields_of(Account),
            value=json_schema(schema_of(Account)),
        )
        call = answers.CallSchema(
            name="send",
            arguments=fields_of(Send),
            meaning=1,
            interface=interface_of("bank", "send", schema_of(Send), 1).hex(),
            interface_text=interface_text("bank", "send", schema_of(Send), 1),
        )
        query = answers.QuerySchema(name="echo", arguments=fields_of(Send), returns="amount")
        bank = answers.Module(name="bank", half="runtime", tables=[table], queries=[query], calls=[call])
        return answers.Modules(height=7, runtime=RUNTIME, modules=[bank])

    def _table(self, module, table):
        if (module, table) != ("bank", "accounts"):
            raise NotFound("no_such_table", f"no table is called {module}.{table}; GET /modules lists them")

    def _row(self, key):
        value = ROWS.get(key)
        shown = None if value is None else render(schema_of(Account), value)
        return answers.Row(key=render_key(KINDS, NAMES, key), value=shown)

    async def rows(self, module, table, prefix, after, limit):
        self._table(module, table)
        wanted = parse_key(KINDS, NAMES, prefix)
        if after and after != "00":
            raise BadRequest("bad_cursor", "give `next` of the page before")
        rows = [self._row(key) for key in sorted(ROWS) if key[: len(wanted)] == wanted][:limit]
        return answers.Rows(table="bank.accounts", height=7, rows=rows, next=None)

    async def row(self, module, table, key, prove):
        self._table(module, table)
        parsed = parse_key(KINDS, NAMES, key)
        if len(parsed) != 1:
            raise BadRequest("bad_key", "the key has 1 part: owner")
        proof = {"table": "bank.accounts"} if prove else None
        return answers.ProvenRow(table="bank.accounts", height=7, app_root=HASH, row=self._row(parsed), proof=proof)

    async def query(self, module, query, arguments):
        if (module, query) != ("bank", "echo"):
            raise NotFound("no_such_query", f"no query is called {module}.{query}; GET /modules lists them")
        sent = codec_of(Send).decode(to_bytes(schema_of(Send), arguments))
        return answers.QueryAnswer(query="bank.echo", height=7, result=str(sent.coins))

    def _proposal(self):
        return answers.ProposalAnswer(
            id=1, proposal=render(schema_of(Proposal), PROPOSAL), standing=render(schema_of(Standing), STANDING)
        )

    async def proposals(self, status, before, limit):
        return answers.Proposals(height=7, proposals=[self._proposal()], next=None)

    async def proposal(self, proposal_id):
        if proposal_id != 1:
            raise NotFound("no_such_proposal", f"there is no proposal {proposal_id}")
        return self._proposal()

    def _elector(self, address):
        part = answers.DelegationAnswer(validator=address_text(OWNER), shares=str(LARGE), power="7")
        return answers.Elector(
            address=address_text(address), power="5", delegated="7", delegations=[part], proxy=address_text(OWNER)
        )

    async def electorate(self, kind, proposal, after, limit):
        return answers.Electorate(
            height=7, power=str(LARGE), validators=1, electors=[self._elector(OWNER)], next=address_text(OWNER)
        )

    async def elector(self, address, proposal):
        await self.proposal(proposal or 1)
        return self._elector(address)

    async def tally(self, proposal_id, supposing, coalition):
        await self.proposal(proposal_id)
        if supposing == ["colour=red"]:
            raise BadRequest("bad_supposition", "colour: it is no rule")
        amounts = dict.fromkeys(("yes", "no", "abstain", "veto", "power"), str(LARGE))
        shares = dict.fromkeys(("turnout", "quorum", "yes_share", "threshold", "veto_share", "veto_limit"), "1/3")
        now = answers.Count(**amounts, **shares, voters=1, least_voters=1, verdict="passed", reason="passed")
        member = answers.CoalitionMember(address=address_text(OWNER), power="7", vote="yes")
        found = answers.CoalitionAnswer(members=[member], vote="veto", verdict="vetoed", reason="vetoed", exact=True)
        return answers.TallyAnswer(
            proposal=1, height=7, status="voting", closes=9, now=now, then=now if supposing else None,
            coalition=found if coalition else None,
        )  # fmt: skip

    async def shares(self, proposal_id, supposing, kind, after, limit):
        await self.proposal(proposal_id)
        part = answers.PartAnswer(validator=address_text(OWNER), power="7", vote="")
        one = answers.ShareAnswer(
            address=address_text(OWNER), staked="5", inherited=None, taken="0", delegated=[part], vote="yes",
            cast_by=None, power="12", uncounted="0", parts=["12", "0", "0", "0"],
        )  # fmt: skip
        return answers.SharesAnswer(height=7, shares=[one], next=None)

    async def vote_receipt(self, proposal_id, voter):
        await self.proposal(proposal_id)
        row = answers.Row(key={"proposal": "1"}, value=None)
        proven = answers.ProvenRow(table="governance.votes", height=7, app_root=HASH, row=row, proof={"half": "host"})
        return answers.VoteReceipt(height=7, app_root=HASH, vote=proven, standing=proven)

    async def tracks(self):
        one = answers.Track(name="standard", rules={"period": "10"}, in_force={"period": "10"}, open=1, voting=0)
        meanings = {"period": "blocks in which votes count"}
        return answers.Tracks(height=7, tracks=[one], routes={"text": ["standard"]}, meanings=meanings)

    async def plans(self):
        return answers.Plans(height=7, running=RUNTIME, pending=None, waiting=[], rollback_until=None, replay=None)

    async def history(self, before, limit):
        return answers.History(height=7, entries=[], next=None)

    async def parameters(self):
        one = answers.Parameter(
            name="approval_threshold", value="667/1000", default="667/1000", least="1/2", most="9/10", meaning="yes"
        )
        return answers.Parameters(height=7, parameters=[one], flags={"margin": False})
