"""Any sequence of writing, damaging and reading, against a model in plain dicts."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from damage import KINDS
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from shard_content import PLACES, SCHEMA, content

from attnmetrics.errors import DamageError
from attnmetrics.statistics.states import State
from attnmetrics.storage import locate
from attnmetrics.store.commits import Commit, Counts
from attnmetrics.store.files import FILES
from attnmetrics.store.merge import find_passages, merge, merge_exemplars
from attnmetrics.store.shards import Store

SHARDS = 3
SENTENCES = 4
shards = st.integers(0, SHARDS - 1)


class Machine(RuleBasedStateMachine):
    """What a store does."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.written: dict[int, int] = {}
        """Seed of the content of each committed shard."""
        self.damaged: set[int] = set()
        """Those of them with a file that is not as it was written."""

    @initialize()
    def create(self) -> None:
        self.store = Store(locate(self.folder), SCHEMA, SHARDS, PLACES)
        self.store.create()

    @rule(shard=shards, seed=st.integers(0, 3))
    def write(self, shard: int, seed: int) -> None:
        """For the first time, or again, with the same content or with another."""
        counts = Counts(sentences=SENTENCES, prefix_sentences=SENTENCES)
        self.store.write(Commit(shard, shard, counts), content(seed, SENTENCES))
        self.written[shard] = seed
        self.damaged.discard(shard)

    @rule(shard=shards)
    def discard(self, shard: int) -> None:
        self.store.discard(shard)
        self.written.pop(shard, None)
        self.damaged.discard(shard)

    @rule(
        shard=shards, name=st.sampled_from(sorted(FILES)), kind=st.sampled_from(sorted(KINDS)), where=st.floats(0, 0.99)
    )
    def damage(self, shard: int, name: str, kind: str, where: float) -> None:
        """Once: the same damage a second time may mend it."""
        file = self.folder / FILES[name].format(shard=shard)
        if shard not in self.damaged and file.exists() and file.stat().st_size:
            KINDS[kind](file, where)
            self.damaged |= {shard} & self.written.keys()

    @rule(shard=shards, kind=st.sampled_from(sorted(KINDS)), where=st.floats(0, 0.99))
    def damage_commit(self, shard: int, kind: str, where: float) -> None:
        """A shard whose commit is damaged is not there."""
        file = self.folder / "commits" / f"{shard:06d}.json"
        if file.exists() and file.stat().st_size:
            KINDS[kind](file, where)
            self.written.pop(shard, None)
            self.damaged.discard(shard)

    @rule()
    def reopen(self) -> None:
        """As another driver does, from what `run.json` says of the store."""
        self.store = Store.described(locate(self.folder), self.store.describe())
        self.store.create()

    @rule(limit=st.none() | st.integers(SHARDS, SHARDS * SENTENCES))
    def merge(self, limit: int | None) -> None:
        commits = list(self.store.committed().values())
        if self.damaged or not commits:
            return
        merged = merge(self.store, commits, limit)
        every = [content(seed, SENTENCES) for _, seed in sorted(self.written.items())]
        for name in every[0].state.sums:
            expected = sum(one.state.sums[name] for one in every)
            np.testing.assert_array_equal(merged[name], expected, err_msg=name)
        whole = limit is None or len(every) * SENTENCES <= limit
        share = SENTENCES if whole else min(SENTENCES, limit // SHARDS)
        assert merged["variability_sentences"] == share * len(every)
        exemplars = merge_exemplars(self.store, commits)
        weights = np.concatenate([one.exemplars.weight for one in every], axis=-1)
        assert exemplars.weight[0, 0, 0, 0] == weights[0, 0, 0].max()
        passages = find_passages(self.store, commits, exemplars.units)
        assert all(passage in every[0].passages for own in passages.values() for passage in own)

    @invariant()
    def committed_shards_are_those_written(self) -> None:
        assert list(self.store.committed()) == sorted(self.written)

    @invariant()
    def what_is_read_is_what_was_written_or_refused(self) -> None:
        for shard, commit in self.store.committed().items():
            if shard in self.damaged:
                with pytest.raises(DamageError, match=f"shard {shard} of .* is damaged"):
                    self.store.verify(commit)
            else:
                self.store.verify(commit)
                expected = content(self.written[shard], SENTENCES)
                state: State = self.store.read_state(commit)
                np.testing.assert_array_equal(state.pack(), expected.state.pack())
                np.testing.assert_array_equal(self.store.read_prefix(commit).hashes, expected.prefix.hashes)
                np.testing.assert_array_equal(self.store.read_exemplars(commit).pack(), expected.exemplars.pack())

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


class TestStore(Machine.TestCase):
    settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
