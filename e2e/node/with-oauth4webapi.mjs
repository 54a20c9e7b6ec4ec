// The steps with oauth4webapi: RFC 8414 metadata, an ES256 key, and the pairing
// code presented with a proof, which binds the app to its key from the start.

import * as oauth from 'oauth4webapi'

const insecure = { [oauth.allowInsecureRequests]: true } // http on loopback

export async function discover(issuer) {
  const as = await oauth
    .discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    .then((response) => oauth.processDiscoveryResponse(issuer, response))
  const resource = await oauth
    .resourceDiscoveryRequest(issuer, insecure)
    .then((response) => oauth.processResourceDiscoveryResponse(issuer, response))
  const discovered = { issuer: as.issuer, resource: resource.resource, scopes: as.scopes_supported }
  return new App(as, await oauth.generateKeyPair('ES256'), discovered)
}

// again repeats what was refused for want of a nonce: by then the DPoP handle
// has it (RFC 9449 section 8).
async function again(attempt) {
  try {
    return await attempt()
  } catch (err) {
    if (!oauth.isDPoPNonceError(err)) throw err
    return attempt()
  }
}

class App {
  #auth = oauth.None()
  #client
  #tokens
  #waiting

  constructor(as, keys, discovered) {
    this.as = as
    this.keys = keys
    this.discovered = discovered
    this.options = { ...insecure, DPoP: oauth.DPoP({}, keys) }
  }

  async register(code, metadata) {
    this.#client = await again(async () => {
      const response = await oauth.dynamicClientRegistrationRequest(
        this.as,
        { ...metadata, token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true },
        { ...this.options, initialAccessToken: code },
      )
      return oauth.processDynamicClientRegistrationResponse(response)
    })
    return this.#client
  }

  async authorize(details, redirectURI) {
    const verifier = oauth.generateRandomCodeVerifier()
    this.#waiting = { verifier, state: oauth.generateRandomState(), redirectURI }
    const parameters = new URLSearchParams({
      response_type: 'code',
      redirect_uri: redirectURI,
      state: this.#waiting.state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      authorization_details: JSON.stringify(details),
    })
    const pushed = await again(async () => {
      const response = await oauth.pushedAuthorizationRequest(this.as, this.#client, this.#auth, parameters, this.options)
      return oauth.processPushedAuthorizationResponse(this.as, this.#client, response)
    })
    const url = new URL(this.as.authorization_endpoint)
    url.searchParams.set('client_id', this.#client.client_id)
    url.searchParams.set('request_uri', pushed.request_uri)
    return url
  }

  async complete(back) {
    const { verifier, state, redirectURI } = this.#waiting
    const parameters = oauth.validateAuthResponse(this.as, this.#client, back, state)
    this.#tokens = await again(async () => {
      const response = await oauth.authorizationCodeGrantRequest(this.as, this.#client, this.#auth, parameters, redirectURI, verifier, this.options)
      return oauth.processAuthorizationCodeResponse(this.as, this.#client, response)
    })
    return this.#tokens
  }

  async ask(details) {
    const parameters = new URLSearchParams({ authorization_details: JSON.stringify(details) })
    const response = await oauth.deviceAuthorizationRequest(this.as, this.#client, this.#auth, parameters, insecure)
    return oauth.processDeviceAuthorizationResponse(this.as, this.#client, response)
  }

  async wait(asked) {
    let interval = asked.interval ?? 5
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, interval * 1000))
      try {
        this.#tokens = await again(async () => {
          const response = await oauth.deviceCodeGrantRequest(this.as, this.#client, this.#auth, asked.device_code, this.options)
          return oauth.processDeviceCodeResponse(this.as, this.#client, response)
        })
        return this.#tokens
      } catch (err) {
        if (err.error === 'slow_down') interval += 5
        else if (err.error !== 'authorization_pending') throw err
      }
    }
  }

  call(url, body) {
    const headers = new Headers({ 'content-type': 'application/json' })
    return again(() => oauth.protectedResourceRequest(this.#tokens.access_token, 'POST', url, headers, body, this.options))
  }

  callAsBearer(url) {
    return oauth.protectedResourceRequest(this.#tokens.access_token, 'POST', url, undefined, '{}', insecure)
  }

  async refresh() {
    const { refresh_token } = this.#tokens
    const renewed = await again(async () => {
      const response = await oauth.refreshTokenGrantRequest(this.as, this.#client, this.#auth, refresh_token, this.options)
      return oauth.processRefreshTokenResponse(this.as, this.#client, response)
    })
    this.#tokens = { ...this.#tokens, ...renewed }
    return renewed
  }

  async revoke() {
    const { refresh_token } = this.#tokens
    const response = await oauth.revocationRequest(this.as, this.#client, this.#auth, refresh_token, insecure)
    await oauth.processRevocationResponse(response)
  }
}
