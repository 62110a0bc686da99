# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Values that Hypothesis makes up arrive exactly as they were."""

import os
import tempfile

import pytest

import intercsp as csp
import peers
from support import DEADLINE, SEED, count
from test_values import same

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, configuration, given, seed, settings
from hypothesis import strategies as st

# It keeps notes for later runs; not in the source tree.
configuration.set_hypothesis_home_dir(tempfile.gettempdir())

text = st.text(st.characters(), max_size=8)  # surrogates too
hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | text
    | st.binary(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.frozensets(inner, max_size=3)
    ),
    max_leaves=3,
)
ends_of_range = st.integers(-(2**70), 2**70)
ranges = st.builds(
    range, ends_of_range, ends_of_range, ends_of_range.filter(bool)
)
values = st.recursive(
    hashable
    | st.integers(-(2**600), 2**600)
    | st.complex_numbers()
    | st.binary(max_size=12).map(bytearray)
    | st.sets(hashable, max_size=4)
    | ranges,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.builds(slice, inner, inner, inner)
        | inner.map(lambda x: [x, (x, x)])  # what is there more than once
    ),
    max_leaves=12,
)

ordinary = settings(
    max_examples=count(2000),
    deadline=None,
    database=None,
    derandomize="INTERCSP_SEED" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)

# Hypothesis itself counts references in a way that 3.14 has changed.
pytestmark = pytest.mark.filterwarnings(
    "ignore::hypothesis.errors.HypothesisWarning"
)


def test_any_value_arrives_as_it_was():
    there, rx = csp.channel(1)
    tx, far = csp.channel(1)
    process = csp.spawn(peers.echo, far, there)
    here_tx, here_rx = csp.channel(1)

    @ordinary
    @given(values)
    def check(value):
        here_tx.send(value)
        assert same(here_rx.recv(), value)
        tx.send(value)
        assert same(rx.recv(DEADLINE), value)

    if "INTERCSP_SEED" in os.environ:
        check = seed(SEED)(check)
    check()
    tx.close()
    process.join(DEADLINE)
