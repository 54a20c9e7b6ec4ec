package usage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/keywicket/keywicket/internal/store"
)

// partBytes is how much of a day is in one record: in base64 it stays below
// store.MaxValueBytes.
const partBytes = 512 << 10

// indexKey names the record of the days that there are: the store has no way
// to ask for the records between two keys.
const indexKey = "days"

// record is the index, or one part of a day.
type record struct {
	Days map[string]int `json:"days,omitzero"` // parts of each day
	Part []byte         `json:"part,omitzero"`
}

var records = store.NewCollection[record]("usage")

func partKey(day string, n int) string { return day + "." + strconv.Itoa(n) }

func readIndex(s *store.Store) (map[string]int, error) {
	var index record
	err := s.View(func(tx *store.Tx) (err error) {
		index, err = records.Get(tx, indexKey)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if index.Days == nil {
		index.Days = map[string]int{}
	}
	return index.Days, nil
}

// readDay reads one day that the index has.
func readDay(tx *store.Tx, day string, parts int) ([]row, error) {
	var data []byte
	for n := range parts {
		part, err := records.Get(tx, partKey(day, n))
		if err != nil {
			return nil, fmt.Errorf("reading usage of %s: %w", day, err)
		}
		data = append(data, part.Part...)
	}
	rows, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("reading usage of %s: %w", day, err)
	}
	return rows, nil
}

// writeDays writes days and the index, if that has changed, in one commit, and
// returns the index that holds then.
func writeDays(s *store.Store, index map[string]int, days map[string][]byte) (map[string]int, error) {
	next := maps.Clone(index)
	for day, data := range days {
		next[day] = (len(data) + partBytes - 1) / partBytes
	}
	err := s.Update(func(tx *store.Tx) error {
		for day, data := range days {
			n := 0
			for part := range slices.Chunk(data, partBytes) {
				if err := records.Put(tx, partKey(day, n), record{Part: part}); err != nil {
					return err
				}
				n++
			}
			for ; n < index[day]; n++ {
				if err := records.Delete(tx, partKey(day, n)); err != nil {
					return err
				}
			}
		}
		if maps.Equal(index, next) {
			return nil
		}
		return records.Put(tx, indexKey, record{Days: next})
	})
	if err != nil {
		return index, err
	}
	return next, nil
}

// prune forgets days older than Kept. It is called while nothing else writes.
func (h *History) prune() error {
	oldest := h.clock().UTC().AddDate(0, 0, -Kept).Format(time.DateOnly)
	next := maps.Clone(h.index)
	maps.DeleteFunc(next, func(day string, _ int) bool { return day < oldest })
	if len(next) == len(h.index) {
		return nil
	}
	err := h.store.Update(func(tx *store.Tx) error {
		for day, parts := range h.index {
			if day >= oldest {
				continue
			}
			for n := range parts {
				if err := records.Delete(tx, partKey(day, n)); err != nil {
					return err
				}
			}
		}
		return records.Put(tx, indexKey, record{Days: next})
	})
	if err != nil {
		return fmt.Errorf("forgetting old usage: %w", err)
	}
	h.index = next
	return nil
}
