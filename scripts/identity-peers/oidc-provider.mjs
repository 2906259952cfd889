// An OpenID provider (npm oidc-provider) on loopback, with its own development pages for login and consent.
// Usage: node oidc-provider.mjs PORT AULA NOTICES userinfo|token
//   AULA: where browsers reach Aula; NOTICES: where this provider reaches it; claims are told at the page of claims alone, or in the
//   ID token too. Each start draws new keys.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, aula, notices, where] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const key = (type, options) => {
  const jwk = generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });
  return { ...jwk, use: 'sig', kid: randomUUID() };
};
const client = (id, more) => ({
  client_id: id,
  client_secret: `secret of ${id}: + % &`,
  redirect_uris: [`${aula}/identity/oidc/${id}`],
  response_types: ['code'],
  grant_types: ['authorization_code'],
  backchannel_logout_uri: `${notices}/identity/oidc/${id}/logout`,
  backchannel_logout_session_required: true,
  ...more,
});
const groups = (id) => (id.startsWith('head') ? ['heads'] : id.startsWith('j-') ? ['janitors'] : ['staff', 'teachers']);
const provider = new Provider(issuer, {
  jwks: { keys: [key('rsa', { modulusLength: 2048 }), key('ec', { namedCurve: 'P-256' }), key('ec', { namedCurve: 'P-384' }), key('ed25519')] },
  clients: [
    client('basic', {}),
    client('post', { token_endpoint_auth_method: 'client_secret_post' }),
    client('public', { token_endpoint_auth_method: 'none', client_secret: undefined }),
    client('rs512', { id_token_signed_response_alg: 'RS512' }),
    client('ps256', { id_token_signed_response_alg: 'PS256' }),
    client('es256', { id_token_signed_response_alg: 'ES256' }),
    client('es384', { id_token_signed_response_alg: 'ES384' }),
    client('eddsa', { id_token_signed_response_alg: 'EdDSA' }),
    client('hs256', { id_token_signed_response_alg: 'HS256' }),
    client('token', {}),
    client('wrong', {}),
    client('signed', { userinfo_signed_response_alg: 'PS256' }),
  ],
  enabledJWA: {
    idTokenSigningAlgValues: ['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'HS256'],
    userinfoSigningAlgValues: ['PS256'],
  },
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: { openid: ['sub'], profile: ['preferred_username', 'updated_at'], email: ['email', 'email_verified'], groups: ['groups'] },
  conformIdTokenClaims: where !== 'token',
  features: {
    backchannelLogout: { enabled: true },
    jwtUserinfo: { enabled: true },
    devInteractions: { enabled: true },
  },
  // What providers write that the standard does not: a truth value as a text, a time as a date.
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      preferred_username: id,
      email: `${id}@East.Example`,
      email_verified: 'true',
      updated_at: '2026-11-30T02:00:00.000Z',
      groups: groups(id),
    }),
  }),
  // Its own dispatcher is for a newer node than Debian's.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  cookies: { keys: [randomUUID()] },
  pkce: { required: () => true },
});
for (const event of ['server_error', 'grant.error', 'userinfo.error', 'backchannel.error']) {
  provider.on(event, (...all) => console.error(event, all.filter((one) => one instanceof Error).map((one) => `${one.message} ${one.error_detail ?? ''}`)));
}
provider.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${issuer}`));
