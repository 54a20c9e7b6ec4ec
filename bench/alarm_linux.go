package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes up on time. The runtime's timers may be a millisecond late,
// which is what is to be measured.
type alarm struct{}

func newAlarm() alarm {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // without it, 50 µs late
	return alarm{}
}

func (alarm) until(t time.Time) {
	for wait := time.Until(t); wait > 0; wait = time.Until(t) {
		pause := unix.NsecToTimespec(wait.Nanoseconds())
		_ = unix.Nanosleep(&pause, nil) // cut short: it goes around
	}
}

func (alarm) done() { runtime.UnlockOSThread() }
