package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// show prints v as JSON when --json was given, and calls human otherwise.
func (g *gateway) show(v any, human func()) error {
	if g.json {
		return writeJSON(g.out, v)
	}
	human()
	return nil
}

// writeJSON prints v indented, with times in RFC 3339 and absent lists as [].
func writeJSON(w io.Writer, v any) error {
	data, err := json.Marshal(v, jsontext.Multiline(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// say prints one line for people.
func (g *gateway) say(format string, args ...any) {
	fmt.Fprintln(g.out, printable(fmt.Sprintf(format, args...)))
}

// list prints rows under a header in aligned columns, or empty when there are
// no rows.
func (g *gateway) list(empty, header string, rows [][]string) {
	if len(rows) == 0 {
		g.say("%s", empty)
		return
	}
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(strings.Fields(header), "\t"))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
			if cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	w.Flush()
}

// facts prints name and value pairs in two aligned columns; pairs with an empty
// value are left out.
func (g *gateway) facts(pairs ...string) {
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", pairs[i], printable(pairs[i+1]))
		}
	}
	w.Flush()
}

// clock prints t in its zone, which is the owner's as the gateway knows it;
// empty for the zero time.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2 Jan 2006 15:04")
}

// count is a number of things in words: 1 line, 2 lines.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
