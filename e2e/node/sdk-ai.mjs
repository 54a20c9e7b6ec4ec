// The ai package, with @ai-sdk/openai (responses) and @ai-sdk/openai-compatible
// (chats of any provider that speaks as OpenAI does), and its exceptions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embedMany, generateText, RetryError, streamText } from 'ai'
import { App } from './house.mjs'
import { refusals } from './refusals.mjs'
import { answer } from './sdk-openai.mjs'

const prompt = 'Say something.'
const told = (u) => ({ input_tokens: u.inputTokens, cached_tokens: u.inputTokenDetails?.cacheReadTokens ?? 0, output_tokens: u.outputTokens ?? 0 })

const own = (app) => createOpenAI({ apiKey: 'not-a-key', baseURL: `${app.base}/v1`, fetch: app.fetch })

// once tells the package what X-Should-Retry says, which it does not read: an
// error that fetch raises is not tried again.
const once = (fetch) => async (url, init) => {
  const response = await fetch(url, init)
  if (response.headers.get('x-should-retry') !== 'false') return response
  const responseBody = await response.text()
  const data = JSON.parse(responseBody)
  throw new APICallError({
    message: data.error.message, url, requestBodyValues: init.body, isRetryable: false,
    statusCode: response.status, responseHeaders: Object.fromEntries(response.headers), responseBody, data,
  })
}
const compatible = (app) => createOpenAICompatible({ name: 'gateway', baseURL: `${app.base}/v1`, fetch: once(app.fetch), includeUsage: true })

test('ai: texts, streams and embeddings, and what they cost', async () => {
  const app = await App.pair({ resource: 'llm:openai' })
  const openai = own(app)
  const whole = await generateText({ model: openai('gpt-4.1'), prompt })
  assert.equal(whole.text, answer)
  await app.spent('gpt-4.1', told(whole.usage))

  const stream = streamText({ model: openai('gpt-4.1'), prompt })
  assert.equal(await stream.text, answer)
  await app.spent('gpt-4.1', told(await stream.usage))

  const vectors = await embedMany({ model: openai.embedding('text-embedding-3-small'), values: ['two words', 'one'] })
  assert.equal(vectors.embeddings.length, 2)
  await app.spent('text-embedding-3-small', { input_tokens: vectors.usage.tokens })
})

test('ai: chats with an OpenAI-compatible provider', async () => {
  const app = await App.pair({ resource: 'llm:groq' })
  const model = compatible(app)('llama-3.3-70b-versatile')
  const whole = await generateText({ model, prompt })
  assert.equal(whole.text, answer)
  await app.spent('llama-3.3-70b-versatile', told(whole.usage))
  const stream = streamText({ model, prompt })
  assert.equal(await stream.text, answer)
  await app.spent('llama-3.3-70b-versatile', told(await stream.usage))
})

refusals('ai', {
  resource: 'llm:openai',
  model: 'gpt-4o-mini',
  tries: 2,
  client: compatible,
  ask: (provider, model) => generateText({ model: provider(model), prompt }),
  stream: async (provider, model, each) => {
    for await (const part of streamText({ model: provider(model), prompt, onError: () => {} }).fullStream) {
      if (part.type === 'error') throw part.error
      if (part.type === 'text-delta') await each()
    }
  },
  check: (err, status, code) => {
    assert.ok(APICallError.isInstance(err), `${err}`)
    assert.deepEqual([err.statusCode, err.data.error.code], [status, code])
  },
  cut: (err, code) => assert.match(JSON.stringify(err) + err.message, new RegExp(code)),
})

// Left to itself the package tries a spent budget again, and says so.
test('ai: a spent budget is asked for three times, and the provider never', async () => {
  const app = await App.pair({ resource: 'llm:openai', limits: [{ per: 'day', requests: 1 }] })
  const model = own(app)('gpt-4.1')
  await generateText({ model, prompt })
  app.took()
  const err = await generateText({ model, prompt }).catch((err) => err)
  assert.ok(RetryError.isInstance(err) && APICallError.isInstance(err.lastError), `${err}`)
  assert.equal(err.lastError.data.error.code, 'request_quota_spent')
  assert.deepEqual(app.took(), [429, 429, 429])
  const once = await generateText({ model, prompt, maxRetries: 0 }).catch((err) => err)
  assert.equal(once.data.error.code, 'request_quota_spent')
  assert.deepEqual(app.took(), [429])
})
