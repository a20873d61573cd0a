// Reads the log as a program that knows nothing of ours: golang.org/x/mod/sumdb, the code behind Go's own checksum
// database. Told the folder of a copied log and the key to trust, it opens the checkpoint, reads every tile and every
// entry, and proves each of them, and that each earlier size is the beginning of the tree. It prints the size, or ends
// with 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type reader struct{ folder string }

func (r reader) fetch(path string) []byte {
	data, err := os.ReadFile(r.folder + path)
	check(err)
	return data
}

// Go's addresses name the height of a tile, which those of C2SP leave out.
func (r reader) ReadTiles(tiles []tlog.Tile) (read [][]byte, err error) {
	for _, tile := range tiles {
		read = append(read, r.fetch("/"+strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
	}
	return read, nil
}

func (r reader) Height() int                             { return 8 }
func (r reader) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}

func tree(text string) tlog.Tree {
	lines := strings.Split(text, "\n")
	var size int64
	_, err := fmt.Sscan(lines[1], &size)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	found := tlog.Tree{N: size}
	copy(found.Hash[:], root)
	return found
}

func (r reader) entries(size int64) (entries [][]byte) {
	for n := int64(0); n*256 < size; n++ {
		path := fmt.Sprintf("/tile/entries/%03d", n)
		if width := size - n*256; width < 256 {
			path += fmt.Sprintf(".p/%d", width)
		}
		for data := r.fetch(path); len(data) > 0; {
			length := binary.BigEndian.Uint16(data)
			entries = append(entries, data[2:2+length])
			data = data[2+length:]
		}
	}
	return entries
}

func main() {
	log := reader{os.Args[1]}
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	opened, err := note.Open(log.fetch("/checkpoint"), note.VerifierList(verifier))
	check(err)
	signed := tree(opened.Text)
	hashes := tlog.TileHashReader(signed, log)
	entries := log.entries(signed.N)
	if int64(len(entries)) != signed.N {
		check(fmt.Errorf("%d entries in a log of %d", len(entries), signed.N))
	}
	for n, entry := range entries {
		proof, err := tlog.ProveRecord(signed.N, int64(n), hashes)
		check(err)
		check(tlog.CheckRecord(proof, signed.N, signed.Hash, int64(n), tlog.RecordHash(entry)))
		old, err := tlog.TreeHash(int64(n)+1, hashes)
		check(err)
		before, err := tlog.ProveTree(signed.N, int64(n)+1, hashes)
		check(err)
		check(tlog.CheckTree(before, signed.N, signed.Hash, int64(n)+1, old))
	}
	fmt.Println(signed.N)
}
