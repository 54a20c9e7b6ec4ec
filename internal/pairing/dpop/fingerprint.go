package dpop

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Fingerprint is a thumbprint for people: four groups of four letters and digits, 80 bits of it, shown by the app and on the
// owner's consent screen so that the two can be compared. It is for eyes only; code compares thumbprints.
func Fingerprint(thumbprint string) string {
	sum := sha256.Sum256([]byte(thumbprint))
	letters := base32.StdEncoding.EncodeToString(sum[:10])
	return strings.Join([]string{letters[0:4], letters[4:8], letters[8:12], letters[12:16]}, "-")
}
