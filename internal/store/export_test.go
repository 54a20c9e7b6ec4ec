package store

import "io"

// Step is asked before each step that writes a file beside the database.
type Step = func(step, path string) error

// OpenWith is Open with failing steps.
func OpenWith(cfg Config, step Step) (*Store, error) {
	return openWith(cfg, layout{format: format}, disk{step})
}

// OpenAs is Open as a gateway of another file format would do it.
func OpenAs(cfg Config, version uint32, step Step, steps map[uint32]func(collection, key string, plain []byte) ([]byte, error)) (*Store, error) {
	l := layout{format: version, steps: map[uint32]migration{}}
	for v, m := range steps {
		l.steps[v] = m
	}
	return openWith(cfg, l, disk{step})
}

// RestoreWith is Restore with failing steps.
func RestoreWith(step Step, r io.Reader, dir string, open OpenEnvelope) (BackupInfo, error) {
	return restoreWith(disk{step}, r, dir, open)
}
