"""A bundle's own tests: what its authors promise of it, run in every rehearsal and never in a block.

They stand in `tests.py` and `tests_*.py` beside the modules, in the language of bundles, and are a part of the archive:
what is voted on holds them too. A test is a function without parameters whose name begins with `test_`, and passes when
it answers True. Such a source declares constants, records and pure functions, and imports from the others what may be
run alone: pure functions, records, validations, and migrations that read no inputs.

    from runtime.api.v1 import Amount, Record, field
    from .bank import Account, rewrite_accounts

    class Before(Record):
        balance: Amount = field(1)

    def test_an_account_keeps_its_coins() -> bool:
        return rewrite_accounts(Before(balance=7), None) == Account(balance=7, migrated=2)

Each is metered, so a rehearsal ends alike on every node; the first that fails ends it, with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runtime.bundle.archive import Bundle
from runtime.bundle.loader import LoadedRuntime, namespaces
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter

NOT_TRUE = "not_true"
"""The code of a test that answers something else than True."""


@dataclass(frozen=True, slots=True)
class FailedTest:
    """The first test that failed: its name, why, and where: its own first line when it answered, else the last line
    that was begun."""

    name: str
    code: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.name}: {self.code}"


def run_tests(bundle: Bundle, loaded: LoadedRuntime, steps: int) -> Iterator[FailedTest | None]:
    """Run each test with so many steps; None for each that passes, and the first that fails is the last that runs."""
    declaration = loaded.declaration
    sources = (*declaration.libraries, *declaration.modules, *declaration.tests)
    spaces = namespaces(bundle, sources, loaded.tables)
    for source, test in declaration.own_tests():
        meter = Meter(steps, 0)
        try:
            passed = spaces[source.file][test.name](meter) is True
            failed = None if passed else FailedTest(test.name, NOT_TRUE, test.file, test.line)
        except (Exception, HostFault) as failure:
            fault = fault_of(failure, meter)
            failed = FailedTest(test.name, fault.code, fault.file, fault.line)
        yield failed
        if failed is not None:
            return
