package vault

// Release gives out the key that was first added for a resource. The caller
// zeroes the Secret. It reads no disk.
// Errors: ErrLocked, ErrNoCredential, ErrDamaged.
func (v *Vault) Release(resource string) (Credential, Secret, error) {
	return v.release(func(all map[string]credentialRecord) (credentialRecord, bool) {
		found := matching(all, func(r credentialRecord) bool { return r.Resource == resource })
		if len(found) == 0 {
			return credentialRecord{}, false
		}
		return found[0], true
	})
}

// ReleaseByID gives out one key. The caller zeroes the Secret.
// Errors: ErrLocked, ErrNoCredential, ErrDamaged.
func (v *Vault) ReleaseByID(id string) (Credential, Secret, error) {
	return v.release(func(all map[string]credentialRecord) (credentialRecord, bool) {
		record, found := all[id] // which is what records are checked for when they are read
		return record, found
	})
}

// release holds the lock to the end, so that nothing comes out after Lock has
// returned.
func (v *Vault) release(choose func(map[string]credentialRecord) (credentialRecord, bool)) (Credential, Secret, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.root == nil {
		return Credential{}, Secret{}, ErrLocked
	}
	record, found := choose(v.credentials)
	if !found {
		return Credential{}, Secret{}, ErrNoCredential
	}
	secret, err := record.openBound(v.root, v.bindings[record.ID])
	if err != nil {
		return Credential{}, Secret{}, err
	}
	return record.Credential, NewSecret(secret), nil
}
