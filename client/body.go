package client

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
)

// replayBody is a request's body, hashed, that can be sent more than once.
type replayBody struct {
	sum    [sha256.Size]byte
	length int64
	open   func() (io.ReadCloser, error)
}

// readBody hashes the body, and buffers it unless the request can open it again. The request's own body is closed in
// any case, as RoundTrip must.
func readBody(request *http.Request, most int64) (*replayBody, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return &replayBody{sum: sha256.Sum256(nil)}, nil
	}
	defer request.Body.Close()
	if request.ContentLength > most {
		return nil, tooLarge(most)
	}
	if request.GetBody == nil {
		data, err := io.ReadAll(io.LimitReader(request.Body, most+1))
		if err != nil {
			return nil, fmt.Errorf("reading the request's body: %w", err)
		}
		if int64(len(data)) > most {
			return nil, tooLarge(most)
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		return &replayBody{sum: sha256.Sum256(data), length: int64(len(data)), open: open}, nil
	}
	return hashBody(request.GetBody, most)
}

// hashBody reads a body that can be opened again without keeping it.
func hashBody(open func() (io.ReadCloser, error), most int64) (*replayBody, error) {
	reader, err := open()
	if err != nil {
		return nil, fmt.Errorf("opening the request's body: %w", err)
	}
	defer reader.Close()
	hash := sha256.New()
	length, err := io.Copy(hash, io.LimitReader(reader, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading the request's body: %w", err)
	}
	if length > most {
		return nil, tooLarge(most)
	}
	body := &replayBody{length: length, open: open}
	hash.Sum(body.sum[:0])
	return body, nil
}

func tooLarge(most int64) error {
	return fmt.Errorf("%w: more than %d bytes to sign; set Transport.MaxBodyBytes", ErrBodyTooLarge, most)
}

// attach gives the request a fresh copy of the body.
func (b *replayBody) attach(request *http.Request) error {
	request.ContentLength, request.TransferEncoding = b.length, nil
	if b.length == 0 {
		request.Body, request.GetBody = http.NoBody, nil
		return nil
	}
	body, err := b.open()
	if err != nil {
		return fmt.Errorf("opening the request's body: %w", err)
	}
	request.Body, request.GetBody = body, b.open
	return nil
}
