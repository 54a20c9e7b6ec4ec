package proxy

import (
	"runtime"
	"sync"
)

// turns bounds how many inputs are counted at a time, which takes a core each:
// one for each app, and no more than there are cores. The rest waits.
type turns struct {
	cores chan struct{}

	mu    sync.Mutex
	byApp map[string]*appTurn
}

type appTurn struct {
	mu    sync.Mutex
	users int // who has it or waits for it
}

func newTurns() *turns {
	return &turns{cores: make(chan struct{}, runtime.GOMAXPROCS(0)), byApp: map[string]*appTurn{}}
}

// take waits for the app's turn and runs what it is for.
func (t *turns) take(appID string, run func()) {
	t.mu.Lock()
	of := t.byApp[appID]
	if of == nil {
		of = &appTurn{}
		t.byApp[appID] = of
	}
	of.users++
	t.mu.Unlock()
	of.mu.Lock()
	t.cores <- struct{}{}
	defer func() {
		<-t.cores
		of.mu.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if of.users--; of.users == 0 {
			delete(t.byApp, appID)
		}
	}()
	run()
}
