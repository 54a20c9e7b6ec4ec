package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report is what was measured. Arrays of three are the bare proxy, the gateway
// and the gateway without proof check, or the three numbers of apps; arrays of
// two are the bare proxy and the gateway.
type report struct {
	settings   settings
	full, rate [3][]slice
	first      [2][]time.Duration
	streamRSS  [2]int64
	streamHeap [2]int64
	waited     int64
	waitedOf   int
	commits    uint64
	counts     [3]int
	apps       [3][]slice
	took       time.Duration
}

func over(slices []slice, of func(slice) float64) float64 {
	var all []float64
	for _, s := range slices {
		all = append(all, of(s))
	}
	return median(all)
}

// against is the median over the rounds of a round's own ratio: what slows one
// round down is in both of its sides.
func against(a, b []slice, of func(slice) float64) float64 {
	var all []float64
	for i := range a {
		all = append(all, of(a[i])/of(b[i]))
	}
	return median(all)
}

// added is the median over the rounds of how much later that share of a
// round's requests was answered than the bare proxy's.
func added(a, bare []slice, share float64) time.Duration {
	var all []time.Duration
	for i := range a {
		all = append(all, quantile(a[i].perRequest, share)-quantile(bare[i].perRequest, share))
	}
	return median(all)
}

func (r *report) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(t, "%v\t", c)
		}
		fmt.Fprintln(t)
	}
	row()
	row("", "bare proxy", "gateway", "without proof check")
	r.printSpeed(row)
	r.printRate(row)
	row("first event of a stream, p50 / p99", r.firstEvent(0), r.firstEvent(1))
	row("memory of an idle stream, resident", kib(r.streamRSS[0]), kib(r.streamRSS[1]))
	row("  of which heap and stacks", kib(r.streamHeap[0]), kib(r.streamHeap[1]))
	row()
	row("", fmt.Sprintf("%d app", r.counts[0]), fmt.Sprintf("%d apps", r.counts[1]), fmt.Sprintf("%d apps", r.counts[2]))
	row(cells("requests a second", "%.0f", r.apps, slice.throughput)...)
	row(cells("processor time of a request", "%.0f µs", r.apps, micros)...)
	row()
	t.Flush()
	r.printGoals(out)
	say(out, "%d rounds in %s.", r.settings.rounds, r.took.Round(time.Second))
}

func (r *report) printSpeed(row func(...any)) {
	row(cells("requests a second", "%.0f", r.full, slice.throughput)...)
	row(cells("processor time of a request", "%.0f µs", r.full, micros)...)
	row(cells("allocations of a request", "%.0f", r.full, allocations)...)
}

func (r *report) printRate(row func(...any)) {
	for _, share := range []float64{0.5, 0.99, 0.999} {
		row(cells(fmt.Sprintf("at %d a second, p%g", r.settings.rate, 100*share), "%.0f µs", r.rate, func(s slice) float64 {
			return float64(quantile(s.perRequest, share)) / float64(time.Microsecond)
		})...)
	}
}

// cells are a row of the table: the median over the rounds for each column.
func cells(name, format string, columns [3][]slice, of func(slice) float64) []any {
	row := []any{name}
	for _, slices := range columns {
		row = append(row, fmt.Sprintf(format, over(slices, of)))
	}
	return row
}

func micros(s slice) float64 { return float64(s.cpuEach()) / float64(time.Microsecond) }

func allocations(s slice) float64 { return float64(s.mallocs) / float64(s.n) }

func (r *report) firstEvent(i int) string {
	return fmt.Sprintf("%d / %d µs", quantile(r.first[i], 0.5).Microseconds(), quantile(r.first[i], 0.99).Microseconds())
}

func kib(n int64) string { return fmt.Sprintf("%.1f KiB", float64(n)/1024) }

// printGoals says what of what was aimed for is met.
func (r *report) printGoals(out io.Writer) {
	goal := func(met bool, format string, args ...any) {
		mark := "MET   "
		if !met {
			mark = "MISSED"
		}
		say(out, "%s  %s", mark, fmt.Sprintf(format, args...))
	}
	checked, stubbed := against(r.full[1], r.full[0], slice.throughput), against(r.full[2], r.full[0], slice.throughput)
	goal(checked >= 0.45, "throughput %.2f of the bare proxy's (goal: at least 0.45)", checked)
	goal(stubbed >= 0.80, "throughput without proof check %.2f of the bare proxy's (goal: at least 0.80)", stubbed)
	p50, p99 := added(r.rate[1], r.rate[0], 0.5), added(r.rate[1], r.rate[0], 0.99)
	goal(p99 < time.Millisecond, "at %d requests a second, p50 later by %v and p99 by %v (goal: p99 by less than 1ms)",
		r.settings.rate, p50.Round(time.Microsecond), p99.Round(time.Microsecond))
	goal(r.streamRSS[1] < 64<<10, "an idle open stream takes %s (goal: less than 64 KiB)", kib(r.streamRSS[1]))
	flat := against(r.apps[2], r.apps[0], slice.throughput)
	goal(flat >= 0.9, "throughput with %d apps %.2f of that with one (goal: at least 0.90)", r.counts[2], flat)
	goal(r.waited == 0, "%d of %d requests waited for the disk, while it was synced for %d commits in the background (goal: 0)",
		r.waited, r.waitedOf, r.commits)
}
