//go:build !linux

package main

import "time"

type alarm struct{}

func newAlarm() alarm { return alarm{} }

func (alarm) until(t time.Time) { time.Sleep(time.Until(t)) }

func (alarm) done() {}
