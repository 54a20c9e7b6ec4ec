package main

import (
	"cmp"
	"math"
	"slices"
)

// quantile is the sample that this share of all is at or below; the samples
// are sorted in place.
func quantile[T cmp.Ordered](samples []T, share float64) T {
	if len(samples) == 0 {
		var zero T
		return zero
	}
	slices.Sort(samples)
	return samples[max(int(math.Ceil(share*float64(len(samples))))-1, 0)]
}

func median[T cmp.Ordered](samples []T) T { return quantile(slices.Clone(samples), 0.5) }
