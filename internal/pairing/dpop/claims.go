package dpop

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// payload is the claims as they stand. Unknown claims are fine, nbf and exp among them: a proof's age is decided by
// iat alone (RFC 9449 section 11.1). An empty text counts as missing, as does null; only bh, which may be missing, tells
// the two apart.
type payload struct {
	JTI   string         `json:"jti"`
	HTM   string         `json:"htm"`
	HTU   string         `json:"htu"`
	IAT   jsontext.Value `json:"iat"`
	ATH   string         `json:"ath"`
	BH    string         `json:"bh"`
	Nonce string         `json:"nonce"`

	issuedAt time.Time
}

// noBodyHash stands for a bh that is not there. It is not UTF-8, so no proof can say it.
const noBodyHash = "\xff"

// parsePayload reads the claims and refuses missing ones, wrong types and duplicate names.
func parsePayload(segment string) (*payload, error) {
	data, err := decode(segment)
	if err != nil {
		return nil, err
	}
	p := &payload{BH: noBodyHash}
	if !p.readPlain(data) {
		if jsontext.Value(data).Kind() != '{' {
			return nil, invalid("claims are not an object")
		}
		*p = payload{BH: noBodyHash}
		if err := json.Unmarshal(data, p); err != nil {
			return nil, invalid("claims: %v", err)
		}
	}
	switch {
	case p.JTI == "":
		return nil, invalid("no jti")
	case p.HTM == "":
		return nil, invalid("no htm")
	case p.HTU == "":
		return nil, invalid("no htu")
	case p.IAT == nil:
		return nil, invalid("no iat")
	case p.BH == "":
		return nil, invalid("empty bh")
	}
	p.issuedAt, err = numericDate(p.IAT)
	return p, err
}

// maxDate is the year 9999 in seconds; beyond it time.Time arithmetic could overflow.
const maxDate = 253402300799

// numericDate reads seconds since 1970, which may have a fraction (RFC 7519 section 2). Nearly all are whole: reading
// those as a float would be right too, but takes a kilobyte of stack where the stack is deepest.
func numericDate(value jsontext.Value) (time.Time, error) {
	if value.Kind() != '0' {
		return time.Time{}, invalid("iat is not a number")
	}
	if whole, err := strconv.ParseInt(string(value), 10, 64); err == nil && whole >= 0 && whole <= maxDate {
		return time.Unix(whole, 0), nil
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 0 || seconds > maxDate {
		return time.Time{}, invalid("iat out of range")
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// check compares the claims with the request they came on, in the order of RFC 9449 section 4.3.
func (p *payload) check(request Request, now time.Time) error {
	if p.HTM != request.Method {
		return invalid("htm is for another method")
	}
	if err := sameTarget(p.HTU, request.URL); err != nil {
		return err
	}
	if p.issuedAt.Before(now.Add(-MaxAge)) || p.issuedAt.After(now.Add(MaxAhead)) {
		return invalid("iat is %s from now, allowed are -%s to +%s", p.issuedAt.Sub(now).Round(time.Second), MaxAge, MaxAhead)
	}
	if request.AccessToken == "" {
		return nil
	}
	hash := request.TokenHash
	if hash == "" {
		hash = TokenHash(request.AccessToken)
	}
	if !equal(p.ATH, hash) {
		return invalid("ath is missing or for another token")
	}
	return nil
}

// checkBody compares bh with the body, when the proof has one. A bh that nobody can check is refused, not ignored.
func checkBody(bodyHash string, bodySum func() ([sha256.Size]byte, error)) error {
	if bodyHash == "" {
		return nil
	}
	if bodySum == nil {
		return invalid("bh where no body can be checked")
	}
	sum, err := bodySum()
	if err != nil {
		return fmt.Errorf("hashing the body: %w", err)
	}
	if !equal(bodyHash, BodyHash(sum)) {
		return invalid("bh is for another body")
	}
	return nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// bodyHash is the bh to report, "" for none.
func (p *payload) bodyHash() string {
	if p.BH == noBodyHash {
		return ""
	}
	return p.BH
}
