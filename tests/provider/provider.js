// The identity provider of the tests: `oidc-provider`, behind TLS, with sign-in forms that ask for a name alone.
//
// Reads JSON objects from standard input, one a line. The first has `certificate`, `key` (PEM), `clients`, `users` and, unless
// it is `localhost`, the `host` that the certificate is for; later ones replace `users`, or make new signing keys (`rotate`). Answers each with a line, the first with its issuer.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

let users = {};
let clients = [];
let issuer;
let provider;
let keys;

const page = (body) => `<!doctype html><link rel="icon" href="data:,"><title>Sign in</title>${body}`;

function describe(name) {
  const { amr, acr, in_token, ...claims } = users[name] ?? {};
  return { amr, acr, claims: { sub: name, ...claims } };
}

function renewKeys() {
  const kid = randomBytes(8).toString('hex');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  keys = [
    { ...rsa.export({ format: 'jwk' }), kid: `rsa-${kid}`, use: 'sig', alg: 'RS256' },
    { ...privateKey.export({ format: 'jwk' }), kid: `ec-${kid}`, use: 'sig', alg: 'ES256' },
  ];
}

function renew() {
  provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    cookies: { keys: ['of a provider that lives for one test'] },
    claims: { openid: ['sub', 'acr', 'amr'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
    // The default: what the scopes `email` and `profile` ask for stands at the UserInfo endpoint (Core 5.4).
    conformIdTokenClaims: !Object.values(users).some((user) => user.in_token),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => describe(id).claims }),
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 86400 },
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  provider.on('server_error', (_, fault) => console.error(fault));
}

async function interact(request, response) {
  if (request.method === 'GET') {
    const { params } = await provider.interactionDetails(request, response);
    const asked = `<p id="acr">${params.acr_values ?? ''}</p><p id="max_age">${params.max_age ?? ''}</p>`;
    response.setHeader('content-type', 'text/html');
    response.end(page(`<form method="post"><input name="login"><button>Sign in</button></form>${asked}`));
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const login = new URLSearchParams(body).get('login');
  const { amr, acr } = describe(login);
  const result = login === '' ? { error: 'access_denied' } : { login: { accountId: login, amr, acr } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function serve({ certificate, key }) {
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const handled = request.url.startsWith('/interaction/') ? interact(request, response) : provider.callback()(request, response);
    Promise.resolve(handled).catch((fault) => {
      console.error(fault);
      response.statusCode = 500;
      response.end();
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  users = said.users ?? users;
  if (said.clients) {
    clients = said.clients;
    issuer = `https://${said.host ?? 'localhost'}:${await serve(said)}`;
  }
  if (said.clients || said.rotate) renewKeys();
  renew();
  console.log(JSON.stringify({ issuer }));
}
process.exit(0);
