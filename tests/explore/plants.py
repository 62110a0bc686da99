#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Mistakes, planted one by one in a copy of the core: which exploration finds
each, and how fast. Not a test of `make test`: run it when the explorations or
the core have changed in earnest.

    tests/explore/plants.py [--cc CC] [NAME...]

A plant says what is replaced in which file. One that no longer fits the code
is reported; so is one that nothing finds.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("PLANTS_ROOT", HERE.parent.parent))
STOOD_IN_FOR = {"alloc.c", "clock.c", "park.c", "registry.c"}
FLAGS = [
    *("-std=gnu11", "-g", "-O1", "-mcx16", "-w", "-no-pie", "-pthread"),
    *("-DCSPI_STEPS", "-DCSPI_COROUTINES"),
    *("-Iinclude", "-Ilib", "-Itests/common"),
]


class Plant(NamedTuple):
    name: str
    file: str
    old: str
    new: str


PLANTS = (
    Plant(
        "the look after enlisting is left out",
        "lib/chan.c",
        "    return is_ready(e) ? CSPI_CHAN_READY : CSPI_CHAN_AGAIN;\n",
        "    return CSPI_CHAN_AGAIN;\n",
    ),
    Plant(
        "the look comes before enlisting",
        "lib/chan.c",
        "    cspi_waitq_lock(lock_of(e));\n    /* A selector's",
        "    if (!cspi_chan_is_rendezvous(e) && is_ready(e))\n"
        "        return CSPI_CHAN_READY;\n"
        "    cspi_waitq_lock(lock_of(e));\n"
        "    if (!n->linked && !cspi_chan_is_rendezvous(e)) {\n"
        "        n->value = *v;\n"
        "        cspi_waitq_link(queue_of(e), n, front);\n"
        "        cspi_waitq_unlock(lock_of(e), &wakes);\n"
        "        return CSPI_CHAN_AGAIN;\n"
        "    }\n"
        "    /* A selector's",
    ),
    Plant(
        "a pop notifies nobody",
        "lib/select.c",
        "        cspi_waitq_notify(&c->waitq[CSPI_TX]);\n",
        "",
    ),
    Plant(
        "a push notifies before it pushes",
        "lib/chan.c",
        "    int r = e->side == CSPI_TX ? push(c, *v) : (int)pop(c, v);\n"
        "    if (likely(r == CSPI_RING_OK)) {\n"
        "        cspi_waitq_notify(&c->waitq[!e->side]);\n",
        "    cspi_waitq_notify(&c->waitq[!e->side]);\n"
        "    int r = e->side == CSPI_TX ? push(c, *v) : (int)pop(c, v);\n"
        "    if (likely(r == CSPI_RING_OK)) {\n",
    ),
    Plant(
        "T1: the unlocking exchange uses what a failed one saw",
        "lib/waitq.c",
        "            if (cspi_cas(&q->lock, &s, 0, RELEASE))\n"
        "                break;\n",
        "            if (cspi_cas(&q->lock, &s, 0, RELEASE))\n"
        "                break;\n"
        "            if (cspi_cas(&q->lock, &s, 0, RELEASE))\n"
        "                break;\n",
    ),
    Plant(
        "delegated wake-ups beyond the first are forgotten",
        "lib/waitq.c",
        "for (uint32_t n = s / DELEGATED; n && claim_first(q, wakes); n--)",
        "for (uint32_t n = 1; n && claim_first(q, wakes); n--)",
    ),
    Plant(
        "a refused claim does not go on to the next waiter",
        "lib/waitq.c",
        "    while (q->first)\n"
        "        if (claim(q, q->first, wakes))\n"
        "            return true;\n",
        "    if (q->first)\n"
        "        if (claim(q, q->first, wakes))\n"
        "            return true;\n",
    ),
    Plant(
        "T8: who slept for the lock takes it without SLEEPERS",
        "lib/waitq.c",
        "            mine = LOCKED | SLEEPERS;\n",
        "",
    ),
    Plant(
        "claimed before unlinked",
        "lib/waitq.c",
        "    cspi_waitq_unlink(q, n); /* W2: n is gone once its waiter is "
        "claimed */\n"
        "    n->exchanged = false;\n"
        "    if (!cspi_waitq_decide(n->waiter, CSPI_WAITER_CLAIMED + n->index, "
        "&word))\n"
        "        return false;\n",
        "    n->exchanged = false;\n"
        "    bool got = cspi_waitq_decide(n->waiter, CSPI_WAITER_CLAIMED + "
        "n->index, &word);\n"
        "    if (word) { cspi_park_wake(word); word = NULL; }\n"
        "    cspi_waitq_unlink(q, n);\n"
        "    if (!got)\n"
        "        return false;\n",
    ),
    Plant(
        "a node stays linked after its wait",
        "lib/waitq.c",
        "    if (n->linked)\n        cspi_waitq_unlink(q, n);\n",
        "",
    ),
    Plant(
        "a claimed waiter does not attempt its case",
        "lib/select.c",
        "r.claimed ? ",
        "r.claimed && !expired ? ",
    ),
    Plant(
        "a signal is taken for a timeout",
        "lib/waitq.c",
        "        if (rc < 0 && cspi_waitq_decide(w, CSPI_WAITER_ABORTED, "
        "&self))\n            return rc;\n",
        "        if (rc < 0 && cspi_waitq_decide(w, CSPI_WAITER_ABORTED, "
        "&self))\n            return CSP_ETIMEOUT;\n",
    ),
    Plant(
        "a timeout leaves although somebody claimed",
        "lib/waitq.c",
        "        if (rc < 0 && cspi_waitq_decide(w, CSPI_WAITER_ABORTED, "
        "&self))\n            return rc;\n",
        "        if (rc < 0) {\n"
        "            cspi_store(&w->state, CSPI_WAITER_ABORTED, SEQ_CST);\n"
        "            return rc;\n"
        "        }\n",
    ),
    Plant(
        "T3: BUSY counts as decided",
        "lib/waitq.c",
        "    return settled(w) > CSPI_WAITER_PARKED;\n",
        "    return cspi_load(&w->state, SEQ_CST) > CSPI_WAITER_PARKED;\n",
    ),
    Plant(
        "a match that fails leaves BUSY",
        "lib/waitq.c",
        "        cspi_store(&lo->state, lo_was, SEQ_CST);\n"
        "        return false;",
        "        return false;",
    ),
    Plant(
        "a match claims one waiter after the other",
        "lib/waitq.c",
        "    uint32_t lo_was = move(lo, CSPI_WAITER_BUSY);\n",
        "    uint32_t lo_was = move(lo, CSPI_WAITER_CLAIMED + lo_case);\n",
    ),
    Plant(
        "a waiter that was parked is not woken by a match",
        "lib/waitq.c",
        "lo_was == CSPI_WAITER_PARKED ? &lo->state : NULL;",
        "NULL;",
    ),
    Plant(
        "the last use of a waiter comes after its claim",
        "lib/waitq.c",
        "    if (was == CSPI_WAITER_PARKED)\n        *wake = &w->state;\n",
        "    if (was == CSPI_WAITER_PARKED)\n        *wake = &w->state;\n"
        "    if (to >= CSPI_WAITER_CLAIMED)\n"
        "        (void)cspi_load(&w->state, RELAXED);\n",
    ),
    Plant(
        "a rendezvous does not write `exchanged`",
        "lib/chan.c",
        "        n->exchanged = true;\n",
        "",
    ),
    Plant(
        "a select meets itself",
        "lib/chan.c",
        "        if (n->waiter == me)\n            continue; /* a select never "
        "meets itself */\n",
        "",
    ),
    Plant(
        "a rendezvous is closed without waking who waits",
        "lib/chan.c",
        "    if (cspi_load(&c->state, RELAXED))\n        return why_shut(c);\n",
        "",
    ),
    Plant(
        "a channel's memory is not held while its side is shut",
        "lib/chan.c",
        "    cspi_store(&c->refs, 2, RELAXED); // relaxed: as above\n",
        "    cspi_store(&c->refs, 1, RELAXED); // relaxed: as above\n",
    ),
    Plant(
        "a cloned end is counted before it is open",
        "lib/chan.c",
        "    while (!cspi_cas(&c->open[side], &open, open + 1, RELAXED));\n",
        "    while (0);\n    cspi_add(&c->open[side], 1, RELAXED);\n",
    ),
    Plant(
        "an end is closed twice by two threads",
        "lib/chan.c",
        "    if (!cspi_cas(&e->closed, &open, (uint32_t)why, SEQ_CST))\n"
        "        return;\n",
        "    if (cspi_load(&e->closed, SEQ_CST) != open)\n"
        "        return;\n"
        "    cspi_store(&e->closed, (uint32_t)why, SEQ_CST);\n",
    ),
    Plant(
        "a close of an end wakes before it sets the mark",
        "lib/chan.c",
        "    // edge end-closed: seq_cst; a waiter of this end that is",
        "    cspi_waitq_wake_all(lock_of(e), queue_of(e), e);\n"
        "    // edge end-closed: seq_cst; a waiter of this end that is",
    ),
    Plant(
        "the last receive end leaves what is buffered",
        "lib/chan.c",
        "        drain(c);\n    cspi_waitq",
        "        ;\n    cspi_waitq",
    ),
    Plant(
        "poisoned is reported before the channel is empty",
        "lib/chan.c",
        "    if (c->kind != CSPI_CHAN_RENDEZVOUS)\n        drain(c);\n"
        "    return CSP_EPOISONED;\n",
        "    return CSP_EPOISONED;\n",
    ),
    Plant(
        "the reason of a second poisoning is leaked",
        "lib/chan.c",
        "?",
        "?",
    ),
    Plant(
        "an evicted value is released twice",
        "lib/chan.c",
        "        csp_value_unref(&old);\n    }\n    return (int)r;",
        "        csp_value copy = old;\n        csp_value_unref(&old);\n"
        "        csp_value_unref(&copy);\n    }\n    return (int)r;",
    ),
    Plant(
        "a dropped value is not released",
        "lib/chan.c",
        "    csp_value_unref(&v);\n    return CSPI_RING_OK;\n",
        "    return CSPI_RING_OK;\n",
    ),
    Plant(
        "the ring: a pop clears the mark of a close",
        "lib/ring.c",
        "                                  (at.word & CSPI_RING_CLOSED),\n",
        "                                  0,\n",
    ),
    Plant(
        "the ring: a pop does not add a lap",
        "lib/ring.c",
        "(at.pos + cspi_ring_lap(r)) << 8",
        "(at.pos + r->capacity) << 8",
    ),
    Plant(
        "the ring: full by a lagging cursor",
        "lib/ring.c",
        "        at.pos = cspi_ring_next(r, taken);\n",
        "        at.pos = cspi_ring_next(r, taken);\n        return at;\n",
    ),
    Plant(
        "the ring: a push writes its value after its word",
        "lib/ring.h",
        "    if (unlikely(!cspi_cas16(s, t << 8, 0, t << 8 | CSPI_RING_FULL | "
        "v.tag_,\n                             v.bits_)))\n"
        "        return false;\n",
        "    if (unlikely(!cspi_cas16(s, t << 8, 0, t << 8 | CSPI_RING_FULL | "
        "v.tag_, 0)))\n        return false;\n"
        "    cspi_store(&s->bits, v.bits_, RELEASE);\n",
    ),
    Plant(
        "a chain goes on before it closes the ring it leaves",
        "lib/chain.c",
        "        cspi_ring_close(&l->ring, &l->tail); /* N2 */\n",
        "",
    ),
    Plant(
        "a chain loses the ring of who came second",
        "lib/chain.c",
        "        if (next != THE_END)\n            link_free(next);\n",
        "",
    ),
    Plant(
        "a selector waits before it is WAITING",
        "lib/selector.c",
        "    cspi_store(&s->me.state, CSPI_WAITER_WAITING, SEQ_CST);\n"
        "    cspi_waitq_begin(&s->me);\n"
        "    bool cancelled = !cspi_cancel_enter(&s->me);\n"
        "    bool all = enlist_armed(s, &exchanged);\n",
        "    bool all = enlist_armed(s, &exchanged);\n"
        "    cspi_store(&s->me.state, CSPI_WAITER_WAITING, SEQ_CST);\n"
        "    cspi_waitq_begin(&s->me);\n"
        "    bool cancelled = !cspi_cancel_enter(&s->me);\n",
    ),
    Plant(
        "a selector does not look at its ready list before it parks",
        "lib/selector.c",
        "!all || cspi_load(&s->ready.head, SEQ_CST)",
        "!all",
    ),
    Plant(
        "a node is put on the ready list after the claim",
        "lib/waitq.c",
        "    cspi_waitq_set_ready(n, wakes);\n    cspi_waitq_unlink(q, n);",
        "    cspi_waitq_unlink(q, n);",
    ),
    Plant(
        "T4: a node may be pushed twice",
        "lib/waitq.c",
        "    if (!n->ready || cspi_exchange(&n->on_ready, 1, ACQ_REL))\n"
        "        return;\n",
        "    if (!n->ready)\n        return;\n",
    ),
    Plant(
        "T5: a selector's value is set again while it is listed",
        "lib/chan.c",
        "    if (rc == CSPI_CHAN_AGAIN && !n->linked) {\n"
        "        n->value = *v;\n",
        "    n->value = *v;\n    if (rc == CSPI_CHAN_AGAIN && !n->linked) {\n",
    ),
    Plant(
        "a cancel forgets the waiter that is there",
        "lib/cancel.c",
        "    if (k->waiter)\n        cspi_waitq_decide(",
        "    if (0)\n        cspi_waitq_decide(",
    ),
    Plant(
        "a wait leaves its token pointing at its waiter",
        "lib/cancel.c",
        "    mine->waiter = NULL;\n",
        "",
    ),
    Plant(
        "a wait begins although it is cancelled",
        "lib/cancel.c",
        "    bool go = cspi_load(&k->requested, RELAXED) == 0;\n",
        "    bool go = true;\n",
    ),
    Plant(
        "a release runs inside a release",
        "lib/handle.c",
        "    if (releasing)\n        return;\n",
        "",
    ),
)


