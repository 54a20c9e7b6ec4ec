// Package policy decides what an app may do and keeps count of what it does.
//
// It has two halves. The rules are pure: [Parse] reads a [Document] strictly,
// [Decide] and [Document.Check] hold a described [Request] against it, [Test]
// lists every check there is, and [Document.Sentences] says it in plain words.
// The [Ledger] keeps state: it reserves before a request may go out, and
// settles or releases afterwards.
//
// What it guarantees:
//
//   - A member it does not know is refused by its path and never ignored.
//   - What is absent where something is needed means deny: an unknown app
//     status, an empty action, a model that cannot be found under a list, an
//     unknown address under addresses, a model without a price under dollars.
//   - Settled plus held never passes a cap, under any concurrency, through
//     kill -9 and restart, through a clock set back and a policy edited while
//     requests run. After a crash a counter may stand too high by at most one
//     block, never too low. Only a provider that reports more than was
//     estimated can take a count past its cap: by that much.
//   - Budget that running requests hold and budget that is spent are different
//     denials. Streams hold little and grow; what all of them have ahead stays
//     below a 64th of a cap.
//
// What it refuses to do: it reads no body, talks to no network, and knows
// nothing of providers beyond the facts in a [Request].
package policy
