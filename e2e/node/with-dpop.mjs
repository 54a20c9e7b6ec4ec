// The steps with plain fetch, and dpop for nothing but the proofs: what an app
// does whose language has no OAuth library. A PS256 key.

import * as DPoP from 'dpop'
import { createHash, randomBytes } from 'node:crypto'

export async function discover(issuer) {
  const as = await (await fetch(new URL('/.well-known/oauth-authorization-server', issuer))).json()
  const keys = await DPoP.generateKeyPair('PS256')
  return new App(as, keys, { issuer: as.issuer, scopes: as.scopes_supported })
}

// Refusal is an answer with an error in it, in the shape of the other libraries.
class Refusal extends Error {
  constructor(status, body, challenge) {
    super(body.error_description ?? body.error?.message ?? `status ${status}`)
    this.status = status
    const [, scheme, error] = challenge?.match(/^(\w+) (?:error="(\w+)")?/) ?? []
    this.error = typeof body.error === 'string' ? body.error : error
    this.cause = challenge ? [{ scheme: scheme.toLowerCase(), parameters: { error } }] : undefined
  }
}

class App {
  #id
  #tokens
  #nonce
  #waiting

  constructor(as, keys, discovered) {
    this.as = as
    this.keys = keys
    this.discovered = discovered
  }

  // send makes a request with a proof, and once more when a nonce is wanted.
  async send(url, headers, body, token) {
    for (let attempt = 1; ; attempt++) {
      const proof = await DPoP.generateProof(this.keys, new URL(url).href, 'POST', this.#nonce, token)
      const response = await fetch(url, { method: 'POST', headers: { ...headers, dpop: proof }, body })
      this.#nonce = response.headers.get('dpop-nonce') ?? this.#nonce
      if (response.ok) return response
      const answer = await response.json()
      const refusal = new Refusal(response.status, answer, response.headers.get('www-authenticate'))
      if (refusal.error !== 'use_dpop_nonce' || attempt > 1) throw refusal
    }
  }

  async form(url, fields) {
    const response = await this.send(url, {}, new URLSearchParams({ client_id: this.#id, ...fields }))
    return response.json()
  }

  async register(code, metadata) {
    const headers = { 'content-type': 'application/json', authorization: `DPoP ${code}` }
    const response = await this.send(this.as.registration_endpoint, headers, JSON.stringify(metadata), code)
    const registered = await response.json()
    this.#id = registered.client_id
    return registered
  }

  ask(details) {
    return this.form(this.as.device_authorization_endpoint, { authorization_details: JSON.stringify(details) })
  }

  async wait(asked) {
    const fields = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: asked.device_code }
    for (let interval = asked.interval ?? 5; ; ) {
      await new Promise((resolve) => setTimeout(resolve, interval * 1000))
      try {
        return (this.#tokens = await this.form(this.as.token_endpoint, fields))
      } catch (err) {
        if (err.error === 'slow_down') interval += 5
        else if (err.error !== 'authorization_pending') throw err
      }
    }
  }

  async authorize(details, redirectURI) {
    const verifier = randomBytes(32).toString('base64url')
    this.#waiting = { verifier, redirectURI, state: randomBytes(16).toString('base64url') }
    const pushed = await this.form(this.as.pushed_authorization_request_endpoint, {
      response_type: 'code',
      redirect_uri: redirectURI,
      state: this.#waiting.state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      authorization_details: JSON.stringify(details),
      dpop_jkt: await DPoP.calculateThumbprint(this.keys.publicKey),
    })
    const url = new URL(this.as.authorization_endpoint)
    url.searchParams.set('client_id', this.#id)
    url.searchParams.set('request_uri', pushed.request_uri)
    return url
  }

  async complete(back) {
    const { verifier, redirectURI, state } = this.#waiting
    const answer = back.searchParams
    if (answer.get('state') !== state || answer.get('iss') !== this.as.issuer) throw new Error('not our answer')
    this.#tokens = await this.form(this.as.token_endpoint, {
      grant_type: 'authorization_code',
      code: answer.get('code'),
      redirect_uri: redirectURI,
      code_verifier: verifier,
    })
    return this.#tokens
  }

  call(url, body) {
    const { access_token } = this.#tokens
    const headers = { 'content-type': 'application/json', authorization: `DPoP ${access_token}` }
    return this.send(url, headers, body, access_token)
  }

  async callAsBearer(url) {
    const headers = { authorization: `Bearer ${this.#tokens.access_token}` }
    const response = await fetch(url, { method: 'POST', headers, body: '{}' })
    throw new Refusal(response.status, await response.json(), response.headers.get('www-authenticate'))
  }

  async refresh() {
    const { refresh_token } = this.#tokens
    const renewed = await this.form(this.as.token_endpoint, { grant_type: 'refresh_token', refresh_token })
    this.#tokens = { ...this.#tokens, ...renewed }
    return renewed
  }

  async revoke() {
    await this.send(this.as.revocation_endpoint, {}, new URLSearchParams({ client_id: this.#id, token: this.#tokens.refresh_token }))
  }
}
