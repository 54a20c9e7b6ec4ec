// The steps with openid-client: metadata from openid-configuration, an Ed25519
// key, the pairing code as plain initial access token, and the key named when
// asking (dpop_jkt), since this library sends no proof there.

import * as client from 'openid-client'

const execute = [client.allowInsecureRequests] // http on loopback

export async function discover(issuer) {
  const found = await client.discovery(issuer, 'none yet', undefined, client.None(), { execute })
  const as = found.serverMetadata()
  return new App(issuer, await client.randomDPoPKeyPair('Ed25519'), { issuer: as.issuer, scopes: as.scopes_supported })
}

class App {
  #config
  #dpop
  #tokens
  #waiting

  constructor(issuer, keys, discovered) {
    this.issuer = issuer
    this.keys = keys
    this.discovered = discovered
  }

  async register(code, metadata) {
    const config = await client.dynamicClientRegistration(
      this.issuer,
      { ...metadata, token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true },
      client.None(),
      { initialAccessToken: code, execute },
    )
    this.#config = config
    this.#dpop = client.getDPoPHandle(config, this.keys)
    const { client_id, client_name, client_uri, grant_types } = config.clientMetadata()
    return { client_id, client_name, client_uri, grant_types }
  }

  async ask(details) {
    return client.initiateDeviceAuthorization(this.#config, {
      authorization_details: JSON.stringify(details),
      dpop_jkt: await this.#dpop.calculateThumbprint(),
    })
  }

  async wait(asked) {
    this.#tokens = await client.pollDeviceAuthorizationGrant(this.#config, asked, undefined, { DPoP: this.#dpop })
    return this.#tokens
  }

  async authorize(details, redirectURI) {
    const verifier = client.randomPKCECodeVerifier()
    this.#waiting = { verifier, state: client.randomState() }
    return client.buildAuthorizationUrlWithPAR(
      this.#config,
      {
        redirect_uri: redirectURI,
        state: this.#waiting.state,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        authorization_details: JSON.stringify(details),
      },
      { DPoP: this.#dpop },
    )
  }

  async complete(back) {
    const { verifier, state } = this.#waiting
    this.#tokens = await client.authorizationCodeGrant(
      this.#config,
      back,
      { pkceCodeVerifier: verifier, expectedState: state },
      undefined,
      { DPoP: this.#dpop },
    )
    return this.#tokens
  }

  call(url, body) {
    const headers = new Headers({ 'content-type': 'application/json' })
    const { access_token } = this.#tokens
    return client.fetchProtectedResource(this.#config, access_token, url, 'POST', body, headers, { DPoP: this.#dpop })
  }

  callAsBearer(url) {
    return client.fetchProtectedResource(this.#config, this.#tokens.access_token, url, 'POST', '{}')
  }

  async refresh() {
    const { refresh_token } = this.#tokens
    const renewed = await client.refreshTokenGrant(this.#config, refresh_token, undefined, { DPoP: this.#dpop })
    this.#tokens = { ...this.#tokens, ...renewed }
    return renewed
  }

  // revoke ends the session by its access token; the other flow does it by the
  // refresh token.
  async revoke() {
    await client.tokenRevocation(this.#config, this.#tokens.access_token)
  }
}
