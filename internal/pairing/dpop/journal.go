package dpop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// journal is what a replay memory leaves for the next process: text, a line each, every line with a checksum.
//
//	keywicket replay journal 1
//	m <second> <crc32>            the mark: some proof was accepted in this second
//	p <date> <digest> <crc32>     a proof accepted before the second it is dated in
//
// Proofs dated at or before the mark need no line, because the next process refuses those by their date alone. So
// the usual cost is one line a second, and a line a proof only for apps whose clock runs ahead.
type journal struct {
	path  string
	file  *os.File
	mark  int64
	ahead []dated // the proofs with a line; those dated at or before the mark go at the next rewrite
	size  int64   // of the whole lines in the file
	limit int64   // rewrite when size passes it
	line  []byte  // reused
}

// dated is one journaled proof.
type dated struct {
	id   digest
	date int64 // seconds since 1970
}

// minJournalLimit keeps rewrites rare.
const minJournalLimit = 1 << 20

// startJournal replaces the journal with one that holds mark and ahead.
func startJournal(path string, mark int64, ahead []dated) (*journal, error) {
	j := &journal{path: path, mark: mark, ahead: ahead}
	return j, j.rewrite()
}

// record writes what the next process must know of a proof accepted at now, before it is accepted.
func (j *journal) record(now, date int64, id digest) error {
	line, mark := j.line[:0], j.mark
	if now > mark {
		line, mark = appendMark(line, now), now
	}
	if date > mark {
		line = appendProof(line, dated{id, date})
	}
	j.line = line
	if len(line) == 0 {
		return nil
	}
	if j.size+int64(len(line)) > j.limit {
		if err := j.rewrite(); err != nil {
			return err
		}
	}
	if err := j.append(line); err != nil {
		return err
	}
	j.mark = mark
	if date > mark {
		j.ahead = append(j.ahead, dated{id, date})
	}
	return nil
}

// append adds whole lines or nothing: half a line left by a full disk would spoil the one that follows.
func (j *journal) append(line []byte) error {
	n, err := j.file.WriteAt(line, j.size)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, j.file.Truncate(j.size))
		}
		return err
	}
	j.size += int64(n)
	return nil
}

// rewrite puts a new file with only the lines still needed in the place of the old one.
func (j *journal) rewrite() error {
	kept := j.ahead[:0:0]
	data := append([]byte(journalHeader), '\n')
	data = appendMark(data, j.mark)
	for _, proof := range j.ahead {
		if proof.date > j.mark {
			kept = append(kept, proof)
			data = appendProof(data, proof)
		}
	}
	file, err := replaceFile(j.path, data)
	if err != nil {
		return err
	}
	if j.file != nil {
		_ = j.file.Close() // the old file has no name any more
	}
	j.file, j.ahead, j.size = file, kept, int64(len(data))
	j.limit = max(minJournalLimit, 2*j.size)
	return nil
}

// replaceFile writes a file whole or not at all, 0600, and leaves it open for writing.
func replaceFile(path string, data []byte) (*os.File, error) {
	next := path + ".next"
	// What an interrupted write left behind goes; nothing is written through a
	// link that somebody put there.
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(data)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("replacing %s: %w", path, err)
	}
	return file, nil
}

func (j *journal) close() error { return j.file.Close() }
