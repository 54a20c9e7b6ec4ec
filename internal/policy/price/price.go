// Package price knows what models cost.
//
// It guarantees that money is counted in whole nano-dollars (1e-9 $), read
// exactly from decimal text and rounded up, and that a model it does not know
// has no price rather than the price 0. It knows the models of the models.dev
// catalog (MIT) that it carries, of a newer one that the owner put in its
// place, and of the owner's own prices, which count first.
//
// It refuses to guess: a name is known exactly, by a glob of the owner's, or as
// a known name followed by a date. It reads no network.
package price
