// groq-sdk: chats and recordings, and its exceptions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import Groq, { toFile } from 'groq-sdk'
import { App } from './house.mjs'
import { refusals } from './refusals.mjs'
import { answer } from './sdk-openai.mjs'

const model = 'llama-3.3-70b-versatile'
const messages = [{ role: 'user', content: 'Say something.' }]

// It adds /openai/v1 itself.
const client = (app) => new Groq({ apiKey: 'not-a-key', baseURL: app.base, fetch: app.fetch })

const told = (u) => ({ input_tokens: u.prompt_tokens, output_tokens: u.completion_tokens })

test('groq-sdk: chats, streamed and not, and what they cost', async () => {
  const app = await App.pair({ resource: 'llm:groq' })
  const ai = client(app)
  const chat = await ai.chat.completions.create({ model, messages })
  assert.equal(chat.choices[0].message.content, answer)
  await app.spent(model, told(chat.usage))

  let text = ''
  for await (const chunk of await ai.chat.completions.create({ model, messages, stream: true })) text += chunk.choices[0]?.delta.content ?? ''
  assert.equal(text, answer)
  await app.spent(model, told(chat.usage))

  const heard = await ai.audio.transcriptions.create({ model: 'whisper-large-v3', file: await toFile(Buffer.alloc(500), 'a.wav') })
  assert.equal(heard.text, answer)
  assert.equal((await ai.models.list()).data[0].id, model)
})

const types = { 401: Groq.AuthenticationError, 403: Groq.PermissionDeniedError, 404: Groq.NotFoundError, 429: Groq.RateLimitError, 502: Groq.InternalServerError }

refusals('groq-sdk', {
  resource: 'llm:groq',
  model,
  tries: 2,
  client,
  ask: (ai) => ai.chat.completions.create({ model, messages }),
  stream: async (ai, _, each) => {
    for await (const _ of await ai.chat.completions.create({ model, messages, stream: true })) await each()
  },
  other: (ai) => ai.files.list(),
  check: (err, status, code) => {
    assert.ok(err instanceof types[status], `${err}`)
    assert.deepEqual([err.status, err.error.error.code], [status, code])
  },
  cut: (err, code) => {
    assert.ok(err instanceof Groq.APIError, `${err}`)
    assert.equal(err.error.code ?? err.error.error.code, code)
  },
})
