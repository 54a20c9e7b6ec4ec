// One address for all providers: the libraries of OpenAI and Anthropic, and the
// ai package, with provider/model as the model.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { App, raised, seen } from './house.mjs'
import { answer } from './sdk-openai.mjs'

const llama = 'groq/llama-3.3-70b-versatile'
const messages = [{ role: 'user', content: 'Say something.' }]

test('one address: every provider, by the name of the model', async () => {
  const app = await App.pair({ resource: 'llm:groq' }, { resource: 'llm:openai', models: ['gpt-4o*'] }, { resource: 'llm:anthropic' })
  const openai = new OpenAI({ apiKey: 'not-a-key', baseURL: `${app.issuer}/v1`, fetch: app.fetch })
  const anthropic = new Anthropic({ apiKey: 'not-a-key', baseURL: app.issuer, fetch: app.fetch })
  const vercel = createOpenAICompatible({ name: 'gateway', baseURL: `${app.issuer}/v1`, fetch: app.fetch, includeUsage: true })

  const chat = await openai.chat.completions.create({ model: llama, messages })
  assert.equal(chat.choices[0].message.content, answer)
  await app.spent('llama-3.3-70b-versatile', { input_tokens: chat.usage.prompt_tokens, output_tokens: chat.usage.completion_tokens })
  const reached = await seen('openai', async () => {
    let text = ''
    for await (const chunk of await openai.chat.completions.create({ model: 'openai/gpt-4o-mini', messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? ''
    }
    assert.equal(text, answer)
  })
  assert.equal(reached, 1)

  const message = await anthropic.messages.create({ model: 'anthropic/claude-haiku-4-5', max_tokens: 64, messages })
  assert.equal(message.content[0].text, answer)
  assert.equal((await generateText({ model: vercel(llama), prompt: 'Say something.' })).text, answer)
  assert.equal(await streamText({ model: vercel('openai/gpt-4o-mini'), prompt: 'Say something.' }).text, answer)

  const ids = (await openai.models.list()).data.map((model) => model.id)
  assert.ok(ids.includes(llama) && ids.includes('openai/gpt-4o-mini') && !ids.includes('openai/o3'))
  app.took()
  const err = await raised(() => openai.chat.completions.create({ model: 'openai/o3', messages }))
  assert.ok(err instanceof OpenAI.PermissionDeniedError, `${err}`)
  assert.equal(err.code, 'model_not_allowed')
  assert.equal(app.took().length, 1)
})
