// Pairs with a running gateway and uses it, through one of three libraries that
// have never heard of it. Prints one JSON line for each step; the last is
// {"step":"done"}. Exits 1 after {"step":"failed"} when a step goes wrong.
//
//   KEYWICKET_PAIRING_STRING=pair::... node flow.mjs openid-client|oauth4webapi|dpop [device|code]
//
// With code, the line of step "authorize" has the URL for the owner's browser,
// and the URL that it is sent back to is read from standard input.
//
// Also from the environment: KEYWICKET_RESOURCE (default llm:openai),
// KEYWICKET_MODEL (default gpt-4o-mini), KEYWICKET_PATH (default
// chat/completions). The owner may approve after the line of step "ask".

import { createInterface } from 'node:readline/promises'
import * as dpop from './with-dpop.mjs'
import * as oauth4webapi from './with-oauth4webapi.mjs'
import * as openidClient from './with-openid-client.mjs'

const libraries = { 'openid-client': openidClient, oauth4webapi, dpop }
const redirectURI = 'https://flow.example/back'
const env = process.env
const resource = env.KEYWICKET_RESOURCE ?? 'llm:openai'
const details = [{ type: 'keywicket', identifier: resource, reason: 'to show that any client can pair' }]

// What is registered for each way of asking.
const uses = {
  device: { grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'] },
  code: { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], redirect_uris: [redirectURI] },
}

function say(step, facts = {}) {
  console.log(JSON.stringify({ step, ...facts }))
}

function parsePairingString(text) {
  const parts = (text ?? '').split('::')
  if (parts.length !== 3 || parts[0] !== 'pair') throw new Error('KEYWICKET_PAIRING_STRING must be pair::<url>::<code>')
  return { issuer: new URL(parts[1]), code: parts[2] }
}

// stream makes one streamed chat call and counts the pieces as they arrive.
async function stream(app, url) {
  const body = JSON.stringify({
    model: env.KEYWICKET_MODEL ?? 'gpt-4o-mini',
    stream: true,
    messages: [{ role: 'user', content: 'Say something in a few words.' }],
  })
  const response = await app.call(url, body)
  let chunks = 0
  let received = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    chunks++
    received += decoder.decode(chunk, { stream: true })
  }
  return { status: response.status, type: response.headers.get('content-type'), chunks, ...read(received) }
}

// read puts the deltas of a chat stream together.
function read(received) {
  let text = ''
  let ended = false
  for (const line of received.split('\n')) {
    if (!line.startsWith('data:')) continue
    const data = line.slice(5).trim()
    if (data === '[DONE]') ended = true
    else text += JSON.parse(data).choices?.[0]?.delta?.content ?? ''
  }
  return { text, ended }
}

// refusal runs what must not work and returns how it was refused.
async function refusal(attempt) {
  try {
    await attempt()
  } catch (err) {
    const challenge = Array.isArray(err.cause) ? err.cause[0] : undefined
    return { status: err.status, error: err.error ?? challenge?.parameters.error, scheme: challenge?.scheme }
  }
  throw new Error('this should have been refused')
}

// pair asks the owner in one way or the other and returns the tokens.
async function pair(app, grant) {
  if (grant === 'code') {
    say('authorize', { url: (await app.authorize(details, redirectURI)).href })
    const lines = createInterface({ input: process.stdin })
    const back = await new Promise((resolve) => lines.once('line', resolve))
    lines.close()
    return app.complete(new URL(back))
  }
  const asked = await app.ask(details)
  say('ask', {
    user_code: asked.user_code,
    verification_uri: asked.verification_uri,
    verification_uri_complete: asked.verification_uri_complete,
    expires_in: asked.expires_in,
    interval: asked.interval,
  })
  return app.wait(asked)
}

async function run(name, grant) {
  const library = libraries[name]
  if (!library || !uses[grant]) throw new Error(`name one of ${Object.keys(libraries).join(', ')}, and device or code`)
  const { issuer, code } = parsePairingString(env.KEYWICKET_PAIRING_STRING)
  const url = new URL(`/r/${resource.replace(':', '/')}/v1/${env.KEYWICKET_PATH ?? 'chat/completions'}`, issuer)

  const app = await library.discover(issuer)
  say('discover', { library: name, ...app.discovered })
  say('register', await app.register(code, { client_name: `Flow with ${name}`, client_uri: 'https://flow.example/', ...uses[grant] }))
  say('register_again', await refusal(() => app.register(code, { client_name: 'Second' })))
  const tokens = await pair(app, grant)
  say('token', granted(tokens))
  say('call', await stream(app, url))
  say('call_as_bearer', await refusal(() => app.callAsBearer(url)))
  say('refresh', granted(await app.refresh()))
  say('call_after_refresh', await stream(app, url))
  await app.revoke()
  say('revoke')
  say('call_after_revoke', await refusal(() => stream(app, url)))
  say('refresh_after_revoke', await refusal(() => app.refresh()))
  say('done')
}

// granted is what a token answer says, without the tokens.
function granted(tokens) {
  const { token_type, expires_in, scope, authorization_details } = tokens
  return { token_type, expires_in, scope, authorization_details, refresh_token: typeof tokens.refresh_token === 'string' }
}

try {
  await run(process.argv[2], process.argv[3] ?? 'device')
} catch (err) {
  say('failed', { name: err.name, message: err.message, code: err.code, error: err.error, cause: String(err.cause ?? '') })
  process.exitCode = 1
}
