package proxy

import "sync"

// memory bounds the request bodies held at a time, in all and for each app, so
// that one app cannot take it from all others.
type memory struct {
	all, each int64 // bytes

	mu    sync.Mutex
	used  int64
	byApp map[string]int64
}

func newMemory(all, each int64) *memory {
	return &memory{all: all, each: each, byApp: map[string]int64{}}
}

// claim takes n bytes of the app's share, or nothing.
func (m *memory) claim(appID string, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+n > m.all || m.byApp[appID]+n > m.each {
		return false
	}
	m.used += n
	m.byApp[appID] += n
	return true
}

// release gives back what was claimed.
func (m *memory) release(appID string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= n
	if m.byApp[appID] -= n; m.byApp[appID] == 0 {
		delete(m.byApp, appID)
	}
}

// held is how much is claimed.
func (m *memory) held() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}
