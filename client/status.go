package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Status is what a gateway tells an app about itself: what it may do, what is left of it, and what it has used. Money
// is in nano-dollars: 1,500,000,000 is $1.50.
type Status struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	State       string     `json:"status"` // active or suspended
	Permissions []Standing `json:"permissions"`
	Usage       struct {
		Today      Sums        `json:"today"`        // in the owner's time zone
		Last30Days Sums        `json:"last_30_days"` // today included; up to a minute old
		Models     []ModelSums `json:"models"`       // of those 30 days
	} `json:"usage"`
}

// Standing is where a permission stands now.
type Standing struct {
	Permission
	Left   []LimitState // one for each unit of each limit
	Totals Totals       // since it was granted
}

// LimitState is where one limit stands. What runs at the moment is held until it has been counted.
type LimitState struct {
	Per      string    `json:"per"`
	Model    string    `json:"model"`
	Unit     string    `json:"unit"` // requests, tokens or dollars; dollars are counted in nano-dollars
	Limit    int64     `json:"limit"`
	Used     int64     `json:"used"`
	Held     int64     `json:"held"`
	ResetsAt time.Time `json:"resets_at"` // zero when it does not, or nothing has been used
}

// Totals is what was used. Cached and cache-written tokens are part of the input, reasoning of the output.
type Totals struct {
	Requests         int64 `json:"requests"`
	InputTokens      int64 `json:"input_tokens"`
	CachedTokens     int64 `json:"cached_tokens"`
	CacheWriteTokens int64 `json:"cache_write_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	Cost             int64 `json:"cost_nano_dollars"`
}

// Sums is what was used in a time, and what was not to be had.
type Sums struct {
	Totals
	Denied int64 `json:"denied"` // requests that the gateway refused
	Errors int64 `json:"errors"` // requests that the provider failed
}

// ModelSums is what was used of one model.
type ModelSums struct {
	Model string `json:"model"`
	Sums
}

// UnmarshalJSON reads a policy document with where its limits stand.
func (s *Standing) UnmarshalJSON(data []byte) error {
	var read struct {
		detail
		Resource string       `json:"resource"`
		Usage    []LimitState `json:"usage"`
		Totals   Totals       `json:"totals"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	read.Identifier = read.Resource
	*s = Standing{Permission: read.permission(), Left: read.Usage, Totals: read.Totals}
	return nil
}

// Status asks the gateway. A suspended app may ask too.
//
// Errors: ErrSessionEnded when the owner has revoked the app; *APIError for other refusals.
func (c *Connection) Status(ctx context.Context) (*Status, error) {
	status, err := c.status(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for the app's status: %w", err)
	}
	return status, nil
}

func (c *Connection) status(ctx context.Context) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.issuer+"/api/app", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.HTTPClient().Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxAnswerBytes:
		return nil, errors.New("the answer is too long")
	case response.StatusCode != http.StatusOK:
		return nil, newAPIError(response, data)
	}
	status := new(Status)
	return status, readAnswer(response, data, status)
}