def run(words, cwd):
    return subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, errors="replace"
    )


class Tree:
    """A copy of what is built, compiled file by file."""

    def __init__(self, cc: str, where: Path) -> None:
        self.cc, self.root = cc, where
        for part in ("lib", "include", "tests/common", "tests/explore"):
            shutil.copytree(ROOT / part, where / part)
        (where / "o").mkdir()
        self.programs = sorted(
            p.stem for p in where.glob("tests/explore/explore_*.c")
        )
        self.sources = [
            p
            for part in ("lib", "tests/explore", "tests/common")
            for p in sorted((where / part).glob("*.c"))
            if p.name not in STOOD_IN_FOR | {"perturb.c"}
        ]

    def object(self, source: Path) -> Path:
        return self.root / "o" / (source.stem + ".o")

    def compile(self) -> str:
        jobs = [
            subprocess.Popen(
                [self.cc, *FLAGS, "-c", str(s), "-o", str(self.object(s))],
                cwd=self.root,
                stderr=subprocess.PIPE,
                text=True,
            )
            for s in self.sources
        ]
        said = "".join(job.communicate()[1] for job in jobs)
        if any(job.returncode for job in jobs):
            return said
        shared = [
            str(self.object(s))
            for s in self.sources
            if not s.stem.startswith("explore_")
        ]
        for name in self.programs:
            done = run(
                [
                    *(self.cc, "-no-pie", "-pthread"),
                    *(f"o/{name}.o", *shared, "-o", f"o/{name}"),
                ],
                self.root,
            )
            if done.returncode:
                return done.stderr
        return ""

    def try_all(self, limit: float):
        """The programs that fail: name, seconds, what they say."""
        for name in self.programs:
            began = time.monotonic()
            try:
                done = subprocess.run(
                    [f"o/{name}"],
                    cwd=self.root,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=limit,
                    env={**os.environ, "INTERCSP_SEED": "1"},
                )
                text = done.stdout + done.stderr
                failed = done.returncode != 0
            except subprocess.TimeoutExpired:
                text, failed = "# it hangs", True
            seconds = time.monotonic() - began
            if failed:
                yield name, seconds, text


