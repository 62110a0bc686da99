# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes that print lines of all lengths, to stdout and stderr at once."""

import sys

import intercsp as csp

LENGTHS = [1, 80, 3000, 9000, 70000]


def print_lines(letter, times):
    for i in range(times):
        for n in LENGTHS:
            print(letter * n)
            print(letter, letter * n, file=sys.stderr)
        if i == 0:
            sys.stdout.flush()
    sys.stdout.buffer.write(letter.encode() + b"bytes\n")


def ask():
    print("no end of line", end="", flush=True)
    print(sys.stdout.fileno(), sys.stdout.isatty(), sys.stdout.name)
    sys.stdout.reconfigure(line_buffering=True)
    print("é", end="")


if __name__ == "__main__":
    if sys.argv[1:] == ["ask"]:
        csp.spawn(ask).result()
    else:
        with csp.group() as g:
            for letter in "abcd":
                g.spawn(print_lines, letter, int(sys.argv[1]))
