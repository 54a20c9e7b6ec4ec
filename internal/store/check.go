package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Finding is one thing Check found wrong.
type Finding struct {
	// Collection and Record say where, as far as it is known. Record is the
	// first bytes of the record's name in the file, in hex.
	Collection string `json:"collection,omitempty"`
	Record     string `json:"record,omitempty"`
	// Problem is for the owner; it has no secret in it.
	Problem string `json:"problem"`
}

// Check reads the whole file while serving: its structure, the head, every
// record. It finds what is wrong with the data; its error says that it could
// not look.
func (s *Store) Check(ctx context.Context) (findings []Finding, err error) {
	if err := s.working(); err != nil {
		return []Finding{{Problem: err.Error()}}, nil
	}
	if s.Restored() {
		findings = append(findings, Finding{Problem: "the database was put back from an older copy and is not confirmed"})
	}
	if err := s.epoch.lag(); err != nil {
		findings = append(findings, Finding{Problem: fmt.Sprintf("the epoch file cannot be written: %v", err)})
	}
	if s.keys.Load().rotating() {
		findings = append(findings, Finding{Problem: "a rotation of the host key was interrupted: rotate again to finish it"})
	}
	err = s.View(func(tx *Tx) error {
		found, err := s.checkRecords(ctx, tx)
		findings = append(findings, found...)
		return err
	})
	return findings, err
}

func (s *Store) checkRecords(ctx context.Context, tx *Tx) (findings []Finding, err error) {
	_, err = s.readState(tx, func(keys *keyring, collection string, name, raw []byte) error {
		if openEach(keys, collection, name, raw) != nil {
			findings = append(findings, Finding{Collection: collection, Record: shortName(name), Problem: "the record does not open: it was damaged or altered"})
		}
		return ctx.Err()
	})
	switch {
	case err == nil:
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrHostKey), errors.Is(err, ErrNewerFormat):
		findings = append(findings, Finding{Problem: strings.TrimSpace(err.Error())})
	default:
		return findings, err
	}
	return findings, nil
}

// readState looks through the file as the transaction sees it.
func (s *Store) readState(tx *Tx, each eachRecord) (contents, error) {
	f, err := os.Open(s.db.Path())
	if err != nil {
		return contents{}, err
	}
	defer f.Close()
	return readContents(imageOf(tx.bolt, f), tx.keys, each)
}
