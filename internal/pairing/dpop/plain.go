package dpop

import "bytes"

// readPlain reads claims that are written the plain way, as nearly all are: one flat object, known names, each once,
// texts of printable ASCII without escapes, an iat in digits, no white space. It reports false for everything else,
// which says nothing about it: the strict decoder decides then. What it accepts, that decoder accepts with the same
// result; it is here because it takes a tenth of the time.
func (p *payload) readPlain(data []byte) bool {
	if len(data) < 2 || data[0] != '{' || data[len(data)-1] != '}' {
		return false
	}
	var seen [7]bool
	rest := data[1 : len(data)-1]
	for {
		name, after, ok := plainText(rest)
		if !ok || len(after) == 0 || after[0] != ':' {
			return false
		}
		index, text := p.member(name)
		if index < 0 || seen[index] {
			return false
		}
		seen[index] = true
		if text == nil {
			p.IAT, rest = plainDigits(after[1:])
			ok = p.IAT != nil
		} else {
			var value []byte
			value, rest, ok = plainText(after[1:])
			*text = string(value)
		}
		if !ok {
			return false
		}
		if len(rest) == 0 {
			return true
		}
		if rest[0] != ',' {
			return false
		}
		rest = rest[1:]
	}
}

// member gives the place of a claim by name, and its number; -1 for an unknown name, and no place for iat.
func (p *payload) member(name []byte) (int, *string) {
	switch string(name) {
	case "jti":
		return 0, &p.JTI
	case "htm":
		return 1, &p.HTM
	case "htu":
		return 2, &p.HTU
	case "iat":
		return 3, nil
	case "ath":
		return 4, &p.ATH
	case "bh":
		return 5, &p.BH
	case "nonce":
		return 6, &p.Nonce
	}
	return -1, nil
}

// plainText takes a quoted text of printable ASCII without escapes off the front.
func plainText(data []byte) (text, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != '"' {
		return nil, nil, false
	}
	end := bytes.IndexByte(data[1:], '"') + 1
	if end == 0 {
		return nil, nil, false
	}
	for _, c := range data[1:end] {
		if c < ' ' || c > '~' || c == '\\' {
			return nil, nil, false
		}
	}
	return data[1:end], data[end+1:], true
}

// plainDigits takes a number of digits off the front, without a leading zero.
func plainDigits(data []byte) (digits, rest []byte) {
	end := 0
	for end < len(data) && '0' <= data[end] && data[end] <= '9' {
		end++
	}
	if end == 0 || data[0] == '0' {
		return nil, data
	}
	return data[:end], data[end:]
}
