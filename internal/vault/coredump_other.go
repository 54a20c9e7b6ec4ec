//go:build !unix

package vault

func noCoreDumps() error { return nil }

func coreDumpsOff() bool { return false }
