// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers

// The questions of bench/, put to Go's channels and goroutines. Usage:
//
//	peer_go pair
//	peer_go stream SENDERS RECEIVERS CAPACITY
//	peer_go echo CAPACITY
//	peer_go select-echo      8 channels
//	peer_go select-ready     2 channels, both hold a value
//
// GOMAXPROCS=1 makes all goroutines share a thread.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const box = 150 * time.Millisecond

// repeat calls f(0), f(1)... until the time is over; it says how long one took.
func repeat(batch int, f func(int64)) float64 {
	var n int64
	start := time.Now()
	for time.Since(start) < box {
		for k := 0; k < batch; k++ {
			f(n)
			n++
		}
	}
	return float64(time.Since(start)) / float64(n)
}

func check(found, expected int64) {
	if found != expected {
		panic("what was received is not what was sent")
	}
}

func pair() float64 {
	c := make(chan int64, 64)
	return repeat(1000, func(i int64) {
		c <- i
		check(<-c, i)
	})
}

func stream(senders, receivers, capacity int) float64 {
	c := make(chan int64, capacity)
	counts := make(chan int64, receivers)
	var sending sync.WaitGroup
	var balance atomic.Int64 // the sum of what was sent and not received
	inOrder := senders == 1 && receivers == 1
	start := time.Now()
	for range senders {
		sending.Add(1)
		go func() {
			var sum int64
			repeat(1000, func(i int64) { c <- i; sum += i })
			balance.Add(sum)
			sending.Done()
		}()
	}
	for range receivers {
		go func() {
			var n, sum int64
			for v := range c {
				if inOrder {
					check(v, n)
				}
				n++
				sum += v
			}
			balance.Add(-sum)
			counts <- n
		}()
	}
	sending.Wait()
	close(c)
	var count int64
	for range receivers {
		count += <-counts
	}
	took := float64(time.Since(start))
	check(balance.Load(), 0)
	return took / float64(count)
}

func echo(capacity int) float64 {
	there, back := make(chan int64, capacity), make(chan int64, capacity)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	return repeat(50, func(i int64) {
		there <- i
		check(<-back, i)
	})
}

func selectEcho() float64 {
	var c [8]chan int64
	for i := range c {
		c[i] = make(chan int64, 1)
	}
	back := make(chan int64, 1)
	go func() {
		for {
			var v int64
			select {
			case v = <-c[0]:
			case v = <-c[1]:
			case v = <-c[2]:
			case v = <-c[3]:
			case v = <-c[4]:
			case v = <-c[5]:
			case v = <-c[6]:
			case v = <-c[7]:
			}
			back <- v
		}
	}()
	return repeat(48, func(i int64) {
		c[i%8] <- i
		check(<-back, i)
	})
}

func selectReady() float64 {
	a, b := make(chan int64, 1), make(chan int64, 1)
	a <- 1
	b <- 2
	var sum int64 = 1 + 2 // of what was sent, and not received
	took := repeat(1000, func(i int64) {
		select {
		case v := <-a:
			sum += i - v
			a <- i
		case v := <-b:
			sum += i - v
			b <- i
		}
	})
	check(<-a+<-b, sum)
	return took
}

func main() {
	var n [4]int
	for i := 2; i < len(os.Args) && i < 5; i++ {
		n[i-1], _ = strconv.Atoi(os.Args[i])
	}
	row, ns := "Go", 0.0
	switch os.Args[1] {
	case "pair":
		ns = pair()
	case "stream":
		ns = stream(n[1], n[2], n[3])
	case "echo":
		ns = echo(n[1])
	case "select-echo":
		ns = selectEcho()
	case "select-ready":
		ns = selectReady()
	default:
		os.Exit(2)
	}
	if runtime.GOMAXPROCS(0) == 1 {
		row = "Go, one thread"
	}
	fmt.Printf("{\"row\": %q, \"value\": %.4g, \"unit\": \"ns\"}\n", row, ns)
}