def reason(text: str) -> str:
    m = re.search(r"^(?:\S+:\d+: )(.*)", text, re.MULTILINE)
    return m[1] if m else text.strip().splitlines()[-1][:100]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--limit", type=float, default=200)
    parser.add_argument("--all", action="store_true", help="every finder")
    parser.add_argument("names", nargs="*", help="parts of names")
    args = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(args.cc, Path(folder) / "tree")
        for plant in PLANTS:
            if args.names and not any(n in plant.name for n in args.names):
                continue
            path = tree.root / plant.file
            kept = path.read_text()
            if kept.count(plant.old) < 1 or plant.old == "?":
                print(
                    f"{plant.name}\n    does not fit {plant.file}", flush=True
                )
                missed += 1
                continue
            path.write_text(kept.replace(plant.old, plant.new, 1))
            wrong = tree.compile()
            finders = [] if wrong else tree.try_all(args.limit)
            print(plant.name, flush=True)
            found = False
            for name, seconds, text in finders:
                found = True
                print(
                    f"    {name}, {seconds:.1f} s: {reason(text)}", flush=True
                )
                if not args.all:
                    break
            if wrong or not found:
                print("    " + (wrong[:300] or "NOT FOUND"), flush=True)
                missed += 1
            path.write_text(kept)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
