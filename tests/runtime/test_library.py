"""Runtimes by code hash, asked for by several threads."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from runtime.bundle.archive import of_files
from runtime.bundle.loader import LoadedRuntime
from runtime.bundles import BUNDLES, CHUNKS, store_bundle
from runtime.library import Library
from storage.home import Home
from storage.state import State
from tests.runtime.small_chain import ALICE, bundle_of

ANSWER = '''
"""One answer."""
@query
def answer(ctx: Context) -> Amount:
    return 42
'''


def test_threads_that_need_a_runtime_at_once_share_one(tmp_path: Path) -> None:
    state = State.create(Home.create(tmp_path / "home"), (BUNDLES, CHUNKS))
    overlay, bundle = state.overlay(), bundle_of({"one": ANSWER})
    store_bundle(overlay, bundle, ALICE, 0)
    state.commit(state.prepare(overlay), 1)
    library, threads = Library(), 8
    barrier = Barrier(threads)

    def found() -> LoadedRuntime:
        mine = state.overlay()
        barrier.wait()
        return library.get(mine, bundle.code_hash)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            runtimes = {id(future.result()) for future in [pool.submit(found) for _ in range(threads)]}
    finally:
        sys.setswitchinterval(before)
        state.close()
    assert len(runtimes) == 1


def test_chains_of_one_process_share_what_a_bundle_comes_to() -> None:
    bundle = bundle_of({"one": ANSWER.replace("42", "43")})
    assert Library().add(bundle) is Library().add(of_files(dict(bundle.files)))


def test_nobody_changes_what_chains_share() -> None:
    loaded = Library().add(bundle_of({"one": ANSWER}))
    for part in (loaded.tables, loaded.calls, loaded.queries, loaded.functions, loaded.uses, loaded.needs):
        with pytest.raises(TypeError):
            part["odd"] = None  # type: ignore[index]
