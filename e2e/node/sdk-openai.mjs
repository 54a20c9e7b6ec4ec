// openai: every kind of call, and its exceptions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { App } from './house.mjs'
import { refusals } from './refusals.mjs'

export const answer = 'The quick brown fox jumps over the lazy dog.'
const messages = [{ role: 'user', content: 'Say something.' }]

const client = (app) => new OpenAI({ apiKey: 'not-a-key', baseURL: `${app.base}/v1`, fetch: app.fetch })

const told = (u) => ({
  input_tokens: u.prompt_tokens ?? u.input_tokens,
  cached_tokens: (u.prompt_tokens_details ?? u.input_tokens_details)?.cached_tokens ?? 0,
  output_tokens: u.completion_tokens ?? u.output_tokens ?? 0,
})

test('openai: every call, and what it cost', async () => {
  const app = await App.pair({ resource: 'llm:openai' })
  const ai = client(app)
  const chat = await ai.chat.completions.create({ model: 'gpt-4o-mini', messages })
  assert.equal(chat.choices[0].message.content, answer)
  await app.spent('gpt-4o-mini', told(chat.usage))

  let text = ''
  let usage
  for await (const chunk of await ai.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? ''
    usage = chunk.usage ?? usage
  }
  assert.equal(text, answer)
  await app.spent('gpt-4o-mini', told(usage))

  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]
  const tooled = await ai.chat.completions.create({ model: 'gpt-4o', messages, tools })
  await app.spent('gpt-4o', told(tooled.usage))

  const response = await ai.responses.create({ model: 'gpt-4.1', input: 'Say something.' })
  assert.equal(response.output_text, answer)
  await app.spent('gpt-4.1', told(response.usage))

  const stream = ai.responses.stream({ model: 'gpt-4.1', input: 'Say something.' })
  const final = await stream.finalResponse()
  assert.equal(final.output_text, answer)
  await app.spent('gpt-4.1', told(final.usage))

  const vectors = await ai.embeddings.create({ model: 'text-embedding-3-small', input: ['two words', 'one'] })
  assert.deepEqual(vectors.data[1].embedding, [0.5, -0.25])
  await app.spent('text-embedding-3-small', told(vectors.usage))

  const image = await ai.images.generate({ model: 'gpt-image-1', prompt: 'a small fox', quality: 'low', size: '1024x1024' })
  assert.ok(image.data[0].b64_json)
  await app.spent('gpt-image-1', told(image.usage))

  const heard = await ai.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file: await toFile(Buffer.alloc(500), 'a.wav') })
  assert.equal(heard.text, answer)
  await app.spent('gpt-4o-transcribe', told(heard.usage))

  const spoken = await ai.audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'coral', input: 'two words', response_format: 'pcm' })
  assert.equal((await spoken.arrayBuffer()).byteLength, 4800)
  assert.equal((await ai.moderations.create({ input: 'hi' })).results.length, 1)
  assert.equal((await ai.models.list()).data.length, 4)
  assert.ok(app.took().every((status) => status === 200))
})

const types = { 401: OpenAI.AuthenticationError, 403: OpenAI.PermissionDeniedError, 404: OpenAI.NotFoundError, 429: OpenAI.RateLimitError, 502: OpenAI.InternalServerError }

refusals('openai', {
  resource: 'llm:openai',
  model: 'gpt-4o-mini',
  tries: 2,
  client,
  ask: (ai, model) => ai.chat.completions.create({ model, messages }),
  stream: async (ai, model, each) => {
    for await (const _ of await ai.chat.completions.create({ model, messages, stream: true })) await each()
  },
  other: (ai) => ai.files.list(),
  check: (err, status, code) => {
    assert.ok(err instanceof types[status], `${err}`)
    assert.deepEqual([err.status, err.code], [status, code])
  },
  cut: (err, code) => {
    assert.ok(err instanceof OpenAI.APIError, `${err}`)
    assert.equal(err.code, code)
  },
})
