"""What a signature agrees to: the interface of a call."""

import pytest

from runtime.interface import interface_of, interface_text, type_text
from storage.record import Address, Amount, Flag, Record, Text, Variant, case, field, schema_of


class Send(Record):
    to: Address = field(1)
    coins: Amount = field(2)


class SendRenamed(Record):
    to: Address = field(1)
    coins: Amount = field(2)


class SendOtherName(Record):
    recipient: Address = field(1)
    coins: Amount = field(2)


class SendOtherType(Record):
    to: Address = field(1)
    coins: Text = field(2)


class SendOtherNumber(Record):
    to: Address = field(1)
    coins: Amount = field(3)


class SendOptional(Record):
    to: Address = field(1)
    coins: Amount = field(2, default=0)


class SendMore(Record):
    to: Address = field(1)
    coins: Amount = field(2)
    quick: Flag = field(3, default=False)


class Pair(Record):
    sends: tuple[Send, ...] = field(1)


class PairRenamed(Record):
    sends: tuple[SendRenamed, ...] = field(1)


class PairDeepChange(Record):
    sends: tuple[SendMore, ...] = field(1)


class Choice(Variant):
    one: Send = case(1)
    more: Pair = case(2)


class Choose(Record):
    choice: Choice = field(1)


BASE = interface_of("bank", "send", schema_of(Send), 1)


def test_the_same_shape_under_another_record_name_is_the_same_interface():
    assert interface_of("bank", "send", schema_of(SendRenamed), 1) == BASE
    assert interface_of("m", "c", schema_of(Pair), 1) == interface_of("m", "c", schema_of(PairRenamed), 1)


@pytest.mark.parametrize("other", [SendOtherName, SendOtherType, SendOtherNumber, SendOptional, SendMore])
def test_another_argument_name_type_number_or_field_is_another_interface(other):
    assert interface_of("bank", "send", schema_of(other), 1) != BASE


def test_module_call_and_meaning_are_part_of_it():
    others = {
        interface_of("bunk", "send", schema_of(Send), 1),
        interface_of("bank", "sent", schema_of(Send), 1),
        interface_of("bank", "send", schema_of(Send), 2),
        BASE,
    }
    assert len(others) == 4


def test_a_change_deep_inside_an_argument_is_another_interface():
    assert interface_of("m", "c", schema_of(Pair), 1) != interface_of("m", "c", schema_of(PairDeepChange), 1)


def test_the_text_shows_people_what_differs():
    text = interface_text("bank", "send", schema_of(SendMore), 2)
    assert text == "bank.send(1:to:address,2:coins:amount,3:quick:flag?)#2"
    shape = type_text(schema_of(Choose).fields[0].type)
    assert shape == "<1{1:to:address,2:coins:amount}|2{1:sends:[{1:to:address,2:coins:amount}]}>"


def test_interfaces_stay_what_they_are():
    assert BASE.hex() == "58de4645f63e7bbe"
