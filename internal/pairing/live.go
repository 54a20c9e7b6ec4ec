package pairing

type live struct{}

type signer struct{}

func (p *Pairing) load() error { return nil }
