// resend: one mail, a batch, a look. It raises nothing: errors are returned. It
// has no option for fetch, so its one method that makes requests is replaced.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Resend } from 'resend'
import { App, seen } from './house.mjs'

class SignedResend extends Resend {
  constructor(app) {
    super('not-a-key', { baseUrl: app.base })
    this.send = app.fetch
  }

  async fetchRequest(path, options) {
    const response = await this.send(`${this.baseUrl}${path}`, options)
    const body = await response.json()
    return response.ok ? { data: body, error: null } : { data: null, error: body }
  }
}

const letter = (to) => ({ from: 'Ada <ada@example.com>', to, subject: 'Hi', text: 'Hello.' })

test('resend: mail, a batch, and a look at what was sent', async () => {
  const app = await App.pair({ resource: 'mail:resend' })
  const mail = new SignedResend(app)
  const sent = await mail.emails.send(letter('bob@example.org'), { idempotencyKey: 'node-1' })
  assert.equal(sent.error, null)
  await app.spent('', {})
  const again = await seen('resend', async () => assert.equal((await mail.emails.send(letter('bob@example.org'), { idempotencyKey: 'node-1' })).data.id, sent.data.id))
  assert.equal(again, 1)
  assert.equal((await mail.batch.send([letter('bob@example.org'), letter('eve@example.net')])).data.data.length, 2)
  assert.equal((await mail.emails.get(sent.data.id)).data.id, sent.data.id)
})

test('resend: what is refused is returned as its error', async () => {
  const app = await App.pair({
    resource: 'mail:resend', actions: ['emails.send'], mail: { from_domains: ['example.com'], to_domains: ['example.org'] }, limits: [{ per: 'day', requests: 1 }],
  })
  const mail = new SignedResend(app)
  const refused = async (use, statusCode, name) => {
    const { data, error } = await use()
    assert.equal(data, null)
    assert.deepEqual([error.statusCode, error.name], [statusCode, name])
  }
  const reached = await seen('resend', async () => {
    await refused(() => mail.emails.send(letter('eve@example.net')), 403, 'recipient_not_allowed')
    await refused(() => mail.batch.send([letter('bob@example.org')]), 403, 'action_not_granted')
    await refused(() => mail.domains.list(), 404, 'unsupported_endpoint')
  })
  assert.equal(reached, 0)
  await mail.emails.send(letter('bob@example.org'))
  await refused(() => mail.emails.send(letter('bob@example.org')), 429, 'request_quota_spent')
  assert.ok(Number(app.last.headers.get('retry-after')) > 0)
})
