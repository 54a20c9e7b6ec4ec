// A web page that pairs by the code flow and streams a chat, with oauth4webapi
// and nothing else. It is opened with the pairing string in the fragment, and
// comes back from the gateway with the answer in the query.

import * as oauth from '/oauth4webapi.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // http on loopback
const auth = oauth.None()
const redirectURI = location.origin + '/'

// The key stays in the browser's database and cannot be read out of it.
function database(mode, use) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('notes', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const request = use(opening.result.transaction('keys', mode).objectStore('keys'))
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    }
  })
}

async function again(attempt) {
  try {
    return await attempt()
  } catch (err) {
    if (!oauth.isDPoPNonceError(err)) throw err
    return attempt()
  }
}

async function discover(issuer) {
  const url = new URL(issuer)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...insecure }))
}

async function begin(pairingString) {
  const [, issuer, code] = pairingString.split('::')
  const as = await discover(issuer)
  const keys = await oauth.generateKeyPair('ES256')
  await database('readwrite', (store) => store.put(keys, 'app'))
  const options = { ...insecure, DPoP: oauth.DPoP({}, keys) }
  const client = await again(async () =>
    oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        as,
        {
          client_name: 'Notes',
          redirect_uris: [redirectURI],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        },
        { ...options, initialAccessToken: code },
      ),
    ),
  )
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const parameters = new URLSearchParams({
    response_type: 'code',
    redirect_uri: redirectURI,
    scope: 'llm:openai',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const pushed = await again(async () =>
    oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, parameters, options)),
  )
  sessionStorage.setItem('waiting', JSON.stringify({ issuer, client, verifier, state }))
  const to = new URL(as.authorization_endpoint)
  to.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
  location.assign(to)
}

async function complete() {
  const { issuer, client, verifier, state } = JSON.parse(sessionStorage.getItem('waiting'))
  const as = await discover(issuer)
  const keys = await database('readonly', (store) => store.get('app'))
  const options = { ...insecure, DPoP: oauth.DPoP({}, keys) }
  const answer = oauth.validateAuthResponse(as, client, new URL(location.href), state)
  const tokens = await again(async () =>
    oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(as, client, auth, answer, redirectURI, verifier, options),
    ),
  )
  history.replaceState(null, '', '/')
  const url = new URL('/r/llm/openai/v1/chat/completions', issuer)
  const body = JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Say something.' }] })
  const headers = new Headers({ 'content-type': 'application/json' })
  const response = await again(() => oauth.protectedResourceRequest(tokens.access_token, 'POST', url, headers, body, options))
  return { scope: tokens.scope, status: response.status, request: response.headers.get('x-request-id'), ...(await stream(response)) }
}

// stream shows the words as they come.
async function stream(response) {
  let received = ''
  let pieces = 0
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    pieces++
    received += value
    document.querySelector('#text').textContent = words(received)
  }
  return { pieces, ended: received.includes('data: [DONE]') }
}

function words(received) {
  let text = ''
  for (const line of received.split('\n').slice(0, -1)) {
    if (line.startsWith('data: {')) text += JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? ''
  }
  return text
}

function show(outcome) {
  document.querySelector('#outcome').textContent = JSON.stringify(outcome)
}

try {
  if (location.search) show(await complete())
  else if (location.hash) await begin(decodeURIComponent(location.hash.slice(1)))
} catch (err) {
  show({ failed: `${err.name}: ${err.message}`, cause: String(err.cause?.message ?? JSON.stringify(err.cause) ?? '') })
}
