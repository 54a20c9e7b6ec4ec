package owner

import "crypto/subtle"

// SetupToken returns the token of the one-time set-up link: the same one until
// it is spent, another one in each process. Error: ErrSetUp.
func (o *Owner) SetupToken() (string, error) {
	if o.setUp() {
		return "", ErrSetUp
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.setupToken == "" {
		token, err := o.newToken()
		if err != nil {
			return "", err
		}
		o.setupToken = token
	}
	return o.setupToken, nil
}

// CheckSetupToken reports whether token is the set-up token and there is still
// something to set up.
func (o *Owner) CheckSetupToken(token string) bool {
	if o.setUp() {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.matchesSetupToken(token)
}

// SpendSetupToken ends the set-up token; of concurrent calls one succeeds. It
// may be called just after set-up, when CheckSetupToken already says no.
// Error: ErrSetupToken.
func (o *Owner) SpendSetupToken(token string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.matchesSetupToken(token) {
		return ErrSetupToken
	}
	o.setupToken = ""
	return nil
}

// No token at all must not match the empty one.
func (o *Owner) matchesSetupToken(token string) bool {
	return o.setupToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(o.setupToken)) == 1
}
