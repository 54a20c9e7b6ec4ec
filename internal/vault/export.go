package vault

// Exported is a provider key on its way out.
type Exported struct {
	Credential
	// Secret is the key in clear, behind Bytes.
	Secret Secret
}

// Export gives out every provider key, in the order of adding, for an owner
// who leaves. It takes the passphrase even when the vault is unlocked: who
// sits at an open console is not yet the owner. It works while locked, and
// does not unlock. The caller zeroes the secrets.
// Errors: ErrNotInitialized, ErrWrongPassphrase, *TooSoonError; ErrDamaged when
// a key does not open.
func (v *Vault) Export(passphrase []byte) ([]Exported, error) {
	v.changing.Lock() // the root key that is opened is that of the records
	defer v.changing.Unlock()
	var all []Exported
	err := v.try(localDoor, passphrase, func(r *root, _ slotRecord, _ []byte) error {
		for _, record := range v.credentialsWhere(func(credentialRecord) bool { return true }) {
			secret, err := record.openUnder(r)
			if err != nil {
				zero(all)
				all = nil
				return err
			}
			all = append(all, Exported{Credential: record.Credential, Secret: NewSecret(secret)})
		}
		return nil
	})
	return all, err
}

func zero(all []Exported) {
	for _, e := range all {
		e.Secret.Zero()
	}
}
