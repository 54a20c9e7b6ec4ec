// The ways in which every library is refused. Each row says what a library
// raises; how it is asked is the library's own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, butler, misbehaving, raised, seen } from './house.mjs'

// refusals declares the tests. A library is
//   resource, model   what it uses
//   client(app)       the library itself
//   ask, stream(client, model, each), other(client)
//   check(err, status, code)   asserts the library's own exception
//   tries             how often it sends what a provider failed with 500
//   cut(err, code)    asserts the exception of a stream that is cut
export function refusals(name, library) {
  const provider = library.resource.split(':')[1]
  const begin = async (document) => {
    const app = await App.pair({ resource: library.resource, ...document })
    return { app, client: library.client(app) }
  }
  const refused = async (app, attempt, status, code) => {
    library.check(await raised(attempt), status, code)
    assert.equal(app.took().length, 1, 'requests sent')
  }

  test(`${name}: a denied model`, async () => {
    const { app, client } = await begin({ models: ['none-*'] })
    const reached = await seen(provider, async () => {
      await refused(app, () => library.ask(client, library.model), 403, 'model_not_allowed')
      if (library.stream) await refused(app, () => library.stream(client, library.model, () => {}), 403, 'model_not_allowed')
    })
    assert.equal(reached, 0)
  })

  test(`${name}: a spent budget`, async () => {
    const { app, client } = await begin({ limits: [{ per: 'day', requests: 1 }] })
    await library.ask(client, library.model)
    app.took()
    await refused(app, () => library.ask(client, library.model), 429, 'request_quota_spent')
    assert.ok(Number(app.last.headers.get('retry-after')) > 0)
    assert.equal(app.last.headers.get('x-should-retry'), 'false')
  })

  test(`${name}: the provider refuses the owner's key`, async () => {
    const { app, client } = await begin({})
    await misbehaving(provider, { status: 401 }, () => refused(app, () => library.ask(client, library.model), 502, 'upstream_error'))
    await butler('heal', library.resource)
  })

  test(`${name}: the provider fails once`, async () => {
    const { app, client } = await begin({})
    await misbehaving(provider, { status: 500, times: 1 }, async () => {
      if (library.tries > 1) await library.ask(client, library.model)
      else assert.equal((await raised(() => library.ask(client, library.model))).status, 500)
    })
    assert.equal(app.took().length, library.tries)
    assert.equal((await app.settled()).requests, library.tries > 1 ? 1 : 0)
  })

  if (library.other) {
    test(`${name}: an endpoint that is not offered`, async () => {
      const { app, client } = await begin({})
      assert.equal(await seen(provider, () => refused(app, () => library.other(client), 404, 'unsupported_endpoint')), 0)
    })
  }

  if (!library.stream) return
  test(`${name}: revoked in the middle of a stream`, async () => {
    const { app, client } = await begin({})
    let events = 0
    await misbehaving(provider, { endless: true, slow: 5 }, async () => {
      const each = async () => {
        if (++events === 5) await app.revoke()
      }
      library.cut(await raised(() => library.stream(client, library.model, each)), 'invalid_token')
      assert.ok(events >= 5)
      assert.deepEqual(app.took(), [200])
    })
    assert.equal(await seen(provider, () => refused(app, () => library.ask(client, library.model), 401, 'invalid_token')), 0)
  })
}

