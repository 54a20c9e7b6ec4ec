package vault

import "time"

// Health is how a stored key has fared at its provider since the gateway was
// started. The vault says nothing of it: the proxy does, which uses the keys, to
// those who show them.
type Health struct {
	State       string    `json:"state"`              // ok, resting, or trying: the rest is over, one request finds out
	Why         string    `json:"why,omitzero"`       // it rests
	Until       time.Time `json:"until,omitzero"`     // it rests
	InUse       int       `json:"in_use"`             // requests under way
	Requests    int64     `json:"requests"`           // attempts
	Failed      int64     `json:"failed"`             // of them
	LastUsed    time.Time `json:"last_used,omitzero"` // zero: not since the start
	LastFailure string    `json:"last_failure,omitzero"`
	SlowModels  int       `json:"slow_models,omitzero"` // models it rests for, for one app or for all: told to slow down
	Apps        int       `json:"apps,omitzero"`        // apps it rests for that met failures, or no credit; the others it serves
}
