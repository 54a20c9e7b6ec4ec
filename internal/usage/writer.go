package usage

import (
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// How long what was recorded may wait for its write: longer for a day that has
// much in it, since each write is of the whole day.
const (
	writeDelay = 5 * time.Second
	mostDelay  = time.Minute
)

// writeLater has what is dirty written soon. The lock is held.
func (h *History) writeLater(cells int) {
	if h.timer != nil || h.closed {
		return
	}
	delay := min(writeDelay+time.Duration(cells)*time.Millisecond, mostDelay)
	h.timer = time.AfterFunc(delay, func() {
		if err := h.write(); err != nil {
			h.log.Error("writing usage history failed; it is tried again", "error", err)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.writeLater(int(mostDelay / time.Millisecond))
		}
	})
}

// write writes the days that are dirty, and lets go of those that are over.
func (h *History) write() error {
	h.writing.Lock()
	defer h.writing.Unlock()
	dirty := h.takeDirty()
	if len(dirty) == 0 {
		return nil
	}
	days := make(map[string][]byte, len(dirty))
	for day, rows := range dirty {
		data, err := encode(rows)
		if err != nil {
			return h.stillDirty(dirty, err)
		}
		days[day] = data
	}
	before := len(h.index)
	index, err := writeDays(h.store, h.index, days)
	if err != nil {
		return h.stillDirty(dirty, err)
	}
	h.index = index
	h.letGo()
	if len(index) > before {
		return h.prune()
	}
	return nil
}

func (h *History) takeDirty() map[string][]row {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer = nil
	dirty := map[string][]row{}
	for _, t := range h.live {
		if t.dirty && !t.lost {
			dirty[t.day], t.dirty = t.rows(), false
		}
	}
	return dirty
}

func (h *History) stillDirty(days map[string][]row, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.live {
		if _, taken := days[t.day]; taken {
			t.dirty = true
		}
	}
	return err
}

// letGo frees days that are over and written.
func (h *History) letGo() {
	today := dayOf(h.clock())
	h.mu.Lock()
	defer h.mu.Unlock()
	for day, t := range h.live {
		if day != today && !t.dirty {
			delete(h.live, day)
		}
	}
}

// reload makes the table of a day, with what the store has of it: after a
// restart, and when the clock was put back. The lock is held.
func (h *History) reload(day string) *table {
	t := newTable(day)
	err := h.store.View(func(tx *store.Tx) error {
		index, err := records.Get(tx, indexKey)
		if err != nil || index.Days[day] == 0 {
			return ignoreAbsent(err)
		}
		rows, err := readDay(tx, day, index.Days[day])
		for _, r := range rows {
			t.put(r.cellKey, &r.Sums)
		}
		return err
	})
	if err != nil {
		h.log.Error("usage history of a day cannot be read; what is recorded in it now is not kept", "day", day, "error", err)
		t.lost = true
	}
	return t
}
