// A small agent host in Go: it installs a capsule, answers what the capsule asks, and shows that Go's own faults stay Go's.
//
// Go turns the signal of a nil pointer into a panic, and stops its goroutines by signals; guests trap by the same signals. Each
// has to get its own, whoever comes first.
//
//	agent CONCIERGE TRAPS HOME checks|signals
//
// takes the folders of two capsules, one of which traps, a folder that is new, and whether guests check for faults themselves or
// share the signals with Go. Both work.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
)

const faults = 1000

type box struct{ value int }

// provoke follows so many nil pointers and returns how many panics came of it.
func provoke() (caught int) {
	for i := 0; i < faults; i++ {
		func() {
			defer func() {
				if _, ok := recover().(runtime.Error); ok {
					caught++
				}
			}()
			var nothing *box
			nothing.value++
		}()
	}
	return caught
}

func expect(what string, wanted, found any) {
	if wanted != found {
		fmt.Fprintf(os.Stderr, "%s: expected %v, found %v\n", what, wanted, found)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func call(capsule *Capsule, action, payload string) string {
	return must(capsule.Trigger(action, payload))
}

func trap(traps *Capsule) {
	_, err := traps.Trigger("stray", "")
	failure, ok := err.(*Failure)
	expect("an error of a trap", true, ok)
	expect("the kind of a trap", "guest_trap", failure.Code)
}

func main() {
	expect("arguments", 5, len(os.Args))
	expect("faults before a host is open", faults, provoke())
	var asked []string
	host := must(Open(os.Args[3], os.Args[4] == "checks", func(resource string) bool {
		asked = append(asked, resource)
		return len(resource) >= 3 && resource[:3] == "tea"
	}))
	concierge := must(host.Load(os.Args[1]))
	traps := must(host.Load(os.Args[2]))
	expect("faults beside a host", faults, provoke())

	fmt.Println("greet:", call(concierge, "greet", ""))
	expect("tea", "approved", call(concierge, "buy", `{"item":"tea","price":3}`))
	expect("a yacht", "refused", call(concierge, "buy", `{"item":"yacht","price":1000000}`))
	fmt.Println("asked:", asked)
	expect("questions", 2, len(asked))
	expect("faults between calls", faults, provoke())
	trap(traps)
	expect("faults after a guest's trap", faults, provoke())

	// Guests run and trap on this goroutine for as long as another one faults, and the collector stops both.
	var seen atomic.Int64
	done := make(chan struct{})
	go func() {
		for round := 0; round < 20; round++ {
			seen.Add(int64(provoke()))
		}
		close(done)
	}()
	for over := false; !over; {
		call(concierge, "greet", "")
		trap(traps)
		runtime.GC()
		select {
		case <-done:
			over = true
		default:
		}
	}
	expect("faults while guests trap", int64(20*faults), seen.Load())

	concierge.Free()
	traps.Free()
	expect("an error of closing", nil, host.Close())
	expect("faults after the host is closed", faults, provoke())
	fmt.Println("nil pointers before, beside, between and after guests that trap: all of them panics")
}
