// What Go's own libraries say of a proof file: the note, the leaf in the tree, and the older tree in the newer.
//
//	second_opinion VKEY PROOF [OLDER-CHECKPOINT CONSISTENCY]
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("REFUSED:", err)
		os.Exit(1)
	}
}

func read(name string) string {
	data, err := os.ReadFile(name)
	must(err)
	return string(data)
}

func decoded(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	must(err)
	return data
}

func hash(text string) (found tlog.Hash) {
	copy(found[:], decoded(text))
	return found
}

func opened(signed, vkey string) (int64, tlog.Hash) {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	found, err := note.Open([]byte(signed), note.VerifierList(verifier))
	must(err)
	lines := strings.Split(found.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	return size, hash(lines[2])
}

func main() {
	head, signed, _ := strings.Cut(read(os.Args[2]), "\n\n")
	size, root := opened(signed, os.Args[1])
	lines := strings.Split(head, "\n")
	leaf := decoded(strings.TrimPrefix(lines[1], "extra "))
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	must(err)
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		path = append(path, hash(line))
	}
	must(tlog.CheckRecord(path, size, root, index, tlog.RecordHash(leaf)))
	if len(os.Args) > 3 {
		older, olderRoot := opened(read(os.Args[3]), os.Args[1])
		var growth tlog.TreeProof
		for _, line := range strings.Fields(read(os.Args[4])) {
			growth = append(growth, hash(line))
		}
		must(tlog.CheckTree(growth, size, root, older, olderRoot))
	}
	fmt.Println("VERIFIED")
}
