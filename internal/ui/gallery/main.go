// Command gallery writes every page of the console, filled with fixtures, to a
// directory:
//
//	go run ./internal/ui/gallery DIR
//
// It needs no gateway and reads no data. It refuses to overwrite files that
// are there already.
package main

import (
	"fmt"
	"os"

	"github.com/keywicket/keywicket/internal/ui"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gallery DIR")
		os.Exit(2)
	}
	if err := ui.Gallery(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
