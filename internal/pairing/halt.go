package pairing

import "slices"

// halts are the changes that have been asked for and are not in live yet, with
// how often each: to get there they wait for a turn to write, and a disk that
// hangs can make that long. Every check of what may run denies already what a
// halt concerns.
type halts map[Change]int

func (h halts) frozen() bool { return h[Change{Kind: ChangeFrozen}] > 0 }

// ended says whether a session or its app is over.
func (h halts) ended(appID, sessionID string) bool {
	return h[Change{Kind: ChangeRevoked, AppID: appID}] > 0 ||
		h[Change{Kind: ChangeSessionEnded, AppID: appID, SessionID: sessionID}] > 0
}

// status is an app's, given what its record says.
func (h halts) status(app App) AppStatus {
	switch {
	case h[Change{Kind: ChangeRevoked, AppID: app.ID}] > 0:
		return AppRevoked
	case app.Status == AppActive && h[Change{Kind: ChangeSuspended, AppID: app.ID}] > 0:
		return AppSuspended
	}
	return app.Status
}

// halt decides ahead of the turn to write, and stops what must stop. It
// returns the change that lift has to be called with.
func (p *Pairing) halt(decide func(*live) (*loss, error)) (Change, error) {
	p.mu.Lock()
	l, err := decide(&p.live)
	if err != nil || l == nil || l.change == (Change{}) {
		p.mu.Unlock()
		return Change{}, err
	}
	p.halts[l.change]++
	p.mu.Unlock()
	p.tell(l.change)
	return l.change, nil
}

// lift takes a halt away. The caller holds mu.
func (h halts) lift(c Change) {
	if h[c]--; h[c] <= 0 {
		delete(h, c)
	}
}

// tell calls the watchers. The caller holds no lock.
func (p *Pairing) tell(changes ...Change) {
	p.mu.RLock()
	watchers := p.watchers
	p.mu.RUnlock()
	for _, c := range slices.DeleteFunc(changes, func(c Change) bool { return c == Change{} }) {
		for _, fn := range watchers {
			fn(c)
		}
	}
}
