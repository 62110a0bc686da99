// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers

//! The questions of bench/, put to crossbeam-channel. Usage:
//!
//!     peer_rs pair
//!     peer_rs stream SENDERS RECEIVERS CAPACITY
//!     peer_rs echo CAPACITY
//!     peer_rs select-echo      8 channels
//!     peer_rs select-ready     2 channels, both hold a value

use crossbeam_channel::{bounded, select, Select};
use std::env;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// The sum of what was sent and not received.
static BALANCE: AtomicI64 = AtomicI64::new(0);

const BOX: Duration = Duration::from_millis(150);

extern "C" {
    fn sched_setaffinity(thread: i32, size: usize, set: *const u64) -> i32;
}

/// Keep this thread on the processor that run.py chose for its side.
fn pin(side: usize) {
    let cpus = env::var("BENCH_CPUS").unwrap_or("0,1".into());
    let cpu: usize = cpus.split(',').nth(side).unwrap().parse().unwrap();
    let mut set = [0u64; 16];
    set[cpu / 64] = 1 << (cpu % 64);
    assert_eq!(unsafe { sched_setaffinity(0, 128, set.as_ptr()) }, 0);
}

/// Call f(0), f(1)... until the time is over. Returns: how long one took.
fn repeat(batch: u32, mut f: impl FnMut(i64)) -> f64 {
    let mut n = 0;
    let start = Instant::now();
    while start.elapsed() < BOX {
        for _ in 0..batch {
            f(n);
            n += 1;
        }
    }
    start.elapsed().as_nanos() as f64 / n as f64
}

fn pair() -> f64 {
    let (tx, rx) = bounded(64);
    pin(0);
    repeat(1000, |i| {
        tx.send(i).unwrap();
        assert_eq!(rx.recv().unwrap(), i);
    })
}

fn stream(senders: usize, receivers: usize, capacity: usize) -> f64 {
    let (tx, rx) = bounded(capacity);
    let alone = senders == 1 && receivers == 1;
    let start = Instant::now();
    for _ in 0..senders {
        let tx = tx.clone();
        thread::spawn(move || {
            if alone {
                pin(0);
            }
            let mut sum = 0;
            repeat(1000, |i| {
                tx.send(i).unwrap();
                sum += i;
            });
            BALANCE.fetch_add(sum, SeqCst);
        });
    }
    drop(tx);
    let counting: Vec<_> = (0..receivers)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || {
                if alone {
                    pin(1);
                }
                let (mut n, mut sum) = (0, 0);
                rx.iter().for_each(|v| {
                    assert!(!alone || v == n);
                    n += 1;
                    sum += v;
                });
                BALANCE.fetch_sub(sum, SeqCst);
                n
            })
        })
        .collect();
    let count: i64 = counting.into_iter().map(|t| t.join().unwrap()).sum();
    let took = start.elapsed().as_nanos() as f64;
    assert_eq!(BALANCE.load(SeqCst), 0);
    took / count as f64
}

fn echo(capacity: usize) -> f64 {
    let (there, from) = bounded(capacity);
    let (to, back) = bounded(capacity);
    pin(0);
    thread::spawn(move || {
        pin(1);
        from.iter().for_each(|v: i64| to.send(v).unwrap());
    });
    repeat(50, |i| {
        there.send(i).unwrap();
        assert_eq!(back.recv().unwrap(), i);
    })
}

fn select_echo() -> f64 {
    let (tx, rx): (Vec<_>, Vec<_>) = (0..8).map(|_| bounded::<i64>(1)).unzip();
    let (to, back) = bounded(1);
    pin(0);
    thread::spawn(move || {
        pin(1);
        let mut choice = Select::new();
        rx.iter().for_each(|r| _ = choice.recv(r));
        loop {
            let op = choice.select();
            let i = op.index();
            match op.recv(&rx[i]) {
                Ok(v) => to.send(v).unwrap(),
                Err(_) => return,
            }
        }
    });
    repeat(48, |i| {
        tx[i as usize % 8].send(i).unwrap();
        assert_eq!(back.recv().unwrap(), i);
    })
}

fn select_ready() -> f64 {
    let ((tx, rx), (tx2, rx2)) = (bounded(1), bounded(1));
    pin(0);
    tx.send(1).unwrap();
    tx2.send(2).unwrap();
    let mut sum: i64 = 1 + 2; // of what was sent, and not received
    let took = repeat(1000, |i| {
        let (v, back) = select! {
            recv(rx) -> v => (v.unwrap(), &tx),
            recv(rx2) -> v => (v.unwrap(), &tx2),
        };
        sum += i - v;
        back.send(i).unwrap();
    });
    assert_eq!(rx.recv().unwrap() + rx2.recv().unwrap(), sum);
    took
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let n = |i: usize| args[i].parse().unwrap();
    let ns = match args[1].as_str() {
        "pair" => pair(),
        "stream" => stream(n(2), n(3), n(4)),
        "echo" => echo(n(2)),
        "select-echo" => select_echo(),
        "select-ready" => select_ready(),
        other => panic!("what is {other}?"),
    };
    println!("{{\"row\": \"crossbeam\", \"value\": {ns:.4}, \"unit\": \"ns\"}}");
}
