package alerts

import (
	"errors"
	"slices"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// state is all that is kept, in one record.
type state struct {
	Alerts []Alert    `json:"alerts,omitzero"` // oldest first
	Queue  []delivery `json:"queue,omitzero"`
	Hook   *hook      `json:"webhook,omitzero"`
}

// delivery is an alert on its way to the webhook.
type delivery struct {
	Alert    string    `json:"alert"` // id; one that has fallen off the board is not sent any more
	Attempts int       `json:"attempts,omitzero"`
	Due      time.Time `json:"due"`
	Since    time.Time `json:"since"`
}

// hook is the owner's webhook.
type hook struct {
	URL       string    `json:"url"`
	Secret    []byte    `json:"secret"`
	CreatedAt time.Time `json:"created_at"`
	Delivered time.Time `json:"delivered,omitzero"`
	Failed    time.Time `json:"failed,omitzero"`
	Failure   string    `json:"failure,omitzero"` // of the last attempt, if that failed
}

// clone is a state that shares nothing that changes.
func (s state) clone() state {
	s.Alerts, s.Queue = slices.Clone(s.Alerts), slices.Clone(s.Queue)
	if s.Hook != nil {
		h := *s.Hook
		s.Hook = &h
	}
	return s
}

// enqueue adds a delivery; when there are too many, the oldest goes.
func (s *state) enqueue(d delivery) {
	s.Queue = append(s.Queue, d)
	if over := len(s.Queue) - Kept; over > 0 {
		s.Queue = slices.Delete(s.Queue, 0, over)
	}
}

func (s *state) alert(id string) (Alert, bool) {
	i := slices.IndexFunc(s.Alerts, func(a Alert) bool { return a.ID == id })
	if i < 0 {
		return Alert{}, false
	}
	return s.Alerts[i], true
}

var boards = store.NewCollection[state]("alerts")

const boardKey = "board"

func load(s *store.Store) (kept state, err error) {
	err = s.View(func(tx *store.Tx) (err error) {
		kept, err = boards.Get(tx, boardKey)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return state{}, nil
	}
	return kept, err
}

// save writes the state, if it has changed.
func (b *Board) save() error {
	b.saving.Lock()
	defer b.saving.Unlock()
	b.mu.Lock()
	if !b.dirty {
		b.mu.Unlock()
		return nil
	}
	now := b.state.clone()
	b.dirty = false
	b.mu.Unlock()
	err := b.store.Update(func(tx *store.Tx) error { return boards.Put(tx, boardKey, now) })
	if err != nil {
		b.mu.Lock()
		b.dirty = true
		b.mu.Unlock()
	}
	return err
}
