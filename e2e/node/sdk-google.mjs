// @google/genai: contents, streams, counting, embeddings, and its exception.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, GoogleGenAI } from '@google/genai'
import { App } from './house.mjs'
import { refusals } from './refusals.mjs'
import { answer } from './sdk-openai.mjs'

const model = 'gemini-2.5-flash'
const contents = 'Say something.'

const client = (app) => new GoogleGenAI({ apiKey: 'not-a-key', httpOptions: { baseUrl: app.base, fetch: app.fetch } })

const told = (u) => ({
  input_tokens: u.promptTokenCount + u.toolUsePromptTokenCount,
  cached_tokens: u.cachedContentTokenCount,
  output_tokens: u.candidatesTokenCount + u.thoughtsTokenCount,
})

test('@google/genai: every call, and what it cost', async () => {
  const app = await App.pair({ resource: 'llm:gemini' })
  const ai = client(app)
  const whole = await ai.models.generateContent({ model, contents, config: { maxOutputTokens: 64 } })
  assert.equal(whole.text, answer)
  await app.spent(model, told(whole.usageMetadata))

  let text = ''
  let usage
  for await (const part of await ai.models.generateContentStream({ model, contents })) {
    text += part.text
    usage = part.usageMetadata
  }
  assert.equal(text, answer)
  await app.spent(model, told(usage))

  assert.equal((await ai.models.countTokens({ model, contents: 'three little words' })).totalTokens, 6)
  await app.spent('', {})
  assert.equal((await ai.models.embedContent({ model: 'gemini-embedding-001', contents: ['one', 'two'] })).embeddings.length, 2)
  const page = await ai.models.list()
  assert.equal(page.getItem(0).name, `models/${model}`)
  assert.equal((await ai.models.get({ model })).outputTokenLimit, 65536)
  assert.ok(app.took().every((status) => status === 200))
})

// Its one exception has the status, and the body as its message.
const code = (err) => JSON.parse(err.message).error.details[0].reason

refusals('@google/genai', {
  resource: 'llm:gemini',
  model,
  tries: 1,
  client,
  ask: (ai) => ai.models.generateContent({ model, contents }),
  stream: async (ai, _, each) => {
    for await (const _ of await ai.models.generateContentStream({ model, contents })) await each()
  },
  other: (ai) => ai.caches.get({ name: 'cachedContents/x' }),
  check: (err, status, want) => {
    assert.ok(err instanceof ApiError, `${err}`)
    assert.deepEqual([err.status, code(err)], [status, want])
  },
  cut: (err, want) => {
    assert.ok(err instanceof ApiError, `${err}`)
    assert.equal(err.status, 401)
    assert.match(err.message, new RegExp(`"reason":"${want}"`))
  },
})
