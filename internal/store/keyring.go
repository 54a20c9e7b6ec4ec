package store

import (
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyring is the host key in use. It is never changed, only replaced by one
// with a further generation.
type keyring struct {
	// format is the file layout the keys are used with.
	format uint32
	// deriving is never rotated: what it yields (the audit chain's key, the
	// name of the console's cookie, the epoch's seal) must be the same before
	// and after a rotation, and the audit log's old lines stay verifiable.
	deriving *keyset.Handle
	derive   *prf.Set
	// generations, oldest first; the last one seals. During a rotation
	// records of two of them are in the file. One that was rotated out stays
	// here until the process ends, for readers of an earlier state.
	generations []*generation
	// oldest is the first generation that the host key file still holds.
	oldest uint32
}

// generation is one version of the keys that a rotation replaces.
type generation struct {
	id              uint32
	sealing, naming *keyset.Handle
	seal            tink.AEAD
	names           *prf.Set
}

func newKeyring(deriving *keyset.Handle, generations ...*generation) (*keyring, error) {
	derive, err := prf.NewPRFSet(deriving)
	if err != nil {
		return nil, fmt.Errorf("%w: deriving keyset is unusable", ErrHostKey)
	}
	return &keyring{format: format, deriving: deriving, derive: derive, generations: generations, oldest: generations[0].id}, nil
}

func newGeneration(id uint32, sealing, naming *keyset.Handle) (*generation, error) {
	seal, err := aead.New(sealing)
	if err != nil {
		return nil, fmt.Errorf("%w: sealing keyset is unusable", ErrHostKey)
	}
	names, err := prf.NewPRFSet(naming)
	if err != nil {
		return nil, fmt.Errorf("%w: naming keyset is unusable", ErrHostKey)
	}
	return &generation{id: id, sealing: sealing, naming: naming, seal: seal, names: names}, nil
}

// createGeneration makes fresh keys. XChaCha20-Poly1305 for its 192-bit nonce:
// counters are sealed again on every write, and random 96-bit nonces would
// wear out over the years.
func createGeneration(id uint32) (*generation, error) {
	sealing, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, err
	}
	naming, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return nil, err
	}
	return newGeneration(id, sealing, naming)
}

func createKeyring() (*keyring, error) {
	deriving, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return nil, err
	}
	first, err := createGeneration(1)
	if err != nil {
		return nil, err
	}
	return newKeyring(deriving, first)
}

func (k *keyring) newest() *generation { return k.generations[len(k.generations)-1] }

func (k *keyring) generation(id uint32) *generation {
	for _, g := range k.generations {
		if g.id == id {
			return g
		}
	}
	return nil
}

// rotating reports whether the file holds keys that are on their way out.
func (k *keyring) rotating() bool { return k.oldest != k.newest().id }

// with returns a keyring that seals with a further generation.
func (k *keyring) with(g *generation) *keyring {
	next := *k
	next.generations = append(k.generations[:len(k.generations):len(k.generations)], g)
	return &next
}

// retired returns a keyring whose file holds the newest generation alone.
func (k *keyring) retired() *keyring {
	next := *k
	next.oldest = k.newest().id
	return &next
}

// inFormat returns a keyring for a file of another layout.
func (k *keyring) inFormat(version uint32) *keyring {
	next := *k
	next.format = version
	return &next
}

// nameOf is what the file calls a record.
func (g *generation) nameOf(collection, key string) []byte { return g.prf("name", collection, key) }

func (g *generation) prf(parts ...string) []byte { return compute(g.names, parts) }

// compute returns 32 bytes for the parts, each of which is length-prefixed so
// that no two lists of parts collide.
func compute(with *prf.Set, parts []string) []byte {
	var in []byte
	for _, p := range parts {
		in = appendPart(in, p)
	}
	out, err := with.ComputePrimaryPRF(in, 32)
	if err != nil {
		// The keyset was checked when it was loaded and 32 bytes is its length.
		panic(fmt.Sprintf("store: deriving: %v", err))
	}
	return out
}
