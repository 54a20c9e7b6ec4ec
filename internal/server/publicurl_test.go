package server

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestPublicURL(t *testing.T) {
	t.Parallel()
	const local, open = "127.0.0.1:8787", "0.0.0.0:8787"
	rows := []struct {
		listen, configured string
		behindProxy        bool
		want               string // or a part of the error
	}{
		{local, "", false, "http://127.0.0.1:8787"},
		{"[::1]:80", "", false, "http://[::1]:80"},
		{local, "http://localhost:8787/", false, "http://localhost:8787"},
		{local, "https://Keys.Example.com", true, "https://keys.example.com"},
		{open, "https://keys.example.com:8443", true, "https://keys.example.com:8443"},
		{open, "", false, "--public-url"},
		{open, "http://localhost:8787", false, "listen on loopback"},
		{open, "http://localhost:8787", true, "http://localhost:8787"}, // a container's published port
		{open, "http://keys.example.com", false, "must be https"},
		{local, "http://keys.example.com", true, "must be https"},
		{local, "https://keys.example.com", false, "--behind-proxy"},
		{local, "https://keys.example.com/keywicket", true, "origin only"},
		{local, "https://user@keys.example.com", true, "origin only"},
		{local, "https://keys.example.com?x=1", true, "origin only"},
		{local, "keys.example.com", true, "origin only"},
		{local, "ftp://keys.example.com", true, "must be https"},
		{local, "https://", true, "origin only"},
	}
	for _, row := range rows {
		addr, err := net.ResolveTCPAddr("tcp", row.listen)
		if err != nil {
			t.Fatal(err)
		}
		got, err := publicURL(row.configured, addr, row.behindProxy)
		switch {
		case err == nil && got != row.want:
			t.Errorf("%q on %s: got %s, want %s", row.configured, row.listen, got, row.want)
		case err != nil && (!errors.Is(err, ErrPublicURL) || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%q on %s: got %v, want %s", row.configured, row.listen, err, row.want)
		}
	}
}

func echoPanic(echo.Context) error { panic("sk-secret-in-a-panic") }
