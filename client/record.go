package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// record is what a KeyStore keeps, as JSON.
type record struct {
	Version      int             `json:"version"`
	Issuer       string          `json:"issuer"`
	ClientID     string          `json:"client_id"`
	Key          json.RawMessage `json:"key"` // private JWK
	RefreshToken string          `json:"refresh_token,omitempty"`
	Asked        []Permission    `json:"asked,omitempty"`
	AskedAt      time.Time       `json:"asked_at,omitzero"`
	Granted      []Permission    `json:"granted,omitempty"`
	Pending      *question       `json:"pending,omitempty"`
	Denied       bool            `json:"denied,omitempty"`
}

const recordVersion = 1

// question is a device authorization that the owner has not answered yet.
type question struct {
	DeviceCode      string    `json:"device_code"`
	UserCode        string    `json:"user_code"`
	URI             string    `json:"verification_uri"`
	URIComplete     string    `json:"verification_uri_complete,omitempty"`
	IntervalSeconds int64     `json:"interval"`
	ExpiresAt       time.Time `json:"expires_at"`
}

func loadRecord(keys KeyStore) (record, error) {
	data, err := keys.Load()
	if err != nil {
		return record{}, fmt.Errorf("opening a connection: %w", err)
	}
	var kept record
	if len(data) > maxRecordBytes || json.Unmarshal(data, &kept) != nil {
		return record{}, fmt.Errorf("%w: what it keeps is not a connection; remove it and pair again", ErrKeyStore)
	}
	if kept.Version != recordVersion {
		return record{}, fmt.Errorf("%w: written by another version (%d); update this program", ErrKeyStore, kept.Version)
	}
	if err := checkIssuer(kept.Issuer); err != nil || kept.ClientID == "" {
		return record{}, fmt.Errorf("%w: what it keeps is not a connection; remove it and pair again", ErrKeyStore)
	}
	return kept, nil
}

// save writes the connection as it is now. The caller holds mu.
func (c *Connection) save() error {
	c.kept.Version = recordVersion
	data, err := json.Marshal(c.kept)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	err = c.keys.Save(data)
	if err != nil && !errors.Is(err, ErrKeyStore) {
		return fmt.Errorf("%w: %w", ErrKeyStore, err)
	}
	return err
}

// update changes what is kept and saves it.
func (c *Connection) update(change func(*record)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.kept)
	return c.save()
}
