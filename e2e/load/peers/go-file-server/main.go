// Gives out the files of a folder, as anyone would write it in Go: main ADDRESS FOLDER.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	log.Fatal(http.ListenAndServe(os.Args[1], http.FileServer(http.Dir(os.Args[2]))))
}
