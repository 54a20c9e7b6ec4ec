// What the tests of the libraries share: apps with a policy, a fetch that counts
// what is really sent, and what the gateway says that it cost. The process that
// started them does what only an owner can.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { pair } from './gateway.mjs'

// butler asks the process that started the tests.
export async function butler(wish, value) {
  const response = await fetch(`${process.env.KEYWICKET_BUTLER}/${wish}`, { method: 'POST', body: JSON.stringify(value ?? null) })
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

const nothing = { requests: 0, input_tokens: 0, cached_tokens: 0, cache_write_tokens: 0, output_tokens: 0, cost_nano_dollars: 0 }

// App is one that may do what its document says.
export class App {
  #before = nothing
  sent = []

  // pair gives an app; base is the address of the first resource, issuer that of all.
  static async pair(...documents) {
    const app = new App()
    app.resource = documents[0].resource
    const limited = documents.map((document) => ({ limits: [{ per: 'day', requests: 1000 }], ...document }))
    app.connection = await pair(await butler('pair', limited), 'Notes')
    app.base = app.connection.base(app.resource)
    app.issuer = app.connection.issuer
    app.fetch = async (input, init) => {
      const response = await app.connection.fetch(input, init)
      app.sent.push(response.status)
      app.last = response
      return response
    }
    return app
  }

  // took gives what was sent since it was last asked.
  took() {
    return this.sent.splice(0)
  }

  // settled waits until nothing of the app's runs any more.
  async settled(resource = this.resource) {
    for (;;) {
      const { permissions } = await (await this.connection.fetch(`${this.issuer}/api/app`)).json()
      const own = permissions.find((permission) => permission.resource === resource)
      if (own.usage.every((limit) => limit.held === 0)) return own.totals
      await pause(5)
    }
  }

  // spent holds what was counted since it was last asked against what the
  // library was told, and its cost against the price of the model.
  async spent(model, told) {
    const want = { ...nothing, requests: 1, ...told }
    if (model) want.cost_nano_dollars = await butler('cost', { resource: this.resource, model, totals: want })
    const now = await this.settled()
    const got = Object.fromEntries(Object.keys(nothing).map((name) => [name, (now[name] ?? 0) - (this.#before[name] ?? 0)]))
    this.#before = now
    assert.deepEqual(got, want)
  }

  // revoke is the owner's.
  revoke() {
    return butler('revoke', this.connection.id)
  }
}

// raised runs what must fail and gives the error.
export async function raised(attempt) {
  try {
    await attempt()
  } catch (err) {
    return err
  }
  assert.fail('nothing was raised')
}

// misbehaving has a provider's fake misbehave for as long as use runs.
export async function misbehaving(provider, fault, use) {
  await butler('script', { provider, ...fault })
  try {
    return await use()
  } finally {
    await butler('script', { provider })
  }
}

// seen is how many requests reached a provider while use ran.
export async function seen(provider, use) {
  const before = (await butler('seen'))[provider]
  await use()
  return (await butler('seen'))[provider] - before
}
