package vault

import (
	"context"
	"errors"
)

// Check opens every provider key and vouches for every slot, and gives nothing
// out. It returns how many keys opened.
// Errors: ErrLocked; ctx.Err(); ErrDamaged, once for each key and slot that is
// not what was stored, joined and each naming its id.
func (v *Vault) Check(ctx context.Context) (opened int, err error) {
	v.changing.Lock() // records and root key of one version
	defer v.changing.Unlock()
	r, err := v.unlocked()
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, slot := range v.slotsOf(slotRecord.any) {
		pin, err := r.pinOf(slot)
		clear(pin)
		problems = append(problems, err)
	}
	for _, record := range v.credentialsWhere(func(credentialRecord) bool { return true }) {
		if err := ctx.Err(); err != nil {
			return opened, err
		}
		secret, err := record.openUnder(r)
		clear(secret)
		problems = append(problems, err)
		if err == nil {
			opened++
		}
	}
	return opened, errors.Join(problems...)
}
