package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience is for one answer; whatever takes longer has failed.
const patience = 20 * time.Second

// wire is one connection to a side. It costs as little as it can, so that the
// client's work does not drown what is measured.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, address string) (*wire, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, in: bufio.NewReader(conn)}, nil
}

func dialMany(ctx context.Context, address string, n int) ([]*wire, error) {
	var all []*wire
	for range n {
		w, err := dial(ctx, address)
		if err != nil {
			return nil, errors.Join(err, hangUp(all))
		}
		all = append(all, w)
	}
	return all, nil
}

func hangUp(all []*wire) error {
	var errs []error
	for _, w := range all {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(errs...)
}

// do sends a request and reads its answer to the end.
func (w *wire) do(request []byte) error {
	answer, err := w.begin(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// begin sends a request and reads the head of its answer.
func (w *wire) begin(request []byte) (*http.Response, error) {
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		words, _ := io.ReadAll(io.LimitReader(answer.Body, 500))
		return nil, fmt.Errorf("answered %s: %s", answer.Status, bytes.TrimSpace(words))
	}
	return answer, nil
}

// event reads the first event of an answer.
func (w *wire) event(answer *http.Response) error {
	var seen []byte
	piece := make([]byte, 512)
	for !bytes.Contains(seen, []byte("\n\n")) {
		n, err := answer.Body.Read(piece)
		if err != nil {
			return fmt.Errorf("waiting for the first event: %w", err)
		}
		seen = append(seen, piece[:n]...)
	}
	return nil
}

// drain reads the rest of an answer.
func drain(answer *http.Response) error {
	_, err := io.Copy(io.Discard, answer.Body)
	return err
}
