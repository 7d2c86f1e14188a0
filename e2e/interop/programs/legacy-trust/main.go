// Sets up the memory of the TUF client that gitsign signs and verifies with. cosign did this until 2.4; since then no
// command does, and this client begins with a root of the public instance.
//
//	legacy-trust MIRROR ROOT
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sigstore/sigstore/pkg/tuf"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: legacy-trust MIRROR ROOT"))
	}
	root, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err)
	}
	if err := tuf.Initialize(context.Background(), os.Args[1], root); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}
