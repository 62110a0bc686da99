# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Random sequences of what can be done with ends, ends inside messages too,
give what a simple model of channels says."""

import pytest

import intercsp as csp
from support import count


class Channel:
    """The model of a channel: what it holds, and how many ends are open."""

    def __init__(self, number, capacity):
        self.number = number
        self.capacity = capacity
        self.values = []
        self.open = {"tx": 1, "rx": 1}


class End:
    """The model of an end: of which channel and side, and its state."""

    def __init__(self, channel, side):
        self.channel = channel
        self.side = side
        self.state = "open"

    def clone(self):
        self.channel.open[self.side] += 1
        return End(self.channel, self.side)

    def leave(self, state):
        """Close; with the last receive end goes what is buffered."""
        if self.state != "open":
            return
        self.state = state
        self.channel.open[self.side] -= 1
        if self.side == "rx" and not self.channel.open["rx"]:
            gone, self.channel.values = self.channel.values, []
            for value in gone:
                for end in value[1]:
                    end.leave("closed")

    def error(self):
        return {"closed": csp.EndClosed, "moved": csp.Moved}[self.state]


class World:
    """Ends beside their models, and operations on both."""

    def __init__(self, rng):
        self.rng = rng
        self.ends = []  # (end, model)
        self.channels = 0
        self.number = 0

    def pick(self, side=None):
        return self.rng.choice(
            [(e, m) for e, m in self.ends if side in (None, m.side)]
        )

    def make(self):
        capacity = self.rng.choice((1, 2, 3))
        tx, rx = csp.channel(capacity)
        self.channels += 1
        channel = Channel(self.channels, capacity)
        self.ends += [(tx, End(channel, "tx")), (rx, End(channel, "rx"))]

    def clone(self):
        end, model = self.pick()
        if model.state == "open":
            self.ends.append((end.clone(), model.clone()))
        else:
            with pytest.raises(model.error()):
                end.clone()

    def close(self):
        end, model = self.pick()
        end.close()
        model.leave("closed")

    def drop(self):
        end, model = self.pick()
        if len([1 for _e, m in self.ends if m.side == model.side]) > 1:
            self.ends.remove((end, model))
            model.leave("closed")

    def expected(self, model, gifts):
        """What sending does."""
        models = [m for _e, m in gifts]
        closed = [m for m in models if m.state != "open"]
        if closed:
            # they are looked at in order; one that is met twice is Moved
            for i, m in enumerate(models):
                if m.state != "open":
                    return m.error()
                if m in models[:i]:
                    return csp.Moved
        if len(set(models)) < len(models):
            return csp.Moved
        if model.state != "open":
            return model.error()
        if not model.channel.open["rx"]:
            return csp.Closed
        if len(model.channel.values) == model.channel.capacity:
            return csp.Full
        return None

    def send(self):
        end, model = self.pick("tx")
        gifts = [self.pick() for _ in range(self.rng.choice((0, 0, 1, 1, 2)))]
        # receive ends that lie in each other's buffers would stay for ever
        gifts = [
            (e, m)
            for e, m in gifts
            if m.side == "tx" or m.channel.number > model.channel.number
        ]
        self.number += 1
        message = (self.number, [e for e, _m in gifts])
        error = self.expected(model, gifts)
        if error:
            with pytest.raises(error):
                end.send_nowait(message)
            return
        end.send_nowait(message)
        models = [m.clone() for _e, m in gifts]
        model.channel.values.append((self.number, models))
        for _e, m in gifts:
            m.leave("moved")

    def receive(self):
        end, model = self.pick("rx")
        values = model.channel.values
        error = (
            model.error()
            if model.state != "open"
            else None
            if values
            else csp.Empty
            if model.channel.open["tx"]
            else csp.Closed
        )
        if error:
            with pytest.raises(error):
                end.recv_nowait()
            return
        number, ends = end.recv_nowait()
        expected, models = values.pop(0)
        assert number == expected
        assert len(ends) == len(models)
        self.ends += zip(ends, models, strict=True)

    def check(self):
        for end, model in self.ends:
            channel = model.channel
            assert end.closed == (model.state != "open")
            assert len(end) == len(channel.values)
            if model.side == "tx":
                assert end.finished == (not channel.open["rx"])
            else:
                assert end.finished == (
                    not channel.open["rx"]
                    or (not channel.open["tx"] and not channel.values)
                )


@pytest.mark.parametrize("part", range(4))
def test_any_sequence_of_operations_does_what_the_model_says(rng, part):
    for _ in range(count(100)):
        world = World(rng)
        world.make()
        operations = [
            world.make,
            world.clone,
            world.close,
            *[world.send] * 6,
            *[world.receive] * 5,
        ]
        if part % 2:
            operations += [world.drop, world.close]
        for _ in range(rng.randrange(100)):
            rng.choice(operations)()
            world.check()
        for end, model in world.ends:
            end.close()
            model.leave("closed")
        world.check()
