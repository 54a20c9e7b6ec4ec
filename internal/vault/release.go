package vault

// Release gives out the key that was first added for a resource. The caller
// zeroes the Secret. It reads no disk.
// Errors: ErrLocked, ErrNoCredential, ErrDamaged.
func (v *Vault) Release(resource string) (Credential, Secret, error) {
	return v.release(func(r credentialRecord) bool { return r.Resource == resource })
}

// ReleaseByID gives out one key. The caller zeroes the Secret.
// Errors: ErrLocked, ErrNoCredential, ErrDamaged.
func (v *Vault) ReleaseByID(id string) (Credential, Secret, error) {
	return v.release(func(r credentialRecord) bool { return r.ID == id })
}

// release holds the lock to the end, so that nothing comes out after Lock has
// returned.
func (v *Vault) release(match func(credentialRecord) bool) (Credential, Secret, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.root == nil {
		return Credential{}, Secret{}, ErrLocked
	}
	found := matching(v.credentials, match)
	if len(found) == 0 {
		return Credential{}, Secret{}, ErrNoCredential
	}
	record := found[0]
	secret, err := record.openUnder(v.root)
	if err != nil {
		return Credential{}, Secret{}, err
	}
	return record.Credential, NewSecret(secret), nil
}
