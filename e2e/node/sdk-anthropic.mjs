// @anthropic-ai/sdk: messages, streams, tools, counting, and its exceptions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { App } from './house.mjs'
import { refusals } from './refusals.mjs'
import { answer } from './sdk-openai.mjs'

const model = 'claude-haiku-4-5'
const messages = [{ role: 'user', content: 'Say something.' }]

const client = (app) => new Anthropic({ apiKey: 'not-a-key', baseURL: app.base, fetch: app.fetch })

const told = (u) => ({
  input_tokens: u.input_tokens + u.cache_read_input_tokens + u.cache_creation_input_tokens,
  cached_tokens: u.cache_read_input_tokens,
  cache_write_tokens: u.cache_creation_input_tokens,
  output_tokens: u.output_tokens,
})

test('@anthropic-ai/sdk: every call, and what it cost', async () => {
  const app = await App.pair({ resource: 'llm:anthropic' })
  const ai = client(app)
  const message = await ai.messages.create({ model, max_tokens: 64, messages })
  assert.equal(message.content[0].text, answer)
  assert.equal(message.usage.cache_read_input_tokens, 100)
  await app.spent(model, told(message.usage))

  const stream = ai.messages.stream({ model, max_tokens: 2048, messages, thinking: { type: 'enabled', budget_tokens: 1024 } })
  const final = await stream.finalMessage()
  assert.deepEqual(final.content.map((block) => block.text ?? block.thinking), ['let me think', answer])
  await app.spent(model, told(final.usage))

  const tools = [{ name: 'lookup', input_schema: { type: 'object' } }]
  const used = await ai.messages.create({ model, max_tokens: 64, messages, tools, tool_choice: { type: 'any' } })
  assert.equal(used.content[0].name, 'lookup')
  await app.spent(model, told(used.usage))

  assert.ok((await ai.messages.countTokens({ model, messages })).input_tokens > 0)
  await app.spent('', {})
  assert.equal((await ai.models.list()).data[1].id, model)
  assert.ok(app.took().every((status) => status === 200))
})

const types = {
  401: Anthropic.AuthenticationError, 403: Anthropic.PermissionDeniedError, 404: Anthropic.NotFoundError,
  429: Anthropic.RateLimitError, 502: Anthropic.InternalServerError,
}

refusals('@anthropic-ai/sdk', {
  resource: 'llm:anthropic',
  model,
  tries: 2,
  client,
  ask: (ai) => ai.messages.create({ model, max_tokens: 64, messages }),
  stream: async (ai, _, each) => {
    for await (const _ of await ai.messages.create({ model, max_tokens: 64, messages, stream: true })) await each()
  },
  other: (ai) => ai.messages.batches.list(),
  check: (err, status, code) => {
    assert.ok(err instanceof types[status], `${err}`)
    assert.deepEqual([err.status, err.error.error.code], [status, code])
  },
  cut: (err, code) => {
    assert.ok(err instanceof Anthropic.APIError, `${err}`)
    assert.equal(err.error.error.code, code)
  },
})
