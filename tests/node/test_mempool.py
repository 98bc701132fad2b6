"""The mempool: one test a rule, then any order of operations against what must always hold."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from node.errors import TransactionRefused
from node.mempool import REFUSALS, Limits, Mempool, Sender
from tests.node.transactions import sender_of, transaction

RICH = Sender(next_nonce=0, spendable=10**9)


def pool(**limits):
    return Mempool(Limits(**limits))


def refusal(mempool, tx, sender=RICH, host=False):
    before = mempool.take(1 << 30)
    with pytest.raises(TransactionRefused) as refused:
        mempool.add(tx, sender, host=host)
    assert mempool.take(1 << 30) == before
    assert str(refused.value) == REFUSALS[refused.value.code]
    return refused.value.code


def filled(*transactions, host=False, **limits):
    mempool = pool(**limits)
    for tx in transactions:
        mempool.add(tx, RICH, host=host)
    return mempool


def test_a_block_gets_each_senders_transactions_in_order_of_nonce():
    txs = [transaction(nonce=nonce, fee=fee) for nonce, fee in ((2, 90), (0, 10), (1, 50))]
    assert [tx.body.nonce for tx in filled(*txs).take(1 << 20)] == [0, 1, 2]


def test_a_gap_holds_back_what_comes_after_it_until_it_is_filled():
    mempool = filled(transaction(nonce=0), transaction(nonce=2))
    assert [tx.body.nonce for tx in mempool.take(1 << 20)] == [0]
    mempool.add(transaction(nonce=1), RICH, host=False)
    assert [tx.body.nonce for tx in mempool.take(1 << 20)] == [0, 1, 2]


def test_the_highest_fee_for_its_bytes_goes_first():
    cheap, large, dear = transaction("a", fee=10), transaction("b", fee=30, padding=2000), transaction("c", fee=20)
    assert filled(cheap, large, dear).take(1 << 20) == [dear, cheap, large]


def test_equal_fees_go_in_order_of_arrival():
    txs = [transaction(name, fee=10) for name in ("d", "a", "c", "b")]
    assert filled(*txs).take(1 << 20) == txs


def test_in_a_pause_runtime_calls_wait_and_give_way_to_a_vote_of_their_own_sender():
    waiting, later, vote = transaction(fee=10), transaction(nonce=1, fee=10), transaction(call=("governance", "vote"))
    mempool = filled(waiting, later)
    assert refusal(mempool, vote, host=True) == "nonce_taken"
    mempool.paused = True
    assert (mempool.take(1 << 20), mempool.next_nonce(sender_of("alice"), 0)) == ([], 0)
    mempool.add(vote, RICH, host=True)
    assert (mempool.take(1 << 20), mempool.next_nonce(sender_of("alice"), 0)) == ([vote], 1)
    assert mempool.fate(waiting.id) == "replaced"
    second = transaction(fee=0, call=("governance", "deposit"))
    assert refusal(mempool, second, host=True) == "nonce_taken", "no host call gives way to another"
    mempool.paused = False
    assert mempool.take(1 << 20) == [vote, later]


def test_choosing_removes_nothing():
    mempool = filled(transaction("a"), transaction("b"))
    assert mempool.take(1 << 20) == mempool.take(1 << 20)
    assert len(mempool) == 2


def test_a_block_is_never_fuller_than_asked_for():
    txs = [transaction(name, fee=10) for name in "abcdef"]
    mempool = filled(*txs)
    size = len(txs[0].raw)
    assert len(mempool.take(size * 3 + size // 2)) == 3
    assert len(mempool.take(1 << 20, 2)) == 2
    assert mempool.take(size - 1) == []


def test_a_transaction_too_large_for_the_rest_leaves_room_for_others():
    large, small = transaction("a", fee=10**6, padding=3000), transaction("b", fee=10)
    assert filled(large, small).take(len(small.raw)) == [small]


def test_the_same_transaction_is_kept_once():
    tx = transaction()
    assert refusal(filled(tx), tx) == "already_known"


def test_a_used_nonce_is_refused():
    assert refusal(pool(), transaction(nonce=4), Sender(5, 10**9)) == "nonce_used"


def test_a_nonce_beyond_the_window_is_refused():
    mempool = pool(nonce_window=4)
    mempool.add(transaction(nonce=8), Sender(5, 10**9), host=False)
    assert refusal(mempool, transaction(nonce=9), Sender(5, 10**9)) == "nonce_too_far"


def test_a_fee_below_the_floor_is_refused():
    assert refusal(pool(fee_floor=10), transaction(fee=9)) == "fee_too_low"


def test_a_transaction_too_large_is_refused():
    assert refusal(pool(transaction_bytes=500), transaction(padding=500)) == "too_large"


def test_fees_that_wait_must_be_payable_together():
    mempool = pool()
    poor = Sender(0, 25)
    mempool.add(transaction(nonce=0, fee=10), poor, host=False)
    assert refusal(mempool, transaction(nonce=1, fee=16), poor) == "insufficient_funds"
    mempool.add(transaction(nonce=1, fee=15), poor, host=False)


def test_a_replacement_must_offer_a_tenth_more_and_at_least_one_unit():
    mempool = filled(transaction(fee=100))
    assert refusal(mempool, transaction(fee=109)) == "nonce_taken"
    better = transaction(fee=110)
    mempool.add(better, RICH, host=False)
    assert mempool.take(1 << 20) == [better]
    tiny = filled(transaction(fee=1))
    assert refusal(tiny, transaction(fee=1, padding=1)) == "nonce_taken"
    tiny.add(transaction(fee=2), RICH, host=False)


def test_what_was_replaced_says_so():
    first = transaction(fee=100)
    mempool = filled(first)
    mempool.add(transaction(fee=200), RICH, host=False)
    assert mempool.get(first.id) is None
    assert mempool.fate(first.id) == "replaced"


def test_a_replacement_does_not_count_the_fee_it_replaces():
    mempool = pool()
    mempool.add(transaction(fee=10), Sender(0, 12), host=False)
    mempool.add(transaction(fee=12), Sender(0, 12), host=False)
    assert [tx.body.fee for tx in mempool.take(1 << 20)] == [12]


def test_no_host_call_replaces_another_whatever_fee_it_names():
    mempool = filled(transaction(fee=0), host=True)
    assert refusal(mempool, transaction(fee=10**6), host=True) == "nonce_taken"


def test_a_paid_transaction_can_take_the_nonce_of_a_waiting_host_call():
    mempool = filled(transaction(fee=0), host=True)
    paid = transaction(fee=5)
    mempool.add(paid, RICH, host=False)
    assert mempool.take(1 << 20) == [paid]


def test_host_calls_need_no_fee_and_no_coins():
    mempool = pool(fee_floor=10)
    mempool.add(transaction(fee=0), Sender(0, 0), host=True)
    assert len(mempool) == 1


def test_a_full_pool_refuses_what_pays_no_more():
    mempool = filled(transaction("a", fee=20), transaction("b", fee=10), count=2)
    assert refusal(mempool, transaction("c", fee=10)) == "mempool_full"


def test_a_full_pool_drops_its_cheapest_for_one_that_pays_more():
    a, b, c = transaction("a", fee=20), transaction("b", fee=10), transaction("c", fee=15)
    mempool = filled(a, b, count=2)
    mempool.add(c, RICH, host=False)
    assert mempool.take(1 << 20) == [a, c]
    assert mempool.fate(b.id) == "crowded_out"


def test_a_full_pool_makes_no_room_for_what_cannot_execute_now():
    mempool = filled(transaction("a", fee=20), transaction("b", fee=10), count=2)
    assert refusal(mempool, transaction("c", nonce=1, fee=1000)) == "mempool_full"


def test_a_sender_does_not_crowd_out_what_its_own_transaction_needs():
    mempool = filled(transaction("a", nonce=0, fee=10), transaction("b", fee=20), count=2)
    assert refusal(mempool, transaction("a", nonce=1, fee=1000)) == "mempool_full"


def test_bytes_are_bounded_and_several_cheap_ones_go_for_a_large_one():
    small = [transaction(name, fee=1, padding=100) for name in "abcd"]
    size = len(small[0].raw)
    mempool = filled(*small, total_bytes=size * 4)
    large = transaction("e", fee=100, padding=size)
    mempool.add(large, RICH, host=False)
    assert mempool.total_bytes <= size * 4
    assert mempool.take(1 << 20)[0] == large
    assert mempool.fate(small[0].id) == "", "among equals the latest goes first"


def test_replacing_small_by_large_does_not_pass_the_bound_in_bytes():
    small = [transaction(name, fee=10) for name in "ab"]
    mempool = filled(*small, total_bytes=2 * len(small[0].raw))
    assert refusal(mempool, transaction("a", fee=10**6, padding=1000)) == "mempool_full"


def test_a_full_pool_keeps_the_dearest_however_many_come():
    mempool = pool(count=3)
    for fee in (5, 1, 200, *range(10, 110)):
        mempool.add(transaction(str(fee), fee=fee), RICH, host=False)
    assert [tx.body.fee for tx in mempool.take(1 << 20)] == [200, 109, 108]
    assert refusal(mempool, transaction("late", fee=108)) == "mempool_full"


def test_runtime_traffic_never_keeps_a_vote_out():
    mempool = filled(*(transaction(name, fee=10**6) for name in "abcd"), count=4)
    vote = transaction("v", fee=0, call=("governance", "vote"))
    mempool.add(vote, RICH, host=True)
    assert mempool.take(1 << 20)[0] == vote


def test_strangers_cannot_crowd_voters_out():
    mempool = filled(*(transaction(name, fee=0) for name in "abcd"), host=True, count=4)
    assert refusal(mempool, transaction("e", fee=0), host=True) == "mempool_full"
    vote = transaction("v", fee=0)
    mempool.add(vote, Sender(0, 0, standing=1), host=True)
    assert mempool.take(1 << 20)[0] == vote
    assert len(mempool) == 4


def test_host_calls_take_at_most_half_of_a_block():
    hosts = [transaction(name, fee=0) for name in "abcdefgh"]
    mempool = filled(*hosts, host=True)
    for name in "ijklmnop":
        mempool.add(transaction(name, fee=10), RICH, host=False)
    size = len(hosts[0].raw)
    chosen = mempool.take(size * 8 + 100)
    assert sum(tx in hosts for tx in chosen) == 4
    assert sum(len(tx.raw) for tx in chosen) <= size * 8 + 100
    assert len(chosen) == 8


def test_a_committed_block_takes_its_transactions_and_what_its_nonces_overtook():
    first, second, third = (transaction(nonce=nonce) for nonce in range(3))
    mempool = filled(first, second, third)
    other = transaction(nonce=0, fee=99)
    mempool.committed(1, [other.id], {sender_of("alice"): 1})
    assert mempool.take(1 << 20) == [second, third]
    assert mempool.fate(first.id) == "nonce_used"
    mempool.committed(2, [second.id], {sender_of("alice"): 2})
    assert mempool.fate(second.id) == ""
    assert mempool.take(1 << 20) == [third]


def test_the_last_height_of_a_transaction_is_kept_and_the_next_is_not():
    tx = transaction(expiry=5)
    mempool = filled(tx)
    mempool.committed(4, [], {})
    assert mempool.take(1 << 20) == [tx]
    mempool.committed(5, [], {})
    assert len(mempool) == 0
    assert mempool.fate(tx.id) == "expired"
    assert refusal(mempool, tx) == "expired"


def test_nothing_waits_longer_than_the_pools_lifetime():
    mempool = filled(transaction("a"), transaction("b", expiry=1000), lifetime=10)
    mempool.committed(9, [], {})
    assert len(mempool) == 2
    mempool.committed(10, [], {})
    assert len(mempool) == 0


def test_a_flip_drops_what_the_new_runtime_would_refuse():
    old, kept = transaction("a", call=("bank", "send")), transaction("b", call=("bank", "pay"))
    mempool = filled(old, kept)
    dropped = mempool.recheck(lambda tx: "signed_for_another_version" if tx.body.call.name == "send" else "")
    assert dropped == [(old.id, "signed_for_another_version")]
    assert mempool.take(1 << 20) == [kept]
    assert mempool.fate(old.id) == "signed_for_another_version"


def test_the_next_nonce_counts_what_waits_without_a_gap():
    mempool = filled(transaction(nonce=0), transaction(nonce=1), transaction(nonce=3))
    assert mempool.next_nonce(sender_of("alice"), 0) == 2
    assert mempool.next_nonce(sender_of("bob"), 7) == 7


class AnyOrder(RuleBasedStateMachine):
    """Adds, commits, flips and time in any order keep every bound and every sender's order."""

    NAMES = ("a", "b", "c", "d")

    @initialize(count=st.integers(1, 6), window=st.integers(1, 4), lifetime=st.integers(1, 20))
    def start(self, count, window, lifetime):
        self.limits = Limits(count=count, total_bytes=1500, nonce_window=window, lifetime=lifetime)
        self.mempool = Mempool(self.limits)
        self.nonces = dict.fromkeys(self.NAMES, 0)
        self.height = 0
        self.hosts = {}

    @rule(
        name=st.sampled_from(NAMES),
        ahead=st.integers(-1, 4),
        fee=st.integers(0, 5),
        padding=st.sampled_from([0, 200]),
        expires=st.sampled_from([0, 1, 3]),
        host=st.booleans(),
        spendable=st.integers(0, 20),
        standing=st.integers(0, 2),
    )
    def add(self, name, ahead, fee, padding, expires, host, spendable, standing):
        nonce = max(self.nonces[name] + ahead, 0)
        tx = transaction(name, nonce, fee, self.height + expires if expires else 0, padding)
        try:
            self.mempool.add(tx, Sender(self.nonces[name], spendable, standing), host=host)
        except TransactionRefused as refused:
            assert refused.code in REFUSALS
        else:
            self.hosts[tx.id] = host
            assert self.mempool.get(tx.id) == tx

    @rule(most=st.integers(0, 2000))
    def commit(self, most):
        chosen = self.mempool.take(most)
        self.height += 1
        after = {}
        for tx in chosen:
            name = next(name for name in self.NAMES if sender_of(name) == tx.body.sender)
            assert tx.body.nonce == self.nonces[name], "in order and without a gap"
            self.nonces[name] = after[tx.body.sender] = tx.body.nonce + 1
        assert sum(len(tx.raw) for tx in chosen) <= most
        assert sum(len(tx.raw) for tx in chosen if self.hosts[tx.id]) <= most // 2
        self.mempool.committed(self.height, [tx.id for tx in chosen], after)
        assert not any(tx.id in self.mempool for tx in chosen)

    @rule(modulus=st.integers(2, 5))
    def flip(self, modulus):
        for transaction_id, _ in self.mempool.recheck(lambda tx: "gone" if tx.id[0] % modulus == 0 else ""):
            assert transaction_id not in self.mempool

    @invariant()
    def everything_is_bounded(self):
        waiting = [self.mempool.get(txid) for txid in self.hosts]
        for host in (True, False):
            lane = [tx for tx in waiting if tx is not None and self.hosts[tx.id] is host]
            assert len(lane) <= self.limits.count
            assert sum(len(tx.raw) for tx in lane) <= self.limits.total_bytes
        held = [tx for tx in waiting if tx is not None]
        assert len(self.mempool) == len(held)
        assert self.mempool.total_bytes == sum(len(tx.raw) for tx in held)
        assert len({(tx.body.sender, tx.body.nonce) for tx in held}) == len(held)
        for tx in held:
            name = next(name for name in self.NAMES if sender_of(name) == tx.body.sender)
            assert 0 <= tx.body.nonce - self.nonces[name] < self.limits.nonce_window
            assert not tx.body.expiry or tx.body.expiry > self.height


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
