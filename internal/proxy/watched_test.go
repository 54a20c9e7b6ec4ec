//go:build race

package proxy

// watched says that the race detector runs, which makes everything slow.
const watched = true
