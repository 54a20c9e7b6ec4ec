// A connection with a gateway, for libraries that take a fetch of their own:
// it pairs, renews and signs. dpop makes the proofs and fetch does the rest.

import * as DPoP from 'dpop'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

// Credentials that libraries insist on; none of them is the gateway's.
const foreign = ['api-key', 'x-api-key', 'x-goog-api-key', 'proxy-authorization']

// pair redeems a string that the owner has approved beforehand.
export async function pair(pairingString, name) {
  const [, issuer, code] = pairingString.split('::')
  const as = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  const app = new Connection(as, await DPoP.generateKeyPair('ES256'))
  await app.redeem(code, name)
  return app
}

class Connection {
  #as
  #keys
  #nonce
  #access
  #refresh
  #renewing

  constructor(as, keys) {
    this.#as = as
    this.#keys = keys
    this.issuer = as.issuer
    this.fetch = this.fetch.bind(this)
  }

  async redeem(code, name) {
    const metadata = { client_name: name, grant_types: [deviceGrant, 'refresh_token'], token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true }
    const headers = { 'content-type': 'application/json', authorization: `DPoP ${code}` }
    const registered = await this.#send(new Request(this.#as.registration_endpoint, { method: 'POST', headers, body: JSON.stringify(metadata) }), code)
    this.id = (await read(registered)).client_id
    const asked = await read(await this.#form(this.#as.device_authorization_endpoint, {}))
    const tokens = await read(await this.#form(this.#as.token_endpoint, { grant_type: deviceGrant, device_code: asked.device_code }))
    this.#access = tokens.access_token
    this.#refresh = tokens.refresh_token
  }

  // base is what a library is given as the address of a resource, such as llm:openai.
  base(resource) {
    return `${this.issuer}/r/${resource.replace(':', '/')}`
  }

  // fetch is the global one, signed. What the gateway refuses for the token or
  // its nonce is sent once more: it has passed nothing on.
  async fetch(input, init) {
    const request = new Request(input, init)
    if (new URL(request.url).origin !== this.issuer) throw new TypeError(`refusing to sign for ${new URL(request.url).origin}`)
    for (const name of foreign) request.headers.delete(name)
    const token = this.#access
    request.headers.set('authorization', `DPoP ${token}`)
    const response = await this.#send(request.clone(), token)
    if (response.status !== 401 || !response.headers.get('www-authenticate')?.includes('error="invalid_token"')) return response
    if (!(await this.#renew(token))) return response
    await response.body?.cancel()
    request.headers.set('authorization', `DPoP ${this.#access}`)
    return this.#send(request, this.#access)
  }

  // renew gets a token other than the stale one; false when there is none to be had.
  async #renew(stale) {
    if (this.#access !== stale) return true
    this.#renewing ??= (async () => {
      const response = await this.#form(this.#as.token_endpoint, { grant_type: 'refresh_token', refresh_token: this.#refresh })
      if (response.ok) this.#access = (await response.json()).access_token
      return response.ok
    })().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  #form(url, fields) {
    return this.#send(new Request(url, { method: 'POST', body: new URLSearchParams({ client_id: this.id, ...fields }) }))
  }

  // send signs method, URL, token and body, and once more when a nonce is wanted.
  async #send(request, token) {
    const { method, headers, signal } = request
    const body = method === 'GET' || method === 'HEAD' ? undefined : await request.arrayBuffer()
    const bh = Buffer.from(await crypto.subtle.digest('SHA-256', body ?? new ArrayBuffer(0))).toString('base64url')
    const htu = new URL(request.url)
    htu.search = htu.hash = ''
    for (let attempt = 1; ; attempt++) {
      headers.set('dpop', await DPoP.generateProof(this.#keys, htu.href, method, this.#nonce, token, { bh }))
      const response = await fetch(request.url, { method, headers, body, signal, redirect: 'error' })
      this.#nonce = response.headers.get('dpop-nonce') ?? this.#nonce
      const wanted = response.headers.get('www-authenticate')?.includes('use_dpop_nonce') || (response.status === 400 && response.headers.has('dpop-nonce'))
      if (!wanted || attempt > 1) return response
    }
  }
}

// read takes an answer of an OAuth endpoint.
async function read(response) {
  const answer = await response.json()
  if (!response.ok) throw new Error(`${response.status} ${answer.error}: ${answer.error_description}`)
  return answer
}
