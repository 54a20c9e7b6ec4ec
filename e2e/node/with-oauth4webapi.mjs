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

class App {
  #auth = oauth.None()
  #client
  #tokens

  constructor(as, keys, discovered) {
    this.as = as
    this.keys = keys
    this.discovered = discovered
    this.options = { ...insecure, DPoP: oauth.DPoP({}, keys) }
  }

  async register(code, metadata) {
    const response = await oauth.dynamicClientRegistrationRequest(
      this.as,
      { ...metadata, token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true },
      { ...this.options, initialAccessToken: code },
    )
    this.#client = await oauth.processDynamicClientRegistrationResponse(response)
    return this.#client
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
      const response = await oauth.deviceCodeGrantRequest(this.as, this.#client, this.#auth, asked.device_code, this.options)
      try {
        this.#tokens = await oauth.processDeviceCodeResponse(this.as, this.#client, response)
        return this.#tokens
      } catch (err) {
        if (err.error === 'slow_down') interval += 5
        else if (err.error !== 'authorization_pending') throw err
      }
    }
  }

  call(url, body) {
    const headers = new Headers({ 'content-type': 'application/json' })
    return oauth.protectedResourceRequest(this.#tokens.access_token, 'POST', url, headers, body, this.options)
  }

  callAsBearer(url) {
    return oauth.protectedResourceRequest(this.#tokens.access_token, 'POST', url, undefined, '{}', insecure)
  }

  async refresh() {
    const { refresh_token } = this.#tokens
    const response = await oauth.refreshTokenGrantRequest(this.as, this.#client, this.#auth, refresh_token, this.options)
    const renewed = await oauth.processRefreshTokenResponse(this.as, this.#client, response)
    this.#tokens = { ...this.#tokens, ...renewed }
    return renewed
  }

  async revoke() {
    const { refresh_token } = this.#tokens
    const response = await oauth.revocationRequest(this.as, this.#client, this.#auth, refresh_token, insecure)
    await oauth.processRevocationResponse(response)
  }
}
