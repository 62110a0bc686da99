# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks of the core, and of its peers in C, Go and Rust."""

from .question import (
    ALL,
    GO,
    GO_1,
    NO_SPIN,
    OURS,
    RUST,
    Question,
    Target,
    at_most,
    faster,
)

QUESTIONS = {
    "pair": Question(
        "a send and a receive in one thread, in C",
        ["pair", "peer_rs pair", "peer_go pair", "mutex pair", "pair halves"],
        [*faster(1.3, RUST), *faster(2, GO)],
        quick=ALL,
        steady=1.12,
    ),
    "stream": Question(
        "a message from one thread to another, capacity 1024",
        [
            "stream 1 1 1024",
            "peer_rs stream 1 1 1024",
            "peer_go stream 1 1 1024",
            "mutex stream 1 1 1024",
            "pipe stream",
        ],
        faster(1.5, RUST, GO),
        quick=ALL,
    ),
    "crowd": Question(
        "a message from four threads to four, capacity 64",
        [
            "stream 4 4 64",
            "INTERCSP_SPIN=0 stream 4 4 64",
            "peer_rs stream 4 4 64",
            "peer_go stream 4 4 64",
            "mutex stream 4 4 64",
        ],
        [*faster(1.5, RUST, GO), at_most(1 / 0.9, NO_SPIN)],
    ),
    "echo": Question(
        "a round trip between two threads, capacity 1",
        [
            "echo 1 different",
            "peer_rs echo 1",
            "peer_go echo 1",
            "GOMAXPROCS=1 peer_go echo 1",
            "mutex echo",
            "the machine: a bare cache line: calibrate line",
        ],
        [at_most(0.5, RUST), at_most(1, GO_1)],
    ),
    "rendezvous": Question(
        "a round trip between two threads, capacity 0",
        [
            "echo 0 different",
            "peer_rs echo 0",
            "peer_go echo 0",
            "GOMAXPROCS=1 peer_go echo 0",
            "the machine: a bare cache line: calibrate line",
        ],
        [at_most(0.1, RUST), at_most(3, GO)],
    ),
    "parked": Question(
        "a round trip between two threads that sleep, and of bare futexes",
        [
            "INTERCSP_SPIN=0 echo 1 different",
            "echo futex different",
            "pipe echo different",
            "INTERCSP_SPIN=0 echo 1 same",
            "echo futex same",
            "pipe echo same",
        ],
        [
            at_most(1.25, f"{cores}: futex", row=f"{cores}: {OURS}")
            for cores in ("different cores", "same core")
        ],
    ),
    "select-echo": Question(
        "a round trip, the other thread selecting over 8 channels",
        [
            "select echo 8",
            "peer_rs select-echo",
            "peer_go select-echo",
            "GOMAXPROCS=1 peer_go select-echo",
        ],
        [at_most(0.6, RUST, GO)],
    ),
    "select": Question(
        "selecting a receive, and filling that channel again, in one thread",
        [
            "send + recv: pair",
            "2 ready of 2: intercsp: select 2 2",
            "2 ready of 2: crossbeam: peer_rs select-ready",
            "2 ready of 2: Go: peer_go select-ready",
            "1 ready of 64: intercsp: select 1 64",
        ],
        [
            at_most(2.5, "send + recv", row="2 ready of 2: intercsp"),
            Target("1 ready of 64", "1 ready of 64: intercsp", 1500),
        ],
        quick=ALL,
    ),
    "idle": Question(
        "the processor time of a receive that waits in vain",
        ["idle"],
        [Target("of a processor", "processor time of a wait", 1)],
        rounds=3,
    ),
    "memory": Question(
        "a million channels of capacity 16, at once and one after another",
        [
            "memory live 1000000",
            "memory life 1000000",
            "memory chain 1000000",
        ],
        [
            Target("an idle channel", "an idle channel", 768),
            Target("live at once", "live at once, resident", 1024),
            Target("not given back", "of it not given back", 1),
            Target("each life", "one after another, each", 1000),
        ],
        rounds=3,
    ),
}
